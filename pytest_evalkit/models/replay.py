"""A backend that answers from a file of recorded answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_evalkit.errors import (
    ModelUnavailableError,
    OptionError,
    RequestRejectedError,
)
from pytest_evalkit.models.recorded_likelihoods import Asked
from pytest_evalkit.models.recordings import (
    DOC_ID,
    Key,
    Recordings,
    read_recordings,
)
from pytest_evalkit.naming import suggestion
from pytest_evalkit.values import (
    Generate,
    LikelihoodRequest,
    Loglikelihood,
    LoglikelihoodResponse,
    Origin,
    Request,
    Response,
    RollingLoglikelihood,
)


class Replay:
    """Answers what was recorded for each document: texts, or how likely texts were.

    Args:
        path: A samples file of this project, of lm-eval or of lmms-eval; any JSONL file
            with an answer in each row; or a folder of a run of this project.
        response: The field that holds the answer, or the answers of the repeats in
            order. None for a samples file, which says so itself.
        join: The columns that rows and documents are matched by, such as
            ``question+image``; values are compared as texts. None for ``doc_id``, the
            position of the document, which a row without ``doc_id`` has as its own.

    Raises:
        OptionError: The file cannot be read, or does not hold what is asked of it.
    """

    model_name = "replay"
    draws_images = True

    def __init__(
        self, *, path: str, response: str | None = None, join: str | None = None
    ) -> None:
        self._path = path
        self._response = response
        self._columns = tuple((DOC_ID if join is None else join).split("+"))
        if not all(self._columns):
            raise OptionError(f"join must be COLUMN[+COLUMN...], got {join!r}")
        self._recordings: Recordings = read_recordings(
            Path(path), response=response, columns=self._columns
        )

    def describe(self) -> Mapping[str, Any]:
        """Tell how answers come about; ``sha256`` is that of the recorded rows."""
        return {
            "model": self.model_name,
            "path": self._path,
            "response": self._response,
            "join": "+".join(self._columns),
            "sha256": self._recordings.sha256,
        }

    async def generate(self, request: Generate) -> Response:
        """Answer what was recorded.

        Raises:
            RequestRejectedError: Nothing was recorded for this document and repeat, or
                the request is of no document.
            ModelUnavailableError: Documents lack a column to be matched by.
        """
        origin, key = self._document(request)
        answers = self._recordings.find(origin.task, key)
        place = origin.repeat if origin.turn is None else origin.turn
        answer = answers[place] if place < len(answers) else None
        if answer is None:
            raise RequestRejectedError(self._absence(origin, key, len(answers)))
        return answer

    async def loglikelihood(self, request: Loglikelihood) -> LoglikelihoodResponse:
        """Tell how likely the continuation was after the same context.

        Raises:
            RequestRejectedError: As ``generate``, or the document was asked about other
                texts.
            ModelUnavailableError: As ``generate``, or no log-likelihood was recorded.
        """
        return self._likelihood(request, (request.context, request.continuation))

    async def rolling_loglikelihood(
        self, request: RollingLoglikelihood
    ) -> LoglikelihoodResponse:
        """Tell how likely the same text was.

        Raises:
            RequestRejectedError: As ``loglikelihood``.
            ModelUnavailableError: As ``loglikelihood``.
        """
        return self._likelihood(request, (request.text,))

    def _likelihood(
        self, request: LikelihoodRequest, asked: Asked
    ) -> LoglikelihoodResponse:
        if not self._recordings.likelihoods:
            raise ModelUnavailableError(
                f"the task asks for log-likelihoods, and {self._path} holds none; "
                "replay a run of a model that tells them"
            )
        origin, key = self._document(request)
        found = self._recordings.find_likelihoods(origin.task, key)
        answers = found.get(asked, ())
        if found and not answers:
            raise RequestRejectedError(
                f"{self._path} has log-likelihoods for {self._wanted(key)}, but none of "
                f"{asked[-1][:80]!r} after the same context: another prompt was recorded"
            )
        if origin.repeat >= len(answers):
            raise RequestRejectedError(self._absence(origin, key, len(answers)))
        return answers[origin.repeat]

    def _document(self, request: Request) -> tuple[Origin, Key]:
        origin = request.origin
        if origin is None:
            raise RequestRejectedError(
                "recorded answers are those of documents; this request has none"
            )
        return origin, tuple(self._value(origin, column) for column in self._columns)

    async def aclose(self) -> None:
        """Do nothing: the file was closed after it was read."""

    def _value(self, origin: Origin, column: str) -> str:
        if column == DOC_ID:
            return str(origin.doc_id)
        if column in origin.doc:
            return str(origin.doc[column])
        raise ModelUnavailableError(
            f"the documents of {origin.task} have no column {column!r} to join on; "
            f"{suggestion(column, origin.doc)}"
        )

    def _wanted(self, key: Key) -> str:
        return ", ".join(
            f"{column}={value[:80]!r}"
            for column, value in zip(self._columns, key, strict=True)
        )

    def _absence(self, origin: Origin, key: Key, found: int) -> str:
        wanted = self._wanted(key)
        if found:
            missing = (
                f"repeat {origin.repeat}"
                if origin.turn is None
                else f"client turn {origin.turn + 1}"
            )
            return f"{self._path} has {found} answers for {wanted}, none for {missing}"
        return f"{self._path} has no answer for {wanted} of task {origin.task}"
