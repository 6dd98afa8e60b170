"""Task files and documents as pytest nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pytest_evalkit.errors import (
    EvalkitError,
    UnsafeTaskError,
    UnsuitedModelError,
)
from pytest_evalkit.plugin.asked import asked_of
from pytest_evalkit.plugin.garbage import look_less_often
from pytest_evalkit.plugin.options import OPTIONS_KEY
from pytest_evalkit.plugin.place import node_path
from pytest_evalkit.plugin.refusal import note_left_out, note_refusal

if TYPE_CHECKING:
    from pluggy import HookRelay

    from pytest_evalkit.plugin.selftest import TaskUnderTest
    from pytest_evalkit.tasks import OpenedTask, TaskReference

# Most YAML in a user's tree is none of ours; this tells without importing a parser.
_MAYBE_TASK = re.compile(rb"""^["']?(?:task|group|include)["']?\s*:""", re.MULTILINE)


def collect_task_file(file_path: Path, parent: pytest.Collector) -> TaskFile | None:
    """Make a node of a YAML file if it is a task that was asked for."""
    is_named = file_path in asked_of(parent.config).tasks
    is_explicit = is_named or parent.session.isinitpath(file_path)
    if not is_explicit and not _MAYBE_TASK.search(file_path.read_bytes()):
        return None
    from pytest_evalkit.tasks import is_task_file

    if not is_task_file(file_path, explicit=is_explicit):
        return None
    return TaskFile.from_parent(
        parent, path=file_path, nodeid=node_path(parent.config, file_path)
    )


class TaskFile(pytest.Module):
    """A task YAML; the documents of its task are its items.

    It is a module, as doctest's text files are, so that module fixtures have a node.
    Groups may ask for several forms of its task; then it has the documents of each.
    """

    obj = None

    @cached_property
    def report_hook(self) -> HookRelay:
        """The hooks that hear of the file's documents; looking them up is dear."""
        return self.ihook

    def collect(self) -> Iterator[pytest.Item]:
        """Open the tasks' documents, as light items; or make their self-tests.

        Raises:
            CollectError: The task file is wrong or its documents cannot be read.
        """
        look_less_often(self.config)
        options = self.config.stash[OPTIONS_KEY]
        for reference in asked_of(self.config).references(self.path):
            if options.selftest:
                yield from self._task_under_test(reference).collect()
            else:
                yield from self._task_node(reference).collect()

    def _is_named(self) -> bool:
        """Tell whether the file itself is asked for, not a folder that it lies in."""
        arguments = (Path(arg.partition("::")[0]) for arg in self.config.args)
        is_given = any(path.absolute() == self.path for path in arguments)
        return is_given or self.path in asked_of(self.config).tasks

    def _task_under_test(self, reference: TaskReference | None) -> TaskUnderTest:
        from pytest_evalkit.plugin.selftest import task_under_test

        try:
            return task_under_test(self, reference)
        except EvalkitError as error:
            raise self.CollectError(str(error)) from None

    def _task_node(self, reference: TaskReference | None) -> TaskNode:
        from pytest_evalkit.plugin.run import run_of

        try:
            opened = run_of(self.config).tasks.open(self.path, reference)
        except UnsafeTaskError as error:
            if self._is_named():
                raise self.CollectError(str(error)) from None
            self._leave_out(error.message, str(error))
        except UnsuitedModelError as error:
            if self._is_named():
                note_refusal(self.config)
                raise self.CollectError(str(error)) from None
            self._leave_out(error.reason, str(error))
        except EvalkitError as error:
            raise self.CollectError(str(error)) from None
        # Two colons would end the part of a node id that names the task.
        name = opened.task.name.replace("::", ".")
        node: TaskNode = TaskNode.from_parent(self, name=name, opened=opened)
        return node

    def _leave_out(self, reason: str, place_and_reason: str) -> NoReturn:
        """Skip the file, which only lies where other tasks are asked for."""
        note_left_out(self.config, self.path.name, reason)
        pytest.skip(place_and_reason, allow_module_level=True)


class TaskNode(pytest.Collector):
    """A task between its file and its documents, which are the file's own items.

    Attributes:
        opened: The task with its documents.
    """

    parent: TaskFile

    def __init__(self, *, opened: OpenedTask, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.opened = opened
        for tag in opened.task.tags:
            self.config.addinivalue_line("markers", f"{tag}: a tag of tasks")
            self.add_marker(tag)

    @property
    def file(self) -> TaskFile:
        """The file of the task."""
        return self.parent

    @property
    def report_hook(self) -> HookRelay:
        """The hooks that hear of the task's documents."""
        return self.parent.report_hook

    def collect(self) -> Iterator[DocumentItem]:
        """Make the documents' items, named as those of the file."""
        for doc_id, item_id in enumerate(self.opened.item_ids):
            item_name = f"{self.name}[{item_id}]"
            # Said as a text, since what pytest itself would make of a name in brackets
            # is not what it reads back from its cache, and --lf would find nothing.
            yield DocumentItem.from_parent(
                self,
                name=item_name,
                doc_id=doc_id,
                nodeid=f"{self.parent.nodeid}::{item_name}",
            )


class DocumentItem(pytest.Item):
    """One document of a task.

    Attributes:
        doc_id: Position of the document in its split.
    """

    parent: TaskNode

    def __init__(self, *, doc_id: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.doc_id = doc_id

    @property
    def task_file(self) -> TaskFile:
        """The task file that the document belongs to."""
        return self.parent.file

    def shares_file(self, other: pytest.Item | None) -> bool:
        """Tell whether another item is a document of the same file."""
        return isinstance(other, DocumentItem) and other.task_file is self.task_file

    @property
    def ihook(self) -> HookRelay:
        """The hooks that hear of the document: those of its file, looked up once."""
        return self.parent.report_hook

    @property
    def location(self) -> tuple[str, int | None, str]:
        """Where to look: the task file, without pytest's costly path arithmetic."""
        return (self.parent.file.nodeid, None, self.name)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Head a failure by the document's name."""
        return self.path, None, self.name

    def runtest(self) -> None:
        """Fail: documents run by a protocol of their own.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError(f"{self.nodeid} was run outside its own protocol")

    def listextrakeywords(self) -> set[str]:
        """Let ``-k`` see the values of the columns that the task names."""
        keywords = super().listextrakeywords()
        opened = self.parent.opened
        keywords.update(opened.keywords(self.doc_id))
        keywords.update(opened.task.tags)
        return keywords
