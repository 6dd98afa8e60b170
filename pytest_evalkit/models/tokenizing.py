"""Which tokenizer splits prompts before they are sent, and how."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from weakref import WeakKeyDictionary

from pytest_evalkit.errors import ModelUnavailableError, OptionError
from pytest_evalkit.models.local_tokenizers import (
    TIKTOKEN,
    FileTokenizer,
    TiktokenTokenizer,
    local_tokenizer,
)
from pytest_evalkit.models.server_tokenizer import ServerTokenizer
from pytest_evalkit.models.windows import Tokens

# A token of the continuation, one before it, and one generated.
_SHORTEST = 3


class Tokenizer(Protocol):
    """Splits texts as one model does."""

    @property
    def is_servers(self) -> bool:
        """Whether it is the one of the server that gets the tokens."""
        ...

    async def encode(self, text: str, *, with_special: bool = False) -> Tokens:
        """Split a text into token ids.

        Args:
            text: Any text.
            with_special: Whether to add what the model expects around a text.

        Raises:
            ModelError: It cannot be split.
        """
        ...

    async def prefix(self) -> int | None:
        """Name the token that begins a text, or else the one that ends it, or None.

        Raises:
            ModelError: It cannot be found out.
        """
        ...

    async def decode(self, tokens: Sequence[int]) -> str:
        """Join token ids to the text that they spell.

        Raises:
            ModelError: They cannot be joined.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokenization:
    """How prompts are split into tokens before they are sent.

    Attributes:
        tokenizer: A ``tokenizer.json``, the folder it is in, or a name on the Hugging
            Face hub; ``tiktoken:`` and an encoding or model; ``remote`` for the
            server's own, asked through its ``/tokenize``; ``none`` for none. None takes
            the server's own where it has one.
        tokenizer_backend: What kind ``tokenizer`` is, as lm-evaluation-harness says it;
            without ``tokenizer``, the one of that kind with the name of the model.
        revision: Which state of a tokenizer on the hub.
        tokenized_requests: Whether prompts are sent as token ids; None for log-
            likelihoods where there is a tokenizer, and for generation where one was
            asked for.
        add_bos_token: Whether what the model expects around a text is added to prompts
            that are sent as token ids.
        custom_prefix_token_id: The token before a text without context; None for the
            one that begins a text, or else the one that ends it.
        max_length: The most tokens the model takes, one of them generated; longer
            prompts of token ids are cut from the left.
    """

    tokenizer: str | None = None
    tokenizer_backend: Literal["auto", "huggingface", "tiktoken", "remote"] | None = (
        "auto"
    )
    revision: str = "main"
    tokenized_requests: bool | None = None
    add_bos_token: bool = False
    custom_prefix_token_id: int | None = None
    max_length: int = 2048

    def __post_init__(self) -> None:
        """Check what can be checked without a tokenizer.

        Raises:
            OptionError: Two settings contradict each other, or one makes no sense.
        """
        if self.max_length < _SHORTEST:
            raise OptionError(
                f"max_length must be at least {_SHORTEST}, got {self.max_length}"
            )
        is_named = self.tokenizer not in {None, "none", "remote"}
        if is_named and self.tokenizer_backend in {None, "remote"}:
            raise OptionError(
                f"tokenizer={self.tokenizer!r} and tokenizer_backend="
                f"{self.tokenizer_backend} contradict each other; give one of them"
            )
        if self.tokenized_requests and self.is_off:
            raise OptionError(
                "tokenized_requests=true needs a tokenizer, and there is to be none"
            )

    @property
    def longest(self) -> int:
        """The most tokens of a prompt: beside them, one is generated."""
        return self.max_length - 1

    @property
    def is_off(self) -> bool:
        """Whether there is to be no tokenizer."""
        if self.tokenizer is not None:
            return self.tokenizer == "none"
        if self.tokenizer_backend == "auto":
            return self.tokenized_requests is False
        return self.tokenizer_backend is None

    @property
    def is_asked_for(self) -> bool:
        """Whether the user wants a tokenizer, and does not merely take what is there."""
        wanted = self.tokenizer is not None or self.tokenizer_backend != "auto"
        return bool(self.tokenized_requests) or (wanted and not self.is_off)

    def local(self, model: str) -> FileTokenizer | TiktokenTokenizer | None:
        """Make the tokenizer on this machine that is asked for, if one is.

        Args:
            model: Name of the model, where no tokenizer is named.

        Raises:
            OptionError: There is none, or its package is not installed.
        """
        name, kind = self.tokenizer, self.tokenizer_backend
        if self.is_off or name == "remote" or kind == "remote":
            return None
        if kind == "tiktoken":
            return TiktokenTokenizer((name or model).removeprefix(TIKTOKEN))
        if name is not None or kind == "huggingface":
            return local_tokenizer(name or model, revision=self.revision)
        return None


class ChosenTokenizer:
    """The tokenizer of a backend, looked for when it is first needed.

    Args:
        settings: What the user asks for.
        model: Name of the model.
        server: The server's own tokenizer, whether there is one or not.

    Raises:
        OptionError: A tokenizer on this machine is asked for and there is none.
    """

    def __init__(
        self, settings: Tokenization, *, model: str, server: ServerTokenizer
    ) -> None:
        self._settings = settings
        self._server = server
        self._found: Tokenizer | None = settings.local(model)
        self._is_settled = self._found is not None or settings.is_off
        self._prefix = settings.custom_prefix_token_id
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
            WeakKeyDictionary()
        )

    async def get(self) -> Tokenizer | None:
        """Give the tokenizer, or None where there is none.

        Raises:
            ModelError: The server's own is asked for and cannot be had, or whether it
                has one cannot be found out just now.
        """
        if not self._is_settled:
            async with self._lock():
                await self._settle()
        return self._found

    async def prefix(self, tokenizer: Tokenizer) -> int:
        """Name the token that stands before a text without context.

        Raises:
            ModelUnavailableError: The tokenizer has none.
            ModelError: It cannot be asked.
        """
        if self._prefix is None:
            async with self._lock():
                if self._prefix is None:
                    self._prefix = await tokenizer.prefix()
        if self._prefix is None:
            raise ModelUnavailableError(
                "which token begins a text is not known; name it with "
                "custom_prefix_token_id=..."
            )
        return self._prefix

    async def _settle(self) -> None:
        if self._is_settled:
            return
        if self._settings.is_asked_for:
            # So that what is wrong with it is told in its own words.
            await self._server.encode("a")
            self._found = self._server
        elif await self._server.is_there():
            self._found = self._server
        self._is_settled = True

    def _lock(self) -> asyncio.Lock:
        loop = asyncio.get_running_loop()
        lock = self._locks.get(loop)
        if lock is None:
            lock = self._locks[loop] = asyncio.Lock()
        return lock
