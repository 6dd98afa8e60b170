"""Imports the Python modules that the task files of a tree name, and counts.

Run with the folders of task files: ``python reference_trees.py TREE...``. Prints, for
each tree, how many modules were imported, how many functions are there, how long it
took, and why the others were not.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from pytest_evalkit.errors import EvalkitError, MissingPackageError
from pytest_evalkit.tasks.functions import load_function
from pytest_evalkit.tasks.source import FunctionReference, Place

_REFERENCE = re.compile(r"!function\s+['\"]?([\w.\-]+)")


def references(tree: Path) -> Iterator[FunctionReference]:
    """Find every function that a task file, or a file it may include, names."""
    for path in sorted(tree.rglob("*")):
        if path.is_file() and path.suffix in {"", ".yaml", ".yml"}:
            lines = path.read_text("utf-8", errors="replace").splitlines()
            for number, line in enumerate(lines, start=1):
                for name in _REFERENCE.findall(line.partition("#")[0]):
                    yield FunctionReference(name, Place(path, number))


def survey(tree: Path) -> None:
    start = time.perf_counter()
    outcomes: dict[tuple[Path, str], str] = {}
    missing: Counter[str] = Counter()
    total = loaded = 0
    for reference in references(tree):
        total += 1
        module = (reference.place.path.parent, reference.name.rpartition(".")[0])
        try:
            load_function(reference)
        except MissingPackageError as error:
            outcomes[module] = f"package {error.package}"
        except EvalkitError as error:
            message = getattr(error, "message", str(error))
            if " has no " in message and "importing" not in message:
                missing[message] += 1
                outcomes.setdefault(module, "")
            else:
                outcomes[module] = message
        else:
            loaded += 1
            outcomes[module] = ""
    took = time.perf_counter() - start
    report(tree, outcomes, f"{loaded} of {total} references, {took:.1f} s")
    for message, count in missing.most_common():
        print(f"      {count} x {message}")


def report(tree: Path, outcomes: dict[tuple[Path, str], str], summary: str) -> None:
    causes: dict[str, list[str]] = defaultdict(list)
    for (folder, name), cause in outcomes.items():
        if cause:
            causes[cause].append(f"{folder.relative_to(tree)}/{name}")
    failed = sum(map(len, causes.values()))
    print(f"{tree}: {len(outcomes) - failed} of {len(outcomes)} modules; {summary}")
    for cause, names in sorted(causes.items(), key=lambda item: -len(item[1])):
        print(f"  {len(names):4} {cause}: {', '.join(sorted(names)[:3])}")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        survey(Path(argument))
