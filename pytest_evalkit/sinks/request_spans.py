"""Requests as spans: what an OpenTelemetry trace tells of a document.

Names and attributes are those of the semantic conventions for generative AI, 1.44
(``gen_ai.*``); what they have no name for begins with ``evalkit.``. Nothing of
OpenTelemetry is imported here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pytest_evalkit.evaluate.sample import SampleDict
from pytest_evalkit.results.schema import ResultsDict

_SECOND = 1_000_000_000
_PROVIDER = "openai"
_SETTINGS = {
    "gen_ai.request.temperature": ("temperature",),
    "gen_ai.request.top_p": ("top_p",),
    "gen_ai.request.max_tokens": ("max_gen_toks", "max_new_tokens", "max_tokens"),
}
_USAGE = {
    "gen_ai.usage.input_tokens": "input_tokens",
    "gen_ai.usage.output_tokens": "output_tokens",
    "gen_ai.usage.cache_read.input_tokens": "cached_tokens",
    "gen_ai.usage.reasoning.output_tokens": "reasoning_tokens",
}
_OF_REQUESTS = {
    "gen_ai.response.time_to_first_chunk": "ttft_s",
    "gen_ai.usage.input_tokens": "input_tokens",
    "gen_ai.usage.output_tokens": "output_tokens",
    "evalkit.request.planned_at_s": "planned_at_s",
    "evalkit.request.retry_wait_s": "retry_wait_s",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A span to be: of a document, or of a request within it.

    Attributes:
        name: Its name.
        start_ns: Its start, in nanoseconds since 1970 (UTC).
        end_ns: Its end.
        attributes: What it says.
        events: Name and attributes of what happened at its end.
        error: Why it failed; None where it did not.
        is_request: Whether it is of a request, not of a document.
    """

    name: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Any]
    events: Sequence[tuple[str, Mapping[str, Any]]] = ()
    error: str | None = None
    is_request: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSpans:
    """The trace of one document.

    Attributes:
        document: From when it was begun until it was scored.
        requests: What was asked of the model meanwhile.
    """

    document: Span
    requests: Sequence[Span] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """What all requests of a run have in common.

    Attributes:
        name: Name of the model.
        shared: Attributes of each request.
    """

    name: str
    shared: Mapping[str, Any]


def document_spans(
    documents: Iterator[Sequence[SampleDict]],
    results: ResultsDict,
    *,
    with_content: bool,
) -> Iterator[DocumentSpans]:
    """Make the traces of documents; those without times have none.

    Args:
        documents: The samples of each document under all filters.
        results: What the run concludes.
        with_content: Whether to tell prompts and answers.
    """
    model = _model_of(results)
    for samples in documents:
        if "timing" in samples[0]:
            yield _document(samples, results, model, with_content=with_content)


def _model_of(results: ResultsDict) -> _Model:
    config = results["config"]
    options = config.get("resolved_cli_args", {})
    backend = str(options.get("model") or "custom")
    described = config.get("model_description")
    address = described.get("base_url") if isinstance(described, dict) else None
    shared: dict[str, Any] = {
        # An endpoint with the protocol is taken for its provider, as conventions ask.
        "gen_ai.provider.name": _PROVIDER if "openai" in backend else backend,
        "gen_ai.request.model": results["model_name"],
    }
    if isinstance(address, str):
        parts = urlsplit(address)
        if parts.hostname is not None:
            shared["server.address"] = parts.hostname
        if parts.port is not None:
            shared["server.port"] = parts.port
    return _Model(name=results["model_name"], shared=shared)


def _document(
    samples: Sequence[SampleDict],
    results: ResultsDict,
    model: _Model,
    *,
    with_content: bool,
) -> DocumentSpans:
    first = samples[0]
    timing = first["timing"]
    start_ns = round((results["date"] + timing["started_s"]) * _SECOND)
    end_ns = start_ns + round(timing["latency_s"] * _SECOND)
    # Of several requests nobody knows which of them said what.
    content = _content(first) if with_content else {}
    requests = list(_requests(first, results, model, start_ns, content))
    attributes = {
        "evalkit.task": first["task"],
        "evalkit.document.id": first["item_id"],
        "evalkit.document.hash": first["doc_hash"],
        "evalkit.document.status": first["status"],
        "evalkit.document.attempts": first["attempts"],
    }
    error = first.get("error")
    if error is not None:
        attributes["error.type"] = error.partition(":")[0]
    if len(requests) != 1:
        attributes.update(_usage(first))
    document = Span(
        name=f"evaluate {first['task']}",
        start_ns=start_ns,
        end_ns=end_ns,
        attributes=attributes,
        events=[event for sample in samples for event in _verdicts(sample)],
        error=error,
    )
    return DocumentSpans(document=document, requests=requests)


def _requests(
    sample: SampleDict,
    results: ResultsDict,
    model: _Model,
    start_ns: int,
    content: Mapping[str, str],
) -> Iterator[Span]:
    """Make a span of each request that took time; recalled ones were not asked."""
    told = _Requests(sample)
    operation = "chat" if sample["input"] else "text_completion"
    for place, seconds in enumerate(told.seconds):
        if seconds is None:
            continue
        attributes = {
            "gen_ai.operation.name": operation,
            **model.shared,
            **_settings(sample["task"], results),
            **told.attributes(place),
        }
        if len(told.seconds) == 1:
            attributes.update({**_usage(sample), **content})
        sent_at_s = told.value("sent_at_s", place)
        if sent_at_s is None:
            # When it left was not recorded: the length is right, the place is not.
            attributes["evalkit.request.start_is_known"] = False
            begun_ns = start_ns
        else:
            begun_ns = round((results["date"] + sent_at_s) * _SECOND)
        status = told.value("request_status", place)
        yield Span(
            name=f"{operation} {model.name}",
            start_ns=begun_ns,
            end_ns=begun_ns + round(seconds * _SECOND),
            attributes=attributes,
            error=None if status in {None, "successful"} else str(status),
            is_request=True,
        )


class _Requests:
    """The requests of a document, one after the other, as its sample tells of them.

    Args:
        sample: The sample.
    """

    def __init__(self, sample: SampleDict) -> None:
        self._told: Mapping[str, Any] = {
            **sample["timing"],
            "finish_reason": sample.get("finish_reason"),
        }
        seconds = self._told.get("request_s", sample.get("request_latency_s"))
        self.seconds = _listed(seconds)

    def value(self, name: str, place: int) -> Any:
        """Get what is told of one request; None where that is not of each of them."""
        each = _listed(self._told.get(name))
        return each[place] if len(each) == len(self.seconds) else None

    def attributes(self, place: int) -> dict[str, Any]:
        """Tell what the answer to one request was like."""
        found = {name: self.value(key, place) for name, key in _OF_REQUESTS.items()}
        attributes = {name: value for name, value in found.items() if value is not None}
        reason = self.value("finish_reason", place)
        if reason is not None:
            attributes["gen_ai.response.finish_reasons"] = [reason]
        return attributes


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _settings(task: str, results: ResultsDict) -> dict[str, Any]:
    """Read how text was generated, where the task says."""
    told = results["configs"].get(task, {}).get("generation_kwargs")
    given: Mapping[str, Any] = told if isinstance(told, dict) else {}
    return {
        name: given[key]
        for name, keys in _SETTINGS.items()
        for key in keys
        if isinstance(given.get(key), int | float)
    }


def _usage(sample: SampleDict) -> dict[str, int]:
    counts = sample.get("token_counts")
    if counts is None:
        return {}
    told: Mapping[str, int | None] = {**counts}  # type: ignore[dict-item]
    found = {name: told.get(key) for name, key in _USAGE.items()}
    return {name: count for name, count in found.items() if count is not None}


def _verdicts(sample: SampleDict) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Tell each score as an event of an evaluation; values that are no numbers are none."""
    values: Mapping[str, Any] = {**sample}
    for metric in sample["metrics"]:
        value = values.get(metric)
        if isinstance(value, Mapping):
            value = value.get("score")
        if isinstance(value, int | float):
            yield (
                "gen_ai.evaluation.result",
                {
                    "gen_ai.evaluation.name": f"{metric},{sample['filter']}",
                    "gen_ai.evaluation.score.value": float(value),
                },
            )


def _content(sample: SampleDict) -> dict[str, str]:
    """Write prompt and answer as the conventions have them: JSON of messages."""
    asked = [
        {"role": message["role"], "parts": _parts(message["content"])}
        for message in sample["input"]
    ]
    raw = sample.get("resps", sample["filtered_resps"])
    answer = raw if isinstance(raw, str) else json.dumps(raw)
    said = [
        {
            "role": "assistant",
            "parts": _parts(answer),
            "finish_reason": str(sample.get("finish_reason") or "stop"),
        }
    ]
    return {
        "gen_ai.input.messages": json.dumps(asked),
        "gen_ai.output.messages": json.dumps(said),
    }


def _parts(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "content": content}]
    return [
        {"type": "text", "content": part["text"]}
        if part.get("type") == "text"
        # Media are told by their hash.
        else dict(part)
        for part in content
    ]
