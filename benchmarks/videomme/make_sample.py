"""Make the sample of Video-MME: three films of two seconds, with questions.

``python benchmarks/videomme/make_sample.py`` writes ``sample/`` beside this file, in the
form of the real data set. Nothing in it is taken from there. It needs PyAV
(``pytest-evalkit[video]``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

SIDE, FPS, FRAMES = 64, 8, 16
# Length, colours of the two halves of the film, what is said in them (None for no
# subtitles), the questions with the position of the right option.
FILMS = (
    (
        "short",
        ("red", "blue"),
        ("A red evening.", "Then <i>blue</i> again."),
        (
            ("Which colour comes first?", ("Green", "Red", "Blue", "White"), 1),
            ("Which colour comes last?", ("Green", "Red", "Blue", "White"), 2),
        ),
    ),
    (
        "medium",
        ("white", "black"),
        None,
        (("What happens at the end?", ("It gets dark", "Rain", "Snow", "Dawn"), 0),),
    ),
    (
        "long",
        ("green", "yellow"),
        ("We walk on the lawn.", "Look, the sun."),
        (("What is said to be looked at?", ("A lawn", "A dog", "Us", "The sun"), 3),),
    ),
)
SUBTITLES = """1
00:00:00,000 --> 00:00:00,900
<font color="white" size=".72c">{}</font>

2
00:00:01,000 --> 00:00:01,900
<font color="white" size=".72c">{}</font>

"""


def write_film(path: Path, colours: tuple[str, str]) -> None:
    """Write a film whose halves have two colours, with a disc that moves."""
    import av
    from PIL import Image, ImageDraw

    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=FPS)
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for number in range(FRAMES):
            colour = colours[number * 2 // FRAMES]
            image = Image.new("RGB", (SIDE, SIDE), colour)
            left = 2 * number
            ImageDraw.Draw(image).ellipse((left, 20, left + 16, 36), fill="gray")
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode())


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample."""
    rows = []
    for film, (length, _, _, questions) in enumerate(FILMS, start=1):
        for number, (question, options, right) in enumerate(questions, start=1):
            row = {
                "video_id": f"{film:03}",
                "duration": length,
                "domain": "Life Record",
                "sub_category": "Daily Life",
                "url": f"https://example.org/watch?v=sample-{length}",
                "videoID": f"sample-{length}",
                "question_id": f"{film:03}-{number}",
                "task_type": "Temporal Perception",
                "question": question,
                "options": [
                    f"{letter}. {option}."
                    for letter, option in zip("ABCD", options, strict=True)
                ],
                "answer": "ABCD"[right],
            }
            rows.append(row)
    return rows


def main() -> None:
    """Write the sample beside this file."""
    from datasets import Dataset

    folder = Path(__file__).parent / "sample"
    for name in ("data", "subtitle"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for length, colours, said, _ in FILMS:
        write_film(folder / "data" / f"sample-{length}.mp4", colours)
        if said is not None:
            path = folder / "subtitle" / f"sample-{length}.srt"
            path.write_text(SUBTITLES.format(*said), encoding="utf-8")
    Dataset.from_list(plan_rows()).to_parquet(folder / "test.parquet")


if __name__ == "__main__":
    main()
