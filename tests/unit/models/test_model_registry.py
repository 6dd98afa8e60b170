from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.models import BACKENDS, make_backend
from pytest_evalkit.models.arguments import parse_model_args
from pytest_evalkit.models.chance import Constant
from pytest_evalkit.models.foreign_arguments import FOREIGN_ARGUMENTS
from pytest_evalkit.models.openai_chat import OpenAIChat
from pytest_evalkit.naming import import_object


@dataclass(kw_only=True)
class Typed(Constant):
    """A user's own backend, with an argument of each kind."""

    count: int = 0
    share: float = 0.5
    flag: bool = False
    names: tuple[str, ...] = ()
    mode: Literal["a", "b"] = "a"
    place: Path = Path()


class Open(Constant):
    def __init__(self, **anything: Any) -> None:
        super().__init__()
        self.anything = anything


class NoBackend:
    pass


class Unconvertible(Constant):
    def __init__(self, *, source: Path | str) -> None:
        super().__init__(text=str(source))


class Broken(Constant):
    def __init__(self, *, level: int) -> None:
        raise ValueError(f"level {level} is too high")


OWN = f"{__name__}:"


def make_typed(**args: Any) -> Typed:
    backend = make_backend(OWN + "Typed", args)
    assert isinstance(backend, Typed)
    return backend


def test_every_name_in_the_table_leads_to_a_class() -> None:
    kinds = [import_object(reference) for reference in BACKENDS.values()]

    assert all(isinstance(kind, type) for kind in kinds)


def test_the_aliases_of_other_tools_are_the_chat_backend() -> None:
    backend = make_backend("local-chat-completions", {"model": "m"})

    assert isinstance(backend, OpenAIChat)


def test_an_unknown_name_points_to_the_nearest() -> None:
    with pytest.raises(OptionError, match=r"'opnai'; did you mean 'openai'\?"):
        make_backend("opnai", {})


def test_an_unknown_argument_points_to_the_nearest() -> None:
    with pytest.raises(OptionError, match=r"'max_token'; did you mean 'max_tokens'\?"):
        make_backend("openai", {"model": "m", "max_token": 5})


@pytest.mark.parametrize("name", ["openai", "openai-completions"])
@pytest.mark.parametrize("key", FOREIGN_ARGUMENTS)
def test_an_argument_of_other_systems_names_what_does_the_same(
    name: str, key: str
) -> None:
    with pytest.raises(OptionError) as told:
        make_backend(name, {"model": "m", key: "x"})

    assert str(told.value) == (
        f"model {name!r} takes no argument {key!r}; {FOREIGN_ARGUMENTS[key]}"
    )


def test_a_command_of_lm_evaluation_harness_does_as_it_is() -> None:
    text = (
        "model=m,base_url=http://localhost:8000/v1/chat/completions,num_concurrent=1,"
        "max_retries=3,tokenized_requests=False,tokenizer_backend=None,batch_size=1"
    )

    backend = make_backend("local-chat-completions", parse_model_args(text))

    assert isinstance(backend, OpenAIChat)
    assert (backend.pacing.num_concurrent, backend.pacing.max_retries) == (1, 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"batch_size": 4}, "batch_size must be 1: a chat request holds one"),
        ({"tokenized_requests": True}, "tokenized_requests must be false"),
        ({"tokenizer_backend": "huggingface"}, "'tokenizer_backend' of model 'openai'"),
    ],
)
def test_a_chat_takes_nothing_that_only_completions_can_do(
    arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(OptionError, match=said):
        make_backend("openai", {"model": "m", **arguments})


def test_a_missing_argument_is_named() -> None:
    with pytest.raises(OptionError, match=r"'openai' needs --model-args model=\.\.\."):
        make_backend("openai", {})


def test_an_argument_that_a_backend_does_not_have_at_all_is_refused() -> None:
    with pytest.raises(OptionError, match="'oracle' takes no argument 'model'"):
        make_backend("oracle", {"model": "x"})


@pytest.mark.parametrize(
    ("key", "given", "expected"),
    [
        ("count", "8", 8),
        ("count", 8, 8),
        ("share", "0.25", 0.25),
        ("share", 1, 1.0),
        ("flag", "true", True),
        ("names", ["a", "b"], ("a", "b")),
        ("mode", "b", "b"),
        ("place", "a/b", Path("a/b")),
        ("place", Path("c"), Path("c")),
    ],
)
def test_texts_become_what_the_annotations_ask_for(
    key: str, given: Any, expected: Any
) -> None:
    value = getattr(make_typed(**{key: given}), key)

    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("key", "given", "said"),
    [
        ("count", "many", "'count' .* must be int, got 'many'"),
        ("count", 1.5, "must be int, got 1.5"),
        ("flag", "maybe", "must be bool, got 'maybe'"),
        ("mode", "c", r"must be Literal\['a', 'b'\], got 'c'"),
        ("names", 3, "got 3"),
        ("place", 3, "must be Path, got 3"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(key: str, given: Any, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        make_typed(**{key: given})


def test_a_whole_number_can_be_the_name_of_a_model() -> None:
    backend = make_backend("openai", {"model": 7})

    assert backend.model_name == "7"


def test_a_fraction_meant_as_text_must_be_quoted() -> None:
    with pytest.raises(OptionError, match="put it in quotes"):
        make_backend("constant", {"text": 1.50})


def test_a_secret_of_the_wrong_type_is_not_repeated() -> None:
    with pytest.raises(OptionError) as failure:
        make_backend("openai", {"model": "m", "headers": {"X-Api-Key": ["hush"]}})

    assert "'headers'" in str(failure.value)
    assert "hush" not in str(failure.value)


def test_what_a_constructor_says_is_passed_on() -> None:
    with pytest.raises(OptionError, match=r"Broken.*level 9 is too high"):
        make_backend(OWN + "Broken", {"level": 9})


def test_a_class_that_takes_anything_is_given_anything() -> None:
    backend = make_backend(OWN + "Open", {"x": 1, "y": "z"})

    assert isinstance(backend, Open)
    assert backend.anything == {"x": 1, "y": "z"}


def test_a_class_that_is_no_backend_is_refused() -> None:
    with pytest.raises(OptionError, match="NoBackend, which is not a backend"):
        make_backend(OWN + "NoBackend", {})


def test_a_thing_that_is_no_class_is_refused() -> None:
    with pytest.raises(OptionError, match="is a str, not a class"):
        make_backend(OWN + "OWN", {})


def test_a_misspelt_class_points_to_the_nearest() -> None:
    with pytest.raises(OptionError, match="did you mean 'Typed'"):
        make_backend(OWN + "Tiped", {})


def test_a_module_that_does_not_exist_is_named() -> None:
    with pytest.raises(OptionError, match="no_such_module"):
        make_backend("no_such_module:Thing", {})


def test_an_annotation_that_cannot_be_converted_to_is_an_option_error() -> None:
    with pytest.raises(OptionError, match="'source'"):
        make_backend(OWN + "Unconvertible", {"source": "x"})


def test_importing_the_backends_loads_no_heavy_package() -> None:
    root = Path(__file__).parents[3]
    heavy = ["aiohttp", "PIL", "numpy", "datasets", "openai", "jinja2"]
    program = (
        "import sys, pytest_evalkit.models, pytest_evalkit.mockserver\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )

    finished = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert finished.stdout.strip() == "[]"
