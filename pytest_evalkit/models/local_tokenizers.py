"""Tokenizers on this machine: files, and packages that bring their own.

The packages are imported when the first text is split, never before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_evalkit.codec import CodecError, decode
from pytest_evalkit.errors import ModelUnavailableError, OptionError
from pytest_evalkit.models.windows import Tokens

if TYPE_CHECKING:
    import tiktoken
    import tokenizers

_TOKENIZER_FILE = "tokenizer.json"
# Beside it; the first to name a token decides.
_SPECIAL_FILES = ("tokenizer_config.json", "special_tokens_map.json")
_BESIDE = (*_SPECIAL_FILES, "chat_template.jinja")
_PREFIX_NAMES = ("bos_token", "eos_token")
# What names of tiktoken's begin with, where a setting may name others too.
TIKTOKEN = "tiktoken:"
# Longer texts take so long that other requests of the loop would wait.
_LONG_CHARACTERS = 20_000


class FileTokenizer:
    """A tokenizer in the format of the ``tokenizers`` package.

    Args:
        source: A ``tokenizer.json``, the folder it is in, or a name on the Hugging Face
            hub. The files beside it say which token begins a text.
        revision: Which state of the hub's files; of no effect for files here.

    Raises:
        OptionError: The file does not exist, or the package is not installed.
    """

    is_servers = False

    def __init__(self, source: str, *, revision: str = "main") -> None:
        _need("tokenizers")
        self._source = source
        self._revision = revision
        self._file = _file_here(source)
        self._loaded: tokenizers.Tokenizer | None = None

    async def encode(self, text: str, *, with_special: bool = False) -> Tokens:
        """Split a text into token ids.

        Raises:
            ModelUnavailableError: There is no tokenizer.
        """
        loaded = await self._load()
        return await _off_the_loop(
            lambda: tuple(loaded.encode(text, add_special_tokens=with_special).ids),
            text,
        )

    async def prefix(self) -> int | None:
        """Name the token that begins a text, or else the one that ends it, or None.

        Raises:
            ModelUnavailableError: There is no tokenizer, or a file is no JSON.
        """
        loaded = await self._load()
        assert self._file is not None, "a tokenizer is loaded from its file"
        for name in special_tokens(self._file.parent):
            token: int | None = loaded.token_to_id(name)
            if token is not None:
                return token
        return None

    async def decode(self, tokens: Sequence[int]) -> str:
        """Join token ids to the text that they spell.

        Raises:
            ModelUnavailableError: There is no tokenizer.
        """
        loaded = await self._load()
        text: str = loaded.decode(list(tokens), skip_special_tokens=False)
        return text

    def load(self) -> Path:
        """Load it here and now, which may take a second; not on an event loop.

        Returns:
            The folder of its files.

        Raises:
            ModelUnavailableError: There is no tokenizer.
        """
        if self._loaded is None:
            self._loaded = self._read()
        assert self._file is not None, "a tokenizer is loaded from its file"
        return self._file.parent

    def count(self, text: str, *, with_special: bool = False) -> int:
        """Count the tokens of a text, here and now; not on an event loop.

        Raises:
            ModelUnavailableError: There is no tokenizer.
        """
        self.load()
        assert self._loaded is not None, "it was just loaded"
        # Models do emit lone surrogates, which the package does not take.
        sound = text.encode(errors="replace").decode()
        return len(self._loaded.encode(sound, add_special_tokens=with_special).ids)

    async def _load(self) -> tokenizers.Tokenizer:
        if self._loaded is None:
            self._loaded = await asyncio.to_thread(self._read)
        return self._loaded

    def _read(self) -> tokenizers.Tokenizer:
        if self._file is None:
            self._file = _file_of_hub(self._source, self._revision)
        return _read_file(self._file)


class TiktokenTokenizer:
    """A tokenizer of the ``tiktoken`` package.

    Args:
        name: An encoding, such as ``o200k_base``, or a model of OpenAI.

    Raises:
        OptionError: The package is not installed.
    """

    is_servers = False

    def __init__(self, name: str) -> None:
        _need("tiktoken")
        self._name = name
        self._loaded: tiktoken.Encoding | None = None

    async def encode(self, text: str, *, with_special: bool = False) -> Tokens:  # noqa: ARG002 - there are none to add
        """Split a text into token ids; these models expect nothing around it.

        Raises:
            ModelUnavailableError: There is no such encoding, or it cannot be loaded.
        """
        loaded = await self._load()
        return await _off_the_loop(lambda: tuple(loaded.encode_ordinary(text)), text)

    async def prefix(self) -> int | None:
        """Name the token that ends a text, which also begins one.

        Raises:
            ModelUnavailableError: There is no such encoding, or it cannot be loaded.
        """
        return (await self._load()).eot_token

    async def decode(self, tokens: Sequence[int]) -> str:
        """Join token ids to the text that they spell.

        Raises:
            ModelUnavailableError: There is no such encoding, or it cannot be loaded.
        """
        return (await self._load()).decode(list(tokens))

    def load(self) -> None:
        """Load it here and now, which may take a second; not on an event loop.

        Raises:
            ModelUnavailableError: There is no such encoding, or it cannot be loaded.
        """
        if self._loaded is None:
            self._loaded = _read_tiktoken(self._name)

    def count(self, text: str, *, with_special: bool = False) -> int:  # noqa: ARG002 - there are none to add
        """Count the tokens of a text, here and now; not on an event loop.

        Raises:
            ModelUnavailableError: There is no such encoding, or it cannot be loaded.
        """
        self.load()
        assert self._loaded is not None, "it was just loaded"
        return len(self._loaded.encode_ordinary(text))

    async def _load(self) -> tiktoken.Encoding:
        if self._loaded is None:
            self._loaded = await asyncio.to_thread(_read_tiktoken, self._name)
        return self._loaded


def local_tokenizer(
    name: str, *, revision: str = "main"
) -> FileTokenizer | TiktokenTokenizer:
    """Make the tokenizer on this machine that a setting names.

    Args:
        name: As FileTokenizer takes it; or ``tiktoken:`` and what TiktokenTokenizer
            takes.
        revision: Which state of the hub's files; of no effect for others.

    Raises:
        OptionError: The file does not exist, or the package is not installed.
    """
    if name.startswith(TIKTOKEN):
        return TiktokenTokenizer(name.removeprefix(TIKTOKEN))
    return FileTokenizer(name, revision=revision)


def special_tokens(folder: Path) -> list[str]:
    """List how the tokens that begin and end a text are written, in that order.

    Raises:
        ModelUnavailableError: A file is not JSON.
    """
    said: dict[str, Any] = {}
    for name in _SPECIAL_FILES:
        said = _object(folder / name) | said
    found = [said.get(name) for name in _PREFIX_NAMES]
    texts = [one.get("content") if isinstance(one, dict) else one for one in found]
    return [text for text in texts if isinstance(text, str)]


def _object(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        said = decode(file.read_bytes())
    except (CodecError, OSError) as error:
        raise ModelUnavailableError(f"cannot read {file}: {error}") from error
    return said if isinstance(said, dict) else {}


def _need(package: str) -> None:
    if find_spec(package) is None:
        raise OptionError(
            f"the tokenizer needs the package {package}: "
            "pip install 'pytest-evalkit[tokenizers]'"
        )


def _file_here(source: str) -> Path | None:
    """Find the file that a source names; None where it is a name on the hub.

    Raises:
        OptionError: It reads like a path, and there is nothing.
    """
    path = Path(source).expanduser()
    file = path / _TOKENIZER_FILE if path.is_dir() else path
    if file.is_file():
        return file
    is_path = path.is_dir() or path.is_absolute() or source.startswith((".", "~"))
    if is_path or path.suffix == ".json" or len(path.parts) > len(("owner", "name")):
        raise OptionError(f"there is no tokenizer {file}")
    return None


def _file_of_hub(name: str, revision: str) -> Path:
    """Fetch a tokenizer and what stands beside it, or take them from the cache."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    try:
        file = hf_hub_download(name, _TOKENIZER_FILE, revision=revision)
    except (OSError, ValueError) as error:
        raise ModelUnavailableError(
            f"there is no folder {name!r} here, and no tokenizer of that name can be "
            f"had from the hub: {_first_line(error)}"
        ) from error
    for beside in _BESIDE:
        try:
            hf_hub_download(name, beside, revision=revision)
        except EntryNotFoundError:
            # Models have some of them; without any, a text has no beginning.
            continue
    return Path(file)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _read_file(file: Path) -> tokenizers.Tokenizer:
    from tokenizers import Tokenizer as Loaded

    try:
        loaded = Loaded.from_file(str(file))
    except Exception as error:
        # The package raises no narrower class.
        raise ModelUnavailableError(f"{file} is no tokenizer: {error}") from error
    loaded.no_padding()
    loaded.no_truncation()
    return loaded


def _read_tiktoken(name: str) -> tiktoken.Encoding:
    import tiktoken

    try:
        if name in tiktoken.list_encoding_names():
            return tiktoken.get_encoding(name)
        return tiktoken.encoding_for_model(name)
    except KeyError:
        raise ModelUnavailableError(
            f"tiktoken knows no encoding or model {name!r}; "
            f"encodings: {', '.join(tiktoken.list_encoding_names())}"
        ) from None
    except (OSError, ValueError) as error:
        raise ModelUnavailableError(
            f"tiktoken cannot load {name!r}: {error}; it downloads encodings, and looks "
            "for them in TIKTOKEN_CACHE_DIR before"
        ) from error


async def _off_the_loop(split: Callable[[], Tokens], text: str) -> Tokens:
    if len(text) < _LONG_CHARACTERS:
        return split()
    return await asyncio.to_thread(split)
