"""The live run of one process: its options, its journal, its loop and its model."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.codec import encode
from pytest_evalkit.engine import (
    Asking,
    EndpointBack,
    EndpointGone,
    Engine,
    Event,
    Model,
)
from pytest_evalkit.errors import OptionError, ResultsError
from pytest_evalkit.models.backend import Backend, StreamingBackend
from pytest_evalkit.plugin.asked import asked_of
from pytest_evalkit.plugin.cache import RunCache
from pytest_evalkit.plugin.engine_events import event_line, notice_of
from pytest_evalkit.plugin.hosting import (
    is_started_here,
    named_backend,
    start_server,
    stream,
)
from pytest_evalkit.plugin.journals import begin_journal
from pytest_evalkit.plugin.judging import RunJudge
from pytest_evalkit.plugin.load import wants_stream
from pytest_evalkit.plugin.loop import close_loop, new_loop, run_through
from pytest_evalkit.plugin.notices import Notices
from pytest_evalkit.plugin.options import OPTIONS_KEY, RunOptions, given_options
from pytest_evalkit.plugin.origin import origin_of
from pytest_evalkit.plugin.pace import Pace
from pytest_evalkit.plugin.place import (
    Share,
    is_controller,
    is_replacement,
    run_folder,
    run_start,
    session_number,
    worker_input,
)
from pytest_evalkit.plugin.rescoring import recorded_run
from pytest_evalkit.plugin.resuming import Resumption
from pytest_evalkit.plugin.run_tasks import RunTasks
from pytest_evalkit.plugin.secrecy import secrets_of
from pytest_evalkit.plugin.token_counting import TokenCounting
from pytest_evalkit.results.folder import RunFolder
from pytest_evalkit.results.groups import group_line
from pytest_evalkit.results.journal import (
    JournalWriter,
    SelectionDict,
    WholeDict,
)
from pytest_evalkit.results.secrets import without_secrets

if TYPE_CHECKING:
    from pytest_evalkit.host.servers import ModelServers
    from pytest_evalkit.results.recorded_run import RecordedRun

_RUN_KEY: pytest.StashKey[Run] = pytest.StashKey()


class Run:
    """One process's part of a run.

    Args:
        config: pytest's configuration.
        options: What the user asked for.
        backend: What answers, or None where a fixture will say.
    """

    def __init__(
        self, config: pytest.Config, options: RunOptions, backend: Backend | None
    ) -> None:
        self.config = config
        self.options = options
        self.backend = backend
        self.started_at, self.started_date = run_start(config)
        self.counting = TokenCounting(secrets_of(config).lines)
        self.tasks = RunTasks(config, backend, lambda: self.resumption)
        self.wholes: Mapping[Any, WholeDict] = {}
        self._told_groups = False
        self._models: list[Model] = []
        self._engines: list[Engine] = []
        self._described: tuple[Model, Mapping[str, Any]] | None = None
        self._server: ModelServers | None = None

    @cached_property
    def folder(self) -> RunFolder:
        """Where the run leaves its results; one for all processes of it."""
        return run_folder(self.config, self.options, self.model_name)

    @property
    def model_name(self) -> str | None:
        """Name of what answers or has answered; None where a fixture will say."""
        if self.recorded is not None:
            return self.recorded.model_name
        return None if self.backend is None else self.backend.model_name

    @cached_property
    def share(self) -> Share | None:
        """The worker's share of the documents; None where it has all."""
        given = worker_input(self.config).get("evalkit_share")
        return None if given is None else Share(*given)

    @cached_property
    def journal(self) -> JournalWriter:
        """This process's journal, made when it is first written to."""
        return begin_journal(
            self.config,
            self.folder,
            self.tasks.settings,
            [] if self.resumption is None else self.resumption.differences,
        )

    @cached_property
    def recorded(self) -> RecordedRun | None:
        """The run whose answers are scored again; None where a model is asked."""
        return recorded_run(self.config)

    @cached_property
    def resumption(self) -> Resumption | None:
        """What is taken of what was recorded before; None where nothing can have been.

        A replacement takes what its predecessor has recorded in this very session, too.
        """
        session, replaces = session_number(self.config), is_replacement(self.config)
        if session == 1 and not replaces:
            return None
        return Resumption(self.options, self.folder, session, replaces=replaces)

    @cached_property
    def notices(self) -> Notices:
        """Where this process tells what cannot wait."""
        return Notices(self.config, self.folder.notices_path)

    @cached_property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The session's event loop, run on the main thread."""
        return new_loop()

    @property
    def has_journal(self) -> bool:
        """True once something was recorded."""
        return "journal" in vars(self)

    @cached_property
    def pace(self) -> Pace:
        """What this process may ask at once, and spend."""
        journals = self.folder.journal_dir
        return Pace(
            self.options,
            self.share,
            self._record_event,
            pauses=None if self.share is None else journals,
            cache=self.cache.responses,
            origin=origin_of(
                self.options, self.share, journals, run_start(self.config)
            ),
        )

    @cached_property
    def cache(self) -> RunCache:
        """The response cache, as this process uses it."""
        process = worker_input(self.config).get("workerid", "main")
        return RunCache(self.options, f"{process}/{os.getpid()}", self._record)

    @cached_property
    def judge(self) -> RunJudge:
        """Whom scorers may ask."""
        is_shared = self.share is not None or is_controller(self.config)
        return RunJudge(self.options, has_workers=is_shared)

    def asking(self) -> Sequence[Asking]:
        """List the requests that have no answer yet."""
        return [one for engine in self._engines for one in engine.asking]

    @property
    def concurrency(self) -> int:
        """The most requests that this process may have in flight now, at least one."""
        most = 1
        for engine in self._engines:
            most = max(most, engine.max_concurrency)
        return most

    def make_model(self) -> Model:
        """Make the model that the options name.

        Raises:
            OptionError: They name none.
        """
        if self.backend is None:
            raise OptionError(
                "no model: name one with --model, or write a fixture named 'model'"
            )
        return self.as_model(self.backend)

    def as_model(self, value: Any) -> Model:
        """Take what a ``model`` fixture returned.

        Raises:
            OptionError: It is neither a Model nor a Backend, a Model that cannot be
                kept to the budget or the cache, or a Backend without an identity.
        """
        if isinstance(value, Model):
            model = value
            self._require_ours(model)
        elif isinstance(value, Backend):
            model = self._model(value)
        else:
            raise OptionError(
                f"the model fixture returned a {type(value).__name__}; it must be a "
                "Backend, such as MockBackend(handler), or a Model"
            )
        if model.engine not in self._engines:
            self._engines.append(model.engine)
        self._describe(model)
        return model

    def _require_ours(self, model: Model) -> None:
        """Refuse a Model that is not bound by what was asked for."""
        if model in self._models:
            return
        ignored = (
            [] if self.pace.budget is None else ["--max-total-tokens", "--max-cost"]
        )
        ignored += [] if self.options.use_cache is None else ["--use-cache"]
        ignored += [] if self.pace.issuing is None else ["the load that was asked for"]
        if ignored:
            raise OptionError(
                "the model fixture returned a Model that it made itself, which knows "
                f"nothing of {' and '.join(ignored)}; return its Backend"
            )

    def _model(self, backend: Backend) -> Model:
        for model in self._models:
            if model.backend is backend:
                return model
        if self.options.measure_latency or (
            wants_stream(self.options) and isinstance(backend, StreamingBackend)
        ):
            stream(backend)
        self.counting.add(backend)
        if self._server is None:
            self._server = start_server(self.config, backend, self.folder)
        may_return = self._server is None and not is_started_here(self.config)
        engine = self.pace.engine(backend, may_return=may_return)
        model = Model(engine, self.loop.run_until_complete)
        self._models.append(model)
        return model

    def _describe(self, model: Model) -> None:
        """Record which model answers, the first where there are several.

        Once it has answered it may tell more, such as what it loaded: the last
        description counts.
        """
        if self._described is not None and self._described[0] is not model:
            return
        described = (model, without_secrets(model.backend.describe()))
        if described == self._described:
            return
        is_fixture = self._described is None and self.options.model is None
        if is_fixture and self.resumption is not None:
            description = model.backend.describe()
            self.resumption.require_model(self.config, model.name, description)
        self._described = described
        line = {
            "kind": "model",
            "name": model.name,
            "description": described[1],
        }
        self._record(line)

    def _record_event(self, event: Event) -> None:
        """Record what an engine decided, or tell it at once."""
        if isinstance(event, EndpointGone | EndpointBack):
            self.notices.post(notice_of(event, self.options))
        else:
            self._record(event_line(event, self.started_at, self.share))

    def _record(self, line: Mapping[str, Any]) -> None:
        self.journal.write(encode(line) + b"\n")

    def record_selection(self, selection: SelectionDict) -> None:
        """Record what this process sets out to do of one task.

        The groups that the run was asked for are recorded before the first.
        """
        if not self._told_groups:
            self._told_groups = True
            for group in asked_of(self.config).groups:
                self.journal.write_group(group_line(group))
        self.journal.write_selection(selection)

    def given_options(self) -> Mapping[str, Any]:
        """List the options in force, as the results record them."""
        return given_options(self.config)

    def count_tokens(self) -> str | None:
        """Count, now that nobody is asked any more, what endpoints did not tell.

        Returns:
            What went wrong, in one line, or None.
        """
        process = worker_input(self.config).get("workerid", "main")
        try:
            if self.counting.settle():
                self.counting.count(process, self.journal.write, self.notices.post)
        except ResultsError as error:
            return f"tokens were not counted: {error}"
        # What counts may be a user's own and raise anything; the results are to stand.
        except Exception as error:  # noqa: BLE001
            return f"tokens were not counted: {type(error).__name__}: {error}"
        finally:
            self.counting.close()
        return None

    def close_models(self) -> str | None:
        """Give back what the models hold.

        Returns:
            What went wrong, in one line, or None.
        """
        problem = None
        for model in self._models:
            try:
                if self._described is not None:
                    self._describe(model)
                run_through(self.loop, model.backend.aclose())
            # A user's backend may raise anything, and the results are to stand.
            except Exception as error:  # noqa: BLE001
                problem = f"{model.name} did not close: {type(error).__name__}: {error}"
        self.cache.close()
        problem = self._close_judge() or problem
        if self._server is not None:
            problem = next(iter(self._server.obituaries()), problem)
            self._server.stop()
        return self._unsynced() or problem

    def _unsynced(self) -> str | None:
        """Have the journal on the disk before anything is concluded from it."""
        if not self.has_journal:
            return None
        try:
            self.journal.sync()
        except ResultsError as error:
            return str(error)
        return None

    def _close_judge(self) -> str | None:
        """Record who judged, and give back what that held."""
        described = self.judge.described()
        if described is None:
            return None
        self.journal.write(encode(described) + b"\n")
        try:
            run_through(self.loop, self.judge.aclose())
        # As above: the results are to stand.
        except Exception as error:  # noqa: BLE001
            return f"the judge did not close: {type(error).__name__}: {error}"
        return None

    def close(self) -> None:
        """Give back files and the loop."""
        self.counting.close()
        if "loop" in vars(self):
            close_loop(self.loop)
        if self.has_journal:
            self.journal.close()
        if self.recorded is not None:
            self.recorded.close()
        if self.resumption is not None:
            self.resumption.close()


def run_of(config: pytest.Config) -> Run:
    """Get the run of this process, made when it is first needed."""
    run = config.stash.get(_RUN_KEY, None)
    if run is None:
        options = config.stash[OPTIONS_KEY]
        backend = named_backend(config, options)
        run = config.stash[_RUN_KEY] = Run(config, options, backend)
    return run


def live_run(config: pytest.Config) -> Run | None:
    """Get the run of this process if it was ever needed."""
    return config.stash.get(_RUN_KEY, None)
