"""The texts of a page: what many have in common once, and all within a bound."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

# All texts of a page together, in characters: a browser reads so many in a second.
MOST_CHARACTERS = 32_000_000
# One text alone: nobody reads further, and a line of a million letters is slow to show.
LONGEST_TEXT = 20_000
# Below this, naming what is shared costs as much as saying it again.
_LEAST_SHARED = 200
# Of a text that is cut, the end has this part: that is where answers stand.
_TAIL = 0.4


class PageTexts:
    """Takes in the texts of a page and writes them when all are known.

    What ``add`` returns is a dictionary that ``settle`` fills: ``t`` is the text, or
    its beginning; ``s`` is the position of what comes before it among the shared
    texts; where something is left out, ``e`` is the end, and ``n`` the number of
    characters of the whole.
    """

    def __init__(
        self, most: int = MOST_CHARACTERS, longest: int = LONGEST_TEXT
    ) -> None:
        self._most = most
        self._longest = longest
        self._all: list[dict[str, Any]] = []
        self._families: dict[Hashable, list[dict[str, Any]]] = {}
        self.shared: list[str] = []
        self.cut_at: int | None = None

    def add(self, text: str, family: Hashable = None) -> dict[str, Any]:
        """Take in a text.

        Args:
            text: The text.
            family: What tells texts that may begin alike, such as the prompts of a
                task; None for a text that stands alone.
        """
        written: dict[str, Any] = {"t": text}
        self._all.append(written)
        if family is not None:
            self._families.setdefault(family, []).append(written)
        return written

    def settle(self) -> None:
        """Write all texts, as short as they have to be."""
        for family in self._families.values():
            self._share(family)
        limit = limit_of([len(text["t"]) for text in self._all], self._most)
        limit = min(limit, self._longest)
        for text in self._all:
            if len(text["t"]) > limit:
                self._cut(text, limit)

    def _share(self, family: list[dict[str, Any]]) -> None:
        """Say what all of a family begin with once."""
        if len(family) == 1:
            return
        prefix = _common_beginning([text["t"] for text in family])
        lines = prefix[: prefix.rfind("\n") + 1]
        # A line that is begun alike is easier to read whole.
        if len(lines) >= _LEAST_SHARED and any(text["t"] != prefix for text in family):
            prefix = lines
        if len(prefix) < _LEAST_SHARED or len(prefix) > self._longest:
            return
        for text in family:
            text["s"] = len(self.shared)
            text["t"] = text["t"][len(prefix) :]
        self.shared.append(prefix)

    def _cut(self, text: dict[str, Any], limit: int) -> None:
        whole = text["t"]
        self.cut_at = limit
        tail = int(limit * _TAIL)
        text["t"] = whole[: limit - tail]
        text["e"] = whole[len(whole) - tail :]
        text["n"] = len(whole)


def _common_beginning(texts: Sequence[str]) -> str:
    """Find what all texts begin with: what the first and last in order do."""
    first, last = min(texts), max(texts)
    for place, (one, other) in enumerate(zip(first, last, strict=False)):
        if one != other:
            return first[:place]
    return first


def limit_of(lengths: Sequence[int], most: int) -> int:
    """Find how long a text may be so that all together are short enough.

    Args:
        lengths: Of all texts.
        most: What they may come to, those that are too long being cut.

    Returns:
        The limit; the length of the longest where nothing has to be cut.

    >>> limit_of([10, 100, 1000], 150)
    70
    """
    if sum(lengths) <= most:
        return max(lengths, default=0)
    left, rest = most, sorted(lengths, reverse=True)
    while rest[-1] * len(rest) <= left:
        left -= rest.pop()
    return left // len(rest)
