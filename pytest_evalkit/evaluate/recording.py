"""Writing samples: from what happened to a document to its wire form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from pytest_evalkit.codec import encode
from pytest_evalkit.evaluate.answered import Answered
from pytest_evalkit.evaluate.sample import (
    SAMPLE_SCHEMA_VERSION,
    RecalledDict,
    SampleDict,
    Status,
)
from pytest_evalkit.evaluate.timing import rounded, token_logprobs
from pytest_evalkit.evaluate.token_counts import TokenCounts, token_counts
from pytest_evalkit.evaluate.turn_records import TurnDict, TurnLog, turn_dicts
from pytest_evalkit.messages import Message, ToolCallPart, message_dicts
from pytest_evalkit.scoring.repeated import Repeated
from pytest_evalkit.tasks import OpenedTask, Prepared
from pytest_evalkit.values import (
    AnyResponse,
    Generate,
    Loglikelihood,
    Recalled,
    Response,
    RollingLoglikelihood,
)


class Recorded(Struct, frozen=True, kw_only=True):
    """What every sample of a document says.

    Attributes:
        opened: Its task.
        doc_id: Its position in the split.
        prepared: Its prompt and target, or None where making them failed.
        started_s: Seconds from the start of the run to its own.
        latency_s: Seconds it took.
        requests: What became of its requests: fields of ``SampleTiming``.
        log: What was seen of its turns, where it is a conversation.
    """

    opened: OpenedTask
    doc_id: int
    prepared: Prepared | None
    started_s: float
    latency_s: float
    requests: Mapping[str, Any] = field(default_factory=dict)
    log: TurnLog = field(default_factory=TurnLog)

    @property
    def status(self) -> Status:
        """What an answered document is: scored, where the task scores."""
        return "scored" if self.opened.task.scoring.is_scoring else "answered"

    @property
    def cluster(self) -> str | None:
        """What the document shares with its bundle; None where it stands alone.

        Raises:
            TaskError: What the task says of bundles does not work.
        """
        bundles = self.opened.bundles
        bundle = None if bundles is None else bundles[self.doc_id]
        if bundle is None:
            return None
        return encode(bundle).decode() if isinstance(bundle, tuple) else str(bundle)

    def sample(self, status: Status, cause: str | None = None) -> dict[str, Any]:
        """Begin a sample with what does not depend on the filter.

        Args:
            status: How the document ended.
            cause: Why it was not answered; None where it was.
        """
        prepared = self.prepared
        sample: dict[str, Any] = {
            "schema_version": SAMPLE_SCHEMA_VERSION,
            "task": self.opened.task.name,
            "doc_id": self.doc_id,
            "item_id": self.opened.item_ids[self.doc_id],
            "doc_hash": prepared.doc_hash if prepared else "",
            "status": status,
            "input": _messages(prepared) if prepared else [],
            "target": prepared.target if prepared else None,
            "timing": {
                "started_s": rounded(self.started_s),
                "latency_s": rounded(self.latency_s),
                **self.requests,
            },
        }
        arguments = _arguments(prepared) if prepared else []
        if arguments:
            sample["arguments"] = arguments
        categories = self.opened.categories(self.doc_id)
        if categories:
            sample["categories"] = categories
        conversation = self.opened.conversation(self.doc_id)
        if conversation is not None:
            sample["conversation_id"] = conversation.id
            sample["turns"] = self.turns(cause)
        return sample

    def turns(self, cause: str | None) -> list[TurnDict]:
        """Write what became of its turns; nothing where it is no conversation.

        Args:
            cause: As for ``sample``.
        """
        conversation = self.opened.conversation(self.doc_id)
        if conversation is None:
            return []
        return turn_dicts(conversation, self.log, cause)


def prompt_of(prepared: Prepared) -> list[Any]:
    """Write what a document asks: its first messages, media by their hash, or texts.

    Of likelihoods they are the pairs of context and continuation.

    Raises:
        DatasetError: A medium cannot be read.
    """
    return _messages(prepared) or _arguments(prepared)


def _messages(prepared: Prepared) -> list[dict[str, Any]]:
    """Write what was said to the model at first; of a conversation what is planned."""
    if prepared.conversation is not None:
        return message_dicts(prepared.conversation.messages)
    first = prepared.requests[0]
    return message_dicts(first.messages) if isinstance(first, Generate) else []


def _arguments(prepared: Prepared) -> list[list[str]]:
    """Write the texts whose likelihood was asked for: context and continuation."""
    arguments = []
    for request in prepared.requests:
        if isinstance(request, Generate):
            continue
        if isinstance(request, Loglikelihood):
            arguments.append([request.context, request.continuation])
        elif isinstance(request, RollingLoglikelihood):
            arguments.append([request.text])
    return arguments


def scored_samples(recorded: Recorded, answered: Answered) -> list[SampleDict]:
    """Write one sample per filter of a document that was answered, and scored if asked."""
    samples: list[SampleDict] = []
    raw = answered.raw
    shared = _answered_sample(recorded, answered)
    for scored in answered.scored:
        sample = {**shared, "filter": scored.filter, "filtered_resps": scored.filtered}
        if raw != scored.filtered:
            sample["resps"] = raw
        sample["metrics"] = list(scored.metrics)
        if scored.sources:
            sample["metric_sources"] = dict(scored.sources)
        if len(scored.parsed) == 1:
            (parsed,) = scored.parsed
            sample["parse_status"] = parsed.status
            sample["parse_rule"] = parsed.rule
        elif scored.parsed:
            sample["parse_status"] = [each.status for each in scored.parsed]
            sample["parse_rule"] = [each.rule for each in scored.parsed]
        if scored.repeated is not None:
            sample.update(_repeated(scored.repeated))
        cluster = recorded.cluster if scored.cluster is None else scored.cluster
        if cluster is not None:
            sample["cluster"] = cluster
        sample.update(scored.metrics)
        samples.append(sample)  # type: ignore[arg-type]  # a metric's name is the task's
    return samples


def _answered_sample(recorded: Recorded, answered: Answered) -> dict[str, Any]:
    """Begin a sample with the answers, which do not depend on the filter."""
    sample = recorded.sample(recorded.status)
    sample["attempts"] = _attempts(answered.responses)
    if answered.failure is not None:
        sample["error"] = answered.failure
    if any(answered.reasoning):
        sample["reasoning"] = _one_or_all(answered.reasoning)
    if answered.is_truncated:
        sample["reasoning_truncated"] = True
    sample.update(_response_facts(answered.responses))
    if answered.verdicts:
        sample["judge"] = _one_or_all(answered.verdicts)
    return sample


def _repeated(own: Repeated) -> dict[str, Any]:
    """Tell what each of several answers is worth, or why that is not known."""
    if own.problem is not None:
        return {"repeat_problem": own.problem}
    return {
        "repeat_scores": {name: list(each) for name, each in own.scores.items()},
        "repeat_answers": list(own.answers),
    }


def unscored_samples(
    recorded: Recorded, status: Status, message: str, attempts: int, raw: Any = None
) -> Iterator[SampleDict]:
    """Write one sample per filter of a document that got no score.

    Args:
        recorded: What every sample says.
        status: How the document ended.
        message: Why, in one line.
        attempts: How often something was asked.
        raw: What was answered all the same, or None.
    """
    shared = recorded.sample(status, message)
    if raw is not None:
        shared["resps"] = raw
    heard = recorded.log.responses
    if heard:
        # Turns that were answered cost what they cost, whatever became of later ones.
        shared.update(_response_facts(heard))
    shared.update(attempts=attempts, error=message, filtered_resps=None, metrics=[])
    for pipeline in recorded.opened.task.scoring.pipelines:
        yield {**shared, "filter": pipeline.name}  # type: ignore[typeddict-item]


def _attempts(responses: Sequence[AnyResponse]) -> int:
    if len(responses) == 1:
        return responses[0].attempts
    # A conversation may be scored although none of its turns was answered.
    return max((response.attempts for response in responses), default=1)


def _response_facts(responses: Sequence[AnyResponse]) -> dict[str, Any]:
    """Tell what came with the answers; only what there is to tell."""
    if len(responses) == 1:
        (only,) = responses
        if isinstance(only, Response) and _is_plain(only):
            return _plain_facts(only)
    return _all_facts(responses)


def _is_plain(response: Response) -> bool:
    """Whether an answer is a text, asked for once, with nothing but its cost to tell."""
    return not (
        response.refusal
        or response.logprobs is not None
        or response.transcript
        or response.tool_calls
        or response.notes
        or (response.timing is not None and response.timing.turns_s)
    )


def _plain_facts(response: Response) -> dict[str, Any]:
    """Tell of one such answer what ``_all_facts`` tells, without a look for the rest."""
    facts: dict[str, Any] = {}
    if response.finish_reason:
        facts["finish_reason"] = response.finish_reason
    if response.usage is not None:
        facts["token_counts"] = token_counts(response.usage)
    if response.timing is not None:
        facts["request_latency_s"] = rounded(response.timing.latency_s)
    if response.recalled is not None:
        facts["recalled"] = _recalled_dict([response.recalled])
    return facts


def _all_facts(responses: Sequence[AnyResponse]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    texts = _texts(responses)
    reasons = [response.finish_reason for response in texts]
    if any(reasons):
        facts["finish_reason"] = _one_or_all(reasons)
    facts.update(_chat_facts(texts))
    counts = _token_counts(responses)
    if counts is not None:
        facts["token_counts"] = counts
    timings = [response.timing for response in responses if response.timing]
    request_s = [s for one in timings for s in one.turns_s or (one.latency_s,)]
    if request_s:
        facts["request_latency_s"] = _one_or_all([rounded(s) for s in request_s])
    facts.update(_way_facts(texts))
    recalled = [each.recalled for each in responses if each.recalled]
    if recalled:
        facts["recalled"] = _recalled_dict(recalled)
    notes = dict.fromkeys(note for each in responses for note in each.notes)
    if notes:
        facts["notes"] = list(notes)
    return facts


def _texts(responses: Sequence[AnyResponse]) -> list[Response]:
    """Leave out what is no text, but how likely one was."""
    return [response for response in responses if isinstance(response, Response)]


def _chat_facts(responses: Sequence[Response]) -> dict[str, Any]:
    """Tell what only a chat endpoint says besides the answer."""
    facts: dict[str, Any] = {}
    refusals = [response.refusal for response in responses]
    if any(refusals):
        facts["refusal"] = _one_or_all(refusals)
    if any(response.logprobs is not None for response in responses):
        facts["logprobs"] = _one_or_all(
            [token_logprobs(response.logprobs) for response in responses]
        )
    return facts


def _way_facts(responses: Sequence[Response]) -> dict[str, Any]:
    """Tell what happened between the question and the answer."""
    facts: dict[str, Any] = {}
    if any(response.transcript for response in responses):
        facts["transcript"] = _one_or_all(
            [message_dicts(response.transcript) for response in responses]
        )
    if any(response.tool_calls for response in responses):
        facts["tool_calls"] = _one_or_all(
            [_calls(response.tool_calls) for response in responses]
        )
    return facts


def _calls(calls: Sequence[ToolCallPart]) -> list[dict[str, Any]]:
    (said,) = message_dicts([Message("assistant", tuple(calls))])
    content: list[dict[str, Any]] = said["content"]
    return content


def _one_or_all(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _recalled_dict(recalled: Sequence[Recalled]) -> RecalledDict:
    """Tell what came from the response cache, and what it cost when it was asked."""
    latencies_s = [one.latency_s for one in recalled if one.latency_s is not None]
    return {
        "requests": sum(one.requests for one in recalled),
        "token_counts": _token_counts(recalled),
        "latency_s": rounded(sum(latencies_s)) if latencies_s else None,
    }


def _token_counts(costs: Sequence[AnyResponse | Recalled]) -> TokenCounts | None:
    if len(costs) == 1:
        return token_counts(costs[0].usage)
    usages = [cost.usage for cost in costs if cost.usage is not None]
    if not usages:
        return None
    return {
        "input_tokens": _sum([usage.input_tokens for usage in usages]),
        "output_tokens": _sum([usage.output_tokens for usage in usages]),
        "reasoning_tokens": _sum([usage.reasoning_tokens for usage in usages]),
        "cached_tokens": _sum([usage.cached_tokens for usage in usages]),
    }


def _sum(counts: Sequence[int | None]) -> int | None:
    told = [count for count in counts if count is not None]
    return sum(told) if told else None
