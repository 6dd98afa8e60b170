"""Scoring one document: its responses filtered, and each answer given its values."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any, TypeVar

from msgspec import Struct, structs

from pytest_evalkit.errors import ScoringError
from pytest_evalkit.scoring.conversation_metrics import conversation_values, turn_dicts
from pytest_evalkit.scoring.generated import Values, generated_values
from pytest_evalkit.scoring.judging import JudgeQuestion
from pytest_evalkit.scoring.likelihoods import likelihood_values
from pytest_evalkit.scoring.parsed import Parsed, ParserFilter
from pytest_evalkit.scoring.plan import (
    AnswerKey,
    FilterPipeline,
    ProcessResults,
    Scored,
    ScoringPlan,
    TurnAnswer,
)
from pytest_evalkit.scoring.reasoned import FORMAT, format_scores, reasoned_answer
from pytest_evalkit.scoring.repeated import OneAnswer, Repeated, repeated

T = TypeVar("T")

# Yields questions to a judge that may be asked at the same time, is sent its numbers in
# the same order, and returns what it concludes; most scorers ask none.
ScoreFlow = Generator[Sequence[JudgeQuestion], Sequence[float], T]


def score_document(
    plan: ScoringPlan,
    doc: Mapping[str, Any],
    key: AnswerKey,
    responses: Sequence[Sequence[Any]],
    raw: Sequence[Sequence[Any]] | None = None,
) -> tuple[Scored, ...]:
    """Score the answers to one document where no judge can be asked.

    Args and errors are those of ``score_flow``.

    Raises:
        ScoringError: A filter or scorer returned what cannot be a score, or the scorer
            asks a judge.
    """
    flow = score_flow(plan, doc, key, responses, raw)
    try:
        while not next(flow):
            pass
    except StopIteration as ended:
        scored: tuple[Scored, ...] = ended.value
        return scored
    flow.close()
    raise ScoringError("the scorer asks a judge, and there is none")


def score_flow(
    plan: ScoringPlan,
    doc: Mapping[str, Any],
    key: AnswerKey,
    responses: Sequence[Sequence[Any]],
    raw: Sequence[Sequence[Any]] | None = None,
) -> ScoreFlow[tuple[Scored, ...]]:
    """Score the answers to one document under each of its task's filters.

    The task's own code raises what it raises, and may ask a judge. Where scoring runs
    programs, nothing is asked before and after filtering: what is yielded is empty.

    Args:
        plan: How the task scores.
        doc: The document.
        key: What is right for it.
        responses: For each request of the document, in order, one response per repeat,
            at least one: a text without its reasoning; of a conversation for each client
            turn what was answered, or None where nothing was; for likelihoods a pair of
            log-probability and whether the text is what the model would write
            greedily; for the likelihood of a whole text the log-probability alone.
        raw: The same as they were received, thought included; None where that makes no
            difference.

    Raises:
        ScoringError: A filter or scorer returned what cannot be a score.
    """
    scoring, said = plan, responses
    whole: Sequence[str] = ()
    answers: Sequence[Parsed] = ()
    if plan.reasoned is not None:
        (texts,), (whole,) = responses, responses if raw is None else raw
        answers = [reasoned_answer(*each) for each in zip(whole, texts, strict=True)]
        scoring, said = plan.reasoned, [[answer.value for answer in answers]]
    if plan.runs_code:
        yield ()
    reads = [_read(scoring, pipeline, doc, key, said) for pipeline in plan.pipelines]
    every: list[Scored] = []
    if plan.runs_code:
        yield ()
    for read in reads:
        if scoring.process_results is None:
            values = _listed_values(scoring, doc, key, read.results)
        else:
            # Only the task's own scorer may ask.
            values = yield from _values(scoring, doc, key, read.results)
        every.append(_scored(scoring, read, doc, key, values))
    if plan.reasoned is not None:
        every = [_reasoned(plan, scored, answers, whole) for scored in every]
    return tuple(every)


def _reasoned(
    plan: ScoringPlan, scored: Scored, answers: Sequence[Parsed], whole: Sequence[str]
) -> Scored:
    """Give a score the names of the plan, and add what the form is worth."""
    assert plan.reasoned is not None
    pairs = zip(plan.reasoned.metrics, plan.metrics, strict=False)
    names = {own.name: renamed.name for own, renamed in pairs}
    metrics = {names.get(name, name): v for name, v in scored.metrics.items()}
    is_one = not isinstance(scored.filtered, list)
    return structs.replace(
        scored,
        metrics={**metrics, FORMAT: format_scores(whole)},
        sources={name: names.get(own, own) for name, own in scored.sources.items()},
        parsed=scored.parsed or tuple(answers[:1] if is_one else answers),
        repeated=None if scored.repeated is None else _renamed(scored.repeated, names),
    )


def _renamed(own: Repeated, names: Mapping[str, str]) -> Repeated:
    scores = {names.get(name, name): each for name, each in own.scores.items()}
    return replace(own, scores=scores)


class _Read(Struct, frozen=True, kw_only=True):
    """What the filters of one pipeline made of the responses of a document.

    Attributes:
        pipeline: Its name.
        results: For each request; of a conversation for each turn the answer, its text
            filtered, or None.
        parsed: How each answer was read, where a filter tells it.
        singles: Where a request has several responses, what is made of each by itself,
            or what was raised; None where that makes no difference.
    """

    pipeline: str
    results: list[Any]
    parsed: tuple[Parsed, ...]
    singles: Sequence[tuple[Any, tuple[Parsed, ...]] | Exception] | None = None


def _read(
    plan: ScoringPlan,
    pipeline: FilterPipeline,
    doc: Mapping[str, Any],
    key: AnswerKey,
    responses: Sequence[Sequence[Any]],
) -> _Read:
    if plan.is_conversation:
        return _read_turns(pipeline, doc, key, responses)
    results: list[Any] = []
    parsed: tuple[Parsed, ...] = ()
    for repeats in responses:
        result, how = _filtered(pipeline, doc, key, repeats)
        results.append(result)
        parsed += how
    is_several = len(responses) == 1 and len(responses[0]) > 1
    singles = None
    if is_several and plan.is_scoring and plan.is_generation:
        singles = [_single(pipeline, doc, key, each) for each in responses[0]]
    return _Read(
        pipeline=pipeline.name, results=results, parsed=parsed, singles=singles
    )


def _single(
    pipeline: FilterPipeline, doc: Mapping[str, Any], key: AnswerKey, response: Any
) -> tuple[Any, tuple[Parsed, ...]] | Exception:
    try:
        return _filtered(pipeline, doc, key, [response])
    # A filter may want all answers at once, and then raises anything; what the
    # document is worth is known all the same.
    except Exception as error:  # noqa: BLE001
        return error


def _read_turns(
    pipeline: FilterPipeline,
    doc: Mapping[str, Any],
    key: AnswerKey,
    responses: Sequence[Sequence[TurnAnswer | None]],
) -> _Read:
    """Filter the text of each turn by itself."""
    answers: list[TurnAnswer | None] = []
    parsed: list[Parsed] = []
    for (answer,) in responses:
        if answer is None:
            answers.append(None)
            continue
        text, each = _filtered(pipeline, doc, key, [answer.text])
        is_one = isinstance(text, list) and len(text) == 1
        answers.append(replace(answer, text=text[0] if is_one else text))
        parsed.extend(each)
    return _Read(pipeline=pipeline.name, results=answers, parsed=tuple(parsed))


def _scored(
    plan: ScoringPlan,
    read: _Read,
    doc: Mapping[str, Any],
    key: AnswerKey,
    values: Values,
) -> Scored:
    return Scored(
        filter=read.pipeline,
        filtered=_as_recorded(plan, read.results),
        metrics=_checked(plan, values.metrics),
        sources=values.sources,
        cluster=_cluster(plan, doc),
        parsed=values.parsed or read.parsed,
        repeated=_repeated(plan, read, doc, key),
    )


def _as_recorded(plan: ScoringPlan, results: list[Any]) -> Any:
    if plan.is_conversation:
        return [None if answer is None else answer.text for answer in results]
    return results[0] if plan.is_generation and len(results) == 1 else results


def _repeated(
    plan: ScoringPlan, read: _Read, doc: Mapping[str, Any], key: AnswerKey
) -> Repeated | None:
    """Score each of several answers by itself; the document's own values stand."""
    if read.singles is None:
        return None
    answers = []
    for single in read.singles:
        try:
            answer = _one_answer(plan, single, doc, key)
        # As the filters before, the task's own code may want all answers at once.
        except Exception as error:  # noqa: BLE001
            return Repeated(problem=f"{type(error).__name__}: {error}")
        if answer is None:
            return None
        answers.append(answer)
    return repeated(answers, plan.score_key)


def _one_answer(
    plan: ScoringPlan,
    single: tuple[Any, tuple[Parsed, ...]] | Exception,
    doc: Mapping[str, Any],
    key: AnswerKey,
) -> OneAnswer | None:
    """Score one answer; None where a judge is wanted for it.

    Raises:
        Exception: What its filters raised, or the scorer.
    """
    if isinstance(single, Exception):
        raise single
    filtered, parsed = single
    flow = _values(plan, doc, key, [filtered])
    try:
        next(flow)
    except StopIteration as ended:
        values = ended.value
        read = values.parsed or parsed
        return OneAnswer(
            filtered=filtered,
            is_found=all(each.status != "none" for each in read),
            values=_checked(plan, values.metrics),
        )
    flow.close()
    return None


def _values(
    plan: ScoringPlan, doc: Mapping[str, Any], key: AnswerKey, results: list[Any]
) -> ScoreFlow[Values]:
    """Give the metrics' values, by the task's own scorer where it has one."""
    if plan.process_results is None or not plan.is_scoring:
        return _listed_values(plan, doc, key, results)
    handed = _handed(plan, results)
    processed = yield from _processed(plan.process_results, doc, handed)
    metrics, parsed = _parted(processed)
    return Values(metrics, parsed=parsed)


def _listed_values(
    plan: ScoringPlan, doc: Mapping[str, Any], key: AnswerKey, results: list[Any]
) -> Values:
    """Give the values of metrics that the task lists; none where nothing is scored."""
    if not plan.is_scoring:
        return Values()
    if plan.is_conversation:
        return Values(conversation_values(plan, key, results))
    if not plan.is_generation:
        return Values(likelihood_values(plan, key, results))
    answers = _handed(plan, results)
    is_one = plan.dialect != "lmms" or not isinstance(results[0], list)
    answer = answers[0] if is_one else answers
    return generated_values(plan, doc, key, answer)


def _parted(values: dict[str, Any]) -> tuple[dict[str, Any], tuple[Parsed, ...]]:
    """Part metrics from what tells how answers were read."""
    metrics: dict[str, Any] = {}
    parsed: list[Parsed] = []
    for name, value in values.items():
        several = value if isinstance(value, list | tuple) else [value]
        if several and all(isinstance(each, Parsed) for each in several):
            parsed.extend(several)
        else:
            metrics[name] = value
    return metrics, tuple(parsed)


def _filtered(
    pipeline: FilterPipeline,
    doc: Mapping[str, Any],
    key: AnswerKey,
    responses: Sequence[Any],
) -> tuple[Any, tuple[Parsed, ...]]:
    """Apply the filters; the last of them that reads answers tells how it did."""
    filtered: Any = list(responses)
    parsed: tuple[Parsed, ...] = ()
    for step in pipeline.steps:
        if isinstance(step, ParserFilter):
            filtered, parsed = step.parse(filtered, doc, key.choices)
        else:
            filtered = step(filtered, doc)
    return filtered, parsed if isinstance(filtered, list) else parsed[:1]


def _handed(plan: ScoringPlan, results: list[Any]) -> list[Any]:
    """Write what ``process_results`` is given.

    In the lm dialect, what the filters made of each request. In the lmms dialect the
    answers to the one request, stripped, as one list. Of a conversation, a mapping for
    each client turn.
    """
    if plan.is_conversation:
        return turn_dicts(results)
    if plan.dialect != "lmms" or not plan.is_generation:
        return results
    answers = results[0] if isinstance(results[0], list) else results
    return [answer.strip() if isinstance(answer, str) else answer for answer in answers]


def _processed(
    process_results: ProcessResults, doc: Mapping[str, Any], results: list[Any]
) -> ScoreFlow[dict[str, Any]]:
    values = process_results(doc, results)
    if isinstance(values, Generator):
        values = yield from values
    if not isinstance(values, Mapping):
        raise ScoringError(
            f"process_results returned {type(values).__name__}, "
            "not a mapping of metrics to values"
        )
    return {str(name): value for name, value in values.items()}


def _checked(plan: ScoringPlan, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Refuse what is no number, but for metrics whose mean leaves such values out.

    Those have None, since samples cannot hold the value itself.
    """
    checked = dict(metrics)
    for name, value in metrics.items():
        # Asking an abstract class takes longer than all the rest.
        is_number = type(value) is float or isinstance(value, Real)
        if not is_number or math.isfinite(value):
            continue
        if not math.isnan(value):
            raise ScoringError(f"metric {name!r} is infinite")
        if not _is_lenient(plan, name):
            raise ScoringError(f"metric {name!r} is not a number (NaN)")
        checked[name] = None
    return checked


def _is_lenient(plan: ScoringPlan, name: str) -> bool:
    return any(m.name == name and m.aggregation_name == "nanmean" for m in plan.metrics)


def _cluster(plan: ScoringPlan, doc: Mapping[str, Any]) -> str | None:
    value = None if plan.cluster_key is None else doc.get(plan.cluster_key)
    return None if value is None else str(value)
