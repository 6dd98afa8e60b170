"""The tokens of the mock model: bytes, and some frequent pieces of English.

The longest piece at a place is taken. So pieces merge across the end of a context, as
those of real tokenizers do: `` y`` and ``es`` are three tokens, `` yes`` is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_evalkit.codec import encode as encode_json
from pytest_evalkit.serving import BadRequestError

TOKENIZE_PATH = "/tokenize"
DETOKENIZE_PATH = "/detokenize"
TOKENIZER_INFO_PATH = "/tokenizer_info"

BOS = 0
EOS = 1
MAX_MODEL_LEN = 4096

_SPECIALS = (b"<s>", b"</s>")
_BYTES = tuple(bytes((value,)) for value in range(256))
_PIECES = tuple(
    piece.encode()
    for piece in [
        " a",
        " an",
        " and",
        " answer",
        " are",
        " as",
        " at",
        " be",
        " by",
        " for",
        " in",
        " is",
        " it",
        " no",
        " not",
        " of",
        " on",
        " or",
        " that",
        " the",
        " to",
        " true",
        " was",
        " what",
        " with",
        " yes",
        " A",
        " B",
        " C",
        " D",
        " The",
        " Yes",
        " No",
        "Question",
        "Answer",
        "The",
        "What",
        "ing",
        "tion",
        "er",
        "th",
        "an",
        "in",
        "on",
        "re",
        "es",
        "ed",
        "the",
        "yes",
        "no",
        "   ",
        "\n\n",
    ]
)
_TEXTS = (*_SPECIALS, *_BYTES, *_PIECES)
_FIRST_BYTE = len(_SPECIALS)
_IDS = {piece: _FIRST_BYTE + len(_BYTES) + n for n, piece in enumerate(_PIECES)}
_LONGEST = max(map(len, _PIECES))

VOCABULARY_SIZE = len(_TEXTS)


def encode(text: str, *, add_special_tokens: bool = False) -> list[int]:
    """Split a text into tokens.

    Args:
        text: Any text; ``<s>`` in it is three bytes, not the token.
        add_special_tokens: Whether the token that begins a text comes first.
    """
    content = text.encode(errors="surrogatepass")
    tokens = [BOS] if add_special_tokens else []
    start = 0
    while start < len(content):
        token, length = _token_at(content, start)
        tokens.append(token)
        start += length
    return tokens


def _token_at(content: bytes, start: int) -> tuple[int, int]:
    for length in range(_LONGEST, 1, -1):
        token = _IDS.get(content[start : start + length])
        if token is not None:
            return token, length
    return _FIRST_BYTE + content[start], 1


def decode(tokens: Iterable[int]) -> str:
    """Join tokens to a text; bytes that are no character become U+FFFD."""
    return b"".join(_TEXTS[token] for token in tokens).decode(errors="replace")


def checked_tokens(tokens: Sequence[Any]) -> list[int]:
    """Take token ids out of a payload.

    Raises:
        BadRequestError: One is no token of this model.
    """
    for token in tokens:
        if type(token) is not int or not 0 <= token < VOCABULARY_SIZE:
            raise BadRequestError(
                f"not a token: {token!r}; they are 0 to {VOCABULARY_SIZE - 1}"
            )
    return list(tokens)


def tokenize_body(payload: Mapping[str, Any]) -> bytes:
    """Answer ``POST /tokenize`` as vLLM does.

    Raises:
        BadRequestError: There is no text to tokenize.
    """
    prompt = payload.get("prompt")
    if not isinstance(prompt, str):
        raise BadRequestError("the field 'prompt' must be a text")
    special = bool(payload.get("add_special_tokens", True))
    tokens = encode(prompt, add_special_tokens=special)
    count = len(tokens)
    return encode_json(
        {"count": count, "max_model_len": MAX_MODEL_LEN, "tokens": tokens}
    )


def detokenize_body(payload: Mapping[str, Any]) -> bytes:
    """Answer ``POST /detokenize`` as vLLM does.

    Raises:
        BadRequestError: There are no tokens, or one is not of this model.
    """
    tokens = payload.get("tokens")
    if not isinstance(tokens, list):
        raise BadRequestError("the field 'tokens' must be a list")
    return encode_json({"prompt": decode(checked_tokens(tokens))})


def tokenizer_info_body() -> bytes:
    """Answer ``GET /tokenizer_info`` as vLLM does."""
    return encode_json(
        {
            "tokenizer_class": "MockTokenizer",
            "bos_token": decode([BOS]),
            "eos_token": decode([EOS]),
        }
    )
