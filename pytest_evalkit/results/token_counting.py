"""Who counted the tokens of a run's requests, and whether counts agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_evalkit.evaluate.counting import ComparedDict, CountingLineDict
from pytest_evalkit.values import TokenSource

TOLERANCE = 0.02
"""The share by which counts of server and tokenizer may differ without a word."""


def source_of(sources: Mapping[TokenSource, int]) -> str | None:
    """Say who counted: one of the sources, ``mixed`` for several, None for nobody.

    Args:
        sources: How many requests each counted.
    """
    if not sources:
        return None
    return "mixed" if len(sources) > 1 else next(iter(sources))


def counting_dict(
    lines: Sequence[CountingLineDict], sources: Mapping[TokenSource, int]
) -> dict[str, Any] | None:
    """Write what counting tokens in this run came to.

    Args:
        lines: What its processes say.
        sources: How many requests each source counted.

    Returns:
        ``requests`` by source; ``compared`` by kind of tokens, where the server counted
        them too: ``requests``, ``server``, ``here``, and ``difference``, the share by
        which the tokenizer counts more, None of no tokens; ``without_template`` and
        ``problem``. None where no tokenizer was asked for, or nothing was counted.
    """
    if not lines:
        return None
    kinds = dict.fromkeys(kind for line in lines for kind in line["compared"])
    problems = (line["problem"] for line in lines if line["problem"] is not None)
    return {
        "requests": dict(sources),
        "compared": {
            kind: _joined(
                [line["compared"][kind] for line in lines if kind in line["compared"]]
            )
            for kind in kinds
        },
        "without_template": sum(line["without_template"] for line in lines),
        "problem": next(problems, None),
    }


def _joined(compared: Sequence[ComparedDict]) -> dict[str, Any]:
    server = sum(one["server"] for one in compared)
    here = sum(one["here"] for one in compared)
    return {
        "requests": sum(one["requests"] for one in compared),
        "server": server,
        "here": here,
        "difference": (here - server) / server if server else None,
    }
