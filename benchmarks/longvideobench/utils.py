"""Ask and score LongVideoBench: questions about films, or about frames and subtitles.

Frames and subtitles stand in the order of their times, as the loader of Wu et al. has
them ("LongVideoBench: A Benchmark for Long-context Interleaved Video-Language
Understanding", 2024, arXiv 2407.15754).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pytest_evalkit.compat import hub_home

_OPTIONS = 5
_ABSENT = "N/A"
_MOST_FRAMES = 16
_IMAGE = "<image>"
_GROUPS = (15, 60, 600, 3600)


class Subtitle(NamedTuple):
    """What is said, and when, in seconds from the beginning of the film."""

    start_s: float
    end_s: float
    text: str


def letters(doc: Mapping[str, Any]) -> list[str]:
    """Name the options that a question has."""
    return [letter for letter, _ in _options(doc)]


def text(doc: Mapping[str, Any]) -> str:
    """Write the question with its options."""
    options = "\n".join(f"{letter}. {option}" for letter, option in _options(doc))
    instruction = "Answer with the option's letter from the given choices directly."
    return f"{doc['question']}\n{options}\n{instruction}\n"


def text_with_frames(doc: Mapping[str, Any]) -> str:
    """Write the question behind places for frames, and subtitles between them.

    Raises:
        FileNotFoundError: The subtitles are not on this machine.
        ValueError: They have another form.
    """
    path = _file(doc, "subtitles", doc["subtitle_path"])
    told = json.loads(path.read_text(encoding="utf-8"))
    start_s, length_s = doc["starting_timestamp_for_subtitles"], doc["duration"]
    subtitles = [read_subtitle(one, start_s, length_s) for one in told]
    shown = interleaved(frame_times(length_s), subtitles)
    return f"{shown}\n{text(doc)}"


def video(doc: Mapping[str, Any]) -> list[dict[str, str]]:
    """Give the film of a document, as a list of one.

    Raises:
        FileNotFoundError: It is not on this machine.
    """
    path = _file(doc, "videos", doc["video_path"])
    return [{"type": "video", "path": str(path)}]


def frames(doc: Mapping[str, Any]) -> list[Any]:
    """Give the frames of a film as PIL images: sixteen, or one a second.

    Raises:
        FileNotFoundError: The film is not on this machine.
        ValueError: It ends before one of them.
    """
    import av

    path = _file(doc, "videos", doc["video_path"])
    with av.open(str(path)) as film:
        return [_frame_at(film, time_s) for time_s in frame_times(doc["duration"])]


def frame_times(length_s: float) -> list[float]:
    """Say when frames are taken: sixteen of them, or one a second of a short film."""
    if length_s > _MOST_FRAMES:
        return [length_s / _MOST_FRAMES * number for number in range(_MOST_FRAMES)]
    return [float(second) for second in range(max(1, int(length_s)))]


def read_subtitle(told: Mapping[str, Any], start_s: float, length_s: float) -> Subtitle:
    """Read a subtitle in either of the two forms that the data set has.

    Args:
        told: ``timestamp`` (begin and end in seconds, the end None where it is that of
            the film) and ``text``, or ``start`` and ``end`` as hours, minutes and
            seconds, and ``line``.
        start_s: When the film begins, by the clock of the subtitles.
        length_s: How long it is.
    """
    if "timestamp" in told:
        begin, end = told["timestamp"]
        end = length_s + start_s if end is None else end
        return Subtitle(begin - start_s, end - start_s, told["text"])
    begin, end = _seconds(told["start"]), _seconds(told["end"])
    return Subtitle(begin - start_s, end - start_s, told["line"])


def interleaved(times_s: Sequence[float], subtitles: Sequence[Subtitle]) -> str:
    """Line up places for frames, and the subtitles that one of them shows, by time.

    A subtitle stands at the middle of its time, behind a frame of that moment. One
    during which no frame is taken is left out; it counts as lasting a second at least.
    """
    lines = [(time_s, 0, _IMAGE) for time_s in times_s]
    for subtitle in subtitles:
        middle_s = (subtitle.start_s + subtitle.end_s) / 2
        reach_s = max(subtitle.end_s - subtitle.start_s, 1.0) / 2
        if any(abs(time_s - middle_s) < reach_s for time_s in times_s):
            lines.append((middle_s, 1, subtitle.text))
    return "\n".join(line for _, _, line in sorted(lines, key=lambda line: line[:2]))


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
        ValueError: The group of lengths is unknown.
    """
    group = doc["duration_group"]
    if group not in _GROUPS:
        raise ValueError(f"unknown duration_group {group!r}; valid: {_GROUPS}")
    score = float(results[0] == "ABCDE"[doc["correct_choice"]])
    return {"accuracy": score, f"up_to_{group}_s": score}


def _options(doc: Mapping[str, Any]) -> list[tuple[str, str]]:
    options = [doc[f"option{number}"] for number in range(_OPTIONS)]
    return [
        (letter, option)
        for letter, option in zip("ABCDE", options, strict=True)
        if option != _ABSENT
    ]


def _file(doc: Mapping[str, Any], kind: str, name: str) -> Path:
    """Find a file of the data set, or of the sample."""
    home = hub_home() / "datasets" / "longvideobench"
    for folder in (home, Path(__file__).resolve().parent / "sample"):
        path = folder / kind / name
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"{doc['id']} needs {home / kind / name}, which does not exist; unpack the "
        "archives of the data set there (HF_HOME moves the place)"
    )


def _frame_at(film: Any, time_s: float) -> Any:
    """Decode the first frame that is shown at a time or later, from the nearest key."""
    import av

    # Times of a film in binary fractions may be a little off.
    wanted_s = time_s - 1e-3
    film.seek(max(0, int(wanted_s * av.time_base)), backward=True)
    for frame in film.decode(video=0):
        if frame.time >= wanted_s:
            return frame.to_image()
    raise ValueError(f"the film ends before {time_s:g} s")


def _seconds(clock: str) -> float:
    hours, minutes, seconds = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
