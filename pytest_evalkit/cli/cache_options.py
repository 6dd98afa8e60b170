"""The command line of ``evalkit cache``."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def add_cache_commands(commands: Any) -> None:
    """Declare the subcommands.

    Args:
        commands: What ``add_subparsers`` of the parser of ``evalkit`` returned.
    """
    parser = commands.add_parser("cache", help="look after a folder of --use-cache")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    stats = actions.add_parser("stats", help="say what it holds")
    pruning = actions.add_parser("prune", help="take answers out of it")
    export = actions.add_parser(
        "export", help="print every question with its answer, as JSON Lines"
    )
    for each in (stats, pruning, export):
        each.add_argument("folder", metavar="DIR", type=Path, help="the folder")
    pruning.add_argument(
        "--older-than",
        "--older_than",
        metavar="AGE",
        help="those kept longer ago, such as 30d or 12h",
    )
    pruning.add_argument(
        "--max-size",
        "--max_size",
        metavar="SIZE",
        help="the oldest, until the file has so many bytes, such as 500MB",
    )
    for each in (pruning, export):
        each.add_argument("--model", metavar="NAME", help="those of one model")
