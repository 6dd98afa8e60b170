from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from pytest_evalkit.codec import encode
from pytest_evalkit.models.secret_values import SecretValues

KEY = "sk-9f1c77aa"


@pytest.mark.parametrize(
    "arguments",
    [
        {"api_key": KEY},
        {"headers": {"X-Door": KEY}},
        {"headers": {"Authorization": f"Bearer {KEY}"}},
        {"extra_body": {"auth": [{"session_token": KEY}]}},
        {"base_url": f"http://me:{KEY}@host/v1"},
        {"base_url": f"http://{KEY}@host/v1"},
        {"base_url": f"http://host/v1?code={KEY}"},
        {"proxy": f"http://:{KEY}@proxy"},
        {"extra_args": f"--max-num-seqs 4 --api-key {KEY} --dtype half"},
        {"extra_args": f"--api-key={KEY}"},
    ],
)
def test_a_secret_is_found_wherever_arguments_have_it(
    arguments: dict[str, Any],
) -> None:
    secrets = SecretValues.of(arguments, {})

    assert secrets.text(f"no key {KEY}, sorry") == "no key ***, sorry"
    assert secrets.content(f"no key {KEY}".encode()) == b"no key ***"
    assert secrets.plain({"a": [KEY, 1, None], KEY: (2.5,)}) == {
        "a": ["***", 1, None],
        "***": [2.5],
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_API_KEY", KEY),
        ("HF_TOKEN", KEY),
        ("DB_PASSWORD", KEY),
        ("HTTPS_PROXY", f"http://me:{KEY}@proxy:8080"),
    ],
)
def test_a_secret_is_found_in_the_environment(name: str, value: str) -> None:
    assert SecretValues.of({}, {name: value}).text(KEY) == "***"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_key", "EMPTY"),
        ("api_key", "not-needed"),
        ("max_tokens", "12345678"),
        ("model", "org/model-12345"),
        ("base_url", "http://host:8000/v1?api-version=2024-10-21"),
        ("headers", {"Content-Type": "application/json", "Accept": "*/*"}),
        ("extra_args", "--max-num-seqs 12345678"),
    ],
)
def test_what_is_no_secret_stays(name: str, value: Any) -> None:
    said = json.dumps(value)

    assert SecretValues.of({name: value}, {}).text(said) == said


def test_settings_and_places_in_the_environment_stay(tmp_path: Path) -> None:
    environment = {
        "SSH_KEY": str(tmp_path),
        "KEYMAP": "dvorakish",
        "TOKENIZERS_PARALLELISM": "definitely-1",
        "HOME": "/home/somebody1",
    }

    secrets = SecretValues.of({}, environment)

    assert [secrets.text(value) for value in environment.values()] == [
        *environment.values()
    ]


@pytest.mark.parametrize("key", [KEY, 'quo"te\\d-1', "grün/geheim 7", "two\nlines-99"])
def test_a_secret_is_found_however_it_is_quoted(key: str) -> None:
    secrets = SecretValues([key])

    for written in (
        key,
        encode(key).decode(),
        json.dumps(key),
        repr(key),
        json.dumps(json.dumps(key)),
        repr(json.dumps(key)),
        quote(key),
        quote(key, safe=""),
        quote_plus(key),
    ):
        assert "***" in secrets.text(f"<{written}>")
    for said in (key, repr(key), json.dumps(key)):
        assert b"***" in secrets.content(encode({"said": said}))


def test_a_password_is_found_in_the_header_that_it_makes() -> None:
    secrets = SecretValues.of({"base_url": "http://me:p%2Fw-1234@host/v1"}, {})
    header = base64.b64encode(b"me:p/w-1234").decode()

    assert (
        secrets.text(f"Basic {header}, p/w-1234, p%2Fw-1234") == "Basic ***, ***, ***"
    )


def test_the_parts_that_are_left_where_a_text_was_cut_are_masked() -> None:
    secrets = SecretValues([KEY])

    assert secrets.text("key=sk-9f1c... and ...f1c77aa") == "key=***... and ...***"
    assert secrets.text("sk-9f1c and so on") == "sk-9f1c and so on"


def test_a_secret_within_a_longer_one_leaves_nothing_of_it() -> None:
    secrets = SecretValues(["secret-1", "my-secret-1-is-long"])

    assert secrets.text("my-secret-1-is-long secret-1") == "*** ***"


def test_the_values_are_not_in_what_it_says_of_itself() -> None:
    assert KEY not in repr(SecretValues([KEY]))


def test_a_secret_of_digits_is_masked_in_texts_and_leaves_numbers_alone() -> None:
    secrets = SecretValues(["33333333", "sk-9f1c77aa"])
    line = {"text": "pin 33333333, sk-9f1c77aa", "share": 1 / 3, "n": 33333333}
    other = {"text": "sk-9f1c77aa", "n": 4}

    masked = secrets.lines(encode(line) + b"\n" + encode(other) + b"\n").splitlines()

    assert [json.loads(one) for one in masked] == [
        {"text": "pin ***, ***", "share": 1 / 3, "n": 33333333},
        {"text": "***", "n": 4},
    ]
    assert secrets.lines(encode(other) + b"\n") == b'{"text":"***","n":4}\n'
