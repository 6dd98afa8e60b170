"""The command line of ``evalkit``; each subcommand loads what it needs, when it runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence

from pytest_evalkit.cli.parser import EXIT_USAGE, make_parser
from pytest_evalkit.errors import EvalkitError, OptionError
from pytest_evalkit.naming import suggestion

_MOCK_SERVER = "mock-server"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand.

    Args:
        argv: The arguments; None for those of the process.

    Returns:
        The exit status: 0; 1 where ``validate`` finds a task or data that are wrong,
        ``convert-snapshot`` loses something, a merged run fails, or ``self-test`` finds
        that the machine measures wrongly; 2 where a merged run is incomplete; 4 where the
        arguments or the files they name are wrong; for ``run`` and ``load-sweep``
        pytest's.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    # The server reads its own options, so that there is one list of them.
    if arguments[:1] == [_MOCK_SERVER]:
        return _mock_server(arguments[1:])
    try:
        _check_command(arguments)
        options = make_parser(__doc__).parse_args(arguments)
        return _COMMANDS[options.command](options)
    except EvalkitError as error:
        sys.stderr.write(f"evalkit: {error}\n")
        return EXIT_USAGE


def _show(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.show import show

    return show(options.run, markdown=options.markdown)


def _compare(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.compare import CompareOptions, compare

    return compare(
        CompareOptions(
            runs=options.runs,
            form=options.format,
            is_forced=options.anyway,
            flips=options.flips,
            include_paths=options.include_path,
        )
    )


def _baseline(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.baseline import update

    return update(options)


def _power(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.power import report_power

    return report_power(options)


def _report(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.report import report

    return report(options.run, options.other, options.output)


def _export(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.export import export

    return export(options.run, options.format, options.output)


def _send(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.send import send_run

    return send_run(options.run, options.sink)


def _merge(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.merge import MergeOptions, merge

    return merge(
        MergeOptions(
            runs=options.runs,
            output=options.output,
            is_partial=options.partial,
            gates=options.gate,
            gate_partial=options.gate_partial,
            gate_inconclusive=options.gate_inconclusive,
            baseline=options.baseline,
            max_errors=options.max_errors,
            include_paths=options.include_path,
        )
    )


def _tasks(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.tasks import list_tasks

    return list_tasks(options.pattern, options.include_path, as_json=options.json)


def _validate(options: argparse.Namespace) -> int:
    data = [path for path in options.paths if path.suffix == ".jsonl"]
    tasks = [path for path in options.paths if path.suffix != ".jsonl"]
    status = 0
    if data:
        from pytest_evalkit.cli.conversations import report_data

        status = report_data(data, options.max_errors)
    if tasks:
        from pytest_evalkit.cli.validate import report

        status = max(status, report(tasks))
    return status


def _convert_snapshot(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.conversations import convert_snapshot

    return convert_snapshot(options.source, options.output, verify=options.verify)


def _run(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.run import run_experiments

    return run_experiments(options.file, options.arguments)


def _config(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.config import print_config

    return print_config(options.run)


def _load_sweep(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.load_sweep import load_sweep

    return load_sweep(options)


def _self_test(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.self_test import self_test

    return self_test(options)


def _serve_model(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.serve import serve_model

    return serve_model(options)


def _cache(options: argparse.Namespace) -> int:
    from pytest_evalkit.cli.cache import look_after

    return look_after(options)


_COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "baseline": _baseline,
    "cache": _cache,
    "compare": _compare,
    "config": _config,
    "convert-snapshot": _convert_snapshot,
    "export": _export,
    "send": _send,
    "load-sweep": _load_sweep,
    "merge": _merge,
    "power": _power,
    "report": _report,
    "run": _run,
    "self-test": _self_test,
    "serve-model": _serve_model,
    "show": _show,
    "tasks": _tasks,
    "validate": _validate,
}


def _check_command(arguments: Sequence[str]) -> None:
    """Refuse a misspelt command with the nearest, where argparse would list them all.

    Raises:
        OptionError: There is no such command.
    """
    known = (*_COMMANDS, _MOCK_SERVER)
    for command in arguments[:1]:
        if not command.startswith("-") and command not in known:
            raise OptionError(
                f"unknown command {command!r}; {suggestion(command, known)}"
            )


def _mock_server(arguments: list[str]) -> int:
    from pytest_evalkit.mockserver.__main__ import main as serve

    return serve(arguments)
