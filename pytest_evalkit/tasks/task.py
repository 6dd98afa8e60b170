"""A task, and a task whose documents are open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.scoring import ScoringPlan
from pytest_evalkit.tasks import item_ids
from pytest_evalkit.tasks.doc_hash import doc_hash
from pytest_evalkit.tasks.documents import Documents
from pytest_evalkit.tasks.locations import DataSources
from pytest_evalkit.tasks.opening import Fields, Recipe, open_documents, open_fields
from pytest_evalkit.tasks.templates import missing_column
from pytest_evalkit.values import Generate, GenerationParameters, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One benchmark, as its file and the command line say.

    Attributes:
        name: Unique name; the key of its results.
        alias: What tables call it.
        path: The task file.
        tags: Names of the collections it belongs to.
        version: What ``metadata.version`` says, or None.
        num_fewshot: How many examples each prompt shows.
        output_type: What is asked of the model.
        config: The file after its includes, as JSON values; functions by name.
        scoring: Its filters and metrics.
        repeats: How often each document is asked, at least once.
        reasoning_tags: Pairs of tags around thoughts; empty for none, None where the
            task does not say.
        gates: Its conditions on aggregates, as written.
        needs: What must be there to run it.
        parameters: How its answers are generated.
    """

    name: str
    alias: str
    path: Path
    tags: tuple[str, ...]
    version: Any
    num_fewshot: int
    output_type: str
    config: Mapping[str, Any]
    scoring: ScoringPlan
    repeats: int
    reasoning_tags: tuple[tuple[str, str], ...] | None
    gates: tuple[Mapping[str, Any], ...]
    needs: tuple[str, ...]
    parameters: GenerationParameters
    recipe: Recipe = field(repr=False, compare=False)

    def open(self, sources: DataSources) -> OpenedTask:
        """Find and open the documents.

        Args:
            sources: Where to look for them.

        Raises:
            DatasetError: They are not there or cannot be read.
            TaskError: A field names a column that they do not have.
        """
        documents = open_documents(self.recipe, sources)
        fields = open_fields(self.recipe, documents, sources)
        return OpenedTask(self, documents, fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A document that is ready to be asked.

    Attributes:
        doc: The document as the task sees it.
        doc_hash: The hash of its content.
        target: The expected answer in whatever form scoring takes it, or None.
        choices: The answers to choose from; empty where the question is open.
        requests: One for each repeat.
    """

    doc: dict[str, Any]
    doc_hash: str
    target: Any
    choices: tuple[str, ...]
    requests: tuple[Generate, ...]


class OpenedTask:
    """A task with its documents.

    Attributes:
        task: The task.
        documents: What it evaluates, in order.
    """

    def __init__(self, task: Task, documents: Documents, fields: Fields) -> None:
        self.task = task
        self.documents = documents
        self._fields = fields
        self._keywords = self._keyword_columns()
        self._item_ids = self._named()

    @property
    def item_ids(self) -> Sequence[str]:
        """A unique name for each document, in document order."""
        return self._item_ids

    @property
    def has_media(self) -> bool:
        """Whether preparing a document may read or decode media, which takes a while."""
        return self._fields.prompt.visuals is not None

    @cached_property
    def fingerprint(self) -> str:
        """What identifies the content of the documents."""
        return self.documents.fingerprint()

    def prepare(self, index: int) -> Prepared:
        """Read a document and write its requests.

        Args:
            index: Its position, from zero.

        Raises:
            TaskError: A field of the task does not work for it.
            DatasetError: A medium of it cannot be read.
            CodecError: It holds a value that has no JSON form.
        """
        fields = self._fields
        doc = self.documents[index]
        # Before any function of the task can change it.
        content_hash = doc_hash(doc)
        choices = fields.choices(doc) if fields.choices is not None else ()
        target = self._target(doc, choices)
        ideal = fields.ideal(doc) if fields.ideal is not None else None
        messages = fields.prompt.messages(index, doc)
        requests = tuple(
            Generate(
                messages=messages,
                parameters=self.task.parameters,
                origin=Origin(
                    task=self.task.name,
                    doc_id=index,
                    doc=doc,
                    target=target,
                    ideal=ideal,
                    choices=choices,
                    repeat=repeat,
                ),
            )
            for repeat in range(self.task.repeats)
        )
        return Prepared(
            doc=doc,
            doc_hash=content_hash,
            target=target,
            choices=choices,
            requests=requests,
        )

    def keywords(self, index: int) -> tuple[str, ...]:
        """Read the columns by which a user may select documents, as texts.

        Args:
            index: The position of the document, from zero.
        """
        values = (column[index] for column in self._keywords)
        return tuple(str(value) for value in values if value is not None)

    def _target(self, doc: Mapping[str, Any], choices: tuple[str, ...]) -> Any:
        if self._fields.target is None:
            return None
        target = self._fields.target(doc)
        is_scored_by_metric = self.task.scoring.process_results is None
        if choices and is_scored_by_metric:
            return chosen(target, choices, self._target_error)
        return target

    def _target_error(self, message: str) -> Exception:
        return self.task.recipe.source.error(message, "doc_to_target")

    def _keyword_columns(self) -> list[Sequence[Any]]:
        names = self.task.recipe.keywords
        for name in names:
            self._require(name, "keywords")
        return [self.documents.column(name) for name in names]

    def _require(self, column: str, key: str) -> None:
        if column not in self.documents.columns:
            place = self.task.recipe.source.place("metadata", key)
            raise missing_column(column, self.documents.columns, place)

    def _named(self) -> list[str]:
        column = self.task.recipe.id_column
        if column is not None:
            self._require(column, "id_column")
            values = self.documents.column(column)
            if values and not item_ids.is_naming(values):
                path, line = self.task.recipe.source.place("metadata", "id_column")
                raise DatasetError(
                    f"column {column!r} names documents, but not every value of it is "
                    "a text or a whole number",
                    path=path,
                    line=line,
                )
            return item_ids.unique(values)
        for name in item_ids.ID_COLUMNS:
            if name in self.documents.columns:
                values = self.documents.column(name)
                if item_ids.is_naming(values):
                    return item_ids.unique(values)
        return item_ids.positions(len(self.documents))


def chosen(
    target: Any, choices: Sequence[str], error: Callable[[str], Exception]
) -> Any:
    """Replace positions among the choices by the choices themselves.

    Args:
        target: A position, a list of them, or anything else, which stays as it is.
        choices: The answers to choose from.
        error: Makes the exception for a position that there is not.
    """
    if isinstance(target, list):
        return [chosen(item, choices, error) for item in target]
    if type(target) is not int:
        return target
    if not 0 <= target < len(choices):
        raise error(
            f"there is no choice {target}; the choices are 0 to {len(choices) - 1}"
        )
    return choices[target]
