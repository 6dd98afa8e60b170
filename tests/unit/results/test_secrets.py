from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.results.secrets import without_secrets


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"api_key": "sk-1", "model": "m"}, {"api_key": "***", "model": "m"}),
        ({"env": [{"HF_TOKEN": "hf"}]}, {"env": [{"HF_TOKEN": "***"}]}),
        ("model=m,api_key=sk-1", "model=m,api_key=***"),
        ("api_key = 'sk-1', base_url=http://h:1/v1", None),
        ('{"api_key": "sk-1", "n": 3}', '{"api_key": "***", "n": 3}'),
        ("max_tokens=64,password=x", "max_tokens=64,password=***"),
        ({"max_tokens": 64, "seed": None}, {"max_tokens": 64, "seed": None}),
        ("http://host:8000/v1", "http://host:8000/v1"),
        ("base_url=http://me:pw@host/v1,n=3", "base_url=http://***@host/v1,n=3"),
        ("base_url=http://h/v1?api_key=sk-1", "base_url=http://h/v1?api_key=***"),
        ("base_url=http://[me:pw@host", "base_url=***"),
    ],
)
def test_secrets_are_masked_and_nothing_else(value: Any, written: Any) -> None:
    masked = without_secrets(value)

    if written is None:
        written = value.replace("sk-1", "***")
    assert masked == written


def test_what_is_masked_stays_as_it_was_for_the_run() -> None:
    options = {"api_key": "sk-1"}

    without_secrets(options)

    assert options == {"api_key": "sk-1"}


def test_headers_among_the_arguments_are_masked_whole() -> None:
    options = {
        "model_args": 'model=m,headers={"Authorization": "Bearer a b", "X-Auth": "c"}'
    }

    plain = without_secrets(options)

    assert plain == {
        "model_args": 'model=m,headers={"Authorization":"***","X-Auth":"***"}'
    }


def test_arguments_that_cannot_be_read_are_masked_as_text() -> None:
    plain = without_secrets({"model_args": "api_key=sk-1,,"})

    assert "sk-1" not in plain["model_args"]
