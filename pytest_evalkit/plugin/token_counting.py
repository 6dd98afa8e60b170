"""Tokens that endpoints do not tell of: kept while requests run, counted afterwards.

What is to be counted waits in a file without a name, as prompts of a long run would fill
the memory. It is written by a thread: a conversation may leave megabytes, and requests
that are measured are not to wait for them. A process that is killed leaves its documents
without these counts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO

from pytest_evalkit.codec import CodecError, encode
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.evaluate.counting import (
    CountingTally,
    UncountedDocument,
    counted_samples,
)
from pytest_evalkit.models.backend import Backend, Counter, CountingBackend

Keeper = Callable[[UncountedDocument], None]

# So much is kept in memory before it goes to a file.
_IN_MEMORY = 8 << 20
# Counting so many bytes takes seconds, and so it is said.
_MANY = 4 << 20


class _Kept:
    """What waits to be counted by one counter.

    Args:
        counter: It.
        masked: Takes secrets out of JSON.
    """

    def __init__(self, counter: Counter, masked: Callable[[bytes], bytes]) -> None:
        self.counter = counter
        self.size = 0
        self._masked = masked
        self._failure: OSError | CodecError | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="evalkit-counting")
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - it is open as long as the run

    def keep(self, document: UncountedDocument) -> None:
        """Keep what one document left behind."""
        self._thread.submit(self._write, document)

    def settle(self) -> None:
        """Wait until all is kept.

        Raises:
            ResultsError: It could not be.
        """
        self._thread.shutdown()
        if self._failure is not None:
            raise ResultsError(
                f"what they are counted by cannot be kept in {tempfile.gettempdir()}: "
                f"{self._failure}"
            ) from self._failure

    def count(self, record: Callable[[bytes], None], tally: CountingTally) -> None:
        """Count all, and record the samples that lacked counts once more.

        Raises:
            ResultsError: They cannot be written.
        """
        self._file.seek(0)
        while (document := UncountedDocument.read(self._file)) is not None:
            samples = counted_samples(document, self.counter, tally)
            if samples:
                record(samples)

    def close(self) -> None:
        """Give file and thread back."""
        self._thread.shutdown()
        self._file.close()

    def _write(self, document: UncountedDocument) -> None:
        if self._failure is not None:
            return
        try:
            self.size += document.write(self._file, self._masked)
        except (OSError, CodecError) as error:
            # A part of it may have been written: nothing after it could be read.
            self._failure = error


class TokenCounting:
    """Counts for one process of a run, once its last request has ended.

    Args:
        masked: Takes secrets out of JSON, as no file may have them.
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

    def keeper(self, backend: Backend) -> Keeper | None:
        """Get what keeps a document of a backend; None where nothing is counted."""
        kept = self._kept.get(id(backend))
        return None if kept is None else kept.keep

    def settle(self) -> bool:
        """Wait until all is kept that documents left; tell whether there is any.

        Raises:
            ResultsError: It could not be.
        """
        for kept in self._kept.values():
            kept.settle()
        return any(kept.size for kept in self._kept.values())

    def count(
        self, process: str, record: Callable[[bytes], None], tell: Callable[[str], None]
    ) -> None:
        """Count, and record what it comes to.

        Args:
            process: What tells this process from the others of the run.
            record: Makes lines durable.
            tell: Tells the user a line at once.

        Raises:
            ResultsError: It cannot be recorded.
            Exception: Whatever a counter raises.
        """
        size = sum(kept.size for kept in self._kept.values())
        if size >= _MANY:
            tell(f"counting the tokens of {size / 1e6:,.1f} MB of requests")
        tally = CountingTally()
        for kept in self._kept.values():
            kept.count(record, tally)
        record(encode({"kind": "token_counting", **tally.line(process)}) + b"\n")

    def close(self) -> None:
        """Give back what is held; a second time does nothing."""
        for kept in self._kept.values():
            kept.close()
        self._kept.clear()
