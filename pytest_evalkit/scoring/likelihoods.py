"""Scores of log-likelihoods: of choices, of one continuation, of whole texts.

The rules are those of lm-evaluation-harness.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.errors import ScoringError
from pytest_evalkit.scoring.plan import AnswerKey, ScoringPlan

# What stands for a right answer that is none of the choices.
_NO_CHOICE = -100


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """How likely a model finds each of several choices.

    Attributes:
        logprobs: Log-probability of each choice after the question, in nats.
        unconditional: The same without the question; empty where not asked for.
        greedy: Whether each choice is what the model would write.
        choices: The choices.
        gold: Position of the right choice, or a list of positions; -100 where what is
            right is no choice.
        is_strict: Whether the reference's rules hold where they are known to be wrong.
    """

    logprobs: Sequence[float]
    unconditional: Sequence[float]
    greedy: Sequence[bool]
    choices: Sequence[str]
    gold: Any
    is_strict: bool

    def hits(self, scores: Sequence[float]) -> float:
        """Say 1 where the first of the highest scores is of a right choice, else 0."""
        best = scores.index(max(scores))
        golds = self.gold if isinstance(self.gold, list) else [self.gold]
        return 1.0 if best in golds else 0.0


def _acc(asked: Choosing) -> float:
    return asked.hits(asked.logprobs)


def _acc_norm(asked: Choosing) -> float:
    return asked.hits(_per_length(asked, [len(choice) for choice in asked.choices]))


def _acc_bytes(asked: Choosing) -> float:
    lengths = [len(choice.encode()) for choice in asked.choices]
    return asked.hits(_per_length(asked, lengths))


def _per_length(asked: Choosing, lengths: Sequence[int]) -> list[float]:
    # Nothing is likelier than an empty choice, so it has to lose, not to win.
    return [
        logprob / length if length else -math.inf
        for logprob, length in zip(asked.logprobs, lengths, strict=True)
    ]


def _acc_mutual_info(asked: Choosing) -> float:
    if not asked.unconditional:
        raise ScoringError(
            "acc_mutual_info needs each choice's likelihood without the question too"
        )
    pairs = list(zip(asked.logprobs, asked.unconditional, strict=True))
    if (-math.inf, -math.inf) in pairs:
        raise ScoringError("the model finds a choice impossible without its question")
    return asked.hits([given - alone for given, alone in pairs])


def _exact_match(asked: Choosing) -> int:
    golds = asked.gold if isinstance(asked.gold, list) else [asked.gold]
    return int(any(_is_greedy(asked, gold) for gold in golds))


def _is_greedy(asked: Choosing, gold: int) -> bool:
    least = -len(asked.choices) if asked.is_strict else 0
    return gold >= least and gold != _NO_CHOICE and bool(asked.greedy[gold])


def _labels(asked: Choosing) -> tuple[Any, int]:
    return asked.gold, asked.logprobs.index(max(asked.logprobs))


def _brier_score(asked: Choosing) -> tuple[Any, list[float]]:
    highest = max(asked.logprobs)
    weights = [math.exp(logprob - highest) for logprob in asked.logprobs]
    total = sum(weights)
    return asked.gold, [weight / total for weight in weights]


def _likelihood(asked: Choosing) -> tuple[Any, list[float]]:
    return asked.gold, list(asked.logprobs)


_CHOICE_METRICS: Mapping[str, Callable[[Choosing], Any]] = {
    "acc": _acc,
    "acc_bytes": _acc_bytes,
    "acc_mutual_info": _acc_mutual_info,
    "acc_norm": _acc_norm,
    "brier_score": _brier_score,
    "exact_match": _exact_match,
    "f1": _labels,
    "likelihood": _likelihood,
    "mcc": _labels,
}

_CONTINUATION_METRICS: Mapping[str, Callable[[float, bool], Any]] = {
    "acc": lambda _, is_greedy: int(is_greedy),
    "perplexity": lambda logprob, _: logprob,
}

_TEXT_METRICS: Mapping[str, Callable[[str], int]] = {
    "bits_per_byte": lambda text: len(text.encode()),
    "byte_perplexity": lambda text: len(text.encode()),
    "word_perplexity": lambda text: len(re.split(r"\s+", text)),
}

# Names of the metrics that there are, by output type.
LIKELIHOOD_METRICS: Mapping[str, tuple[str, ...]] = {
    "loglikelihood": ("bypass", *_CONTINUATION_METRICS),
    "loglikelihood_rolling": ("bypass", *_TEXT_METRICS),
    "multiple_choice": ("bypass", *_CHOICE_METRICS),
}


def likelihood_values(
    plan: ScoringPlan, key: AnswerKey, results: Sequence[Any]
) -> dict[str, Any]:
    """Give each metric its value for a document that was not answered in words.

    Args:
        plan: How the task scores.
        key: What is right.
        results: One for each request: a pair of log-probability and whether the text
            is what the model would write; for a whole text the log-probability alone.

    Raises:
        ScoringError: What the filters left is no likelihood, there are too few or too
            many, or the document has no target.
    """
    names = [metric.name for metric in plan.metrics if metric.name != "bypass"]
    values: dict[str, Any] = {}
    if len(names) < len(plan.metrics):
        values["bypass"] = None
    if plan.output_type == "multiple_choice":
        asked = _choosing(plan, key, results)
        return values | {name: _CHOICE_METRICS[name](asked) for name in names}
    (result,) = results
    if plan.output_type == "loglikelihood":
        logprob, is_greedy = _pair(result)
        told = {n: _CONTINUATION_METRICS[n](logprob, is_greedy) for n in names}
        return values | told
    if not isinstance(key.target, str):
        raise ScoringError(f"the document has no text to weigh, but {key.target!r}")
    text, total = key.target, _number(result)
    return values | {name: (total, _TEXT_METRICS[name](text)) for name in names}


def _choosing(plan: ScoringPlan, key: AnswerKey, results: Sequence[Any]) -> Choosing:
    count = len(key.choices)
    wanted = 2 * count if plan.needs_unconditional else count
    if not count or len(results) != wanted:
        raise ScoringError(
            f"{count} choices have {len(results)} likelihoods, not {wanted}"
        )
    pairs = [_pair(result) for result in results]
    logprobs = [logprob for logprob, _ in pairs]
    if max(logprobs[:count]) == -math.inf:
        raise ScoringError("the model finds every choice impossible")
    return Choosing(
        logprobs=logprobs[:count],
        unconditional=logprobs[count:],
        greedy=[is_greedy for _, is_greedy in pairs[:count]],
        choices=key.choices,
        gold=_gold(key.target, key.choices),
        is_strict=plan.compat == "strict",
    )


def _gold(target: Any, choices: Sequence[str]) -> Any:
    """Find the positions of what is right among the choices."""
    if target is None:
        raise ScoringError("the document has no target among its choices")
    if isinstance(target, list | tuple):
        return [_gold(item, choices) for item in target]
    if isinstance(target, str):
        return choices.index(target) if target in choices else _NO_CHOICE
    position = int(target)
    return position if position < len(choices) else _NO_CHOICE


def _pair(result: Any) -> tuple[float, bool]:
    if not isinstance(result, list | tuple) or len(result) != len(("logprob", "is")):
        raise ScoringError(
            f"a likelihood is a pair of a number and whether it is greedy, not "
            f"{result!r}; does the filter end in take_first?"
        )
    return _number(result[0]), bool(result[1])


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or math.isnan(value):
        raise ScoringError(f"a log-likelihood is a number, not {value!r}")
    return float(value)
