"""How a prompt stands in a file that later prompts are compared with."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

# Of a longer text, such as one with examples, its two ends and a hash are stored.
_LONGEST = 1000
_START = 100
_END = 200


def stored_prompt(prompt: Any) -> Any:
    """Write a prompt so that another one is told from it, in little room.

    Args:
        prompt: Messages, or pairs of context and continuation; plain JSON.

    Returns:
        The same, but texts of more than 1000 characters are mappings of ``start``,
        ``end``, ``characters`` and ``sha256``, and pairs that share their context are a
        mapping of ``context`` and ``continuations``.
    """
    contexts = _contexts(prompt)
    if contexts is not None and len(contexts) == 1:
        (context,) = contexts
        continuations = [_shortened(continuation) for _, continuation in prompt]
        return {"context": _shortened(context), "continuations": continuations}
    return _shortened(prompt)


def _contexts(prompt: Any) -> set[str] | None:
    """Collect what continuations follow; None where the prompt is no such pairs."""
    if not isinstance(prompt, list) or len(prompt) <= 1:
        return None
    if not all(
        isinstance(pair, list | tuple)
        and len(pair) == 2  # noqa: PLR2004 - context and continuation
        and all(isinstance(text, str) for text in pair)
        for pair in prompt
    ):
        return None
    return {context for context, _ in prompt}


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shortened(item) for item in value]
    if not isinstance(value, str) or len(value) <= _LONGEST:
        return value
    return {
        "start": value[:_START],
        "end": value[-_END:],
        "characters": len(value),
        "sha256": sha256(value.encode("utf-8", "surrogatepass")).hexdigest(),
    }
