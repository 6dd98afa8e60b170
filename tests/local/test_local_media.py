from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_evalkit.errors import DatasetError, RequestRejectedError
from pytest_evalkit.messages import (
    AudioPart,
    AudioSource,
    Frame,
    ImagePart,
    ImageSource,
    VideoFrames,
    VideoPart,
    VideoSource,
)
from pytest_evalkit.models.local.qwen_showing import QwenShowRule
from tests.local.asking import ask, made, picture, question


def prepared(backend: Any, request: Any) -> Any:
    """Give what the model would get."""
    try:
        return backend._running.load().preparing.generate(request).payload
    finally:
        asyncio.run(backend.aclose())


def spelt(backend: Any, work: Any) -> str:
    """Give what the model reads, special tokens and all."""
    tokenizer = backend._running.load().checkpoint.tokenizer
    text: str = tokenizer.decode(list(work.prompt), skip_special_tokens=False)
    return text


def frames(times_s: Sequence[float], size: tuple[int, int] = (64, 48)) -> VideoPart:
    from PIL import Image

    shown = tuple(
        Frame(ImageSource.of(Image.new("RGB", size, (n % 256, 0, 255 - n))), time_s)
        for n, time_s in enumerate(times_s)
    )
    return VideoPart(VideoFrames(shown))


def test_sixty_four_images_arrive_as_sixty_four_different_ones(
    tiny_qwen2_5_vl: Path,
) -> None:
    from PIL import Image

    images = [
        ImagePart(ImageSource.of(Image.new("RGB", (32, 32), (n * 3, 255 - n, n))))
        for n in range(64)
    ]

    work = prepared(
        made("qwen2_5_vl", tiny_qwen2_5_vl, max_length=8000),
        question("Which?", *images),
    )

    grid = work.inputs["image_grid_thw"]
    assert grid.shape == (64, 3)
    pictures = work.inputs["pixel_values"].reshape(64, -1)
    assert len({tuple(one.tolist()) for one in pictures}) == 64
    # Colours rise as they were made: the order is kept.
    greys = pictures.mean(dim=1)
    assert greys.argsort().tolist() == list(range(64))


def test_images_are_scaled_between_the_bounds_of_the_family(
    tiny_qwen2_5_vl: Path,
) -> None:
    from PIL import Image

    images = [
        ImagePart(ImageSource.of(Image.new("RGB", size)))
        for size in ((300, 100), (20, 10), (50, 50))
    ]
    backend = made(
        "qwen2_5_vl", tiny_qwen2_5_vl, min_pixels=48 * 48, max_pixels=96 * 96
    )

    work = prepared(backend, question("Which?", *images))

    # The tiny model reads patches of 8 pixels, four of them as one token.
    sizes = [(8 * h, 8 * w) for _, h, w in work.inputs["image_grid_thw"].tolist()]
    assert all(side % 16 == 0 for size in sizes for side in size)
    assert all(48 * 48 <= height * width <= 96 * 96 for height, width in sizes)
    assert sizes[2] == (48, 48)
    assert sizes[0][1] > 2 * sizes[0][0]


@pytest.mark.parametrize(
    ("own", "told", "expected"),
    [
        # Those of the published checkpoints leave the usual bounds alone.
        ((3136, 12_845_056), {}, (200_704, 1_605_632)),
        ((9216, 9216), {}, (9216, 9216)),
        ((400_000, 12_845_056), {}, (400_000, 1_605_632)),
        ((9216, 9216), {"min_pixels": 20_000}, (20_000, 20_000)),
        ((9216, 9216), {"max_pixels": 5_000}, (5_000, 5_000)),
        ((9216, 9216), {"min_pixels": 50, "max_pixels": 60}, (50, 60)),
    ],
)
def test_the_usual_bounds_stay_within_the_checkpoints_own(
    own: tuple[int, int], told: dict[str, Any], expected: tuple[int, int]
) -> None:
    sizes = dict(zip(("shortest_edge", "longest_edge"), own, strict=True))
    processor = SimpleNamespace(image_processor=SimpleNamespace(size=sizes))

    size = QwenShowRule(**told).images_kwargs(processor)["size"]

    assert (size["shortest_edge"], size["longest_edge"]) == expected


def seconds(text: str) -> list[float]:
    import re

    return [float(found) for found in re.findall(r"<(\d+\.\d) seconds>", text)]


@pytest.mark.parametrize(
    ("times_s", "expected"),
    [
        ([0.0, 1.0, 2.0, 3.0], [0.5, 2.5]),
        ([0.0, 0.5, 1.0, 1.5, 2.0, 2.5], [0.2, 1.2, 2.2]),
        # The rate changes: what counts is when each frame is shown.
        ([0.0, 0.2, 5.0, 9.0], [0.1, 7.0]),
    ],
)
def test_qwen3_vl_is_told_when_frames_are_shown(
    tiny_qwen3_vl: Path, times_s: list[float], expected: list[float]
) -> None:
    backend = made("qwen3_vl", tiny_qwen3_vl)

    work = prepared(backend, question("What happens?", frames(times_s)))

    assert seconds(spelt(backend, work)) == expected
    asyncio.run(backend.aclose())


def test_qwen2_5_vl_is_told_how_long_a_pair_of_frames_is_shown(
    tiny_qwen2_5_vl: Path,
) -> None:
    work = prepared(
        made("qwen2_5_vl", tiny_qwen2_5_vl),
        question("What happens?", frames([0.0, 2.0, 4.0, 6.0])),
    )

    assert work.inputs["second_per_grid_ts"].tolist() == [4.0]
    assert work.inputs["video_grid_thw"].tolist()[0][0] == 2


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        ({}, 32),
        ({"max_num_frames": 8}, 8),
        ({"nframes": 6}, 6),
        ({"fps": 2}, 32),
        ({"fps": 0.5}, 10),
        ({"fps": 0.01}, 4),
    ],
)
@pytest.mark.parametrize("name", ["qwen2_5_vl", "qwen3_vl"])
def test_as_many_frames_are_shown_as_asked(
    name: str,
    arguments: dict[str, Any],
    count: int,
    request: pytest.FixtureRequest,
) -> None:
    # Forty frames in twenty seconds.
    video = frames([n / 2 for n in range(40)])
    backend = made(name, request.getfixturevalue(f"tiny_{name}"), **arguments)

    work = prepared(backend, question("What happens?", video))

    assert work.inputs["video_grid_thw"].tolist()[0][0] == count // 2
    (note,) = work.notes
    assert note.count(" s)") == count


def test_frames_have_the_size_of_the_family_and_share_the_pixels_of_the_video(
    tiny_qwen3_vl: Path,
) -> None:
    video = frames([0.0, 1.0, 2.0, 3.0], size=(128, 128))
    plain = made("qwen3_vl", tiny_qwen3_vl)
    shared = made("qwen3_vl", tiny_qwen3_vl, total_pixels=2 * 64 * 64)

    one = prepared(plain, question("What?", video)).inputs["video_grid_thw"].tolist()
    two = prepared(shared, question("What?", video)).inputs["video_grid_thw"].tolist()

    assert one == [[2, 12, 12]]
    assert two == [[2, 8, 8]]


@pytest.mark.parametrize(
    ("name", "fixture"),
    [
        ("huggingface", "tiny_qwen2_5_vl"),
        ("huggingface", "tiny_qwen3_vl"),
        ("qwen2_5_vl", "tiny_qwen2_5_vl"),
        ("qwen3_vl", "tiny_qwen3_vl"),
    ],
)
def test_a_video_and_an_image_are_answered(
    name: str, fixture: str, request: pytest.FixtureRequest
) -> None:
    backend = made(name, request.getfixturevalue(fixture))
    asked = question("What happens?", picture(1), frames([0.0, 1.0, 2.0, 3.5]))

    answer = ask(backend, asked)

    assert answer.usage.output_tokens > 0
    assert answer.notes[0].startswith(
        "a video was shown as 4 frames: 0 (0.000 s), 1 (1.000 s)"
    )


@pytest.mark.parametrize("name", ["qwen2_5_vl", "qwen3_vl"])
def test_a_file_shows_the_frames_that_are_in_it(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    av = pytest.importorskip("av", reason="needs av")
    numpy = pytest.importorskip("numpy", reason="needs numpy")
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("mpeg4", rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for n in range(16):
            pixels = numpy.full((64, 64, 3), 15 * n, dtype=numpy.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels)):
                film.mux(packet)
        film.mux(stream.encode())
    backend = made(name, request.getfixturevalue(f"tiny_{name}"), fps=1)
    part = VideoPart(VideoSource.of(str(path)))

    work = prepared(backend, question("What happens?", part))

    (note,) = work.notes
    assert note.endswith("0 (0.000 s), 5 (1.250 s), 10 (2.500 s), 15 (3.750 s)")
    if name == "qwen3_vl":
        assert seconds(spelt(backend, work)) == [0.6, 3.1]
        asyncio.run(backend.aclose())


def test_images_may_be_shown_where_the_text_has_a_token_for_them(
    tiny_qwen2_5_vl: Path,
) -> None:
    asked = question("First <image 2>, then <image 1>!", picture(1), picture(4))
    backend = made("qwen2_5_vl", tiny_qwen2_5_vl, interleave_visuals=True)

    moved = prepared(backend, asked)
    text = spelt(backend, moved)
    asyncio.run(backend.aclose())

    plain = prepared(made("qwen2_5_vl", tiny_qwen2_5_vl), asked)
    swapped = moved.inputs["image_grid_thw"].tolist()
    assert swapped == plain.inputs["image_grid_thw"].tolist()[::-1]
    assert swapped[0] != swapped[1]
    before, between, after = text.replace("<|image_pad|>", "").split(
        "<|vision_start|><|vision_end|>"
    )
    assert before.endswith("First ")
    assert between == ", then "
    assert after.startswith("!")


def test_the_pixels_of_a_video_may_be_bounded_by_the_environment(
    tiny_qwen2_5_vl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_MAX_PIXELS", str(2 * 64 * 64))
    video = frames([0.0, 1.0, 2.0, 3.0], size=(128, 128))

    work = prepared(made("qwen2_5_vl", tiny_qwen2_5_vl), question("What?", video))

    assert work.inputs["video_grid_thw"].tolist() == [[2, 8, 8]]


def test_a_broken_image_is_the_error_of_its_question_alone(
    tiny_qwen2_5_vl: Path,
) -> None:
    broken = ImagePart(ImageSource.of_bytes(b"\x89PNG\r\n\x1a\n" + b"no image" * 9))
    backend = made("qwen2_5_vl", tiny_qwen2_5_vl, batch_size=4)

    async def both() -> list[Any]:
        requests = [question("What?", broken), question("What?", picture(1))]
        found = await asyncio.gather(
            *map(backend.generate, requests), return_exceptions=True
        )
        await backend.aclose()
        return found

    error, answer = asyncio.run(both())

    assert isinstance(error, DatasetError)
    assert answer.usage.output_tokens == 12


def test_a_model_of_text_alone_refuses_media_in_one_line(tiny_text: Path) -> None:
    with pytest.raises(RequestRejectedError, match="reads texts alone"):
        ask(made("huggingface", tiny_text), question("What?", picture(1)))


def test_a_model_without_ears_refuses_sounds(tiny_qwen2_5_vl: Path) -> None:
    sound = AudioPart(AudioSource.of({"array": [0.0, 0.5], "sampling_rate": 8000}))

    with pytest.raises(RequestRejectedError, match="the model takes no sounds"):
        ask(made("qwen2_5_vl", tiny_qwen2_5_vl), question("What?", sound))


def test_a_prompt_of_pictures_is_not_cut(tiny_qwen2_5_vl: Path) -> None:
    backend = made("qwen2_5_vl", tiny_qwen2_5_vl, max_length=40)

    with pytest.raises(RequestRejectedError, match="make images smaller"):
        ask(backend, question("What? " * 20, picture(1)))
