"""Scores of whole conversations: turns together, calls of tools, actions taken."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.errors import ScoringError
from pytest_evalkit.messages import ToolCallPart

Missing = Literal["zero", "exclude"]

# What ends one command of a shell and begins another.
_SEPARATORS = frozenset({"&&", "||", ";", ";;", "|", "|&", "&", "(", ")", "\n"})
_PREFIXES = frozenset({"sudo", "env", "time", "nohup", "exec", "command"})
_KEYWORDS = frozenset(
    {"if", "then", "else", "elif", "fi", "while", "until", "do", "done", "!", "{", "}"}
)
# A here-document, and not a here-string, which is one more sign.
_DOCUMENT = re.compile(r"(?<!<)<<-?[ \t]*(?P<quote>['\"]?)(?P<mark>\w+)(?P=quote)")


class ToolCallMatch(NamedTuple):
    """How calls of tools compare with those that were expected.

    Attributes:
        names: 1 where the same tools are called, each as often; else 0.
        arguments: 1 where they are also called with the same arguments; else 0.
    """

    names: float
    arguments: float


def last_turn(
    values: Sequence[float | None], missing: Missing = "zero"
) -> float | None:
    """Take the score of the last turn.

    Args:
        values: One for each client turn, in order; None where it has no answer.
        missing: Whether a turn without an answer is worth nothing, or is left out.

    Returns:
        The score; None where it is left out.

    Raises:
        ScoringError: There is no turn.
    """
    return _present(values, missing)[-1]


def per_turn_mean(
    values: Sequence[float | None], missing: Missing = "zero"
) -> float | None:
    """Average the scores of the turns.

    Args:
        values: As for ``last_turn``.
        missing: As for ``last_turn``. Turns that are left out are not counted either.

    Returns:
        The mean; None where every turn is left out.

    Raises:
        ScoringError: There is no turn.
    """
    known = [value for value in _present(values, missing) if value is not None]
    return sum(known) / len(known) if known else None


def match_tool_calls(
    called: Sequence[ToolCallPart],
    expected: Sequence[ToolCallPart],
    *,
    is_ordered: bool = False,
) -> ToolCallMatch:
    """Compare the calls of one turn with those that were expected.

    Ids have no part in it. Arguments are compared as JSON values, so that neither the
    order of keys nor spaces count; numbers are equal where their values are, and true
    is not 1. Arguments that are no JSON object match nothing, since no tool can be
    called with them; none at all are an empty object.

    Args:
        called: What the model called.
        expected: What it should call; empty where it should call nothing.
        is_ordered: Whether the order of calls counts; parallel calls have none.

    Raises:
        ScoringError: The arguments that were expected are no JSON object.
    """
    wanted = [(call.name, _arguments(call)) for call in expected]
    for (name, arguments), call in zip(wanted, expected, strict=True):
        if arguments is None:
            raise ScoringError(
                f"the expected arguments of {name} must be a JSON object, got "
                f"{call.arguments!r}"
            )
    made = [(call.name, _arguments(call)) for call in called]
    if not is_ordered:
        return ToolCallMatch(
            float(Counter(name for name, _ in made) == Counter(n for n, _ in wanted)),
            float(Counter(made) == Counter(wanted)),
        )
    names = [name for name, _ in made] == [name for name, _ in wanted]
    return ToolCallMatch(float(names), float(made == wanted))


def multiset_overlap(done: Iterable[Hashable], expected: Iterable[Hashable]) -> float:
    """Compare actions as multisets: those in common over those in either (Jaccard).

    An action done twice and expected once is in common once, and once too much.

    Returns:
        From 0 to 1; 1 where nothing was expected and nothing done.

    >>> multiset_overlap(["ls", "cat", "cat"], ["cat", "sed"])
    0.25
    """
    left, right = Counter(done), Counter(expected)
    either = (left | right).total()
    return (left & right).total() / either if either else 1.0


def shell_programs(command: str) -> tuple[str, ...]:
    """List the programs that a command line of a shell calls, in order.

    Folders before a program's name, assignments before it, and what only starts another
    program, such as ``sudo``, are left out, and so are lines of comment. What stands in
    quotes is an argument, and so is a here-document. A text with a quote that is not
    closed calls nothing.

    >>> shell_programs("cd /src && FOO=1 /usr/bin/grep -n 'a; b' x | head -5")
    ('cd', 'grep', 'head')
    """
    lexer = shlex.shlex(_commands(command), posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:
        return ()
    return tuple(_programs(words))


def _present(values: Sequence[float | None], missing: Missing) -> list[float | None]:
    if not values:
        raise ScoringError("a conversation without turns has no score")
    if missing == "exclude":
        return list(values)
    return [0.0 if value is None else value for value in values]


def _arguments(call: ToolCallPart) -> Hashable | None:
    """Read the arguments as a value that can be counted; None where they are none."""
    try:
        arguments = decode(call.arguments) if call.arguments.strip() else {}
    except CodecError:
        return None
    return _frozen(arguments) if isinstance(arguments, dict) else None


def _frozen(value: Any) -> Hashable:
    if isinstance(value, Mapping):
        return frozenset((key, _frozen(one)) for key, one in value.items())
    if isinstance(value, list):
        return ("list", *map(_frozen, value))
    # Python takes true for 1, and JSON does not.
    return ("truth", value) if isinstance(value, bool) else value


def _commands(text: str) -> str:
    """Leave out here-documents, up to the lines that their marks name, and comments."""
    kept: list[str] = []
    marks: list[str] = []
    for line in text.split("\n"):
        if marks:
            marks = marks[1:] if line.strip() == marks[0] else marks
        elif not line.lstrip().startswith("#"):
            kept.append(line)
            marks = [match["mark"] for match in _DOCUMENT.finditer(line)]
    return "\n".join(kept)


def _programs(words: Iterable[str]) -> Iterable[str]:
    is_start = True
    skips = False
    for word in words:
        if skips:
            skips = False
        elif word.strip("\n") == "" or word.strip("\n") in _SEPARATORS:
            is_start = True
        elif word[0] in "<>":
            # The file that is read or written comes next.
            skips = True
        elif is_start and not _is_before_program(word):
            is_start = False
            yield word.rpartition("/")[2] or word


def _is_before_program(word: str) -> bool:
    name, sign, _ = word.partition("=")
    is_assignment = bool(sign) and name.isidentifier()
    return is_assignment or word in _PREFIXES or word in _KEYWORDS
