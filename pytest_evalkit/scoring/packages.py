"""Packages that only some metrics need, and the extra that brings them."""

from __future__ import annotations

from importlib.util import find_spec

from pytest_evalkit.errors import MissingPackageError

_EXTRA = "metrics"
# Distribution by the name that it is imported by.
_DISTRIBUTIONS = {
    "jiwer": "jiwer",
    "rouge_score": "rouge-score",
    "sacrebleu": "sacrebleu",
    "sklearn": "scikit-learn",
    "whisper_normalizer": "whisper-normalizer",
}


def require(module: str, wanted_by: str) -> None:
    """Check that a package is installed, without importing it.

    Args:
        module: The name it is imported by.
        wanted_by: What needs it, to begin the message with.

    Raises:
        MissingPackageError: It is not.
    """
    if find_spec(module) is None:
        raise MissingPackageError(_DISTRIBUTIONS[module], _EXTRA, wanted_by=wanted_by)
