"""Tokens that endpoints do not tell of: kept while requests run, counted afterwards.

What is to be counted waits in a file without a name, as prompts of a long run would fill
the memory. A process that is killed leaves its documents without these counts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import IO

from pytest_evalkit.codec import encode
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.evaluate.counting import CountingTally, counted_samples
from pytest_evalkit.models.backend import Backend, Counter, CountingBackend

# So much is kept in memory before it goes to a file.
_IN_MEMORY = 8 << 20
# Counting so many bytes takes seconds, and so it is said.
_MANY = 4 << 20


class _Kept:
    """What waits to be counted by one counter, a line for each document.

    Args:
        counter: It.
        masked: Takes secrets out of lines.
    """

    def __init__(self, counter: Counter, masked: Callable[[bytes], bytes]) -> None:
        self.counter = counter
        self.size = 0
        self._masked = masked
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - it is open as long as the run

    def keep(self, entry: bytes) -> None:
        """Keep the line of one document.

        Raises:
            ResultsError: There is no room for it.
        """
        try:
            self.size += self._file.write(self._masked(entry))
        except OSError as error:
            raise ResultsError(
                f"cannot keep what tokens are to be counted by in "
                f"{tempfile.gettempdir()}: {error.strerror}; free space, or leave out "
                "counting_tokenizer"
            ) from error

    def count(self, record: Callable[[bytes], None], tally: CountingTally) -> None:
        """Count all, and record the samples that lacked counts once more.

        Raises:
            ResultsError: They cannot be written.
        """
        self._file.seek(0)
        for entry in self._file:
            samples = counted_samples(entry, self.counter, tally)
            if samples:
                record(samples)

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


class TokenCounting:
    """Counts for one process of a run, once its last request has ended.

    Args:
        masked: Takes secrets out of lines, as no file may have them.
    """

    def __init__(self, masked: Callable[[bytes], bytes]) -> None:
        self._masked = masked
        self._kept: dict[int, _Kept] = {}
        # So that no other takes the place of one.
        self._backends: list[Backend] = []

    def add(self, backend: Backend) -> None:
        """Load what counts for a backend, where its user wants that.

        Raises:
            ModelUnavailableError: It cannot be loaded.
            OptionError: What the user says of it makes no sense.
        """
        if not isinstance(backend, CountingBackend) or id(backend) in self._kept:
            return
        counter = backend.token_counter()
        if counter is not None:
            self._backends.append(backend)
            self._kept[id(backend)] = _Kept(counter, self._masked)

    def keeper(self, backend: Backend) -> Callable[[bytes], None] | None:
        """Get what keeps a document of a backend; None where nothing is counted."""
        kept = self._kept.get(id(backend))
        return None if kept is None else kept.keep

    @property
    def size(self) -> int:
        """How many bytes wait to be counted."""
        return sum(kept.size for kept in self._kept.values())

    def conclude(
        self, process: str, record: Callable[[bytes], None], tell: Callable[[str], None]
    ) -> str | None:
        """Count, and record what it comes to; to be called once.

        Args:
            process: What tells this process from the others of the run.
            record: Makes lines durable.
            tell: Tells the user a line at once.

        Returns:
            What went wrong, in one line, or None.
        """
        if self.size >= _MANY:
            tell(f"counting the tokens of {self.size / 1e6:,.1f} MB of requests")
        tally = CountingTally()
        try:
            for kept in self._kept.values():
                kept.count(record, tally)
            line = {"kind": "token_counting", **tally.line(process)}
            record(encode(line) + b"\n")
        # What counts may be a user's own and raise anything, and the results are to stand.
        except Exception as error:  # noqa: BLE001
            return f"tokens were not counted: {type(error).__name__}: {error}"
        finally:
            for kept in self._kept.values():
                kept.close()
            self._kept.clear()
        return None
