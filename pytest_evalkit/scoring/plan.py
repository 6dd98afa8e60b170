"""How a task scores: its filters and metrics, resolved to functions."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from pytest_evalkit.messages import ToolCallPart
from pytest_evalkit.scoring.dialogues import Missing
from pytest_evalkit.scoring.judging import JudgeQuestion
from pytest_evalkit.scoring.parsed import Parsed
from pytest_evalkit.scoring.repeated import Repeated

MUTUAL_INFORMATION = "acc_mutual_info"
"""The metric for which each choice is asked for without its question too."""

CONVERSATION = "conversation"
"""The output type of tasks whose documents are conversations."""

# (responses of one document, one per repeat; the document) -> filtered responses.
Filter = Callable[[Sequence[Any], Mapping[str, Any]], Any]
Aggregation = Callable[[Sequence[Any]], Any]
# A mapping of metrics to values, or a flow that asks a judge and returns one.
ProcessResults = Callable[
    [Mapping[str, Any], list[Any]],
    Mapping[str, Any]
    | Generator[Sequence[JudgeQuestion], Sequence[float], Mapping[str, Any]],
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnKey:
    """What is right in one client turn of a conversation.

    Attributes:
        texts: Texts that are each right; empty where the model should say nothing.
        calls: The tools to be called, in the order they were recorded; empty for none.
    """

    texts: tuple[str, ...]
    calls: tuple[ToolCallPart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnAnswer:
    """What the model answered in one client turn.

    Attributes:
        text: What it said, without thought; under a filter what that made of it.
        calls: The tools that it called, in order.
    """

    text: Any
    calls: tuple[ToolCallPart, ...] = ()


class AnswerKey(Struct, frozen=True, kw_only=True):
    """What is right for one document.

    Attributes:
        target: For generated text, the expected answer; a list holds several that are
            each right. For multiple choice, the position among the choices, a list of
            positions, or the text of a choice. For the likelihood of a whole text, that
            text. None where the task scores without one.
        choices: The answers to choose from, without delimiter; empty where the question
            is open.
        is_multiple_input: Whether the choices are inputs that share one continuation;
            the target is then the position of the right input.
        turns: Of a conversation, what is right for each client turn, or None where
            nobody says; empty for any other document.
    """

    target: Any = None
    choices: tuple[str, ...] = ()
    is_multiple_input: bool = False
    turns: tuple[TurnKey | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterPipeline:
    """Filters applied one after another to the responses of one document.

    Attributes:
        name: Key of the pipeline in the results, such as ``strict-match``.
        steps: The filters, in order.
    """

    name: str
    steps: tuple[Filter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """A metric of a task: how a document gets its value, how values become one.

    Attributes:
        name: Key of the metric in samples and results.
        function: Called with ``references``, ``predictions`` and ``kwargs``; None
            where the task's own ``process_results`` or a likelihood gives the value.
        takes_pair: Whether the function is called with a pair of reference and answer
            instead.
        takes_doc: Whether the function is given the document too, as ``doc``.
        kwargs: Keyword arguments for ``function``.
        aggregation: Turns the documents' values, in document order, into one number.
        aggregation_name: Name of the aggregation; decides the standard error.
        higher_is_better: Direction, or None where there is none.
        range: The least and the highest value that a document can have; None where
            that is not known.
    """

    name: str
    function: Callable[..., Any] | None
    takes_pair: bool = False
    takes_doc: bool = False
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    aggregation: Aggregation
    aggregation_name: str
    higher_is_better: bool | None
    range: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringPlan:
    """Everything needed to score the documents of one task.

    Attributes:
        pipelines: At least one; without any in the task, ``none``: the first response.
        metrics: In the order of the task file; the first is the task's primary one.
        process_results: The task's own scorer, or None for the metrics' functions.
        output_type: What the model is asked for, such as ``generate_until``.
        dialect: Whose rules the task file follows, ``lm`` or ``lmms``.
        compat: ``strict`` for the reference's rules where they are known to be wrong,
            ``fixed`` for better ones.
        cluster_key: The column whose equal values make documents depend on each other,
            or None where each stands for itself.
        score_key: Which number of a metric whose values are mappings statistics are
            made of.
        reasoned: Where answers come with their analysis, how the task scores the answer
            alone; its metrics stand in the same order. None where answers are scored as
            they are.
        is_scoring: False where answers are only recorded; there are no metrics then.
        asks_alone: True where each choice is to be asked for without its question too,
            whatever the metrics.
        missing: What a client turn without an answer is worth in a conversation.
        runs_code: Whether scoring runs programs, for seconds each; it then stands apart
            from filtering, which can be interrupted elsewhere.
        is_conversation: Whether documents are conversations, with an answer for each
            client turn.
        is_generation: Whether answers are texts that the model wrote.
    """

    pipelines: tuple[FilterPipeline, ...]
    metrics: tuple[MetricSpec, ...]
    process_results: ProcessResults | None = None
    output_type: str = "generate_until"
    dialect: str = "lm"
    compat: str = "fixed"
    cluster_key: str | None = None
    score_key: str = "score"
    reasoned: ScoringPlan | None = None
    is_scoring: bool = True
    asks_alone: bool = False
    missing: Missing = "exclude"
    runs_code: bool = False
    is_conversation: bool = field(init=False)
    is_generation: bool = field(init=False)

    def __post_init__(self) -> None:
        """Tell kinds of answers apart: once for all, as each document asks often."""
        is_conversation = self.output_type == CONVERSATION
        is_generation = is_conversation or self.output_type.startswith("generate")
        object.__setattr__(self, "is_conversation", is_conversation)
        object.__setattr__(self, "is_generation", is_generation)

    @property
    def needs_unconditional(self) -> bool:
        """Whether each choice is also asked for without its question.

        A document then has twice as many requests as choices: those with the question,
        then those without.
        """
        return self.output_type == "multiple_choice" and (
            self.asks_alone or any(m.name == MUTUAL_INFORMATION for m in self.metrics)
        )


class Scored(Struct, frozen=True, kw_only=True):
    """The scores of one document under one filter.

    Attributes:
        filter: Name of the pipeline.
        filtered: What the pipeline made of the responses: of the one request of a task
            that generates text, or a list with one entry per request.
        metrics: Value by metric; a metric that does not apply to the document is absent.
        sources: Of each metric that is none of the task's, the task's metric whose
            function gave it, as ``pass@1`` comes from ``pass_at_k``.
        cluster: What the document shares with those it depends on, or None.
        parsed: How each answer was read, where a filter or the task's own scorer tells
            it; empty where none does.
        repeated: What each answer is worth by itself, where there are several; None
            where there is one, and where a judge would be asked again for it.
    """

    filter: str
    filtered: Any
    metrics: Mapping[str, Any]
    sources: Mapping[str, str] = {}
    cluster: str | None = None
    parsed: tuple[Parsed, ...] = ()
    repeated: Repeated | None = None
