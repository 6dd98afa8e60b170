from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_HEAVY = [
    "torch",
    "transformers",
    "datasets",
    "PIL",
    "numpy",
    "pandas",
    "pyarrow",
    "httpx",
    "openai",
    "aiohttp",
    "jinja2",
]
# Of this package, a guest gets the plugin's door and what looks at YAML files.
_OWN = {
    "pytest_evalkit",
    "pytest_evalkit.errors",
    "pytest_evalkit.plugin",
    "pytest_evalkit.plugin.asked",
    "pytest_evalkit.plugin.collection",
    "pytest_evalkit.plugin.fault_options",
    "pytest_evalkit.plugin.fixtures",
    "pytest_evalkit.plugin.garbage",
    "pytest_evalkit.plugin.gate_options",
    "pytest_evalkit.plugin.hookspecs",
    "pytest_evalkit.plugin.interrupts",
    "pytest_evalkit.plugin.load_options",
    "pytest_evalkit.plugin.option",
    "pytest_evalkit.plugin.option_table",
    "pytest_evalkit.plugin.options",
    "pytest_evalkit.plugin.place",
    "pytest_evalkit.plugin.refusal",
    "pytest_evalkit.plugin.report_options",
    "pytest_evalkit.plugin.resume_options",
    "pytest_evalkit.plugin.run_options",
    "pytest_evalkit.plugin.setup",
}
_ON_XDIST = {
    "pytest_evalkit.plugin.controller",
    "pytest_evalkit.plugin.notices",
    "pytest_evalkit.plugin.workers",
    "pytest_evalkit.results",
    "pytest_evalkit.results.folder",
}
# Runs pytest and tells what it had imported in the end.
_RUN = """
import json, sys, pytest
status = pytest.main(sys.argv[1:])
print()
print(json.dumps([int(status), sorted(sys.modules)]))
"""
_PLAIN = """
import pytest

@pytest.fixture
def model():
    return "a car"

def test_one(): pass
def test_two(model): assert model == "a car"
"""


@pytest.fixture
def plain(arith_suite: ArithSuite) -> ArithSuite:
    """A project that has nothing to do with models but a YAML file or two."""
    for path in (arith_suite.root / "arith").iterdir():
        path.unlink()
    arith_suite.write("compose.yaml", "services: {}\n")
    arith_suite.write("test_plain.py", _PLAIN)
    return arith_suite


def imported(suite: ArithSuite, *arguments: str) -> tuple[int, set[str]]:
    """Run pytest in a bare process; get its status and the modules it ended with."""
    told = subprocess.run(
        [sys.executable, "-c", _RUN, "-p", "no:hypothesispytest", *arguments],
        cwd=suite.root,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    status, modules = json.loads(told.stdout.splitlines()[-1])
    return status, set(modules)


def own(modules: set[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] == "pytest_evalkit"}


@pytest.mark.parametrize("arguments", [("--help",), ("--collect-only",)])
def test_help_and_collecting_import_nothing_heavy(
    plain: ArithSuite, arguments: tuple[str, ...]
) -> None:
    plain.write("test_plain.py", "def test_one(): pass\n")

    status, modules = imported(plain, *arguments)

    assert status == 0
    assert modules.isdisjoint(_HEAVY)
    assert own(modules) <= _OWN


def test_a_project_that_does_not_evaluate_imports_nothing_heavy(
    plain: ArithSuite,
) -> None:
    plain.write("test_plain.py", "def test_one(): pass\n")

    status, modules = imported(plain)

    assert status == 0
    assert modules.isdisjoint(_HEAVY)
    assert own(modules) <= _OWN


def test_a_project_with_a_model_fixture_of_its_own_imports_nothing_heavy(
    plain: ArithSuite,
) -> None:
    status, modules = imported(plain)

    assert status == 0
    assert modules.isdisjoint(_HEAVY)


def test_nothing_is_written_into_a_project_that_does_not_evaluate(
    plain: ArithSuite,
) -> None:
    before = sorted(plain.root.iterdir())

    status, _ = imported(plain, "-p", "no:cacheprovider")

    after = sorted(path for path in plain.root.iterdir() if path.name != "__pycache__")
    assert status == 0
    assert after == before


def test_workers_of_a_project_that_does_not_evaluate_import_nothing_heavy(
    plain: ArithSuite,
) -> None:
    plain.write(
        "conftest.py",
        "import json, os, sys\n"
        "def pytest_unconfigure(config):\n"
        "    name = os.environ.get('PYTEST_XDIST_WORKER', 'controller')\n"
        "    with open(f'{name}.json', 'w') as file:\n"
        "        json.dump(sorted(sys.modules), file)\n",
    )
    plain.write("test_plain.py", "def test_one(): pass\n")

    status, modules = imported(plain, "-n", "1")

    worker = set(json.loads((plain.root / "gw0.json").read_text("utf-8")))
    assert status == 0
    assert (modules | worker).isdisjoint(_HEAVY)
    assert own(worker) <= _OWN
    assert own(modules) <= _OWN | _ON_XDIST
    assert not (plain.root / "results").exists()


def test_the_plugin_can_be_turned_off(arith_suite: ArithSuite) -> None:
    arith_suite.write("test_plain.py", "def test_one(): pass\n")

    result = arith_suite.run_apart("-p", "no:evalkit")

    assert result.ret == 0
    result.assert_outcomes(passed=1)


def test_a_plain_suite_under_xdist_runs_each_test_once_on_the_least_busy_worker(
    plain: ArithSuite,
) -> None:
    plain.write(
        "test_plain.py",
        "import os, time, pytest\n"
        "@pytest.mark.parametrize('n', range(12))\n"
        "def test_it(n):\n"
        "    if n == 0: time.sleep(0.5)\n"
        "    with open('ran', 'a') as file:\n"
        "        file.write(f\"{os.environ['PYTEST_XDIST_WORKER']} {n}\\n\")\n",
    )

    result = plain.run("-n", "2")

    ran = [line.split() for line in plain.noted("ran")]
    slow = next(worker for worker, n in ran if n == "0")
    result.assert_outcomes(passed=12)
    assert sorted(int(n) for _, n in ran) == list(range(12))
    # Had each worker half of the tests, the slow one would end up with six.
    assert sum(worker == slow for worker, _ in ran) < 6


def test_other_ways_to_distribute_a_plain_suite_stay_as_they_are(
    plain: ArithSuite,
) -> None:
    plain.write(
        "test_more.py",
        "import os, pytest\n"
        "@pytest.mark.parametrize('n', range(6))\n"
        "def test_it(n):\n"
        "    with open('ran', 'a') as file:\n"
        "        file.write(os.environ['PYTEST_XDIST_WORKER'] + '\\n')\n",
    )

    result = plain.run("-n", "2", "--dist", "loadfile")

    result.assert_outcomes(passed=8)
    assert len(set(plain.noted("ran"))) == 1


def test_xdist_need_not_be_installed(plain: ArithSuite) -> None:
    result = plain.run_apart("-p", "no:xdist")

    result.assert_outcomes(passed=2)
