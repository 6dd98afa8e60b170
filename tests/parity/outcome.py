"""What a task asked and scored, in terms that fit both systems, and its differences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TOLERANCE = 1e-9
# The most tokens of the reference's models where a task does not say.
REFERENCE_MAX_TOKENS = 256
ASPECTS = ("generation", "prompts", "values", "figures", "directions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A run of one task.

    Attributes:
        prompts: For each document its requests, each a list of the texts that are sent:
            a prompt, a context and a continuation, or one whole text.
        generation: For each document how its text is generated; empty elsewhere.
        values: Each document's value by ``metric,filter``.
        figures: Value by ``metric,filter`` and ``metric_stderr,filter``; None where
            there is none.
        directions: Whether higher is better, by metric.
    """

    prompts: Sequence[Any]
    generation: Sequence[Any]
    values: Mapping[str, Sequence[Any]]
    figures: Mapping[str, float | None]
    directions: Mapping[str, bool | None]


def of_reference(task: str, results: Mapping[str, Any], mode: str) -> Outcome:
    """Read what the reference wrote of one task.

    Args:
        task: Its name.
        results: What ``reference.py`` wrote of it.
        mode: Unless ``strict``, a task that limits no tokens is expected not to.
    """
    samples = sorted(results["samples"][task], key=lambda sample: sample["doc_id"])
    filters = dict.fromkeys(sample["filter"] for sample in samples)
    first = [sample for sample in samples if sample["filter"] == next(iter(filters))]
    values: dict[str, list[Any]] = {}
    for sample in samples:
        for metric in sample["metrics"]:
            values.setdefault(f"{metric},{sample['filter']}", []).append(sample[metric])
    return Outcome(
        prompts=[[_texts(each) for each in sample["arguments"]] for sample in first],
        generation=[
            _generation(sample["arguments"][0][1], mode)
            for sample in first
            if _is_generation(sample["arguments"][0])
        ],
        values=values,
        figures=figures(results["results"][task]),
        directions={
            metric: results["higher_is_better"][task][metric]
            for metric in dict.fromkeys(key.split(",")[0] for key in values)
        },
    )


def figures(row: Mapping[str, Any]) -> dict[str, float | None]:
    """Read the figures of a task or group of the reference."""
    return {
        key: None if value == "N/A" else value
        for key, value in row.items()
        if "," in key
    }


def told_by_both(
    ours: Mapping[str, float | None], theirs: Mapping[str, float | None]
) -> dict[str, float | None]:
    """Leave out of our figures the errors of aggregations that have none in lm-eval.

    There they have none of ours either with ``--compat strict``.
    """
    return {
        key: None if "_stderr," in key and theirs.get(key, 0) is None else value
        for key, value in ours.items()
    }


def _is_generation(arguments: Sequence[Any]) -> bool:
    return len(arguments) > 1 and isinstance(arguments[1], Mapping)


def _texts(arguments: Sequence[Any]) -> list[Any]:
    return list(arguments[:1] if _is_generation(arguments) else arguments)


def _generation(kwargs: Mapping[str, Any], mode: str) -> dict[str, Any]:
    until = kwargs["until"]
    most = kwargs.get("max_gen_toks", REFERENCE_MAX_TOKENS)
    is_default = most == REFERENCE_MAX_TOKENS
    return {
        "stop": [until] if isinstance(until, str) else until,
        "max_tokens": None if is_default and mode != "strict" else most,
        # The models of the reference are greedy where a task does not say.
        "temperature": kwargs.get("temperature", 0.0),
    }


def differences(ours: Any, theirs: Any, place: str) -> list[str]:
    """List where two structures differ, in words; empty if nowhere."""
    return list(_different(ours, theirs, place))


def _different(ours: Any, theirs: Any, place: str) -> Iterator[str]:
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for key in [*theirs, *(key for key in ours if key not in theirs)]:
            yield from _different(
                ours.get(key, "(absent)"), theirs.get(key, "(absent)"), f"{place} {key}"
            )
    elif _is_list(ours) and _is_list(theirs) and len(ours) == len(theirs):
        for at, (own, their) in enumerate(zip(ours, theirs, strict=True)):
            yield from _different(own, their, f"{place} {at}")
    elif not _is_same(ours, theirs):
        yield f"{place}: ours {ours!r}, the reference's {theirs!r}"


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _is_same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, int | float) and isinstance(theirs, int | float):
        return math.isclose(ours, theirs, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(ours == theirs)
