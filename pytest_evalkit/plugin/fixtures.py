"""The fixtures that cases in Python may ask for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_evalkit.engine import Model
    from pytest_evalkit.mockserver import MockServer
    from pytest_evalkit.plugin.cases import RecordScore


@pytest.fixture(scope="session")
def model(pytestconfig: pytest.Config) -> Model:
    """Give the model that ``--model`` names.

    A fixture of this name in a ``conftest.py`` takes its place, for documents too; it
    returns a Backend, such as ``MockBackend(handler)``.
    """
    from pytest_evalkit.errors import OptionError
    from pytest_evalkit.plugin.run import run_of

    try:
        return run_of(pytestconfig).make_model()
    except OptionError as error:
        # One line for each test that asks; our own code is nobody's concern.
        raise pytest.fail.Exception(str(error), pytrace=False) from error


@pytest.fixture
def record_score(request: pytest.FixtureRequest) -> RecordScore:
    """Record scores of a case: ``record_score("accuracy", 0.5)``.

    Each name becomes a metric of the module's task, aggregated by its mean.
    """
    from pytest_evalkit.plugin.cases import SCORES_KEY

    scores = request.node.stash.setdefault(SCORES_KEY, {})

    def record(name: str, value: float) -> None:
        number = float(value)
        if math.isnan(number):
            raise ValueError(f"score {name!r} is not a number")
        scores[name] = number

    return record


@pytest.fixture
def mock_server() -> Iterator[MockServer]:
    """Serve the OpenAI protocol on a free port of this machine, until the test ends.

    ``mock_server.url`` is its base URL. It echoes what the user says; another function
    set as ``mock_server.answer`` answers otherwise, and another ``Behaviour`` set as
    ``mock_server.behaviour`` makes it slow, full or faulty. ``mock_server.received``
    lists the requests that came.
    """
    from pytest_evalkit.mockserver import MockServer, serve_in_thread
    from pytest_evalkit.mockserver.answers import echo

    with serve_in_thread(MockServer(echo, keeps_requests=True)) as server:
        yield server
