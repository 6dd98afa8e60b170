"""How the next token is drawn: settings, and what they come to for one request."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from pytest_evalkit.errors import OptionError, RequestRejectedError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.values import Generate

# What a request may ask for besides, by the names that servers of models use.
_TAKEN_NUMBERS = ("repetition_penalty", "min_p")
TAKEN_EXTRAS = (
    *_TAKEN_NUMBERS,
    "chat_template_kwargs",
    "ignore_eos",
    "logprobs",
    "top_logprobs",
)
# Beam search keeps several texts in play, of which each row here has one.
_ONE_BEAM = ("num_beams", 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRule:
    """How texts are written where the request does not say.

    Attributes:
        max_new_tokens: The most tokens to generate.
        temperature: Zero for the most likely text.
        top_p: Share of the probability mass to draw from; None for all of it.
        top_k: How many of the likeliest tokens to draw from; None for all.
        seed: Seed of the draws. They depend on it and on the prompt alone; the n-th
            repeat of a question gets the seed plus n, lest all repeats be the same.
        repetition_penalty: Above 1 against tokens that were there before, in the
            prompt or in the answer; None for what the checkpoint asks for.
    """

    argument_aliases: ClassVar[dict[str, str]] = {
        "max_tokens": "max_new_tokens",
        "max_gen_toks": "max_new_tokens",
    }

    max_new_tokens: int = 4096
    temperature: float = 0.0
    top_p: float | None = None
    top_k: int | None = None
    seed: int = 1234
    repetition_penalty: float | None = None

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: A value is outside of its own.
        """
        if self.max_new_tokens < 1:
            raise OptionError(
                f"max_new_tokens must be at least 1, got {self.max_new_tokens}"
            )
        wrong = _wrong(self.temperature, self.top_p, self.top_k)
        wrong = wrong or _wrong_penalty(self.repetition_penalty)
        if wrong:
            raise OptionError(wrong)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """How the tokens of one row are drawn.

    Attributes:
        temperature: Zero for the likeliest token each time.
        top_p: Share of the probability mass to draw from; 1 for all.
        top_k: How many of the likeliest tokens to draw from; 0 for all.
        min_p: The least probability to draw, as a share of the largest; 0 for none.
        repetition_penalty: Against tokens that were there before; 1 for none.
        seed: Seed of the draws.
        n_top: How many of the likeliest tokens are told in each place; None where not
            even the likelihood of the token itself is.
    """

    temperature: float
    top_p: float
    top_k: int
    min_p: float
    repetition_penalty: float
    seed: int
    n_top: int | None = None

    @property
    def is_greedy(self) -> bool:
        """Whether the likeliest token is taken each time."""
        return self.temperature == 0 or self.top_k == 1

    def stream(self, prompt: Sequence[int]) -> Random:
        """Give the numbers that decide: of the seed and the prompt, nothing else.

        So a row draws the same whatever rows stand beside it, and two questions with
        the same seed do not draw alike.
        """
        digest = hashlib.sha256(f"{self.seed}".encode())
        digest.update(b"".join(token.to_bytes(4, "little") for token in prompt))
        return Random(digest.digest())  # noqa: S311 - draws, not cryptography


def draw_of(request: Generate, rule: WriteRule, checkpoint_penalty: float) -> Draw:
    """Settle how the tokens of a request are drawn.

    Args:
        request: What is asked.
        rule: What counts where it does not say.
        checkpoint_penalty: What counts where neither says.

    Raises:
        RequestRejectedError: A value makes no sense, or nobody here knows its name.
    """
    asked = request.parameters
    extra = _extra(asked.extra)
    temperature = _chosen(asked.temperature, rule.temperature)
    top_p, top_k = _chosen(asked.top_p, rule.top_p), _chosen(asked.top_k, rule.top_k)
    penalty = extra.get("repetition_penalty", rule.repetition_penalty)
    wrong = _wrong(temperature, top_p, top_k) or _wrong_penalty(penalty)
    if wrong:
        raise RequestRejectedError(wrong)
    repeat = 0 if request.origin is None else request.origin.repeat
    return Draw(
        temperature=temperature,
        top_p=1.0 if top_p is None else top_p,
        # Zero and minus one are how servers write "all".
        top_k=max(0, top_k or 0),
        min_p=extra.get("min_p", 0.0),
        repetition_penalty=checkpoint_penalty if penalty is None else penalty,
        seed=_chosen(asked.seed, rule.seed) + repeat,
        n_top=_n_top(extra),
    )


def _n_top(extra: dict[str, Any]) -> int | None:
    top = extra.get("top_logprobs")
    if top is None:
        return 0 if extra.get("logprobs") else None
    if not isinstance(top, int) or top < 0:
        raise RequestRejectedError(f"top_logprobs must be 0 or more, got {top!r}")
    return top


def _extra(extra: Any) -> dict[str, Any]:
    for name, value in extra.items():
        if (name, value) != _ONE_BEAM and name not in TAKEN_EXTRAS:
            raise RequestRejectedError(
                f"a local model takes no generation parameter {name!r}; "
                f"{suggestion(name, TAKEN_EXTRAS)}"
            )
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if name in _TAKEN_NUMBERS and not is_number:
            raise RequestRejectedError(f"{name} must be a number, got {value!r}")
    return dict(extra)


def _wrong(temperature: float, top_p: float | None, top_k: int | None) -> str | None:
    if temperature < 0:
        return f"temperature must be 0 or more, got {temperature}"
    if top_p is not None and not 0 < top_p <= 1:
        return f"top_p must be above 0 and at most 1, got {top_p}"
    if top_k is not None and top_k < -1:
        return f"top_k must be 1 or more, or 0 for all, got {top_k}"
    return None


def _wrong_penalty(penalty: float | None) -> str | None:
    if penalty is not None and penalty <= 0:
        return f"repetition_penalty must be above 0, got {penalty}"
    return None


def _chosen(asked: Any, usual: Any) -> Any:
    return usual if asked is None else asked
