"""Which parts of the plugin a process needs, and when they are there.

Light on purpose: a process with nothing to evaluate gets no further than this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import EvalkitError
from pytest_evalkit.plugin.options import (
    OPTIONS_KEY,
    RunOptions,
    refuse_for_selftest,
)
from pytest_evalkit.plugin.place import is_controller, is_task_path, is_worker

if TYPE_CHECKING:
    from pytest_evalkit.plugin.session import EvaluationSession

_SESSION_KEY: pytest.StashKey[EvaluationSession] = pytest.StashKey()


def set_up(config: pytest.Config, options: RunOptions) -> None:
    """Check what the user asked for, and register what this process needs.

    Raises:
        pytest.UsageError: A name or argument is wrong.
    """
    config.stash[OPTIONS_KEY] = options
    if options.allow_code_execution:
        from pytest_evalkit.sandbox import permit_execution

        permit_execution()
    try:
        _check_names(config, options)
        if is_controller(config):
            from pytest_evalkit.plugin.controller import Controller

            config.pluginmanager.register(Controller(config), "evalkit-controller")
    except EvalkitError as error:
        raise pytest.UsageError(_without_secrets(config, str(error))) from None


def _without_secrets(config: pytest.Config, message: str) -> str:
    from pytest_evalkit.plugin.secrecy import secrets_of
    from pytest_evalkit.results.secrets import without_secrets

    masked: str = without_secrets(secrets_of(config).text(message))
    return masked


def _check_names(config: pytest.Config, options: RunOptions) -> None:
    """Look at names before anything is collected, so that a slip costs no time."""
    _check_conflicts(config, options)
    _check_load(options)
    if options.model or options.model_args or options.gen_kwargs:
        from pytest_evalkit.plugin.run import run_of
        from pytest_evalkit.plugin.secrecy import keep_secrets

        keep_secrets(config)
        run = run_of(config)
        _ = run.tasks.settings
    if options.judge or options.judge_args:
        from pytest_evalkit.plugin.run import run_of

        _ = run_of(config).judge
    _check_spending(config, options)
    _check_memory(options)
    _check_cache(config, options)
    _check_resuming(config, options)
    if options.reasoning_tags is not None:
        from pytest_evalkit.scoring import parse_reasoning_tags

        parse_reasoning_tags(options.reasoning_tags)
    if options.gates:
        from pytest_evalkit.results.gates import parse_gates

        for gate in options.gates:
            parse_gates(gate)
    if options.sinks:
        from pytest_evalkit.plugin.sending import check_sinks

        check_sinks(options.sinks)
    if options.baseline is not None and not options.baseline.exists():
        raise pytest.UsageError(
            f"--baseline {options.baseline}: there is no such run or file"
        )
    if options.tasks or any(map(is_task_path, config.args)):
        # In workers too: xdist starts them with the command line as it was given.
        from pytest_evalkit.plugin.named_tasks import add_named_tasks

        add_named_tasks(config, options)


def _check_conflicts(config: pytest.Config, options: RunOptions) -> None:
    if options.selftest:
        refuse_for_selftest(config)
    if options.predict_only:
        from pytest_evalkit.plugin.conflicts import refuse_without_scores

        refuse_without_scores(config)
    if options.early_stop:
        from pytest_evalkit.plugin.conflicts import refuse_of_parts

        refuse_of_parts(config)
    if options.rescore is not None:
        from pytest_evalkit.plugin.conflicts import refuse_with_recorded

        refuse_with_recorded(config)


def _check_load(options: RunOptions) -> None:
    if options.says_load:
        from pytest_evalkit.plugin.load import check_load

        check_load(options)


def _check_memory(options: RunOptions) -> None:
    if options.doc_memory is None:
        return
    from pytest_evalkit.evaluate.memory_limit import IS_KEPT

    if not IS_KEPT:
        raise pytest.UsageError(
            "--doc-memory needs Linux, whose kernel keeps the bound; leave it out, or "
            "bound the whole run from outside"
        )


def _check_spending(config: pytest.Config, options: RunOptions) -> None:
    if options.max_cost is not None and options.price_table is None:
        raise pytest.UsageError("--max-cost needs --price-table FILE to know prices")
    if options.price_table is not None and options.model is not None:
        from pytest_evalkit.plugin.pace import price_of
        from pytest_evalkit.plugin.run import run_of

        backend = run_of(config).backend
        assert backend is not None, "a named model has a backend"
        price_of(backend.model_name, options.price_table)


def _check_cache(config: pytest.Config, options: RunOptions) -> None:
    """Look at the cache now, rather than after a model was loaded."""
    if options.use_cache is None:
        if options.cache_sampled:
            raise pytest.UsageError("--cache-sampled needs --use-cache DIR")
        return
    from pytest_evalkit.engine import identified
    from pytest_evalkit.engine.answer_file import AnswerFile
    from pytest_evalkit.plugin.run import run_of

    backend = run_of(config).backend
    if backend is not None and options.rescore is None:
        identified(backend)
    AnswerFile(options.use_cache, create=True).close()


def _check_resuming(config: pytest.Config, options: RunOptions) -> None:
    """Find the run that is to be resumed; workers are told by their controller."""
    if options.resume is None:
        if options.resume_anyway:
            raise pytest.UsageError("--resume-anyway has no effect without --resume")
        return
    if is_worker(config) or config.option.collectonly:
        return
    from pytest_evalkit.plugin.resuming import choose_run
    from pytest_evalkit.plugin.run import run_of

    run = run_of(config)
    backend = run.backend
    choose_run(config, options, None if backend is None else backend.model_name)
    if run.resumption is None or backend is None:
        return
    run.resumption.compare_model(backend.model_name, backend.describe())
    refusal = run.resumption.refusal()
    if refusal is not None:
        raise pytest.UsageError(refusal)


def participants(
    config: pytest.Config, items: Sequence[pytest.Item]
) -> EvaluationSession | None:
    """Get what evaluates in this process; None where there is nothing to evaluate."""
    session = config.stash.get(_SESSION_KEY, None)
    if session is None and any(_is_evaluated(item) for item in items):
        from pytest_evalkit.plugin.secrecy import keep_secrets
        from pytest_evalkit.plugin.session import EvaluationSession

        keep_secrets(config)
        session = config.stash[_SESSION_KEY] = EvaluationSession(config)
        config.pluginmanager.register(session, "evalkit-session")
    return session


def _is_evaluated(item: Any) -> bool:
    names = getattr(item, "fixturenames", ())
    return hasattr(item, "doc_id") or "record_score" in names or "model" in names


def tear_down(config: pytest.Config) -> None:
    """Give back what the run holds."""
    options = config.stash.get(OPTIONS_KEY, None)
    if options is not None and options.allow_code_execution:
        from pytest_evalkit.sandbox import revoke_execution

        revoke_execution()
    session = config.stash.get(_SESSION_KEY, None)
    if session is not None:
        session.close()
