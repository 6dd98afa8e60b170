"""Counts as arguments of ``evalkit``."""

from __future__ import annotations

import argparse


def count(text: str) -> int:
    """Read a count, 0 or more.

    Raises:
        argparse.ArgumentTypeError: It is something else.
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a count, 0 or more, not {text!r}")
    return int(text)
