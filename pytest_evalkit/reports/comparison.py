"""Two runs of the same documents, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pytest_evalkit import stats
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.reports.page_details import Details, short
from pytest_evalkit.reports.page_documents import (
    DocumentKeys,
    PageDocuments,
    by_document,
    columns_of,
    prompt_hash,
)
from pytest_evalkit.reports.standing import Standing, standing_of
from pytest_evalkit.results.schema import ResultsDict, task_names
from pytest_evalkit.stats import mcnemar_mid_p, mean, paired_t


@dataclass(kw_only=True)
class Difference:
    """What lies between two runs, of one metric on the documents that both have.

    Attributes:
        task: The task.
        filter: The filter.
        metric: The metric.
        higher_is_better: Its direction, or None.
        first: Values in the first run.
        second: Values of the same documents in the second.
    """

    task: str
    filter: str
    metric: str
    higher_is_better: bool | None
    first: list[float] = field(default_factory=list)
    second: list[float] = field(default_factory=list)

    @property
    def n(self) -> int:
        """Documents that both runs have."""
        return len(self.first)

    @property
    def means(self) -> tuple[float, float]:
        """The means of both runs."""
        return mean(self.first), mean(self.second)

    @cached_property
    def tested(self) -> stats.Difference:
        """The second mean less the first, with its 95 % interval and p value.

        The interval is Student's, of the differences of documents, which needs no
        assumption on how alike the runs are. Where all values are 0 or 1, the p value is
        McNemar's: only documents that changed tell of a difference.
        """
        tested = paired_t(self._each)
        if {*self.first, *self.second} <= {0.0, 1.0}:
            return tested._replace(p_value=mcnemar_mid_p(*self.flips))
        return tested

    @property
    def flips(self) -> tuple[int, int]:
        """Documents that got better, and that got worse."""
        steps = [self.sign * step for step in self._each]
        return sum(step > 0 for step in steps), sum(step < 0 for step in steps)

    @property
    def sign(self) -> int:
        """1 where a higher value is better, -1 where a lower one is."""
        return -1 if self.higher_is_better is False else 1

    @property
    def _each(self) -> list[float]:
        pairs = zip(self.first, self.second, strict=True)
        return [second - first for first, second in pairs]


class Comparison:
    """Sets the documents of a second run beside those of the first.

    Args:
        documents: Of the first run.
        results: Of the first run.
        others: Results of the second.
    """

    def __init__(
        self, documents: PageDocuments, results: ResultsDict, others: ResultsDict
    ) -> None:
        self.results = others
        self._documents = documents
        self._first = results
        self._details = Details(others, documents.texts, documents.media)
        self._lines = {
            (line.number, line.filter): position
            for position, line in enumerate(documents.lines)
        }
        count = len(documents.lines)
        self._rows: dict[str, list[Any]] = {
            name: [None] * count for name in ("outcome", "score", "answer", "gain")
        }
        self._differences: dict[tuple[str, str, str], Difference] = {}
        self._changed: dict[str, int] = {}
        self.matched = 0
        self.unmatched = 0

    def add_all(self, samples: Iterable[SampleDict]) -> None:
        """Take in the samples of the second run, those of a document together."""
        keys = DocumentKeys()
        for document in by_document(samples):
            number = self._documents.number_of(keys.key_of(document[0]))
            if number is None:
                self.unmatched += 1
            else:
                self._add(number, document)

    def _add(self, number: int, samples: Sequence[SampleDict]) -> None:
        self.matched += 1
        detail = self._details.answered(samples)
        first = samples[0]
        if prompt_hash(first) != self._documents.prompts[number]:
            task = first["task"]
            self._changed[task] = self._changed.get(task, 0) + 1
            detail["input"] = self._details.asked(first)
        self._documents.details[number]["other"] = detail
        for sample in samples:
            position = self._lines.get((number, sample["filter"]))
            if position is not None:
                self._set(position, sample)

    def _set(self, position: int, sample: SampleDict) -> None:
        standing = standing_of(sample, self.results)
        before = self._documents.lines[position].standing
        columns = columns_of(standing) | {
            "answer": short(sample["filtered_resps"]),
            "gain": self._pair(sample, before, standing),
        }
        for name, value in columns.items():
            self._rows[name][position] = value

    def _pair(self, sample: SampleDict, first: Standing, second: Standing) -> int:
        """Take in the scores of a document; say 1 where the second run did better.

        Returns:
            -1 where it did worse, 0 where neither can be said.
        """
        if first.score is None or second.score is None or first.metric is None:
            return 0
        if first.metric != second.metric:
            return 0
        key = (sample["task"], sample["filter"], first.metric)
        if key not in self._differences:
            higher = self._first["higher_is_better"].get(sample["task"], {})
            self._differences[key] = Difference(
                task=sample["task"],
                filter=sample["filter"],
                metric=first.metric,
                higher_is_better=higher.get(first.metric),
            )
        difference = self._differences[key]
        difference.first.append(first.score)
        difference.second.append(second.score)
        return difference.sign * _sign(second.score - first.score)

    @property
    def differences(self) -> list[Difference]:
        """What lies between the runs, by task, filter and metric."""
        return list(self._differences.values())

    def index(self) -> dict[str, Any]:
        """Write what lists and filters need, line by line of the first run's."""
        return {"name": self.results["model_name"], "rows": self._rows}

    def warnings(self) -> Iterator[str]:
        """Tell what else differs between the runs, which may explain a difference."""
        first, second = self._first, self.results
        for task in task_names(first):
            if task not in second["aggregates"]:
                yield f"{task} is in the first run only"
                continue
            for key, what in _COMPARED.items():
                one, other = (_of_task(run, key, task) for run in (first, second))
                if one != other:
                    yield f"{task}: {what} differs: {one} and {other}"
            if task in self._changed:
                yield f"{task}: {self._changed[task]} documents were asked otherwise"
        for task in task_names(second):
            if task not in first["aggregates"]:
                yield f"{task} is in the second run only"
        missing = len(self._documents.details) - self.matched
        if missing or self.unmatched:
            yield (
                f"{missing} documents are in the first run only, {self.unmatched} in "
                "the second only; they are in no difference"
            )


def _sign(step: float) -> int:
    return (step > 0) - (step < 0)


_COMPARED = {
    "versions": "the version of the task",
    "n-shot": "the number of worked examples",
    "dataset_fingerprints": "the data set",
}


def _of_task(results: ResultsDict, key: str, task: str) -> Any:
    values: dict[str, Any] = {**results}
    return values[key].get(task)
