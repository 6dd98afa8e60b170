"""Metrics of whole conversations: what the answers to all client turns are worth."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

from pytest_evalkit.codec import CodecError, decode, encode_canonical
from pytest_evalkit.errors import OptionError, ScoringError
from pytest_evalkit.messages import ToolCallPart
from pytest_evalkit.naming import suggestion
from pytest_evalkit.scoring.dialogues import (
    Missing,
    last_turn,
    match_tool_calls,
    multiset_overlap,
    per_turn_mean,
    shell_programs,
)
from pytest_evalkit.scoring.metrics import exact_match
from pytest_evalkit.scoring.plan import AnswerKey, ScoringPlan, TurnAnswer, TurnKey

Compare = Literal["names", "arguments"]
Actions = Literal["names", "calls", "programs"]

Keys = Sequence[TurnKey | None]
Answers = Sequence[TurnAnswer | None]

_COMMAND = "command"


def last_turn_match(
    *,
    keys: Keys,
    answers: Answers,
    missing: Missing = "exclude",
    **rules: Any,
) -> float | None:
    """Say 1 where the text of the last answer is right, else 0.

    Args:
        keys: What is right for each client turn.
        answers: What was answered to each, as many.
        missing: What a turn without an answer is worth.
        rules: How texts are compared, as for ``exact_match``.

    Raises:
        ScoringError: Nobody says what is right for the last turn.
    """
    if keys[-1] is None or not keys[-1].texts:
        raise ScoringError(
            "nobody says what is right for the last turn: let the assistant speak after "
            "it, or give its row a target"
        )
    return last_turn([_text_score(keys[-1], answers[-1], rules)], missing)


def per_turn_match(
    *,
    keys: Keys,
    answers: Answers,
    missing: Missing = "exclude",
    **rules: Any,
) -> float | None:
    """Average over the turns whether the text of the answer is right.

    Turns of which nobody says what is right to say are left out.

    Args:
        keys: As for ``last_turn_match``.
        answers: As for ``last_turn_match``.
        missing: As for ``last_turn_match``.
        rules: As for ``last_turn_match``.

    Raises:
        ScoringError: Nobody says it of any turn.
    """
    scores = [
        _text_score(key, answer, rules)
        for key, answer in _pairs(keys, answers)
        if key.texts
    ]
    if not scores:
        raise ScoringError(
            "nobody says what is right to say in any turn: let the assistant speak "
            "after one, or give its row a target"
        )
    return per_turn_mean(scores, missing)


def tool_call_match(
    *,
    keys: Keys,
    answers: Answers,
    missing: Missing = "exclude",
    compare: Compare = "arguments",
    ordered: bool = False,
) -> float | None:
    """Average over the turns whether the right tools are called.

    A turn in which none is to be called is right where none is. Turns of which nobody
    says what is right are left out.

    Args:
        keys: As for ``last_turn_match``.
        answers: As for ``last_turn_match``.
        missing: As for ``last_turn_match``.
        compare: ``names`` for the tools alone, ``arguments`` for their arguments too.
        ordered: Whether the order of several calls counts.

    Raises:
        ScoringError: Nobody says what is right for any turn.
    """
    scores: list[float | None] = []
    for key, answer in _pairs(keys, answers):
        if answer is None:
            scores.append(None)
            continue
        match = match_tool_calls(answer.calls, key.calls, is_ordered=ordered)
        scores.append(match.names if compare == "names" else match.arguments)
    return per_turn_mean(scores, missing)


def action_overlap(
    *,
    keys: Keys,
    answers: Answers,
    missing: Missing = "exclude",
    actions: Actions = "calls",
    argument: str = _COMMAND,
) -> float | None:
    """Compare what was done in all turns with what was right, as multisets (Jaccard).

    Args:
        keys: As for ``last_turn_match``.
        answers: As for ``last_turn_match``.
        missing: As for ``last_turn_match``; ``exclude`` leaves out what should have been
            done in a turn that has no answer.
        actions: ``names`` for tools, ``calls`` for tools with their arguments,
            ``programs`` for the programs that command lines call.
        argument: Of ``programs``, the argument that holds the command line.

    Raises:
        ScoringError: Nobody says what is right for any turn.
    """
    done: list[Hashable] = []
    wanted: list[Hashable] = []
    for key, answer in _pairs(keys, answers):
        if answer is not None:
            done.extend(_actions(answer.calls, actions, argument))
        if answer is not None or missing == "zero":
            wanted.extend(_actions(key.calls, actions, argument))
    if all(answer is None for answer in answers):
        return 0.0 if missing == "zero" else None
    return multiset_overlap(done, wanted)


def answered_turns(
    *, keys: Keys, answers: Answers, missing: Missing = "exclude"
) -> float | None:
    """Average over the turns whether the model said or called anything at all.

    Args:
        keys: As for ``last_turn_match``; what is right has no part in it.
        answers: As for ``last_turn_match``.
        missing: As for ``last_turn_match``.
    """
    del keys
    scores = [
        None if answer is None else float(_says_something(answer)) for answer in answers
    ]
    return per_turn_mean(scores, missing)


CONVERSATION_METRICS: Mapping[str, Callable[..., float | None]] = {
    "action_overlap": action_overlap,
    "answered_turns": answered_turns,
    "last_turn_match": last_turn_match,
    "per_turn_match": per_turn_match,
    "tool_call_match": tool_call_match,
}

# The values of arguments that are words.
_WORDS: Mapping[str, Sequence[str]] = {
    "compare": get_args(Compare),
    "actions": get_args(Actions),
}


def check_words(metric: str, kwargs: Mapping[str, Any]) -> None:
    """Check the arguments of a metric that take one of several words.

    Raises:
        OptionError: One is another word.
    """
    for name, words in _WORDS.items():
        if name in kwargs and kwargs[name] not in words:
            raise OptionError(
                f"{name} of metric {metric!r} is {kwargs[name]!r}; "
                f"{suggestion(str(kwargs[name]), words)}"
            )


def conversation_values(
    plan: ScoringPlan, key: AnswerKey, answers: Answers
) -> dict[str, float]:
    """Give each metric its value for a conversation; one that does not apply is absent.

    Args:
        plan: How the task scores.
        key: What is right.
        answers: What was answered to each client turn, or None.

    Raises:
        ScoringError: The data do not say what a metric compares with.
    """
    values: dict[str, float] = {}
    for metric in plan.metrics:
        assert metric.function is not None, "a metric of conversations is a function"
        value = metric.function(
            keys=key.turns, answers=answers, missing=plan.missing, **metric.kwargs
        )
        if value is not None:
            values[metric.name] = value
    return values


def turn_dicts(answers: Answers) -> list[dict[str, Any]]:
    """Write the answers for a scorer of the task's own, one mapping a client turn.

    Returns:
        ``text``, None where there is no answer, and ``tool_calls``, each with ``id``,
        ``name`` and ``arguments`` as the model wrote them.
    """
    return [
        {
            "text": None if answer is None else answer.text,
            "tool_calls": [
                {"id": call.id, "name": call.name, "arguments": call.arguments}
                for call in (() if answer is None else answer.calls)
            ],
        }
        for answer in answers
    ]


def _pairs(keys: Keys, answers: Answers) -> Iterator[tuple[TurnKey, TurnAnswer | None]]:
    """Put what is right beside what was answered; turns without the first are left out.

    Raises:
        ScoringError: Nobody says what is right for any turn.
    """
    if not any(key is not None for key in keys):
        raise ScoringError(
            "nobody says what is right for any turn: let the assistant speak after one, "
            "or give its row a target"
        )
    for key, answer in zip(keys, answers, strict=True):
        if key is not None:
            yield key, answer


def _text_score(
    key: TurnKey, answer: TurnAnswer | None, rules: Mapping[str, Any]
) -> float | None:
    if answer is None:
        return None
    if answer.text is None:
        return 0.0
    said = str(answer.text)
    return max(
        exact_match(references=[text], predictions=[said], **rules)
        for text in key.texts
    )


def _says_something(answer: TurnAnswer) -> bool:
    has_text = answer.text is not None and str(answer.text).strip() != ""
    return has_text or bool(answer.calls)


def _actions(
    calls: Sequence[ToolCallPart], actions: Actions, argument: str
) -> Iterator[Hashable]:
    for call in calls:
        if actions == "names":
            yield call.name
        elif actions == "calls":
            yield call.name, _canonical(call.arguments)
        else:
            yield from shell_programs(_command(call.arguments, argument))


def _canonical(arguments: str) -> bytes | str:
    """Write arguments so that equal ones are equal; those that are no JSON as they are."""
    try:
        return encode_canonical(decode(arguments or "{}"))
    except CodecError:
        return arguments


def _command(arguments: str, name: str) -> str:
    """Take the command line out of arguments; empty where there is none."""
    try:
        said = decode(arguments or "{}")
    except CodecError:
        return ""
    command = said.get(name) if isinstance(said, dict) else None
    return command if isinstance(command, str) else ""
