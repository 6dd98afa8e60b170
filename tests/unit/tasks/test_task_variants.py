from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.tasks.variants import bind, choose, of_model

_OPTIONS = {
    "default": {"pre": "d"},
    "qwen_vl": {"post": "q"},
    "format": "x",
}


def test_the_model_takes_its_own_variant_alone() -> None:
    assert choose(_OPTIONS, None, "qwen_vl") == ("qwen_vl", {"post": "q"})


def test_an_explicit_variant_wins_over_the_model() -> None:
    assert choose(_OPTIONS, "qwen_vl", "default").name == "qwen_vl"


def test_the_default_is_merged_over_the_rest() -> None:
    chosen = choose(_OPTIONS, None, "gpt-4o")

    assert chosen == (
        "default",
        {"qwen_vl": {"post": "q"}, "format": "x", "pre": "d"},
    )


def test_dataset_stands_in_for_a_default() -> None:
    assert choose({"dataset": {"a": 1}}, None, None) == ("dataset", {"a": 1})


def test_plain_arguments_are_taken_as_they_are() -> None:
    assert choose({"pre_prompt": ""}, None, "m") == (None, {"pre_prompt": ""})


def test_a_misspelt_variant_names_the_nearest() -> None:
    with pytest.raises(OptionError, match="did you mean 'qwen_vl'"):
        choose(_OPTIONS, "qwen_v", None)


def test_what_is_said_of_other_models_is_not_taken() -> None:
    options = {"llava": {"image_aspect_ratio": "original"}}

    assert of_model(options, "gpt-4o") is None
    assert of_model(options, None) is None
    assert of_model(options, "llava") == {"image_aspect_ratio": "original"}


def test_what_is_said_of_every_other_model_may_be_a_word() -> None:
    options = {"default": "mcq", "qwen_vl": "qa"}

    assert of_model(options, "gpt-4o") == "mcq"
    assert of_model(options, "qwen_vl") == "qa"


def test_only_a_function_of_two_receives_the_arguments() -> None:
    def one(doc: Any) -> Any:
        return doc

    def two(doc: Any, kwargs: Any = None) -> Any:
        return doc, kwargs

    assert bind(one, {"a": 1})("doc") == "doc"
    assert bind(two, {"a": 1})("doc") == ("doc", {"a": 1})
    assert bind(two, None)("doc") == ("doc", None)
