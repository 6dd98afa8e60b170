from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import ResultsError
from pytest_evalkit.results.comparison import RunComparison, compare_runs
from pytest_evalkit.results.read import read_results
from pytest_evalkit.results.recorded import RecordedRun, open_run
from pytest_evalkit.results.schema import AggregateDict
from pytest_evalkit.scoring import MetricSpec
from pytest_evalkit.tasks import doc_hash

THEIRS = Path(__file__).parents[3] / "docs" / "examples" / "their-results"
LM, OTHER_LM = THEIRS / "lm-eval" / "tiny__a", THEIRS / "lm-eval" / "tiny__b"
LMMS = THEIRS / "lmms-eval" / "tiny__says-42"
OTHER_LMMS = THEIRS / "lmms-eval" / "tiny__says-7"
ASKED = "Q: How many days has a week?\nA:"


def not_found(_run: RecordedRun, _task: str, _metric: str) -> MetricSpec | str:
    return "it is Python"


def compare(first: Path, second: Path, **options: Any) -> RunComparison:
    (found,) = compare_runs([open_run(first), open_run(second)], not_found, **options)
    return found


def row_of(run: Path, task: str, metric: str, pipeline: str = "none") -> AggregateDict:
    rows = read_results(run)["aggregates"][task]
    (row,) = [r for r in rows if (r["metric"], r["filter"]) == (metric, pipeline)]
    return row


def results_json(folder: Path) -> Path:
    (file,) = [*folder.glob("results_*.json"), *folder.glob("*_results.json")]
    return file


def changed(tmp_path: Path, source: Path, **changes: Any) -> Path:
    """Copy a run of theirs with other values at the top of its results."""
    folder = tmp_path / source.name
    shutil.copytree(source, folder)
    file = results_json(folder)
    value = json.loads(file.read_text(encoding="utf-8")) | changes
    file.write_text(json.dumps(value), encoding="utf-8")
    return folder


def test_results_of_lm_eval_are_read() -> None:
    results = read_results(LM)

    assert results["written_by"] == "lm-eval 0.4.13"
    assert results["model_name"] == "tiny/a"
    assert results["coverage"]["week_facts"]["selected"] == 6
    assert results["coverage"]["small_facts"]["selected"] == 10
    assert results["group_subtasks"] == {"small_facts": ["week_facts", "small_choices"]}
    assert results["versions"]["small_choices"] == 2
    assert results["n-shot"]["week_facts"] == 0
    assert results["higher_is_better"]["week_facts"] == {
        "exact_match": True,
        "bleu": True,
    }
    assert 1.7e9 < results["date"] < 2e9
    assert results["total_evaluation_time_seconds"] > 0
    assert results["environment"]["lm_eval_version"] == "0.4.13"


def test_figures_are_theirs_and_intervals_are_made_of_their_samples() -> None:
    row = row_of(LM, "week_facts", "exact_match", "strict")

    assert row["value"] == 0.5
    assert row["stderr"] == pytest.approx(math.sqrt(0.3 / 6))
    assert row["n"] == 6
    # Wilson's, of 3 of 6.
    assert row["method"] == "wilson"
    assert row["ci95"] == pytest.approx((0.1876, 0.8124), abs=1e-4)


def test_without_samples_the_interval_is_that_of_the_recorded_error(
    tmp_path: Path,
) -> None:
    file = Path(shutil.copy(results_json(LM), tmp_path))

    row = row_of(file, "week_facts", "exact_match", "strict")

    half = 1.959964 * math.sqrt(0.3 / 6)
    assert row["ci95"] == pytest.approx((0.5 - half, 0.5 + half))
    assert row["method"] == "normal, by the recorded standard error"


def test_a_figure_that_its_samples_do_not_give_keeps_the_recorded_error(
    tmp_path: Path,
) -> None:
    results = json.loads(results_json(LM).read_text(encoding="utf-8"))["results"]
    results["week_facts"]["exact_match,strict"] = 0.9
    folder = changed(tmp_path, LM, results=results)

    row = row_of(folder, "week_facts", "exact_match", "strict")

    assert (row["value"], row["method"]) == (
        0.9,
        "normal, by the recorded standard error",
    )


def test_a_figure_of_a_group_rests_on_the_documents_that_have_it() -> None:
    assert row_of(LM, "small_facts", "acc")["n"] == 4


def test_samples_of_lm_eval_are_in_our_form() -> None:
    samples = list(open_run(LM).samples["week_facts"])

    first, second = samples[:2]
    assert [sample["filter"] for sample in (first, second)] == ["strict", "whole"]
    assert first["input"] == [{"role": "user", "content": ASKED}]
    assert first["filtered_resps"] == "7"
    assert first["doc_hash"] == doc_hash(
        {"question": "How many days has a week?", "answer": "7"}
    )
    # The pattern takes the first word of "carbon dioxide".
    assert (samples[2]["filtered_resps"], samples[2]["resps"]) == (
        "carbon",
        "carbon dioxide",
    )


def test_likelihoods_that_were_written_as_texts_are_numbers() -> None:
    first = next(iter(open_run(LM).samples["small_choices"]))

    assert first["arguments"] == [
        ["A week has", " seven days"],
        ["A week has", " nine days"],
    ]
    (score, is_greedy), _ = first["filtered_resps"]
    assert score < 0
    assert is_greedy is False


def test_results_of_lmms_eval_are_read() -> None:
    results = read_results(LMMS)

    assert results["written_by"].startswith("lmms-eval")
    assert results["model_name"] == "tiny/says-42"
    # 23:13:59 in Singapore.
    assert results["date"] == 1795274039.0
    assert results["results"]["week_questions"]["alias"] == "week_questions"
    assert results["group_subtasks"] == {
        "questions": ["week_questions", "plain_questions"]
    }
    row = row_of(LMMS, "week_questions", "right")
    assert row["stderr"] is None
    assert row["stderr_clustered"] == pytest.approx(0.2629, abs=1e-4)


def test_samples_of_lmms_eval_know_their_metrics_and_clusters() -> None:
    samples = list(open_run(LMMS).samples["week_questions"])

    assert [sample["metrics"] for sample in samples] == [["right", "loose"]] * 6
    assert samples[2]["cluster"] == samples[5]["cluster"] == "What is 6 times 7?"
    # The hash of every document is the same there, and tells nothing.
    assert {sample["doc_hash"] for sample in samples} == {""}


def test_runs_of_lm_eval_are_compared_by_the_content_of_documents() -> None:
    found = compare(LM, OTHER_LM)

    change = found.changes[0]
    assert (change.metric, change.n, change.gained, change.lost) == (
        "exact_match",
        6,
        2,
        1,
    )
    assert list(change.values) == pytest.approx([0.5, 4 / 6])
    assert not found.divergences


def test_runs_of_lmms_eval_are_compared_by_position_with_a_warning() -> None:
    found = compare(LMMS, OTHER_LMMS)

    by_metric = {change.metric: change for change in found.changes}
    # Values of "right" are mappings; the mean of their scores is the recorded figure.
    assert list(by_metric["right"].values) == pytest.approx([2 / 6, 1 / 6])
    assert (by_metric["right"].gained, by_metric["right"].lost) == (1, 2)
    assert {each.message for each in found.divergences} == {
        "documents have no hashes in common; they are matched by their positions"
    }


def test_other_expected_answers_at_the_same_positions_are_refused(
    tmp_path: Path,
) -> None:
    folder = changed(tmp_path, LMMS)
    (file,) = folder.glob("*_samples_plain_questions.jsonl")
    text = file.read_text(encoding="utf-8").replace('"target": "7"', '"target": "8"')
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ResultsError, match="1 of 6 documents have another expected"):
        compare(LMMS, folder)


def test_a_run_of_theirs_is_compared_with_ours(tmp_path: Path) -> None:
    lines = []
    for sample in open_run(LM).samples["week_facts"]:
        right = float(sample["filtered_resps"] in {"42", "7"})
        lines.append({**sample, "schema_version": 1, "exact_match": right})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "samples_week_facts.jsonl").write_text(text, encoding="utf-8")

    found = compare(LM, tmp_path)

    assert found.changes[0].n == 6
    assert not [each for each in found.divergences if each.is_grave]
    assert not [each for each in found.divergences if "asked" in each.message]


def test_a_run_of_lmms_eval_beside_one_of_lm_eval_is_matched_by_position(
    tmp_path: Path,
) -> None:
    lines = [
        {**sample, "task": "week_questions", "metrics": ["loose"], "loose": 1.0}
        for sample in open_run(LM).samples["week_facts"]
        if sample["filter"] == "strict"
    ]
    text = "".join(
        json.dumps({**line, "filter": "none"}, default=str) + "\n" for line in lines
    )
    (tmp_path / "samples_week_questions.jsonl").write_text(text, encoding="utf-8")

    found = compare(LMMS, tmp_path)

    assert found.changes[0].n == 6
    assert "prompts are not compared: lmms-eval records only their text" in {
        each.message for each in found.divergences
    }


def test_a_samples_file_of_theirs_brings_the_results_beside_it() -> None:
    (file,) = LM.glob("samples_week_facts_*.jsonl")

    run = open_run(file)

    assert run.results is not None
    assert list(run.samples) == ["week_facts"]


def test_of_several_runs_in_a_folder_the_last_is_read(tmp_path: Path) -> None:
    for folder in (LM, OTHER_LM):
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)

    run = open_run(tmp_path)

    assert run.label == "tiny/b"
    right = [s["exact_match"] for s in run.samples["week_facts"]]  # type: ignore[typeddict-item]
    assert sum(right) == 8.0


def test_their_secrets_are_masked() -> None:
    for folder in (LM, LMMS):
        assert "not-to-be-seen" not in str(read_results(folder))

    assert "not-to-be-seen" in results_json(LM).read_text(encoding="utf-8")


def test_filters_that_lmms_eval_does_not_write_are_told_by_their_order(
    tmp_path: Path,
) -> None:
    value = json.loads(results_json(LMMS).read_text(encoding="utf-8"))
    row = value["results"]["plain_questions"]
    row |= {"exact_match,strict": 0.5, "exact_match,whole": row["exact_match,none"]}
    del row["exact_match,none"]
    folder = changed(tmp_path, LMMS, results=value["results"])
    (file,) = folder.glob("*_samples_plain_questions.jsonl")
    lines = file.read_text(encoding="utf-8")
    file.write_text(lines + lines, encoding="utf-8")

    samples = list(open_run(folder).samples["plain_questions"])

    assert [sample["filter"] for sample in samples[:2]] == ["strict", "whole"]


def test_lines_that_no_filter_accounts_for_are_refused(tmp_path: Path) -> None:
    folder = changed(tmp_path, LMMS)
    (file,) = folder.glob("*_samples_plain_questions.jsonl")
    lines = file.read_text(encoding="utf-8")
    file.write_text(lines + lines, encoding="utf-8")

    with pytest.raises(ResultsError, match="2 lines of document 0"):
        list(open_run(folder).samples["plain_questions"])


def test_what_numpy_wrote_as_text_and_nan_are_read(tmp_path: Path) -> None:
    results = json.loads(results_json(LM).read_text(encoding="utf-8"))["results"]
    results["small_choices"] |= {"acc,none": "0.75", "acc_norm,none": math.nan}
    folder = changed(tmp_path, LM, results=results)

    assert row_of(folder, "small_choices", "acc")["value"] == 0.75
    assert row_of(folder, "small_choices", "acc_norm")["value"] is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n-samples": {"week_facts": 6}}, "is damaged"),
        ({"results": {"week_facts": []}}, "is damaged"),
        ({"versions": None}, "holds no results"),
    ],
)
def test_what_has_another_form_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    folder = changed(tmp_path, LM, **changes)

    with pytest.raises(ResultsError, match=message):
        read_results(folder)


def test_a_task_without_a_version_has_none(tmp_path: Path) -> None:
    folder = changed(tmp_path, LM, versions={"week_facts": "Yaml"})

    assert read_results(folder)["versions"]["week_facts"] is None


def test_answers_that_were_not_scored_have_no_figures(tmp_path: Path) -> None:
    results = json.loads(results_json(LM).read_text(encoding="utf-8"))["results"]
    results["small_choices"] = {"alias": "small_choices", "bypass,none": 999}
    folder = changed(tmp_path, LM, results=results)
    (file,) = folder.glob("samples_small_choices_*.jsonl")
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    for line in lines:
        line |= {"metrics": ["bypass"], "bypass": 999}
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")

    run = open_run(folder)

    assert run.results is not None
    assert run.results["aggregates"]["small_choices"] == []
    assert {s["status"] for s in run.samples["small_choices"]} == {"answered"}
