"""What the journals of a run say of one task, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pytest_evalkit.evaluate import SampleDict
from pytest_evalkit.results.aggregate import Tally
from pytest_evalkit.results.document import TaskConclusion
from pytest_evalkit.results.early_gates import EarlyGate
from pytest_evalkit.results.early_stop import (
    EarlyStop,
    add_anytime_intervals,
    drawn_order,
    find_stop,
)
from pytest_evalkit.results.journal import Place, SelectionDict
from pytest_evalkit.results.survey import TaskSurvey
from pytest_evalkit.scoring import ScoringPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFacts:
    """What concluding needs to know of a task beyond its samples.

    Attributes:
        alias: What tables call it.
        config: The task file as it was resolved, in JSON values.
        version: Version of the task.
        num_fewshot: Worked examples in each prompt.
        plan: How it scores.
    """

    alias: str
    config: Mapping[str, Any]
    version: Any
    num_fewshot: int
    plan: ScoringPlan


class TaskRecord:
    """What the journals say of one task, as its last session selects documents.

    Args:
        name: Name of the task.
        found: Where its samples stand.
        facts: The rest.

    Attributes:
        stop: Where the task ended early, or None.
    """

    def __init__(self, name: str, found: TaskSurvey, facts: TaskFacts) -> None:
        self.name = name
        self.facts = facts
        self.tally = Tally(facts.plan)
        self._found = found
        self._selections = found.selections
        self._chosen = found.selected
        self.stop: EarlyStop | None = None

    def end_early(self, gates: Sequence[EarlyGate], seed: int) -> None:
        """Leave out what was not needed to decide the gates of the task.

        Args:
            gates: The gates.
            seed: The run's, by which documents were put in order.
        """
        chosen = self._chosen or frozenset(self._found.documents())
        order = drawn_order(chosen, seed=seed, task=self.name)
        self.stop = find_stop(order, self.tally.scores(), gates)
        if self.stop is not None:
            self.tally.forget(self.stop.saved)

    def add(self, sample: SampleDict, place: Place) -> bool:
        """Take in one sample; False where it does not count, since a later one does."""
        document = sample["doc_id"]
        is_chosen = self._chosen is None or document in self._chosen
        if not is_chosen or not self._found.is_latest(
            document, sample["filter"], place
        ):
            return False
        self.tally.add(sample)
        return True

    @property
    def selections(self) -> Sequence[SelectionDict]:
        """What each process set out to do."""
        return list(self._selections.values())

    @property
    def is_complete(self) -> bool:
        """Whether every document that is needed has been recorded, however it ended."""
        needed = self._selected - len(self._saved)
        return sum(1 for _ in self._documents()) >= needed

    @property
    def _selected(self) -> int:
        return sum(said["selected"] for said in self._selections.values())

    @property
    def _saved(self) -> frozenset[int]:
        return frozenset() if self.stop is None else self.stop.saved

    def _documents(self) -> Iterator[int]:
        """List the documents that were selected, needed and recorded, in order."""
        chosen, saved = self._chosen, self._saved
        return (
            document
            for document in self._found.documents()
            if (chosen is None or document in chosen) and document not in saved
        )

    def places(self) -> Iterator[Place]:
        """Tell where the samples stand: by document, then in the filters' order."""
        names = [pipeline.name for pipeline in self.facts.plan.pipelines]
        for document in self._documents():
            yield from self._found.places(document, names)

    def resumed(self, is_earlier: Callable[[Place], bool]) -> int:
        """Count the documents whose record is of an earlier session of the run.

        Args:
            is_earlier: Tells of a place whether it is in a journal of such a session.
        """
        return sum(1 for place in self.first_places() if is_earlier(place))

    @property
    def has_conversations(self) -> bool:
        """Whether its documents are conversations."""
        return self.facts.config.get("conversation") is not None

    def first_places(self) -> Iterator[Place]:
        """Tell where the first sample of each document stands, in document order."""
        names = [pipeline.name for pipeline in self.facts.plan.pipelines]
        for document in self._documents():
            yield from islice(self._found.places(document, names), 1)

    def conclude(
        self, *, judge_partial: bool, levels: Collection[float] = ()
    ) -> TaskConclusion:
        """Aggregate the task.

        Args:
            judge_partial: True when gates are to be judged on part of the documents.
            levels: Of what intervals beside those of 95 %, between 0 and 1.
        """
        said = next(iter(self._selections.values()))
        aggregates = self.tally.aggregates(levels=levels)
        coverage = self.tally.coverage(said["original"], self._selected)
        if self.stop is not None:
            coverage["saved"] = len(self.stop.saved)
            metrics = self.facts.plan.metrics
            add_anytime_intervals(aggregates, metrics, self.tally.values, self.stop)
        return TaskConclusion(
            name=self.name,
            alias=self.facts.alias,
            config=self.facts.config,
            version=self.facts.version,
            num_fewshot=self.facts.num_fewshot,
            directions={row["metric"]: row["higher_is_better"] for row in aggregates},
            aggregates=aggregates,
            coverage=coverage,
            error_kinds=self.tally.error_kinds(),
            task_hash=self.tally.task_hash(),
            fingerprint=said["fingerprint"],
            partial=None if judge_partial else self._partial(said),
            stop=self.stop,
        )

    def _partial(self, said: SelectionDict) -> str | None:
        if said["is_sample"]:
            return "the documents are the shipped sample's (--sample)"
        if self._selected < said["original"]:
            return (
                f"{self._selected} of {said['original']} documents were selected "
                "(--gate-partial judges all the same)"
            )
        return None
