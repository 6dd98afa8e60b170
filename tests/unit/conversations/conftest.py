from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def recorded() -> Path:
    """Twenty recorded conversations of agents, where they are at hand."""
    data = Path(__file__).parents[4] / "shared" / "data"
    path = data / "endpoints" / "agentic_coding_2.5h.jsonl"
    if not path.is_file():
        pytest.skip("the recorded conversations are not here")
    return path
