from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.models.arguments import parse_model_args


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("  ", {}),
        ("model=gpt-5", {"model": "gpt-5"}),
        ("a=1,b=-2,c=0.5,d=1e-3", {"a": 1, "b": -2, "c": 0.5, "d": 0.001}),
        ("a=true,b=False,c=null,d=None", {"a": True, "b": False, "c": None, "d": None}),
        ("a=yes,b=NaN,c=007", {"a": "yes", "b": "NaN", "c": "007"}),
        ("a= spaced out , b = x", {"a": "spaced out", "b": "x"}),
        ("a=", {"a": ""}),
        ("a='x,y',b=\"p,\\n\"", {"a": "x,y", "b": "p,\n"}),
        ("a='8',b=\"true\"", {"a": "8", "b": "true"}),
        (r"until='\n\n'", {"until": r"\n\n"}),
        ('until=["a,b","c"],n=2', {"until": ["a,b", "c"], "n": 2}),
        ('headers={"X": "a,b"},seed=1', {"headers": {"X": "a,b"}, "seed": 1}),
        (
            "base_url=http://h:1/v1?x=1,m=a/b",
            {"base_url": "http://h:1/v1?x=1", "m": "a/b"},
        ),
        ("text=it's", {"text": "it's"}),
        ("join=question+image", {"join": "question+image"}),
        ('{"model": "m", "seed": 2}', {"model": "m", "seed": 2}),
        ("reasoning.effort=low", {"reasoning.effort": "low"}),
    ],
)
def test_arguments_are_read_as_written(text: str, expected: dict[str, Any]) -> None:
    assert parse_model_args(text) == expected


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("gpt-5", "'gpt-5'"),
        ("model=a,seed", "'seed'"),
        ("=x", "'=x'"),
        ("a=1,,b=2", "''"),
        ("a=1,", "after the last comma"),
        ("a='open", '"\'open"'),
        ("a='x'y,b=1", "'x'y"),
        ("a={1:2}", "{1:2}"),
        ("a=[INST]", "single quotes"),
        ("a=1,a=2", "'a' is given twice"),
        ('{"a": 1', "not JSON"),
    ],
)
def test_a_malformed_text_is_refused_with_the_piece(text: str, piece: str) -> None:
    with pytest.raises(OptionError) as failure:
        parse_model_args(text)

    assert piece in str(failure.value)
