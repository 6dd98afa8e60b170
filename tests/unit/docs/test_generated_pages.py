from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from pytest_evalkit.models.registry import BACKENDS
from pytest_evalkit.tasks import Catalogue

Script = Callable[[str], ModuleType]


def test_no_page_is_stale(root: Path, script: Script) -> None:
    generate = script("generate")

    pages = generate.pages()

    names = [path.name for path in pages]
    assert names == [
        *("benchmarks.md", "conversations.md", "metrics.md", "models.md"),
        *("options.md", "task-yaml.md"),
    ]
    for path in pages:
        text = path.read_text("utf-8")
        assert text == generate.rendered(text), f"{path.name}: run docs/generate.py"


def test_no_schema_is_stale(script: Script) -> None:
    schemas = script("generate").schemas()

    assert [path.name for path in schemas] == ["conversations.schema.json"]
    for path, content in schemas.items():
        assert path.read_bytes() == content, f"{path.name}: run docs/generate.py"


def test_every_backend_is_on_the_page_of_models(root: Path) -> None:
    page = (root / "docs" / "reference" / "models.md").read_text("utf-8")

    assert [name for name in BACKENDS if f"`{name}`" not in page] == []


def test_every_packaged_task_is_on_the_page_of_benchmarks(root: Path) -> None:
    page = (root / "docs" / "reference" / "benchmarks.md").read_text("utf-8")

    entries = Catalogue.of([root / "benchmarks"]).entries.by_name.values()
    tasks = [entry.name for entry in entries if entry.kind == "task"]
    assert "mme" in tasks
    assert [name for name in tasks if f"| `{name}` |" not in page] == []
    assert "| `mme` | image | 2,374 | 28 | `generate_until` |" in page


def test_what_stands_between_two_marks_is_replaced(script: Script) -> None:
    page = "before <!-- generated: gate -->old<!-- end --> after"

    text = script("generate").rendered(page)

    assert text == (
        "before <!-- generated: gate -->`metric`, `filter`, `min`, `max`, `max_drop`, `confidence`<!-- end -->"
        " after"
    )


def test_an_unknown_part_is_an_error(script: Script) -> None:
    with pytest.raises(KeyError, match="optoins"):
        script("generate").rendered("<!-- generated: optoins --><!-- end -->")
