"""What is left of a run that was broken, and of the one that finishes it.

Each case breaks a run in one way, has ``--resume`` finish it, and sets it beside a run to
which nothing happened: the same scores and samples, every document once, and no request
for a document that was in a journal already, as counted at the endpoint.

    pytest tests/faults/suite_of_faults.py
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from tests.faults.scene import (
    Clean,
    Launcher,
    Scene,
    Seen,
    asked_again,
    children_of,
    clean_of,
    compared,
    kill_group,
    tear_journals,
    wait_until,
)

_DOCUMENTS = 60
_KILLS = 100
_SEED = 20261121
_LATENCY = ("--latency", "0.02")
_DISK_BYTES = 24 << 10

Tell = Callable[[Seen], None]


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    launcher = Launcher()
    yield launcher
    launcher.close()


@pytest.fixture(scope="session")
def clean(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Clean:
    return clean_of(Scene(tmp_path_factory.mktemp("clean"), launcher, _DOCUMENTS))


@pytest.fixture
def scene(launcher: Launcher, tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path, launcher, _DOCUMENTS)
    yield scene
    scene.endpoint.stop()


def finished(
    fault: str, status: int, scene: Scene, clean: Clean, *options: str
) -> Seen:
    """Resume a broken run to its end, with the endpoint well, and compare it."""
    before = scene.journalled()
    asked = len(scene.endpoint.asked())
    scene.endpoint.stop()
    with scene.serving():
        resumed = scene.run("--resume", "last", *options)
    assert resumed == 0, scene.printed
    seen = Seen(fault, status, len(set(before)))
    seen.asked_again = asked_again(before, scene.endpoint.asked()[asked:])
    return compared(seen, scene, clean)


def under_way(scene: Scene, process: int, least: int = 12) -> None:
    """Wait until some documents are recorded and some are not."""
    assert wait_until(lambda: len(scene.journalled()) >= least, process)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_killed_as_a_whole(
    scene: Scene, clean: Clean, tell: Tell, workers: tuple[str, ...]
) -> None:
    scene.endpoint.start(*_LATENCY)
    process = scene.start(*workers)
    under_way(scene, process)
    # Its workers end by themselves when they find it gone.
    started = children_of(process)
    os.kill(process, signal.SIGKILL)
    status = scene.launcher.wait()
    wait_until(lambda: not any(Path(f"/proc/{one}").exists() for one in started))

    seen = finished(
        f"SIGKILL to the controller {' '.join(workers)}", status, scene, clean
    )

    tell(seen)
    assert seen.is_sound


def test_a_worker_is_killed(scene: Scene, clean: Clean, tell: Tell) -> None:
    scene.endpoint.start(*_LATENCY)
    process = scene.start("-n", "2")
    under_way(scene, process)
    before = scene.journalled()
    asked = len(scene.endpoint.asked())
    os.kill(children_of(process)[-1], signal.SIGKILL)
    status = scene.launcher.wait()

    seen = Seen("SIGKILL to a worker", status, len(set(before)))
    seen.asked_again = asked_again(before, scene.endpoint.asked()[asked:])
    compared(seen, scene, clean)

    tell(seen)
    assert status == 0
    assert seen.is_sound


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_the_endpoint_is_killed_and_comes_back(
    scene: Scene, clean: Clean, tell: Tell, workers: tuple[str, ...]
) -> None:
    scene.endpoint.start(*_LATENCY)
    process = scene.start(*workers)
    under_way(scene, process)
    before = scene.journalled()
    scene.endpoint.stop()
    time.sleep(1.0)
    asked = len(scene.endpoint.asked())
    scene.endpoint.start(*_LATENCY)
    status = scene.launcher.wait()

    name = f"SIGKILL to the endpoint, back after 1 s {' '.join(workers)}"
    seen = Seen(name, status, len(set(before)))
    seen.asked_again = asked_again(before, scene.endpoint.asked()[asked:])
    compared(seen, scene, clean)

    tell(seen)
    assert status == 0
    assert "the run pauses until the endpoint answers" in scene.printed
    assert seen.is_sound


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_the_endpoint_is_killed_for_good(
    scene: Scene, clean: Clean, tell: Tell, workers: tuple[str, ...]
) -> None:
    scene.endpoint.start(*_LATENCY)
    process = scene.start("--endpoint-outage", "1", *workers)
    under_way(scene, process)
    scene.endpoint.stop()
    status = scene.launcher.wait()
    errors = scene.results()["coverage"]["sums"]["errors"]

    name = f"SIGKILL to the endpoint, for good {' '.join(workers)}"
    seen = finished(name, status, scene, clean)

    tell(seen)
    assert (status, errors) == (pytest.ExitCode.INTERRUPTED, 0)
    assert seen.is_sound


def test_a_tenth_hangs(scene: Scene, clean: Clean, tell: Tell) -> None:
    scene.arguments = "retry_backoff_s=0.02,timeout=0.5"
    scene.endpoint.start("--error-rate", "0.1", "--errors", "hang", "--seed", "3")
    status = scene.run()

    seen = compared(Seen("10 % hang", status, _DOCUMENTS), scene, clean)

    tell(seen)
    assert status == 0
    assert seen.is_sound


def test_a_tenth_fails_in_every_way(scene: Scene, clean: Clean, tell: Tell) -> None:
    scene.arguments = "retry_backoff_s=0.02,timeout=0.5,max_retries=1"
    kinds = "429,500,reset,hang,cut"
    scene.endpoint.start(
        *("--error-rate", "0.1", "--errors", kinds, "--retry-after", "0.05"),
        *("--seed", "5"),
    )
    status = scene.run()
    errors = scene.results()["coverage"]["sums"]["errors"]
    scored = [one["item_id"] for one in scene.samples() if one["status"] == "scored"]
    asked = len(scene.endpoint.asked())
    scene.endpoint.stop()
    with scene.serving():
        again = scene.run("--resume", "last", "--rerun-errors")

    seen = Seen("10 % mixed errors, one attempt", status, len(scored))
    seen.asked_again = asked_again(scored, scene.endpoint.asked()[asked:])
    compared(seen, scene, clean)

    tell(seen)
    assert (status, again) == (1, 0)
    assert errors > 0
    assert seen.is_sound


@contextmanager
def small_disk(path: Path) -> Iterator[bool]:
    """Mount a small file system, if we may."""
    path.mkdir()
    size = f"size={_DISK_BYTES}"
    command = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(path)]
    try:
        is_mounted = not subprocess.run(command, check=False).returncode
    except FileNotFoundError:
        is_mounted = False
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", str(path)], check=True)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_the_disk_is_full(
    scene: Scene, clean: Clean, tell: Tell, workers: tuple[str, ...]
) -> None:
    with small_disk(scene.folder / "out") as is_mounted:
        limit = None if is_mounted else _DISK_BYTES // 2
        scene.endpoint.start(*_LATENCY)
        status = scene.run(*workers, file_bytes=limit)
        printed = scene.printed
        if is_mounted:
            grow = ["mount", "-o", "remount,size=64m", str(scene.folder / "out")]
            subprocess.run(grow, check=True)

        how = "a small tmpfs" if is_mounted else "RLIMIT_FSIZE"
        seen = finished(f"disk full ({how}) {' '.join(workers)}", status, scene, clean)

    tell(seen)
    assert status == pytest.ExitCode.INTERRUPTED
    assert "cannot write" in printed
    assert "Traceback" not in printed
    assert seen.kept > 0
    assert seen.is_sound


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
def test_ctrl_c(
    scene: Scene, clean: Clean, tell: Tell, workers: tuple[str, ...], times: int
) -> None:
    scene.endpoint.start(*_LATENCY)
    process = scene.start(*workers)
    under_way(scene, process)
    for _ in range(times):
        kill_group(process, signal.SIGINT)
        time.sleep(0.1)
    status = scene.launcher.wait()

    name = f"Ctrl-C {'once' if times == 1 else 'twice'} {' '.join(workers)}"
    seen = finished(name, status, scene, clean)

    tell(seen)
    assert status == pytest.ExitCode.INTERRUPTED
    assert seen.is_sound


def test_a_torn_journal(scene: Scene, clean: Clean, tell: Tell) -> None:
    scene.endpoint.start(*_LATENCY)
    process = scene.start()
    under_way(scene, process)
    kill_group(process)
    status = scene.launcher.wait()
    tear_journals(scene.folder / "out")

    seen = finished("a torn journal", status, scene, clean)

    tell(seen)
    assert seen.is_sound


def test_two_runs_on_one_cache(scene: Scene, clean: Clean, tell: Tell) -> None:
    other = Launcher()
    twin = Scene(scene.folder, other, _DOCUMENTS)
    twin.endpoint = scene.endpoint
    cache = ("--use-cache", str(scene.folder / "cache"))
    scene.endpoint.start("--latency", "0.1")
    process = scene.start(*cache, output="one")
    twin.start(*cache, output="two")
    under_way_in(scene, process, "one")
    kill_group(process)
    status = scene.launcher.wait()
    finished_second = other.wait()
    other.close()
    scene.endpoint.stop()
    with scene.serving():
        asked = len(scene.endpoint.asked())
        again = scene.run(*cache, "--resume", "last", output="one")
        asked = len(scene.endpoint.asked()) - asked

    seen = Seen("two runs on one cache, one killed", status, _DOCUMENTS)
    seen.asked_again = asked
    compared(seen, scene, clean, "one")
    beside = compared(
        Seen("beside it", finished_second, _DOCUMENTS), scene, clean, "two"
    )

    tell(seen)
    assert (again, finished_second) == (0, 0)
    assert seen.is_sound
    assert beside.is_sound


def under_way_in(scene: Scene, process: int, output: str) -> None:
    assert wait_until(lambda: len(scene.journalled(output)) >= 12, process)


def test_killed_at_a_hundred_points(tmp_path: Path, clean: Clean, tell: Tell) -> None:
    """Half of the points are counted in documents, half in time, the ends included."""
    draws = Random(_SEED)
    points = [
        (n, draws.randrange(_DOCUMENTS), draws.random() * 0.6 if n % 2 else None)
        for n in range(_KILLS)
    ]
    launchers = [Launcher(), Launcher()]
    with ThreadPoolExecutor(len(launchers)) as threads:
        parts = threads.map(
            lambda number: [
                kill_and_resume(tmp_path / str(n), launchers[number], clean, at, delay)
                for n, at, delay in points[number :: len(launchers)]
            ],
            range(len(launchers)),
        )
        seen = [one for part in parts for one in part]
    for one in launchers:
        one.close()

    total = Seen(
        f"{_KILLS} kill points (seed {_SEED})",
        -signal.SIGKILL,
        sum(one.kept for one in seen),
        lost=sum(one.lost for one in seen),
        doubled=sum(one.doubled for one in seen),
        asked_again=sum(one.asked_again for one in seen),
        differences=tuple({told for one in seen for told in one.differences}),
    )
    tell(total)
    assert len(seen) == _KILLS
    assert total.is_sound


def kill_and_resume(
    folder: Path, launcher: Launcher, clean: Clean, at: int, delay: float | None
) -> Seen:
    scene = Scene(folder, launcher, _DOCUMENTS)
    scene.endpoint.start("--latency", "0.005")
    process = scene.start()
    if delay is None:
        wait_until(lambda: len(scene.journalled()) > at, process)
    else:
        time.sleep(delay)
    kill_group(process)
    status = launcher.wait()
    seen = finished(f"killed at {at}/{delay}", status, scene, clean)
    scene.endpoint.stop()
    return seen
