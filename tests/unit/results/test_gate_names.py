from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.results.aggregate import aggregate_task
from pytest_evalkit.results.gate_names import (
    FigureNames,
    RunNames,
    misnaming,
    names_of_group,
    names_of_task,
)
from pytest_evalkit.results.gates import parse_gate
from pytest_evalkit.results.load_gate_figures import load_figures_of
from pytest_evalkit.scoring import build_plan
from pytest_evalkit.stats.load_figures import load_figures
from pytest_evalkit.tasks import Group, GroupMetric
from tests.unit.results.loaded_runs import answered
from tests.unit.results.scored_samples import scored

_STRICT_AND_LOOSE = [
    {"name": name, "filter": [{"function": "take_first"}]}
    for name in ("strict", "loose")
]


def scorer(_doc: Mapping[str, Any], _results: list[Any]) -> Mapping[str, Any]:
    return {}


def names(
    *metrics: str | Callable[..., Any],
    filters: Sequence[Mapping[str, Any]] | None = None,
    is_run: bool = True,
    **plan: Any,
) -> FigureNames:
    entries: list[dict[str, Any]] = [{"metric": metric} for metric in metrics]
    built = build_plan(filters, entries, plan.pop("process_results", None), **plan)
    return names_of_task(built, is_run=is_run)


def told(gate: str, *, is_for_any: bool = False, **figures: FigureNames) -> str | None:
    run = RunNames(figures=figures)
    return misnaming(parse_gate(gate), run, is_for_any=is_for_any)


@pytest.mark.parametrize(
    ("gate", "problem"),
    [
        (
            "exat_match>=1",
            "no task has a metric 'exat_match'; did you mean 'exact_match'?",
        ),
        (
            "a:exat_match>=1",
            "task 'a' has no metric 'exat_match'; did you mean 'exact_match'?",
        ),
        ("q:anls>=1", "no task 'q' is run; valid: a, b"),
        (
            "a:exact_match,strickt>=1",
            "metric 'exact_match' of task 'a' has no filter 'strickt'; did you mean",
        ),
        (
            "zebra>=1",
            "no task has a metric 'zebra'; valid: anls, coverage, exact_match",
        ),
        ("drop(exat_match)<=1", "no task has a metric 'exat_match'; did you mean"),
        ("parse_rate>=1", "no task has a 'parse_rate': no filter of it tells"),
        (
            "a:coverage,strict>=1",
            "metric 'coverage' of task 'a' has no filter 'strict'",
        ),
        (
            "tfft_ms.p95<=1",
            "no task has a metric 'tfft_ms.p95'; did you mean 'ttft_ms.",
        ),
        ("ttft_ms.p96<=1", "the run has no 'ttft_ms.p96'; did you mean 'ttft_ms.p99'?"),
        ("ttft_ms<=1", "the run has no 'ttft_ms'; did you mean 'ttft_ms.n"),
        (
            "eror_rate<=1",
            "no task has a metric 'eror_rate'; did you mean 'error_rate'?",
        ),
        ("error_rate,strict<=1", "'error_rate' is of requests, which have no filter"),
        (
            "dropped_turns<=1",
            "'dropped_turns' is of conversations, and no task has any",
        ),
    ],
)
def test_what_no_task_can_tell_is_told_with_the_nearest(
    gate: str, problem: str
) -> None:
    a = names("exact_match", filters=_STRICT_AND_LOOSE)

    said = told(gate, a=a, b=names("anls"))

    assert said is not None
    assert said.startswith(problem)


@pytest.mark.parametrize(
    "gate",
    [
        "exact_match>=1",
        "a:exact_match,loose>=1",
        "drop(anls)<=1",
        "*>=1",
        "drop(*)<=1",
        "a:*>=1",
        "coverage>=1",
        "b:coverage>=1",
        "error_rate<=1",
        "n_requests.successful>=1",
        "ttft_ms.p95<=1",
        "warmup.failed<=1",
        "request_goodput>=1",
        "latency.ttft.p50_s<=1",
        "usage.budget.left>=1",
        "throughput.documents_per_s>=1",
    ],
)
def test_what_can_be_told_is_left_alone(gate: str) -> None:
    a = names("exact_match", filters=_STRICT_AND_LOOSE)

    assert told(gate, a=a, b=names("anls")) is None


def test_every_figure_of_a_load_may_be_named() -> None:
    requests = [answered(float(n), conversation="c", turn=n) for n in range(1, 4)]
    figures = load_figures_of(load_figures(requests, {"ttft_ms": 1.0}))
    talk = names("answered_turns", output_type="conversation")

    said = {name: told(f"{name}<=1", talk=talk) for name in figures}

    assert "ttft_ms_by_turn.3.p95" in said
    assert not any(said.values())


def test_what_a_scorer_of_the_lm_dialect_gives_is_not_known() -> None:
    task = names("acc", process_results=scorer)

    assert told("whatever>=1", task=task) is None
    assert told("parse_rate>=1", task=task) is None
    assert told("acc,nonne>=1", task=task) == (
        "metric 'acc' of task 'task' has no filter 'nonne'; did you mean 'none'?"
    )


def test_results_of_the_lmms_dialect_have_what_is_listed() -> None:
    task = names("mme_score", process_results=scorer, dialect="lmms")

    assert told("mme_score>=1", task=task) is None
    assert told("mme_scor>=1", task=task) is not None


def test_a_function_of_the_task_may_give_several_names() -> None:
    def pass_at_k(references: Any, predictions: Any) -> Mapping[str, float]:
        return {"pass@1": float(references == predictions)}

    assert told("pass@1>=1", task=names(pass_at_k)) is None
    assert told("rouge1>=1", task=names("rouge")) is None


@given(
    listed=st.sets(st.sampled_from(["acc", "f1", "em"]), min_size=1),
    given_=st.sets(st.sampled_from(["acc", "f1", "em", "bleu", "rank"]), min_size=1),
    pipelines=st.sets(st.sampled_from(["none", "strict"]), min_size=1),
    dialect=st.sampled_from(["lm", "lmms"]),
)
def test_whatever_results_have_may_be_named(
    listed: set[str], given_: set[str], pipelines: set[str], dialect: str
) -> None:
    plan = build_plan(
        [{"name": name, "filter": [{"function": "take_first"}]} for name in pipelines],
        [{"metric": name, "aggregation": "mean"} for name in sorted(listed)],
        scorer,
        dialect=dialect,
    )
    values = dict.fromkeys(given_, 0.5)
    rows = aggregate_task(
        plan, [scored(0, pipeline, **values) for pipeline in sorted(pipelines)]
    )

    task = names_of_task(plan, is_run=True)

    assert rows
    for row in rows:
        assert told(f"{row['metric']},{row['filter']}>=1", task=task) is None


@pytest.mark.parametrize(
    ("output_type", "metric"),
    [
        ("multiple_choice", "acc_norm"),
        ("loglikelihood", "perplexity"),
        ("loglikelihood_rolling", "bits_per_byte"),
        ("conversation", "answered_turns"),
    ],
)
def test_metrics_of_every_output_type_are_known(output_type: str, metric: str) -> None:
    task = names(metric, output_type=output_type)

    assert told(f"{metric}>=1", task=task) is None
    assert told(f"{metric}x>=1", task=task) is not None


def test_a_filter_that_reads_answers_tells_how_often_it_did() -> None:
    filters = [{"name": "read", "filter": [{"function": "number"}]}]

    assert (
        told("parse_rate,read>=1", task=names("exact_match", filters=filters)) is None
    )


def group(*metrics: GroupMetric, tasks: Sequence[str] = ("a", "b")) -> Group:
    return Group(
        name="all",
        alias="all",
        path=Path("all.yaml"),
        members=tuple(tasks),
        metrics=metrics,
        version=None,
        tasks=tuple(tasks),
    )


@pytest.mark.parametrize(
    ("gate", "is_right"),
    [
        ("all:exact_match>=1", True),
        ("all:exact_match,loose>=1", True),
        ("all:exact_match,lose>=1", False),
        ("all:anls>=1", False),
        ("all:rating,strict>=1", True),
        ("all:coverage>=1", True),
        ("al:exact_match>=1", False),
    ],
)
def test_a_group_has_what_it_aggregates(gate: str, is_right: bool) -> None:
    tasks = {
        "a": names("exact_match", filters=_STRICT_AND_LOOSE),
        "b": names("acc", filters=_STRICT_AND_LOOSE, process_results=scorer),
        "c": names("anls"),
    }
    listed = [
        GroupMetric(metric=name, filters=None, weight_by_size=True)
        for name in ("exact_match", "rating")
    ]

    figures = {"all": names_of_group(group(*listed), tasks), **tasks}
    said = misnaming(parse_gate(gate), RunNames(figures=figures))

    assert (said is None) == is_right


def test_a_filter_counts_where_its_task_runs() -> None:
    a = names("exact_match", filters=_STRICT_AND_LOOSE)

    assert told("exact_match,loose>=1", a=a, b=names("exact_match")) is not None
    left = names("exact_match", is_run=False)
    assert told("exact_match,loose>=1", a=a, b=left) is None


def test_tasks_of_which_nothing_is_known_may_have_anything() -> None:
    run = RunNames(
        figures={"a": names("exact_match")}, unknown=frozenset({"tests/sky"})
    )

    said = {
        text: misnaming(parse_gate(text), run)
        for text in ("tests/sky:brightness>=1", "brightness>=1", "dropped_turns<=1")
    }

    assert not any(said.values())
    assert misnaming(parse_gate("tests/sk:brightness>=1"), run) == (
        "no task 'tests/sk' is run; did you mean 'tests/sky'?"
    )
    assert misnaming(parse_gate("a:brightness>=1"), run) is not None


@pytest.mark.parametrize(
    ("gate", "is_told"),
    [
        ("other:acc>=1", False),
        ("acc>=1", False),
        ("exat_match>=1", True),
        ("a:acc>=1", True),
        ("ttft_ms.p96<=1", True),
    ],
)
def test_a_gate_for_any_run_may_be_about_tasks_of_others(
    gate: str, is_told: bool
) -> None:
    said = told(gate, is_for_any=True, a=names("exact_match"))

    assert (said is not None) == is_told
