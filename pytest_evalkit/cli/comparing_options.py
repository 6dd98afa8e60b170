"""The command lines of ``evalkit compare``, ``baseline`` and ``power``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_evalkit.cli.counts import count
from pytest_evalkit.cli.task_folders import add_include_path
from pytest_evalkit.stats.power import PowerDesign

_DEFAULTS = PowerDesign()


def add_compare_command(commands: Any) -> None:
    """Declare ``compare``.

    Args:
        commands: What ``add_subparsers`` of the parser of ``evalkit`` returned.
    """
    parser = commands.add_parser(
        "compare", help="tell what differs between runs, and how surely"
    )
    parser.add_argument(
        "runs",
        metavar="RUN",
        nargs="+",
        type=Path,
        help="a run folder, its results.json or a samples file; each is compared with "
        "the first",
    )
    parser.add_argument(
        "--format",
        choices=("text", "markdown", "json"),
        default="text",
        help="what to print (default: text)",
    )
    parser.add_argument(
        "--anyway",
        action="store_true",
        help="compare although documents or the task's version differ",
    )
    parser.add_argument(
        "--flips",
        metavar="N",
        type=count,
        default=10,
        help="changed documents to show of each metric (default: 10)",
    )
    add_include_path(parser)


def add_baseline_command(commands: Any) -> None:
    """Declare ``baseline``.

    Args:
        commands: What ``add_subparsers`` of the parser of ``evalkit`` returned.
    """
    parser = commands.add_parser(
        "baseline", help="look after the files that later runs are held against"
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    update = actions.add_parser("update", help="take a run into a baseline file")
    update.add_argument(
        "run",
        metavar="RUN",
        help="a run folder, its results.json, or 'last': the newest under results/",
    )
    update.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        help="the baseline, .yaml or .json; made where there is none",
    )
    update.add_argument(
        "--task",
        metavar="NAME",
        action="append",
        default=[],
        help="a task to take; may be given several times (default: all of the run)",
    )


def add_power_command(commands: Any) -> None:
    """Declare ``power``.

    Args:
        commands: What ``add_subparsers`` of the parser of ``evalkit`` returned.
    """
    parser = commands.add_parser(
        "power", help="tell how many documents show a difference"
    )
    parser.add_argument(
        "runs",
        metavar="RUN",
        nargs="*",
        type=Path,
        help="a past run, or two of the same documents, to take deviations from",
    )
    parser.add_argument(
        "--effect",
        metavar="X",
        type=float,
        default=0.03,
        help="the difference to be shown (default: 0.03)",
    )
    parser.add_argument(
        "--documents",
        metavar="N",
        type=count,
        help="tell the smallest difference that so many documents show",
    )
    _add_design(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _add_design(parser: Any) -> None:
    parser.add_argument(
        "--alpha",
        metavar="X",
        type=float,
        default=_DEFAULTS.alpha,
        help="how often a difference may be seen that is none (default: 0.05)",
    )
    parser.add_argument(
        "--power",
        metavar="X",
        type=float,
        default=_DEFAULTS.power,
        help="how often a difference is to be seen that is there (default: 0.8)",
    )
    for letter, which in (("a", "first"), ("b", "second")):
        parser.add_argument(
            f"--std-{letter}",
            f"--std_{letter}",
            metavar="X",
            type=float,
            help=f"deviation of a document's score with the {which} model (default: "
            "0.5, or the run's)",
        )
    parser.add_argument(
        "--correlation",
        metavar="X",
        type=float,
        default=_DEFAULTS.correlation,
        help="of a document's two scores (default: 0.5); 0 for different documents",
    )
