"""What the page shows of an open document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_evalkit.codec import encode
from pytest_evalkit.errors import OptionError
from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.messages.pictures import some_frames
from pytest_evalkit.reports.page_columns import Names
from pytest_evalkit.reports.page_texts import PageTexts
from pytest_evalkit.reports.standing import value_of
from pytest_evalkit.results.schema import ResultsDict
from pytest_evalkit.scoring import (
    DEFAULT_REASONING_TAGS,
    parse_reasoning_tags,
    strip_reasoning,
)

_SHORT = 140
# A metric's value beyond this is shown as far as this.
_LONGEST_VALUE = 400
# What the page calls counts of tokens, and samples do.
_TOKEN_KINDS = tuple(
    (f"{kind} tokens", f"{kind}_tokens")
    for kind in ("input", "output", "reasoning", "cached")
)
# What only some documents have.
_EVEN_IF_EMPTY = ("reasoning", "error", "refusal")
_SOMETIMES = (*_EVEN_IF_EMPTY, "transcript", "judge", "tool_calls")

Tags = Sequence[tuple[str, str]]


class Details:
    """Writes documents for the page.

    Args:
        results: Of their run.
        texts: Takes in the texts.
        media: Numbers the media by their hashes.
    """

    def __init__(self, results: ResultsDict, texts: PageTexts, media: Names) -> None:
        self._results = results
        self._texts = texts
        self._media = media
        self._tags: dict[str, Tags] = {}

    def of(self, samples: Sequence[SampleDict]) -> dict[str, Any]:
        """Write a document, given its samples under all filters."""
        first = samples[0]
        return {
            "input": self.asked(first),
            "target": self._texts.add(plain(first["target"])),
            **self.answered(samples),
        }

    def asked(self, sample: SampleDict) -> list[dict[str, Any]]:
        """Write what the model was asked: messages, or texts that were weighed."""
        asked = [
            self._message(sample["task"], place, message)
            for place, message in enumerate(sample["input"])
        ]
        if "arguments" in sample:
            asked.extend(self._weighed(sample))
        return asked

    def answered(self, samples: Sequence[SampleDict]) -> dict[str, Any]:
        """Write what became of a document: its answers, and what came with them."""
        first = samples[0]
        detail: dict[str, Any] = {
            "answers": [self._answer(sample) for sample in samples],
            "facts": _facts(first),
        }
        raw = _raw(first)
        if raw is not None:
            detail["raw"] = self._texts.add(plain(raw))
            stripped = _without_thought(raw, self._tags_of(first["task"]))
            if stripped is not None:
                detail["stripped"] = self._texts.add(stripped)
        for key in () if first.keys().isdisjoint(_SOMETIMES) else _SOMETIMES:
            value: Any = first.get(key)
            if value is not None and (value or key in _EVEN_IF_EMPTY):
                detail[key] = self._texts.add(plain(value))
        notes = first.get("notes")
        if notes:
            detail["notes"] = [self._texts.add(note) for note in notes]
        return detail

    def _answer(self, sample: SampleDict) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "filter": sample["filter"],
            "metrics": [
                [name, clipped(plain(value_of(sample, name)), _LONGEST_VALUE)]
                for name in sample["metrics"]
            ],
        }
        if sample["filtered_resps"] is not None:
            answer["answer"] = self._texts.add(plain(sample["filtered_resps"]))
        if "parse_status" in sample:
            status, rule = plain(sample["parse_status"]), sample.get("parse_rule")
            answer["parse"] = status if rule is None else f"{status}, by {plain(rule)}"
        return answer

    def _message(
        self, task: str, place: int, message: Mapping[str, Any]
    ) -> dict[str, Any]:
        role, content = message["role"], message["content"]
        family = (id(self), task, place, role)
        if isinstance(content, str):
            parts = [self._texts.add(content, family)]
        else:
            parts = [
                self._part(part, (*family, index)) for index, part in enumerate(content)
            ]
        return {"role": role, "parts": parts}

    def _part(self, part: Mapping[str, Any], family: tuple[Any, ...]) -> dict[str, Any]:
        kind = part["type"]
        if kind == "text":
            return self._texts.add(part["text"], family)
        if kind in {"image", "audio", "video"}:
            shown = some_frames(part.get("frames", [part]))
            numbers = [self._media.number(each["sha256"]) for each in shown]
            return {"media": kind, "label": _label(part), "m": numbers}
        return self._texts.add(plain(dict(part)))

    def _weighed(self, sample: SampleDict) -> Iterator[dict[str, Any]]:
        """Write the texts whose likelihood was asked for, a context once for all."""
        context = None
        for place, (*before, text) in enumerate(sample.get("arguments", ())):
            if before and before[0] != context:
                context = before[0]
                family = (id(self), sample["task"], "context", place)
                part = self._texts.add(context, family)
                yield {"role": "context", "parts": [part]}
            role = "continuation" if before else "text"
            yield {"role": role, "parts": [self._texts.add(text)]}

    def _tags_of(self, task: str) -> Tags:
        """Find the tags around thought: the task's own, the run's, or the usual ones."""
        if task not in self._tags:
            own = self._results["configs"].get(task, {}).get("reasoning_tags")
            options = self._results["config"].get("resolved_cli_args", {})
            given = options.get("reasoning_tags") if own is None else own
            self._tags[task] = _parsed_tags(given)
        return self._tags[task]


def media_in(messages: Sequence[Mapping[str, Any]]) -> list[int]:
    """List the numbers of the media in messages as the page has them, each once."""
    return list(
        dict.fromkeys(
            number
            for message in messages
            for part in message["parts"]
            for number in part.get("m", ())
        )
    )


def plain(value: Any) -> str:
    """Write a value as text: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else encode(value).decode()


def short(value: Any) -> str:
    """Write a value in one line for a list; empty for None."""
    if value is None:
        return ""
    text = plain(value)
    return clipped(" ".join(text[: 4 * _SHORT].split()), _SHORT)


def clipped(text: str, most: int) -> str:
    """Leave out what goes beyond a number of characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _raw(sample: SampleDict) -> Any:
    """Tell what was received; None where nothing was."""
    return sample["resps"] if "resps" in sample else sample["filtered_resps"]


def _without_thought(raw: Any, tags: Tags) -> str | None:
    """Take thought out of an answer; None where there is none in it."""
    if not isinstance(raw, str) or not tags:
        return None
    stripped = strip_reasoning(raw, tags)
    return None if stripped.text == raw else stripped.text


def _parsed_tags(given: Any) -> Tags:
    if given is None:
        return DEFAULT_REASONING_TAGS
    try:
        return parse_reasoning_tags(given)
    except OptionError:
        # Of a run of another version: the text is shown as it was received.
        return ()


def _label(part: Mapping[str, Any]) -> str:
    """Name a medium that cannot be shown."""
    frames = part.get("frames")
    what = f"{len(frames)} frames" if frames else part.get("mime", part["type"])
    digest = "" if frames else str(part.get("sha256", ""))[:12]
    return " ".join(each for each in (what, part.get("url"), digest) if each)


def _seconds(recorded: Any) -> str:
    if not isinstance(recorded, list):
        return f"{recorded:.3g} s"
    return ", ".join(f"{one:.3g} s" for one in recorded if one is not None)


def _facts(sample: SampleDict) -> list[tuple[str, str]]:
    facts: list[tuple[str, str]] = []
    reason = sample.get("finish_reason")
    if reason is not None:
        facts.append(("finish reason", plain(reason)))
    counts: Mapping[str, Any] | None = sample.get("token_counts")
    if counts:
        for name, kind in _TOKEN_KINDS:
            count = counts.get(kind)
            if count is not None:
                facts.append((name, f"{count:,}"))
    if sample["attempts"] > 1:
        facts.append(("attempts", str(sample["attempts"])))
    latency_s = sample.get("request_latency_s")
    if latency_s is not None:
        facts.append(("request latency", _seconds(latency_s)))
    timing: Mapping[str, Any] | None = sample.get("timing")
    if timing and timing.get("ttft_s") is not None:
        facts.append(("first token", _seconds(timing["ttft_s"])))
    content = sample["doc_hash"][:12] or "not prepared"
    facts.append(("document", f"{sample['doc_id']} · {content}"))
    return facts
