"""The arguments of the subcommands about load."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any


def add_self_test_command(commands: Any) -> None:
    """Declare ``self-test``.

    Args:
        commands: What ``add_subparsers`` of the parser of ``evalkit`` returned.
    """
    parser = commands.add_parser(
        "self-test", help="tell whether this machine measures what a server does"
    )
    parser.add_argument(
        "--concurrency",
        metavar="N",
        type=_count,
        default=64,
        help="requests in flight (default: 64)",
    )
    parser.add_argument(
        "--requests",
        metavar="N",
        type=_count,
        help="requests in all (default: eight for each in flight)",
    )
    parser.add_argument(
        "--ttft",
        metavar="S",
        type=_seconds,
        default=0.2,
        help="seconds to the first token (default: 0.2)",
    )
    parser.add_argument(
        "--inter-token",
        metavar="S",
        type=_seconds,
        default=0.02,
        help="seconds between tokens (default: 0.02)",
    )
    parser.add_argument(
        "--tokens",
        metavar="N",
        type=_count,
        default=16,
        help="tokens of each answer (default: 16)",
    )


def add_load_sweep_command(commands: Any) -> None:
    """Declare ``load-sweep``.

    Args:
        commands: What ``add_subparsers`` of the parser of ``evalkit`` returned.
    """
    parser = commands.add_parser(
        "load-sweep",
        help="run the same documents at rising load, and tell where the server gives way",
    )
    parser.add_argument(
        "levels",
        metavar="N,N,...",
        type=_levels,
        help="requests in flight, level by level, such as 1,2,4,8",
    )
    parser.add_argument(
        "--output",
        metavar="DIR",
        type=Path,
        help="a new folder for the runs, load_sweep.json and report.html (default: below results/)",
    )
    parser.add_argument(
        "arguments",
        metavar="...",
        nargs=argparse.REMAINDER,
        help="after --, the arguments of pytest",
    )


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a count, 1 or more, not {text!r}")
    return value


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be seconds, above 0, not {text!r}")
    return value


def _levels(text: str) -> list[int]:
    levels = [_count(one) for one in text.split(",")]
    if levels != sorted(set(levels)):
        raise argparse.ArgumentTypeError(f"must rise from level to level, not {text!r}")
    return levels
