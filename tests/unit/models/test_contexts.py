from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pytest_evalkit.errors import TransientModelError
from pytest_evalkit.models.contexts import Contexts
from pytest_evalkit.models.windows import Tokens


class Lengths:
    """Splits a text into its length; fails as often as it is told to."""

    is_servers = False

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.split: list[tuple[str, bool]] = []

    async def encode(self, text: str, *, with_special: bool = False) -> Tokens:
        self.split.append((text, with_special))
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise TransientModelError("busy")
        return (len(text),)

    async def prefix(self) -> int | None:
        return None

    async def decode(self, tokens: Sequence[int]) -> str:
        return "x" * tokens[0]


async def tokens_of(contexts: Contexts, tokenizer: Lengths, *texts: str) -> list[int]:
    asked = (contexts.tokens(tokenizer, text) for text in texts)
    return [one[0] for one in await asyncio.gather(*asked)]


@pytest.mark.parametrize("with_special", [False, True])
def test_a_context_is_split_once_for_all_who_ask(with_special: bool) -> None:
    lengths = Lengths()
    contexts = Contexts(with_special=with_special)

    async def scene() -> list[int]:
        together = await tokens_of(contexts, lengths, "ab", "ab", "abc")
        return together + await tokens_of(contexts, lengths, "ab")

    assert asyncio.run(scene()) == [2, 2, 3, 2]
    assert lengths.split == [("ab", with_special), ("abc", with_special)]


def test_what_was_asked_longest_ago_is_forgotten() -> None:
    lengths = Lengths()
    contexts = Contexts(with_special=False, kept=2)

    async def scene() -> None:
        for text in ("a", "bb", "a", "ccc", "a", "bb"):
            await contexts.tokens(lengths, text)

    asyncio.run(scene())

    assert [text for text, _ in lengths.split] == ["a", "bb", "ccc", "bb"]


def test_a_failure_is_told_to_all_who_wait_and_not_remembered() -> None:
    lengths = Lengths(failures=1)
    contexts = Contexts(with_special=False)

    async def scene() -> Tokens:
        asked = (contexts.tokens(lengths, "ab") for _ in range(2))
        failures = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in failures] == [TransientModelError] * 2
        assert failures[0] is not failures[1]
        return await contexts.tokens(lengths, "ab")

    assert asyncio.run(scene()) == (2,)
    assert len(lengths.split) == 2


def test_one_who_gives_up_leaves_the_others_theirs() -> None:
    lengths = Lengths()
    contexts = Contexts(with_special=False)

    async def scene() -> Tokens:
        gone = asyncio.create_task(contexts.tokens(lengths, "ab"))
        stays = asyncio.create_task(contexts.tokens(lengths, "ab"))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    assert asyncio.run(scene()) == (2,)
    assert len(lengths.split) == 1
