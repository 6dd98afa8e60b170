"""The file of a response cache: SQLite, for many processes and several runs at once.

In WAL mode readers wait for nobody, writers for each other, and what was committed
survives a process that is killed; a machine that loses power may lose the last commits,
but not the file.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pytest_evalkit.errors import CacheError

FILE_NAME = "responses.sqlite"
SCHEMA_VERSION = 1

# "EVKC": by this a file of ours is told from others.
_APPLICATION_ID = 0x45564B43
_WAIT_S = 30.0
_RETRY_S = 0.02
# Keys lie in no order, so that every question looks at other pages.
_PAGES_KEPT_KB = 16_000
_TABLES = (
    """
    CREATE TABLE models (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, identity TEXT NOT NULL UNIQUE
    )
    """,
    """
    CREATE TABLE answers (
        key BLOB PRIMARY KEY,
        checksum INTEGER NOT NULL,
        answer BLOB NOT NULL,
        model INTEGER NOT NULL REFERENCES models(id),
        kind TEXT NOT NULL,
        stored_at REAL NOT NULL,
        asked BLOB NOT NULL
    )
    """,
    "CREATE INDEX answers_by_age ON answers (stored_at)",
)
_REMEDY = "name another folder with --use-cache, or remove the file"
_REMEDIES = {
    sqlite3.SQLITE_FULL: "free space, or name another folder with --use-cache",
    sqlite3.SQLITE_BUSY: "another process has kept it locked; end that, or wait for it",
    sqlite3.SQLITE_READONLY: "name a folder that can be written with --use-cache",
    sqlite3.SQLITE_CANTOPEN: "name a folder that can be written with --use-cache",
    sqlite3.SQLITE_IOERR: (
        "see whether the disk is full or failing, or name another folder with --use-cache"
    ),
}
_PRIMARY = 0xFF
_FIND = "SELECT answer, checksum FROM answers WHERE key = ?"


class Entry(NamedTuple):
    """An answer to be kept.

    Attributes:
        key: The key of the question.
        model: What results call the model.
        identity: What decides its answers, as JSON.
        kind: The kind of request.
        asked: What was asked, as JSON that is compressed.
        answer: What was answered, as JSON.
        stored_at: Seconds since 1970 (UTC).
    """

    key: bytes
    model: str
    identity: str
    kind: str
    asked: bytes
    answer: bytes
    stored_at: float


class AnswerFile:
    """One connection to the file of a cache.

    Args:
        folder: The folder of the cache.
        create: Whether to make folder and file where they are not there.

    Attributes:
        path: The file.
        connection: The connection, in autocommit mode.

    Raises:
        CacheError: There is no such file, it is none of ours, it has another version,
            or it cannot be written.
    """

    def __init__(self, folder: Path, *, create: bool) -> None:
        self.path = self.path_in(folder)
        if create:
            _make_folder(folder)
        elif not self.path.is_file():
            raise CacheError(f"there is no response cache in {folder}: no {FILE_NAME}")
        uri = f"{self.path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"
        with self._told():
            self.connection = sqlite3.connect(
                uri,
                uri=True,
                timeout=_WAIT_S,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._open()
            except BaseException:
                self.connection.close()
                raise

    @staticmethod
    def path_in(folder: Path) -> Path:
        """Name the file of the cache in a folder, whether it is there or not."""
        return folder / FILE_NAME

    def find(self, key: bytes) -> bytes | None:
        """Get the answer to a question, or None where it is not kept.

        Raises:
            CacheError: The file is damaged or cannot be read.
        """
        try:
            found = self.connection.execute(_FIND, (key,)).fetchone()
        except sqlite3.Error as error:
            raise self._unusable(str(error), _remedy(error)) from error
        if found is None:
            return None
        answer, checksum = found
        if not isinstance(answer, bytes) or _checksum(key, answer) != checksum:
            raise self._unusable("an answer in it is damaged", _REMEDY)
        return answer

    def add(self, entries: Sequence[Entry]) -> int:
        """Keep answers, all of them or none; the first to a question stays.

        Returns:
            How many are new.

        Raises:
            CacheError: They cannot be written, such as on a full disk.
        """
        with self._told(), self.writing():
            models = {entry.identity: entry.model for entry in entries}
            self.connection.executemany(
                "INSERT OR IGNORE INTO models (name, identity) VALUES (?, ?)",
                [(name, identity) for identity, name in models.items()],
            )
            added = self.connection.executemany(
                "INSERT OR IGNORE INTO answers "
                "SELECT ?, ?, ?, id, ?, ?, ? FROM models WHERE identity = ?",
                map(_row, entries),
            )
            return added.rowcount

    def rows(self, query: str, values: Sequence[object] = ()) -> Iterator[Any]:
        """Read rows, one after another, as they were when the first was read.

        Raises:
            CacheError: The file is damaged or cannot be read.
        """
        with self._told():
            yield from self.connection.execute(query, values)

    def change(self, statement: str, values: Sequence[object]) -> int:
        """Change rows, and tell how many.

        Raises:
            CacheError: The file cannot be written.
        """
        with self._told(), self.writing():
            return self.connection.execute(statement, values).rowcount

    def give_back(self) -> None:
        """Give the space of what was taken out back to the disk.

        Raises:
            CacheError: The file cannot be written.
        """
        with self._told():
            self.connection.execute(
                "DELETE FROM models WHERE id NOT IN (SELECT model FROM answers)"
            )
            self.connection.execute("VACUUM")
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make a block one transaction, which waits for those of others."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            # A full disk ends the transaction by itself.
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Close the connection; a second time does nothing."""
        self.connection.close()

    def _open(self) -> None:
        """Check whose file it is, or make it ours where it is new."""
        deadline = time.monotonic() + _WAIT_S
        while True:
            try:
                self._settle()
            except sqlite3.OperationalError as error:
                # Switching to WAL does not wait for others who do the same.
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise
                time.sleep(_RETRY_S)
            else:
                return

    def _settle(self) -> None:
        if self._is_new():
            self.connection.execute("PRAGMA journal_mode = WAL")
            with self.writing():
                if self._is_new():
                    self._make_tables()
        self._require_ours()
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.execute(f"PRAGMA cache_size = -{_PAGES_KEPT_KB}")
        # So that a file which cannot be written is told now, before anything is asked.
        with self.writing():
            pass

    def _is_new(self) -> bool:
        (tables,) = self._one("SELECT count(*) FROM sqlite_master")
        return self._one("PRAGMA application_id") == (0,) and tables == 0

    def _make_tables(self) -> None:
        for table in _TABLES:
            self.connection.execute(table)
        self.connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        self.connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _require_ours(self) -> None:
        if self._one("PRAGMA application_id") != (_APPLICATION_ID,):
            raise self._unusable("it is a database of another program", _REMEDY)
        (version,) = self._one("PRAGMA user_version")
        if version != SCHEMA_VERSION:
            age = "a newer" if version > SCHEMA_VERSION else "an older"
            raise self._unusable(
                f"it has version {version}, of {age} release, and {SCHEMA_VERSION} is "
                "read here",
                "use that release, or name another folder",
            )

    def _one(self, query: str) -> tuple[int]:
        found: tuple[int] = self.connection.execute(query).fetchone()
        return found

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in one line what SQLite has to say.

        Raises:
            CacheError: It had something to say.
        """
        try:
            yield
        except sqlite3.Error as error:
            raise self._unusable(str(error), _remedy(error)) from error

    def _unusable(self, reason: str, remedy: str) -> CacheError:
        return CacheError(
            f"the response cache {self.path} cannot be used: {reason}; {remedy}"
        )


def _remedy(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    return _REMEDIES.get(code, _REMEDY)


def _is_busy(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
    return code == sqlite3.SQLITE_BUSY


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CacheError(
            f"the response cache {folder} cannot be used: {error.strerror}; name a "
            "folder that can be written with --use-cache"
        ) from error


def _row(entry: Entry) -> tuple[object, ...]:
    return (
        entry.key,
        _checksum(entry.key, entry.answer),
        entry.answer,
        entry.kind,
        entry.stored_at,
        entry.asked,
        entry.identity,
    )


def _checksum(key: bytes, answer: bytes) -> int:
    return zlib.crc32(answer, zlib.crc32(key))
