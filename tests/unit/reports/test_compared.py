from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.reports.compared import comparison_markdown, comparison_text
from pytest_evalkit.results.comparison import RunComparison
from pytest_evalkit.results.latency_changes import LatencyChange
from pytest_evalkit.results.likeness import Divergence
from pytest_evalkit.results.metric_change import Flip, MetricChange
from pytest_evalkit.results.recorded import RecordedRun
from pytest_evalkit.scoring import PairedDifference
from pytest_evalkit.stats import Difference


def run(name: str) -> RecordedRun:
    return RecordedRun(label=name, path=Path(name), results=None, samples={})


def flip(name: str, *, is_gain: bool, **changes: Any) -> Flip:
    scores = (0.0, 1.0) if is_gain else (1.0, 0.0)
    facts: dict[str, Any] = {
        "name": name,
        "categories": {"kind": "a" if name < "q3" else "b"},
        "target": "4",
        "answers": ("3", "4"),
        "scores": scores,
        "is_gain": is_gain,
    }
    return Flip(**{**facts, **changes})


FLIPS = [flip(f"q{i}", is_gain=i % 2 == 0) for i in range(6)]


def change(**changes: Any) -> MetricChange:
    facts: dict[str, Any] = {
        "task": "sums",
        "filter": "none",
        "metric": "acc",
        "higher_is_better": True,
        "n": 100,
        "unmatched": 0,
        "values": (0.5, 0.75),
        "paired": PairedDifference(
            difference=Difference(0.25, 0.05, (0.15, 0.35), 0.00001), method="paired t"
        ),
        "adjusted_p": 0.00002,
        "flips": FLIPS,
    }
    return MetricChange(**{**facts, **changes})


def comparison(*changes: MetricChange, **facts: Any) -> RunComparison:
    return RunComparison(
        first=run("old"),
        second=run("new"),
        changes=changes or (change(),),
        divergences=facts.get("divergences", ()),
        missing=facts.get("missing", ()),
    )


def text(*changes: MetricChange, most: int = 10, **facts: Any) -> list[str]:
    return comparison_text([comparison(*changes, **facts)], most).splitlines()


def test_a_row_has_both_values_their_difference_and_a_verdict() -> None:
    lines = text()

    assert lines[0] == "first   old  (old)"
    assert lines[1] == "second  new  (new)"
    assert lines[3].split() == [
        *("Task", "Metric", "n", "First", "Second", "Δ", "95", "%", "interval"),
        *("p", "Holm", "Better", "Worse", "Verdict"),
    ]
    assert lines[5].split() == [
        *("sums", "acc", "↑", "100", "0.5000", "0.7500", "+0.2500"),
        *("[+0.1500,", "+0.3500]", "<0.0001", "<0.0001", "3", "3", "better"),
    ]


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"higher_is_better": False}, "worse"),
        ({"higher_is_better": None}, "differs"),
        ({"adjusted_p": 0.05}, "no difference shown"),
        ({"adjusted_p": None}, "not tested"),
    ],
)
def test_a_verdict_follows_from_the_adjusted_p_value(
    changes: dict[str, Any], verdict: str
) -> None:
    assert text(change(**changes))[5].endswith(f"  {verdict}")


def test_changed_documents_are_shown_with_both_answers() -> None:
    lines = text(most=3)

    start = lines.index("sums, acc,none: 3 better, 3 worse")
    assert lines[start + 1 :] == [
        "  by kind: a +2 -1, b +1 -2",
        "  worse  q1: '3' → '4'  (expected '4')",
        "  worse  q3: '3' → '4'  (expected '4')",
        "  better q0: '3' → '4'  (expected '4')",
        "  and 3 more; --flips N shows more, --format json has all",
    ]


def test_no_documents_are_shown_where_none_are_asked_for() -> None:
    lines = text(most=0)

    assert lines[-1] == "  and 6 more; --flips N shows more, --format json has all"


def test_documents_that_another_metric_shows_are_not_shown_again() -> None:
    lines = text(change(), change(metric="other", flips=FLIPS[:2]))

    assert sum("better, " in line for line in lines) == 1


def test_why_a_metric_is_not_tested_is_told() -> None:
    paired = PairedDifference(
        difference=Difference(0.25, None, None, None), method="none: too few"
    )

    lines = text(change(paired=paired, adjusted_p=None, flips=()))

    assert "sums: acc is not tested: too few" in lines


def test_what_differs_besides_is_warned_of() -> None:
    divergence = Divergence(task="sums", message="prompts differ", is_grave=False)

    lines = text(divergences=[divergence], missing=["old has no samples of more"])

    assert "warning: sums: prompts differ" in lines
    assert "warning: old has no samples of more" in lines


def test_hostile_answers_are_shown_as_text() -> None:
    hostile = flip(
        "q0",
        is_gain=True,
        answers=("\x1b[2J\x07a\nb", "<script>|`x`" + "y" * 10_000),
        target=None,
    )

    whole = comparison_text([comparison(change(flips=[hostile]))], 10)
    markdown = comparison_markdown([comparison(change(flips=[hostile]))], 10)

    assert "\x1b" not in whole + markdown
    assert "\x07" not in whole + markdown
    assert all(len(line) < 200 for line in whole.splitlines())
    assert "\\<script\\>\\|\\`x\\`" in markdown


def test_ascii_is_kept_to_where_a_terminal_knows_no_more() -> None:
    whole = comparison_text([comparison()], 10, ascii_only=True)

    assert whole.isascii()


def test_markdown_has_a_table_and_folded_documents() -> None:
    lines = comparison_markdown([comparison()], 2).splitlines()

    assert lines[0] == "**new** against **old**"
    assert lines[2].startswith("| Task | Metric | n | First | Second |")
    assert lines[3].startswith("| :-- | :-- | --: |")
    assert lines[4].endswith("| better |")
    assert "<details><summary>sums, acc,none: 3 better, 3 worse</summary>" in lines
    assert lines[-1] == "</details>"


def test_several_runs_stand_below_each_other() -> None:
    whole = comparison_text([comparison(), comparison()], 1)

    assert whole.count("first   old") == 2


def latency(name: str, after: float, p_value: float | None, **changes: Any) -> Any:
    interval = None if p_value is None else (after - 110.0, after - 90.0)
    facts: dict[str, Any] = {
        "name": name,
        "values": (100.0, after),
        "counts": (150, 150),
        "difference": Difference(after - 100.0, 5.0, interval, p_value),
        "share": None,
        "method": "paired bootstrap",
        "adjusted_p": p_value,
    }
    return LatencyChange(**{**facts, **changes})


LATENCY = (
    latency("ttft_ms.p50", 120.0, 0.001),
    latency("ttft_ms.p90", 80.0, 0.001, counts=(1500, 1400)),
    latency("ttft_ms.p95", 101.0, 0.4),
    latency("ttft_ms.p99", 150.0, None, method="none: 662 are needed"),
    latency("e2el_ms.p99", 150.0, None, method="none: 662 are needed"),
)


def test_latencies_stand_in_a_table_of_their_own() -> None:
    compared = replace(comparison(), latency=LATENCY)

    lines = comparison_text([compared], 0).splitlines()
    told = comparison_markdown([compared], 0)

    start = next(n for n, line in enumerate(lines) if line.startswith("Latency in ms"))
    assert lines[start + 2].split() == [
        *(
            "ttft_ms.p50",
            "150",
            "100.0",
            "120.0",
            "+20.0",
            "[+10.0,",
            "+30.0]",
            "+20.0",
        ),
        *("0.0010", "0.0010", "slower"),
    ]
    assert lines[start + 3].split()[1:4] == ["1,500", "/", "1,400"]
    assert lines[start + 3].endswith("  faster")
    assert lines[start + 4].endswith("  no difference shown")
    assert lines[start + 5].endswith("+50.0                  not tested")
    assert lines[start + 7] == (
        "ttft_ms.p99, e2el_ms.p99 are not tested: 662 are needed"
    )
    assert "| Latency in ms | n | First |" in told
    assert "- ttft\\_ms.p99, e2el\\_ms.p99 are not tested: 662 are needed" in told


def test_without_latencies_there_is_no_such_table() -> None:
    assert "Latency" not in "\n".join(text())
