"""The options about how people are shown what a run concludes."""

from __future__ import annotations

from pathlib import Path

from pytest_evalkit.plugin.option import Option, one_of

REPORT_OPTIONS = (
    Option(
        names=("--report-media", "--report_media"),
        metavar="thumbnails|full|none",
        parse=one_of("thumbnails", "full", "none"),
        rule="thumbnails, full or none",
        default="thumbnails",
        help="how the report shows images and videos (default thumbnails)",
    ),
    Option(
        names=("--report-md", "--report_md"),
        metavar="FILE",
        parse=Path,
        help="write scores and gates as Markdown, for a pull request; they go to "
        "GITHUB_STEP_SUMMARY too, where that is set",
    ),
    Option(
        names=("--sink",),
        metavar="NAME[:K=V,...]",
        is_list=True,
        default=(),
        help="send what the run concludes to mlflow, wandb, trackio or otel "
        "(OpenTelemetry) besides; may be given several times",
    ),
)
