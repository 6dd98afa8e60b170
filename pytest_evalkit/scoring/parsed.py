"""What was read from an answer, and how: an answer that was not found is told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Struct

ParseStatus = Literal["found", "ambiguous", "none"]


class Parsed(Struct, frozen=True, kw_only=True):
    """What a parser made of an answer.

    Attributes:
        value: What the answer says. Unless that was found it is None, or what the task
            names to stand for it.
        status: ``found``; ``ambiguous`` where the answer says several things at once;
            ``none`` where it says nothing that could be read.
        rule: Name of the rule that decided; None where none did.
    """

    value: Any = None
    status: ParseStatus = "found"
    rule: str | None = None

    @property
    def is_found(self) -> bool:
        """Whether there is a value."""
        return self.status == "found"


NOT_FOUND = Parsed(status="none")


def found(value: Any, rule: str) -> Parsed:
    """Make the result of a rule that found something."""
    return Parsed(value=value, rule=rule)


def ambiguous(rule: str) -> Parsed:
    """Make the result of a rule that found several things."""
    return Parsed(status="ambiguous", rule=rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParserFilter:
    """A filter that reads each response, and tells how.

    Attributes:
        read: Gets a response, the document, and the choices that the task gives it,
            which are none where it gives none.
    """

    read: Callable[[Any, Mapping[str, Any], Sequence[str]], Parsed]

    def parse(
        self, responses: Any, doc: Mapping[str, Any], choices: Sequence[str] = ()
    ) -> tuple[Any, tuple[Parsed, ...]]:
        """Read responses.

        Args:
            responses: A list of them, or one.
            doc: The document.
            choices: The choices that the task gives it.

        Returns:
            The values in the same shape, and how each was read.
        """
        if not isinstance(responses, list):
            one = self.read(responses, doc, choices)
            return one.value, (one,)
        values, parsed = [], []
        for response in responses:
            one = self.read(response, doc, choices)
            values.append(one.value)
            parsed.append(one)
        return values, tuple(parsed)

    def __call__(self, responses: Any, doc: Mapping[str, Any]) -> Any:
        """Read responses as any filter does, without the task's choices."""
        return self.parse(responses, doc)[0]


def parser(
    read: Callable[[str, Mapping[str, Any], Sequence[str]], Parsed],
) -> ParserFilter:
    """Make a filter that reads texts; in an answer that is none, nothing is found.

    Args:
        read: As of ``ParserFilter``, for a text.
    """
    return ParserFilter(
        read=lambda response, doc, choices: (
            NOT_FOUND if response is None else read(str(response), doc, choices)
        )
    )
