"""A task, and a task whose documents are open."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from msgspec import Struct

from pytest_evalkit.conversations import Conversation
from pytest_evalkit.errors import DatasetError
from pytest_evalkit.scoring import (
    THINKING_TAGS,
    AnswerKey,
    ReasoningTags,
    ScoringPlan,
)
from pytest_evalkit.scoring.plan import ProcessResults
from pytest_evalkit.tasks import item_ids
from pytest_evalkit.tasks.asked import Asking
from pytest_evalkit.tasks.asking import LIKELIHOOD_TYPES, Asker
from pytest_evalkit.tasks.bundles import bind_bundles
from pytest_evalkit.tasks.conversation_asking import ConversationAsker
from pytest_evalkit.tasks.conversation_documents import open_conversations
from pytest_evalkit.tasks.conversation_plan import ConversationPlan
from pytest_evalkit.tasks.conversation_rules import ConversationRules
from pytest_evalkit.tasks.doc_hash import doc_hash
from pytest_evalkit.tasks.documents import Documents
from pytest_evalkit.tasks.locations import DataSources
from pytest_evalkit.tasks.opening import open_documents, open_fields
from pytest_evalkit.tasks.recipe import Recipe
from pytest_evalkit.tasks.rounds import Rounds
from pytest_evalkit.tasks.source import Place
from pytest_evalkit.tasks.templates import missing_column
from pytest_evalkit.values import GenerationParameters, Request

_FULL_DOCS = "full_docs"


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
        strips_thinking: Whether thought is taken out even where no tags are given.
        gates: Its conditions on aggregates, as written.
        gate_places: Where each of them stands.
        needs: What must be there to run it.
        parameters: How its answers are generated.
        conversation: How its conversations are led; None where its documents are none.
        runs_code: Whether scoring runs programs that the model wrote.
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
    strips_thinking: bool = False
    gates: tuple[Mapping[str, Any], ...]
    gate_places: tuple[Place, ...] = ()
    needs: tuple[str, ...]
    parameters: GenerationParameters
    recipe: Recipe = field(repr=False, compare=False)
    conversation: ConversationRules | None = field(
        init=False, repr=False, compare=False
    )
    runs_code: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read once what each document asks often."""
        object.__setattr__(self, "conversation", self.recipe.conversation)
        runs_code = bool(self.recipe.values.get("unsafe_code"))
        object.__setattr__(self, "runs_code", runs_code)

    def open(self, sources: DataSources) -> OpenedTask:
        """Find and open the documents.

        Args:
            sources: Where to look for them.

        Raises:
            DatasetError: They are not there or cannot be read.
            TaskError: A field names a column that they do not have.
        """
        if self.recipe.conversation is not None:
            return self._open_conversations(sources)
        documents = open_documents(self.recipe, sources)
        fields = open_fields(self.recipe, documents, sources)
        task = self._with_full_docs(documents)
        asker = Asker(task.recipe, fields, documents, task.scoring, task.parameters)
        return OpenedTask(task, documents, asker)

    def _open_conversations(self, sources: DataSources) -> OpenedTask:
        documents = open_conversations(self.recipe, sources)
        task = self._with_full_docs(documents)
        asker = ConversationAsker(task.recipe, documents, task.parameters)
        return OpenedTask(task, documents, asker, asker.planned)

    def tags_of_thought(self, given: ReasoningTags) -> ReasoningTags:
        """Choose the tags around thought that is taken out of answers.

        Args:
            given: Those of the run, which hold where the task does not say.
        """
        tags = given if self.reasoning_tags is None else self.reasoning_tags
        return tags or (THINKING_TAGS if self.strips_thinking else ())

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What ``metadata`` of its file says, functions by name; empty for nothing."""
        value = self.config.get("metadata") or {}
        if isinstance(value, list):
            value = value[0]
        return value if isinstance(value, dict) else {}

    @property
    def needs_likelihoods(self) -> bool:
        """Whether it asks how likely the model finds a text."""
        is_likelihood = self.output_type in LIKELIHOOD_TYPES
        return is_likelihood and not self.recipe.is_choice_as_generation

    @property
    def is_constructing(self) -> bool:
        """Whether a class of its own constructs its requests, of whichever kind."""
        return self.recipe.constructing is not None

    def _with_full_docs(self, documents: Documents) -> Task:
        """Hand the task's own scorer all documents, where it is written for that."""
        scorer = self.scoring.process_results
        if not self.recipe.values.get(_FULL_DOCS) or scorer is None:
            return self
        bound: ProcessResults = partial(scorer, **{_FULL_DOCS: documents})
        return replace(self, scoring=replace(self.scoring, process_results=bound))


class Prepared(Struct, frozen=True, kw_only=True):
    """A document that is ready to be asked.

    Attributes:
        doc: The document as the task sees it.
        doc_hash: The hash of its content.
        target: The expected answer as the task gives it, or None.
        choices: The answers to choose from; empty where the question is open.
        key: What its answers are scored by.
        requests: What is asked, each as often as the task repeats; at least one.
        rounds: How the dialogue goes on after each answer; None where one answer ends
            it.
        read: Takes from an answer what is scored; None to score it as it is.
        conversation: How the document is led, which is a conversation; its request is
            then the first of several. None for any other.
    """

    doc: dict[str, Any]
    doc_hash: str
    target: Any
    choices: tuple[str, ...]
    key: AnswerKey
    requests: tuple[Request, ...]
    rounds: Rounds | None = None
    read: Callable[[str], str] | None = None
    conversation: ConversationPlan | None = None


class OpenedTask:
    """A task with its documents.

    Attributes:
        task: The task.
        documents: What it evaluates, in order.
        id_column: The column that names documents; None where their positions do.
        item_ids: A unique name for each document, in document order.
        has_media: Whether preparing a document may read or decode media, which takes a
            while.

    Args:
        task: The same.
        documents: The same.
        asker: Writes what is asked about each.
        planned: Gets the conversation that a document is, by its position; None where
            documents are none.
    """

    def __init__(
        self,
        task: Task,
        documents: Documents,
        asker: Asking,
        planned: Callable[[int], Conversation] | None = None,
    ) -> None:
        self.task = task
        self.documents = documents
        self.has_media = _shows_media(task.recipe)
        self._asker = asker
        self._planned = planned
        self._keywords = self._keyword_columns()
        self._read_bundles = bind_bundles(task.recipe, documents)
        self.id_column = self._naming_column()
        self.item_ids: Sequence[str] = self._named()

    @cached_property
    def bundles(self) -> Sequence[Hashable] | None:
        """What each document shares with those that it belongs with, in document order.

        None of a document that stands alone, and in place of the whole where the task
        does not say what belongs together.

        Raises:
            TaskError: The task's own function or template fails.
        """
        return None if self._read_bundles is None else self._read_bundles()

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
        doc = self.documents[index]
        # Before any function of the task can change it.
        content_hash = doc_hash(doc)
        asked = self._asker.ask(index, doc)
        return Prepared(
            doc=doc,
            doc_hash=content_hash,
            target=asked.target,
            choices=asked.key.choices,
            key=asked.key,
            requests=asked.requests,
            rounds=asked.rounds,
            read=asked.read,
            conversation=asked.conversation,
        )

    def conversation(self, index: int) -> Conversation | None:
        """Get the conversation that a document is, as far as it is led; None for others.

        Args:
            index: The position of the document, from zero.
        """
        return None if self._planned is None else self._planned(index)

    @cached_property
    def tool_names(self) -> Sequence[str]:
        """The tools that any of its conversations offers, in the order they occur."""
        talks = (self.conversation(index) for index in range(len(self.documents)))
        return tuple(
            dict.fromkeys(
                tool.name
                for talk in talks
                if talk is not None
                for _, settings in talk.settings()
                for tool in settings.tools or ()
            )
        )

    def keywords(self, index: int) -> tuple[str, ...]:
        """Read the columns by which a user may select documents, as texts.

        Args:
            index: The position of the document, from zero.
        """
        return tuple(self.categories(index).values())

    def categories(self, index: int) -> dict[str, str]:
        """Read the same by the names of the columns; those without a value are absent.

        Args:
            index: The position of the document, from zero.
        """
        found: dict[str, str] = {}
        for name, column in self._keywords.items():
            value = column[index]
            if value is not None:
                found[name] = str(value)
        return found

    def _keyword_columns(self) -> dict[str, Sequence[Any]]:
        names = self.task.recipe.keywords
        for name in names:
            self._require(name, "keywords")
        return {name: self.documents.column(name) for name in names}

    def _require(self, column: str, key: str) -> None:
        if column not in self.documents.columns:
            place = self.task.recipe.source.place("metadata", key)
            raise missing_column(column, self.documents.columns, place)

    def _naming_column(self) -> str | None:
        given = self.task.recipe.id_column
        if given is not None:
            self._require(given, "id_column")
            values = self.documents.column(given)
            if values and not item_ids.is_naming(values):
                path, line = self.task.recipe.source.place("metadata", "id_column")
                raise DatasetError(
                    f"column {given!r} names documents, but not every value of it is a "
                    "text or a whole number",
                    path=path,
                    line=line,
                )
            return given
        for name in item_ids.ID_COLUMNS:
            is_there = name in self.documents.columns
            if is_there and item_ids.is_naming(self.documents.column(name)):
                return name
        return None

    def _named(self) -> list[str]:
        if self.id_column is None:
            return item_ids.positions(len(self.documents))
        return item_ids.unique(self.documents.column(self.id_column))


def _shows_media(recipe: Recipe) -> bool:
    keys = ("doc_to_visual", "doc_to_image", "doc_to_audio", "doc_to_messages")
    return any(recipe.values.get(key) is not None for key in keys)
