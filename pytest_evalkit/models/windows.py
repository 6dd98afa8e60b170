"""Which tokens to put to a model, and how likely which of them are is asked.

The algorithms are those of lm-evaluation-harness, so that scores agree: its
``TemplateLM._encode_pair``, the cut in ``TemplateAPI.batch_loglikelihood_requests``, and
``get_rolling_token_windows`` with ``make_disjoint_window``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pytest_evalkit.errors import RequestRejectedError

Tokens = tuple[int, ...]


class Split(NamedTuple):
    """A text in two: what is given, and how likely what follows is asked."""

    context: str
    continuation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Tokens whose last are the continuation, each after all that stand before it.

    Attributes:
        tokens: What the model sees.
        asked: How many at the end are the continuation; at least one, and fewer than
            there are.
        cut: How many tokens of the context were left out at its beginning.
    """

    tokens: Tokens
    asked: int
    cut: int = 0

    @property
    def continuation(self) -> Tokens:
        """The tokens that are asked about."""
        return self.tokens[-self.asked :]


def split_at_word(context: str, continuation: str) -> Split:
    """Move the white space at the end of a context to the continuation.

    Tokenizers put a space at the beginning of a word, not at the end of the one before.

    >>> split_at_word("Is it so? ", "Yes")
    Split(context='Is it so?', continuation=' Yes')
    """
    kept = context.rstrip()
    return Split(kept, context[len(kept) :] + continuation)


def pair_window(context: Tokens, whole: Tokens, longest: int) -> Window:
    """Put a continuation after its context.

    What the tokens of the whole text have beyond as many as the context has alone are
    the continuation's. Where the two texts merge into one token at their seam, the
    model so sees the context's own tokens, as it does in lm-evaluation-harness.

    Args:
        context: Tokens of the context alone; at least one.
        whole: Tokens of context and continuation together.
        longest: The most tokens the model takes; more are cut from the left.

    Raises:
        RequestRejectedError: No token is the continuation's, or the continuation alone
            fills the window.
    """
    continuation = whole[len(context) :]
    if not continuation:
        raise RequestRejectedError(
            "the continuation has no token of its own: it is empty, or the tokenizer "
            "merges it with the end of the context"
        )
    if len(continuation) >= longest:
        raise RequestRejectedError(
            f"the continuation has {len(continuation)} tokens, which leaves no room for "
            f"its context: the model takes {longest}; set max_length if it takes more"
        )
    tokens = context + continuation
    cut = max(0, len(tokens) - longest)
    return Window(tokens=tokens[cut:], asked=len(continuation), cut=cut)


def first_window(continuation: Tokens, prefix: int, longest: int) -> Window:
    """Put a text that has no context after the token that begins a text.

    A text that begins with that token keeps it as its context.

    Args:
        continuation: Tokens of the text.
        prefix: The token.
        longest: The most tokens the model takes.

    Raises:
        RequestRejectedError: The text is empty, or longer than the model takes.
    """
    context = (prefix,)
    if continuation[:1] == context:
        return pair_window(context, continuation, longest)
    return pair_window(context, context + continuation, longest)


def rolling_windows(tokens: Tokens, prefix: int, longest: int) -> Iterator[Window]:
    """Cut a text into windows so that each of its tokens is asked about once.

    The first token stands after the prefix. A window has as many tokens as fit behind
    one of context; the last window has as much context as fits.

    Args:
        tokens: The text.
        prefix: The token that begins a text.
        longest: The most tokens the model takes; at least two.

    Yields:
        Windows in order; none where the text is empty.
    """
    most = longest - 1
    padded = (prefix, *tokens)
    for start in range(0, len(tokens), most):
        asked = min(most, len(tokens) - start)
        end = 1 + start + asked
        begin = 0 if start == 0 else end - longest
        yield Window(tokens=padded[begin:end], asked=asked)
