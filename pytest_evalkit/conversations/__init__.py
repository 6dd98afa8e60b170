"""Conversations as data: reading, checking, and asking them turn by turn."""

from __future__ import annotations

from pytest_evalkit.conversations.conversation import Conversation, Turn, TurnSettings
from pytest_evalkit.conversations.dialogue import (
    DialogueRules,
    ExecuteTools,
    TurnFailure,
    TurnOutcome,
    dialogue,
    require_playable,
)
from pytest_evalkit.conversations.problems import (
    MAX_PROBLEMS,
    ConversationError,
    Problem,
)
from pytest_evalkit.conversations.prompt import TurnPrompt, recorded_prompts
from pytest_evalkit.conversations.reading import conversations_of, read_conversations
from pytest_evalkit.conversations.writing import call_dict, conversation_dict

__all__ = [
    "MAX_PROBLEMS",
    "Conversation",
    "ConversationError",
    "DialogueRules",
    "ExecuteTools",
    "Problem",
    "Turn",
    "TurnFailure",
    "TurnOutcome",
    "TurnPrompt",
    "TurnSettings",
    "call_dict",
    "conversation_dict",
    "conversations_of",
    "dialogue",
    "read_conversations",
    "recorded_prompts",
    "require_playable",
]
