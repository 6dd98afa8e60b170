"""How fast an endpoint is evaluated, side by side with a bare loop of aiohttp.

Three settings, each against the stub server in a process (and, where there are two, on
a core) of its own:

- latency-bound: every answer takes 200 ms; 256 connections, 4,000 documents. The span
  from the first request to the last answer, against documents x latency / connections.
- saturated: answers at once; 64 connections, 4,000 documents. Processor time a document,
  net of start-up (a run of one document), everything included.
- adaptive: 32 requests served at once, 429 with Retry-After beyond; 100 ms. The span
  against the ideal, and the limit at which the run settles.

The bare loop posts the same requests over one session and reads the answers, no more.
The settings are measured several times; the median counts, and all are printed.

    python -m tests.performance.endpoint [--runs 3] [--only latency,saturated,adaptive]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pytest_evalkit.mockserver import MockServer
from pytest_evalkit.mockserver.behaviour import Behaviour
from pytest_evalkit.mockserver.connection import Plan
from pytest_evalkit.serving import Head
from tests.performance.environment import environment
from tests.performance.sums import QUIET, write_sums

_ANSWER = "It carries them all.\n#### 42"
_THIS = "tests.performance.endpoint"


class Setting(NamedTuple):
    """One setting: what the server does, and what is asked of it."""

    name: str
    documents: int
    connections: int
    server: Mapping[str, Any]
    model_args: str = ""

    @property
    def ideal_s(self) -> float:
        """Seconds from the first request to the last answer, if nothing cost time."""
        at_once = self.server.get("capacity") or self.connections
        return float(self.documents * self.server.get("latency_s", 0.0) / at_once)


SETTINGS = {
    "latency": Setting("latency", 4000, 256, {"latency_s": 0.2}),
    "saturated": Setting("saturated", 4000, 64, {}),
    "adaptive": Setting(
        "adaptive",
        4000,
        64,
        {"latency_s": 0.1, "capacity": 32, "retry_after_s": 1.0},
        "adaptive_concurrency=true,max_retries=10",
    ),
}


class Outcome(NamedTuple):
    """What a run took, by the server's watch and by the system's."""

    cpu_s: float
    span_s: float
    peak: int
    refused: int
    served: int
    last_limit: int | None = None


class TimedServer(MockServer):
    """A stub that notes when the first request came and the last answer went."""

    first = 0.0
    last = 0.0

    def plan(self, head: Head, body: bytes) -> Plan:
        self.first = self.first or time.perf_counter()
        return super().plan(head, body)

    def ended(self, plan: Plan) -> None:
        self.last = time.perf_counter()
        super().ended(plan)


async def serve(settings: Mapping[str, Any]) -> None:
    """Serve until told to end, then print what was seen."""
    server = TimedServer(lambda _: _ANSWER, behaviour=Behaviour(**settings))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await server.start()
    print(server.url, flush=True)
    await ended.wait()
    await server.stop()
    traffic = server.traffic
    seen = {
        "span_s": server.last - server.first,
        "peak": traffic.peak_in_flight,
        "refused": traffic.outcomes["429"],
        "served": traffic.outcomes["200"],
    }
    print(json.dumps(seen), flush=True)


class Serving:
    """A server in a process of its own."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._process = subprocess.Popen(
            [*_on_core(1, _THIS), "--serve", json.dumps(settings)],
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()

    def end(self) -> dict[str, Any]:
        """Stop it and hear what it has seen."""
        self._process.send_signal(signal.SIGTERM)
        told, _ = self._process.communicate(timeout=30)
        seen: dict[str, Any] = json.loads(told)
        return seen


def _on_core(core: int, module: str) -> list[str]:
    """Run a module on a core of its own, where there are several and a way to say so."""
    if (os.cpu_count() or 1) < 2 or not hasattr(os, "sched_setaffinity"):
        return [sys.executable, "-m", module]
    pin = (
        f"import os, runpy; os.sched_setaffinity(0, {{{core}}}); "
        f"runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    )
    return [sys.executable, "-c", pin]


def _cpu_of(command: list[str], folder: Path) -> float:
    """Run a command and tell the processor seconds that it and its children took."""
    probe = (
        "import json, resource, subprocess, sys;"
        "r = subprocess.run(sys.argv[1:], capture_output=True, text=True);"
        "u = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print(json.dumps([r.returncode, u.ru_utime + u.ru_stime,"
        " r.stdout[-1500:] + r.stderr[-1500:]]))"
    )
    told = subprocess.run(
        [sys.executable, "-c", probe, *command],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    status, cpu_s, output = json.loads(told.stdout)
    if status != 0:
        raise SystemExit(output)
    return float(cpu_s)


def run_evalkit(setting: Setting, folder: Path, documents: int) -> Outcome:
    """Evaluate some documents under a setting."""
    serving = Serving(setting.server)
    args = f"model=m,base_url={serving.url}"
    args += f",{setting.model_args}" if setting.model_args else ""
    command = [
        *_on_core(0, "pytest"), *QUIET, "sums.yaml", "--model", "openai",
        "--model-args", args, "--max-concurrency", str(setting.connections),
        "--limit", str(documents), "--output-path", "out",
    ]  # fmt: skip
    cpu_s = _cpu_of(command, folder)
    newest = max((folder / "out").glob("m/*/results.json"), key=os.path.getmtime)
    series = json.loads(newest.read_text())["concurrency"]
    return Outcome(cpu_s, **serving.end(), last_limit=series[-1]["limit"])


def run_bare(setting: Setting, folder: Path, documents: int) -> Outcome:
    """Post the same requests from a bare loop."""
    serving = Serving(setting.server)
    command = [
        *_on_core(0, _THIS), "--bare", serving.url,
        "--documents", str(documents), "--connections", str(setting.connections),
    ]  # fmt: skip
    cpu_s = _cpu_of(command, folder)
    return Outcome(cpu_s, **serving.end())


async def post_all(url: str, rows: Sequence[str], connections: int) -> None:
    """Post requests over one session, so many at once; again after a 429."""
    import aiohttp

    waiting = iter(rows)
    connector = aiohttp.TCPConnector(limit=0)

    async def work(session: aiohttp.ClientSession) -> None:
        for line in waiting:
            body = _body(json.loads(line)["question"])
            while True:
                async with session.post(f"{url}/chat/completions", data=body) as said:
                    content = await said.read()
                if said.status == 200:
                    json.loads(content)
                    break
                await asyncio.sleep(float(said.headers["Retry-After"]))

    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(work(session) for _ in range(connections)))


def _body(question: str) -> bytes:
    content = f"Question: {question}\nAnswer:"
    return json.dumps(
        {
            "model": "m",
            "messages": [{"role": "user", "content": content}],
            "max_tokens": 64,
            "temperature": 0.0,
            "stop": ["Question:"],
            "seed": 1234,
        }
    ).encode()


@contextmanager
def suite(documents: int) -> Iterator[Path]:
    """Write the benchmark into a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sums(folder, documents)
        yield folder


def measure(setting: Setting, runs: int) -> None:
    """Measure one setting with both clients, in turn, and print."""
    with suite(setting.documents) as folder:
        clients = {"bare aiohttp": run_bare, "evalkit": run_evalkit}
        start_up = {
            name: min(run(setting, folder, 1).cpu_s for _ in range(3))
            for name, run in clients.items()
        }
        found: dict[str, list[Outcome]] = {name: [] for name in clients}
        for _ in range(runs):
            for name, run in clients.items():
                found[name].append(run(setting, folder, setting.documents))
    print(f"{setting.name}: {setting.documents:,} documents, {setting.connections}"
          f" connections, {dict(setting.server)}")  # fmt: skip
    for name, outcomes in found.items():
        print(f"  {name:<13} {_line(setting, outcomes, start_up[name])}", flush=True)


def _line(setting: Setting, outcomes: list[Outcome], start_up_s: float) -> str:
    cpu_ms = [(one.cpu_s - start_up_s) / setting.documents * 1e3 for one in outcomes]
    parts = [f"CPU {_spread(cpu_ms, 3)} ms/document"]
    spans = [one.span_s for one in outcomes]
    if setting.ideal_s:
        ratios = [span / setting.ideal_s for span in spans]
        parts.append(f"span/ideal {_spread(ratios, 3)}")
    else:
        rates = [setting.documents / span for span in spans]
        parts.append(f"{_spread(rates, 0)} documents/s")
    last = outcomes[-1]
    parts.append(f"peak {last.peak}, served {last.served}, refused {last.refused}")
    if last.last_limit is not None:
        parts.append(f"last limit {last.last_limit}")
    return "; ".join(parts)


def _spread(values: list[float], digits: int) -> str:
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def main() -> None:
    """Measure, or be one of the processes that are measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default=",".join(SETTINGS))
    parser.add_argument("--serve", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--bare", help=argparse.SUPPRESS)
    parser.add_argument("--documents", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--connections", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        asyncio.run(serve(given.serve))
    elif given.bare is not None:
        rows = Path("test.jsonl").read_text().splitlines()[: given.documents]
        asyncio.run(post_all(given.bare, rows, given.connections))
    else:
        for name in given.only.split(","):
            measure(SETTINGS[name], given.runs)


if __name__ == "__main__":
    main()
