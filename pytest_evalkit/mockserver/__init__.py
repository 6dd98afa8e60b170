"""A mock endpoint that speaks the OpenAI protocol over real HTTP."""

from __future__ import annotations

from pytest_evalkit.mockserver.behaviour import FAULT_KINDS, Behaviour, Faults
from pytest_evalkit.mockserver.reply import AnswerFunction, Reply
from pytest_evalkit.mockserver.server import MockServer, serve_in_thread
from pytest_evalkit.mockserver.traffic import Received, Worked

__all__ = [
    "FAULT_KINDS",
    "AnswerFunction",
    "Behaviour",
    "Faults",
    "MockServer",
    "Received",
    "Reply",
    "Worked",
    "serve_in_thread",
]
