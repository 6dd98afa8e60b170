"""Self-tests of tasks as pytest items: one for each check of each task."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import EvalkitError
from pytest_evalkit.evaluate.selftest import (
    CHECKS,
    InapplicableError,
    Subject,
    UnmetError,
)
from pytest_evalkit.plugin.options import OPTIONS_KEY
from pytest_evalkit.tasks import Task, offline_sources, snapshot_path

if TYPE_CHECKING:
    from pytest_evalkit.tasks import TaskReference

# The check that tells why a task cannot be opened; the others are then skipped.
_FIRST = "schema"


class TaskUnderTest(pytest.Collector):
    """A task between its file and its self-tests, which are the file's own items.

    Attributes:
        task: The task; its documents are opened by the first check that runs.
    """

    parent: pytest.File

    def __init__(self, *, task: Task, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.task = task

    def collect(self) -> Iterator[SelftestItem]:
        """Make an item of each check."""
        for check in CHECKS:
            name = f"{self.name}[selftest-{check}]"
            yield SelftestItem.from_parent(
                self, name=name, check=check, nodeid=f"{self.parent.nodeid}::{name}"
            )

    @cached_property
    def subject(self) -> Subject | str:
        """What is tested, or why it cannot be: where its documents are at fault.

        Raises:
            InapplicableError: There are no documents here.
        """
        from pytest_evalkit.plugin.run import run_of

        options = self.config.stash[OPTIONS_KEY]
        try:
            sources = offline_sources(self.task, options.data_dir)
            opened = None if sources is None else self.task.open(sources)
        except EvalkitError as error:
            return str(error)
        if opened is None:
            raise InapplicableError(
                "no documents without a network: neither a sample beside the task nor "
                "--data-dir with its data"
            )
        own = self.task.reasoning_tags
        return Subject(
            opened=opened,
            tags=run_of(self.config).tasks.reasoning_tags if own is None else own,
            snapshot=snapshot_path(self.task),
            is_updating=options.selftest_update,
            may_run_code=options.allow_code_execution,
        )


class SelftestItem(pytest.Item):
    """One check of one task.

    Attributes:
        check: Its name.
    """

    parent: TaskUnderTest

    def __init__(self, *, check: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check = check

    def runtest(self) -> None:
        """Check.

        Raises:
            UnmetError: It does not hold.
        """
        try:
            subject = self.parent.subject
            if isinstance(subject, str):
                if self.check == _FIRST:
                    raise UnmetError(subject)
                pytest.skip(f"the task cannot be opened, as its {_FIRST} says")
            CHECKS[self.check](subject)
        except InapplicableError as reason:
            pytest.skip(str(reason))

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> Any:
        """Tell what does not hold in one line; anything else with its traceback."""
        if isinstance(excinfo.value, UnmetError | EvalkitError):
            return " ".join(str(excinfo.value).split())
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, None, str]:
        """Head a failure by the name of the check."""
        return self.path, None, self.name


def task_under_test(
    file: pytest.File, reference: TaskReference | None
) -> TaskUnderTest:
    """Load the task of a file for its self-tests, without its documents.

    Raises:
        TaskError: The file is wrong.
    """
    from pytest_evalkit.plugin.run import run_of

    run = run_of(file.config)
    # Whether its programs may run, each check decides.
    task = run.tasks.load(file.path, reference, may_run_code=True)
    name = task.name.replace("::", ".")
    node: TaskUnderTest = TaskUnderTest.from_parent(file, name=name, task=task)
    return node


def keep_selftests(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out every test that is no self-test."""
    others = [item for item in items if not isinstance(item, SelftestItem)]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if isinstance(item, SelftestItem)]
