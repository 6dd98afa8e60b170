from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.unit.benchmarks.scored_answers import judge, open_sample, prompt_of

LoadModule = Callable[[str], ModuleType]

QUESTION = (
    "Respond with only the letter (A, B, C, or D) of the correct option.\n"
    "Which colour comes first?\nA. Green.\nB. Red.\nC. Blue.\nD. White.\n"
    "The best answer is:"
)


@pytest.fixture
def utils(load_module: LoadModule) -> ModuleType:
    return load_module("videomme/utils.py")


# "Which colour comes first?" Red, which is B.
@pytest.mark.parametrize(
    ("answer", "score", "status"),
    [
        ("B", 1.0, "found"),
        ("b", 1.0, "found"),
        ("(B)", 1.0, "found"),
        ("B. Red.", 1.0, "found"),
        ("Red", 1.0, "found"),
        ("The answer is B because A is wrong", 1.0, "found"),
        ("I choose B over A", 1.0, "found"),
        ("The best answer is: B", 1.0, "found"),
        ("A", 0.0, "found"),
        ("A. Red", 0.0, "found"),
        ("A film begins", 0.0, "none"),
        ("A or B", 0.0, "ambiguous"),
        ("E", 0.0, "none"),
        ("", 0.0, "none"),
    ],
)
def test_the_letter_of_an_answer_decides(
    answer: str, score: float, status: str
) -> None:
    judged = judge("videomme/videomme.yaml", "001-1", answer)

    assert judged.metrics == {"accuracy": score, "short": score}
    assert judged.statuses == (status,)


def test_an_unknown_length_is_named(utils: ModuleType) -> None:
    with pytest.raises(ValueError, match="unknown duration 'brief'; valid: short"):
        utils.process_results({"duration": "brief", "answer": "A"}, ["A"])


def test_subtitles_are_mentioned_only_where_they_are_shown() -> None:
    plain = prompt_of("videomme/videomme.yaml", "001-1")
    subtitled = prompt_of("videomme/videomme_w_subtitle.yaml", "001-1")

    begin = "Select the best answer to the following multiple-choice question based on "
    assert plain == f"{begin}the video. {QUESTION}"
    assert subtitled == (
        "This video's subtitles are listed below: \nA red evening.\nThen blue again.\n"
        f"{begin}the video and the subtitles. {QUESTION}"
    )


def test_a_film_without_subtitles_says_so() -> None:
    prompt = prompt_of("videomme/videomme_w_subtitle.yaml", "002-1")

    assert prompt.splitlines()[1] == "No subtitles available"


def test_subtitles_are_read_without_markup(utils: ModuleType) -> None:
    content = (
        "\ufeff1\r\n00:00:01,500 --> 00:00:02,000\r\n<i>Good</i>\r\nmorning.\r\n\r\n"
        "2\r\n01:02:03.250 --> 01:02:04.000\r\n{\\an8}Bye\r\n\r\n"
        "3\n00:00:05,000 --> 00:00:06,000\n\n"
    )

    assert utils.read_subtitles(content) == [
        (1.5, 2.0, "Good morning."),
        (3723.25, 3724.0, "Bye"),
    ]


def test_a_subtitle_without_times_is_an_error(utils: ModuleType) -> None:
    with pytest.raises(ValueError, match="a subtitle without times: 'hello'"):
        utils.read_subtitles("hello\n")


@pytest.mark.parametrize(
    ("frames", "shown"),
    # Of 101 frames at ten a second: 0; 0 and 100; 0, 50, 100; all.
    [(1, "a"), (2, "a"), (3, "ac"), (101, "abc")],
)
def test_subtitles_are_those_of_frames_spread_evenly(
    utils: ModuleType, frames: int, shown: str
) -> None:
    subtitles = [
        utils.Subtitle(0.0, 1.0, "a"),
        utils.Subtitle(1.0, 5.0, "b"),
        utils.Subtitle(5.0, 5.1, "c"),
        # Between two frames: nobody could have read it.
        utils.Subtitle(6.01, 6.05, "d"),
    ]

    chosen = utils.shown_with(subtitles, frames, 101, 10.0)

    assert "".join(subtitle.text for subtitle in chosen) == shown


def test_films_are_looked_for_where_the_hub_keeps_its_files(
    utils: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    film = tmp_path / "videomme" / "data" / "xyz.mkv"
    film.parent.mkdir(parents=True)
    film.touch()

    assert utils.video({"videoID": "xyz"}) == [{"type": "video", "path": str(film)}]
    with pytest.raises(FileNotFoundError, match=r"no film abc\.mp4 in .*HF_HOME"):
        utils.video({"videoID": "abc"})


def test_questions_about_one_film_are_one_cluster() -> None:
    opened = open_sample("videomme/videomme.yaml")

    assert opened.task.scoring.cluster_key == "videoID"
