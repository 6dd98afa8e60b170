"""What every test of this checkout may use."""

from __future__ import annotations

from pathlib import Path

import pytest

_SHARED_DATA = Path(__file__).resolve().parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of real data that may lie beside a checkout, or skip."""
    if not _SHARED_DATA.is_dir():
        pytest.skip("needs the real data sets in ../shared/data, which are not here")
    return _SHARED_DATA
