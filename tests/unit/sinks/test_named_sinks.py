from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from pytest_evalkit.errors import MissingPackageError, OptionError, SinkError
from pytest_evalkit.sinks import SINKS, FinishedRun, NamedSink, parse_sink, send
from pytest_evalkit.sinks.otel_sink import OtelSink
from pytest_evalkit.sinks.sink import defaults
from pytest_evalkit.sinks.wandb_sink import WandbSink

ROOT = Path(__file__).parents[3]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that are there, and that nobody may import."""
    for name in ("mlflow", "wandb", "trackio"):
        text = "raise AssertionError('imported')"
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    for variable in ("MLFLOW_TRACKING_URI", "WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))


class Doubtful:
    """A sink that does what a test says."""

    def __init__(self, act: Callable[[], str]) -> None:
        self._act = act

    def check(self) -> None:
        """Accept everything."""

    def send(self, run: FinishedRun) -> str:
        return self._act()


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wand", "no such sink; did you mean 'wandb'?"),
        ("wandb:projct=evals", "no argument 'projct'; did you mean 'project'?"),
        ("trackio:project=7", "an argument is of another form: Expected `str`"),
        ("mlflow:files=some", "Invalid enum value 'some'"),
        ("mlflow", "set MLFLOW_TRACKING_URI"),
        ("wandb", "WANDB_API_KEY is not set"),
    ],
)
def test_what_cannot_work_is_refused(text: str, message: str) -> None:
    with pytest.raises(
        OptionError, match=f"^--sink {text.partition(':')[0]}"
    ) as caught:
        parse_sink(text)

    assert message in str(caught.value)


@pytest.mark.usefixtures("installed")
def test_a_sink_takes_its_arguments() -> None:
    named = parse_sink("wandb:project=evals,mode=offline,files=all")

    assert (named.name, named.sink) == (
        "wandb",
        WandbSink(project="evals", mode="offline", files="all"),
    )


@pytest.mark.usefixtures("installed")
def test_a_key_in_the_users_netrc_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "netrc"
    text = "machine api.wandb.ai\n  login user\n  password something\n"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))

    assert parse_sink("wandb").name == "wandb"


@pytest.mark.skipif(find_spec("mlflow") is not None, reason="mlflow is installed")
def test_a_client_that_is_not_installed_is_one_line_with_the_extra() -> None:
    with pytest.raises(MissingPackageError) as caught:
        parse_sink("mlflow:tracking_uri=http://localhost:5000")

    assert str(caught.value) == (
        "--sink mlflow needs the package mlflow-skinny; "
        'pip install "pytest-evalkit[mlflow]"'
    )


def test_each_sink_has_an_extra_of_its_name() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    for name, entry in SINKS.items():
        assert any(need.startswith(entry.package) for need in extras[name])


def test_an_endpoint_that_is_no_address_is_refused() -> None:
    with pytest.raises(OptionError, match="no http or https address"):
        OtelSink(endpoint="localhost:4318").check()


def test_whatever_a_client_raises_is_one_line(run: FinishedRun) -> None:
    def fail() -> str:
        raise KeyError("two\nlines")

    with pytest.raises(SinkError) as caught:
        send(NamedSink(name="wandb", sink=Doubtful(fail)), run)

    assert str(caught.value).startswith("--sink wandb: nothing was sent: KeyError: ")
    assert "\n" not in str(caught.value)


def test_clients_neither_log_nor_warn(
    run: FinishedRun, caplog: pytest.LogCaptureFixture
) -> None:
    def chat() -> str:
        logging.getLogger("client").error("retrying")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        return "there"

    place = send(NamedSink(name="wandb", sink=Doubtful(chat)), run)

    assert place == "there"
    assert not caplog.records
    logging.getLogger("client").error("heard again")
    assert len(caplog.records) == 1


def test_variables_that_are_set_win_over_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EVALKIT_SET", "mine")

    with defaults(EVALKIT_SET="other", EVALKIT_UNSET="default"):
        inside = os.environ["EVALKIT_SET"], os.environ["EVALKIT_UNSET"]

    assert inside == ("mine", "default")
    assert "EVALKIT_UNSET" not in os.environ
