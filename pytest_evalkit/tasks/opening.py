"""From what a loaded task says to its documents and its bound fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pytest_evalkit.errors import DatasetError, TaskError
from pytest_evalkit.tasks import item_ids
from pytest_evalkit.tasks.documents import Documents, Rows
from pytest_evalkit.tasks.fewshot import SAMPLERS, Pool, Sampler, ShortPoolError
from pytest_evalkit.tasks.fields import Doc, Field, FieldBinder
from pytest_evalkit.tasks.functions import guarded
from pytest_evalkit.tasks.locations import DataSources, locate
from pytest_evalkit.tasks.prompt import Prompt, Shot
from pytest_evalkit.tasks.reading import read_documents
from pytest_evalkit.tasks.source import Source

# Rendered shots kept at hand; a pool may have thousands of documents.
_KEPT_SHOTS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is needed to open a task: its file with functions in place of references.

    Attributes:
        source: The file, for messages and for where data are.
        values: Its keys; functions are callable.
        num_fewshot: How many examples each prompt shows.
        fewshot_seed: Starts the stream that draws them.
        system_instruction: A system message, or None.
        is_multiturn: Whether examples are turns of a conversation.
        kwargs: Second argument of the task's functions, or None.
        target_kwargs: The same for ``doc_to_target``, or None for the common one.
        id_column: The column that names documents, or None to look for one.
        keywords: Columns by which documents can be selected.
    """

    source: Source
    values: Mapping[str, Any]
    num_fewshot: int
    fewshot_seed: int
    system_instruction: str | None
    is_multiturn: bool
    kwargs: Mapping[str, Any] | None
    target_kwargs: Mapping[str, Any] | None
    id_column: str | None
    keywords: tuple[str, ...]

    @property
    def split(self) -> str:
        """The split that is evaluated."""
        return str(self.values.get("test_split") or self.values["validation_split"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The fields of a task, as functions of a document.

    Attributes:
        prompt: How it asks.
        target: The expected answer, or None where the task has none.
        ideal: How a perfect answer reads, or None where it reads as the target does.
        choices: The answers to choose from, or None.
    """

    prompt: Prompt
    target: Field | None
    ideal: Callable[[Doc], str] | None
    choices: Callable[[Doc], tuple[str, ...]] | None


def open_documents(recipe: Recipe, sources: DataSources) -> Documents:
    """Open the split that is evaluated.

    Raises:
        DatasetError: It is not there or cannot be read.
    """
    id_columns = (recipe.id_column,) if recipe.id_column else item_ids.ID_COLUMNS
    documents = _read(
        recipe,
        recipe.split,
        sources,
        process_docs=recipe.values.get("process_docs"),
        keep=(*id_columns, *recipe.keywords),
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
        source=recipe.source, columns=documents.columns, kwargs=recipe.kwargs
    )
    target, choices = _answers(recipe, binder, values, ())
    ideal = values.get("doc_to_ideal")
    visuals = values.get("doc_to_visual")
    folders = (documents.folder, recipe.source.path.parent)
    prompt = Prompt(
        text=binder.text(values["doc_to_text"], "doc_to_text"),
        description=binder.text(values.get("description") or "", "description"),
        shots=_shots(recipe, binder, documents, sources),
        visuals=binder.visuals(visuals) if visuals is not None else None,
        target_delimiter=_delimiter(values, "target_delimiter", " "),
        fewshot_delimiter=_delimiter(values, "fewshot_delimiter", "\n\n"),
        system_instruction=recipe.system_instruction,
        is_multiturn=recipe.is_multiturn,
        folders=tuple(folder for folder in folders if folder is not None),
    )
    return Fields(
        prompt=prompt,
        target=target,
        ideal=binder.text(ideal, "doc_to_ideal") if ideal is not None else None,
        choices=choices,
    )


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
    )


def _has_function(value: Any) -> bool:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return any(_has_function(item) for item in inner)
    return callable(value)


def _delimiter(values: Mapping[str, Any], key: str, default: str) -> str:
    """Read a delimiter: that of the examples, the task's own, the common one."""
    for given in ((values.get("fewshot_config") or {}).get(key), values.get(key)):
        if given is not None:
            return str(given)
    return default


def _answers(
    recipe: Recipe, binder: FieldBinder, values: Mapping[str, Any], way: tuple[str, ...]
) -> tuple[Field | None, Callable[[Doc], tuple[str, ...]] | None]:
    """Bind the expected answer and the choices."""
    choice, target = values.get("doc_to_choice"), values.get("doc_to_target")
    choices = None
    if choice is not None:
        choices = binder.choices(choice, *way, "doc_to_choice")
    if target is None:
        return None, choices
    bound = binder.target(
        target,
        *way,
        "doc_to_target",
        has_choices=choice is not None,
        kwargs=recipe.target_kwargs,
    )
    return bound, choices


def _shots(
    recipe: Recipe, binder: FieldBinder, documents: Documents, sources: DataSources
) -> Callable[[int, Doc], list[Shot]] | None:
    if recipe.num_fewshot == 0:
        return None
    pool = _pool(recipe, documents, sources)
    config = recipe.values.get("fewshot_config") or {}
    sampler: Sampler = SAMPLERS[config.get("sampler") or "default"](
        pool, recipe.fewshot_seed
    )
    render = _shot_renderer(recipe, binder)

    @lru_cache(maxsize=_KEPT_SHOTS)
    def shot(position: int) -> Shot:
        return render(pool.documents[position])

    def shots(index: int, doc: Doc) -> list[Shot]:
        try:
            return [shot(position) for position in sampler(index, doc)]
        except ShortPoolError as error:
            raise recipe.source.error(str(error), "num_fewshot") from error

    return shots


def _pool(recipe: Recipe, documents: Documents, sources: DataSources) -> Pool:
    config = recipe.values.get("fewshot_config") or {}
    split = config.get("split") or recipe.values.get("fewshot_split")
    pool_split = split or _fallback_split(recipe, config)
    pool = _pool_documents(recipe, pool_split, documents, sources)
    # Equal names are the published rule, and so are two that are missing. The rest
    # keeps an answer out of its own prompt where the published rule would show it.
    is_same_name = split == recipe.values.get("test_split")
    is_same_split = pool_split == recipe.split
    try:
        return Pool(
            pool,
            recipe.num_fewshot,
            is_excluding=is_same_name or is_same_split,
            is_evaluated_split=pool is documents,
        )
    except ShortPoolError as error:
        raise recipe.source.error(str(error), "num_fewshot") from error


def _fallback_split(recipe: Recipe, config: Mapping[str, Any]) -> str | None:
    """Name the split to show examples of; None for those written in the file."""
    if config.get("samples") is not None:
        return None
    values = recipe.values
    return (
        values.get("training_split") or values.get("validation_split") or recipe.split
    )


def _pool_documents(
    recipe: Recipe, split: str | None, documents: Documents, sources: DataSources
) -> Documents:
    config = recipe.values.get("fewshot_config") or {}
    own_process = config.get("process_docs")
    if split is None:
        return Rows(_samples(recipe, config["samples"]))
    if split == recipe.split and own_process is None:
        return documents
    process_docs = own_process or recipe.values.get("process_docs")
    return _read(recipe, split, sources, process_docs=process_docs)


def _samples(recipe: Recipe, value: Any) -> list[dict[str, Any]]:
    if callable(value):
        place = recipe.source.place("fewshot_config", "samples")
        value = guarded(value, "fewshot_config.samples", place)()
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return value
    message = "fewshot_config.samples must be a list of documents"
    raise recipe.source.error(message, "fewshot_config", "samples")


def _shot_renderer(recipe: Recipe, binder: FieldBinder) -> Callable[[Doc], Shot]:
    """Make the function that writes an example; it may have fields of its own."""
    config = recipe.values.get("fewshot_config") or {}
    own = {key: config[key] for key in _OWN_FIELDS if config.get(key) is not None}
    values = {**recipe.values, **own}
    text_way = _way(own, "doc_to_text")
    text = binder.text(values["doc_to_text"], *text_way)
    is_own = "doc_to_target" in own or "doc_to_choice" in own
    target, choices = _answers(
        recipe, binder, values, ("fewshot_config",) if is_own else ()
    )

    def render(doc: Doc) -> Shot:
        answer = target(doc) if target is not None else None
        given = choices(doc) if choices is not None else ()
        return Shot(text(doc), _answer(recipe, answer, given))

    return render


_OWN_FIELDS = ("doc_to_text", "doc_to_target", "doc_to_choice")


def _way(own: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return ("fewshot_config", key) if key in own else (key,)


def _answer(recipe: Recipe, answer: Any, choices: Sequence[str]) -> str:
    """Write the answer of an example: the choice it means, or the first of several."""
    if type(answer) is int and 0 <= answer < len(choices):
        return choices[answer]
    first = answer[0] if isinstance(answer, list) and answer else answer
    if isinstance(first, str):
        return first
    raise _answer_error(recipe, answer)


def _answer_error(recipe: Recipe, answer: Any) -> TaskError:
    return recipe.source.error(
        f"the answer of an example is {answer!r}, but must be text", "doc_to_target"
    )
