"""Needs a package that few have."""

from __future__ import annotations

from typing import Any

import gazetteer_of_lakes


def score(doc: dict[str, Any], results: list[str]) -> dict[str, float]:
    """Look a country up."""
    return {"right": gazetteer_of_lakes.same(results[0], doc["country"])}
