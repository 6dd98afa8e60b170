"""The options by which an earlier run is gone on with."""

from __future__ import annotations

from pytest_evalkit.plugin.option import Option

RESUMING = (
    Option(
        names=("--resume",),
        metavar="RUN|last",
        help="go on with an earlier run, in its folder: documents that it has scored are "
        "taken from there; last is the newest run of the model under --output-path",
    ),
    Option(
        names=("--rerun-errors", "--rerun_errors"),
        is_flag=True,
        help="of the resumed run, by default the last one, run only the documents in "
        "error",
    ),
    Option(
        names=("--resume-anyway", "--resume_anyway"),
        is_flag=True,
        help="go on with a run although model, task, prompt or data are not the same; "
        "the results say so",
    ),
)
