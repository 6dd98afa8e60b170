"""Make the sample of LongVideoBench: two small films with subtitles and questions.

``python benchmarks/longvideobench/make_sample.py`` writes ``sample/`` beside this file,
in the form of the real data set. Nothing in it is taken from there. It needs PyAV
(``pytest-evalkit[video]``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SIDE = 64
# Name: seconds, frames a second, the colours of its parts.
FILMS = {
    "brief": (3, 8, ("red", "white", "blue")),
    "longer": (20, 2, ("green", "yellow", "black", "orange")),
}
# When the longer film begins by the clock of its subtitles.
START_S = 5.0
SUBTITLES = {
    "brief": [
        {"start": "00:00:00.100", "end": "00:00:01.900", "line": "A red wall."},
        {"start": "00:00:02.500", "end": "00:00:02.900", "line": "And a blue one."},
    ],
    "longer": [
        {"timestamp": [5.0, 9.0], "text": "Green, at first."},
        {"timestamp": [14.1, 14.4], "text": "Now it is yellow, quickly."},
        {"timestamp": [21.0, None], "text": "Orange to the end."},
    ],
}
# Film, group of lengths, question, its options, the position of the right one.
QUESTIONS = (
    (
        "brief",
        15,
        "Which wall comes last?",
        ("Red", "Blue", "White", "Pink", "Grey"),
        1,
    ),
    ("brief", 60, "Is there a white wall?", ("Yes", "No"), 0),
    ("longer", 600, "What comes after yellow?", ("Green", "Orange", "Black", "Red"), 2),
    ("longer", 3600, "What lasts to the end?", ("Green", "Yellow", "Orange"), 2),
)


def write_film(path: Path, seconds: int, fps: int, colours: tuple[str, ...]) -> None:
    """Write a film whose parts have one colour each, with a disc that moves."""
    import av
    from PIL import Image, ImageDraw

    frames = seconds * fps
    with av.open(str(path), "w") as container:
        # Without loss and in RGB, so that every decoder gives the same pixels.
        stream: Any = container.add_stream("libx264rgb", rate=fps)
        stream.width = stream.height = SIDE
        stream.pix_fmt = "rgb24"
        stream.options = {"qp": "0"}
        for number in range(frames):
            colour = colours[number * len(colours) // frames]
            image = Image.new("RGB", (SIDE, SIDE), colour)
            ImageDraw.Draw(image).ellipse((number, 20, number + 16, 36), fill="gray")
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode())


def plan_rows() -> list[dict[str, Any]]:
    """Give the rows of the sample; options that a question lacks are N/A."""
    rows = []
    for number, (film, group, question, options, right) in enumerate(QUESTIONS):
        given = (*options, *["N/A"] * 5)[:5]
        row = {
            "video_id": f"sample-{film}",
            "question": question,
            "question_wo_referring_query": question,
            "correct_choice": right,
            "position": [0],
            "topic_category": "LD-Lifestyle",
            "question_category": "E2O",
            "level": "IntraMoment",
            "id": f"sample-{film}_{number}",
            "video_path": f"sample-{film}.mp4",
            "subtitle_path": f"sample-{film}_en.json",
            "duration_group": group,
            "starting_timestamp_for_subtitles": 0.0 if film == "brief" else START_S,
            "duration": float(FILMS[film][0]),
            "view_count": 1,
        }
        rows.append(row | {f"option{n}": option for n, option in enumerate(given)})
    return rows


def main() -> None:
    """Write the sample beside this file."""
    from datasets import Dataset

    folder = Path(__file__).parent / "sample"
    for name in ("videos", "subtitles"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for film, parts in FILMS.items():
        write_film(folder / "videos" / f"sample-{film}.mp4", *parts)
        path = folder / "subtitles" / f"sample-{film}_en.json"
        path.write_text(json.dumps(SUBTITLES[film], indent=1) + "\n", encoding="utf-8")
    Dataset.from_list(plan_rows()).to_parquet(folder / "validation.parquet")


if __name__ == "__main__":
    main()
