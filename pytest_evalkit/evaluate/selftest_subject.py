"""The task that is tested, and how a check says what it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_evalkit.evaluate.flow import ReasoningTags
from pytest_evalkit.evaluate.trial import Respondent, Trial, attempt
from pytest_evalkit.models.chance import Constant, Random
from pytest_evalkit.models.oracle import Oracle
from pytest_evalkit.tasks import OpenedTask


class UnmetError(Exception):
    """A check does not hold; the message says of what, in one line."""


class InapplicableError(Exception):
    """A check says nothing of this task; the message says why, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A task under test.

    Attributes:
        opened: The task with its documents.
        tags: Pairs around thought.
        snapshot: The file of its prompts, which need not exist.
        is_updating: Whether to write that file in place of comparing with it.
        may_run_code: Whether programs in its answers may be run.
        first: What became of the documents when each backend was first tried. A scorer
            with a memory is found out by what it did first.
    """

    opened: OpenedTask
    tags: ReasoningTags
    snapshot: Path
    is_updating: bool = False
    may_run_code: bool = False
    first: dict[str, Trial] = field(default_factory=dict)

    @property
    def doc_ids(self) -> range:
        """The positions of its documents."""
        return range(len(self.opened.documents))

    @property
    def is_generation(self) -> bool:
        """Whether its answers are texts."""
        return self.opened.task.scoring.is_generation

    def named(self, doc_id: int) -> str:
        """Name a document in a message."""
        return f"document {self.opened.item_ids[doc_id]}"

    def expectation(self, key: str) -> Any:
        """Read what ``metadata`` of the task says under a key; None where nothing.

        What is said of the metrics of a task holds of its variant with reasoning too,
        where one of them has another name.
        """
        declared, plan = self.opened.task.metadata.get(key), self.opened.task.scoring
        if plan.reasoned is None or not isinstance(declared, Mapping):
            return declared
        own = (metric.name for metric in plan.reasoned.metrics)
        names = dict(zip(own, (metric.name for metric in plan.metrics), strict=False))
        return {_renamed(str(one), names): value for one, value in declared.items()}

    def require_scorer(self) -> None:
        """Go on only where answers can be scored here.

        Raises:
            InapplicableError: They cannot.
        """
        needs = self.opened.task.needs
        if needs:
            raise InapplicableError(f"scoring needs {', '.join(needs)}")
        if self.opened.task.runs_code and not self.may_run_code:
            raise InapplicableError(
                "scoring runs programs; give --allow-code-execution to test it"
            )

    def tried(self, backend: Respondent, *, is_backwards: bool = False) -> Trial:
        """Have a backend answer all documents."""
        doc_ids = reversed(self.doc_ids) if is_backwards else self.doc_ids
        return attempt(self.opened, doc_ids, backend, self.tags)

    def tried_first(self, backend: Respondent) -> Trial:
        """Have a backend answer all documents, unless it has done so."""
        name = backend.model_name
        if name not in self.first:
            self.first[name] = self.tried(backend)
        return self.first[name]

    def solved(self) -> Trial:
        """Have all documents answered as well as can be.

        Raises:
            UnmetError: Of one there is no right answer, or it cannot be scored.
        """
        trial = self.tried_first(Oracle())
        for doc_id, reason in trial.failures.items():
            raise UnmetError(f"{self.named(doc_id)}: {reason}")
        return trial

    def guessed(self) -> Trial:
        """Have all documents answered by someone who knows nothing."""
        return self.tried_first(Constant() if self.is_generation else Random())


def _renamed(key: str, names: Mapping[str, str]) -> str:
    """Rename the metric of a ``metric`` or ``metric,filter``."""
    metric, comma, pipeline = key.partition(",")
    return f"{names.get(metric, metric)}{comma}{pipeline}"
