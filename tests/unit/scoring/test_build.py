from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.scoring import build_plan
from pytest_evalkit.scoring.aggregations import bypass, median
from pytest_evalkit.scoring.metrics import exact_match
from pytest_evalkit.stats import mean


def process(_doc: Mapping[str, Any], _results: list[Any]) -> dict[str, Any]:
    return {"acc": 1.0}


def build(filters: Any = None, metrics: Any = None, process_results: Any = None) -> Any:
    return build_plan(filters, metrics, process_results)


def test_nothing_given_means_the_first_answer_and_exact_match() -> None:
    plan = build()

    assert [pipeline.name for pipeline in plan.pipelines] == ["none"]
    assert plan.pipelines[0].steps[0](["a", "b"], {}) == "a"
    assert [metric.name for metric in plan.metrics] == ["exact_match"]
    assert plan.metrics[0].function is exact_match
    assert plan.metrics[0].aggregation is mean
    assert plan.metrics[0].higher_is_better is True


def test_pipelines_keep_the_order_of_the_file() -> None:
    take_first = [{"function": "take_first"}]

    plan = build([{"name": n, "filter": take_first} for n in ("strict", "loose")])

    assert [pipeline.name for pipeline in plan.pipelines] == ["strict", "loose"]


def test_with_process_results_names_are_labels() -> None:
    entries = [{"metric": "mme_score", "weight_by_size": True}, {"metric": "acc"}]

    plan = build(None, entries, process)

    assert [metric.function for metric in plan.metrics] == [None, None]
    assert [metric.higher_is_better for metric in plan.metrics] == [None, True]
    assert [metric.aggregation_name for metric in plan.metrics] == ["mean", "mean"]


@pytest.mark.parametrize(
    ("name", "function"), [("mean", mean), ("median", median), ("bypass", bypass)]
)
def test_aggregations_are_found_by_name(name: str, function: Any) -> None:
    plan = build(None, [{"metric": "acc", "aggregation": name}], process)

    assert plan.metrics[0].aggregation is function
    assert plan.metrics[0].aggregation_name == name


def test_a_function_of_the_task_can_aggregate() -> None:
    def total(values: Any) -> Any:
        return sum(values)

    plan = build(None, [{"metric": "acc", "aggregation": total}], process)

    assert plan.metrics[0].aggregation is total
    assert plan.metrics[0].aggregation_name == "total"


def test_a_function_of_the_task_can_be_a_metric() -> None:
    def overlap(*, references: Any, predictions: Any) -> float:
        return float(references == predictions)

    plan = build(None, [{"metric": overlap, "higher_is_better": False}])

    assert plan.metrics[0].name == "overlap"
    assert plan.metrics[0].function is overlap
    assert plan.metrics[0].higher_is_better is False


def test_the_first_metric_of_the_file_stays_the_first() -> None:
    entries = [{"metric": name} for name in ("zeta", "acc", "beta")]

    plan = build(None, entries, process)

    assert [metric.name for metric in plan.metrics] == ["zeta", "acc", "beta"]


def test_the_rest_of_an_entry_are_arguments_of_the_metric() -> None:
    entry = {"metric": "exact_match", "ignore_case": True, "hf_evaluate": True}

    plan = build(None, [entry])

    assert plan.metrics[0].kwargs == {"ignore_case": True}


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ([{"metric": "exact_mach"}], "did you mean 'exact_match'"),
        ([{"metric": "exact_match", "ignore_cases": True}], "'ignore_case'"),
        ([{"metric": "exact_match", "high_is_better": True}], "'higher_is_better'"),
        ([{"metric": "exact_match", "regexes_to_ignore": ","}], "list of patterns"),
        ([{"metric": "exact_match", "regexes_to_ignore": ["("]}], "not a regular"),
        ([{"metric": "exact_match", "higher_is_better": "yes"}], "true or false"),
        ([{"metric": "exact_match", "aggregation": "meen"}], "did you mean 'mean'"),
        ([{"metric": "exact_match", "aggregation": ["mean"]}], "unknown aggregation"),
        ([{"metric": "exact_match"}] * 2, "names 'exact_match' 2 times"),
        ([{"aggregation": "mean"}], "needs a metric, not None"),
        ({"metric": "exact_match"}, "must be a list of mappings"),
        (["exact_match"], "must be a list of mappings"),
    ],
)
def test_a_wrong_metric_list_is_refused(metrics: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        build(None, metrics)


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ([{"name": "a", "filters": []}], "did you mean 'filter'"),
        ([{"filter": [{"function": "take_first"}]}], "needs a name"),
        ([{"name": "a"}], "'a' has no filter"),
        ([{"name": "a", "filter": [{"k": 3}]}], "names no function"),
        ([{"name": "a", "filter": ["take_first"]}], "list of mappings"),
        ([{"name": "a", "filter": [{"function": "lowercase"}]}] * 2, "2 times"),
    ],
)
def test_a_wrong_filter_list_is_refused(filters: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        build(filters)


def test_process_results_without_metrics_is_refused() -> None:
    with pytest.raises(OptionError, match="needs a metric_list"):
        build(None, None, process)


def test_the_default_aggregation_of_a_label_is_that_of_its_name() -> None:
    plan = build(None, [{"metric": "bleu"}], process)

    assert plan.metrics[0].aggregation_name == "bleu"
