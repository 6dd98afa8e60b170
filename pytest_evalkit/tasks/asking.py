"""From a document to what a model is asked about it, by the task's output type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from msgspec.structs import replace

from pytest_evalkit.messages import Message
from pytest_evalkit.scoring import ANSWER_FORM, AnswerKey, ScoringPlan
from pytest_evalkit.tasks import choices as lettering
from pytest_evalkit.tasks.asked import Asked
from pytest_evalkit.tasks.constructing import Constructing
from pytest_evalkit.tasks.conversations import Conversations
from pytest_evalkit.tasks.documents import Documents
from pytest_evalkit.tasks.fields import Doc, Field, as_position
from pytest_evalkit.tasks.prompt import Prompt
from pytest_evalkit.tasks.recipe import Recipe
from pytest_evalkit.tasks.right_choice import positions, without_right_choice
from pytest_evalkit.tasks.rounds import Rounds
from pytest_evalkit.values import (
    Generate,
    GenerationParameters,
    Loglikelihood,
    Origin,
    Request,
    RollingLoglikelihood,
)

LIKELIHOOD_TYPES = frozenset(
    {"loglikelihood", "loglikelihood_rolling", "multiple_choice"}
)
ROUND_TYPES = frozenset({"generate_until_multi_round", "generate_until_agentic"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The fields of a task, as functions of a document.

    Attributes:
        prompt: How it asks.
        question: What it asks: a text, or the position of the right one of several
            inputs; None where the task writes its messages itself.
        conversation: The messages that the task writes itself; None where it does not.
        target: The expected answer, or None where the task has none.
        ideal: How a perfect answer reads, or None where it reads as the target does.
        choices: The answers to choose from, or None.
        conversations: Reads what the task's functions return.
    """

    prompt: Prompt
    question: Callable[[Doc], str | int] | None
    conversation: Callable[[Doc], tuple[Message, ...]] | None
    target: Field | None
    ideal: Callable[[Doc], str] | None
    choices: Callable[[Doc], tuple[str, ...]] | None
    conversations: Conversations


class Asker:
    """Writes the requests of a task's documents.

    Args:
        recipe: The task.
        fields: Its fields.
        documents: What it evaluates.
        scoring: How it scores.
        parameters: How its answers are generated.
    """

    def __init__(
        self,
        recipe: Recipe,
        fields: Fields,
        documents: Documents,
        scoring: ScoringPlan,
        parameters: GenerationParameters,
    ) -> None:
        self._recipe = recipe
        self._fields = fields
        self._documents = documents
        self._scoring = scoring
        self._parameters = parameters

    def ask(self, index: int, doc: dict[str, Any]) -> Asked:
        """Write what is asked about a document.

        Args:
            index: Its position in its split.
            doc: The document.

        Raises:
            TaskError: A field of the task does not work for it.
            DatasetError: A medium of it cannot be read.
        """
        fields = self._fields
        choices = fields.choices(doc) if fields.choices is not None else ()
        target = fields.target(doc) if fields.target is not None else None
        ideal = fields.ideal(doc) if fields.ideal is not None else None
        origin = Origin(
            task=str(self._recipe.values["task"]),
            doc_id=index,
            doc=doc,
            target=target,
            ideal=ideal,
            choices=choices,
            answer_form=ANSWER_FORM if self._recipe.is_reasoned else None,
        )
        if self._recipe.is_choice_as_generation:
            return self._letter(origin)
        if self._recipe.constructing is not None:
            return self._constructed(origin, self._recipe.constructing)
        match self._recipe.output_type:
            case "loglikelihood":
                return self._continuation(origin)
            case "loglikelihood_rolling":
                return self._rolling(origin)
            case "multiple_choice":
                return self._choice(origin)
            case _:
                return self._generation(origin)

    def _generation(self, origin: Origin) -> Asked:
        target = self._said_target(origin)
        messages = self._messages(origin)
        rounds = None
        if self._recipe.output_type in ROUND_TYPES:
            rounds = Rounds(
                recipe=self._recipe,
                doc=origin.doc,
                conversations=self._fields.conversations,
                first_media=messages[-1].media,
            )
        if target is not origin.target:
            origin = replace(origin, target=target)
        request = Generate(
            messages=messages, parameters=self._parameters, origin=origin
        )
        return Asked(
            target=target,
            key=AnswerKey(target=target, choices=origin.choices),
            requests=(request,),
            rounds=rounds,
        )

    def _constructed(self, origin: Origin, constructing: Constructing) -> Asked:
        """Let the task's own class ask."""
        requests = constructing.requests(
            origin, self._context(origin), lambda: self._messages(origin)
        )
        return Asked(
            target=origin.target,
            key=AnswerKey(target=origin.target, choices=origin.choices),
            requests=requests,
        )

    def _messages(self, origin: Origin) -> tuple[Message, ...]:
        fields, doc = self._fields, origin.doc
        if fields.conversation is not None:
            return fields.conversation(doc)
        opening = fields.prompt.opening(origin.doc_id, doc)
        return fields.prompt.messages(opening, self._text(doc), doc)

    def _text(self, doc: Doc) -> str:
        assert self._fields.question is not None
        question = self._fields.question(doc)
        return question if isinstance(question, str) else str(question)

    def _continuation(self, origin: Origin) -> Asked:
        target = self._text_target(origin)
        request = Loglikelihood(
            context=self._context(origin), continuation=target, origin=origin
        )
        return Asked(target=target, key=AnswerKey(target=target), requests=(request,))

    def _rolling(self, origin: Origin) -> Asked:
        target = self._text_target(origin)
        return Asked(
            target=target,
            key=AnswerKey(target=target),
            requests=(RollingLoglikelihood(text=target, origin=origin),),
        )

    def _context(self, origin: Origin) -> str:
        prompt = self._fields.prompt
        opening = prompt.opening(origin.doc_id, origin.doc)
        return prompt.text(opening, self._text(origin.doc))

    def _choice(self, origin: Origin) -> Asked:
        self._require_choices(origin)
        if self._is_multiple_input:
            return self._inputs(origin)
        gold = positions(origin.target)
        origin = replace(origin, target=gold)
        delimiter, context = self._delimiter, self._context(origin)
        self._require_right_choice(gold, origin)
        pairs = [(context, f"{delimiter}{choice}") for choice in origin.choices]
        return Asked(
            target=gold,
            key=AnswerKey(target=gold, choices=origin.choices),
            requests=self._likelihoods(pairs, origin),
        )

    def _inputs(self, origin: Origin) -> Asked:
        """Compare how likely each input makes the one continuation."""
        gold = self._position(origin)
        self._require_right_choice(gold, origin)
        prompt = self._fields.prompt
        opening = prompt.opening(origin.doc_id, origin.doc)
        continuation = f"{self._delimiter}{origin.target}"
        pairs = [
            (prompt.text(opening, choice, is_input=True), continuation)
            for choice in origin.choices
        ]
        target = origin.target
        return Asked(
            target=target,
            key=AnswerKey(target=gold, choices=origin.choices, is_multiple_input=True),
            requests=self._likelihoods(pairs, replace(origin, target=gold)),
        )

    def _likelihoods(
        self, pairs: Sequence[tuple[str, str]], origin: Origin
    ) -> tuple[Request, ...]:
        requests = [
            Loglikelihood(context=context, continuation=continuation, origin=origin)
            for context, continuation in pairs
        ]
        if self._scoring.needs_unconditional:
            alone = replace(origin, is_without_question=True)
            requests += [
                Loglikelihood(
                    context="", continuation=f"{self._delimiter}{choice}", origin=alone
                )
                for choice in origin.choices
            ]
        return tuple(requests)

    def _letter(self, origin: Origin) -> Asked:
        """Have a choice named by its letter."""
        self._require_choices(origin)
        prompt = self._fields.prompt
        assert self._fields.question is not None
        question = self._fields.question(origin.doc) if self._is_multiple_input else ""
        asked = question if self._is_multiple_input else self._text(origin.doc)
        text, options, gold = lettering.options_of(
            asked, origin.target, origin.choices, self._delimiter
        )
        letters = self._letters(gold, options)
        opening = prompt.opening(origin.doc_id, origin.doc)
        written = lettering.instructed(lettering.lettered(text, options))
        request = Generate(
            messages=prompt.messages(opening, written, origin.doc),
            parameters=self._parameters,
            origin=replace(
                origin,
                target=letters,
                ideal=None,
                choices=lettering.letters_of(len(options)),
            ),
        )
        return Asked(
            target=letters,
            key=AnswerKey(target=letters),
            requests=(request,),
            read=lambda answer: lettering.read_letter(answer, options),
        )

    def _letters(self, gold: Any, options: Sequence[str]) -> Any:
        try:
            letters = lettering.gold_letters(gold, options)
        except ValueError as error:
            raise self._target_error(f"doc_to_target: {error}") from error
        return letters if isinstance(gold, list | tuple) else letters[0]

    @property
    def _delimiter(self) -> str:
        return self._recipe.delimiters.target

    @cached_property
    def _is_multiple_input(self) -> bool:
        """Whether the choices are inputs; the first document tells it for all."""
        question = self._fields.question
        return question is not None and isinstance(question(self._documents[0]), int)

    def _position(self, origin: Origin) -> int:
        assert self._fields.question is not None
        gold = self._fields.question(origin.doc)
        if isinstance(gold, str):
            raise self._recipe.source.error(
                f"doc_to_text is {gold!r} for document {origin.doc_id}, but the "
                "position of an input for the first one",
                "doc_to_text",
            )
        return gold

    def _require_choices(self, origin: Origin) -> None:
        if not origin.choices:
            raise self._recipe.source.error(
                f"document {origin.doc_id} has no choices; multiple_choice needs "
                "doc_to_choice",
                "doc_to_choice",
            )

    def _require_right_choice(self, gold: Any, origin: Origin) -> None:
        """Refuse a document whose every answer would be wrong, which is no score.

        The published systems give it zero; a scorer of the task's own may mean it so.
        """
        if self._recipe.is_strict or self._scoring.process_results is not None:
            return
        key = "doc_to_text" if self._is_multiple_input else "doc_to_target"
        written = self._recipe.values.get(key)
        said = without_right_choice(gold, origin.choices, (key, written), origin.doc_id)
        if said is not None:
            raise self._recipe.source.error(said, key)

    def _text_target(self, origin: Origin) -> str:
        if isinstance(origin.target, str):
            return origin.target
        raise self._target_error(
            f"doc_to_target is {origin.target!r} for document {origin.doc_id}, but "
            f"must be text for output_type {self._recipe.output_type}"
        )

    def _said_target(self, origin: Origin) -> Any:
        target = origin.target
        if self._scoring.process_results is not None or target is None:
            return target
        if origin.choices:
            return chosen(target, origin.choices, self._target_error)
        return self._frozen(target) if self._recipe.is_strict else target

    def _frozen(self, target: Any) -> Any:
        """Read a target as the first document's kind says, as the published system."""
        if self._has_several_targets:
            return list(target) if isinstance(target, str) else target
        return str(target) if isinstance(target, list) else target

    @cached_property
    def _has_several_targets(self) -> bool:
        target = self._fields.target
        return target is not None and isinstance(target(self._documents[0]), list)

    def _target_error(self, message: str) -> Exception:
        return self._recipe.source.error(message, "doc_to_target")


def chosen(
    target: Any, choices: Sequence[str], error: Callable[[str], Exception]
) -> Any:
    """Replace positions among the choices by the choices themselves.

    Args:
        target: A position, a list of them, or anything else, which stays as it is.
        choices: The answers to choose from.
        error: Makes the exception for a position that there is not.
    """
    if isinstance(target, list):
        return [chosen(item, choices, error) for item in target]
    position = as_position(target)
    if position is None:
        return target
    if not 0 <= position < len(choices):
        raise error(
            f"there is no choice {position}; the choices are 0 to {len(choices) - 1}"
        )
    return choices[position]
