"""The command line of ``evalkit``; each subcommand loads what it needs, when it runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from pytest_evalkit.cli.cache_options import add_cache_commands
from pytest_evalkit.errors import EvalkitError

EXIT_USAGE = 4
"""Exit status where what was asked for is wrong, as pytest has it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand.

    Args:
        argv: The arguments; None for those of the process.

    Returns:
        The exit status: 0; 1 where ``validate`` finds a task that is wrong, or a merged
        run fails; 2 where that is incomplete; 4 where the arguments or the files they
        name are wrong.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    # The server reads its own options, so that there is one list of them.
    if arguments[:1] == ["mock-server"]:
        return _mock_server(arguments[1:])
    options = _parser().parse_args(arguments)
    try:
        return _COMMANDS[options.command](options)
    except EvalkitError as error:
        sys.stderr.write(f"evalkit: {error}\n")
        return EXIT_USAGE


class _Parser(argparse.ArgumentParser):
    """A parser that ends with pytest's exit status for wrong usage."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="evalkit", description=__doc__)
    parser.add_argument(
        "--version", action="version", version=f"evalkit {version('pytest-evalkit')}"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    show = commands.add_parser("show", help="print what a run concluded")
    show.add_argument(
        "run",
        metavar="RUN",
        help="a run folder, its results.json, or 'last': the newest under results/",
    )
    show.add_argument(
        "--markdown", action="store_true", help="print tables in Markdown"
    )
    merging = commands.add_parser(
        "merge", help="join the runs of --shard, or of different documents, to one run"
    )
    _add_merging(merging)
    tasks = commands.add_parser("tasks", help="list tasks, groups and their tags")
    tasks.add_argument(
        "pattern", metavar="PATTERN", nargs="?", default="*", help="a name, tag or glob"
    )
    tasks.add_argument(
        "--include-path",
        "--include_path",
        metavar="DIR",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        help="folders to look in, besides the benchmarks that come with the package",
    )
    tasks.add_argument("--json", action="store_true", help="print JSON")
    validate = commands.add_parser(
        "validate", help="load tasks without their data, and say which do not load"
    )
    validate.add_argument(
        "paths", metavar="PATH", nargs="+", type=Path, help="a task file or a folder"
    )
    add_cache_commands(commands)
    serving = commands.add_parser(
        "serve-model", help="serve a model over the OpenAI protocol, for any client"
    )
    _add_serving(serving)
    commands.add_parser(
        "mock-server", help="serve made-up answers; its own --help says more"
    )
    return parser


def _add_merging(parser: argparse.ArgumentParser) -> None:
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
        "--max-errors", "--max_errors", metavar="N", type=_count, help="as pytest's"
    )
    parser.add_argument(
        "--include-path",
        "--include_path",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="a folder to look for tasks in whose files have moved",
    )


def _count(text: str) -> int:
    """Read a count, 0 or more.

    Raises:
        ValueError: It is something else.
    """
    count = int(text)
    if count < 0:
        raise ValueError
    return count


def _add_serving(parser: argparse.ArgumentParser) -> None:
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


def _show(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.show import show

    return show(options.run, markdown=options.markdown)


def _merge(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.merge import MergeOptions, merge

    return merge(
        MergeOptions(
            runs=options.runs,
            output=options.output,
            is_partial=options.partial,
            gates=options.gate,
            gate_partial=options.gate_partial,
            max_errors=options.max_errors,
            include_paths=options.include_path,
        )
    )


def _tasks(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.tasks import list_tasks

    return list_tasks(options.pattern, options.include_path, as_json=options.json)


def _validate(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.validate import report

    return report(options.paths)


def _serve_model(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.serve import serve_model

    return serve_model(options)


def _cache(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.cache import look_after

    return look_after(options)


_COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "merge": _merge,
    "cache": _cache,
    "serve-model": _serve_model,
    "show": _show,
    "tasks": _tasks,
    "validate": _validate,
}


def _mock_server(arguments: list[str]) -> int:
    from pytest_evalkit.mockserver.__main__ import main as serve

    return serve(arguments)
