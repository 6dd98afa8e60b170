"""Ask and score Video-MME: questions about films, with or without their subtitles.

Prompts are those of Fu et al., "Video-MME: The First-Ever Comprehensive Evaluation
Benchmark of Multi-modal LLMs in Video Analysis", 2024, arXiv 2405.21075.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pytest_evalkit.compat import hub_home

_LENGTHS = ("short", "medium", "long")
_SUFFIXES = ("mp4", "MP4", "mkv")
_TIMES = re.compile(r"(\d+):(\d+):(\d+)[,.](\d+)\s*-->\s*(\d+):(\d+):(\d+)[,.](\d+)")
_MARKUP = re.compile(r"<[^<>]*>|\{\\[^{}]*\}")


class Subtitle(NamedTuple):
    """What is said, and when, in seconds from the beginning."""

    start_s: float
    end_s: float
    text: str


def video(doc: Mapping[str, Any]) -> list[dict[str, str]]:
    """Give the film of a document, as a list of one.

    Raises:
        FileNotFoundError: It is not on this machine.
    """
    return [{"type": "video", "path": str(_film(doc))}]


def text(doc: Mapping[str, Any]) -> str:
    """Write the question without subtitles."""
    return _question(doc, "the video")


def text_with_subtitles(
    doc: Mapping[str, Any], lmms_eval_specific_kwargs: Mapping[str, Any]
) -> str:
    """Write the question behind the subtitles of its film.

    Args:
        doc: A row of the data set.
        lmms_eval_specific_kwargs: ``frame_num``: of how many frames, spread evenly, the
            subtitles are listed; None for all subtitles.

    Raises:
        FileNotFoundError: The film is not on this machine.
        ValueError: The file of its subtitles is damaged.
    """
    said = _said(doc, lmms_eval_specific_kwargs["frame_num"])
    question = _question(doc, "the video and the subtitles")
    return f"This video's subtitles are listed below: \n{said}\n{question}"


def read_subtitles(content: str) -> list[Subtitle]:
    """Read the subtitles of an SRT file, without markup.

    Raises:
        ValueError: A block has no times.
    """
    found = []
    for block in re.split(r"\n\s*\n", content.replace("\r\n", "\n").strip("\ufeff\n ")):
        times = _TIMES.search(block)
        if times is None:
            if block.strip():
                raise ValueError(f"a subtitle without times: {block[:60]!r}")
            continue
        numbers = times.groups()
        lines = _MARKUP.sub("", block[times.end() :]).split("\n")
        said = " ".join(line.strip() for line in lines if line.strip())
        found.append(Subtitle(_seconds(numbers[:4]), _seconds(numbers[4:]), said))
    return [subtitle for subtitle in found if subtitle.text]


def shown_with(
    subtitles: Sequence[Subtitle], frames: int, total: int, fps: float
) -> list[Subtitle]:
    """Choose the subtitles that stand in one of some frames, spread evenly.

    Args:
        subtitles: All of them, in order.
        frames: How many frames are looked at; at least one.
        total: How many the film has.
        fps: How many a second.
    """
    step = (total - 1) / max(1, frames - 1)
    looked_at = [int(step * number) for number in range(frames)]
    return [
        subtitle
        for subtitle in subtitles
        if any(
            int(subtitle.start_s * fps) <= frame < int(subtitle.end_s * fps)
            for frame in looked_at
        )
    ]


def process_results(
    doc: Mapping[str, Any], results: Sequence[str | None]
) -> dict[str, float]:
    """Score one answer.

    Args:
        doc: A row of the data set.
        results: The letter that was found, as a list of one, or None.

    Returns:
        1 or 0 for all questions, and the same for those about films of this length.

    Raises:
        ValueError: The length is unknown.
    """
    length = doc["duration"]
    if length not in _LENGTHS:
        raise ValueError(f"unknown duration {length!r}; valid: {', '.join(_LENGTHS)}")
    score = float(results[0] == doc["answer"])
    return {"accuracy": score, length: score}


def _question(doc: Mapping[str, Any], shown: str) -> str:
    lines = (
        (
            "Select the best answer to the following multiple-choice question based on "
            f"{shown}. Respond with only the letter (A, B, C, or D) of the correct option."
        ),
        doc["question"],
        *doc["options"],
        "The best answer is:",
    )
    return "\n".join(lines)


def _folders() -> tuple[Path, Path]:
    return hub_home() / "videomme", Path(__file__).resolve().parent / "sample"


def _film(doc: Mapping[str, Any]) -> Path:
    for folder in _folders():
        for suffix in _SUFFIXES:
            path = folder / "data" / f"{doc['videoID']}.{suffix}"
            if path.is_file():
                return path
    raise FileNotFoundError(
        f"no film {doc['videoID']}.mp4 in {_folders()[0] / 'data'}; unpack the archives "
        "of the data set there (HF_HOME moves the place)"
    )


def _said(doc: Mapping[str, Any], frames: int | None) -> str:
    film = _film(doc)
    path = film.parent.parent / "subtitle" / f"{doc['videoID']}.srt"
    if not path.is_file():
        return "No subtitles available"
    subtitles = read_subtitles(path.read_text(encoding="utf-8"))
    if frames is not None:
        subtitles = shown_with(subtitles, frames, *_frames_of(film))
    return "\n".join(subtitle.text for subtitle in subtitles)


def _frames_of(film: Path) -> tuple[int, float]:
    """Tell how many frames a film has, and how many a second, without decoding it."""
    import av

    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        fps = float(stream.average_rate or stream.base_rate)
        duration_s = (container.duration or 0) / av.time_base
        return stream.frames or int(duration_s * fps), fps


def _seconds(numbers: Sequence[str]) -> float:
    hours, minutes, seconds, thousandths = map(int, numbers)
    return hours * 3600 + minutes * 60 + seconds + thousandths / 1000
