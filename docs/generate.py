"""Write the parts of the reference that the code knows best: python docs/generate.py.

A page holds ``<!-- generated: NAME -->`` and ``<!-- end -->``; what stands between the
two is replaced. The tests fail where a page is stale.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_evalkit.codec import encode_pretty
from pytest_evalkit.conversations.fields import SETTINGS
from pytest_evalkit.conversations.schema import line_schema
from pytest_evalkit.models.judges import RATERS
from pytest_evalkit.models.parameters import Parameter, aliases_of, parameters_of
from pytest_evalkit.models.registry import BACKENDS
from pytest_evalkit.naming import import_object
from pytest_evalkit.plugin import options
from pytest_evalkit.scoring.aggregations import AGGREGATIONS
from pytest_evalkit.scoring.conversation_metrics import CONVERSATION_METRICS
from pytest_evalkit.scoring.filters import FILTERS, TASK_ARGUMENTS
from pytest_evalkit.scoring.libraries import LIBRARY_METRICS
from pytest_evalkit.scoring.likelihoods import LIKELIHOOD_METRICS
from pytest_evalkit.scoring.metrics import (
    DEFAULT_METRICS,
    GENERATION_METRICS,
    METRICS,
    PAIR_METRICS,
)
from pytest_evalkit.scoring.oddities import WITHOUT_EFFECT
from pytest_evalkit.scoring.spread import BOOTSTRAPPED
from pytest_evalkit.scoring.sums import SUM_FIGURES
from pytest_evalkit.tasks import (
    Catalogue,
    Entry,
    TaskSettings,
    dataset_kwargs,
    load_task,
    schema,
    sizes_of,
)
from pytest_evalkit.tasks.packaged import packaged_benchmarks
from pytest_evalkit.tasks.source import read_source

DOCS = Path(__file__).parent
_BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->).*?(<!-- end -->)", re.DOTALL)
_ENTRY = re.compile(r"^ {4}(\w+): (.*(?:\n {8,}.*)*)", re.MULTILINE)


def rendered(page: str) -> str:
    """Write a page with its generated parts renewed.

    Raises:
        KeyError: A part has a name that nothing generates.
    """
    return _BLOCK.sub(lambda match: match[1] + _PARTS[match[2]]() + match[3], page)


def pages() -> list[Path]:
    """List the pages that have generated parts."""
    return [
        path
        for path in sorted(DOCS.rglob("*.md"))
        if "_build" not in path.parts and _BLOCK.search(path.read_text("utf-8"))
    ]


def schemas() -> dict[Path, bytes]:
    """Write the JSON Schemas that are published, by their files."""
    place = DOCS / "reference" / "conversations.schema.json"
    return {place: encode_pretty(line_schema())}


class _Declared:
    """Stands in for pytest's parser, and keeps what is declared."""

    def __init__(self) -> None:
        self.options: list[tuple[str, str]] = []
        self.ini_keys: list[tuple[str, str]] = []
        options.add_options(self)

    def getgroup(self, *_: str) -> _Declared:
        """Take the options of every group alike."""
        return self

    def addoption(self, *names: str, **attributes: Any) -> None:
        """Keep an option."""
        metavar = attributes.get("metavar", "")
        spellings = [f"{name} {metavar}".strip() for name in _spellings(names)]
        self.options.append((_listed(spellings), _plain(attributes["help"])))

    def addini(self, name: str, meaning: str, **_: Any) -> None:
        """Keep an ini key."""
        self.ini_keys.append((_code(name), _plain(meaning)))


def _options() -> str:
    return _table(("option", "means"), _Declared().options)


def _ini() -> str:
    return _table(("key", "means"), _Declared().ini_keys)


def _spellings(names: Sequence[str]) -> list[str]:
    """Take an option's names, but for those that differ by underscores alone."""
    first, *others = names
    with_underscores = "--" + first.removeprefix("--").replace("-", "_")
    return [first, *(name for name in others if name != with_underscores)]


def _plain(text: str) -> str:
    """Keep what looks like a tag from being taken for one."""
    return text.replace("<", r"\<")


def _models() -> str:
    return _sections(BACKENDS)


def _judges() -> str:
    return _sections(RATERS)


def _sections(references: Mapping[str, str]) -> str:
    names: dict[str, list[str]] = {}
    for name, reference in references.items():
        names.setdefault(reference, []).append(name)
    sections = (
        _model(import_object(reference), called) for reference, called in names.items()
    )
    return "\n\n" + "\n".join(sections).rstrip("\n") + "\n\n"


def _model(factory: Any, names: list[str]) -> str:
    summary = " ".join(_summary(factory).split())
    lines = [f"## `{names[0]}`", "", summary.replace("``", "`")]
    if names[1:]:
        lines += ["", f"Also called {_listed(names[1:])}."]
    lines.append("")
    aliases = aliases_of(factory)
    rows = [
        (
            _listed([name, *(other for other, own in aliases.items() if own == name)]),
            _default(parameter),
            _meanings(parameter.owner)[name],
        )
        for name, parameter in parameters_of(factory).items()
    ]
    table = _table(("argument", "default", "means"), rows) if rows else ""
    return "\n".join(lines) + table.removeprefix("\n").removesuffix("\n")


def _summary(factory: Any) -> str:
    """Take a docstring's text up to its first section or to the end."""
    text = inspect.cleandoc(factory.__doc__)
    return re.split(r"\n\n(?:Args|Attributes|Raises|Its arguments)\b", text)[0]


def _meanings(factory: Any) -> dict[str, str]:
    """Read what the docstrings of a class and its bases say of each argument."""
    found: dict[str, str] = {}
    for owner in reversed(factory.__mro__):
        docs = inspect.cleandoc(owner.__doc__ or "")
        for name, text in _ENTRY.findall(docs):
            found[name] = " ".join(text.split()).replace("``", "`")
    return found


def _default(parameter: Parameter) -> str:
    if parameter.is_required:
        return "required"
    default = parameter.default
    if isinstance(default, bool) or default is None:
        return {True: "`true`", False: "`false`", None: "`null`"}[default]
    is_factory = "factory" in type(default).__name__ or "factory" in repr(default)
    return "`{}`" if is_factory else _code(default if default != "" else "''")


def _filters() -> str:
    rows = [
        (_code(name), _arguments(function), _first_line(function))
        for name, function in sorted(FILTERS.items())
    ]
    return _table(("filter", "arguments and defaults", "what it does"), rows)


def _metrics() -> str:
    rows = [
        (_code("generate_until"), _listed(GENERATION_METRICS), "see below"),
        *(
            (_code(kind), _listed(DEFAULT_METRICS[kind]), _listed(sorted(names)))
            for kind, names in LIKELIHOOD_METRICS.items()
        ),
    ]
    return _table(("output type", "unless said", "metrics"), rows)


def _text_metrics() -> str:
    functions = {**LIBRARY_METRICS, **METRICS}
    own = [(_code(name), _arguments(f)) for name, f in sorted(functions.items())]
    pairs = (_listed(PAIR_METRICS), "none; they hand the pair to the aggregation")
    return _table(("metric", "arguments and defaults"), [*own, pairs])


def _conversation_metrics() -> str:
    rows = [
        (_code(name), _conversation_arguments(function), _first_line(function))
        for name, function in sorted(CONVERSATION_METRICS.items())
    ]
    return _table(("metric", "arguments and defaults", "value"), rows)


def _conversation_arguments(function: Any) -> str:
    parameters = inspect.signature(function).parameters
    given = ("keys", "answers", "missing", "rules")
    own = [
        _code(str(parameter.replace(annotation=parameter.empty)))
        for name, parameter in parameters.items()
        if name not in given
    ]
    return ", ".join(own) + ("those of `exact_match`" if "rules" in parameters else "")


def _aggregations() -> str:
    rows = [
        (_code(name), _first_line(function), _error(name))
        for name, function in sorted(AGGREGATIONS.items())
    ]
    return _table(("aggregation", "what it does", "standard error"), rows)


def _error(aggregation: str) -> str:
    if aggregation in ("mean", "acc_all", "all_right", "brier_score"):
        return "formula"
    is_drawn = aggregation in BOOTSTRAPPED or aggregation in SUM_FIGURES
    return "bootstrap" if is_drawn else ""


def _oddities() -> str:
    return _table(
        ("key", "why"), [(_code(key), why) for key, why in WITHOUT_EFFECT.items()]
    )


def _benchmarks() -> str:
    """List the benchmarks that come with the package, as their files tell."""
    entries = Catalogue.of([packaged_benchmarks()]).entries.by_name.values()
    folders: dict[Path, list[Entry]] = {}
    groups: dict[Path, list[str]] = {}
    for entry in sorted(entries, key=lambda entry: (str(entry.path), entry.name)):
        if entry.kind == "task":
            folders.setdefault(entry.path.parent, []).append(entry)
        else:
            groups.setdefault(entry.path.parent, []).append(entry.name)
    head = ("task", "shows", "documents", "sample", "asks for", "metrics", "data set")
    sections = []
    for folder, tasks in folders.items():
        title, where = _title(folder), folder.relative_to(packaged_benchmarks())
        table = _table(head, map(_benchmark, tasks))
        named = f", in groups {_listed(groups[folder])}" if folder in groups else ""
        sections.append(f"## {title}\n\n`benchmarks/{where.as_posix()}`{named}{table}")
    return "\n\n" + "".join(sections)


def _title(folder: Path) -> str:
    """Read what the README of a benchmark is headed; the nearest one counts."""
    for place in (folder, *folder.parents):
        readme = place / "README.md"
        if readme.is_file():
            return readme.read_text("utf-8").splitlines()[0].removeprefix("# ")
    return folder.name


def _benchmark(entry: Entry) -> tuple[str, ...]:
    values, sizes = read_source(entry.path).values, sizes_of(entry)
    plan = load_task(entry.path, TaskSettings(confirm_unsafe=True)).scoring
    metrics = (metric.name for metric in plan.metrics)
    parts = (entry.dataset_path, entry.dataset_name)
    dataset = " ".join(part for part in parts if part)
    revision = values.get("dataset_revision")
    return (
        _code(entry.name),
        ", ".join(entry.modalities),
        "" if sizes.documents is None else f"{sizes.documents:,}",
        "" if sizes.sample is None else str(sizes.sample),
        _code(entry.output_type or "generate_until"),
        _listed(dict.fromkeys(metrics)),
        _code(dataset) + (f" at {_code(revision[:12])}" if revision else ""),
    )


def _first_line(function: Any) -> str:
    return inspect.cleandoc(function.__doc__).splitlines()[0].replace("``", "`")


def _arguments(function: Any) -> str:
    given = ("references", "predictions", "doc", *TASK_ARGUMENTS)
    return ", ".join(
        _code(str(parameter.replace(annotation=parameter.empty)))
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in given
    )


def _reasons(keys: Mapping[str, str]) -> str:
    rows = ((_code(key), reason) for key, reason in keys.items())
    return _table(("given", "because"), rows)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(_code(name) for name in names)


def _code(text: object) -> str:
    return f"`{text}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    cells = (" | ".join(cell.replace("|", r"\|") for cell in line) for line in lines)
    return "\n\n" + "\n".join(f"| {line} |" for line in cells) + "\n\n"


def _turn_settings() -> str:
    rows = ((_code(name), field.meaning) for name, field in SETTINGS.items())
    return _table(("field", "value"), rows)


_PARTS: dict[str, Callable[[], str]] = {
    "benchmarks": _benchmarks,
    "turn-settings": _turn_settings,
    "options": _options,
    "ini": _ini,
    "models": _models,
    "judges": _judges,
    "filters": _filters,
    "metrics": _metrics,
    "text-metrics": _text_metrics,
    "conversation-metrics": _conversation_metrics,
    "aggregations": _aggregations,
    "oddities": _oddities,
    "fewshot": lambda: _listed(schema.FEWSHOT_KEYS),
    "reasoning": lambda: _listed(schema.REASONING_KEYS),
    "gate": lambda: _listed(schema.GATE_KEYS),
    "without-effect": lambda: _reasons(schema.WITHOUT_EFFECT),
    "dataset-kwargs": lambda: _reasons(dataset_kwargs.WITHOUT_EFFECT),
    "not-supported": lambda: _reasons(schema.NOT_YET),
    "output-types": lambda: _listed(sorted(schema.OUTPUT_TYPES)),
}


def main() -> int:
    """Renew every page and every schema."""
    for path in pages():
        path.write_text(rendered(path.read_text("utf-8")), encoding="utf-8")
    for path, content in schemas().items():
        path.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
