"""The benchmarks that come with the package."""

from __future__ import annotations

from pathlib import Path

import pytest_evalkit

_PACKAGE = Path(pytest_evalkit.__file__).parent


def packaged_benchmarks() -> Path:
    """Find the folder of the benchmarks that come with the package.

    It lies inside it where it was installed from a wheel, and beside it in a checkout.
    """
    installed = _PACKAGE / "_benchmarks"
    return installed if installed.is_dir() else _PACKAGE.parent / "benchmarks"
