"""A folder with a task of sums, and an inner pytest that runs it."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

import pytest_evalkit
from pytest_evalkit.mockserver import MockServer, serve_in_thread
from pytest_evalkit.mockserver.behaviour import Behaviour

Start = Callable[..., MockServer]

_TASK: Mapping[str, Any] = {
    "tag": ["maths"],
    "dataset_path": "json",
    "test_split": "test",
    "doc_to_text": "{{question}}=",
    "doc_to_target": "{{answer}}",
    "metric_list": [{"metric": "exact_match"}],
    "metadata": {"version": 1.0, "keywords": ["category"]},
}

_MODEL = """
import os
import pytest
from pytest_evalkit import MockBackend, RequestRejectedError, Response

def target_of(request):
    return request.origin.target

{handler}

@pytest.fixture(scope="{scope}")
def model():
    return MockBackend(answer)
"""


def sums(count: int) -> list[dict[str, Any]]:
    """Documents ``q0``, ``q1`` and so on; every other one multiplies."""
    return [
        {
            "id": f"q{n}",
            "category": ("add", "multiply")[n % 2],
            "question": (f"{n}+{n}", f"2*{n}")[n % 2],
            "answer": str(2 * n),
        }
        for n in range(count)
    ]


class ArithSuite:
    """A folder with tasks, run by a pytest inside this one."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.root = pytester.path
        self.ini()

    def ini(self, *lines: str) -> None:
        scope = "asyncio_default_fixture_loop_scope = function"
        text = "\n".join(["[pytest]", "pythonpath = .", scope, *lines])
        self.write("pytest.ini", text)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def rows(self, name: str, rows: Iterable[Mapping[str, Any]]) -> Path:
        return self.write(name, "".join(json.dumps(row) + "\n" for row in rows))

    def task(
        self,
        name: str = "arith",
        rows: Iterable[Mapping[str, Any]] | None = None,
        **keys: Any,
    ) -> Path:
        """Write a sound task of six sums with some keys changed; None takes one out."""
        self.rows(f"{name}/test.jsonl", sums(6) if rows is None else rows)
        kwargs = {"data_files": {"test": "test.jsonl"}}
        merged: dict[str, Any] = {
            "task": name,
            "dataset_kwargs": kwargs,
            **_TASK,
            **keys,
        }
        kept = {key: value for key, value in merged.items() if value is not None}
        return self.write(f"{name}/{name}.yaml", yaml.safe_dump(kept, sort_keys=False))

    def model(self, handler: str, scope: str = "session", more: str = "") -> None:
        """Write a conftest whose model answers what ``answer(request)`` returns."""
        self.write("conftest.py", _MODEL.format(handler=handler, scope=scope) + more)

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run pytest in this process; workers, if any, are processes all the same."""
        return self.pytester.runpytest_inprocess(*arguments)

    def run_apart(self, *arguments: str) -> pytest.RunResult:
        """Run pytest in a process of its own."""
        return self.pytester.runpytest_subprocess(*arguments, timeout=300)

    @property
    def folders(self) -> list[Path]:
        """The folders of all runs, the first one first."""
        found = self.root.glob("results/*/*")
        return sorted(found, key=lambda folder: folder.stat().st_ctime_ns)

    def results(self, run: int = -1) -> dict[str, Any]:
        """What a run concluded; by default the last one."""
        text = (self.folders[run] / "results.json").read_text(encoding="utf-8")
        results: dict[str, Any] = json.loads(text)
        return results

    def samples(self, task: str = "arith", run: int = -1) -> list[dict[str, Any]]:
        """The samples of a task; by default those of the last run."""
        path = self.folders[run] / f"samples_{task}.jsonl"
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]

    def score(self, task: str = "arith", metric: str = "exact_match") -> Any:
        """The aggregate of a metric, in the last run."""
        return self.results()["results"][task][f"{metric},none"]

    def ran(self, task: str = "arith") -> list[str]:
        """The documents that the last run asked, by their names."""
        return [sample["item_id"] for sample in self.samples(task)]

    def noted(self, name: str) -> list[str]:
        """The lines that an inner conftest or model wrote to a file."""
        path = self.root / name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@pytest.fixture(scope="session", autouse=True)
def imported_once() -> None:
    """Import what inner sessions would import anew, each of them.

    pytester forgets the modules that an inner session imported; compiled ones do not
    survive that.
    """
    names = [
        module.name
        for module in pkgutil.walk_packages(pytest_evalkit.__path__, "pytest_evalkit.")
        if not module.name.endswith("__main__")
    ]
    compiled = ("aiohttp", "jinja2", "numpy", "PIL.Image")
    for name in (*names, *compiled, "hypothesis", "xdist.workermanage"):
        importlib.import_module(name)


_OF_WORKERS = ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT")


@pytest.fixture(autouse=True)
def by_themselves(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Have inner sessions be nobody's workers, whoever runs this one.

    And spare them, and each of their workers, a plugin that takes a second.
    """
    for name in _OF_WORKERS:
        monkeypatch.delenv(name, raising=False)
    if "pytester" in request.fixturenames:
        # It forgets what the environment says, so it comes first.
        request.getfixturevalue("pytester")
        monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")


@pytest.fixture
def arith_suite(pytester: pytest.Pytester) -> ArithSuite:
    suite = ArithSuite(pytester)
    suite.task()
    return suite


def solve(payload: Mapping[str, Any]) -> str:
    """Answer the sum or product that a payload ends with, and who asks for life."""
    text: str = (
        payload["messages"][-1]["content"]
        if "messages" in payload
        else payload["prompt"]
    )
    if text == "ping":
        return "pong"
    left, sign, right = text.removesuffix("=").partition("+")
    if not sign:
        left, _, right = text.removesuffix("=").partition("*")
        return str(int(left) * int(right))
    return str(int(left) + int(right))


@pytest.fixture
def start() -> Iterator[Start]:
    """Start servers that keep what they are asked."""
    with ExitStack() as servers:

        def start_one(answer: Any = None, **behaviour: Any) -> MockServer:
            server = MockServer(
                answer or solve, behaviour=Behaviour(**behaviour), keeps_requests=True
            )
            return servers.enter_context(serve_in_thread(server))

        yield start_one
