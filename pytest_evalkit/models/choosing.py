"""Which of a document's choices a log-likelihood request is about."""

from __future__ import annotations

from pytest_evalkit.values import Loglikelihood


def reads_as(request: Loglikelihood, answer: str) -> bool:
    """Tell whether a request asks how likely an answer is.

    It does where the continuation is the answer. Where no choice is the continuation,
    choices end contexts, and it does where the answer ends this one. White space around
    them does not count.
    """
    continuation = request.continuation.strip()
    wanted = answer.strip()
    choices = request.origin.choices if request.origin is not None else ()
    if continuation == wanted or not choices:
        return continuation == wanted
    if continuation in {choice.strip() for choice in choices}:
        return False
    return request.context.strip().endswith(wanted)
