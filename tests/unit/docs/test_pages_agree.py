"""What pages say of the code, held against the code."""

from __future__ import annotations

import argparse
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

import pytest_evalkit
from pytest_evalkit.cli.parser import make_parser
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.schema import (
    RESULTS_SCHEMA_VERSION,
    AggregateDict,
    CoverageDict,
    GateDict,
    ResultsDict,
)
from pytest_evalkit.tasks import dataset_kwargs, schema


@pytest.fixture
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


def page(root: Path, name: str) -> str:
    return (root / "docs" / name).read_text("utf-8")


def section(text: str, heading: str) -> str:
    """Take a part of a page, from its heading to the next of that level."""
    level = heading.split(" ", maxsplit=1)[0]
    _, _, rest = text.partition(f"\n{heading}\n")
    assert rest, f"no section {heading!r}"
    return rest.split(f"\n{level} ")[0]


def first_cells(text: str) -> list[str]:
    """List the code words in the first column of the tables of a text."""
    rows = re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE)
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row)]


def test_every_key_of_a_task_file_is_documented_once(root: Path) -> None:
    documented = first_cells(page(root, "reference/task-yaml.md"))

    keys = [key for key in documented if re.fullmatch(r"\w+", key)]
    assert sorted(keys) == sorted(
        (
            *schema.SUPPORTED,
            *schema.WITHOUT_EFFECT,
            *schema.NOT_YET,
            *dataset_kwargs.WITHOUT_EFFECT,
        )
    )


def test_every_key_of_the_results_is_documented_once(root: Path) -> None:
    text = section(page(root, "reference/results.md"), "## `results.json`")
    whole, _, row = text.partition("A row of `aggregates`:")

    assert sorted(first_cells(whole)) == sorted(ResultsDict.__annotations__)
    assert sorted(first_cells(row)) == sorted(AggregateDict.__annotations__)
    for key in (*CoverageDict.__annotations__, *GateDict.__annotations__):
        assert f"`{key}`" in whole
    assert f"| `schema_version` | {RESULTS_SCHEMA_VERSION} |" in whole


def test_every_key_of_a_sample_is_documented_once(root: Path) -> None:
    text = section(page(root, "reference/results.md"), "## A sample")

    assert sorted(first_cells(text)) == sorted(SampleDict.__annotations__)


def test_every_subcommand_is_documented_once(root: Path) -> None:
    table = section(page(root, "reference/options.md"), "## The command `evalkit`")
    documented = re.findall(r"^\| `evalkit ([\w-]+)", table, re.MULTILINE)

    (commands,) = (
        action.choices
        for action in make_parser(None)._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    assert sorted(documented) == sorted(commands)


def test_the_rooms_stand_on_the_floors_that_are_checked(
    root: Path, project: dict[str, Any]
) -> None:
    table = section(page(root, "architecture.md"), "## Rooms")
    documented = re.findall(r"^\| (\d+) \| `(\w+)` \|", table, re.MULTILINE)

    (layers,) = (
        contract["layers"]
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    checked = [
        (str(floor), room)
        for floor, rooms in zip(range(len(layers), 0, -1), layers, strict=True)
        for room in rooms.split(" | ")
    ]
    assert documented == checked


def test_the_places_to_look_in_exist(root: Path) -> None:
    table = section(page(root, "architecture.md"), "## I want to change …")
    named = re.findall(r"`(\w+/\w+\.py)`", table)

    package = Path(pytest_evalkit.__file__).parent
    assert len(named) > 15
    assert [path for path in named if not (package / path).is_file()] == []


def test_every_dependency_has_its_reason(root: Path, project: dict[str, Any]) -> None:
    table = section(page(root, "architecture.md"), "## Dependencies")
    documented = re.findall(r"^\| ([a-z][\w-]*) \|", table, re.MULTILINE)

    needed = [
        re.split(r"[^\w-]", wanted)[0] for wanted in project["project"]["dependencies"]
    ]
    assert documented[1:] == needed
    for extra in project["project"]["optional-dependencies"]:
        assert f"`{extra}`" in table


def test_the_version_is_the_same_everywhere(
    root: Path, project: dict[str, Any]
) -> None:
    version = project["project"]["version"]

    assert pytest_evalkit.__version__ == version
    assert f'release = "{version}"' in page(root, "conf.py")


def test_the_guide_for_contributors_stays_short(root: Path) -> None:
    assert len(page(root, "contributing.md").splitlines()) <= 150


def test_the_scripts_that_contributors_are_told_of_exist(root: Path) -> None:
    named = re.findall(r"`python (\S+\.py)`", page(root, "contributing.md"))

    assert "docs/generate.py" in named
    assert [path for path in named if not (root / path).is_file()] == []
