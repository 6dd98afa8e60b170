"""Two runs of the same documents, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

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
from pytest_evalkit.results.schema import ResultsDict


class Comparison:
    """Sets the documents of a second run beside those of the first.

    Args:
        documents: Of the first run.
        results: Of the first run.
        others: Results of the second.

    Attributes:
        results: Of the second run.
        matched: Its documents that are among those of the first.
        unmatched: Those that are not.
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
            detail["input"] = self._details.asked(first)
        self._documents.details[number]["other"] = detail
        for sample in samples:
            position = self._lines.get((number, sample["filter"]))
            if position is not None:
                self._set(position, sample)

    def _set(self, position: int, sample: SampleDict) -> None:
        standing = standing_of(sample, self.results)
        before = self._documents.lines[position].standing
        outcome, score = columns_of(standing)
        columns = {
            "outcome": outcome,
            "score": score,
            "answer": short(sample["filtered_resps"]),
            "gain": self._gain(sample, before, standing),
        }
        for name, value in columns.items():
            self._rows[name][position] = value

    def _gain(self, sample: SampleDict, first: Standing, second: Standing) -> int:
        """Say 1 where the second run did better, -1 where worse, 0 where neither."""
        if first.score is None or second.score is None or first.metric != second.metric:
            return 0
        higher = self._first["higher_is_better"].get(sample["task"], {})
        sign = -1 if higher.get(str(first.metric)) is False else 1
        return sign * _sign(second.score - first.score)

    def index(self) -> dict[str, Any]:
        """Write what lists and filters need, line by line of the first run's."""
        return {"name": self.results["model_name"], "rows": self._rows}


def _sign(step: float) -> int:
    return (step > 0) - (step < 0)
