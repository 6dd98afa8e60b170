"""What can go wrong, as one tree.

    EvalkitError
    ├── OptionError                a name, option or argument the user gave is wrong
    │   ├── MissingPackageError    what it asks for needs a package that is not installed
    │   ├── MissingCredentialError what it asks for needs a credential that is not set
    │   └── UnsuitedModelError     the model cannot do what a task asks of it
    ├── TaskError                  a task file is wrong; says path and line
    │   ├── DatasetError           its documents cannot be read
    │   └── UnsafeTaskError        it runs what a model writes, which is not allowed
    ├── ModelError                 the model gave no answer
    │   ├── ModelUnavailableError  it cannot be reached or refuses us: stop the run
    │   ├── RequestRejectedError   this request cannot be served: asking again is vain
    │   ├── TransientModelError    asking again may help
    │   └── JudgeError             the judge gave no verdict
    ├── WithheldError              the run sends no more requests: what is left is skipped
    │   ├── BudgetSpentError       it may spend no more
    │   ├── IssuingEndedError      the time of its load is over, or too much failed
    │   └── RequestCutError        the same, and a request had no answer by then
    ├── CacheError                 the response cache cannot be read or written
    ├── RecordingError             a run holds no answer that could be scored again
    ├── ScoringError               an answer could not be scored
    ├── SinkError                  results are not where they were to be sent
    └── ResultsError               results could not be read or written

A wrong answer is none of these: it is a low score.
"""

from __future__ import annotations

from pathlib import Path


class EvalkitError(Exception):
    """Anything that this package raises on purpose."""


class OptionError(EvalkitError):
    """A name, option or argument that the user gave is wrong."""


class MissingPackageError(OptionError):
    """What the user asked for needs a package that is not installed.

    Attributes:
        package: The package as it is installed, such as ``scikit-learn``.
        extra: The extra of this project that brings it, or None where none does.
        wanted_by: What needs it.
    """

    def __init__(
        self, package: str, extra: str | None = None, *, wanted_by: str
    ) -> None:
        wanted = f'"pytest-evalkit[{extra}]"' if extra else package
        super().__init__(
            f"{wanted_by} needs the package {package}; pip install {wanted}"
        )
        self.package = package
        self.extra = extra
        self.wanted_by = wanted_by


class MissingCredentialError(OptionError):
    """What the user asked for needs a credential that is not set.

    Attributes:
        variable: The environment variable that holds it; empty where none is known.
    """

    def __init__(self, variable: str, *, wanted_by: str, reason: str) -> None:
        remedy = f"; set {variable}" if variable else ""
        super().__init__(f"{wanted_by} needs a credential: {reason}{remedy}")
        self.variable = variable


class UnsuitedModelError(OptionError):
    """The model cannot do what a task asks of it.

    Attributes:
        reason: What it cannot do, and what to do instead, without the task's name.
    """

    def __init__(self, task: str, reason: str) -> None:
        super().__init__(f"{task} {reason}")
        self.reason = reason


class TaskError(EvalkitError):
    """A task file is wrong.

    Attributes:
        message: What is wrong and what to do, in one line.
        path: The task file, or None where no file is known.
        line: The line in it, from one, or None where none is known.
    """

    def __init__(
        self, message: str, *, path: Path | None = None, line: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.line = line

    def __str__(self) -> str:
        """Say where and what: ``path:line: message``."""
        if self.path is None:
            return self.message
        place = f"{self.path}:{self.line}" if self.line is not None else f"{self.path}"
        return f"{place}: {self.message}"


class DatasetError(TaskError):
    """The documents of a task cannot be read."""


class UnsafeTaskError(TaskError):
    """Scoring a task runs code that the model wrote, and the user has not allowed it."""


class ModelError(EvalkitError):
    """The model gave no answer.

    Attributes:
        attempts: How often it was asked, at least one.
        planned_at: When a load pattern wanted it sent, in seconds of a monotonic clock;
            None where none did.
        sent_at: When the last attempt was sent, or None where nothing was.
        ended_at: When that attempt had failed, or None.
    """

    attempts = 1
    planned_at: float | None = None
    sent_at: float | None = None
    ended_at: float | None = None


class ModelUnavailableError(ModelError):
    """The model cannot be reached, or refuses us: the run stops.

    Attributes:
        may_be_one_request: True where the endpoint refused in words that it could also
            mean for one request alone: a model that has answered others goes on.
    """

    def __init__(self, message: str, *, may_be_one_request: bool = False) -> None:
        super().__init__(message)
        self.may_be_one_request = may_be_one_request


class RequestRejectedError(ModelError):
    """This request cannot be served, and asking again would not change that."""


class TransientModelError(ModelError):
    """The model gave no answer this time.

    Attributes:
        retry_after_s: Seconds the endpoint asked us to wait, or None.
        is_unreachable: True when no connection could be made at all.
        status: HTTP status of the refusal, such as 429, or None where there was none.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None = None,
        is_unreachable: bool = False,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.is_unreachable = is_unreachable
        self.status = status


class JudgeError(ModelError):
    """The judge gave no verdict: the answer that it was asked about has no score."""


class WithheldError(EvalkitError):
    """The run sends no more requests, so that there is no answer to this one.

    Attributes:
        attempts: How often it was asked.
    """

    attempts = 0


class BudgetSpentError(WithheldError):
    """The run may spend no more: the request was not sent."""


class IssuingEndedError(WithheldError):
    """The run's load has ended: the request was not sent."""


class RequestCutError(WithheldError):
    """The run's load has ended, and the request had no answer in time.

    Attributes:
        attempts: How often it was asked, at least one.
        planned_at: As that of ``ModelError``.
        sent_at: As that of ``ModelError``.
        ended_at: When it was cut.
    """

    attempts = 1
    planned_at: float | None = None
    sent_at: float | None = None
    ended_at: float | None = None


class CacheError(EvalkitError):
    """The response cache cannot be read or written."""


class RecordingError(EvalkitError):
    """A recorded run holds no answer to what is asked of a document."""


class ScoringError(EvalkitError):
    """An answer could not be scored, or scores could not be aggregated."""


class ResultsError(EvalkitError):
    """Results could not be read or written."""


class SinkError(EvalkitError):
    """Results could not be sent where the user wants them besides."""
