from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.errors import (
    ModelError,
    ModelUnavailableError,
    RequestRejectedError,
)
from pytest_evalkit.models.echo import Likelihood, read_text, read_window
from pytest_evalkit.models.windows import Window

# "Is it so? Yes" and a token more: " it" is the likeliest in its place, " so" is not.
TOKENS = ["Is", " it", " so", "?", " Yes", "."]
LOGPROBS = [None, -0.5, -2.0, -0.25, -1.0, -0.125]
TOP = [
    None,
    {" it": -0.5},
    {" a": -1.5, " so": -2.0},
    {"?": -0.25},
    {" Yes": -1.0},
    {".": -0.125},
]
OFFSETS = [0, 2, 5, 8, 9, 13]
PROMPT = "Is it so? Yes"


def echo(**changes: Any) -> dict[str, Any]:
    logprobs = {
        "tokens": TOKENS,
        "token_logprobs": LOGPROBS,
        "top_logprobs": TOP,
        "text_offset": OFFSETS,
    }
    return {"text": PROMPT + ".", "logprobs": logprobs | changes}


def window(asked: int) -> Window:
    return Window(tokens=(10, 11, 12, 13, 14), asked=asked)


@pytest.mark.parametrize(
    ("asked", "logprob", "is_greedy"),
    [(1, -1.0, True), (2, -1.25, True), (3, -3.25, False), (4, -3.75, False)],
)
def test_the_last_tokens_but_the_generated_one_are_summed(
    asked: int, logprob: float, *, is_greedy: bool
) -> None:
    found = read_window(echo(), window(asked), None)

    assert found == Likelihood(logprob=logprob, is_greedy=is_greedy, n_tokens=asked)


def test_a_server_that_generates_nothing_more_is_read_alike() -> None:
    short = {name: values[:-1] for name, values in echo()["logprobs"].items() if values}

    found = read_window(echo(**short), window(2), None)

    assert found == Likelihood(logprob=-1.25, is_greedy=True, n_tokens=2)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        # Only what was generated: no echo, which must not read as zero.
        (
            {
                "tokens": ["."],
                "token_logprobs": [-0.125],
                "top_logprobs": [{".": -0.125}],
                "text_offset": [13],
            },
            ModelUnavailableError,
            "of 1 tokens where 5 were sent.*does not echo",
        ),
        ({"token_logprobs": None}, ModelUnavailableError, "tells no log-prob"),
        # A token that was not sent.
        (
            {
                "tokens": ["<s>", *TOKENS],
                "token_logprobs": [None, *LOGPROBS],
                "top_logprobs": [None, *TOP],
                "text_offset": [0, *OFFSETS],
            },
            RequestRejectedError,
            "of 7 tokens where 5 were sent",
        ),
        # The first token left out, and the generated one there: lengths agree.
        (
            {
                "tokens": TOKENS[1:],
                "token_logprobs": LOGPROBS[1:],
                "top_logprobs": TOP[1:],
                "text_offset": OFFSETS[1:],
            },
            RequestRejectedError,
            "which are which is not known",
        ),
        ({"top_logprobs": None}, RequestRejectedError, "top_logprobs"),
        ({"top_logprobs": TOP[1:]}, RequestRejectedError, "not lists of one length"),
        (
            {"top_logprobs": [*TOP[:4], None, None]},
            RequestRejectedError,
            "no likeliest token",
        ),
        (
            {"token_logprobs": [*LOGPROBS[:4], None, -1.0]},
            RequestRejectedError,
            "no log-probability of some",
        ),
    ],
)
def test_an_echo_that_is_not_the_windows_is_an_error_never_a_number(
    changes: dict[str, Any], error: type[ModelError], words: str
) -> None:
    with pytest.raises(error, match=words):
        read_window(echo(**changes), window(2), None)


@pytest.mark.parametrize("choice", [{}, {"logprobs": None}, {"logprobs": []}])
def test_a_choice_without_logprobs_is_an_error(choice: dict[str, Any]) -> None:
    with pytest.raises(ModelUnavailableError, match="server that echoes"):
        read_window(choice, window(1), None)


def test_a_server_with_another_tokenizer_is_found_out() -> None:
    with pytest.raises(ModelUnavailableError, match=r"'! No'.*another tokenizer"):
        read_window(echo(), window(2), "! No")


@pytest.mark.parametrize(
    ("shown", "spelling"),
    [
        (["?", " Yes"], "? Yes"),
        (["?", "ĠYes"], "? Yes"),
        (["?", "▁Yes"], "?Yes"),
        (["token_id:13", "token_id:14"], "? Yes"),
        # Parts of a character are shown in ways of the server's own.
        (["\ufffd", "\ufffd"], "é"),
        (["bytes:\\xc3", "bytes:\\xa9"], "é"),
    ],
)
def test_ways_to_show_the_same_tokens_are_not_taken_for_others(
    shown: list[str], spelling: str
) -> None:
    tokens = [*TOKENS[:3], *shown, "."]

    found = read_window(echo(tokens=tokens), window(2), spelling)

    assert found.logprob == -1.25


@pytest.mark.parametrize(
    ("continuation", "logprob", "n_tokens"),
    [
        (" Yes", -1.0, 1),
        ("? Yes", -1.25, 2),
        # Tokens that begin before the seam are the continuation's.
        ("es", -1.0, 1),
        ("o? Yes", -3.25, 3),
        (" it so? Yes", -3.75, 4),
    ],
)
def test_a_continuation_is_found_by_its_offset(
    continuation: str, logprob: float, n_tokens: int
) -> None:
    found = read_text(echo(), PROMPT, continuation)

    assert (found.logprob, found.n_tokens) == (logprob, n_tokens)


def test_a_token_that_the_server_puts_first_moves_nothing() -> None:
    found = read_text(
        echo(
            tokens=["<s>", *TOKENS],
            token_logprobs=[None, -9.0, *LOGPROBS[1:]],
            top_logprobs=[None, {"Is": -9.0}, *TOP[1:]],
            text_offset=[0, *(offset + 3 for offset in OFFSETS)],
        ),
        PROMPT,
        PROMPT,
    )

    assert found == Likelihood(logprob=-12.75, is_greedy=False, n_tokens=5)


def test_tokens_without_a_text_are_not_the_continuations() -> None:
    found = read_text(
        echo(
            tokens=["", *TOKENS[3:]],
            token_logprobs=[None, *LOGPROBS[3:]],
            top_logprobs=[None, *TOP[3:]],
            text_offset=[0, 0, 1, 5],
        ),
        "? Yes",
        "? Yes",
    )

    assert found == Likelihood(logprob=-1.25, is_greedy=True, n_tokens=2)


@pytest.mark.parametrize(
    ("changes", "continuation", "error", "words"),
    [
        (
            {"text_offset": None},
            " Yes",
            ModelUnavailableError,
            "text_offset.*tokenizer=",
        ),
        ({"text_offset": [-1] * 6}, " Yes", ModelUnavailableError, "text_offset"),
        ({"tokens": None}, " Yes", ModelUnavailableError, "text_offset"),
        (
            {
                "tokens": ["."],
                "token_logprobs": [-0.125],
                "top_logprobs": [{".": 0}],
                "text_offset": [0],
            },
            " Yes",
            ModelUnavailableError,
            "does not echo",
        ),
        # No token was generated, so the last one is the prompt's own.
        (
            {
                "tokens": TOKENS[:5],
                "token_logprobs": LOGPROBS[:5],
                "top_logprobs": TOP[:5],
                "text_offset": OFFSETS[:5],
            },
            " Yes",
            ModelUnavailableError,
            "and of one more",
        ),
        # Offsets in bytes, of a text with others before it.
        (
            {"tokens": ["Is", " it", " so", "\ufffd", "\ufffd", "."]},
            "? Yes",
            RequestRejectedError,
            "name the server's tokenizer",
        ),
        ({}, PROMPT, RequestRejectedError, "nothing stands before the first token"),
    ],
)
def test_a_text_whose_end_is_not_found_is_an_error_never_a_number(
    changes: dict[str, Any], continuation: str, error: type[ModelError], words: str
) -> None:
    with pytest.raises(error, match=words):
        read_text(echo(**changes), PROMPT, continuation)
