from __future__ import annotations

import pytest

from pytest_evalkit.compat.filters import Filter
from pytest_evalkit.compat.registering import (
    register_aggregation,
    register_filter,
    register_metric,
)
from pytest_evalkit.errors import OptionError
from pytest_evalkit.scoring.filters import filter_of


def test_a_registered_filter_is_named_like_those_that_are_built_in() -> None:
    @register_filter("first_letter_of_compat_test")
    class FirstLetter(Filter):
        def apply(self, resps: list[list[str]], docs: object) -> list[list[str]]:
            del docs
            return [[text[:1] for text in texts] for texts in resps]

    made = filter_of("first_letter_of_compat_test", {})

    assert made(["Berlin", "Bonn"], {}) == ["B", "B"]


def test_metrics_and_aggregations_are_named_by_function() -> None:
    with pytest.raises(OptionError, match="metric 'mine' cannot be registered"):
        register_metric(metric="mine", higher_is_better=True)
    with pytest.raises(OptionError, match="aggregation 'mine' cannot be registered"):
        register_aggregation("mine")
