"""The documents of a run as the page holds them: a light index, and details in blocks.

The index has what lists, filters and charts need, column by column. What only an open
document shows stands in blocks, each of which the page reads when it is first needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from pytest_evalkit.codec import encode
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.reports.breakdown import Breakdown, Breakdowns, categories_of
from pytest_evalkit.reports.page_columns import Columns, Names
from pytest_evalkit.reports.page_details import Details, media_in, short
from pytest_evalkit.reports.page_quality import Qualities
from pytest_evalkit.reports.page_texts import PageTexts, limit_of
from pytest_evalkit.reports.standing import OUTCOMES, Standing, standing_of
from pytest_evalkit.results.schema import ResultsDict, task_names
from pytest_evalkit.stats import mean

# A list of more is no quicker to search than the samples files.
MOST_DOCUMENTS = 20_000
BLOCK = 200
_NUMBERS = {outcome: number for number, outcome in enumerate(OUTCOMES)}


class DocumentKey(NamedTuple):
    """What identifies a document in every run: the n-th of a task with its content."""

    task: str
    content: str
    nth: int


class DocumentKeys:
    """Tells what identifies documents, given one after the other."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str]] = Counter()

    def key_of(self, sample: SampleDict) -> DocumentKey | None:
        """Key the next document; None where its content was never read."""
        if not sample["doc_hash"]:
            return None
        place = (sample["task"], sample["doc_hash"])
        key = DocumentKey(*place, self._seen[place])
        self._seen[place] += 1
        return key


class Line(NamedTuple):
    """A line of the list: a document under one filter.

    Attributes:
        number: The document.
        filter: The filter.
        standing: How it did.
    """

    number: int
    filter: str
    standing: Standing


class PageDocuments:
    """Gathers documents, in the order in which they are to be listed.

    Args:
        results: Of their run.
        most: Documents to hold; further ones count in breakdowns only.
        is_compared: Whether those of another run will be set beside them.

    Attributes:
        texts: The texts of all documents.
        media: The media that they show, numbered by their hashes.
        details: What an open document shows, by its number.
        lines: The lines of the list: a document under each filter, where they are
            compared.
        prompts: A hash of what was asked, by the number of the document, where they
            are compared.
        count: Documents that were taken in, held or not.
        qualities: Their scores by latency; all that were taken in count.
    """

    def __init__(
        self,
        results: ResultsDict,
        most: int = MOST_DOCUMENTS,
        *,
        is_compared: bool = False,
    ) -> None:
        self._results = results
        self._is_compared = is_compared
        counts = [results["coverage"][task]["selected"] for task in task_names(results)]
        # What small tasks leave is for large ones.
        self._most_each = limit_of(counts, most) if sum(counts) > most else most
        self._taken: dict[str, int] = {}
        self.texts = PageTexts()
        self.media = Names()
        self._details = Details(results, self.texts, self.media)
        self._breakdowns = Breakdowns()
        self.qualities = Qualities()
        self._documents = Columns(
            "task", "id", "target", "start", "took", "latency", "tokens", "parse", "error",
            "kinds", "media",
        )  # fmt: skip
        self._rows = Columns("doc", "filter", "outcome", "score", "answer")
        self._numbers: dict[DocumentKey, int] = {}
        self._keys = DocumentKeys()
        self._tasks, self._filters, self._kinds = Names(), Names(), Names()
        self.details: list[dict[str, Any]] = []
        self.lines: list[Line] = []
        self.prompts: list[int] = []
        self.count = 0

    def add_all(self, samples: Iterable[SampleDict]) -> None:
        """Take in samples, those of one document next to each other."""
        for document in by_document(samples):
            self.add(document)

    def add(self, samples: Sequence[SampleDict]) -> None:
        """Take in a document: its samples under all filters."""
        standings = [standing_of(sample, self._results) for sample in samples]
        for sample, standing in zip(samples, standings, strict=True):
            self._breakdowns.add(sample, standing)
        self.count += 1
        number = len(self.details)
        first = samples[0]
        task, latency_s = first["task"], _latency(first)
        self.qualities.add(first, standings[0], latency_s)
        taken = self._taken.get(task, 0)
        if taken >= self._most_each:
            return
        self._taken[task] = taken + 1
        if self._is_compared:
            self._note_question(number, first)
        detail = self._details.of(samples)
        self.details.append(detail)
        self._documents.rows.append(self._facts(samples, detail, latency_s))
        for sample, standing in zip(samples, standings, strict=True):
            name = sample["filter"]
            if self._is_compared:
                self.lines.append(Line(number, name, standing))
            answer = short(sample["filtered_resps"])
            filtered = self._filters.number(name)
            self._rows.rows.append((number, filtered, *columns_of(standing), answer))

    def _note_question(self, number: int, sample: SampleDict) -> None:
        key = self._keys.key_of(sample)
        if key is not None:
            self._numbers[key] = number
        self.prompts.append(prompt_hash(sample))

    def number_of(self, key: DocumentKey | None) -> int | None:
        """Find a document by what identifies it; None where it is not among these."""
        return None if key is None else self._numbers.get(key)

    def _facts(
        self,
        samples: Sequence[SampleDict],
        detail: Mapping[str, Any],
        latency_s: float | None,
    ) -> tuple[Any, ...]:
        """Tell what the index says of a document, column by column."""
        first = samples[0]
        timing = first.get("timing")
        tokens = first.get("token_counts")
        kinds = categories_of(first)
        return (
            self._tasks.number(first["task"]),
            first["item_id"],
            short(first["target"]),
            None if timing is None else round(timing["started_s"], 3),
            None if timing is None else round(timing["latency_s"], 4),
            latency_s,
            None if tokens is None else tokens["output_tokens"],
            _parse(samples),
            short(first["error"]) or None if "error" in first else None,
            [self._kinds.number(pair) for pair in kinds.items()] if kinds else [],
            media_in(detail["input"]) if self.media else [],
        )

    def breakdowns(self) -> list[Breakdown]:
        """Tell the scores by what documents are; all that were taken in count."""
        return list(self._breakdowns)

    def index(self) -> dict[str, Any]:
        """Write what lists, filters and charts need."""
        return {
            "tasks": self._tasks.names,
            "filters": self._filters.names,
            "kinds": self._kinds.names,
            "outcomes": OUTCOMES,
            "documents": self._documents.values,
            "rows": self._rows.values,
            "block": BLOCK,
            "count": self.count,
            "shown": len(self.details),
            "shared": self.texts.shared,
            "cut_at": self.texts.cut_at,
        }

    def blocks(self) -> Iterator[list[dict[str, Any]]]:
        """List the details, so many at a time; texts have to be settled before."""
        for start in range(0, len(self.details), BLOCK):
            yield self.details[start : start + BLOCK]

    def by_need(self) -> list[int]:
        """List the documents, those first that a reader looks for first: wrong ones."""
        best = dict.fromkeys(range(len(self.details)), len(OUTCOMES))
        for number, _, outcome, *_ in self._rows.rows:
            best[number] = min(best[number], _NEED[OUTCOMES[outcome]])
        return sorted(best, key=best.__getitem__)

    def media_of(self, number: int) -> Sequence[int]:
        """Tell which media a document shows, by their numbers."""
        *_, media = self._documents.rows[number]
        numbers: Sequence[int] = media
        return numbers


_NEED = {
    "error": 0,
    "wrong": 0,
    "partly": 1,
    "scored": 2,
    "answered": 2,
    "right": 3,
    "skipped": 4,
}


def columns_of(standing: Standing) -> tuple[int, float | None]:
    """Write how a document did for the index: its outcome and its score."""
    score = standing.score
    if score is not None and not score.is_integer():
        score = float(f"{score:.6g}")
    return _NUMBERS[standing.outcome], score


def by_document(samples: Iterable[SampleDict]) -> Iterator[list[SampleDict]]:
    """Put the samples of each document together, that stand next to each other."""
    for _, lines in groupby(samples, key=itemgetter("task", "doc_id")):
        yield list(lines)


def prompt_hash(sample: SampleDict) -> int:
    """Hash what was asked, to tell within this process whether two runs asked alike."""
    return hash(encode([sample["input"], sample.get("arguments")]))


def _latency(sample: SampleDict) -> float | None:
    """Tell how long a request took, in the mean where there were several."""
    seconds = sample.get("request_latency_s")
    if seconds is None:
        return None
    if isinstance(seconds, float):
        return round(seconds, 4)
    each = seconds if isinstance(seconds, list) else [seconds]
    told = [float(one) for one in each if one is not None]
    return round(mean(told), 4) if told else None


def _parse(samples: Sequence[SampleDict]) -> int:
    """Say 1 where an answer was found in no filter's eyes, else 0."""
    found: list[Any] = []
    for sample in samples:
        status: Any = sample.get("parse_status", [])
        found.extend(status if isinstance(status, list) else [status])
    return int(bool(found) and "found" not in found)
