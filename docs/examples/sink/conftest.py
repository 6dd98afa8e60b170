"""Keep the scores of every run in one file, a line each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest


def pytest_evalkit_results(results: Mapping[str, Any], config: pytest.Config) -> None:
    """Append what the run concludes."""
    line = {
        "model": results["model_name"],
        "date": results["date"],
        "complete": results["complete"],
        "scores": {
            f"{task}/{row['metric']},{row['filter']}": row["value"]
            for task, rows in results["aggregates"].items()
            for row in rows
        },
    }
    with Path(config.rootpath, "history.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
