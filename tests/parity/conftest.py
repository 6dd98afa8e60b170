"""The reference, asked once for all tests of this folder."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest

from tests.parity import suite
from tests.parity.suite import Suite


@pytest.fixture(scope="session")
def reference_python() -> str:
    """Give the path of a python that has lm-eval, or skip."""
    python = os.environ.get("EVALKIT_REFERENCE_PYTHON")
    if not python:
        pytest.skip(
            "needs lm-eval in a python of its own: "
            f"pip install lm-eval=={suite.REFERENCE_VERSION} there, and set "
            "EVALKIT_REFERENCE_PYTHON to its path"
        )
    return python


@pytest.fixture(scope="session")
def parity_suite(
    reference_python: str, tmp_path_factory: pytest.TempPathFactory
) -> Suite:
    """Give the folder with all task files and documents."""
    folder = tmp_path_factory.mktemp("parity") / "suite"
    return suite.write(folder, suite.find_reference(reference_python))


@pytest.fixture(scope="session")
def whole_reference(reference_python: str, parity_suite: Suite) -> dict[str, Any]:
    """Give all that lm-eval wrote down: its runs, and the names that it knows."""
    try:
        done = suite.run_reference(reference_python, parity_suite, suite.runs())
    except subprocess.CalledProcessError as error:
        pytest.fail(f"the reference ended with {error.returncode}: {error.stderr}")
    assert done["version"] == suite.REFERENCE_VERSION
    return done


@pytest.fixture(scope="session")
def reference(whole_reference: dict[str, Any]) -> dict[str, Any]:
    """Give what lm-eval made of every run, by its name."""
    runs: dict[str, Any] = whole_reference["runs"]
    return runs


@pytest.fixture(scope="session")
def names_of_reference(whole_reference: dict[str, Any]) -> dict[str, list[str]]:
    """Give the output types, metrics, aggregations and filters of lm-eval."""
    names: dict[str, list[str]] = whole_reference["names"]
    return names
