"""Pictures of what documents show, kept for the report while the model answers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pytest_evalkit.errors import DatasetError
from pytest_evalkit.messages.pictures import (
    Depicted,
    depicted,
    full_pictures,
    small_pictures,
)
from pytest_evalkit.plugin.place import session_number, worker_input
from pytest_evalkit.plugin.run import Run
from pytest_evalkit.plugin.secrecy import secrets_of
from pytest_evalkit.results.journal import journal_name
from pytest_evalkit.results.media import (
    MOST_FULL_BYTES,
    MOST_SMALL_BYTES,
    MediaWriter,
)
from pytest_evalkit.tasks import OpenedTask, Prepared
from pytest_evalkit.values import Generate


class Pictures:
    """Keeps pictures of the documents of one process.

    Args:
        run: The run.
    """

    def __init__(self, run: Run) -> None:
        self._is_full = run.options.report_media == "full"
        self._is_wanted = run.options.report_media != "none"
        self._run = run
        self._writer: MediaWriter | None = None
        # One thread: making pictures must not take the processor from the answering.
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="evalkit-pictures")

    def keeper(self, opened: OpenedTask) -> Callable[[Prepared], None] | None:
        """Get what keeps the pictures of a task's documents; None where it has none."""
        if not self._is_wanted or not opened.has_media:
            return None
        if self._writer is None:
            config = self._run.config
            process = worker_input(config).get("workerid", "main")
            name = journal_name(process, session_number(config))
            path = self._run.folder.media_dir / name
            most = MOST_FULL_BYTES if self._is_full else MOST_SMALL_BYTES
            self._writer = MediaWriter(path, most)
        return partial(self._keep, self._writer)

    def _keep(self, writer: MediaWriter, prepared: Prepared) -> None:
        messages = [
            message
            for request in prepared.requests
            if isinstance(request, Generate)
            for message in request.messages
        ]
        for message in messages:
            for medium in depicted(message.media):
                try:
                    is_wanted = writer.wants(medium.sha256)
                except DatasetError:
                    # What cannot be read puts its document in error, which tells it.
                    continue
                if is_wanted:
                    self._write(writer, medium)

    def _write(self, writer: MediaWriter, medium: Depicted) -> None:
        make = full_pictures if self._is_full else small_pictures
        try:
            pictures = make(medium)
        # Decoders raise anything on strange files. Whether the document can be evaluated
        # is for the model to find out; the report tells why there is no picture.
        except Exception as error:  # noqa: BLE001
            problem = str(error) or type(error).__name__
            masked = secrets_of(self._run.config).text(problem)
            writer.write_problem(medium.sha256, masked)
        else:
            writer.write(medium.sha256, pictures)

    def close(self) -> None:
        """Give back the thread and the file."""
        self.thread.shutdown(cancel_futures=True)
        if self._writer is not None:
            self._writer.close()
