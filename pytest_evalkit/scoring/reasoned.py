"""Answers that come with their analysis: the answer in them, and their form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from pytest_evalkit.errors import OptionError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.scoring.final_answer import last_boxed, last_tagged
from pytest_evalkit.scoring.parsed import Parsed, found
from pytest_evalkit.scoring.plan import MetricSpec, ScoringPlan
from pytest_evalkit.stats import mean

ACCURACY, FORMAT = "acc_score", "format_score"
# How an answer in the form that is asked for reads; models that know it say it so.
ANSWER_FORM = "<analysis>\nThis is known.\n</analysis>\n<answer>\n{answer}\n</answer>"

_OWN_THOUGHT = re.compile(r"\s*<think>.*?</think>", re.DOTALL)
_INNER = r"(?:(?!</?(?:analysis|answer)>).)*?\S(?:(?!</?(?:analysis|answer)>).)*?"
_FORM = re.compile(
    rf"\s*<analysis>{_INNER}</analysis>\s*<answer>{_INNER}</answer>\s*", re.DOTALL
)
_ANSWER_AT_END = re.compile(
    r"<answer>((?:(?!</?answer>).)*)</answer>\s*\Z", re.DOTALL | re.IGNORECASE
)


def format_score(text: str) -> float:
    """Say whether a text has the form that is asked for: 1, else 0.

    The whole text, but for white space around it, has to be one ``<analysis>`` and then
    one ``<answer>``, both closed, neither empty, with nothing but white space between
    them and none of these tags within. One ``<think>`` part in front, which some models
    always write, does not count.

    Args:
        text: The answer as received, with thought.

    >>> format_score("<analysis>2 + 2</analysis> <answer>4</answer>")
    1.0
    >>> format_score("<answer>4</answer>")
    0.0
    """
    own = _OWN_THOUGHT.match(text)
    return float(_FORM.fullmatch(text, own.end() if own else 0) is not None)


def reasoned_answer(raw: str, text: str) -> Parsed:
    r"""Find what is answered in the end.

    The last ``<answer>`` outside of thought, or one that ends the text, where a thought
    before it was never closed; else the last ``\boxed{}``; else all that is no thought,
    for the task's own rules to read.

    Args:
        raw: The answer as received.
        text: The same without thought.

    Returns:
        The text, empty where there is none.

    >>> reasoned_answer("<analysis>So <answer>B</answer>", "").value
    'B'
    """
    tagged = last_tagged(text, "answer")
    if tagged is None and (at_end := _ANSWER_AT_END.search(raw)) is not None:
        tagged = at_end[1].strip()
    for part, rule in ((tagged, "answer_tag"), (last_boxed(text), "boxed")):
        if part is not None:
            return _part(part, rule)
    return _part(text.strip(), "rest")


def reasoned_plan(plan: ScoringPlan, metric: str | None = None) -> ScoringPlan:
    """Score a task by answers that come with their analysis.

    Args:
        plan: How the task itself scores; its metrics, filters and scorer get the answer
            alone.
        metric: Which of its metrics is called ``acc_score``; None for the first. The
            others keep their names; ``format_score`` is added.

    Raises:
        OptionError: There is no such metric, or the task has one of these names.
    """
    names = [each.name for each in plan.metrics]
    for name in (ACCURACY, FORMAT):
        if name in names:
            raise OptionError(f"the task has a metric {name!r} of its own")
    accuracy = names[0] if metric is None else metric
    if accuracy not in names:
        raise OptionError(
            f"the task has no metric {accuracy!r}; {suggestion(accuracy, names)}"
        )
    metrics = (
        *(
            replace(each, name=ACCURACY) if each.name == accuracy else each
            for each in plan.metrics
        ),
        MetricSpec(
            name=FORMAT,
            function=None,
            aggregation=mean,
            aggregation_name="mean",
            higher_is_better=True,
        ),
    )
    return replace(plan, metrics=metrics, reasoned=plan)


def format_scores(raw: Sequence[str]) -> float:
    """Average over the repeats of a document what their forms are worth."""
    return mean([format_score(text) for text in raw])


def _part(text: str, rule: str) -> Parsed:
    return found(text, rule) if text else Parsed(value="", status="none")
