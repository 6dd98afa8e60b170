"""The pytest plugin: hooks say when, their neighbours in this room say what.

Importing it imports nothing heavy, since every pytest run in whose environment it is
installed does so; what a hook needs is imported when there is something to evaluate.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.plugin import hookspecs
from pytest_evalkit.plugin.fixtures import mock_server, model, record_score
from pytest_evalkit.plugin.garbage import give_back_at_end
from pytest_evalkit.plugin.interrupts import forget_interrupt
from pytest_evalkit.plugin.options import (
    OPTIONS_KEY,
    add_options,
    read_experiment_file,
    read_options,
)
from pytest_evalkit.plugin.place import resumed_header
from pytest_evalkit.plugin.refusal import left_out_lines, tell_refusal, write_refusal

if TYPE_CHECKING:
    from pytest_evalkit.plugin.collection import TaskFile

__all__ = ["mock_server", "model", "record_score"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options and ini keys."""
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that users may implement."""
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None]:
    """Take in an experiment file before a conftest imports what its variables steer.

    Once conftest files have declared their options, what is unknown is misspelt.
    """
    give_back_at_end(early_config)
    read_experiment_file(early_config, args)
    yield
    _, unknown = parser.parse_known_and_unknown_args(list(args))
    if unknown:
        from pytest_evalkit.plugin.misspelling import hint_at_options

        hint_at_options(parser, unknown)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check the options once, and take part in what this process is there for."""
    from pytest_evalkit.plugin.setup import set_up

    set_up(config, read_options(config))


def pytest_keyboard_interrupt() -> None:
    """Have an interrupt that pytest takes decide its exit status, and no more."""
    forget_interrupt()


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which run is resumed."""
    return resumed_header(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give back what the run holds."""
    from pytest_evalkit.plugin.setup import tear_down

    tear_down(config)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> TaskFile | None:
    """Take task YAMLs; leave every other file alone."""
    if file_path.suffix not in {".yaml", ".yml"}:
        return None
    from pytest_evalkit.plugin.collection import collect_task_file

    return collect_task_file(file_path, parent)


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Dir | None:
    """Keep pytest from importing the packages around the tasks of other projects."""
    if "lm_eval" not in path.parts and "lmms_eval" not in path.parts:
        return None
    from pytest_evalkit.compat import is_project_folder

    return (
        pytest.Dir.from_parent(parent, path=path) if is_project_folder(path) else None
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    """Number cases first; narrow the documents after everybody else has."""
    from pytest_evalkit.plugin.setup import participants

    if config.stash[OPTIONS_KEY].selftest:
        from pytest_evalkit.plugin.selftest import keep_selftests

        keep_selftests(config, items)
    taking_part = participants(config, items)
    if taking_part is not None:
        taking_part.number(items)
    yield
    if taking_part is not None:
        taking_part.narrow(items)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell a wrong command line that only showed when tasks were collected."""
    tell_refusal(session)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say, below the figures, what was left out or refused of what was asked for."""
    for line in left_out_lines(config):
        terminalreporter.write_line(line, yellow=True)
    write_refusal(terminalreporter, config)


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(
    report: pytest.CollectReport | pytest.TestReport, config: pytest.Config
) -> tuple[str, str, Any] | None:
    """Let documents and gates pass without a dot each; show scores under ``-v``."""
    if not (hasattr(report, "evalkit") or hasattr(report, "evalkit_word")):
        return None
    from pytest_evalkit.plugin.wire import shown_status

    return shown_status(report, config)
