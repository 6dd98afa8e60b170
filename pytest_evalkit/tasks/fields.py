"""From what a task file says about a field to a function of a document.

A field is a column, a template, a function or a constant. Which one a text means
depends on the columns, so fields are bound when the documents are open.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_evalkit.errors import TaskError
from pytest_evalkit.tasks.functions import guarded
from pytest_evalkit.tasks.source import Source
from pytest_evalkit.tasks.templates import compile_template, missing_column
from pytest_evalkit.tasks.variants import bind

Doc = Mapping[str, Any]
Field = Callable[[Doc], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldBinder:
    """Turns values of a task file into functions of a document.

    Attributes:
        source: The task file, for messages.
        columns: What the evaluated documents have; a bare word that is one of them is
            a column, in examples too.
        names: What templates may use; None for the columns.
        kwargs: Second argument of the task's functions, or None.
        is_strict: Whether a word that names no column is its own text, as in the
            published systems, and not an error.
    """

    source: Source
    columns: Collection[str]
    kwargs: Mapping[str, Any] | None
    names: Collection[str] | None = None
    is_strict: bool = False

    def text(
        self, value: Any, *way: str, is_word_text: bool = False
    ) -> Callable[[Doc], str]:
        """Bind a field that yields text.

        Args:
            value: What the file says.
            way: The keys that lead to it.
            is_word_text: Whether a word that names no column is its own text.

        Raises:
            TaskError: A column is missing or a template is wrong; on a document, the
                field yields something else than text.
        """
        field = self._field(value, way, is_word_text=is_word_text)
        if isinstance(value, str) and value not in self._names:
            return field

        def checked(doc: Doc) -> str:
            text = field(doc)
            if isinstance(text, str):
                return text
            raise self._kind_error(text, way)

        return checked

    def question(
        self, value: Any, *way: str, has_choices: bool
    ) -> Callable[[Doc], str | int]:
        """Bind ``doc_to_text``: a text, or the position of the right one of the choices.

        A rendered template of digits is a position where there are choices.

        Args:
            value: What the file says.
            way: The keys that lead to it.
            has_choices: Whether the task chooses among ``doc_to_choice``.

        Raises:
            TaskError: As ``text``.
        """
        field = self._field(value, way)
        is_template = isinstance(value, str) and value not in self._names

        def checked(doc: Doc) -> str | int:
            found = field(doc)
            if isinstance(found, str):
                return position_of(found) if is_template and has_choices else found
            position = as_position(found)
            if position is not None and has_choices:
                return position
            raise self._kind_error(found, way)

        return checked

    def target(
        self,
        value: Any,
        *way: str,
        has_choices: bool,
        kwargs: Any = None,
        is_word_text: bool = False,
    ) -> Field:
        """Bind the expected answer.

        A rendered template of digits is a position where there are choices, and one in
        square brackets is a list where it can be read as one.

        Args:
            value: What the file says.
            way: The keys that lead to it.
            has_choices: Whether the task has ``doc_to_choice``.
            kwargs: Second argument of a function, in place of the common one.
            is_word_text: Whether a word that names no column is its own text.

        Raises:
            TaskError: A column is missing or a template is wrong.
        """
        if callable(value) and kwargs is not None:
            return self._called(value, way, kwargs)
        field = self._field(value, way, is_word_text=is_word_text)
        if not isinstance(value, str) or value in self._names:
            return field
        return lambda doc: _read_target(field(doc), has_choices=has_choices)

    def choices(self, value: Any, *way: str) -> Callable[[Doc], tuple[str, ...]]:
        """Bind the answers to choose from.

        Raises:
            TaskError: A column is missing or a template is wrong; on a document, the
                field yields no list.
        """
        if isinstance(value, dict):
            value = list(value.values())
        field = self._field(value, way)
        is_template = isinstance(value, str) and value not in self._names

        def choices(doc: Doc) -> tuple[str, ...]:
            found = _literal(field(doc)) if is_template else field(doc)
            if isinstance(found, list | tuple):
                return tuple(str(choice) for choice in found)
            message = f"{'.'.join(way)} is no list for a document: {found!r}"
            raise self.source.error(message, way[0], *way[1:])

        return choices

    def media(self, value: Any, key: str) -> Callable[[Doc], list[Any]]:
        """Bind the images, sounds or videos of a document.

        Args:
            value: A function, a column, a template of a Python literal, or a list of
                these; what yields None is left out.
            key: ``doc_to_visual``, ``doc_to_image`` or ``doc_to_audio``.

        Raises:
            TaskError: A column is missing.
        """
        if isinstance(value, list):
            fields = [self.media(item, key) for item in value]
            return lambda doc: [item for field in fields for item in field(doc)]
        if isinstance(value, str) and value not in self.columns and "{" not in value:
            raise missing_column(value, self.columns, self.source.place(key))
        field = self._field(value, (key,))
        is_template = isinstance(value, str) and value not in self.columns
        if is_template:
            return lambda doc: _listed(_literal(field(doc)))
        return lambda doc: _listed(field(doc))

    def function(self, function: Callable[..., Any], key: str) -> Field:
        """Bind a function; it may take the task's arguments besides the document."""
        return self._called(function, (key,), self.kwargs)

    @property
    def _names(self) -> Collection[str]:
        """What a bare word may name."""
        if self.names is None or self.is_strict:
            return self.columns
        return {*self.columns, *self.names}

    def _field(
        self, value: Any, way: tuple[str, ...], *, is_word_text: bool = False
    ) -> Field:
        if callable(value):
            return self._called(value, way, self.kwargs)
        if not isinstance(value, str):
            return lambda _: value
        place = self.source.place(way[0], *way[1:])
        if value in self._names:
            return self._column(value, way)
        if value.isidentifier() and not (is_word_text or self.is_strict):
            # A misspelt column would otherwise be asked of the model as it stands.
            error = missing_column(value, self._names, place)
            remedy = f"for the word itself write {{{{'{value}'}}}}"
            raise TaskError(
                f"{error.message}; {remedy}", path=error.path, line=error.line
            )
        names = self.columns if self.names is None else self.names
        return compile_template(value, names, place, is_checking=not self.is_strict)

    def _called(
        self,
        function: Callable[..., Any],
        way: tuple[str, ...],
        kwargs: Any,
    ) -> Field:
        place = self.source.place(way[0], *way[1:])
        return guarded(bind(function, kwargs), ".".join(way), place)

    def _column(self, name: str, way: tuple[str, ...]) -> Field:
        def column(doc: Doc) -> Any:
            try:
                return doc[name]
            except KeyError:
                # Shots may come from documents with columns of their own.
                place = self.source.place(way[0], *way[1:])
                raise missing_column(name, list(doc), place) from None

        return column

    def _kind_error(self, value: Any, way: tuple[str, ...]) -> Exception:
        kind = type(value).__name__
        message = f"{'.'.join(way)} is {kind} for a document, but must be text"
        return self.source.error(message, way[0], *way[1:])


def as_position(value: Any) -> int | None:
    """Read a whole number of any library, or a truth value, as a position.

    Returns:
        The position; None for everything else, texts of digits included.
    """
    if isinstance(value, int):
        return int(value)
    index = getattr(value, "__index__", None)
    try:
        return None if index is None else int(index())
    except TypeError:
        # An array of several numbers has the method too.
        return None


def position_of(text: str) -> str | int:
    """Read digits that Python reads as a whole number; leave every other text."""
    if not text.isdigit():
        return text
    found = _literal(text)
    return found if isinstance(found, int) else text


def _read_target(text: str, *, has_choices: bool) -> Any:
    if has_choices and text.isdigit():
        return position_of(text)
    if text.startswith("[") and text.endswith("]"):
        return _literal(text)
    return text


def _literal(text: str) -> Any:
    """Read a Python literal; a text that is none stays as it is."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _listed(value: Any) -> list[Any]:
    items = value if isinstance(value, list | tuple) else [value]
    return [item for item in items if item is not None]
