"""Jinja templates of task files: sandboxed, strict, compiled once per task."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from pytest_evalkit.errors import TaskError
from pytest_evalkit.naming import suggestion
from pytest_evalkit.tasks.source import Place
from pytest_evalkit.tasks.template_bounds import bounded_environment
from pytest_evalkit.tasks.template_bounds import render as render_bounded

if TYPE_CHECKING:
    from jinja2.nodes import Template

_MARKS = ("{{", "{%", "{#")


def compile_template(
    text: str, columns: Collection[str], place: Place, *, is_checking: bool = True
) -> Callable[[Mapping[str, Any]], str]:
    """Make a function from document to text.

    Args:
        text: The template; without a mark of Jinja it is its own rendering.
        columns: What the documents have.
        place: Where the template stands.
        is_checking: Whether a name that is no column is told now; else only a document
            for which it is needed fails.

    Raises:
        TaskError: Its syntax is wrong, or it uses a column that does not exist without
            asking first whether it is defined.
    """
    if not any(mark in text for mark in _MARKS):
        return lambda _: text

    import jinja2

    environment = bounded_environment()
    try:
        tree = environment.parse(text)
        template = environment.from_string(text)
    except jinja2.TemplateSyntaxError as error:
        raise _error(f"the template is wrong: {error.message}", place) from error
    except (RecursionError, MemoryError, SyntaxError, ValueError) as error:
        # What Python says of the code that Jinja makes of it.
        told = str(error) or type(error).__name__
        raise _error(f"the template is too deep or too large: {told}", place) from error
    if is_checking:
        _check_names(tree, columns, place)
    pieces = _pieces(tree, columns)
    if pieces is not None:
        return _joined(pieces, place)

    def render(doc: Mapping[str, Any]) -> str:
        try:
            return render_bounded(template, doc)
        # The template's own expressions may raise anything on an unusual document.
        except Exception as error:
            raise _error(f"the template failed: {error}", place) from error

    return render


def _pieces(tree: Template, columns: Collection[str]) -> list[tuple[str, bool]] | None:
    """Take a template apart that does no more than put columns between texts.

    Most do no more, and joining strings is ten times as fast as rendering.

    Returns:
        Texts, and names of columns with True beside them; None for other templates.
    """
    from jinja2 import nodes

    pieces: list[tuple[str, bool]] = []
    for statement in tree.body:
        if not isinstance(statement, nodes.Output):
            return None
        for node in statement.nodes:
            if isinstance(node, nodes.TemplateData):
                pieces.append((node.data, False))
            elif isinstance(node, nodes.Name) and node.name in columns:
                pieces.append((node.name, True))
            else:
                return None
    return pieces


def _joined(
    pieces: list[tuple[str, bool]], place: Place
) -> Callable[[Mapping[str, Any]], str]:
    form = "".join(
        "%s" if is_column else text.replace("%", "%%") for text, is_column in pieces
    )
    columns = [text for text, is_column in pieces if is_column]
    # Of one column it gets the value, of several a tuple of them.
    read = itemgetter(*columns) if columns else lambda _: ()
    is_one = len(columns) == 1

    def render(doc: Mapping[str, Any]) -> str:
        try:
            found = read(doc)
            return form % ((found,) if is_one else found)
        except KeyError as error:
            # Shots may come from documents with columns of their own.
            raise missing_column(str(error.args[0]), list(doc), place) from None

    return render


def names_in_template(text: str) -> set[str]:
    """List the names that a sound template takes from a document."""
    from jinja2 import meta

    return meta.find_undeclared_variables(bounded_environment().parse(text))


def _error(message: str, place: Place) -> TaskError:
    return TaskError(message, path=place.path, line=place.line)


def missing_column(name: str, columns: Collection[str], place: Place) -> TaskError:
    """Make the error for a column that does not exist."""
    hint = suggestion(name, columns)
    return _error(f"the documents have no column {name!r}; {hint}", place)


def _check_names(tree: Template, columns: Collection[str], place: Place) -> None:
    from jinja2 import meta, nodes

    asks = {test.name for test in tree.find_all(nodes.Test)}
    if asks & {"defined", "undefined"}:
        # A name may then stand in a branch that no document without it takes.
        return
    defaulted = {
        node.node.name
        for node in tree.find_all(nodes.Filter)
        if node.name in ("default", "d") and isinstance(node.node, nodes.Name)
    }
    known = set(columns) | defaulted | set(bounded_environment().globals)
    for name in sorted(meta.find_undeclared_variables(tree) - known):
        raise missing_column(name, columns, place)
