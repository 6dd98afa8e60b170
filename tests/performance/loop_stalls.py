"""How long the event loop stands still while media are encoded.

Documents whose pictures are made by a function of the task, one megapixel each, are
evaluated against the stub server in a process of its own, so many in flight at once; a
timer that is due every millisecond sees how long the loop was busy with anything else.
Then the same with videos of which frames are sent. The largest gap should stay under
50 ms. Linux tells how much of a gap the loop's thread was ready and waited for a
processor that others had: that much is the machine's, and is said beside it. Where an
encoding thread waits so while it has the interpreter's lock, Linux does not tell.

    python tests/performance/loop_stalls.py [--documents 400] [--in-flight 200]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from pytest_evalkit.engine import Engine, Model
from pytest_evalkit.evaluate import Evaluation, evaluate_document
from pytest_evalkit.models.registry import make_backend
from pytest_evalkit.tasks import DataSources, OpenedTask, TaskSettings, load_task

_LIMIT_MS = 50.0
_LATENCY_S = 1.0
_TICK_S = 0.001

_TASK = """\
task: TASK
dataset_path: json
dataset_kwargs: {data_files: {test: test.jsonl}}
test_split: test
output_type: generate_until
doc_to_visual: !function pictures.FUNCTION
doc_to_text: "What is this?"
doc_to_target: "{{answer}}"
"""

_PICTURES = """\
from os import urandom


def noise(doc):
    from PIL import Image

    content = urandom(1024 * 1024 * 3)
    return [Image.frombytes("RGB", (1024, 1024), content)]


def drawing(doc):
    from PIL import Image

    content = urandom(64 * 64 * 3)
    return [Image.frombytes("RGB", (64, 64), content).resize((1024, 1024))]


def video(doc):
    return [doc["video"]]
"""


class Gap(NamedTuple):
    """The time between two turns of a loop, and how much of it no processor was free."""

    ms: float
    waiting_ms: float


class Measured(NamedTuple):
    """What one run showed."""

    gaps: list[Gap]
    wall_s: float
    scored: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--documents", type=int, default=400)
    parser.add_argument("--in-flight", type=int, default=200)
    parser.add_argument("--runs", type=int, default=1)
    asked = parser.parse_args()
    # What is imported once is no stall of the work.
    for package in ("aiohttp", "numpy", "PIL.Image"):
        import_module(package)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{os.cpu_count()} cores; load {load}")
    with tempfile.TemporaryDirectory() as name, _server() as url:
        folder = Path(name)
        (folder / "pictures.py").write_text(_PICTURES)
        idle = asyncio.run(_idle())
        print(f"{'a loop that does nothing':42} {_largest(idle)}")
        for kind, function, arguments in _kinds():
            task = _task(folder, kind, function, asked.documents)
            for _ in range(asked.runs):
                measured = asyncio.run(
                    _evaluated(task, url, arguments, asked.in_flight)
                )
                _tell(f"{kind} {arguments}", measured, asked.documents)


def _kinds() -> Iterator[tuple[str, str, dict[str, Any]]]:
    yield "noise", "noise", {}
    yield "noise", "noise", {"image_format": "jpeg"}
    yield "drawing", "drawing", {}
    yield "drawing", "drawing", {"image_format": "webp"}
    if find_spec("av") is None:
        print("videos: not measured, the package av is not installed")
        return
    yield "video", "video", {"nframes": 16, "image_format": "jpeg"}


def _tell(name: str, measured: Measured, documents: int) -> None:
    gaps = sorted(measured.gaps)
    verdict = "" if gaps[-1].ms < _LIMIT_MS else f"  ABOVE {_LIMIT_MS:g} ms"
    own_ms = max(gap.ms - gap.waiting_ms for gap in gaps)
    print(
        f"{name:42} {_largest(gaps)}, without such waits {own_ms:5.1f} ms, 99.9 % "
        f"under {gaps[int(0.999 * (len(gaps) - 1))].ms:5.1f} ms; "
        f"{measured.scored}/{documents} scored in {measured.wall_s:.1f} s{verdict}"
    )


def _largest(gaps: list[Gap]) -> str:
    largest = max(gaps)
    return (
        f"largest gap {largest.ms:6.1f} ms, {largest.waiting_ms:6.1f} of it for want "
        "of a processor"
    )


async def _idle() -> list[Gap]:
    with _watched() as gaps:
        await asyncio.sleep(2.0)
    return gaps


async def _evaluated(
    task: OpenedTask, url: str, arguments: dict[str, Any], in_flight: int
) -> Measured:
    backend = make_backend("openai", {"model": "stub", "base_url": url, **arguments})
    loop = asyncio.get_running_loop()
    model = Model(
        Engine(backend, max_concurrency=in_flight),
        loop.run_until_complete,
    )
    # As in a run of pytest, where looking for garbage among what stays would hold up
    # every request.
    gc.collect()
    gc.freeze()
    started = time.monotonic()
    with ThreadPoolExecutor(1) as preparing, _watched() as gaps:
        evaluation = Evaluation(
            opened=task,
            ask=model.answer,
            record=lambda _: None,
            reasoning_tags=(),
            started_at=started,
            preparing=preparing,
        )
        slots = asyncio.Semaphore(in_flight + 16)

        async def evaluated(doc_id: int) -> bool:
            async with slots:
                outcome = await evaluate_document(evaluation, doc_id)
            if outcome.message is not None:
                print(outcome.message)
            return outcome.status == "scored"

        scored = await asyncio.gather(
            *(evaluated(doc_id) for doc_id in range(len(task.documents)))
        )
        wall_s = time.monotonic() - started
        # The watch is for the work, not for what comes after it.
        await asyncio.sleep(_TICK_S)
    await backend.aclose()
    return Measured(gaps, wall_s, sum(scored))


@contextmanager
def _watched() -> Iterator[list[Gap]]:
    """List the gaps between two turns of the running loop."""
    loop = asyncio.get_running_loop()
    thread = threading.get_native_id()
    gaps: list[Gap] = []
    last, waited_ms = time.perf_counter(), _waited_ms(thread)
    handle: asyncio.TimerHandle

    def tick() -> None:
        nonlocal last, waited_ms, handle
        now, waited_now_ms = time.perf_counter(), _waited_ms(thread)
        gaps.append(Gap((now - last) * 1000, waited_now_ms - waited_ms))
        last, waited_ms = now, waited_now_ms
        handle = loop.call_later(_TICK_S, tick)

    handle = loop.call_later(_TICK_S, tick)
    try:
        yield gaps
    finally:
        handle.cancel()


def _waited_ms(thread: int) -> float:
    """How long a thread was ready to run and did not, since it began."""
    try:
        counters = Path(f"/proc/self/task/{thread}/schedstat").read_text()
    except OSError:
        return 0.0  # only Linux tells
    return int(counters.split()[1]) / 1e6


def _task(folder: Path, kind: str, function: str, documents: int) -> OpenedTask:
    rows = [f'{{"number": {number}, "answer": "x"}}' for number in range(documents)]
    if kind == "video":
        for number in range(documents):
            path = folder / f"{number}.mp4"
            if not path.exists():
                _write_video(path, number)
        rows = [
            f'{{"video": "{number}.mp4", "answer": "x"}}' for number in range(documents)
        ]
    (folder / "test.jsonl").write_text("\n".join(rows))
    path = folder / f"{kind}.yaml"
    path.write_text(_TASK.replace("TASK", kind).replace("FUNCTION", function))
    return load_task(path, TaskSettings()).open(
        DataSources(data_dir=None, use_sample=False)
    )


def _write_video(path: Path, seed: int) -> None:
    """Write ten seconds of 640 by 360 pixels."""
    import av
    import numpy as np
    from PIL import Image

    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(100):
            colour = (2 * number, seed % 256, 255 - 2 * number)
            image = Image.new("RGB", (640, 360), colour)
            frame = av.VideoFrame.from_ndarray(np.asarray(image), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@contextmanager
def _server() -> Iterator[str]:
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pytest_evalkit.mockserver",
            "--latency",
            f"{_LATENCY_S}",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        yield next(word for word in line.split() if word.startswith("http"))
    finally:
        process.terminate()
        process.wait()
        with suppress(OSError):
            process.stdout.close()


if __name__ == "__main__":
    main()
