"""Self-tests of a task's documents: their columns, their names, their prompts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_evalkit.codec import CodecError, decode, encode_pretty
from pytest_evalkit.errors import EvalkitError
from pytest_evalkit.evaluate.recording import prompt_of
from pytest_evalkit.evaluate.selftest_subject import (
    InapplicableError,
    Subject,
    UnmetError,
)
from pytest_evalkit.evaluate.stored_prompt import stored_prompt

_SNAPSHOT_VERSION = 1
# Of a text that is another one, so much is shown from where it becomes so.
_SHOWN = 40


def check_schema(subject: Subject) -> None:
    """Let every field work for every document.

    Which columns there are is known once the task is open.

    Raises:
        UnmetError: One does not.
    """
    opened = subject.opened
    try:
        bundles = opened.bundles
    except EvalkitError as error:
        raise UnmetError(str(error)) from error
    for doc_id in subject.doc_ids:
        try:
            opened.prepare(doc_id)
            opened.keywords(doc_id)
        except EvalkitError as error:
            raise UnmetError(f"{subject.named(doc_id)}: {error}") from error
    if bundles is not None and all(bundle is None for bundle in bundles):
        raise UnmetError("metadata.group_by yields null for every document")


def check_ids(subject: Subject) -> None:
    """Let every document have a name of its own, and content of its own.

    Those that belong together may share the value that names them.

    Raises:
        UnmetError: Two do not.
    """
    opened = subject.opened
    if (column := opened.id_column) is not None:
        _check_names(subject, column)
    first: dict[str, int] = {}
    for doc_id in subject.doc_ids:
        content = opened.prepare(doc_id).doc_hash
        other = first.setdefault(content, doc_id)
        if other != doc_id:
            raise UnmetError(
                f"documents {other} and {doc_id} (from 0) are the same in every column"
            )


def _check_names(subject: Subject, column: str) -> None:
    first: dict[Any, int] = {}
    bundles = subject.opened.bundles
    for doc_id, value in enumerate(subject.opened.documents.column(column)):
        other = first.setdefault(value, doc_id)
        if other == doc_id:
            continue
        bundle = None if bundles is None else bundles[doc_id]
        if bundles is None or bundle is None or bundle != bundles[other]:
            raise UnmetError(
                f"{column} {value!r} names documents {other} and {doc_id} (from 0); "
                "name documents by another metadata.id_column, or say in "
                "metadata.group_by that they belong together"
            )


def check_prompts(subject: Subject) -> None:
    """Let the prompts of the first, the middle and the last document be as stored.

    Raises:
        UnmetError: One is another one, or the file is none of ours.
        InapplicableError: Nothing is stored.
    """
    if subject.is_updating:
        subject.snapshot.parent.mkdir(exist_ok=True)
        subject.snapshot.write_bytes(encode_pretty(_prompts(subject), indent=1))
        return
    if not subject.snapshot.is_file():
        raise InapplicableError(
            f"no {subject.snapshot.name}; --selftest-update writes it"
        )
    try:
        stored = decode(subject.snapshot.read_bytes())["prompts"]
    except (CodecError, TypeError, KeyError) as error:
        raise UnmetError(f"{subject.snapshot} holds no prompts: {error}") from error
    _compare(subject, stored, _prompts(subject)["prompts"])


def _prompts(subject: Subject) -> dict[str, Any]:
    last = len(subject.doc_ids) - 1
    chosen = dict.fromkeys((0, last // 2, last))
    opened = subject.opened
    # Through the codec and back, so that they compare with what was read from a file.
    written: dict[str, Any] = decode(
        encode_pretty(
            {
                "schema_version": _SNAPSHOT_VERSION,
                "task": opened.task.name,
                "prompts": {
                    opened.item_ids[doc_id]: stored_prompt(
                        prompt_of(opened.prepare(doc_id))
                    )
                    for doc_id in chosen
                },
            }
        )
    )
    return written


def _compare(
    subject: Subject, stored: Mapping[str, Any], made: Mapping[str, Any]
) -> None:
    if stored.keys() != made.keys():
        names = ", ".join(stored.keys() ^ made.keys())
        raise UnmetError(
            f"{subject.snapshot.name} is of other documents ({names}); if that is "
            "right, give --selftest-update"
        )
    for name, prompt in made.items():
        if prompt != stored[name]:
            raise UnmetError(
                f"the prompt of document {name} is not that of "
                f"{subject.snapshot.name}: {_difference(stored[name], prompt)}; if that "
                "is right, give --selftest-update"
            )


def _difference(stored: Any, made: Any) -> str:
    """Show where two prompts part, in one line."""
    before, after = (
        encode_pretty(value).decode() if not isinstance(value, str) else value
        for value in (stored, made)
    )
    start = next(
        (n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b),
        min(len(before), len(after)),
    )
    start = max(0, start - _SHOWN // 4)
    shown = (text[start : start + _SHOWN] for text in (before, after))
    return " became ".join(map(repr, shown))
