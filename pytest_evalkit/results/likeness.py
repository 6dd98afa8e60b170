"""Whether two runs asked the same: what differs between them besides the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.results.recorded import Answers, RecordedRun
from pytest_evalkit.results.their_results import LMMS_EVAL

# What only this package writes down.
_OURS = frozenset({"prompt_variant", "compat", "reasoning_tags"})
# What of a task's settings alters prompts, answers or scores, by what it is called.
_SETTINGS = {
    "filter_list": "the filters",
    "metric_list": "the metrics",
    "process_results": "the scorer",
    "generation_kwargs": "how text is generated",
    "repeats": "the number of repeats",
    "prompt_variant": "the variant of the prompt",
    "num_fewshot": "the number of worked examples",
    "compat": "--compat",
    "reasoning_tags": "what is taken for reasoning",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """Something that differs between two runs besides the model.

    Attributes:
        task: The task.
        message: What differs, in one line.
        is_grave: Whether figures of the two are not to be compared at all.
    """

    task: str
    message: str
    is_grave: bool


def divergences(
    task: str,
    runs: tuple[RecordedRun, RecordedRun],
    answers: tuple[Answers, Answers],
) -> Iterator[Divergence]:
    """List what differs between two runs of a task.

    Grave is another version of the task, and another document under the same name or
    place. Documents that only one run has, prompts, filters and settings are warned of.

    Args:
        task: The task.
        runs: The two runs.
        answers: Their answers to it.
    """
    versions = [_looked_up(run, "versions", task) for run in runs]
    if None not in versions and versions[0] != versions[1]:
        text = f"the version of the task is {versions[0]} and {versions[1]}"
        yield Divergence(task=task, message=text, is_grave=True)
    for message in _data(*answers):
        yield Divergence(task=task, message=message, is_grave=True)
    for message in (
        *_stopped(task, runs),
        *_coverage(*answers),
        *_prompts(runs, answers),
        *_filters(*answers),
        *_settings(task, runs),
        *_torn(runs, answers),
    ):
        yield Divergence(task=task, message=message, is_grave=False)


def _stopped(task: str, runs: tuple[RecordedRun, RecordedRun]) -> Iterator[str]:
    """Tell of a run whose documents were counted until its score decided a gate."""
    for run in runs:
        counts = _looked_up(run, "coverage", task)
        if counts is not None and counts.get("saved"):
            yield (
                f"{run.label} was stopped early, after {counts['scored']} of "
                f"{counts['selected']} documents: how many there are depends on their "
                "scores, so that intervals and p values do not hold"
            )


def _looked_up(run: RecordedRun, key: str, task: str) -> Any:
    if run.results is None:
        return None
    values: Mapping[str, Any] = {**run.results}
    return values.get(key, {}).get(task)


def _data(first: Answers, second: Answers) -> Iterator[str]:
    if not first.contents and not second.contents:
        yield from _targets(first, second)
        return
    shared = first.contents.keys() & second.contents.keys()
    contents = (set(first.contents.values()), set(second.contents.values()))
    # Another order is none of this: the document is then elsewhere in the other run.
    changed = [
        doc_id
        for doc_id in sorted(shared)
        if first.contents[doc_id] not in contents[1]
        and second.contents[doc_id] not in contents[0]
    ]
    if changed:
        yield (
            f"{len(changed)} of {len(shared)} documents are others, such as the one at "
            f"position {changed[0]}"
        )


def _targets(first: Answers, second: Answers) -> Iterator[str]:
    """Tell whether expected answers are others where nothing else tells documents."""
    before, after = (
        {
            key: each.target
            for own in run.by_filter.values()
            for key, each in own.items()
        }
        for run in (first, second)
    )
    shared = before.keys() & after.keys()
    changed = sum(_is_other(before[key], after[key]) for key in shared)
    if changed:
        yield (
            f"{changed} of {len(shared)} documents have another expected answer at the "
            "same position"
        )


def _is_other(first: Any, second: Any) -> bool:
    """Compare expected answers, which some systems write as texts."""
    return first is not None and second is not None and str(first) != str(second)


def _keys(answers: Answers) -> set[Any]:
    return {key for own in answers.by_filter.values() for key in own}


def _coverage(first: Answers, second: Answers) -> Iterator[str]:
    one, other = _keys(first), _keys(second)
    if one != other:
        yield (
            f"{len(one - other)} documents are in the first run only, "
            f"{len(other - one)} in the second only; {len(one & other)} are compared"
        )
    if one and other and not (first.contents and second.contents):
        yield "documents have no hashes in common; they are matched by their positions"


def _prompts(
    runs: tuple[RecordedRun, RecordedRun], answers: tuple[Answers, Answers]
) -> Iterator[str]:
    systems = {_system(run) for run in runs}
    if len(systems) > 1 and LMMS_EVAL in systems:
        # It writes the text alone, without media and messages.
        yield f"prompts are not compared: {LMMS_EVAL} records only their text"
    else:
        yield from _changed_prompts(*answers)
    yield from _repeats(*answers)


def _system(run: RecordedRun) -> str:
    return (run.written_by or "").partition(" ")[0]


def _changed_prompts(first: Answers, second: Answers) -> Iterator[str]:
    before = {
        key: a.prompt for own in first.by_filter.values() for key, a in own.items()
    }
    after = {
        key: a.prompt for own in second.by_filter.values() for key, a in own.items()
    }
    shared = before.keys() & after.keys()
    changed = sum(
        None not in (before[key], after[key]) and before[key] != after[key]
        for key in shared
    )
    if changed:
        yield f"{changed} of {len(shared)} documents were asked otherwise"


def _repeats(first: Answers, second: Answers) -> Iterator[str]:
    repeats = [
        {answer.repeats for own in run.by_filter.values() for answer in own.values()}
        for run in (first, second)
    ]
    if all(len(each) == 1 for each in repeats) and repeats[0] != repeats[1]:
        counts = " and ".join(str(each.pop()) for each in repeats)
        yield f"documents were asked {counts} times"


def _filters(first: Answers, second: Answers) -> Iterator[str]:
    for one, other, which in ((first, second, "first"), (second, first, "second")):
        for name in one.by_filter:
            if name not in other.by_filter:
                yield f"filter {name!r} is in the {which} run only"


def _settings(task: str, runs: tuple[RecordedRun, RecordedRun]) -> Iterator[str]:
    first, second = (_looked_up(run, "configs", task) for run in runs)
    if first is None or second is None:
        return
    is_foreign = any(run.written_by is not None for run in runs)
    for key, what in _SETTINGS.items():
        if is_foreign and (key in _OURS or not {key} <= first.keys() & second.keys()):
            continue
        if first.get(key) != second.get(key):
            yield (
                f"{what} ({key}) differ: {_short(first.get(key))} and "
                f"{_short(second.get(key))}"
            )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"  # noqa: PLR2004 - one line


def _torn(
    runs: tuple[RecordedRun, RecordedRun], answers: tuple[Answers, Answers]
) -> Iterator[str]:
    for run, own in zip(runs, answers, strict=True):
        if own.torn:
            yield f"{own.torn} lines of {run.label} are no samples and are left out"
