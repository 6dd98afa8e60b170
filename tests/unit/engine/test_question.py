from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from pytest_evalkit.engine.question import identity_hash, is_drawn, question_of
from pytest_evalkit.messages import (
    ImagePart,
    ImageSource,
    Message,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from pytest_evalkit.models.backend import Identity
from pytest_evalkit.values import (
    Generate,
    GenerationParameters,
    Loglikelihood,
    Origin,
    Request,
    RollingLoglikelihood,
    Tool,
)

IDENTITY = Identity(facts={"model": "m"}, temperature=0.0)
PNG = b"\x89PNG\r\n\x1a\n"

# As JSON has them: what is not finite is sent as null, and so is the same question.
NUMBERS = st.integers(-9, 9) | st.floats(-2, 2, allow_nan=False)
TEXTS = st.text(alphabet="ab\n\"\\'\ud800é", max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2)
    ),
    max_leaves=4,
)
PARTS = (
    TEXTS.map(TextPart)
    | st.builds(ToolCallPart, TEXTS, TEXTS, TEXTS)
    | st.builds(ToolResultPart, TEXTS, TEXTS)
    | st.binary(max_size=2).map(
        lambda end: ImagePart(ImageSource.of_bytes(PNG + end)),
    )
)
MESSAGES = st.builds(
    Message,
    st.sampled_from(["system", "user", "assistant", "tool"]),
    st.lists(PARTS, min_size=1, max_size=2).map(tuple),
)
PARAMETERS = st.builds(
    GenerationParameters,
    max_tokens=st.none() | st.integers(1, 3),
    temperature=st.none() | st.sampled_from([0.0, 0.5]),
    top_p=st.none() | st.sampled_from([0.5, 1.0]),
    top_k=st.none() | st.integers(1, 2),
    stop=st.lists(TEXTS, max_size=2).map(tuple),
    seed=st.none() | st.integers(0, 2),
    extra=st.dictionaries(TEXTS, VALUES, max_size=2),
)
TOOLS = st.builds(
    Tool,
    name=TEXTS,
    description=TEXTS,
    parameters=st.dictionaries(TEXTS, VALUES, max_size=1),
)
ORIGINS = st.none() | st.integers(0, 2).map(lambda n: origin(repeat=n))
REQUESTS: st.SearchStrategy[Request] = st.one_of(
    st.builds(
        Generate,
        messages=st.lists(MESSAGES, min_size=1, max_size=2).map(tuple),
        parameters=PARAMETERS,
        tools=st.lists(TOOLS, max_size=1).map(tuple),
        origin=ORIGINS,
    ),
    st.builds(Loglikelihood, context=TEXTS, continuation=TEXTS, origin=ORIGINS),
    st.builds(RollingLoglikelihood, text=TEXTS, origin=ORIGINS),
)


def origin(**changes: Any) -> Origin:
    return Origin(**{"task": "sums", "doc_id": 3, "doc": {}, **changes})


def key(request: Request, identity: Identity = IDENTITY) -> bytes:
    return question_of(request, identity_hash(identity)).key


def asked(**changes: Any) -> Generate:
    request = Generate(
        messages=(Message.of_text("user", "2+2"),),
        parameters=GenerationParameters(max_tokens=8, temperature=0.0, seed=1),
        origin=origin(),
    )
    return structs.replace(request, **changes)


def with_parameters(**changes: Any) -> Generate:
    return asked(parameters=replace(asked().parameters, **changes))


def said(*parts: Any, role: Any = "user") -> Generate:
    return asked(messages=(Message(role, parts),))


def picture(content: bytes = b"") -> ImagePart:
    return ImagePart(ImageSource.of_bytes(PNG + content))


def without_place(request: Request) -> tuple[object, ...]:
    """Everything of a request that may have a part in its answer, as Python has it."""
    repeat = 0 if request.origin is None else request.origin.repeat
    return (
        type(request).__name__,
        repeat,
        plain(structs.replace(request, origin=None)),
    )


def plain(value: Any) -> object:
    """Spell a value with its types, so that 0, 0.0, False and "0" all differ."""
    if isinstance(value, Mapping):
        return ("mapping", sorted((name, plain(one)) for name, one in value.items()))
    return repr(value)


DIFFERENT: Mapping[str, Request] = {
    "text": said(TextPart("2+3")),
    "role": said(TextPart("2+2"), role="system"),
    "one more message": asked(messages=asked().messages * 2),
    "the text in two parts": said(TextPart("2"), TextPart("+2")),
    "a picture": said(TextPart("2+2"), picture()),
    "another picture": said(TextPart("2+2"), picture(b"!")),
    "a picture before the text": said(picture(), TextPart("2+2")),
    "max_tokens": with_parameters(max_tokens=9),
    "temperature": with_parameters(temperature=0.5),
    "temperature left out": with_parameters(temperature=None),
    "top_p": with_parameters(top_p=0.5),
    "top_k": with_parameters(top_k=1),
    "stop": with_parameters(stop=("\n",)),
    "two stops": with_parameters(stop=("\n", "a")),
    "stops the other way round": with_parameters(stop=("a", "\n")),
    "seed": with_parameters(seed=2),
    "an extra": with_parameters(extra={"min_p": 0.1}),
    "another extra": with_parameters(extra={"min_p": 0.2}),
    "an extra inside": with_parameters(extra={"a": {"b": 1}}),
    "a tool": asked(tools=(Tool(name="f", description="", parameters={}),)),
    "a tool's schema": asked(
        tools=(Tool(name="f", description="", parameters={"type": "object"}),)
    ),
    "repeat": asked(origin=origin(repeat=1)),
    "a call": said(ToolCallPart("1", "f", "{}")),
    "another call": said(ToolCallPart("1", "f", '{"a": 1}')),
    "a result": said(ToolResultPart("1", "{}")),
    "likelihood": Loglikelihood(context="2+", continuation="2"),
    "likelihood, split elsewhere": Loglikelihood(context="2", continuation="+2"),
    "rolling": RollingLoglikelihood(text="2+2"),
}


def test_a_key_differs_where_any_part_of_the_question_does() -> None:
    keys = {key(request): name for name, request in DIFFERENT.items()}

    assert len(keys) == len(DIFFERENT)
    assert key(asked()) not in keys


@given(REQUESTS, REQUESTS)
def test_requests_have_one_key_where_they_ask_the_same_and_only_there(
    one: Request, other: Request
) -> None:
    assert (key(one) == key(other)) == (without_place(one) == without_place(other))


@given(st.dictionaries(TEXTS, VALUES, min_size=2, max_size=4))
def test_the_order_of_a_mapping_is_no_part_of_a_key(extra: dict[str, Any]) -> None:
    turned = dict(reversed(extra.items()))

    assert key(with_parameters(extra=extra)) == key(with_parameters(extra=turned))
    assert identity_hash(Identity(facts=extra, temperature=None)) == identity_hash(
        Identity(facts=turned, temperature=None)
    )


def test_whose_document_asks_is_no_part_of_a_key() -> None:
    elsewhere = origin(task="others", doc_id=9, doc={"a": 1}, target="5")

    assert key(asked()) == key(asked(origin=elsewhere)) == key(asked(origin=None))


def test_a_medium_counts_by_its_content_wherever_it_is(tmp_path: Path) -> None:
    paths = [tmp_path / "one.png", tmp_path / "more" / "two.png"]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(PNG + b"!")

    keys = {key(said(ImagePart(ImageSource.of(str(path))))) for path in paths}

    assert keys == {key(said(picture(b"!")))}


def test_a_number_counts_the_same_however_python_has_it() -> None:
    assert key(with_parameters(temperature=0)) == key(with_parameters(temperature=0.0))


@pytest.mark.parametrize(
    "other",
    [
        Identity(facts={"model": "n"}, temperature=0.0),
        Identity(facts={"model": "m", "revision": "1"}, temperature=0.0),
        Identity(facts={"model": "m"}, temperature=0.5),
        Identity(facts={"model": "m"}, temperature=0.0, heeds_temperature=False),
    ],
)
def test_another_backend_has_other_keys(other: Identity) -> None:
    assert key(asked(), other) != key(asked())


def test_another_process_finds_the_same_key() -> None:
    # Of a request with all kinds of values in it; hashes of texts differ per process.
    program = (
        "from tests.unit.engine.test_question import DIFFERENT, key;"
        "print(*(key(request).hex() for request in DIFFERENT.values()))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert told == {" ".join(key(one).hex() for one in DIFFERENT.values()) + "\n"}


@pytest.mark.parametrize(
    ("identity", "parameters", "expected"),
    [
        ((None, True), {"temperature": 0.0}, False),
        ((None, True), {"temperature": 0}, False),
        ((None, True), {"temperature": 0.7}, True),
        ((None, True), {}, True),
        ((0.0, True), {}, False),
        ((0.7, True), {}, True),
        ((0.7, True), {"temperature": 0.0}, False),
        ((None, False), {"temperature": 0.0}, True),
        ((0.0, False), {"temperature": 0.7}, False),
        ((0.0, True), {"extra": {"do_sample": True}}, True),
        ((0.0, True), {"extra": {"temperature": 1}}, True),
        ((0.7, False), {"extra": {"temperature": 0}}, False),
    ],
)
def test_an_answer_is_drawn_unless_its_temperature_is_zero(
    identity: tuple[float | None, bool], parameters: dict[str, Any], expected: bool
) -> None:
    temperature, heeds = identity
    backend = Identity(facts={}, temperature=temperature, heeds_temperature=heeds)
    request = asked(parameters=GenerationParameters(**parameters))

    assert is_drawn(request, backend) is expected


def test_a_likelihood_is_never_drawn() -> None:
    backend = Identity(facts={}, temperature=1.0)

    assert not is_drawn(Loglikelihood(context="", continuation="a"), backend)
    assert not is_drawn(RollingLoglikelihood(text="a"), backend)


def test_what_stands_beside_a_text_is_part_of_the_question() -> None:
    tool = Tool(name="f", description="", parameters={})
    plain = Generate(messages=(Message.of_text("assistant", "a"),), tools=(tool,))
    (said,) = plain.messages
    others = [
        structs.replace(plain, messages=(structs.replace(said, name="b"),)),
        structs.replace(plain, messages=(structs.replace(said, reasoning="b"),)),
        structs.replace(plain, tools=(replace(tool, is_strict=True),)),
        structs.replace(plain, tools=(replace(tool, is_strict=False),)),
    ]

    keys = {question_of(one, b"").key for one in (plain, *others)}

    assert len(keys) == 5


def test_what_is_not_said_leaves_questions_as_they_were() -> None:
    tool = Tool(name="f", description="d", parameters={})
    request = Generate(messages=(Message.of_text("user", "a"),), tools=(tool,))

    asked = question_of(request, b"").asked

    assert asked["messages"] == [{"role": "user", "content": "a"}]
    assert asked["tools"] == [{"name": "f", "description": "d", "parameters": {}}]
