"""Where commands look for tasks that runs name."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_include_path(parser: argparse.ArgumentParser) -> None:
    """Let a command that needs the tasks of a run look for them elsewhere."""
    parser.add_argument(
        "--include-path",
        "--include_path",
        metavar="DIR",
        type=Path,
        action="append",
        default=[],
        help="a folder to look for tasks in whose files have moved",
    )
