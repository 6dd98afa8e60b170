from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.codec import encode_canonical
from pytest_evalkit.errors import ModelUnavailableError
from pytest_evalkit.models import identity as identity_module
from pytest_evalkit.models import make_backend
from pytest_evalkit.models.backend import IdentifiedBackend, Identity
from pytest_evalkit.models.identity import checkpoint_facts, content_of, folder_hash
from pytest_evalkit.models.openai_chat import OpenAIChat
from pytest_evalkit.models.openai_completions import OpenAICompletions
from pytest_evalkit.models.parameters import parameters_of
from pytest_evalkit.models.vllm import VLLM

URL = "http://127.0.0.1:1/v1"
# Every argument that has no part in the answers, with another value than the default.
WITHOUT_PART: Mapping[str, Any] = {
    "base_url": "http://127.0.0.1:2/v1",
    "stream": True,
    "api_key": "sk-other",
    "organization": "org",
    "project": "project",
    "headers": {"X-Team": "a"},
    "verify": False,
    "proxy": "http://127.0.0.1:3",
    "trust_env": True,
    "num_concurrent": 3,
    "timeout": 5.0,
    "max_retries": 2,
    "retry_backoff_s": 2.0,
    "retry_total_s": 9.0,
    "adaptive_concurrency": True,
}
HAVING_PART: Mapping[str, Any] = {
    "model": "other",
    "max_tokens": 7,
    "temperature": 0.5,
    "top_p": 0.5,
    "top_k": 4,
    "seed": 5,
    "frequency_penalty": 1.0,
    "presence_penalty": 1.0,
    "extra_body": {"a": 1},
}
OF_CHAT: Mapping[str, Any] = {
    "reasoning_model": True,
    "max_tokens_field": "max_completion_tokens",
    "logprobs": True,
    "top_logprobs": 2,
    "response_format": {"type": "json_object"},
    "message_format": "qwen3_vl",
    "system_prompt": "Be brief.",
    "image_format": "png",
    "image_quality": 50,
    "image_max_pixels": 99,
    "nframes": 3,
    "interleave_visuals": True,
}
OF_COMPLETIONS: Mapping[str, Any] = {
    "tokenizer": "none",
    "add_bos_token": True,
    "custom_prefix_token_id": 3,
    "max_length": 99,
}


def identity_of(backend: Any) -> Identity:
    async def tell() -> Identity:
        try:
            assert isinstance(backend, IdentifiedBackend)
            return await backend.identity()
        finally:
            await backend.aclose()

    return asyncio.run(tell())


def identity(name: str, **arguments: Any) -> bytes:
    told = {"model": "m", "base_url": URL, **arguments}
    return encode_canonical(asdict(identity_of(make_backend(name, told))))


@pytest.mark.parametrize("argument", WITHOUT_PART)
@pytest.mark.parametrize("name", ["openai", "openai-completions", "vllm"])
def test_neither_place_nor_key_nor_pace_is_part_of_a_model(
    name: str, argument: str
) -> None:
    assert identity(name, **{argument: WITHOUT_PART[argument]}) == identity(name)


@pytest.mark.parametrize(
    ("name", "more"),
    [("openai", OF_CHAT), ("openai-completions", OF_COMPLETIONS), ("vllm", OF_CHAT)],
)
def test_whatever_may_change_an_answer_is_part_of_a_model(
    name: str, more: Mapping[str, Any]
) -> None:
    changes = {**HAVING_PART, **more}
    told = [identity(name, **{key: value}) for key, value in changes.items()]

    assert len({identity(name), *told}) == 1 + len(changes)


def test_each_argument_of_an_endpoint_is_known_to_have_a_part_or_none() -> None:
    # A new argument has a part, unless somebody thought about it.
    left_out = identity_module._WITHOUT_PART

    for backend in (OpenAIChat, OpenAICompletions, VLLM):
        names = set(parameters_of(backend))
        assert names & WITHOUT_PART.keys() <= left_out
        assert not (names & (HAVING_PART.keys() | OF_CHAT.keys()) & left_out)


def test_kinds_of_endpoints_differ() -> None:
    kinds = ("openai", "openai-completions", "vllm", "sglang")

    assert len({identity(kind) for kind in kinds}) == len(kinds)


def test_a_file_of_a_system_prompt_counts_by_its_text(tmp_path: Path) -> None:
    prompts = [tmp_path / "one.txt", tmp_path / "two.txt"]
    for path in prompts:
        path.write_text("Be brief.")

    told = {identity("openai", system_prompt=str(path)) for path in prompts}

    assert told == {identity("openai", system_prompt="Be brief.")}


@pytest.mark.parametrize(
    ("arguments", "temperature", "heeds"),
    [
        ({}, None, True),
        ({"temperature": 0.5}, 0.5, True),
        ({"extra_body": {"temperature": 0}}, 0, False),
        ({"model": "gpt-5-mini"}, None, False),
    ],
)
def test_a_model_says_at_which_temperature_it_answers(
    arguments: dict[str, Any], temperature: float | None, heeds: bool
) -> None:
    told = {"model": "m", "base_url": URL, **arguments}

    found = identity_of(make_backend("openai", told))

    assert (found.temperature, found.heeds_temperature) == (temperature, heeds)


def checkpoint(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True)
    for name, text in {"config": "{}", "weights": "1234", **files}.items():
        (folder / name).write_text(text)
    return folder


def test_a_checkpoint_folder_is_known_by_its_files_wherever_it_is(
    tmp_path: Path,
) -> None:
    one = checkpoint(tmp_path / "a" / "one")
    two = checkpoint(tmp_path / "two")
    other = checkpoint(tmp_path / "other", weights="1235")
    more = checkpoint(tmp_path / "more", tokenizer="")

    assert checkpoint_facts(str(one), "main", "config") == {"sha256": folder_hash(one)}
    assert folder_hash(one) == folder_hash(two)
    assert len({folder_hash(folder) for folder in (one, other, more)}) == 3


def test_large_files_count_by_size_and_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity_module, "_HASHED_BYTES", 3)
    folder = checkpoint(tmp_path / "a")
    weights = folder / "weights"
    os.utime(weights, ns=(0, 10**9))
    first = folder_hash(folder)

    os.utime(weights, ns=(5, 10**9))
    read_again = folder_hash(folder)
    weights.write_text("4321")
    os.utime(weights, ns=(0, 10**9 + 1))

    assert read_again == first
    assert folder_hash(folder) != first


def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = checkpoint(tmp_path / "a")

    def refuse(path: Path, *_: Any) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ModelUnavailableError, match=r"cannot read .*Permission denied"):
        folder_hash(folder)


def test_a_name_on_the_hub_is_known_by_the_commit_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--org--name"
    snapshot = repository / "snapshots" / "c0ffee"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("c0ffee")

    known = checkpoint_facts("org/name", None, "config.json")
    unknown = checkpoint_facts("org/name", "v2", "config.json")

    assert known == {"name": "org/name", "commit": "c0ffee"}
    assert unknown == {"name": "org/name", "commit": None}


def test_a_setting_stands_for_the_file_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "template.jinja"
    path.write_text("{{ messages }}")

    assert content_of(str(path))["sha256"]
    assert content_of(str(tmp_path)) == {"sha256": folder_hash(tmp_path)}
    for plain in (None, "auto", "{% for %}\n", "x" * 5000, "a\0b"):
        assert content_of(plain) == plain
