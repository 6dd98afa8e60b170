from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_evalkit.engine.budget import Allowance, Budget, Price, tells_counts
from pytest_evalkit.engine.prices import read_prices
from pytest_evalkit.errors import OptionError
from pytest_evalkit.values import Usage

PRICE = Price(input=2.0, output=10.0, cached_input=0.5)


def usage(read: int | None, written: int | None, cached: int | None = None) -> Usage:
    return Usage(input_tokens=read, output_tokens=written, cached_tokens=cached)


def test_a_cost_is_tokens_times_price_and_cached_ones_are_cheaper() -> None:
    # 600,000 x 2 + 400,000 x 0.5 + 100,000 x 10 = 2,400,000 for a million each.
    assert PRICE.cost(usage(1_000_000, 100_000, 400_000)) == pytest.approx(2.4)


def test_cached_tokens_cost_as_others_where_the_table_does_not_say() -> None:
    assert Price(input=2.0, output=0.0).cost(usage(500_000, 0, 400_000)) == 1.0


def test_a_budget_of_tokens_is_spent_when_it_is_reached() -> None:
    budget = Budget(Allowance(max_total_tokens=100))

    budget.spend(usage(60, 39), None)
    before = budget.spent
    budget.spend(usage(1, 0), None)

    assert before is None
    assert budget.spent == "100 of 100 tokens (--max-total-tokens)"


def test_a_budget_of_money_is_spent_when_it_is_reached() -> None:
    budget = Budget(Allowance(max_cost_usd=0.001))

    budget.spend(usage(0, 99), PRICE)
    before = budget.spent
    budget.spend(usage(0, 1), PRICE)

    assert before is None
    assert budget.spent == "0.0010 of 0.0010 USD (--max-cost)"


def test_without_an_allowance_nothing_is_ever_spent() -> None:
    budget = Budget(Allowance())

    budget.spend(usage(10**9, 10**9), PRICE)

    assert budget.spent is None
    assert not budget.is_limited


def test_the_parts_of_an_allowance_add_up() -> None:
    whole = Allowance(max_total_tokens=11, max_cost_usd=1.0)

    parts = [whole.share(number, 4) for number in range(4)]

    assert [part.max_total_tokens for part in parts] == [3, 3, 3, 2]
    assert [part.max_cost_usd for part in parts] == [0.25] * 4
    assert Allowance().share(0, 4) == Allowance()


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, False),
        (usage(1, None), False),
        (usage(None, 1), False),
        (usage(0, 1), True),
    ],
)
def test_both_counts_are_needed(told: Usage | None, expected: bool) -> None:
    assert tells_counts(told) is expected


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_prices_are_read_by_model(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"prices{suffix}"
    table = {"m": {"input": 2, "output": 10, "cached_input": 0.5}}
    path.write_text(json.dumps({**table, "n": {"input": 0, "output": 0}}))

    assert read_prices(path) == {"m": PRICE, "n": Price(input=0.0, output=0.0)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "must map models to prices"),
        ("", "must map models to prices"),
        ("m: [", "is not YAML"),
        ("m: 3", "'m': needs input and output, got 3"),
        ("m: {input: 1}", "'m': 'output' is missing"),
        ("m: {input: 1, ouput: 2}", "unknown key 'ouput'; did you mean 'output'"),
        ("m: {input: x, output: 2}", "input must be US dollars .*, got 'x'"),
        ("m: {input: 1, output: -2}", "output must be US dollars .*, got -2"),
        ("m: {input: true, output: 2}", "input must be US dollars .*, got True"),
    ],
)
def test_a_table_that_is_none_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text)

    with pytest.raises(OptionError, match=message):
        read_prices(path)


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot read the price table"):
        read_prices(tmp_path / "none.yaml")
