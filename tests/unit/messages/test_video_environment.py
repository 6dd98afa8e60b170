from __future__ import annotations

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.messages.video_environment import (
    decoder_of_environment,
    total_pixels_of_environment,
)

_LMMS, _QWEN = "LMMS_VIDEO_DECODE_BACKEND", "FORCE_QWENVL_VIDEO_READER"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (_LMMS, _QWEN, "VIDEO_MAX_PIXELS"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, "pyav"),
        ({_LMMS: "TorchCodec"}, "torchcodec"),
        ({_QWEN: "decord"}, "decord"),
        ({_QWEN: "torchvision"}, "pyav"),
        ({_LMMS: "decord", _QWEN: "torchcodec"}, "decord"),
        ({_LMMS: " "}, "pyav"),
    ],
)
def test_the_environment_names_the_decoder(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, str], expected: str
) -> None:
    for variable, value in said.items():
        monkeypatch.setenv(variable, value)

    assert decoder_of_environment() == expected


def test_a_decoder_that_is_not_ours_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_LMMS, "dali")

    with pytest.raises(OptionError, match="LMMS_VIDEO_DECODE_BACKEND is 'dali'"):
        decoder_of_environment()


@pytest.mark.parametrize(
    ("said", "expected"), [("", None), ("1000", 2000), ("9.5e3", 19_000)]
)
def test_the_environment_bounds_the_pixels_of_a_video(
    monkeypatch: pytest.MonkeyPatch, said: str, expected: int | None
) -> None:
    monkeypatch.setenv("VIDEO_MAX_PIXELS", said)

    assert total_pixels_of_environment() == expected


@pytest.mark.parametrize("said", ["many", "0", "-1", "inf"])
def test_pixels_that_are_no_number_are_told(
    monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv("VIDEO_MAX_PIXELS", said)

    with pytest.raises(OptionError, match=f"VIDEO_MAX_PIXELS .* got '{said}'"):
        total_pixels_of_environment()
