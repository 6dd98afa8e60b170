from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.messages.frame_choice import (
    FrameChoice,
    chosen_positions,
    fitted_size,
)


def choice(nframes: int = 8, fps: float | None = None, **more: Any) -> FrameChoice:
    given = {"max_frames": 768, "min_pixels": 1, "max_pixels": 10**9, **more}
    return FrameChoice(nframes=nframes, fps=fps, **given)


@pytest.mark.parametrize(
    ("count", "how", "expected"),
    [
        (7, choice(4), [0, 2, 4, 6]),
        (100, choice(2), [0, 99]),
        (100, choice(1), [0]),
        (3, choice(8), [0, 1, 2]),
        (1, choice(8), [0]),
        # 10 s at 10 frames a second; half a frame a second is 5 frames.
        (100, choice(fps=0.5), [0, 25, 50, 74, 99]),
        (100, choice(fps=0.01), [0]),
        (100, choice(64, max_frames=2), [0, 99]),
        (100, choice(fps=10, max_frames=3), [0, 50, 99]),
    ],
)
def test_frames_are_spread_evenly(
    count: int, how: FrameChoice, expected: list[int]
) -> None:
    # 49.5 rounds to the even 50, and 74.25 down.
    times_s = [number / 10 for number in range(count)]

    assert chosen_positions(times_s, how) == expected


@pytest.mark.parametrize(
    ("size", "bounds", "expected"),
    [
        ((400, 100), (1, 40_000), (400, 100)),
        ((400, 100), (1, 10_000), (200, 50)),
        ((40, 10), (1_600, 2_000), (80, 20)),
        ((10_000, 1), (1, 100), (1_000, 1)),
    ],
)
def test_sizes_keep_their_proportions(
    size: tuple[int, int], bounds: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert fitted_size(*size, *bounds) == expected


@pytest.mark.parametrize(
    ("count", "how", "expected"),
    [
        (100, choice(5, frame_multiple=2), 4),
        (7, choice(64, frame_multiple=2), 6),
        (1, choice(64, frame_multiple=2), 1),
        # 10 s at a tenth of a frame a second.
        (100, choice(fps=0.1, min_frames=4), 4),
        (3, choice(fps=0.1, min_frames=4), 3),
        (100, choice(fps=0.1, min_frames=4, max_frames=2), 2),
        (100, choice(2, min_frames=4), 2),
    ],
)
def test_the_number_of_frames_has_bounds(
    count: int, how: FrameChoice, expected: int
) -> None:
    times_s = [number / 10 for number in range(count)]

    assert len(chosen_positions(times_s, how)) == expected


@pytest.mark.parametrize(
    ("size", "bounds", "expected"),
    [
        # 100 / 28 is nearer to 4 and 60 / 28 to 2.
        ((100, 60), (1, 10**9), (112, 56)),
        ((10, 10), (1, 10**9), (28, 28)),
        # sqrt(5000 / 10000) of each side is 70.7, in which 28 goes twice.
        ((100, 100), (1, 5_000), (56, 56)),
        # sqrt(20000 / 10000) of each side is 141.4, for which 28 is needed six times.
        ((100, 100), (20_000, 10**9), (168, 168)),
    ],
)
def test_sides_may_be_multiples(
    size: tuple[int, int], bounds: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert fitted_size(*size, *bounds, multiple=28) == expected


def test_frames_share_a_number_of_pixels() -> None:
    how = choice(total_pixels=40_000, min_pixels=100)

    # A tenth of the pixels each is 4000: 40 by 100 fit, and 160 by 400 are four times
    # as wide.
    assert how.size(100, 40, 10) == (100, 40)
    assert how.size(400, 160, 10) == (100, 40)
    assert how.size(400, 160, 10**9) == fitted_size(400, 160, 100, 100)
