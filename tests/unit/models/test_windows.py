from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.errors import RequestRejectedError
from pytest_evalkit.models.windows import (
    Window,
    first_window,
    pair_window,
    rolling_windows,
    split_at_word,
)

BEGIN = 1000


@pytest.mark.parametrize(
    ("context", "continuation", "expected"),
    [
        ("Is it so?", " Yes", ("Is it so?", " Yes")),
        ("Is it so? ", "Yes", ("Is it so?", " Yes")),
        ("Is it so?\n\n", " Yes", ("Is it so?", "\n\n Yes")),
        ("答案\u3000", "是", ("答案", "\u3000是")),
        ("", "Yes", ("", "Yes")),
        ("  ", "Yes", ("", "  Yes")),
    ],
)
def test_white_space_at_the_seam_goes_to_the_continuation(
    context: str, continuation: str, expected: tuple[str, str]
) -> None:
    assert split_at_word(context, continuation) == expected


@pytest.mark.parametrize(
    ("context", "whole", "longest", "expected"),
    [
        # All fits.
        ((1, 2), (1, 2, 3), 5, Window(tokens=(1, 2, 3), asked=1)),
        # It fits exactly.
        ((1, 2), (1, 2, 3, 4, 5), 5, Window(tokens=(1, 2, 3, 4, 5), asked=3)),
        # Two tokens too many.
        (
            (1, 2, 3, 4),
            (1, 2, 3, 4, 5, 6),
            4,
            Window(tokens=(3, 4, 5, 6), asked=2, cut=2),
        ),
        # One token of the context is left.
        ((1, 2), (1, 2, 3, 4, 5), 4, Window(tokens=(2, 3, 4, 5), asked=3, cut=1)),
        # The seam merges: 2 and the first half of what follows are 9 together.
        ((1, 2), (1, 9, 4), 5, Window(tokens=(1, 2, 4), asked=1)),
    ],
)
def test_a_continuation_stands_after_as_much_context_as_fits(
    context: tuple[int, ...], whole: tuple[int, ...], longest: int, expected: Window
) -> None:
    assert pair_window(context, whole, longest) == expected


def test_a_continuation_without_a_token_of_its_own_is_refused() -> None:
    with pytest.raises(RequestRejectedError, match="no token of its own"):
        pair_window((1, 2), (1, 9), 5)


@pytest.mark.parametrize("longest", [3, 2])
def test_a_continuation_that_leaves_no_room_for_context_is_refused(
    longest: int,
) -> None:
    with pytest.raises(RequestRejectedError, match=r"3 tokens.*set max_length"):
        pair_window((1,), (1, 2, 3, 4), longest)


def test_a_text_without_context_stands_after_the_token_that_begins_texts() -> None:
    assert first_window((5, 6), BEGIN, 9) == Window(tokens=(BEGIN, 5, 6), asked=2)


def test_a_text_that_begins_with_that_token_has_it_as_context() -> None:
    assert first_window((BEGIN, 6), BEGIN, 9) == Window(tokens=(BEGIN, 6), asked=1)


def test_rolling_windows_worked_by_hand() -> None:
    # Five at a time: four tokens behind one of context; the last has more context.
    windows = list(rolling_windows(tuple(range(10)), BEGIN, 5))

    assert windows == [
        Window(tokens=(BEGIN, 0, 1, 2, 3), asked=4),
        Window(tokens=(3, 4, 5, 6, 7), asked=4),
        Window(tokens=(5, 6, 7, 8, 9), asked=2),
    ]


def test_an_empty_text_has_no_window() -> None:
    assert list(rolling_windows((), BEGIN, 5)) == []


def two_steps(tokens: list[int], longest: int) -> list[tuple[list[int], list[int]]]:
    """What lm-evaluation-harness does: overlapping windows, then made disjoint.

    The model's inputs and what they predict are shifted by one, and both have up to
    ``size`` tokens; then an input keeps what is not predicted by its own window.
    """
    size = longest - 1
    pairs: list[tuple[list[int], list[int]]] = []
    if tokens:
        head = tokens[:size]
        pairs.append(([BEGIN, *head[:-1]], head))
    done = size
    while done < len(tokens):
        end = min(done + size, len(tokens))
        pairs.append((tokens[end - size - 1 : end - 1], tokens[done:end]))
        done = end
    return [(seen[: len(seen) - len(said) + 1], said) for seen, said in pairs]


@given(
    tokens=st.lists(st.integers(0, 99), max_size=60),
    longest=st.integers(2, 20),
)
def test_rolling_windows_are_those_of_lm_evaluation_harness(
    tokens: list[int], longest: int
) -> None:
    windows = list(rolling_windows(tuple(tokens), BEGIN, longest))

    parts = [
        (list(one.tokens[: -one.asked]), list(one.continuation)) for one in windows
    ]
    assert parts == two_steps(tokens, longest)
    assert all(len(window.tokens) <= longest for window in windows)
    assert [token for window in windows for token in window.continuation] == tokens
