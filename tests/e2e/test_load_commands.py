from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from pytest_evalkit.cli.command import main
from pytest_evalkit.mockserver import MockServer

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite


@pytest.fixture
def at_suite(arith_suite: ArithSuite, monkeypatch: pytest.MonkeyPatch) -> ArithSuite:
    monkeypatch.chdir(arith_suite.pytester.path)
    return arith_suite


def sweep(server: MockServer, *arguments: str) -> int:
    model = f"model=m,base_url={server.url},api_key=k"
    named = ("arith", "--model", "openai", "--model-args", model, "-q")
    return main(["load-sweep", "--output", "sweep", "1,2", "--", *named, *arguments])


def test_a_sweep_runs_the_same_documents_at_each_level(
    at_suite: ArithSuite, mock_server: MockServer, capfd: pytest.CaptureFixture[str]
) -> None:
    status = sweep(mock_server, "--limit", "3")

    output, errors = capfd.readouterr()
    assert status == 0, output + errors
    path = at_suite.pytester.path / "sweep" / "load_sweep.json"
    found = json.loads(path.read_bytes())
    assert [one["concurrency"] for one in found["load_sweep"]] == [1, 2]
    assert found["complete"] is True
    for one in found["load_sweep"]:
        assert one["scores"]["arith"].keys() == {"exact_match,none"}
        assert one["figures"]["n_requests"]["successful"] == 3
        assert one["figures"]["peak_concurrency"] <= one["concurrency"]
        assert (path.parent / one["results"]).is_file()
    page = (path.parent / "report.html").read_text(encoding="utf-8")
    links = re.findall(r'<a class="link" href="([^"]+)"', page)
    assert len(links) == 2
    assert all((path.parent / link).is_file() for link in links)
    assert mock_server.requests == 6
    assert "concurrency  errors" in output


def test_a_sweep_refuses_what_it_sets_itself(
    at_suite: ArithSuite, mock_server: MockServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sweep(mock_server, "--concurrency=4") == 4

    assert "--concurrency cannot be given to a sweep" in capsys.readouterr().err
    assert mock_server.requests == 0


def test_a_sweep_tells_its_own_options_from_those_of_pytest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["load-sweep", "1,2", "--output", "sweep", "--", "arith"]) == 4

    assert "--output stands before the levels" in capsys.readouterr().err


@pytest.mark.parametrize(("levels", "told"), [("4,2", "must rise"), ("0", "1 or more")])
def test_levels_rise(
    levels: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["load-sweep", levels])

    assert ended.value.code == 4
    assert told in capsys.readouterr().err


def test_the_self_test_holds_what_is_reported_against_what_is_true(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = main(
        ["self-test", "--concurrency", "2", "--requests", "4", "--ttft", "0.05"]
    )

    # Whether this machine measures well is not ours to assert.
    output = capsys.readouterr().out
    assert "4 requests, 2 in flight, 0 failed" in output
    assert "ttft_ms.p50" in output
    assert (status == 1) is ("does not measure such a load" in output)
