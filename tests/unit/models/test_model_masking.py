from __future__ import annotations

import pytest

from pytest_evalkit.models.masking import masked, masked_url


def test_texts_under_secret_names_are_masked_at_any_depth() -> None:
    values = {
        "api_key": "hush",
        "headers": {"Authorization": "Bearer hush", "X-Door": "hush"},
        "extra_body": {"session_token": "hush", "team": "red"},
        "max_tokens": 5,
        "api_token": "",
    }

    assert masked(values) == {
        "api_key": "***",
        "headers": {"Authorization": "***", "X-Door": "***"},
        "extra_body": {"session_token": "***", "team": "red"},
        "max_tokens": 5,
        "api_token": "",
    }


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h:1/v1", "http://h:1/v1"),
        ("http://user:hush@h:1/v1", "http://***@h:1/v1"),
        ("http://h/v1?api_key=hush&v=2", "http://h/v1?api_key=***&v=2"),
    ],
)
def test_urls_are_written_without_secrets(url: str, expected: str) -> None:
    assert masked_url(url) == expected
