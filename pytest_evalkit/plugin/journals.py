"""The journal of a process, begun with what run it is of."""

from __future__ import annotations

import pytest

from pytest_evalkit.codec import encode
from pytest_evalkit.plugin.options import OPTIONS_KEY, given_options
from pytest_evalkit.plugin.place import run_start, session_number, worker_input
from pytest_evalkit.plugin.rescoring import recorded_run
from pytest_evalkit.plugin.secrecy import secrets_of
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.journal import (
    JOURNAL_SCHEMA_VERSION,
    JournalWriter,
    RunDict,
    journal_name,
)
from pytest_evalkit.results.secrets import without_secrets
from pytest_evalkit.tasks import TaskSettings


def begin_journal(
    config: pytest.Config,
    folder: RunFolder,
    settings: TaskSettings,
    differences: list[str],
) -> JournalWriter:
    """Make this process's journal of this session of the run.

    Args:
        config: pytest's configuration.
        folder: Where the run is.
        settings: What the command line says about every task.
        differences: In what the session is not like the one before.

    Raises:
        ResultsError: It cannot be written, or is there already.
    """
    process = worker_input(config).get("workerid", "main")
    session = session_number(config)
    path = folder.journal_dir / journal_name(process, session)
    journal = JournalWriter(path, masked=secrets_of(config).lines)
    journal.keep_synced()
    journal.write_session(
        {
            "kind": "session",
            "schema_version": JOURNAL_SCHEMA_VERSION,
            "session": session,
            "process": process,
            "started_at": run_start(config).date,
            "differences": differences,
        }
    )
    journal.write_run(_described(config, settings))
    recorded = recorded_run(config)
    if recorded is not None:
        line = {
            "kind": "model",
            "name": recorded.model_name,
            "description": recorded.model_description,
        }
        journal.write(encode(line) + b"\n")
    return journal


def _described(config: pytest.Config, settings: TaskSettings) -> RunDict:
    """Write down what run the journal is of."""
    options = config.stash[OPTIONS_KEY]
    return {
        "kind": "run",
        "started_at": run_start(config).date,
        "shard": options.shard,
        "options": without_secrets(given_options(config)),
        "settings": without_secrets(settings.to_dict()),
        "gates": list(options.gates),
    }
