"""Recorded log-likelihoods: rows of samples files whose task asked for them.

``arguments`` holds what was asked, one entry for each request, and ``resps`` (or
``filtered_resps``, where filtering changed nothing) what was answered:

- this project: ``[context, continuation]`` or ``[text]``; ``[logprob, is_greedy]`` or the
  number alone, or a list of these, one for each repeat
- lm-eval: ``{"gen_args_0": {"arg_0": context, "arg_1": continuation}, ...}``; always a
  list for the repeats, numbers and booleans written as texts
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_evalkit.errors import OptionError
from pytest_evalkit.values import LoglikelihoodResponse

# A context and its continuation, or a whole text.
Asked = tuple[str, ...]
Likelihoods = Mapping[Asked, tuple[LoglikelihoodResponse, ...]]

_LENGTHS = (1, 2)
_TRUTHS = {True: True, False: False, "True": True, "False": False}


def asked_in(fields: Mapping[str, Any]) -> list[Asked] | None:
    """List the texts that a row's likelihoods are of; None where it has none."""
    arguments = fields.get("arguments")
    if isinstance(arguments, dict):
        arguments = [
            list(one.values()) if isinstance(one, dict) else one
            for one in arguments.values()
        ]
    if not isinstance(arguments, list) or not arguments:
        return None
    if not all(_are_texts(one) for one in arguments):
        return None
    return [tuple(one) for one in arguments]


def _are_texts(argument: Any) -> bool:
    return (
        isinstance(argument, list)
        and len(argument) in _LENGTHS
        and all(isinstance(text, str) for text in argument)
    )


def likelihoods_of(place: str, asked: list[Asked], answered: Any) -> Likelihoods:
    """Put what was answered beside what was asked.

    Args:
        place: File and line of the row, for messages.
        asked: What was asked, request by request.
        answered: The row's answers, in the same order.

    Returns:
        For each text or pair of texts its answers, one for each repeat.

    Raises:
        OptionError: The row does not hold log-likelihoods, or not as many.
    """
    if not isinstance(answered, list) or len(answered) != len(asked):
        count = len(answered) if isinstance(answered, list) else "no"
        raise OptionError(
            f"{place}: {len(asked)} requests in 'arguments', {count} answers to them"
        )
    return {
        texts: tuple(_answers(place, answer))
        for texts, answer in zip(asked, answered, strict=True)
    }


def _answers(place: str, answer: Any) -> list[LoglikelihoodResponse]:
    found = _answer(answer)
    if found is not None:
        return [found]
    repeats = [_answer(one) for one in answer] if isinstance(answer, list) else []
    told = [one for one in repeats if one is not None]
    if not told or len(told) < len(repeats):
        raise OptionError(
            f"{place}: {answer!r:.80} is no log-likelihood; it must be a number, or a "
            "number and whether the continuation was the likeliest text"
        )
    return told


def _answer(answer: Any) -> LoglikelihoodResponse | None:
    """Read one answer; None where it is none."""
    logprob = _number(answer)
    if logprob is not None:
        # Of whole texts nobody asks whether they were the likeliest.
        return LoglikelihoodResponse(logprob=logprob, is_greedy=False)
    match answer:
        case [told, bool() | "True" | "False" as is_greedy]:
            logprob = _number(told)
            if logprob is not None:
                return LoglikelihoodResponse(
                    logprob=logprob, is_greedy=_TRUTHS[is_greedy]
                )
    return None


def _number(told: Any) -> float | None:
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        return None
    try:
        return float(told)
    except ValueError:
        return None
