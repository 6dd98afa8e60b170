"""From a conversation to what is asked in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_evalkit.conversations import (
    Conversation,
    TurnPrompt,
    TurnSettings,
    call_dict,
    recorded_prompts,
)
from pytest_evalkit.messages import Message
from pytest_evalkit.scoring import AnswerKey, TurnKey
from pytest_evalkit.tasks.asked import Asked
from pytest_evalkit.tasks.conversation_documents import ConversationDocuments
from pytest_evalkit.tasks.conversation_plan import ConversationPlan, turn_keys
from pytest_evalkit.tasks.prompt import joined
from pytest_evalkit.tasks.recipe import Recipe
from pytest_evalkit.values import GenerationParameters, Origin

_BETWEEN = "\n\n"


class ConversationAsker:
    """Plans the conversations of a task.

    Args:
        recipe: The task, which has rules for conversations.
        documents: What it evaluates.
        parameters: How its answers are generated.
    """

    def __init__(
        self,
        recipe: Recipe,
        documents: ConversationDocuments,
        parameters: GenerationParameters,
    ) -> None:
        assert recipe.conversation is not None, "it has conversations"
        self._recipe = recipe
        self._rules = recipe.conversation
        self._documents = documents
        self._defaults = TurnSettings(parameters=parameters)

    def planned(self, index: int) -> Conversation:
        """Get a conversation as far as it is to be led, with what it is told first.

        Args:
            index: Its position, from zero.
        """
        conversation = self._documents.conversations[index]
        instruction = self._recipe.system_instruction
        if instruction is not None:
            system = joined(instruction, conversation.system or "", _BETWEEN)
            conversation = replace(conversation, system=system)
        most = self._rules.max_turns
        clients = conversation.client_turns
        if most is None or len(clients) <= most:
            return conversation
        end = conversation.turns.index(clients[most])
        return replace(conversation, turns=conversation.turns[:end])

    def ask(self, index: int, doc: dict[str, Any]) -> Asked:
        """Plan a conversation.

        Args:
            index: Its position, from zero.
            doc: It as a document.
        """
        conversation = self.planned(index)
        keys = tuple(turn_keys(conversation))
        target = [_target(key) for key in keys]
        origin = Origin(
            task=str(self._recipe.values["task"]),
            doc_id=index,
            doc=doc,
        )
        prompts = list(recorded_prompts(conversation, self._defaults))
        plan = ConversationPlan(
            conversation=conversation,
            rules=self._rules,
            defaults=self._defaults,
            keys=keys,
            messages=self._shown(conversation, prompts),
            origin=origin,
        )
        return Asked(
            target=target,
            key=AnswerKey(target=target, turns=keys),
            requests=(plan.request(prompts[0]),),
            conversation=plan,
        )

    def _shown(
        self, conversation: Conversation, prompts: list[TurnPrompt]
    ) -> tuple[Message, ...]:
        if self._rules.dialogue.history == "dataset":
            return prompts[-1].messages
        first, *later = conversation.client_turns
        begin = prompts[0].messages[:-1]
        return (*begin, first.message, *(turn.message for turn in later))


def _target(key: TurnKey | None) -> Any:
    """Write what is right for a turn: its text where that is all."""
    if key is None:
        return None
    text = key.texts[0] if len(key.texts) == 1 else list(key.texts)
    if not key.calls:
        return text
    calls = [call_dict(call) for call in key.calls]
    return {"content": text or None, "tool_calls": calls}
