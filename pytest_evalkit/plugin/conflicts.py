"""Options that make no sense together: refused before anything is collected."""

from __future__ import annotations

import pytest

# Options that have no effect where nothing is scored.
_OF_SCORES = ("--gate", "--gate-partial", "--early-stop", "--fail-wrong", "--judge")
# Options of asking a model, which have no effect where nobody is asked.
_OF_ASKING = (
    *("--model", "--model-args", "--predict-only", "--measure-latency"),
    *("--resume", "--rerun-errors", "--early-stop"),
    *("--load-pattern", "--concurrency", "--target-qps", "--burstiness"),
    *("--load-seed", "--duration", "--drain-timeout", "--max-error-rate"),
    *("--warmup-requests", "--goodput"),
)
# Those that have one where a judge is asked.
_OF_JUDGING = ("--max-total-tokens", "--max-cost", "--use-cache")


def refuse_with_recorded(config: pytest.Config) -> None:
    """Refuse what has no effect where recorded answers are scored.

    Raises:
        pytest.UsageError: Such an option is given.
    """
    has_judge = config.getoption(_dest("--judge"))
    for name in (*_OF_ASKING, *(() if has_judge else _OF_JUDGING)):
        if config.getoption(_dest(name), None):
            raise pytest.UsageError(
                f"--rescore asks no model, it scores recorded answers; leave {name} out, "
                "or leave --rescore out to ask anew"
            )


def refuse_without_scores(config: pytest.Config) -> None:
    """Refuse what has no effect where answers are only recorded.

    Raises:
        pytest.UsageError: Such an option is given.
    """
    for name in _OF_SCORES:
        if config.getoption(_dest(name), None):
            raise pytest.UsageError(
                f"--predict-only scores nothing, so that {name} has no effect; leave it "
                "out, and give it to --rescore"
            )


def refuse_of_parts(config: pytest.Config) -> None:
    """Refuse a share of the documents where scores are to decide how many there are.

    Raises:
        pytest.UsageError: Both are given.
    """
    if config.getoption(_dest("--shard"), None):
        raise pytest.UsageError(
            "--early-stop decides by the scores of all documents, and --shard runs a "
            "share of them; leave one of the two out"
        )


def _dest(name: str) -> str:
    return "evalkit_" + name.removeprefix("--").replace("-", "_")
