"""A sandbox for templates in which size and work are bounded, too.

Jinja's own sandbox keeps templates from reaching what Python is made of. This one also
keeps them from filling the memory or repeating without end: every repetition is counted,
and what grows is measured before it is made. Seconds are not measured here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_evalkit.tasks.template_sizes import (
    BOUNDED_FILTERS,
    TemplateTooLargeError,
    require_call,
    require_characters,
    require_operation,
    require_steps,
    text_of,
)

if TYPE_CHECKING:
    from jinja2.nodes import Template as Tree
    from jinja2.runtime import Context
    from jinja2.sandbox import SandboxedEnvironment

__all__ = ["TemplateTooLargeError", "bounded_environment", "render"]

_COUNT, _TEXT, _MEASURE = "evalkit_counted", "evalkit_text", "evalkit_measured"
# No template can say this name.
_SPENT = "evalkit spent"


class _Spent:
    """What one rendering has used: repetitions and calls, characters put out."""

    __slots__ = ("characters", "steps")

    def __init__(self) -> None:
        self.steps = 0
        self.characters = 0

    def step(self, count: int) -> None:
        self.steps += count
        require_steps(self.steps)

    def put_out(self, characters: int) -> None:
        self.characters += characters
        require_characters(self.characters)


def render(template: Any, doc: Mapping[str, Any]) -> str:
    """Render a template of ``bounded_environment`` for a document.

    Raises:
        TemplateTooLargeError: It wants more than a prompt can need.
        Exception: Whatever its expressions raise.
    """
    pieces, total = [], 0
    for piece in template.generate({**doc, _SPENT: _Spent()}):
        total += len(piece)
        require_characters(total)
        pieces.append(piece)
    return "".join(pieces)


@cache
def bounded_environment() -> SandboxedEnvironment:
    """Make the environment of all templates of task files; one for the process."""
    import jinja2

    environment = _environment_class()(
        # A prompt is plain text for a model: nothing in it is to be escaped.
        autoescape=False,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        finalize=jinja2.pass_context(_put_out),
    )
    # It makes texts of any length, and no prompt wants one by lot.
    del environment.globals["lipsum"]
    for name, bound in BOUNDED_FILTERS.items():
        environment.filters[name] = bound(environment.filters.get(name))
    environment.filters[_COUNT] = jinja2.pass_context(_counted)
    environment.filters[_TEXT] = text_of
    environment.filters[_MEASURE] = _measured
    return environment


@cache
def _environment_class() -> type[SandboxedEnvironment]:
    from jinja2.sandbox import SandboxedEnvironment as Sandboxed

    class Bounded(Sandboxed):
        """Jinja's sandbox, with bounds."""

        intercepted_binops = frozenset({"**", "*", "+", "%"})

        def call_binop(
            self, context: Context, operator: str, left: Any, right: Any
        ) -> Any:
            require_operation(operator, left, right)
            return super().call_binop(context, operator, left, right)

        def call(
            self, context: Context, called: Any, /, *args: Any, **kwargs: Any
        ) -> Any:
            _spent(context).step(1)
            require_call(called, args, kwargs)
            return super().call(context, called, *args, **kwargs)

        def _parse(self, source: str, name: str | None, filename: str | None) -> Tree:
            return _counting(super()._parse(source, name, filename))

    return Bounded


def _spent(context: Context) -> _Spent:
    spent = context.resolve(_SPENT)
    assert isinstance(spent, _Spent), "it is given with the document"
    return spent


def _counting(tree: Tree) -> Tree:
    """Have the turns of every loop counted, and what ``~`` joins measured."""
    from jinja2 import nodes

    for loop in list(tree.find_all(nodes.For)):
        data = sum(len(piece.data) for piece in loop.find_all(nodes.TemplateData))
        loop.iter = _filtered(loop.iter, _COUNT, nodes.Const(data))
    for node in [tree, *tree.find_all(nodes.Node)]:
        for key, value in node.iter_fields():
            setattr(node, key, _measuring(value))
    return tree


def _measuring(value: Any) -> Any:
    from jinja2 import nodes

    if isinstance(value, list):
        return [_measuring(one) for one in value]
    if isinstance(value, nodes.Concat):
        value.nodes = [_filtered(one, _TEXT) for one in value.nodes]
        return _filtered(value, _MEASURE)
    return value


def _filtered(value: Any, name: str, *args: Any) -> Any:
    from jinja2 import nodes

    return nodes.Filter(
        value, name, list(args), [], None, None, lineno=value.lineno
    ).set_environment(value.environment)


def _put_out(context: Context, value: Any) -> str:
    text = text_of(value)
    _spent(context).put_out(len(text))
    return text


def _counted(context: Context, values: Any, characters: int) -> Any:
    """Count the turns of a loop before the first; each puts out ``characters``."""
    if not isinstance(values, Sized):
        values = list(values)
    spent = _spent(context)
    spent.step(len(values))
    spent.put_out(len(values) * characters)
    return values


def _measured(text: str) -> str:
    require_characters(len(text))
    return text
