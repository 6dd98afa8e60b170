"""What fuzz tests share: how many examples there are, and what damages bytes.

A run of the suite tries the same few examples each time. To try others, and more of
them, set ``EVALKIT_FUZZ_EXAMPLES=20000``.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

_GIVEN = os.environ.get("EVALKIT_FUZZ_EXAMPLES")


def fuzz(examples: int) -> settings:
    """Say how many examples to try, unless the environment does."""
    return settings(
        max_examples=int(_GIVEN) if _GIVEN else examples,
        derandomize=_GIVEN is None,
        # Nothing is timed: the machine may be busy.
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


# Numbers at the edges, texts that tools trip over, and whatever else JSON holds.
odd_numbers = st.sampled_from(
    [0, -1, -5, 1, 2**31, 2**63, 2**64, 10**30, -(10**400), 0.5, -0.0, 1e308, 5e-324]
)
odd_texts = st.sampled_from(
    ["", " ", "\x00", "\x1b[2J", "\ud83d", "a" * 5000, "../..", "none", "\u202e", "{{"]
) | st.text(max_size=8)
plain = st.none() | st.booleans() | odd_numbers | odd_texts
values: st.SearchStrategy[Any] = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(odd_texts, inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Cut, repeat, overwrite and swap pieces of a sound content."""
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 40)))
        put = draw(
            st.binary(max_size=6) | st.sampled_from([content[:end], b"\n", b"}"])
        )
        content = content[:start] + put + content[end:]
    return content


@st.composite
def altered(draw: st.DrawFn, value: Any) -> Any:
    """Change parts of a value of JSON: other values, keys gone, keys too many."""
    if draw(st.integers(0, 9)) == 0:
        return draw(values)
    if isinstance(value, dict):
        changed = {
            key: draw(altered(inner)) if draw(st.integers(0, 3)) == 0 else inner
            for key, inner in value.items()
            if draw(st.integers(0, 30))
        }
        extra = st.dictionaries(odd_texts, values, max_size=1)
        return changed | draw(extra) if draw(st.integers(0, 9)) == 0 else changed
    if isinstance(value, list) and value:
        return [draw(altered(inner)) for inner in value * draw(st.integers(0, 2))]
    return value
