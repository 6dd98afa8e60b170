"""When the text of one row ends: token by token, and exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

FinishReason = Literal["stop", "length"]
Decode = Callable[[Sequence[int]], str]

# A stop text begins in a token that may hold more than its first character, and tokens
# that spell nothing may stand between.
_SPARE_TOKENS = 8


class Written(NamedTuple):
    """What a row came to.

    Attributes:
        text: The text, without what ended it.
        tokens: How many tokens it took, with the one that ended it.
        reason: Why it ended.
    """

    text: str
    tokens: int
    reason: FinishReason


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRule:
    """What ends a text.

    Attributes:
        most: The most tokens; at least one.
        tokens: Tokens that end it.
        texts: Texts that end it, none of them empty.
    """

    most: int
    tokens: frozenset[int]
    texts: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Row:
    """One text while it is written.

    Attributes:
        rule: What ends it.
        decode: Spells tokens.
        tokens: What was written, up to the token that ended it.
        reason: Why it ended, or None while it goes on.
    """

    rule: EndRule
    decode: Decode
    tokens: list[int] = field(default_factory=list)
    reason: FinishReason | None = None

    def take(self, token: int) -> None:
        """Add a token; of a row that has ended it is no part."""
        if self.reason is not None:
            return
        self.tokens.append(token)
        if token in self.rule.tokens or self._has_stop_text():
            self.reason = "stop"
        elif len(self.tokens) >= self.rule.most:
            self.reason = "length"

    def written(self) -> Written:
        """Give the text, cut where the earliest stop text begins."""
        tokens = self.tokens
        if tokens and tokens[-1] in self.rule.tokens:
            text = self.decode(tokens[:-1])
        else:
            text = self.decode(tokens)
        places = [text.find(stop) for stop in self.rule.texts]
        found = [place for place in places if place >= 0]
        reason = self.reason or "length"
        if not found:
            return Written(text, len(tokens), reason)
        return Written(text[: min(found)], len(tokens), "stop")

    def _has_stop_text(self) -> bool:
        """Look at the end of the text; only where it is there, at the whole of it."""
        texts = self.rule.texts
        if not texts:
            return False
        longest = max(len(text.encode()) for text in texts)
        end = self.decode(self.tokens[-(longest + _SPARE_TOKENS) :])
        if not any(text in end for text in texts):
            return False
        whole = self.decode(self.tokens)
        return any(text in whole for text in texts)
