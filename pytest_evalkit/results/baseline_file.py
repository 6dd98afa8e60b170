"""Baselines as small files that stand beside a project's code, to be reviewed with it.

A file has, by task, what a later run needs to be compared document by document: scores
by the beginning of each document's hash, and neither prompts nor answers. It is YAML
whose values are written as JSON, one document a line, so that a change shows as the
lines that changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

from pytest_evalkit.codec import CodecError, convert, decode, encode, encode_pretty
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.folder import write_whole
from pytest_evalkit.results.recorded import Answer, Answers, DocumentKey, RecordedRun
from pytest_evalkit.results.schema import ResultsDict

BASELINE_SCHEMA_VERSION = 1
_VERSION_KEY = "evalkit_baseline"
# Hexadecimal digits of a document's hash: two of 100,000 documents have the same with a
# probability of 3e-10.
_DIGITS = 16
_NAME = re.compile(r"[^/]+(/\d+)?")
_HEADING = (
    "# Written by `evalkit baseline update`. The floors are yours: the worst value that\n"
    "# is accepted whatever a later run brings. They are kept when the file is updated.\n"
)


class BaselineMetricDict(TypedDict):
    """One metric under one filter. ``floor`` is the worst value that is accepted.

    ``ci95``, ``higher_is_better`` and ``floor`` are None where they are not known.
    """

    value: float
    n: int
    ci95: tuple[float, float] | None
    higher_is_better: bool | None
    floor: float | None


class BaselineScoresDict(TypedDict):
    """The scores under one filter: by document, in the order of ``metrics``.

    A document is told by the beginning of its hash, and where several have the same
    content, the later ones by ``/1`` and so on behind it. What has no score is None.
    """

    metrics: list[str]
    documents: dict[str, list[Any]]


class BaselineTaskDict(TypedDict):
    """One task: ``prompts`` is a hash of all that was asked, ``repeats`` how often."""

    version: Any
    prompts: str
    repeats: int
    metrics: dict[str, BaselineMetricDict]
    scores: dict[str, BaselineScoresDict]


class BaselineDict(TypedDict):
    """A baseline file."""

    evalkit_baseline: int
    model: NotRequired[str]
    tasks: dict[str, BaselineTaskDict]


def is_baseline_file(path: Path) -> bool:
    """Tell whether a path is a baseline file rather than a run.

    Raises:
        ResultsError: It cannot be read.
    """
    if path.suffix in {".yaml", ".yml"}:
        return True
    return path.suffix == ".json" and path.is_file() and _VERSION_KEY in _read(path)


def read_baseline_file(path: Path) -> BaselineDict:
    """Read a baseline file.

    Args:
        path: A ``.yaml``, ``.yml`` or ``.json`` file.

    Raises:
        ResultsError: It cannot be read, or is no baseline.
    """
    value = _read(path)
    version = value.get(_VERSION_KEY)
    if not isinstance(version, int):
        raise ResultsError(f"{path} is no baseline: it has no {_VERSION_KEY!r}")
    if version > BASELINE_SCHEMA_VERSION:
        raise ResultsError(
            f"{path} is a baseline of version {version}, newer than "
            f"{BASELINE_SCHEMA_VERSION}: upgrade pytest-evalkit to read it"
        )
    try:
        read: BaselineDict = convert(value, BaselineDict)
    except CodecError as error:
        raise ResultsError(f"{path} is a damaged baseline: {error}") from error
    for task, facts in read["tasks"].items():
        for scores in facts["scores"].values():
            wrong = [
                key
                for key, values in scores["documents"].items()
                if len(values) != len(scores["metrics"]) or not _NAME.fullmatch(key)
            ]
            if wrong:
                raise ResultsError(
                    f"{path} is a damaged baseline: document {wrong[0]!r} of {task!r} "
                    "has another form, or not as many scores as there are metrics"
                )
    return read


def _read(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ResultsError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ResultsError(f"{path} is no text: {error}") from error
    try:
        value = decode(text) if path.suffix == ".json" else _yaml(text)
    except CodecError as error:
        raise ResultsError(f"{path}: {error}") from error
    if not isinstance(value, dict):
        raise ResultsError(f"{path} is no baseline: it holds no mapping")
    return value


def _yaml(text: str) -> Any:
    import yaml

    from pytest_evalkit.tasks.yaml_file import IMPOSSIBLE_VALUES, LOADER

    try:
        return yaml.load(text, Loader=LOADER)  # noqa: S506 - a safe one
    except (yaml.YAMLError, *IMPOSSIBLE_VALUES) as error:
        raise CodecError(" ".join(str(error).split())) from error


def write_baseline_file(path: Path, baseline: BaselineDict) -> None:
    """Write a baseline file, whole.

    Args:
        path: A ``.yaml``, ``.yml`` or ``.json`` file.
        baseline: What to write.

    Raises:
        ResultsError: It cannot be written.
    """
    if path.suffix == ".json":
        write_whole(path, [encode_pretty(baseline)])
    else:
        write_whole(path, (f"{line}\n".encode() for line in _lines(baseline)))


def _lines(baseline: BaselineDict) -> Iterator[str]:
    yield _HEADING.rstrip("\n")
    yield f"{_VERSION_KEY}: {baseline['evalkit_baseline']}"
    if "model" in baseline:
        yield f"model: {_json(baseline['model'])}"
    yield "tasks:" if baseline["tasks"] else "tasks: {}"
    for name, task in baseline["tasks"].items():
        yield f"  {_json(name)}:"
        for key in ("version", "prompts", "repeats"):
            yield f"    {key}: {_json(cast('Mapping[str, Any]', task)[key])}"
        yield "    metrics:" if task["metrics"] else "    metrics: {}"
        for metric, figure in task["metrics"].items():
            yield f"      {_json(metric)}:"
            for key, value in figure.items():
                yield f"        {key}: {_json(value)}"
        yield "    scores:" if task["scores"] else "    scores: {}"
        for pipeline, scores in task["scores"].items():
            yield f"      {_json(pipeline)}:"
            yield f"        metrics: {_json(scores['metrics'])}"
            yield (
                "        documents:" if scores["documents"] else "        documents: {}"
            )
            for key, values in scores["documents"].items():
                yield f"          {_json(key)}: {_json(values)}"


def _json(value: Any) -> str:
    """Write a value as JSON, which YAML reads as the same."""
    return encode(value).decode()


def scores_in(answers: Answers) -> dict[str, BaselineScoresDict]:
    """Take the scores of a task in their compact form, filter by filter."""
    return {
        pipeline: _scores(
            own, list(dict.fromkeys(n for a in own.values() for n in a.values))
        )
        for pipeline, own in answers.by_filter.items()
    }


def _scores(
    answers: Mapping[DocumentKey, Answer], metrics: Sequence[str]
) -> BaselineScoresDict:
    return {
        "metrics": list(metrics),
        "documents": {
            _name(key): [answer.values.get(metric) for metric in metrics]
            for key, answer in answers.items()
        },
    }


def _name(key: DocumentKey) -> str:
    short = key.content[:_DIGITS]
    return f"{short}/{key.nth}" if key.nth else short


def answers_of(task: BaselineTaskDict) -> Answers:
    """Bring a task of a baseline file into the form that runs are compared in."""
    answers = Answers()
    for pipeline, scores in task["scores"].items():
        own = answers.by_filter.setdefault(pipeline, {})
        for position, (name, values) in enumerate(scores["documents"].items()):
            content, _, nth = name.partition("/")
            answers.contents[position] = content
            pairs = zip(scores["metrics"], values, strict=True)
            own[DocumentKey(content, int(nth or 0))] = Answer(
                doc_id=position,
                name=name,
                prompt=None,
                target=None,
                said=None,
                values={metric: value for metric, value in pairs if value is not None},
                cluster=None,
                categories={},
                repeats=task["repeats"],
            )
    return answers


def shortened(answers: Answers) -> Answers:
    """Tell documents as a baseline file does, by the beginning of their hashes."""
    return Answers(
        by_filter={
            pipeline: {
                DocumentKey(key.content[:_DIGITS], key.nth): answer
                for key, answer in own.items()
            }
            for pipeline, own in answers.by_filter.items()
        },
        contents={at: content[:_DIGITS] for at, content in answers.contents.items()},
        torn=answers.torn,
    )


def prompts_hash(answers: Answers) -> str:
    """Hash all that was asked, whatever the order of documents: hexadecimal."""
    digest = hashlib.sha256()
    prompts = {
        key: answer.prompt
        for own in answers.by_filter.values()
        for key, answer in own.items()
    }
    for key in sorted(prompts):
        digest.update(f"{prompts[key]}\n".encode())
    return digest.hexdigest()[: 2 * _DIGITS]


def run_of(path: Path, baseline: BaselineDict) -> RecordedRun:
    """Say of a baseline file what comparing needs to know of a run."""
    tasks = baseline["tasks"]
    results = {
        "aggregates": {
            name: [
                {"metric": metric, "filter": pipeline, "value": figure["value"]}
                for metric, pipeline, figure in figures_of(task)
            ]
            for name, task in tasks.items()
        },
        "versions": {name: task["version"] for name, task in tasks.items()},
        "configs": {},
        "higher_is_better": {
            name: {
                metric: figure["higher_is_better"]
                for metric, _, figure in figures_of(task)
            }
            for name, task in tasks.items()
        },
    }
    return RecordedRun(
        label=baseline.get("model", str(path)),
        path=path,
        results=cast("ResultsDict", results),
        samples={},
    )


def figures_of(
    task: BaselineTaskDict,
) -> Iterator[tuple[str, str, BaselineMetricDict]]:
    """List the figures of a task: metric, filter and what is kept of them."""
    for name, figure in task["metrics"].items():
        metric, _, pipeline = name.rpartition(",")
        yield metric, pipeline, figure
