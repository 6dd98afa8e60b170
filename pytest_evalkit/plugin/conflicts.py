"""Options that make no sense together: refused before anything is collected."""

from __future__ import annotations

import pytest

# Options that have no effect where nothing is scored.
_OF_SCORES = ("--gate", "--gate-partial", "--fail-wrong")


def refuse_without_scores(config: pytest.Config) -> None:
    """Refuse what has no effect where answers are only recorded.

    Raises:
        pytest.UsageError: Such an option is given.
    """
    for name in _OF_SCORES:
        if config.getoption(_dest(name)):
            raise pytest.UsageError(
                f"--predict-only scores nothing, so that {name} has no effect; leave it "
                "out, and give it to --rescore"
            )


def _dest(name: str) -> str:
    return "evalkit_" + name.removeprefix("--").replace("-", "_")
