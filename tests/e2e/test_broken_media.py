"""A run some of whose documents have media that are broken."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.mockserver import MockServer, serve_in_thread

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite


@pytest.fixture
def server() -> Iterator[str]:
    with serve_in_thread(MockServer(lambda _: "4")) as server:
        yield server.url


def picture() -> bytes:
    Image = pytest.importorskip("PIL.Image")  # noqa: N806 (its name)
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(buffer, format="PNG")
    return buffer.getvalue()


def film(path: Path) -> bytes:
    av, np = pytest.importorskip("av"), pytest.importorskip("numpy")
    with av.open(str(path), "w", container_options={"movflags": "faststart"}) as file:
        stream = file.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(20):
            pixels = np.full((48, 64, 3), 8 * number, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        file.mux(stream.encode())
    return path.read_bytes()


def sound(samples: int) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\1" * samples)
    return buffer.getvalue()


def documents(folder: Path) -> list[dict[str, Any]]:
    """Make a document for each kind of medium, with that one broken, and two sound."""
    whole = {
        "pic": ("a.png", picture()),
        "clip": ("a.mp4", film(folder / "a.mp4")),
        "said": ("a.wav", sound(8)),
    }
    broken: dict[str, Callable[[bytes], bytes]] = {
        "pic": lambda content: content[: len(content) // 2],
        "clip": lambda content: content[:-100],
        "said": lambda _: sound(0),
    }
    folder.mkdir(exist_ok=True)
    rows: list[dict[str, Any]] = [{"id": "sound", "question": "2+2", "answer": "4"}]
    for column, (name, content) in whole.items():
        (folder / name).write_bytes(content)
        (folder / f"broken-{name}").write_bytes(broken[column](content))
        rows[0][column] = name
    rows += [
        {**rows[0], "id": column, column: f"broken-{name}"}
        for column, (name, _) in whole.items()
    ]
    return [*rows, {**rows[0], "id": "again"}]


def test_broken_media_are_errors_of_their_documents_and_the_run_goes_on(
    arith_suite: ArithSuite, server: str
) -> None:
    rows = documents(arith_suite.root / "arith")
    arith_suite.task(
        rows=rows, doc_to_visual=["pic", "clip", "said"], metadata={"version": 1.0}
    )

    result = arith_suite.run(
        "--model=openai", f"--model-args=model=m,base_url={server},nframes=3"
    )

    assert result.ret == pytest.ExitCode.TESTS_FAILED, result.stdout.str()
    samples = {sample["item_id"]: sample for sample in arith_suite.samples()}
    assert arith_suite.score() == 1.0
    assert [
        name for name, sample in sorted(samples.items()) if sample["status"] == "scored"
    ] == ["again", "sound"]
    told = {
        "pic": "column 'pic': cannot decode the image: ",
        "clip": "column 'clip': * is truncated: it has ",
        "said": "column 'said': * has no samples",
    }
    for column, expected in told.items():
        assert samples[column]["status"] == "error"
        first, _, last = expected.partition("*")
        assert samples[column]["error"].startswith(f"no answer: {first}")
        assert last in samples[column]["error"]
        assert "Traceback" not in samples[column]["error"]
    (note,) = samples["sound"]["notes"]
    assert note == (
        "a video was shown as 3 frames: 0 (0.000 s), 10 (1.000 s), 19 (1.900 s)"
    )
