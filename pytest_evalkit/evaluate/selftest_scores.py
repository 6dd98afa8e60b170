"""Self-tests of a task's scorer: what the best answer gets, and whether it is pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pytest_evalkit.errors import EvalkitError
from pytest_evalkit.evaluate.selftest_subject import (
    InapplicableError,
    Subject,
    UnmetError,
)
from pytest_evalkit.evaluate.trial import Trial
from pytest_evalkit.models.chance import Constant, Random
from pytest_evalkit.models.oracle import Oracle
from pytest_evalkit.scoring import MetricSpec
from pytest_evalkit.scoring.plan import Filter

# What an aggregation gives at best, by its name, where more is better.
_HIGHEST: Mapping[str, float] = {
    "acc_all": 1.0,
    "bleu": 100.0,
    "chrf": 100.0,
    "chrf++": 100.0,
    "f1": 1.0,
    "matthews_corrcoef": 1.0,
    "mean": 1.0,
    "median": 1.0,
    "nanmean": 1.0,
}
# The same where less is better.
_LOWEST: Mapping[str, float] = {
    "bits_per_byte": 0.0,
    "mean": 0.0,
    "median": 0.0,
    "nanmean": 0.0,
    "perplexity": 1.0,
    "ter": 0.0,
    "weighted_perplexity": 1.0,
}

# Filters that change nothing the second time.
_EDITS = frozenset({"lowercase", "uppercase", "remove_whitespace", "strip_thinking"})
# Filters that, given what they found, find it again or find nothing.
_FINDERS = frozenset({"regex", "multi_choice_regex"})
_SAID = ("", " A ", "The answer is (B).", "No idea", "Yes, 1,234.5 #### 42", "<b>x</b>")


def check_oracle(subject: Subject) -> None:
    """Let the best answer get the best score.

    That is what ``metadata.maximum`` says of a metric, else what its aggregation gives
    at best; of any other metric no more is asked than that it tells the best answer from
    a worthless one.

    Raises:
        UnmetError: It does not.
        InapplicableError: Answers cannot be scored here.
    """
    subject.require_scorer()
    solved, guessed = subject.solved(), subject.guessed()
    values, worthless = solved.values(), guessed.values()
    declared = _declared(subject)
    for (pipeline, name), of_documents in values.items():
        spec = solved.spec(subject.opened.task.scoring.metrics, name)
        if spec is None:
            continue
        key = f"{name},{pipeline}"
        reached = _aggregated(spec, of_documents)
        best = declared.get(key, declared.get(name, _best(spec)))
        if best is not None:
            _require_best(subject, key, reached, best, of_documents)
        elif spec.higher_is_better is not None:
            guess = _aggregated(spec, worthless.get((pipeline, name), {}))
            _require_better(key, spec, reached, guess)
    _require_all_metrics(subject, solved)


def _declared(subject: Subject) -> Mapping[str, float]:
    declared = subject.expectation("maximum") or {}
    known = {metric.name for metric in subject.opened.task.scoring.metrics}
    if not isinstance(declared, Mapping):
        raise UnmetError(f"metadata.maximum maps metrics to numbers, not {declared!r}")
    for key, value in declared.items():
        if str(key).partition(",")[0] not in known:
            raise UnmetError(f"metadata.maximum: the task has no metric {key!r}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UnmetError(f"metadata.maximum: {key} is {value!r}, not a number")
    return declared


def _best(spec: MetricSpec) -> float | None:
    if spec.higher_is_better is None:
        return None
    table = _HIGHEST if spec.higher_is_better else _LOWEST
    return table.get(spec.aggregation_name)


def _aggregated(spec: MetricSpec, of_documents: Mapping[int, Any]) -> Any:
    values = list(of_documents.values())
    if not values:
        return None
    try:
        return spec.aggregation(values)
    # An aggregation of the task's own may raise anything, as may one without a value.
    except Exception as error:
        raise UnmetError(
            f"aggregation of {spec.name} raised {type(error).__name__}: {error}"
        ) from error


def _require_best(
    subject: Subject,
    key: str,
    reached: Any,
    best: float,
    of_documents: Mapping[int, Any],
) -> None:
    if _is_number(reached) and math.isclose(reached, best, abs_tol=1e-9):
        return
    short = next(
        (
            f"; {subject.named(doc_id)} gets {value!r}"
            for doc_id, value in of_documents.items()
            if value != best
        ),
        "",
    )
    raise UnmetError(
        f"{key}: the best answers get {reached!r}, but the maximum is {best:g}{short} "
        "(another maximum is said in metadata.maximum, another answer by doc_to_ideal)"
    )


def _require_better(key: str, spec: MetricSpec, reached: Any, guess: Any) -> None:
    if not _is_number(reached):
        raise UnmetError(f"{key}: the best answers get {reached!r}, which is no number")
    if not _is_number(guess):
        return
    is_better = reached > guess if spec.higher_is_better else reached < guess
    if not is_better:
        raise UnmetError(
            f"{key}: the best answers get {reached:g}, worthless ones {guess:g} "
            "(if the maximum is known, say it in metadata.maximum)"
        )


def _require_all_metrics(subject: Subject, solved: Trial) -> None:
    """Let every metric have a document that it applies to."""
    found = {name for _, name in solved.values()}
    sources = {
        source
        for documents in solved.scored.values()
        for one in documents
        for source in one.sources.values()
    }
    for metric in subject.opened.task.scoring.metrics:
        if metric.name not in found | sources:
            raise UnmetError(f"no document here has a value of metric {metric.name!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def check_scorer(subject: Subject) -> None:
    """Let the same answers have the same scores, again and in another order.

    And let no document be changed by scoring it.

    Raises:
        UnmetError: They have others, or one is changed.
        InapplicableError: Answers cannot be scored here.
    """
    subject.require_scorer()
    for backend in (Oracle(), Constant(), Random()):
        first = subject.tried_first(backend)
        for doc_id in first.changed:
            raise UnmetError(f"scoring changes {subject.named(doc_id)}")
        for again, when in (
            (subject.tried(backend, is_backwards=True), "in another order"),
            (subject.tried(backend), "again"),
        ):
            _compare(subject, first, again, when)


def _compare(subject: Subject, first: Trial, again: Trial, when: str) -> None:
    for doc_id in subject.doc_ids:
        before, after = (
            trial.failures.get(doc_id) or _told(trial, doc_id)
            for trial in (first, again)
        )
        if before != after:
            raise UnmetError(
                f"{subject.named(doc_id)}: scored {before!r}, and scored {when} "
                f"{after!r}"
            )
    for (pipeline, name), values in first.values().items():
        spec = first.spec(subject.opened.task.scoring.metrics, name)
        if spec is None:
            continue
        figures = [_aggregated(spec, values) for _ in range(2)]
        if repr(figures[0]) != repr(figures[1]):
            raise UnmetError(
                f"{name},{pipeline}: aggregated {figures[0]!r}, and aggregated again "
                f"{figures[1]!r}"
            )


def _told(trial: Trial, doc_id: int) -> list[tuple[str, Any, dict[str, Any]]]:
    return [
        (one.filter, one.filtered, dict(one.metrics)) for one in trial.scored[doc_id]
    ]


def check_filters(subject: Subject) -> None:
    """Let filters that edit change nothing twice, and those that find find no other.

    Raises:
        UnmetError: One does.
        InapplicableError: The task has none such.
    """
    subject.require_scorer()
    steps = list(_steps(subject))
    if not steps:
        raise InapplicableError("no filter that edits or finds")
    solved = subject.tried_first(Oracle())
    for doc_id in subject.doc_ids:
        doc = subject.opened.prepare(doc_id).doc
        answer = solved.answers.get(doc_id)
        said = [*_SAID, *([answer] if isinstance(answer, str) else [])]
        for name, step in steps:
            for text in said:
                _require_settled(subject.named(doc_id), name, step, text, doc)


def _steps(subject: Subject) -> Iterator[tuple[str, Filter]]:
    task = subject.opened.task
    if not task.scoring.is_generation:
        return
    listed = task.config.get("filter_list") or ()
    for entry, pipeline in zip(listed, task.scoring.pipelines, strict=False):
        names = [step.get("function") for step in entry.get("filter") or ()]
        if len(names) != len(pipeline.steps):
            continue
        for name, step in zip(names, pipeline.steps, strict=True):
            if name in _EDITS | _FINDERS:
                yield name, step


def _require_settled(
    document: str, name: str, step: Filter, text: str, doc: Mapping[str, Any]
) -> None:
    try:
        once, nothing = _applied(step, [text], doc), _applied(step, [""], doc)
        if not all(isinstance(found, str) for found in once):
            return
        if name in _FINDERS and once == nothing:
            return
        twice = _applied(step, once, doc)
    except EvalkitError as error:
        raise UnmetError(f"filter {name} on {text!r}: {error}") from error
    if twice == once or (name in _FINDERS and twice == nothing):
        return
    raise UnmetError(
        f"{document}: filter {name} makes {once[0]!r} of {text!r}, and {twice[0]!r} of "
        "that"
    )


def _applied(
    step: Callable[..., Any], texts: Sequence[Any], doc: Mapping[str, Any]
) -> list[Any]:
    return list(step(list(texts), doc))
