"""Looking after a response cache: what it holds, and taking out what is old."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.engine.answer_file import AnswerFile
from pytest_evalkit.errors import CacheError, OptionError
from pytest_evalkit.naming import suggestion

_WAL = "-wal"


class Kept(NamedTuple):
    """What a cache holds of one model and one kind of request.

    Attributes:
        model: What results call the model.
        kind: ``generate``, ``loglikelihood`` or ``rolling_loglikelihood``.
        entries: Answers.
        size: Bytes of questions and answers.
        oldest: When the first of them was kept, in seconds since 1970 (UTC).
        newest: When the last of them was.
    """

    model: str
    kind: str
    entries: int
    size: int
    oldest: float
    newest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """Which answers to take out: those that meet all that is said.

    Attributes:
        before: Kept before this time, in seconds since 1970 (UTC); None for any time.
        model: Of this model; None for any.
        max_size: Of the rest, the oldest until the file has so many bytes; None for any
            size.
    """

    before: float | None = None
    model: str | None = None
    max_size: int | None = None


def contents(folder: Path) -> list[Kept]:
    """List what a cache holds, by model and kind of request.

    Raises:
        CacheError: There is none, or it cannot be read.
    """
    with closing(AnswerFile(folder, create=False)) as file:
        found = file.rows(
            "SELECT name, kind, count(*), sum(length(asked) + length(answer)), "
            "min(stored_at), max(stored_at) FROM answers "
            "JOIN models ON models.id = answers.model "
            "GROUP BY name, kind ORDER BY name, kind"
        )
        return [Kept(*row) for row in found]


def size_of(folder: Path) -> int:
    """Tell the bytes of a cache on disk, what is not yet in its main file included."""
    path = AnswerFile.path_in(folder)
    files = (path, path.with_name(path.name + _WAL))
    return sum(file.stat().st_size for file in files if file.exists())


def prune(folder: Path, pruning: Pruning) -> int:
    """Take answers out, and give the space back.

    Returns:
        How many were taken out.

    Raises:
        OptionError: There is no answer of the model.
        CacheError: There is no cache, or it cannot be written.
    """
    with closing(AnswerFile(folder, create=False)) as file:
        if pruning.model is not None:
            _require_model(file, pruning.model)
        removed = 0
        if pruning.before is not None or pruning.model is not None:
            removed += file.change(
                "DELETE FROM answers WHERE (?1 IS NULL OR stored_at < ?1) AND "
                "(?2 IS NULL OR model IN (SELECT id FROM models WHERE name = ?2))",
                (pruning.before, pruning.model),
            )
        file.give_back()
        if pruning.max_size is not None:
            removed += _shrink(file, pruning.max_size)
        return removed


def exported(folder: Path, model: str | None = None) -> Iterator[dict[str, Any]]:
    """Give what a cache holds, the oldest first: what was asked of whom, and the answer.

    Args:
        folder: The folder of the cache.
        model: Only answers of this model; None for all.

    Raises:
        OptionError: There is no answer of the model.
        CacheError: There is no cache, or it cannot be read.
    """
    with closing(AnswerFile(folder, create=False)) as file:
        if model is not None:
            _require_model(file, model)
        for row in file.rows(
            "SELECT key, name, identity, stored_at, asked, answer FROM answers "
            "JOIN models ON models.id = answers.model "
            "WHERE (?1 IS NULL OR name = ?1) ORDER BY stored_at, key",
            (model,),
        ):
            yield _exported(file.path, row)


def _exported(path: Path, row: Sequence[Any]) -> dict[str, Any]:
    key, model, identity, stored_at, asked, answer = row
    try:
        return {
            "key": key.hex(),
            "model": model,
            "identity": decode(identity),
            "stored_at": stored_at,
            "asked": decode(zlib.decompress(asked)),
            "answer": decode(answer),
        }
    except (CodecError, zlib.error) as error:
        raise CacheError(
            f"the answer {key.hex()} in {path} is damaged: {error}"
        ) from error


def _require_model(file: AnswerFile, model: str) -> None:
    names = [name for (name,) in file.rows("SELECT DISTINCT name FROM models")]
    if model not in names:
        raise OptionError(
            f"the cache has no answers of model {model!r}; {suggestion(model, names)}"
        )


def _shrink(file: AnswerFile, most: int) -> int:
    """Take out the oldest answers until the file is small enough."""
    removed = 0
    while (size := file.path.stat().st_size) > most:
        ((count,),) = file.rows("SELECT count(*) FROM answers")
        if not count:
            break
        # Answers are not all as long, so that this may take a few rounds.
        excess = -(-count * (size - most) // size)
        removed += file.change(
            "DELETE FROM answers WHERE key IN "
            "(SELECT key FROM answers ORDER BY stored_at LIMIT ?)",
            (excess,),
        )
        file.give_back()
    return removed
