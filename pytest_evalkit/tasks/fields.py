"""From what a task file says about a field to a function of a document.

A field is a column, a template, a function or a constant. Which one a text means
depends on the columns, so fields are bound when the documents are open.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
        columns: What the evaluated documents have; shots are read by it too.
        kwargs: Second argument of the task's functions, or None.
    """

    source: Source
    columns: Sequence[str]
    kwargs: Mapping[str, Any] | None

    def text(self, value: Any, *way: str) -> Callable[[Doc], str]:
        """Bind a field that yields text.

        Args:
            value: What the file says.
            way: The keys that lead to it.

        Raises:
            TaskError: A column is missing or a template is wrong; on a document, the
                field yields something else than text.
        """
        field = self._field(value, way)
        if isinstance(value, str) and value not in self.columns:
            return field

        def checked(doc: Doc) -> str:
            text = field(doc)
            if isinstance(text, str):
                return text
            kind = type(text).__name__
            message = f"{'.'.join(way)} is {kind} for a document, but must be text"
            raise self.source.error(message, way[0], *way[1:])

        return checked

    def target(
        self,
        value: Any,
        *way: str,
        has_choices: bool,
        kwargs: Mapping[str, Any] | None = None,
    ) -> Field:
        """Bind the expected answer.

        A rendered template of digits is a position where there are choices, and one in
        square brackets is a list where it can be read as one.

        Args:
            value: What the file says.
            way: The keys that lead to it.
            has_choices: Whether the task has ``doc_to_choice``.
            kwargs: Second argument of a function, in place of the common one.

        Raises:
            TaskError: A column is missing or a template is wrong.
        """
        if callable(value) and kwargs is not None:
            return self._called(value, way, kwargs)
        field = self._field(value, way)
        if not isinstance(value, str) or value in self.columns:
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
        is_template = isinstance(value, str) and value not in self.columns

        def choices(doc: Doc) -> tuple[str, ...]:
            found = _literal(field(doc)) if is_template else field(doc)
            if isinstance(found, list | tuple):
                return tuple(str(choice) for choice in found)
            message = f"{'.'.join(way)} is no list for a document: {found!r}"
            raise self.source.error(message, way[0], *way[1:])

        return choices

    def visuals(self, value: Any) -> Callable[[Doc], list[Any]]:
        """Bind the images of a document: a function, a column or a list of columns.

        Raises:
            TaskError: A column is missing.
        """
        if callable(value):
            function = self._called(value, ("doc_to_visual",), self.kwargs)
            return lambda doc: _listed(function(doc))
        names = [value] if isinstance(value, str) else value
        for name in names:
            if name not in self.columns:
                place = self.source.place("doc_to_visual")
                raise missing_column(str(name), self.columns, place)
        return lambda doc: [
            image for name in names for image in _listed(doc[name]) if image is not None
        ]

    def _field(self, value: Any, way: tuple[str, ...]) -> Field:
        if callable(value):
            return self._called(value, way, self.kwargs)
        if not isinstance(value, str):
            return lambda _: value
        place = self.source.place(way[0], *way[1:])
        if value in self.columns:
            return self._column(value, way)
        if value.isidentifier():
            # A misspelt column would otherwise be asked of the model as it stands.
            raise missing_column(value, self.columns, place)
        return compile_template(value, self.columns, place)

    def _called(
        self,
        function: Callable[..., Any],
        way: tuple[str, ...],
        kwargs: Mapping[str, Any] | None,
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


def _read_target(text: str, *, has_choices: bool) -> Any:
    if has_choices and text.isdigit():
        return int(text)
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
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
