"""Results sent elsewhere: refused at start, sent once, and never the run's undoing."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_SIXTH = ("--model", "constant", "--model-args", "text='2'")
_WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")])
# What is asked of Trackio's client, which the machine need not have.
_CLIENT = """
import json, os

def init(**settings):
    {failure}
    _note(settings)

def log(figures):
    _note(figures)

def finish():
    _note({{"finished": os.path.exists("results")}})

def _note(value):
    with open("sent.jsonl", "a") as file:
        file.write(json.dumps(value) + "\\n")
"""

pytestmark = pytest.mark.skipif(
    find_spec("trackio") is not None, reason="trackio itself is installed"
)


@pytest.fixture
def client(arith_suite: ArithSuite, monkeypatch: pytest.MonkeyPatch) -> ArithSuite:
    monkeypatch.syspath_prepend(str(arith_suite.root))
    monkeypatch.setenv("HF_TOKEN", "hf-not-to-be-seen")
    monkeypatch.delitem(sys.modules, "trackio", raising=False)
    arith_suite.write("trackio.py", _CLIENT.format(failure="pass"))
    return arith_suite


@_WORKERS
def test_a_run_is_sent_once_after_its_files_are_written(
    client: ArithSuite, workers: Sequence[str]
) -> None:
    result = client.run(*_SIXTH, "--sink", "trackio:project=evals", *workers)

    settings, figures, ended = map(json.loads, client.noted("sent.jsonl"))
    assert result.ret == pytest.ExitCode.OK
    assert settings["project"] == "evals"
    assert figures["arith/exact_match"] == pytest.approx(1 / 6)
    assert ended == {"finished": True}
    result.stdout.fnmatch_lines(["results  *", "trackio  run * of 'evals': *"])
    assert "not-to-be-seen" not in json.dumps([settings, figures])


def test_a_sink_that_fails_is_a_warning_and_can_be_tried_again(
    client: ArithSuite,
) -> None:
    failure = "raise OSError('no route for hf-not-to-be-seen')"
    client.write("trackio.py", _CLIENT.format(failure=failure))

    result = client.run(*_SIXTH, "--gate", "exact_match>=0.1", "--sink", "trackio")

    assert result.ret == pytest.ExitCode.OK
    reason = (
        "warning: --sink trackio: nothing was sent: OSError: no route for [*][*][*]"
    )
    again = "evalkit send * --sink trackio tries again"
    result.stdout.fnmatch_lines([f"{reason}; {again}"])
    assert client.score() == pytest.approx(1 / 6)
    assert "not-to-be-seen" not in result.stdout.str()


@pytest.mark.parametrize(
    ("sink", "message"),
    [
        ("track", "ERROR: --sink track: no such sink; did you mean 'trackio'?"),
        ("trackio", "ERROR: --sink trackio needs the package trackio; pip install *"),
    ],
)
def test_a_sink_that_cannot_work_is_refused_before_anything_is_asked(
    arith_suite: ArithSuite, sink: str, message: str
) -> None:
    result = arith_suite.run(*_SIXTH, "--sink", sink)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    assert not arith_suite.folders
