"""The options by which a run is held against bounds and against an earlier run."""

from __future__ import annotations

from pathlib import Path

from pytest_evalkit.plugin.option import Option, not_negative, one_of

GATE_OPTIONS = (
    Option(
        names=("--gate",),
        metavar="[TASK:]METRIC>=X",
        is_list=True,
        default=(),
        help="a condition that the results must meet; may be given several times",
    ),
    Option(
        names=("--gate-partial", "--gate_partial"),
        is_flag=True,
        help="judge gates although only a part of the documents was selected",
    ),
    Option(
        names=("--gate-inconclusive", "--gate_inconclusive"),
        metavar="fail|warn",
        parse=one_of("fail", "warn"),
        rule="fail or warn",
        help="what becomes of a gate that can neither pass nor fail (default: fail where "
        "it has a confidence and all documents do not give it, else warn)",
    ),
    Option(
        names=("--gate-conservative", "--gate_conservative"),
        is_flag=True,
        help="hold percentiles of latency against what the true ones exceed in one case "
        "of a hundred at most, in place of those that were seen",
    ),
    Option(
        names=("--early-stop", "--early_stop"),
        is_flag=True,
        help="end a task as soon as its gates are decided; its documents are run in an "
        "order drawn by lot, and those that are not needed are skipped",
    ),
    Option(
        names=("--baseline",),
        metavar="RUN",
        parse=Path,
        help="the run, or the file of evalkit baseline, that gates on drops compare with",
    ),
    Option(
        names=("--max-drop", "--max_drop"),
        metavar="X",
        parse=not_negative,
        rule="a number, 0 or above",
        help="a gate for each task: how much worse than in the baseline its first metric "
        "may be",
    ),
)
