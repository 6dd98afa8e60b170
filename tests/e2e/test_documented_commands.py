"""README and the pages of docs/ are run: their commands, with the output they show."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from pytest_evalkit.mockserver import MockServer, serve_in_thread
from pytest_evalkit.mockserver.answers import echo

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
SERVED_AT = "http://localhost:8000/v1"

_MARKED = re.compile(
    r"^<!-- (?P<kind>run|file)(?: exit=(?P<status>\d+))?(?: (?P<path>\S+))? -->\n"
    r"```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Command(NamedTuple):
    """A command of a page, the exit status it has, and the lines it is said to show."""

    text: str
    status: int
    shown: Sequence[str]


class File(NamedTuple):
    """A file that a page tells its reader to write."""

    path: str
    text: str


def steps(page: str) -> Iterator[Command | File]:
    for block in _MARKED.finditer(page):
        status = int(block["status"] or 0)
        if block["kind"] == "file":
            yield File(block["path"], block["text"])
        elif block["language"] == "console":
            for part in re.split(r"^\$ ", block["text"], flags=re.MULTILINE)[1:]:
                command, *shown = part.splitlines()
                yield Command(command, status, shown)
        else:
            yield Command(block["text"], status, ())


def missing_lines(shown: Sequence[str], output: str) -> list[str]:
    """List the shown lines that do not occur in this order; ``...`` is anything."""
    lines = iter(output.splitlines())
    return [
        line
        for line in shown
        if line != "..."
        and not any(re.fullmatch(_pattern(line), found.rstrip()) for found in lines)
    ]


def _pattern(line: str) -> str:
    return ".*".join(map(re.escape, line.split("...")))


def documented_pages() -> list[str]:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [
        page.relative_to(ROOT).as_posix()
        for page in pages
        if "_build" not in page.parts and _MARKED.search(page.read_text("utf-8"))
    ]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a wheel installs it, with the benchmarks inside."""
    folder = tmp_path_factory.mktemp("site")
    package = folder / "pytest_evalkit"
    ignored = shutil.ignore_patterns("__pycache__", "_benchmarks")
    shutil.copytree(ROOT / "pytest_evalkit", package, ignore=ignored)
    shutil.copytree(ROOT / "benchmarks", package / "_benchmarks", ignore=ignored)
    return folder


@pytest.fixture
def environment(site: Path) -> Mapping[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "COV_"))
    }
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(site),
        # A plugin of these tests, which takes a second of each command.
        "PYTEST_ADDOPTS": "-p no:hypothesispytest",
        "HF_HUB_OFFLINE": "1",
        "COLUMNS": "120",
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a reader would be: beside the benchmarks and the examples."""
    shutil.copytree(ROOT / "benchmarks", tmp_path / "benchmarks")
    shutil.copytree(EXAMPLES, tmp_path / "docs" / "examples")
    shutil.copytree(EXAMPLES, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture(scope="session")
def served_at() -> Iterator[str]:
    with serve_in_thread(MockServer(echo)) as server:
        yield server.url


@pytest.mark.parametrize("page", documented_pages())
def test_a_page_says_what_its_commands_do(
    page: str, folder: Path, environment: Mapping[str, str], served_at: str
) -> None:
    for step in steps((ROOT / page).read_text("utf-8")):
        if isinstance(step, File):
            (folder / step.path).write_text(step.text, encoding="utf-8")
            continue
        told = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", step.text.replace(SERVED_AT, served_at)],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )

        assert told.returncode == step.status, f"{step.text}\n{told.stdout}"
        assert missing_lines(step.shown, told.stdout) == [], told.stdout


def test_a_shown_line_is_found_only_in_its_order() -> None:
    output = "one 1\ntwo\nthree"

    assert missing_lines(["one ...", "...", "three"], output) == []
    assert missing_lines(["two", "one 1"], output) == ["one 1"]
    assert missing_lines(["tw"], output) == ["tw"]


def test_the_picture_shows_what_the_first_page_shows() -> None:
    picture = (ROOT / "docs" / "_static" / "terminal.svg").read_text("utf-8")
    page = (ROOT / "docs" / "getting-started.md").read_text("utf-8")
    table = re.findall(r"^(?:Task|shapes|        answer) .*$", page, re.MULTILINE)[:7]

    assert [row for row in table if row not in picture] == []
    assert len(table) == 7
