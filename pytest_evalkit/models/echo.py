"""Reading how likely a server found a prompt that it echoes with log-probabilities.

A server that does not echo, or counts other tokens than were sent, would give numbers
that look like scores; so every length and every text is compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.errors import ModelUnavailableError, RequestRejectedError
from pytest_evalkit.models.windows import Window

_SHOWN_CHARACTERS = 60
# How servers write the space before a word when they show tokens raw.
_RAW_SPACES = str.maketrans("", "", "▁ĠĊĉ")
_REMEDY = "use a server that echoes prompts with logprobs, such as vLLM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """How likely some tokens were, each after all before it.

    Attributes:
        logprob: The sum of their natural log-probabilities.
        is_greedy: True when each was the likeliest in its place.
        n_tokens: How many they are.
    """

    logprob: float
    is_greedy: bool
    n_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Echo:
    """The log-probabilities of a choice; lists of one length.

    Attributes:
        tokens: Each token as a text; empty where the server shows none.
        own: The log-probability of each; None for the first.
        top: The likeliest tokens in each place; None for the first.
        offsets: Where each token begins in the text of all; empty where not told.
    """

    tokens: list[Any]
    own: list[Any]
    top: list[Any]
    offsets: list[Any]


def read_window(
    choice: Mapping[str, Any], window: Window, spelling: str | None
) -> Likelihood:
    """Read how likely the continuation of a window was.

    The log-probabilities are those of all tokens sent and of one generated.

    Args:
        choice: The choice of a completion that answers the window.
        window: What was sent, as token ids.
        spelling: How the continuation reads, to be compared with what the server
            says they are; None where it need not be.

    Raises:
        ModelUnavailableError: The server does not echo, or has another tokenizer.
        RequestRejectedError: The log-probabilities are not those of the window.
    """
    echo = _echo(choice)
    sent = len(window.tokens)
    if len(echo.own) < sent:
        raise ModelUnavailableError(
            f"the server told log-probabilities of {len(echo.own)} tokens where {sent} "
            f"were sent and one was to be generated: it does not echo; {_REMEDY}"
        )
    is_whole = len(echo.own) == sent + 1
    if not is_whole and (len(echo.own) > sent or echo.own[0] is not None):
        raise RequestRejectedError(
            f"the server told log-probabilities of {len(echo.own)} tokens where {sent} "
            "were sent and one was to be generated: which are which is not known"
        )
    start = sent - window.asked
    if spelling is not None:
        _compare(echo.tokens[start:sent], spelling)
    return _likelihood(echo, start, sent)


def read_text(choice: Mapping[str, Any], prompt: str, continuation: str) -> Likelihood:
    """Read how likely the end of a prompt was that was sent as a text.

    The continuation is found by the offsets, counted back from the token generated:
    servers put tokens of their own before the first. A token that spans the seam is the
    continuation's.

    Args:
        choice: The choice of a completion that answers the prompt.
        prompt: The text that was sent.
        continuation: Its end, not empty, which is asked about.

    Raises:
        ModelUnavailableError: The server does not echo, or tells no offsets.
        RequestRejectedError: The tokens do not spell the continuation, or nothing
            stands before it.
    """
    echo = _echo(choice)
    generated = len(echo.own) - 1
    # SGLang has the field, and -1 in all its places.
    is_told = _are_numbers(echo.offsets) and min(echo.offsets) >= 0
    if not echo.tokens or not is_told:
        raise ModelUnavailableError(
            "the server does not tell where its tokens begin (text_offset); name its "
            "tokenizer with tokenizer=..."
        )
    if generated < 1 or echo.offsets[generated] < len(prompt):
        raise ModelUnavailableError(
            f"the server told log-probabilities of {len(echo.own)} tokens, which are "
            f"not those of the prompt and of one more: it does not echo; {_REMEDY}"
        )
    seam = echo.offsets[generated] - len(continuation)
    start = next(n for n in range(generated) if echo.offsets[n + 1] > seam)
    spelt = "".join(map(str, echo.tokens[start:generated]))
    if not spelt.endswith(continuation):
        raise RequestRejectedError(
            f"the end of the prompt is {_shown(continuation)}, but its tokens read "
            f"{_shown(spelt)}; name the server's tokenizer with tokenizer=..."
        )
    if echo.own[start] is None:
        raise RequestRejectedError(
            "nothing stands before the first token of the prompt, so it has no "
            "log-probability; name the server's tokenizer with tokenizer=..., so that "
            "the token that begins a text can be sent"
        )
    return _likelihood(echo, start, generated)


def _echo(choice: Mapping[str, Any]) -> _Echo:
    logprobs = choice.get("logprobs")
    fields = logprobs if isinstance(logprobs, dict) else {}
    own = fields.get("token_logprobs")
    if not isinstance(own, list):
        raise ModelUnavailableError(
            f"the server tells no log-probabilities of its tokens; {_REMEDY}"
        )
    rest = {name: fields.get(name) or [] for name in ("tokens", "text_offset")}
    top = fields.get("top_logprobs") or []
    for name, listed in (*rest.items(), ("top_logprobs", top)):
        if listed and (not isinstance(listed, list) or len(listed) != len(own)):
            raise RequestRejectedError(
                f"the server's {name} and token_logprobs are not lists of one length"
            )
    return _Echo(own=own, top=top, tokens=rest["tokens"], offsets=rest["text_offset"])


def _likelihood(echo: _Echo, start: int, stop: int) -> Likelihood:
    own = echo.own[start:stop]
    if not _are_numbers(own):
        raise RequestRejectedError(
            "the server told no log-probability of some tokens of the continuation"
        )
    best = [_best(places) for places in echo.top[start:stop]]
    if len(best) != len(own):
        raise RequestRejectedError(
            "the server does not tell the likeliest tokens (top_logprobs), so whether "
            "the continuation is the likeliest is not known"
        )
    is_greedy = all(mine == most for mine, most in zip(own, best, strict=True))
    return Likelihood(logprob=float(sum(own)), is_greedy=is_greedy, n_tokens=len(own))


def _are_numbers(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(value, int | float) for value in values)


def _best(places: Any) -> float:
    if not isinstance(places, dict) or not _are_numbers([*places.values()]):
        raise RequestRejectedError(
            "the server told no likeliest token (top_logprobs) in some places of the "
            "continuation"
        )
    most: float = max(places.values())
    return most


def _compare(tokens: list[Any], spelling: str) -> None:
    """Make sure that the server reads token ids as we do.

    White space is passed over, and so is what is not ASCII: servers show the bytes of
    other characters in ways of their own.
    """
    shown = "".join(map(str, tokens))
    is_by_number = any(str(token).startswith("token_id:") for token in tokens)
    read, meant = _bare(shown), _bare(spelling)
    if is_by_number or not (tokens and read.isascii() and meant.isascii()):
        return
    if read != meant:
        raise ModelUnavailableError(
            f"the tokens that spell {_shown(spelling)} here read {_shown(shown)} to the "
            "server: it has another tokenizer; name its own with tokenizer=..."
        )


def _bare(text: str) -> str:
    return "".join(text.translate(_RAW_SPACES).split())


def _shown(text: str) -> str:
    return repr(text[:_SHOWN_CHARACTERS])
