"""The tokenizer of an endpoint: its server splits texts for us."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pytest_evalkit.codec import encode
from pytest_evalkit.errors import ModelUnavailableError, RequestRejectedError
from pytest_evalkit.models.connection import url_below
from pytest_evalkit.models.http import Transport
from pytest_evalkit.models.windows import Tokens

_PREFIX_NAMES = ("bos_token", "eos_token")


class ServerTokenizer:
    """The tokenizer of the server itself, asked in the form of vLLM.

    Args:
        root: URL of the server, without the ``/v1`` of its API.
        model: The model to ask for.
        transport: Makes what carries requests to a URL.
    """

    is_servers = True

    def __init__(
        self, *, root: str, model: str, transport: Callable[[str], Transport]
    ) -> None:
        self._model = model
        self._encoder = transport(url_below(root, "/tokenize"))
        self._decoder = transport(url_below(root, "/detokenize"))
        self._facts = transport(url_below(root, "/tokenizer_info"))

    async def encode(self, text: str, *, with_special: bool = False) -> Tokens:
        """Split a text into token ids.

        Raises:
            ModelError: The server does not say.
        """
        asked = {
            "model": self._model,
            "prompt": text,
            "add_special_tokens": with_special,
        }
        answer = await self._encoder.post(encode(asked))
        tokens = answer.get("tokens")
        if isinstance(tokens, list) and all(isinstance(one, int) for one in tokens):
            return tuple(tokens)
        raise RequestRejectedError(
            "the server's /tokenize answers no list of token ids; name a tokenizer "
            "with tokenizer=..."
        )

    async def prefix(self) -> int | None:
        """Name the token that begins a text, or else the one that ends it, or None.

        Where the server does not tell its special tokens, it is what the server puts in
        front of a text.

        Raises:
            ModelError: The server cannot be asked.
        """
        try:
            facts = await self._facts.get()
        except (ModelUnavailableError, RequestRejectedError):
            facts = {}
        for name in _PREFIX_NAMES:
            tokens = await self._special(facts.get(name))
            if len(tokens) == 1:
                return tokens[0]
        bare, dressed = (
            await self.encode("a"),
            await self.encode("a", with_special=True),
        )
        return dressed[0] if dressed[1:] == bare else None

    async def decode(self, tokens: Sequence[int]) -> str:
        """Join token ids to the text that they spell.

        Raises:
            ModelError: The server does not say.
        """
        asked = {"model": self._model, "tokens": list(tokens)}
        answer = await self._decoder.post(encode(asked))
        text = answer.get("prompt")
        if isinstance(text, str):
            return text
        raise RequestRejectedError("the server's /detokenize answers no text")

    async def aclose(self) -> None:
        """Close the connections."""
        for transport in (self._encoder, self._decoder, self._facts):
            await transport.aclose()

    async def is_there(self) -> bool:
        """Tell whether the server splits texts for its clients.

        Raises:
            TransientModelError: The server cannot be asked just now.
        """
        try:
            return bool(await self.encode("a"))
        except (ModelUnavailableError, RequestRejectedError):
            return False

    async def _special(self, name: Any) -> Tokens:
        return await self.encode(name) if isinstance(name, str) and name else ()
