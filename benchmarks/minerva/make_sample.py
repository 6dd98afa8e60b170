"""Make the sample of MINERVA: a film of two seconds with questions.

``python benchmarks/minerva/make_sample.py`` writes ``sample/`` beside this file, in the
form of the real data set. Nothing in it is taken from there. It needs PyAV
(``pytest-evalkit[video]``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SIDE, FPS, FRAMES = 64, 8, 16
FILM = "sample-disc"
# The question, its five answers, the position of the right one, what it takes.
QUESTIONS = (
    (
        "Where does the disc go?",
        ("To the left", "To the right", "Up", "Down", "Nowhere"),
        1,
        "Spatial Perception",
    ),
    (
        "How many discs are there in all?",
        ("1", "2", "3", "4", "5"),
        0,
        "Counting",
    ),
    (
        "What happens to the light?",
        ("It goes out", "It flickers", "It turns red", "It turns blue", "Nothing"),
        4,
        "State Changes",
    ),
)


def write_film(path: Path) -> None:
    """Write a film of a disc that goes to the right."""
    import av
    from PIL import Image, ImageDraw

    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=FPS)
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for number in range(FRAMES):
            image = Image.new("RGB", (SIDE, SIDE), "white")
            left = 3 * number
            ImageDraw.Draw(image).ellipse((left, 24, left + 14, 38), fill="purple")
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode())


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample."""
    rows = []
    for number, (question, answers, right, kind) in enumerate(QUESTIONS):
        row = {
            "key": f"{FILM}:{number}",
            "video_id": FILM,
            "question": question,
            "answer": answers[right],
            "answer_id": right,
            "reasoning": f"The film shows it from 00:00 on: {answers[right]}.",
            "question_type": kind,
            "split": "test",
            "category": "Short Films",
        }
        choices = {f"answer_choice_{n}": answer for n, answer in enumerate(answers)}
        rows.append(row | choices)
    return rows


def main() -> None:
    """Write the sample beside this file."""
    folder = Path(__file__).parent / "sample"
    (folder / "videos").mkdir(parents=True, exist_ok=True)
    write_film(folder / "videos" / f"{FILM}.mp4")
    lines = "".join(json.dumps(row) + "\n" for row in plan_rows())
    (folder / "test.jsonl").write_text(lines, encoding="utf-8")


if __name__ == "__main__":
    main()
