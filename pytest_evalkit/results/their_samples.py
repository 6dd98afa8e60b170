"""Samples of lm-evaluation-harness and lmms-eval, read as if they were ours."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pytest_evalkit.codec import CodecError, decode, encode
from pytest_evalkit.errors import ResultsError
from pytest_evalkit.evaluate.sample import (
    SAMPLE_SCHEMA_VERSION,
    SampleDict,
)
from pytest_evalkit.evaluate.token_counts import TokenCounts
from pytest_evalkit.results.their_results import LM_EVAL, LMMS_EVAL, NOT_SCORED
from pytest_evalkit.tasks import doc_hash

# What lmms-eval writes as the hash of every document.
_NO_HASH = hashlib.sha256(b"null").hexdigest()
# What a line of lmms-eval holds besides its metrics.
_LMMS_KEYS = frozenset(
    {
        *("doc_id", "doc", "target", "arguments", "resps", "filtered_resps"),
        *("doc_hash", "token_counts", "input", "input_media", "filter", "metrics"),
        *("prompt_hash", "target_hash", "agentic_trace"),
    }
)
# Further positions are damage; figures keep a place for each document before.
_MOST_DOCUMENTS = 2**24
_TRUTHS = {"True": True, "False": False}
_COUNTS = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class TheirTask:
    """What has to be known of a task to read its samples.

    Attributes:
        name: Its name.
        config: Its settings, as the results have them; empty where there are none.
        filters: Its filters, in order; empty where that is not known.
        metrics: Metrics with a figure; empty where that is not known.
    """

    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    filters: Sequence[str] = ()
    metrics: Sequence[str] = ()

    def is_averaged(self, metric: str) -> bool:
        """Tell whether a metric is known to be the mean of its values."""
        entries = self.config.get("metric_list")
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and entry.get("metric") == metric:
                return bool(entry.get("aggregation", "mean") == "mean")
        return False


class TheirSamples:
    """The samples in a file of theirs, in document order, a document's together.

    Args:
        path: The file.
        task: What it is of.

    Attributes:
        torn: Lines that are no samples.
        written_by: ``lm-eval`` or ``lmms-eval``; empty before the file was read.
    """

    def __init__(self, path: Path, task: TheirTask) -> None:
        self._path = path
        self._task = task
        self.torn = 0
        self.written_by = ""

    def __iter__(self) -> Iterator[SampleDict]:
        """Read the file from its beginning.

        Raises:
            ResultsError: It cannot be read, or has more lines of a document than the
                task has filters, so that nobody knows which is which.
        """
        lines = self._lines()
        self.written_by = LM_EVAL if _is_of_lm_eval(lines) else LMMS_EVAL
        read = self._of_lm if self.written_by == LM_EVAL else self._reader_of_lmms()
        samples = [read(line) for line in lines]
        # They write filter by filter.
        samples.sort(key=lambda sample: sample["doc_id"])
        yield from samples

    def _lines(self) -> list[dict[str, Any]]:
        self.torn = 0
        found = []
        try:
            content = self._path.read_bytes()
        except OSError as error:
            raise ResultsError(
                f"cannot read samples {self._path}: {error.strerror}"
            ) from error
        for line in content.splitlines():
            value = _decoded(line)
            if value is not None:
                found.append(value)
            elif line.strip():
                self.torn += 1
        return found

    def _of_lm(self, line: Mapping[str, Any]) -> SampleDict:
        named = line.get("metrics")
        listed = named if isinstance(named, list) else []
        names = [name for name in listed if isinstance(name, str) and name in line]
        pipeline = str(line.get("filter") or "none")
        asked = _asked_of_lm(line.get("arguments"))
        return self._sample(line, asked, pipeline, names)

    def _reader_of_lmms(self) -> Callable[[Mapping[str, Any]], SampleDict]:
        """Make a reader that tells filters by how often a document came before.

        lmms-eval writes filter by filter, and not which.
        """
        filters = self._task.filters or ("none",)
        seen: Counter[int] = Counter()

        def read(line: Mapping[str, Any]) -> SampleDict:
            doc_id = line["doc_id"]
            place = seen[doc_id]
            seen[doc_id] += 1
            if place >= len(filters):
                raise ResultsError(
                    f"{self._path} has {place + 1} lines of document {doc_id}, and "
                    f"task {self._task.name!r} {len(filters)} filter: lmms-eval does "
                    "not write which line is of which, so they cannot be told apart"
                )
            given = line.get("input")
            messages = _messages(given) if given is not None else []
            names = [name for name in line if self._is_metric(name)]
            return self._sample(line, {"input": messages}, filters[place], names)

        return read

    def _is_metric(self, name: str) -> bool:
        if name in _LMMS_KEYS:
            return False
        return not self._task.metrics or name in self._task.metrics

    def _sample(
        self,
        line: Mapping[str, Any],
        asked: Mapping[str, Any],
        pipeline: str,
        names: Sequence[str],
    ) -> SampleDict:
        told = line.get("doc")
        document: Mapping[str, Any] = told if isinstance(told, dict) else {}
        names = [name for name in names if name != NOT_SCORED]
        values = {name: self._value(name, line[name]) for name in names}
        sample: dict[str, Any] = {
            "schema_version": SAMPLE_SCHEMA_VERSION,
            "task": self._task.name,
            "doc_id": line["doc_id"],
            "item_id": str(line["doc_id"]),
            "doc_hash": _content(line, document),
            "status": "scored" if names else "answered",
            "input": [],
            **asked,
            "target": line.get("target"),
            "filter": pipeline,
            **_answers(line, "arguments" in asked),
            "metrics": list(names),
            "attempts": 1,
            **values,
        }
        categories = self._categories(document)
        if categories:
            sample["categories"] = categories
        cluster = self._cluster(values, document)
        if cluster is not None:
            sample["cluster"] = cluster
        counts = _token_counts(line.get("token_counts"))
        if counts is not None:
            sample["token_counts"] = counts
        return cast("SampleDict", sample)

    def _value(self, name: str, value: Any) -> Any:
        """Read a metric's value: numbers of numpy were written as texts."""
        return _plain(value) if self._task.is_averaged(name) else value

    def _categories(self, document: Mapping[str, Any]) -> dict[str, str]:
        metadata = self._task.config.get("metadata")
        columns = metadata.get("keywords") if isinstance(metadata, dict) else None
        if not isinstance(columns, list):
            return {}
        return {name: str(document[name]) for name in columns if name in document}

    def _cluster(
        self, values: Mapping[str, Any], document: Mapping[str, Any]
    ) -> str | None:
        key = self._task.config.get("cluster_key")
        for place in (*values.values(), document):
            if isinstance(place, dict) and place.get(key) is not None:
                return str(place[key])
        return None


def is_of_theirs(path: Path) -> bool:
    """Tell whether a samples file is of one of the two systems, by its first line.

    Raises:
        ResultsError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            first = _decoded(file.readline())
    except OSError as error:
        raise ResultsError(f"cannot read samples {path}: {error.strerror}") from error
    return first is not None and "schema_version" not in first and "doc_hash" in first


def _decoded(line: bytes) -> dict[str, Any] | None:
    try:
        value = decode(line)
    except CodecError:
        return None
    if not isinstance(value, dict) or type(value.get("doc_id")) is not int:
        return None
    return value if 0 <= value["doc_id"] < _MOST_DOCUMENTS else None


def _is_of_lm_eval(lines: Sequence[Mapping[str, Any]]) -> bool:
    return bool(lines) and "arguments" in lines[0]


def _content(line: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """Hash a document as we do where it is told, so that runs of ours match.

    Empty where nothing tells what is in it.
    """
    if document:
        return doc_hash(document)
    told = line.get("doc_hash")
    return told if isinstance(told, str) and told != _NO_HASH else ""


def _asked_of_lm(arguments: Any) -> dict[str, Any]:
    """Tell what was asked: messages, or the texts whose likelihood was."""
    if not isinstance(arguments, dict):
        return {}
    requests = [
        list(each.values())
        for each in arguments.values()
        if isinstance(each, dict) and each
    ]
    if not requests:
        return {}
    if any(isinstance(part, dict) for part in requests[0]):
        return {"input": _messages(requests[0][0])}
    return {"arguments": [[str(part) for part in each] for each in requests]}


def _messages(prompt: Any) -> list[dict[str, Any]]:
    """Write a prompt as messages; one for a chat is a text with JSON in it."""
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        try:
            prompt = decode(prompt[0])
        except CodecError:
            prompt = prompt[0]
    if isinstance(prompt, list) and prompt and all(map(_is_message, prompt)):
        return [_spoken(message) for message in prompt]
    text = prompt if isinstance(prompt, str) else encode(prompt).decode()
    return [{"role": "user", "content": text}]


def _is_message(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("role"), str):
        return False
    content = value.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    # Media are written in forms of which only the texts are sure.
    return all(isinstance(p, dict) and isinstance(p.get("text"), str) for p in parts)


def _spoken(message: Mapping[str, Any]) -> dict[str, Any]:
    content = message["content"]
    if isinstance(content, list):
        content = [{"type": "text", "text": part["text"]} for part in content]
    return {"role": message["role"], "content": content}


def _answers(line: Mapping[str, Any], is_likelihood: bool) -> dict[str, Any]:
    """Take the answers as we have them: flat, and raw ones where they are others."""
    filtered, raw = line.get("filtered_resps"), line.get("resps")
    if is_likelihood:
        return {"filtered_resps": _plain(filtered)}
    filtered, raw = _unwrapped(filtered), _unwrapped(_unwrapped(raw))
    if raw is None or raw == filtered:
        return {"filtered_resps": filtered}
    return {"filtered_resps": filtered, "resps": raw}


def _unwrapped(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _plain(value: Any) -> Any:
    """Read the numbers and truths that were written as texts, however deep."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, str):
        return value
    if value in _TRUTHS:
        return _TRUTHS[value]
    try:
        number = float(value)
    except ValueError:
        return value
    return number if math.isfinite(number) else value


def _token_counts(told: Any) -> TokenCounts | None:
    """Sum the tokens of a document's requests; None where none were counted."""
    each_told = told if isinstance(told, list) else []
    counted = [each for each in each_told if isinstance(each, dict)]
    if not counted:
        return None
    sums: dict[str, int | None] = {}
    for name in _COUNTS:
        known = [each[name] for each in counted if isinstance(each.get(name), int)]
        sums[name] = sum(known) if known else None
    return cast("TokenCounts", sums)
