"""``generation_kwargs`` of both dialects, as one set of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pytest_evalkit.errors import OptionError
from pytest_evalkit.values import GenerationParameters

# Where one mapping spells a parameter twice, the earlier spelling counts.
_MAX_TOKENS = ("max_tokens", "max_completion_tokens", "max_gen_toks", "max_new_tokens")
_STOP = ("until", "stop", "stop_sequences")
_OWN = ("temperature", "top_p", "top_k", "seed", "do_sample")
# What servers of models take besides; a task file may set these and no others.
_SENT = frozenset(
    {
        "bad_words",
        "chat_template_kwargs",
        "frequency_penalty",
        "ignore_eos",
        "length_penalty",
        "logit_bias",
        "logprobs",
        "min_p",
        "min_tokens",
        "presence_penalty",
        "reasoning_effort",
        "repetition_penalty",
        "response_format",
        "skip_special_tokens",
        "top_logprobs",
        "typical_p",
    }
)
# So alike are names that differ by a slip; ``top_a`` and ``top_k`` are less so.
_ALMOST = 0.85
# Mean something to this program, or to no model that answers a request at a time.
_NOT_SAMPLING = frozenset({"max_agentic_steps", "visual_cot"})


class DroppedParameterWarning(UserWarning):
    """A task file asks for a way of generating that no request can carry."""


def dropped(task: Mapping[str, Any]) -> dict[str, Any]:
    """List what a task asks for that is not sent to a model.

    Args:
        task: ``generation_kwargs`` of the task.
    """
    known = {*_MAX_TOKENS, *_STOP, *_OWN, *_SENT, *_NOT_SAMPLING}
    return {
        key: value
        for key, value in task.items()
        if key not in known and value is not None and (key, value) != ("num_beams", 1)
    }


def require_spelling(overrides: Mapping[str, Any]) -> None:
    """Refuse a parameter that looks like a known one and is none.

    Others are the server's to know.

    Args:
        overrides: Generation parameters from the command line.

    Raises:
        OptionError: A name is almost that of a known parameter.
    """
    known = {*_MAX_TOKENS, *_STOP, *_OWN, *_SENT}
    for name in overrides.keys() - known:
        close = get_close_matches(name, known, n=1, cutoff=_ALMOST)
        if close:
            raise OptionError(
                f"unknown generation parameter {name!r}; did you mean {close[0]!r}?"
            )


def without_bounds(task: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of ``generation_kwargs`` what ends a text: bounds and stop texts."""
    ends = {*_MAX_TOKENS, *_STOP}
    return {key: value for key, value in task.items() if key not in ends}


def parameters(
    task: Mapping[str, Any],
    overrides: Mapping[str, Any],
    *,
    stop: str | None,
    max_tokens: int | None = None,
) -> GenerationParameters:
    """Merge what a task and the command line ask for.

    Text is generated greedily unless they say otherwise: ``temperature`` is zero where
    neither it nor ``do_sample`` is given. What a task asks for besides is left out
    where no server knows it; what the command line asks for is sent as it is.

    Args:
        task: ``generation_kwargs`` of the task; null there means not given.
        overrides: The same from the command line, in any spelling; null there leaves
            the choice to the model.
        stop: What ends the text where the task does not say; None for nothing.
        max_tokens: The most tokens to generate where neither says; None leaves the
            choice to the model.

    Raises:
        OptionError: A value has the wrong kind.
    """
    left_out = {*dropped(task), *_NOT_SAMPLING}
    asked = {key: value for key, value in task.items() if key not in left_out}
    given = {
        key: value for key, value in _canonical(asked).items() if value is not None
    }
    given.setdefault("stop", stop)
    given.setdefault("max_tokens", max_tokens)
    given.update(_canonical(overrides))
    is_sampling = _is_true(given.pop("do_sample", False))
    if not is_sampling:
        given.setdefault("temperature", 0.0)
    if given.get("num_beams") == 1:
        del given["num_beams"]
    if not is_sampling and given.get("top_p") == 0:
        # Servers refuse it, and greedily it changes nothing.
        del given["top_p"]
    return GenerationParameters(
        max_tokens=_whole(given, "max_tokens"),
        temperature=_number(given, "temperature"),
        top_p=_number(given, "top_p"),
        top_k=_whole(given, "top_k"),
        stop=_texts(given.pop("stop")),
        seed=_whole(given, "seed"),
        extra={key: value for key, value in given.items() if value is not None},
    )


def _canonical(options: Mapping[str, Any]) -> dict[str, Any]:
    plain = dict(options)
    for name, spellings in (("max_tokens", _MAX_TOKENS), ("stop", _STOP)):
        found = [plain.pop(key) for key in spellings if key in plain]
        given = [value for value in found if value is not None]
        if found:
            plain[name] = given[0] if given else None
    return plain


def _is_true(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() == "true"
    return bool(value)


def _number(given: dict[str, Any], key: str) -> float | None:
    value = given.pop(key, None)
    if value is None:
        return None
    try:
        # YAML reads 1e-3 as text; Python does not.
        return float(value)
    except (TypeError, ValueError):
        raise OptionError(f"{key} is {value!r}, but must be a number") from None


def _whole(given: dict[str, Any], key: str) -> int | None:
    number = _number(given, key)
    if number is None:
        return None
    if not number.is_integer():
        raise OptionError(f"{key} is {number!r}, but must be a whole number")
    return int(number)


def _texts(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    items = [value] if isinstance(value, str) else value
    if isinstance(items, list | tuple) and all(isinstance(item, str) for item in items):
        return tuple(items)
    raise OptionError(f"until is {value!r}, but must be text or a list of texts")
