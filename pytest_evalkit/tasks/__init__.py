"""From a task file to documents and the requests that ask about them."""

from __future__ import annotations

from pytest_evalkit.tasks.catalogue import Catalogue
from pytest_evalkit.tasks.conversation_plan import ConversationPlan
from pytest_evalkit.tasks.conversation_rules import ConversationRules
from pytest_evalkit.tasks.discovery import find_tasks, is_group_file, is_task_file
from pytest_evalkit.tasks.doc_hash import doc_hash
from pytest_evalkit.tasks.documents import Documents
from pytest_evalkit.tasks.entries import Entry
from pytest_evalkit.tasks.groups import Group, GroupMetric, Selection, TaskReference
from pytest_evalkit.tasks.identity import task_identity
from pytest_evalkit.tasks.loading import load_task
from pytest_evalkit.tasks.locations import DataSources
from pytest_evalkit.tasks.offline import offline_sources, snapshot_path
from pytest_evalkit.tasks.rounds import Rounds
from pytest_evalkit.tasks.settings import TaskSettings
from pytest_evalkit.tasks.sizes import Sizes, sizes_of
from pytest_evalkit.tasks.task import OpenedTask, Prepared, Task

__all__ = [
    "Catalogue",
    "ConversationPlan",
    "ConversationRules",
    "DataSources",
    "Documents",
    "Entry",
    "Group",
    "GroupMetric",
    "OpenedTask",
    "Prepared",
    "Rounds",
    "Selection",
    "Sizes",
    "Task",
    "TaskReference",
    "TaskSettings",
    "doc_hash",
    "find_tasks",
    "is_group_file",
    "is_task_file",
    "load_task",
    "offline_sources",
    "sizes_of",
    "snapshot_path",
    "task_identity",
]
