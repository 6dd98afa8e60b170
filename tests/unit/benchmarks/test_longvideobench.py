from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.unit.benchmarks.scored_answers import judge, open_sample, prompt_of

LoadModule = Callable[[str], ModuleType]

TASKS = [f"longvideobench/longvideobench_val_{shown}.yaml" for shown in ("v", "i")]


@pytest.fixture
def utils(load_module: LoadModule) -> ModuleType:
    return load_module("longvideobench/utils.py")


# "What lasts to the end?" has the options A to C, and C is right.
@pytest.mark.parametrize(
    ("answer", "score", "status"),
    [
        ("C", 1.0, "found"),
        ("(c)", 1.0, "found"),
        ("Based on the film, C", 1.0, "found"),
        ("The answer is C because A is wrong.", 1.0, "found"),
        ("Orange", 1.0, "found"),
        ("A", 0.0, "found"),
        ("C is wrong, so B", 0.0, "found"),
        # There are but three options.
        ("D", 0.0, "none"),
        ("E", 0.0, "none"),
        ("A wall is seen", 0.0, "none"),
        ("B or C", 0.0, "ambiguous"),
        ("N/A", 0.0, "none"),
        ("", 0.0, "none"),
    ],
)
def test_letters_are_those_of_the_question(
    answer: str, score: float, status: str
) -> None:
    judged = judge(TASKS[0], "sample-longer_3", answer)

    assert judged.metrics == {"accuracy": score, "up_to_3600_s": score}
    assert judged.statuses == (status,)


def test_an_unknown_group_of_lengths_is_named(utils: ModuleType) -> None:
    doc = {"duration_group": 30, "correct_choice": 0}

    with pytest.raises(ValueError, match="unknown duration_group 30"):
        utils.process_results(doc, ["A"])


def test_a_question_has_as_many_options_as_are_there() -> None:
    prompt = prompt_of(TASKS[0], "sample-brief_1")

    assert prompt == (
        "Is there a white wall?\nA. Yes\nB. No\n"
        "Answer with the option's letter from the given choices directly.\n"
    )


@pytest.mark.parametrize(
    ("length_s", "times"),
    [
        (32.0, [2.0 * number for number in range(16)]),
        (16.0, [float(second) for second in range(16)]),
        (3.9, [0.0, 1.0, 2.0]),
        (0.5, [0.0]),
    ],
)
def test_frames_are_sixteen_or_one_a_second(
    utils: ModuleType, length_s: float, times: list[float]
) -> None:
    assert utils.frame_times(length_s) == times


@pytest.mark.parametrize(
    ("told", "subtitle"),
    [
        ({"timestamp": [7.0, 9.5], "text": "a"}, (2.0, 4.5, "a")),
        ({"timestamp": [7.0, None], "text": "a"}, (2.0, 20.0, "a")),
        (
            {"start": "00:01:05.500", "end": "01:00:05.000", "line": "b"},
            (60.5, 3600.0, "b"),
        ),
    ],
)
def test_both_forms_of_subtitles_are_read_by_the_clock_of_the_film(
    utils: ModuleType, told: dict[str, Any], subtitle: tuple[float, float, str]
) -> None:
    assert utils.read_subtitle(told, 5.0, 20.0) == subtitle


def test_subtitles_stand_between_the_frames_that_they_belong_to(
    utils: ModuleType,
) -> None:
    subtitles = [
        utils.Subtitle(0.5, 1.5, "at one"),
        utils.Subtitle(1.9, 2.0, "short, and counted as a second"),
        utils.Subtitle(2.6, 3.4, "between two frames"),
        utils.Subtitle(3.0, 9.0, "to the end"),
    ]

    lines = utils.interleaved([0.0, 1.0, 2.0, 4.0], subtitles).split("\n")

    assert lines == [
        "<image>",
        "<image>",
        "at one",
        "short, and counted as a second",
        "<image>",
        "<image>",
        "to the end",
    ]


def test_frames_of_the_sample_show_the_colours_of_its_film(utils: ModuleType) -> None:
    documents = open_sample(TASKS[1]).documents

    brief, longer = (utils.frames(documents[row]) for row in (0, 2))

    corners = [frame.getpixel((63, 63)) for frame in brief]
    assert corners == [(255, 0, 0), (255, 255, 255), (0, 0, 255)]
    # Sixteen frames of four colours that last equally long: green, ..., orange.
    colours = [frame.getpixel((63, 63)) for frame in longer]
    assert [colours.count(colour) for colour in dict.fromkeys(colours)] == [4] * 4
    assert (colours[0], colours[-1]) == ((0, 128, 0), (255, 165, 0))


def test_a_film_that_is_too_short_is_an_error(utils: ModuleType) -> None:
    doc = open_sample(TASKS[1]).documents[0]

    with pytest.raises(ValueError, match="the film ends before 3 s"):
        utils.frames(doc | {"duration": 9.0})


def test_media_are_looked_for_where_the_hub_keeps_its_files(
    utils: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    film = tmp_path / "datasets" / "longvideobench" / "videos" / "x.mp4"
    film.parent.mkdir(parents=True)
    film.touch()

    found = utils.video({"id": "1", "video_path": "x.mp4"})

    assert found == [{"type": "video", "path": str(film)}]
    with pytest.raises(FileNotFoundError, match=r"2 needs .*y\.mp4, which does not"):
        utils.video({"id": "2", "video_path": "y.mp4"})
