"""A mock endpoint that speaks the OpenAI protocol over real HTTP."""

from __future__ import annotations

from pytest_evalkit.mockserver.reply import AnswerFunction, Reply
from pytest_evalkit.mockserver.server import MockServer, serve_in_thread

__all__ = ["AnswerFunction", "MockServer", "Reply", "serve_in_thread"]
