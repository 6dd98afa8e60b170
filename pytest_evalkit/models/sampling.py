"""How an endpoint is asked to generate, where the request does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_evalkit.errors import OptionError
from pytest_evalkit.values import Generate

# The protocol's own bound; the rest of the stop texts is cut when the answer is read.
_STOPS_SENT = 4
_LARGEST_PENALTY = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Generation settings: what a request gets that does not say otherwise.

    Attributes:
        max_tokens: The most tokens to generate.
        temperature: Zero for the most likely text; None for the endpoint's choice.
        top_p: Share of the probability mass to draw from; None for the endpoint's
            choice.
        top_k: How many of the likeliest tokens to draw from, as many open servers take
            it; None sends none.
        seed: Seed of the endpoint's draws; the n-th repeat of a question gets the seed
            plus n, lest all repeats be the same. None sends none.
        frequency_penalty: From -2 to 2: against tokens by how often they were said;
            None sends none.
        presence_penalty: From -2 to 2: against tokens that were said at all; None sends
            none.
        n: Answers for each request; only 1. ``--repeats`` asks several times.
    """

    argument_aliases: ClassVar[Mapping[str, str]] = {
        "max_new_tokens": "max_tokens",
        "max_gen_toks": "max_tokens",
        "max_completion_tokens": "max_tokens",
    }

    max_tokens: int = 1024
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = 1234
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    n: int = 1

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: A value is outside of its own.
        """
        if self.max_tokens < 1:
            raise OptionError(f"max_tokens must be at least 1, got {self.max_tokens}")
        if self.temperature is not None and self.temperature < 0:
            raise OptionError(f"temperature must be 0 or more, got {self.temperature}")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise OptionError(f"top_p must be above 0 and at most 1, got {self.top_p}")
        if self.n != 1:
            raise OptionError(
                f"n must be 1, got {self.n}; --repeats asks several times"
            )
        for name in ("frequency_penalty", "presence_penalty"):
            penalty = getattr(self, name)
            if penalty is not None and abs(penalty) > _LARGEST_PENALTY:
                raise OptionError(f"{name} must be from -2 to 2, got {penalty}")

    def fields(self, request: Generate) -> dict[str, Any]:
        """Write how to generate as fields of a payload; only what is to be said."""
        asked = request.parameters
        seed = self.seed if asked.seed is None else asked.seed
        if seed is not None and request.origin is not None:
            seed += request.origin.repeat
        tokens, top_p, top_k = asked.max_tokens, asked.top_p, asked.top_k
        warmth = asked.temperature
        fields = {
            "max_tokens": self.max_tokens if tokens is None else tokens,
            "temperature": self.temperature if warmth is None else warmth,
            "top_p": self.top_p if top_p is None else top_p,
            "top_k": self.top_k if top_k is None else top_k,
            "frequency_penalty": self.frequency_penalty,
            "presence_penalty": self.presence_penalty,
            "stop": list(asked.stop[:_STOPS_SENT]) or None,
            "seed": seed,
        }
        return {name: value for name, value in fields.items() if value is not None}
