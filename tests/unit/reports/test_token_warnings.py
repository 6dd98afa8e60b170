from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.reports.load import load_warnings


def warnings(
    *, without_template: int = 0, problem: str | None = None, **compared: Any
) -> list[str]:
    counting = {
        "requests": {},
        "compared": {
            kind: {
                "requests": 9,
                "server": server,
                "here": here,
                "difference": (here - server) / server if server else None,
            }
            for kind, (server, here) in compared.items()
        },
        "without_template": without_template,
        "problem": problem,
    }
    found: Any = {"load": {"token_counting": counting}}
    return load_warnings(found)


@pytest.mark.parametrize("here", [9_800, 10_000, 10_200])
def test_counts_within_two_per_cent_agree(here: int) -> None:
    assert warnings(input_tokens=(10_000, here)) == []


def test_counts_that_differ_by_more_are_told_in_one_line() -> None:
    (line,) = warnings(input_tokens=(10_000, 10_510), output_tokens=(1_000, 979))

    assert line == (
        "load    the tokenizer counts 5.1% more input tokens (10,510 against 10,000) "
        "and 2.1% fewer output tokens (979 against 1,000) than the server: is it the "
        "model's own?"
    )


def test_counting_without_a_template_is_told_once() -> None:
    (line,) = warnings(without_template=1_200, problem="prompts: no template")

    assert line == (
        "load    of 1,200 requests tokens were counted without the chat template, by "
        "texts alone: prompts: no template"
    )


def test_nothing_is_told_where_nothing_was_compared() -> None:
    assert warnings(input_tokens=(0, 5)) == []
    older: Any = {"load": {"token_source": "server"}}
    assert load_warnings(older) == []
