"""The options about what goes wrong: how long it is waited for, and for what."""

from __future__ import annotations

from pytest_evalkit.plugin.option import Option, positive, seconds_or_none

FAULT_OPTIONS = (
    Option(
        names=("--endpoint-outage", "--endpoint_outage"),
        metavar="SECONDS",
        parse=positive,
        rule="seconds, above 0",
        default=300.0,
        help="how long the run waits for an endpoint that is gone, before it stops "
        "(default 300)",
    ),
    Option(
        names=("--doc-timeout", "--doc_timeout"),
        metavar="SECONDS",
        parse=seconds_or_none,
        rule="seconds, above 0, or 0 for no limit",
        default=600.0,
        help="longest time that the code of a task may take for a document, prompt or "
        "scoring, before it is in error (default 600; 0 for no limit)",
    ),
    Option(
        names=("--doc-memory", "--doc_memory"),
        metavar="GIB",
        parse=positive,
        rule="GiB, above 0",
        help="most memory that the code of a task may take for a document, before it is "
        "in error; on Linux (default: no limit)",
    ),
    Option(
        names=("--stall-timeout", "--stall_timeout"),
        metavar="SECONDS",
        parse=seconds_or_none,
        rule="seconds, above 0, or 0 for never",
        default=600.0,
        help="after how long without a document that ends the run tells what is under "
        "way (default 600; 0 for never)",
    ),
)
