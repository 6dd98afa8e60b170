"""A benchmark, an endpoint and runs that are broken: what the fault suite works with."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.sums import write_sums

_LONGEST_S = 60.0
_TIMES = ("timing", "request_latency_s", "recalled", "attempts")


class Launcher:
    """Runs pytest, one after the other, each in a process of its own."""

    def __init__(self) -> None:
        launcher = Path(__file__).with_name("launcher.py")
        self._process = subprocess.Popen(
            [sys.executable, str(launcher)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTEST_ADDOPTS": "", "PYTHONWARNINGS": "ignore"},
        )

    def start(self, launch: Mapping[str, Any]) -> int:
        """Start one; its process id, which is that of its group, too."""
        self._say(json.dumps(launch))
        return self._number()

    def wait(self) -> int:
        """Wait for its end: the exit status, negative where a signal ended it."""
        self._say("wait")
        return self._number()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _number(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class Endpoint:
    """The mock server in a process of its own, at an address that stays the same.

    Args:
        folder: Has the answers, and gets the log of requests.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port: int = probe.getsockname()[1]
        self._log = folder / f"requests-{self._port}.jsonl"
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def start(self, *options: str) -> None:
        command = [
            *(sys.executable, "-m", "pytest_evalkit.mockserver"),
            *("--answers", str(self._folder / "answers.jsonl")),
            *("--port", str(self._port), "--log", str(self._log), *options),
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def stop(self, number: int = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def asked(self) -> list[str]:
        """The questions that came, in their order; probes for life are none."""
        if not self._log.exists():
            return []
        lines = self._log.read_text("utf-8").splitlines()
        bodies = [json.loads(line)["body"] for line in lines]
        texts = [body["messages"][-1]["content"] for body in bodies if body]
        return [text for text in texts if text != "ping"]


@dataclass(slots=True)
class Seen:
    """What was seen of a run and of the one that finished it.

    Attributes:
        fault: What was done to it.
        status: How the broken run ended.
        kept: Documents in its journals.
        differences: In what scores and samples are not those of a clean run.
        lost: Documents that the results lack in the end.
        doubled: Documents that stand in the samples twice.
        asked_again: Requests for documents that stood in a journal already.
    """

    fault: str
    status: int
    kept: int
    lost: int = 0
    doubled: int = 0
    asked_again: int = 0
    differences: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        return not (self.differences or self.lost or self.doubled or self.asked_again)


@dataclass(slots=True)
class Scene:
    """A suite of sums with an endpoint that answers them.

    Attributes:
        folder: Where all of it is.
        endpoint: The endpoint.
        launcher: Runs pytest.
        documents: How many sums there are.
        arguments: Arguments of the model besides its place.
    """

    folder: Path
    launcher: Launcher
    documents: int
    endpoint: Endpoint = field(init=False)
    arguments: str = "retry_backoff_s=0.02,timeout=20"

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "pytest.ini").write_text(
            "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
        )
        write_sums(self.folder, self.documents)
        self.endpoint = Endpoint(self.folder)

    @contextmanager
    def serving(self, *options: str) -> Iterator[None]:
        """Have the endpoint answer, until the block ends."""
        self.endpoint.start(*options)
        try:
            yield
        finally:
            self.endpoint.stop()

    def start(
        self, *options: str, output: str = "out", file_bytes: int | None = None
    ) -> int:
        """Begin a run; its process id."""
        place = f"model=m,base_url={self.endpoint.url},{self.arguments}"
        arguments = [
            *("-q", "-p", "no:cacheprovider", "sums.yaml", "--tb", "no", "-r", "N"),
            *("--model", "openai", "--model-args", place, "--max-concurrency", "4"),
            *("--output-path", output, *options),
        ]
        return self.launcher.start(
            {
                "folder": str(self.folder),
                "arguments": arguments,
                "output": str(self.folder / "printed.txt"),
                "file_bytes": file_bytes,
            }
        )

    def run(
        self, *options: str, output: str = "out", file_bytes: int | None = None
    ) -> int:
        """Run to the end; the exit status."""
        self.start(*options, output=output, file_bytes=file_bytes)
        return self.launcher.wait()

    @property
    def printed(self) -> str:
        """What the last run printed."""
        return (self.folder / "printed.txt").read_text("utf-8", "replace")

    def journalled(self, output: str = "out") -> list[str]:
        """The documents in the journals of all runs, each as often as it stands there."""
        return [line["item_id"] for line in _samples_in_journals(self.folder / output)]

    def results(self, output: str = "out") -> dict[str, Any]:
        """What the last run concluded, without what differs from run to run."""
        (path, *_) = sorted(
            (self.folder / output).glob("m/*/results.json"),
            key=os.path.getmtime,
            reverse=True,
        )
        told: dict[str, Any] = json.loads(path.read_text("utf-8"))
        kept = ("results", "coverage", "errors", "n-samples", "complete", "task_hashes")
        return {name: told[name] for name in kept if name in told}

    def samples(self, output: str = "out") -> list[dict[str, Any]]:
        """The samples of the last run, without times."""
        (path, *_) = sorted(
            (self.folder / output).glob("m/*/samples_sums.jsonl"),
            key=os.path.getmtime,
            reverse=True,
        )
        lines = map(json.loads, path.read_text("utf-8").splitlines())
        return [
            {name: value for name, value in line.items() if name not in _TIMES}
            for line in lines
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """What a run gives to which nothing happens."""

    results: Mapping[str, Any]
    samples: Sequence[Mapping[str, Any]]


def clean_of(scene: Scene) -> Clean:
    """Run without any fault, and keep what it gives."""
    with scene.serving():
        status = scene.run(output="clean")
    assert status == 0, scene.printed
    return Clean(results=scene.results("clean"), samples=scene.samples("clean"))


def compared(seen: Seen, scene: Scene, clean: Clean, output: str = "out") -> Seen:
    """Set a finished run beside the clean one."""
    samples = scene.samples(output)
    counted = Counter(sample["item_id"] for sample in samples)
    seen.lost = scene.documents - len(counted)
    seen.doubled = sum(count > 1 for count in counted.values())
    pairs = zip(samples, clean.samples, strict=False)
    told = {
        f"sample {name}"
        for mine, theirs in pairs
        for name in mine.keys() | theirs.keys()
        if mine.get(name) != theirs.get(name)
    }
    results = scene.results(output)
    told |= {name for name in clean.results if results[name] != clean.results[name]}
    seen.differences = tuple(sorted(told))
    return seen


def asked_again(before: Sequence[str], asked: Sequence[str]) -> int:
    """Count the requests for documents that were in a journal before.

    Args:
        before: Those documents, by their ids.
        asked: The questions asked since.
    """
    known = {int(item_id.removeprefix("q")) for item_id in before}
    return sum(int(question.partition(" ")[0]) in known for question in asked)


def wait_until(holds: Callable[[], bool], process: int | None = None) -> bool:
    """Wait until something holds; False where a process ended before, or never did."""
    deadline = time.monotonic() + _LONGEST_S
    while time.monotonic() < deadline:
        if holds():
            return True
        if process is not None and not _is_alive(process):
            return holds()
        time.sleep(0.002)
    return False


def kill_group(process: int, number: int = signal.SIGKILL) -> None:
    """Send a signal to a run and its workers, as a terminal or a batch system does."""
    with suppress(ProcessLookupError):
        os.killpg(process, number)


def children_of(process: int) -> list[int]:
    """The processes that one has started and that are alive, from /proc."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[1]) == process and fields[0] != "Z":
                found.append(int(path.parent.name))
    return sorted(found)


def tear_journals(root: Path) -> None:
    """Cut the last line of every journal in two, as a machine that dies may leave it."""
    for path in root.rglob("journal/*.jsonl"):
        content = path.read_bytes()
        last = content.rstrip(b"\n").rfind(b"\n") + 1
        path.write_bytes(content[: last + (len(content) - last) // 2])


def _is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _samples_in_journals(root: Path) -> list[dict[str, Any]]:
    found = []
    for path in root.rglob("journal/*.jsonl"):
        for line in path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                value = json.loads(line)
                if "kind" not in value:
                    found.append(value)
    return found
