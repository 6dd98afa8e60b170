from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import (
    ModelUnavailableError,
    OptionError,
    TransientModelError,
)
from pytest_evalkit.mockserver import MockServer, serve_in_thread
from pytest_evalkit.mockserver.answers import echo
from pytest_evalkit.mockserver.tokenizing import BOS, encode
from pytest_evalkit.models.connection import Connection
from pytest_evalkit.models.http import Transport
from pytest_evalkit.models.local_tokenizers import FileTokenizer, TiktokenTokenizer
from pytest_evalkit.models.server_tokenizer import ServerTokenizer
from pytest_evalkit.models.tokenizing import (
    ChosenTokenizer,
    Tokenization,
    Tokenizer,
)

TEXT = "Is it so? Yes: naïve 答案 🙂."


def write_tokenizer(folder: Path, **special: Any) -> Path:
    """Train a byte-level tokenizer that puts <s> before a text."""
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<pad>", "<s>", "</s>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator([TEXT, "so it is: yes, yes"], trainer)
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    made.enable_truncation(3)
    made.enable_padding(length=3)
    folder.mkdir(parents=True, exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    if special:
        config = folder / "tokenizer_config.json"
        config.write_text(json.dumps(special), encoding="utf-8")
    return folder


@pytest.fixture
def server() -> Iterator[MockServer]:
    with serve_in_thread(MockServer(echo, keeps_requests=True)) as running:
        yield running


def server_tokenizer(root: str) -> ServerTokenizer:
    return ServerTokenizer(
        root=root,
        model="m",
        transport=lambda url: Transport(url=url, model="m", connection=Connection()),
    )


def chosen(settings: Tokenization, root: str) -> Tokenizer | None:
    async def choose() -> Tokenizer | None:
        remote = server_tokenizer(root)
        try:
            return await ChosenTokenizer(settings, model="m", server=remote).get()
        finally:
            await remote.aclose()

    return asyncio.run(choose())


def test_a_file_splits_whole_texts_and_joins_them(tmp_path: Path) -> None:
    folder = write_tokenizer(tmp_path / "tok")

    async def both_ways() -> tuple[tuple[int, ...], tuple[int, ...], str]:
        tokenizer = FileTokenizer(str(folder))
        bare = await tokenizer.encode(TEXT)
        dressed = await tokenizer.encode(TEXT, with_special=True)
        return bare, dressed, await tokenizer.decode(bare)

    bare, dressed, text = asyncio.run(both_ways())

    # Neither the bound of three tokens in the file nor its padding is in force.
    assert len(bare) > 3
    assert dressed == (1, *bare)
    assert text == TEXT


def test_a_file_may_be_named_itself(tmp_path: Path) -> None:
    file = write_tokenizer(tmp_path) / "tokenizer.json"

    assert asyncio.run(FileTokenizer(str(file)).encode("so")) != ()


@pytest.mark.parametrize(
    ("special", "expected"),
    [
        ({"bos_token": "<s>", "eos_token": "</s>"}, 1),
        ({"bos_token": {"content": "<s>"}}, 1),
        ({"bos_token": None, "eos_token": "</s>"}, 2),
        ({"bos_token": "<unknown>", "eos_token": "</s>"}, 2),
        ({}, None),
    ],
)
def test_the_token_that_begins_a_text_is_told_beside_the_file(
    tmp_path: Path, special: dict[str, Any], expected: int | None
) -> None:
    folder = write_tokenizer(tmp_path, **special)

    assert asyncio.run(FileTokenizer(str(folder)).prefix()) == expected


def test_the_map_of_special_tokens_serves_where_the_configuration_is_silent(
    tmp_path: Path,
) -> None:
    folder = write_tokenizer(tmp_path, model_max_length=7)
    told = json.dumps({"eos_token": "</s>"})
    (folder / "special_tokens_map.json").write_text(told, encoding="utf-8")

    assert asyncio.run(FileTokenizer(str(folder)).prefix()) == 2


@pytest.mark.parametrize("name", ["absent/tokenizer.json", "./absent", "a/b/c"])
def test_a_file_that_is_not_there_is_a_usage_error(name: str) -> None:
    with pytest.raises(OptionError, match="there is no tokenizer"):
        FileTokenizer(name)


def test_a_folder_without_a_tokenizer_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"no tokenizer .*tokenizer\.json"):
        FileTokenizer(str(tmp_path))


def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    file.write_text("{}", encoding="utf-8")

    with pytest.raises(ModelUnavailableError, match=r"tokenizer\.json is no tokenizer"):
        asyncio.run(FileTokenizer(str(file)).encode("a"))


def test_a_name_is_looked_up_in_the_cache_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    cached = tmp_path / "models--org--name"
    write_tokenizer(cached / "snapshots" / ("0" * 40), eos_token="</s>")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("0" * 40, encoding="utf-8")

    assert asyncio.run(FileTokenizer("org/name").prefix()) == 2


def test_a_name_that_the_hub_does_not_give_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    with pytest.raises(ModelUnavailableError, match="no folder 'org/name' here"):
        asyncio.run(FileTokenizer("org/name").encode("a"))


@pytest.mark.parametrize(
    ("package", "make"),
    [
        ("tokenizers", lambda: FileTokenizer("org/name")),
        ("tiktoken", lambda: TiktokenTokenizer("o200k_base")),
    ],
)
def test_a_missing_package_is_named_with_its_remedy(
    package: str, make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # None there stands for a package that cannot be imported.
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(OptionError, match=rf"{package}.*pytest-evalkit\[tokenizers\]"):
        make()


@pytest.fixture
def encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An encoding of bytes alone, as a plugin of tiktoken: others are downloaded."""
    registry = pytest.importorskip("tiktoken.registry")
    (tmp_path / "tiktoken_ext").mkdir()
    plugin = tmp_path / "tiktoken_ext" / "plain_bytes.py"
    plugin.write_text(
        "def plain():\n"
        "    ranks = {bytes([n]): n for n in range(256)} | {b'es': 256}\n"
        "    return {'name': 'plain', 'pat_str': r'.+|\\n', 'mergeable_ranks': ranks,\n"
        "            'special_tokens': {'<|endoftext|>': 257}}\n"
        "ENCODING_CONSTRUCTORS = {'plain': plain}\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "ENCODING_CONSTRUCTORS", None)
    monkeypatch.setattr(registry, "ENCODINGS", {})
    registry._available_plugin_modules.cache_clear()
    return "plain"


def test_an_encoding_of_tiktoken_splits_and_joins(encoding: str) -> None:
    async def both_ways() -> tuple[tuple[int, ...], str, int | None]:
        tokenizer = TiktokenTokenizer(encoding)
        tokens = await tokenizer.encode("yes <|endoftext|>", with_special=True)
        return tokens, await tokenizer.decode(tokens), await tokenizer.prefix()

    tokens, text, prefix = asyncio.run(both_ways())

    # What reads like a special token in a text is text.
    assert tokens == (ord("y"), 256, *b" <|endoftext|>")
    assert text == "yes <|endoftext|>"
    assert prefix == 257


def test_an_encoding_that_tiktoken_does_not_know_is_named(encoding: str) -> None:
    with pytest.raises(ModelUnavailableError, match=f"no encoding.*'x'.*{encoding}"):
        asyncio.run(TiktokenTokenizer("x").encode("a"))


def test_the_server_splits_and_joins(server: MockServer) -> None:
    async def both_ways() -> tuple[Any, ...]:
        tokenizer = server_tokenizer(server.url.removesuffix("/v1"))
        try:
            tokens = await tokenizer.encode(TEXT)
            special = await tokenizer.encode(TEXT, with_special=True)
            text = await tokenizer.decode(tokens)
            return tokens, special, text, await tokenizer.prefix()
        finally:
            await tokenizer.aclose()

    tokens, special, text, prefix = asyncio.run(both_ways())

    assert tokens == tuple(encode(TEXT))
    assert special == (BOS, *tokens)
    assert text == TEXT
    assert prefix == BOS


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({}, ServerTokenizer),
        ({"tokenizer": "remote"}, ServerTokenizer),
        ({"tokenizer_backend": "remote"}, ServerTokenizer),
        ({"tokenized_requests": True}, ServerTokenizer),
        ({"tokenizer": "none"}, type(None)),
        ({"tokenizer_backend": None}, type(None)),
        ({"tokenized_requests": False}, type(None)),
        ({"tokenizer": "tiktoken:o200k_base"}, TiktokenTokenizer),
        ({"tokenizer": "gpt-4o", "tokenizer_backend": "tiktoken"}, TiktokenTokenizer),
        ({"tokenizer_backend": "tiktoken"}, TiktokenTokenizer),
        ({"tokenizer": "org/name"}, FileTokenizer),
        ({"tokenizer_backend": "huggingface"}, FileTokenizer),
    ],
)
def test_which_tokenizer_is_taken(
    server: MockServer, settings: dict[str, Any], kind: type[object]
) -> None:
    found = chosen(Tokenization(**settings), server.url.removesuffix("/v1"))

    assert isinstance(found, kind)


def test_a_server_that_does_not_split_texts_has_no_tokenizer(
    server: MockServer,
) -> None:
    # Under this path there is nothing.
    assert chosen(Tokenization(), server.url) is None


def test_one_that_is_asked_for_and_not_there_is_an_error(server: MockServer) -> None:
    with pytest.raises(ModelUnavailableError, match="/tokenize answered 404"):
        chosen(Tokenization(tokenizer="remote"), server.url)


def test_a_server_that_is_down_is_asked_again_not_taken_for_one_without() -> None:
    with pytest.raises(TransientModelError, match="cannot reach"):
        chosen(Tokenization(), "http://127.0.0.1:9")


def test_the_server_is_asked_once_whether_it_splits(server: MockServer) -> None:
    remote = server_tokenizer(server.url.removesuffix("/v1"))
    choice = ChosenTokenizer(Tokenization(), model="m", server=remote)

    async def ask_often() -> list[Tokenizer | None]:
        try:
            return await asyncio.gather(*(choice.get() for _ in range(8)))
        finally:
            await remote.aclose()

    found = asyncio.run(ask_often())

    assert found == [remote] * 8
    assert [request.path for request in server.received] == ["/tokenize"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"tokenizer": "remote"}, BOS),
        ({"tokenizer": "remote", "custom_prefix_token_id": 7}, 7),
    ],
)
def test_the_token_before_a_text_may_be_told(
    server: MockServer, settings: dict[str, Any], expected: int
) -> None:
    async def ask() -> int:
        remote = server_tokenizer(server.url.removesuffix("/v1"))
        choice = ChosenTokenizer(Tokenization(**settings), model="m", server=remote)
        try:
            tokenizer = await choice.get()
            assert tokenizer is not None
            return await choice.prefix(tokenizer)
        finally:
            await remote.aclose()

    assert asyncio.run(ask()) == expected


def test_a_tokenizer_that_tells_no_beginning_needs_to_be_told(tmp_path: Path) -> None:
    folder = write_tokenizer(tmp_path)
    settings = Tokenization(tokenizer=str(folder))

    async def ask() -> int:
        choice = ChosenTokenizer(
            settings, model="m", server=server_tokenizer("http://x")
        )
        tokenizer = await choice.get()
        assert tokenizer is not None
        return await choice.prefix(tokenizer)

    with pytest.raises(ModelUnavailableError, match="custom_prefix_token_id="):
        asyncio.run(ask())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_length": 2}, "max_length must be at least 3, got 2"),
        ({"tokenizer": "none", "tokenized_requests": True}, "needs a tokenizer"),
        ({"tokenizer": "gpt2", "tokenizer_backend": None}, "contradict"),
        ({"tokenizer": "gpt2", "tokenizer_backend": "remote"}, "contradict"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(OptionError, match=words):
        Tokenization(**settings)


def test_special_tokens_that_are_no_json_are_named(tmp_path: Path) -> None:
    folder = write_tokenizer(tmp_path)
    (folder / "tokenizer_config.json").write_text("{", encoding="utf-8")

    with pytest.raises(ModelUnavailableError, match=r"cannot read .*config"):
        asyncio.run(FileTokenizer(str(folder)).prefix())
