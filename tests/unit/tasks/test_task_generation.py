from __future__ import annotations

from typing import Any

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.tasks.generation import dropped, parameters, require_spelling
from pytest_evalkit.values import GenerationParameters


def _of(task: dict[str, Any], **overrides: Any) -> GenerationParameters:
    return parameters(task, overrides, stop="\n\n")


def test_without_arguments_text_is_greedy_and_ends_at_the_delimiter() -> None:
    assert _of({}) == GenerationParameters(temperature=0.0, stop=("\n\n",))


@pytest.mark.parametrize("key", ["max_gen_toks", "max_new_tokens", "max_tokens"])
def test_every_spelling_of_the_length_means_the_same(key: str) -> None:
    assert _of({key: 12}).max_tokens == 12


@pytest.mark.parametrize("value", ["stop here", ["stop here"]])
def test_a_stop_is_a_text_or_a_list(value: object) -> None:
    assert _of({"until": value}).stop == ("stop here",)


def test_an_empty_list_of_stops_is_none_at_all() -> None:
    assert _of({"until": []}).stop == ()


@pytest.mark.parametrize(
    ("task", "temperature"),
    [
        ({"do_sample": False}, 0.0),
        ({"do_sample": False, "temperature": 0.7}, 0.7),
        ({"do_sample": True}, None),
        ({"do_sample": True, "temperature": "1e-1"}, 0.1),
        ({"temperature": None}, 0.0),
    ],
)
def test_sampling_decides_the_temperature(
    task: dict[str, Any], temperature: float | None
) -> None:
    made = _of(task)

    assert made.temperature == temperature
    assert made.extra == {}


def test_null_on_the_command_line_leaves_it_to_the_model() -> None:
    made = _of({"temperature": 0.5, "until": ["x"]}, temperature=None, until=None)

    assert made.temperature is None
    assert made.stop == ()


def test_the_command_line_wins_in_any_spelling() -> None:
    assert _of({"max_gen_toks": 256}, max_tokens=8).max_tokens == 8


def test_what_no_server_knows_is_left_out_of_a_tasks_wishes_and_told() -> None:
    task = {"num_beams": 4, "image_aspect_ratio": "original", "min_p": 0.1}

    assert _of(task).extra == {"min_p": 0.1}
    assert dropped(task) == {"num_beams": 4, "image_aspect_ratio": "original"}


def test_what_means_nothing_or_is_no_sampling_is_not_told() -> None:
    task = {"num_beams": 1, "visual_cot": True, "max_agentic_steps": 8, "top_p": None}

    assert (_of(task).extra, dropped(task)) == ({}, {})


def test_the_command_line_may_ask_for_anything() -> None:
    assert _of({}, num_beams=4).extra == {"num_beams": 4}


def test_no_share_of_the_probability_is_left_out_where_it_changes_nothing() -> None:
    assert _of({"top_p": 0, "temperature": 0}).top_p is None


def test_known_parameters_get_their_fields() -> None:
    made = _of({"top_p": 0.9, "top_k": 40, "seed": 3})

    assert (made.top_p, made.top_k, made.seed, made.extra) == (0.9, 40, 3, {})


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"max_gen_toks": 1.5}, "max_tokens is 1.5, but must be a whole number"),
        ({"top_p": [1]}, "top_p is \\[1\\], but must be a number"),
        ({"until": 3}, "until is 3, but must be text or a list of texts"),
    ],
)
def test_a_wrong_value_is_named(task: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        _of(task)


@pytest.mark.parametrize(
    "name", ["temprature", "max_token", "topp", "presence_penality"]
)
def test_a_slip_of_the_command_line_is_no_parameter(name: str) -> None:
    with pytest.raises(
        OptionError, match=f"unknown generation parameter '{name}'; did"
    ):
        require_spelling({name: 1})


@pytest.mark.parametrize("name", ["temperature", "until", "top_a", "min_p", "mirostat"])
def test_what_only_a_server_knows_is_left_to_it(name: str) -> None:
    require_spelling({name: 1})
