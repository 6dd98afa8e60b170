"""What a run may spend: tokens, and money by a table of prices."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_evalkit.values import Usage

_TOKENS_PRICED = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model's tokens cost, in US dollars for a million.

    Attributes:
        input: Of the prompt.
        output: Generated ones, reasoning included.
        cached_input: Of the prompt where it was read from a cache, or None where that
            makes no difference.
    """

    input: float
    output: float
    cached_input: float | None = None

    def cost(self, usage: Usage) -> float:
        """Tell what an answer cost, in US dollars; what was not told counts nothing."""
        read = usage.input_tokens or 0
        cached = min(read, usage.cached_tokens or 0)
        cached_price = self.input if self.cached_input is None else self.cached_input
        dollars = (
            (read - cached) * self.input
            + cached * cached_price
            + (usage.output_tokens or 0) * self.output
        )
        return dollars / _TOKENS_PRICED


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The most that may be spent; None for as much as it takes.

    Attributes:
        max_total_tokens: Tokens, read and generated together.
        max_cost_usd: US dollars.
    """

    max_total_tokens: int | None = None
    max_cost_usd: float | None = None

    @property
    def is_limited(self) -> bool:
        """Whether there is anything to keep to."""
        return self.max_total_tokens is not None or self.max_cost_usd is not None

    def share(self, number: int, of: int) -> Allowance:
        """Give one of several processes its part; the parts add up to the whole.

        Args:
            number: Which process, from zero.
            of: How many there are.
        """
        tokens, cost = self.max_total_tokens, self.max_cost_usd
        return Allowance(
            max_total_tokens=(
                None if tokens is None else tokens // of + (number < tokens % of)
            ),
            max_cost_usd=None if cost is None else cost / of,
        )


class Budget:
    """Counts what is spent, and tells when it is enough.

    Args:
        allowance: What may be spent.

    Attributes:
        total_tokens: Tokens spent.
        cost_usd: US dollars spent.
    """

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self.total_tokens = 0
        self.cost_usd = 0.0

    def spend(self, usage: Usage, price: Price | None) -> None:
        """Count an answer.

        Args:
            usage: Its tokens.
            price: What they cost, or None where money does not matter.
        """
        self.total_tokens += (usage.input_tokens or 0) + (usage.output_tokens or 0)
        if price is not None:
            self.cost_usd += price.cost(usage)

    @property
    def is_limited(self) -> bool:
        """Whether there is anything to keep to."""
        return self._allowance.is_limited

    @property
    def spent(self) -> str | None:
        """What has been spent, in one line; None while there is something left."""
        tokens, cost = self._allowance.max_total_tokens, self._allowance.max_cost_usd
        if tokens is not None and self.total_tokens >= tokens:
            return f"{self.total_tokens:,} of {tokens:,} tokens (--max-total-tokens)"
        if cost is not None and self.cost_usd >= cost:
            return f"{self.cost_usd:.4f} of {cost:.4f} USD (--max-cost)"
        return None


def tells_counts(usage: Usage | None) -> bool:
    """Whether an endpoint says enough for a budget to be kept."""
    return (
        usage is not None
        and usage.input_tokens is not None
        and usage.output_tokens is not None
    )
