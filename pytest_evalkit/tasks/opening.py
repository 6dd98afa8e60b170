"""From what a loaded task says to its documents and its bound fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pytest_evalkit.errors import DatasetError, TaskError
from pytest_evalkit.messages import MediaPart, Message, TextPart
from pytest_evalkit.tasks import choices as lettering
from pytest_evalkit.tasks import item_ids
from pytest_evalkit.tasks.asking import LIKELIHOOD_TYPES, Fields
from pytest_evalkit.tasks.bundles import bundle_columns
from pytest_evalkit.tasks.conversations import Conversations
from pytest_evalkit.tasks.documents import Documents
from pytest_evalkit.tasks.fields import Doc, FieldBinder
from pytest_evalkit.tasks.locations import DataSources, locate
from pytest_evalkit.tasks.media_folders import MediaFolders, media_folders
from pytest_evalkit.tasks.prompt import Prompt, joined
from pytest_evalkit.tasks.reading import read_dataset, read_documents
from pytest_evalkit.tasks.recipe import Recipe
from pytest_evalkit.tasks.shots import Rewrite, open_shots
from pytest_evalkit.tasks.source import Source

_MEDIA = {"doc_to_visual": None, "doc_to_image": "image", "doc_to_audio": "audio"}

__all__ = ["Recipe", "open_documents", "open_fields"]


def open_documents(recipe: Recipe, sources: DataSources) -> Documents:
    """Open the split that is evaluated.

    Raises:
        DatasetError: It is not there or cannot be read.
    """
    if recipe.python is not None:
        source = _without_class(recipe.source)
        recipe.python.read_with(
            lambda split: read_dataset(locate(source, split, sources), source)
        )
    id_columns = (recipe.id_column,) if recipe.id_column else item_ids.ID_COLUMNS
    documents = _read(
        recipe,
        recipe.split,
        sources,
        process_docs=recipe.values.get("process_docs"),
        keep=(*id_columns, *recipe.keywords, *bundle_columns(recipe.group_by)),
    )
    if len(documents) == 0:
        raise DatasetError(
            f"split {recipe.split!r} has no documents", path=recipe.source.path
        )
    return documents


def open_fields(recipe: Recipe, documents: Documents, sources: DataSources) -> Fields:
    """Bind the fields of a task to the columns of its documents.

    Raises:
        DatasetError: The examples to show are not there or cannot be read.
        TaskError: A field names a column that does not exist, or a template is wrong.
    """
    values = recipe.values
    binder = FieldBinder(
        source=recipe.source,
        columns=documents.columns,
        kwargs=recipe.kwargs,
        is_strict=recipe.is_strict,
    )
    folders = (documents.folder, recipe.source.path.parent)
    conversations = Conversations(
        tuple(place for place in folders if place is not None),
        _media_folders(recipe, recipe.split, sources),
    )

    def read(split: str, process_docs: Any) -> Documents:
        return _read(recipe, split, sources, process_docs=process_docs)

    media = partial(_media, recipe, conversations)
    rewrite = _rewrite(recipe) if recipe.is_choice_as_generation else None
    text, ideal = values.get("doc_to_text"), values.get("doc_to_ideal")
    choice = values.get("doc_to_choice")
    return Fields(
        prompt=_prompt(
            recipe,
            binder,
            open_shots(recipe, binder, documents, read, rewrite, media),
            media(binder),
        ),
        question=None
        if text is None
        else binder.question(text, "doc_to_text", has_choices=recipe.has_positions),
        conversation=_conversation(recipe, binder, conversations),
        target=_target(recipe, binder),
        ideal=None if ideal is None else binder.text(ideal, "doc_to_ideal"),
        choices=None if choice is None else binder.choices(choice, "doc_to_choice"),
        conversations=conversations,
    )


def _without_class(source: Source) -> Source:
    """Leave out of a file what a class makes of its data set."""
    made = ("class", "custom_dataset")
    values = {key: value for key, value in source.values.items() if key not in made}
    return replace(source, values=values)


def _read(
    recipe: Recipe,
    split: str,
    sources: DataSources,
    *,
    process_docs: Any,
    keep: Sequence[str] = (),
) -> Documents:
    # Only a function can look into an image; templates and columns pass it on.
    is_decoding = any(
        _has_function(value)
        for key, value in recipe.values.items()
        if key != "process_docs"
    )
    return read_documents(
        locate(recipe.source, split, sources),
        recipe.source,
        process_docs=process_docs,
        is_decoding=is_decoding,
        keep=keep,
        allowed=_media_folders(recipe, split, sources),
    )


def _media_folders(recipe: Recipe, split: str, sources: DataSources) -> MediaFolders:
    location = locate(recipe.source, split, sources)
    return media_folders(location, recipe.source.path.parent, sources)


def _has_function(value: Any) -> bool:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return any(_has_function(item) for item in inner)
    return callable(value)


def _prompt(
    recipe: Recipe,
    binder: FieldBinder,
    shots: Any,
    media: Callable[[Doc], list[MediaPart]] | None,
) -> Prompt:
    values = recipe.values
    prefix = values.get("gen_prefix")
    return Prompt(
        description=_description(recipe, binder),
        shots=shots,
        prefix=binder.text(prefix, "gen_prefix", is_word_text=True) if prefix else None,
        media=media,
        delimiters=recipe.delimiters,
        system_instruction=recipe.system_instruction,
        is_multiturn=recipe.is_multiturn,
        is_interleaving=recipe.is_interleaving,
    )


def _description(recipe: Recipe, binder: FieldBinder) -> Callable[[Doc], str]:
    said = recipe.values.get("description") or ""
    return binder.text(said, "description", is_word_text=True)


def _target(recipe: Recipe, binder: FieldBinder) -> Any:
    values = recipe.values
    target = values.get("doc_to_target")
    if target is None:
        return None
    # Where a scorer of the task's own reads the document, the target is only recorded,
    # and published files have words there that name no column.
    is_recorded = values.get("process_results") is not None and not recipe.num_fewshot
    return binder.target(
        target,
        "doc_to_target",
        has_choices=values.get("doc_to_choice") is not None,
        kwargs=recipe.target_kwargs,
        is_word_text=is_recorded or recipe.is_choice(target),
    )


def _media(
    recipe: Recipe, conversations: Conversations, binder: FieldBinder
) -> Callable[[Doc], list[MediaPart]] | None:
    """Bind the media of a question; images come before sounds."""
    bound = [
        (kind, _label(item, binder, key), binder.media(item, key))
        for key, kind in _MEDIA.items()
        if (value := recipe.values.get(key)) is not None
        for item in (value if isinstance(value, list) else [value])
    ]
    if not bound:
        return None
    output_type = recipe.output_type
    if output_type in LIKELIHOOD_TYPES and not recipe.is_choice_as_generation:
        remedy = (
            "use --choice-as-generation"
            if output_type == "multiple_choice"
            else "it cannot be run"
        )
        raise recipe.source.error(
            f"{output_type} with media: likelihoods are told of text alone; {remedy}",
            "output_type",
        )
    return lambda doc: [
        conversations.medium(value, kind, label)
        for kind, label, field in bound
        for value in field(doc)
    ]


def _label(value: Any, binder: FieldBinder, key: str) -> str:
    """Name where media come from: a column, or what makes them of several."""
    is_column = isinstance(value, str) and value in binder.columns
    return f"column {value!r}" if is_column else key


def _conversation(
    recipe: Recipe, binder: FieldBinder, conversations: Conversations
) -> Callable[[Doc], tuple[Message, ...]] | None:
    """Bind the messages that the task writes itself.

    A description and an instruction go first, as they do in prompts.
    """
    function = recipe.values.get("doc_to_messages")
    if function is None or recipe.is_choice_as_generation:
        return None
    said = binder.function(function, "doc_to_messages")
    description = _description(recipe, binder)

    def conversation(doc: Doc) -> tuple[Message, ...]:
        try:
            messages = conversations.messages(said(doc))
        except DatasetError:
            raise
        except TaskError as error:
            if error.path is not None:
                raise
            raise recipe.source.error(
                f"doc_to_messages: {error.message}", "doc_to_messages"
            ) from error
        return _instructed(recipe, messages, description(doc))

    return conversation


def _instructed(
    recipe: Recipe, messages: tuple[Message, ...], description: str
) -> tuple[Message, ...]:
    """Put an instruction and a description before messages.

    Both are the system's where there is an instruction; a description alone stands
    before what is said first by another.
    """
    between = recipe.delimiters.fewshot
    is_system = messages[0].role == "system"
    system, said = (messages[0].text, messages[1:]) if is_system else ("", messages)
    if recipe.system_instruction is not None:
        begin = joined(recipe.system_instruction, description, between)
        return (Message.of_text("system", joined(begin, system, between)), *said)
    if not description or not said:
        return messages
    first, *rest = said
    described = Message(first.role, (TextPart(description), *first.parts))
    return (*messages[: len(messages) - len(said)], described, *rest)


def _rewrite(recipe: Recipe) -> Rewrite:
    """Show examples as what is asked: a question with options, and a letter."""

    def rewrite(
        question: str | int, answer: Any, choices: Sequence[str]
    ) -> tuple[str, str]:
        text, options, gold = lettering.options_of(
            question, answer, choices, recipe.delimiters.target
        )
        try:
            letter = lettering.gold_letters(gold, options)[0]
        except ValueError as error:
            raise recipe.source.error(
                f"doc_to_target of an example: {error}", "doc_to_target"
            ) from error
        return lettering.lettered(text, options), letter

    return rewrite
