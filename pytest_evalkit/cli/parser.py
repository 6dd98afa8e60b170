"""The arguments of ``evalkit``, a function for each subcommand."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pytest_evalkit.cli.cache_options import add_cache_commands
from pytest_evalkit.cli.comparing_options import (
    add_baseline_command,
    add_compare_command,
    add_power_command,
)
from pytest_evalkit.cli.counts import count
from pytest_evalkit.cli.load_commands import (
    add_load_sweep_command,
    add_self_test_command,
)
from pytest_evalkit.cli.task_folders import add_include_path

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001

EXIT_USAGE = 4
"""Exit status where what was asked for is wrong, as pytest has it."""

_RUN = (
    "a run folder, its results.json, or 'last': the newest under results/; also of "
    "lm-eval or lmms-eval"
)


class _Parser(argparse.ArgumentParser):
    """A parser that ends with pytest's exit status for wrong usage."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """Make the parser of the command and all its subcommands.

    Args:
        description: What its help begins with.
    """
    parser: argparse.ArgumentParser = _Parser(prog="evalkit", description=description)
    parser.add_argument(
        "--version", action="version", version=f"evalkit {version('pytest-evalkit')}"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_show(commands)
    _add_report(commands)
    _add_export(commands)
    _add_send(commands)
    _add_tasks(commands)
    _add_validate(commands)
    _add_convert_snapshot(commands)
    _add_run(commands)
    _add_config(commands)
    _add_merge(commands)
    add_compare_command(commands)
    add_baseline_command(commands)
    add_power_command(commands)
    add_load_sweep_command(commands)
    add_self_test_command(commands)
    add_cache_commands(commands)
    _add_serve_model(commands)
    commands.add_parser(
        "mock-server", help="serve made-up answers; its own --help says more"
    )
    return parser


def _add_show(commands: Commands) -> None:
    parser = commands.add_parser("show", help="print what a run concluded")
    parser.add_argument(
        "run",
        metavar="RUN",
        help=_RUN,
    )
    parser.add_argument(
        "--markdown", action="store_true", help="print tables in Markdown"
    )


def _add_report(commands: Commands) -> None:
    parser = commands.add_parser(
        "report", help="write the page of a run again, or of two runs side by side"
    )
    parser.add_argument("run", metavar="RUN", help="as for show")
    parser.add_argument(
        "other",
        metavar="OTHER",
        nargs="?",
        help="a second run, to compare with the first, document by document",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="the page; default: report.html in the run's folder, and comparison.html "
        "here of two runs",
    )


def _add_export(commands: Commands) -> None:
    parser = commands.add_parser(
        "export", help="write a row for each document, as CSV or Parquet"
    )
    parser.add_argument("run", metavar="RUN", help="as for show")
    parser.add_argument(
        "--format", choices=("csv", "parquet"), default="csv", help="default: csv"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="the table; default: samples.csv or samples.parquet in the run's folder",
    )


def _add_send(commands: Commands) -> None:
    parser = commands.add_parser(
        "send", help="send a run to a tracker of experiments, or its traces"
    )
    parser.add_argument("run", metavar="RUN", help="as for show")
    parser.add_argument(
        "--sink",
        metavar="NAME[:K=V,...]",
        action="append",
        required=True,
        help="as pytest's --sink; may be given several times",
    )


def _add_tasks(commands: Commands) -> None:
    parser = commands.add_parser("tasks", help="list tasks, groups and their tags")
    parser.add_argument(
        "pattern", metavar="PATTERN", nargs="?", default="*", help="a name, tag or glob"
    )
    parser.add_argument(
        "--include-path",
        "--include_path",
        metavar="DIR",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        help="folders to look in, besides the benchmarks that come with the package",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _add_validate(commands: Commands) -> None:
    parser = commands.add_parser(
        "validate",
        help="load tasks without their data, or check conversation data, and say "
        "what is wrong",
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        type=Path,
        help="a task file or a folder of them; or a .jsonl file of conversations",
    )
    parser.add_argument(
        "--max-errors",
        metavar="N",
        type=count,
        help="problems of each data file to print (default: 50)",
    )


def _add_convert_snapshot(commands: Commands) -> None:
    parser = commands.add_parser(
        "convert-snapshot",
        help="turn an agent's log of growing snapshots into conversation data",
    )
    parser.add_argument("source", metavar="IN", type=Path, help="the log, as JSONL")
    parser.add_argument("output", metavar="OUT", type=Path, help="the file of rows")
    parser.add_argument(
        "--verify",
        action="store_true",
        help="build every prompt from the rows and compare it with the log",
    )


def _add_run(commands: Commands) -> None:
    parser = commands.add_parser(
        "run", help="run every experiment of a file, each by a pytest of its own"
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="an experiment file")
    parser.add_argument(
        "arguments",
        metavar="...",
        nargs=argparse.REMAINDER,
        help="further arguments of pytest, which win over the file's",
    )


def _add_config(commands: Commands) -> None:
    parser = commands.add_parser("config", help="print a run as an experiment file")
    parser.add_argument("run", metavar="RUN", help="as for show")


def _add_merge(commands: Commands) -> None:
    parser = commands.add_parser(
        "merge", help="join the runs of --shard, or of different documents, to one run"
    )
    parser.add_argument(
        "runs",
        metavar="RUN",
        nargs="+",
        type=Path,
        help="a run folder, or a folder above several",
    )
    parser.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        help="folder of the merged run (default: a new one below results/)",
    )
    parser.add_argument(
        "--partial",
        action="store_true",
        help="write an incomplete run where shards or documents are missing",
    )
    _add_merged_gates(parser)
    add_include_path(parser)


def _add_merged_gates(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--gate",
        metavar="[TASK:]METRIC>=X",
        action="append",
        default=[],
        help="a condition on the merged results, besides those of the runs",
    )
    parser.add_argument(
        "--gate-partial", "--gate_partial", action="store_true", help="as pytest's"
    )
    parser.add_argument(
        "--gate-inconclusive",
        "--gate_inconclusive",
        choices=("fail", "warn"),
        help="as pytest's",
    )
    parser.add_argument("--baseline", metavar="RUN", type=Path, help="as pytest's")
    parser.add_argument(
        "--max-errors", "--max_errors", metavar="N", type=count, help="as pytest's"
    )


def _add_serve_model(commands: Commands) -> None:
    parser = commands.add_parser(
        "serve-model", help="serve a model over the OpenAI protocol, for any client"
    )
    parser.add_argument(
        "--model", metavar="NAME", required=True, help="as pytest's --model"
    )
    parser.add_argument(
        "--model-args",
        "--model_args",
        metavar="K=V,...",
        default="",
        help="as pytest's --model-args",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="zero for a free port")
    parser.add_argument("--api-key", metavar="KEY", help="refuse requests without it")
