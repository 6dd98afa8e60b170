"""The examples of a prompt: where they come from, and how each is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Protocol

from pytest_evalkit.errors import TaskError
from pytest_evalkit.messages import MediaPart
from pytest_evalkit.tasks.documents import Documents, Rows
from pytest_evalkit.tasks.fewshot import (
    SAMPLERS,
    OwnSampler,
    Pool,
    Sampler,
    ShortPoolError,
)
from pytest_evalkit.tasks.fields import Doc, Field, FieldBinder, as_position
from pytest_evalkit.tasks.functions import guarded
from pytest_evalkit.tasks.prompt import Shot
from pytest_evalkit.tasks.recipe import Recipe

# Rendered shots kept at hand; a pool may have thousands of documents, and media weigh.
_KEPT_SHOTS = 1024
_KEPT_SHOTS_WITH_MEDIA = 16
_OWN_FIELDS = ("doc_to_text", "doc_to_target", "doc_to_choice", "gen_prefix")

Shots = Callable[[int, Doc], Sequence[Shot]]
# (text or position of the question, answer, choices) -> what is shown of both.
Rewrite = Callable[[str | int, Any, Sequence[str]], tuple[str, str]]
# Binds the media of a question to columns; None for a task of text alone.
BindMedia = Callable[[FieldBinder], Callable[[Doc], Sequence[MediaPart]] | None]


class ReadSplit(Protocol):
    """Opens a split of the task's data set."""

    def __call__(self, split: str, process_docs: Any) -> Documents:
        """Open a split through a function of the task, or None."""
        ...


def open_shots(
    recipe: Recipe,
    binder: FieldBinder,
    documents: Documents,
    read: ReadSplit,
    rewrite: Rewrite | None,
    bind_media: BindMedia,
) -> Shots | None:
    """Make the function that gives a document's examples.

    Args:
        recipe: The task.
        binder: Binds fields to the columns of the evaluated documents.
        documents: What is evaluated.
        read: Opens another split.
        rewrite: Changes a question and its answer before they are shown, or None.
        bind_media: Binds the media that are shown with a question.

    Returns:
        From position and document to examples; None where none are shown.

    Raises:
        DatasetError: The pool cannot be read.
        TaskError: It is too small, or a field of the examples is wrong.
    """
    if recipe.num_fewshot == 0:
        return None
    try:
        pool = _pool(recipe, documents, read)
    except ShortPoolError as error:
        raise recipe.source.error(str(error), "num_fewshot") from error
    names = list(pool.documents.columns)
    binder = replace(binder, names=names)
    media = bind_media(binder)
    render = _renderer(recipe, binder, rewrite)
    if media is not None:
        render = _with_media(render, media)
    kept = _KEPT_SHOTS if media is None else _KEPT_SHOTS_WITH_MEDIA
    choose = _chooser(recipe, pool, render, kept)

    def shots(index: int, doc: Doc) -> Sequence[Shot]:
        try:
            return choose(index, doc)
        except ShortPoolError as error:
            raise recipe.source.error(str(error), "num_fewshot") from error

    return shots


def _with_media(
    render: Callable[[Doc], Shot], media: Callable[[Doc], Sequence[MediaPart]]
) -> Callable[[Doc], Shot]:
    return lambda doc: render(doc)._replace(media=tuple(media(doc)))


def _chooser(
    recipe: Recipe, pool: Pool, render: Callable[[Doc], Shot], kept: int
) -> Callable[[int, Doc], Sequence[Shot]]:
    name = recipe.fewshot.get("sampler") or "default"
    if callable(name):
        place = recipe.source.place("fewshot_config", "sampler")
        what = "fewshot_config.sampler"
        own = guarded(OwnSampler, what, place)(pool, recipe.fewshot_seed, name)
        sample = guarded(own, what, place)
        return lambda index, _: [render(doc) for doc in sample(index)]
    sampler: Sampler = SAMPLERS[name](pool, recipe.fewshot_seed)

    @lru_cache(maxsize=kept)
    def shot(position: int) -> Shot:
        return render(pool.documents[position])

    return lambda index, doc: [shot(position) for position in sampler(index, doc)]


def _pool(recipe: Recipe, documents: Documents, read: ReadSplit) -> Pool:
    split = recipe.fewshot_split
    shown = _selected(recipe, _pool_documents(recipe, documents, read))
    return Pool(
        shown,
        recipe.num_fewshot,
        # Equal names are the published rule, and so are two that are missing.
        is_excluding=split == recipe.values.get("test_split"),
        is_kept_out=not recipe.is_strict
        and (split or _fallback_split(recipe)) == recipe.split,
        evaluated=documents,
    )


def _fallback_split(recipe: Recipe) -> str | None:
    """Name the split to show examples of; None for those written in the file."""
    if recipe.fewshot.get("samples") is not None:
        return None
    values = recipe.values
    return (
        values.get("training_split") or values.get("validation_split") or recipe.split
    )


def _pool_documents(recipe: Recipe, documents: Documents, read: ReadSplit) -> Documents:
    process_docs = recipe.values.get("process_docs")
    split = recipe.fewshot_split
    if split is not None:
        # Only a split that is named goes through the examples' own function.
        process_docs = recipe.fewshot.get("process_docs") or process_docs
    split = split or _fallback_split(recipe)
    if split is None:
        return Rows(_samples(recipe, recipe.fewshot["samples"]))
    if split == recipe.split and process_docs is recipe.values.get("process_docs"):
        return documents
    return read(split, process_docs)


def _samples(recipe: Recipe, value: Any) -> list[dict[str, Any]]:
    if callable(value):
        place = recipe.source.place("fewshot_config", "samples")
        value = guarded(value, "fewshot_config.samples", place)()
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return value
    message = "fewshot_config.samples must be a list of documents"
    raise recipe.source.error(message, "fewshot_config", "samples")


def _selected(recipe: Recipe, pool: Documents) -> Documents:
    """Keep the documents that ``fewshot_indices`` names, in its order.

    The published system accepts the key and does nothing with it.
    """
    indices = recipe.fewshot.get("fewshot_indices")
    if indices is None or recipe.is_strict:
        return pool
    for index in indices:
        if type(index) is not int or not 0 <= index < len(pool):
            raise recipe.source.error(
                f"fewshot_indices holds {index!r}, but must hold positions from 0 to "
                f"{len(pool) - 1}",
                "fewshot_config",
                "fewshot_indices",
            )
    return Rows([pool[index] for index in indices])


def _renderer(
    recipe: Recipe, binder: FieldBinder, rewrite: Rewrite | None
) -> Callable[[Doc], Shot]:
    """Make the function that writes an example; it may have fields of its own."""
    config = recipe.fewshot
    own = {key: config[key] for key in _OWN_FIELDS if config.get(key) is not None}
    values = {**recipe.values, **own}
    # Whether digits are a position is for the task to say, not for its examples.
    has_choices = recipe.values.get("doc_to_choice") is not None
    question = binder.question(
        values.get("doc_to_text"),
        *_way(own, "doc_to_text"),
        has_choices=recipe.has_positions,
    )
    target = _target(recipe, binder, values, own, has_choices=has_choices)
    choice, prefix = values.get("doc_to_choice"), values.get("gen_prefix")
    choices = (
        binder.choices(choice, *_way(own, "doc_to_choice"))
        if choice is not None
        else None
    )
    begin = (
        binder.text(prefix, *_way(own, "gen_prefix"), is_word_text=True)
        if prefix
        else None
    )

    def render(doc: Doc) -> Shot:
        text, answer = question(doc), target(doc) if target is not None else None
        given = choices(doc) if choices is not None else ()
        if rewrite is not None:
            text, answer = rewrite(text, answer, given)
        elif not isinstance(text, str):
            text, given = _input(recipe, text, given), ()
        return Shot(
            text,
            _answer(recipe, answer, given),
            begin(doc) if begin is not None else "",
        )

    return render


def _target(
    recipe: Recipe,
    binder: FieldBinder,
    values: Mapping[str, Any],
    own: Mapping[str, Any],
    *,
    has_choices: bool,
) -> Field | None:
    target = values.get("doc_to_target")
    if target is None:
        return None
    return binder.target(
        target,
        *_way(own, "doc_to_target"),
        has_choices=has_choices,
        kwargs=recipe.target_kwargs,
        is_word_text=recipe.is_choice(target),
    )


def _way(own: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return ("fewshot_config", key) if key in own else (key,)


def _input(recipe: Recipe, position: int, choices: Sequence[str]) -> str:
    """Take the input that is right, where a task compares several."""
    if 0 <= position < len(choices) or (recipe.is_strict and -len(choices) <= position):
        return choices[position]
    raise recipe.source.error(
        f"doc_to_text of an example is {position}, but there are {len(choices)} "
        "choices",
        "doc_to_text",
    )


def _answer(recipe: Recipe, answer: Any, choices: Sequence[str]) -> str | None:
    """Write the answer of an example: the choice it means, or the first of several."""
    if answer is None or answer == "":
        return None
    first = answer[0] if isinstance(answer, list) and answer else answer
    if isinstance(first, str):
        return first
    is_position = first is answer or not recipe.is_strict
    position = as_position(first) if is_position else None
    if position is not None:
        # The published system counts a negative position from the end.
        least = -len(choices) if recipe.is_strict else 0
        if least <= position < len(choices):
            return choices[position]
    raise _answer_error(recipe, answer)


def _answer_error(recipe: Recipe, answer: Any) -> TaskError:
    return recipe.source.error(
        f"the answer of an example is {answer!r}, but must be text", "doc_to_target"
    )
