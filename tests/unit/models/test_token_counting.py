from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_evalkit.errors import ModelUnavailableError, OptionError
from pytest_evalkit.models.backend import CountingBackend
from pytest_evalkit.models.judges import make_judge
from pytest_evalkit.models.registry import make_backend
from pytest_evalkit.models.token_counting import Counting
from pytest_evalkit.values import Uncounted
from tests.unit.models.counting_models import (
    TEMPLATE,
    asked,
    counter_of,
    counts,
    write_model,
)

USER = {"role": "user", "content": "what is new"}
TOOL = {
    "type": "function",
    "function": {"name": "look", "description": "x", "parameters": {}},
}


def call(number: int, **arguments: Any) -> dict[str, Any]:
    function = {"name": "look", "arguments": json.dumps(arguments)}
    return {"id": f"c{number}", "type": "function", "function": function}


def test_a_prompt_has_the_tokens_of_all_that_the_template_writes(
    tmp_path: Path,
) -> None:
    counter = counter_of(write_model(tmp_path))

    counted = counter.count(asked({"messages": [USER]}, content="nothing much"))

    # <s> <|user|> what is new <|end|> <|assistant|>; nothing much <|end|>
    assert counts(counted) == (7, 3, "template")
    assert counted.problem is None


def test_history_and_tools_count_with_a_prompt(tmp_path: Path) -> None:
    counter = counter_of(write_model(tmp_path))
    messages = [
        {"role": "system", "content": "be short"},
        USER,
        {"role": "assistant", "content": None, "tool_calls": [call(1, at="a")]},
        {"role": "tool", "tool_call_id": "c1", "content": "it rains"},
    ]

    counted = counter.count(
        asked({"messages": messages, "tools": [TOOL]}, content="rain")
    )

    tools = 2 + len(json.dumps(TOOL).split())
    # be short; what is new; <call> look {"at": "a"} </call>; it rains; each with 2 marks
    history = (2 + 2) + (3 + 2) + (5 + 2) + (2 + 2)
    assert counts(counted) == (1 + tools + history + 1, 2, "template")


def test_thought_and_calls_count_with_an_answer(tmp_path: Path) -> None:
    counter = counter_of(write_model(tmp_path))

    counted = counter.count(
        asked(
            {"messages": [USER]},
            content="one moment",
            reasoning_content="let me look",
            tool_calls=[call(1, at="a"), call(2, at="b")],
        )
    )

    # <think> let me look </think> one moment; two of <call> look {"at": "a"} </call>
    assert counts(counted) == (7, 5 + 2 + 2 * 5 + 1, "template")


def test_an_answer_of_calls_alone_is_counted(tmp_path: Path) -> None:
    counter = counter_of(write_model(tmp_path))

    counted = counter.count(
        asked({"messages": [USER]}, "tool_calls", tool_calls=[call(1, at="a")])
    )

    assert counts(counted) == (7, 5 + 1, "template")


def test_an_answer_that_was_cut_has_no_mark_at_its_end(tmp_path: Path) -> None:
    counter = counter_of(write_model(tmp_path))
    payload = {"messages": [USER]}

    cut = counter.count(asked(payload, "length", content="nothing much"))
    thinking = counter.count(
        asked(payload, "length", content="", reasoning_content="let me")
    )

    assert (cut.output_tokens, thinking.output_tokens) == (2, 4)


def test_a_refusal_is_an_answer(tmp_path: Path) -> None:
    counter = counter_of(write_model(tmp_path))

    counted = counter.count(asked({"messages": [USER]}, refusal="I will not"))

    assert counted.output_tokens == 4


def test_half_a_character_is_counted(tmp_path: Path) -> None:
    counter = counter_of(write_model(tmp_path))

    counted = counter.count(asked({"messages": [USER]}, content="so \ud83d"))

    assert counts(counted) == (7, 3, "template")


def test_media_are_not_counted_and_the_answer_is(tmp_path: Path) -> None:
    counter = counter_of(write_model(tmp_path))

    counted = counter.count(asked(None, content="a cat"))

    assert counts(counted) == (None, 3, "template")


def test_what_the_request_tells_the_template_counts(tmp_path: Path) -> None:
    template = TEMPLATE + "{% if add_generation_prompt and deep %}<think>{% endif %}"
    counter = counter_of(write_model(tmp_path, template))
    payload = {"messages": [USER], "chat_template_kwargs": {"deep": True}}

    counted = counter.count(asked(payload, content="so", reasoning_content="hm"))

    # The prompt has begun the thought already: hm </think> so <|end|>
    assert counts(counted) == (8, 4, "template")


def test_a_template_that_a_request_brings_is_not_run(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    own = "{{ raise_exception('run') }}"
    question = asked({"messages": [USER], "chat_template": own}, content="so")

    unnamed = counter_of(folder).count(question)
    named = counter_of(folder, counting_template=TEMPLATE).count(question)

    assert counts(unnamed) == (3, 1, "text")
    assert unnamed.problem == (
        "prompts: requests bring a chat template of their own; name it with "
        "counting_template=..."
    )
    assert counts(named) == (7, 2, "template")


def test_empty_thought_that_a_template_adds_is_none_of_the_answer(
    tmp_path: Path,
) -> None:
    template = TEMPLATE.replace(
        "{{- message.content }}",
        "{%- if message.role == 'assistant' and not message.reasoning_content %}"
        "<think></think>{% endif %}{{- message.content }}",
    )
    counter = counter_of(write_model(tmp_path, template))

    counted = counter.count(
        asked({"messages": [USER]}, "tool_calls", tool_calls=[call(1, at="a")])
    )

    assert counted.output_tokens == 6


def test_a_prompt_in_which_no_user_speaks_has_an_empty_word_of_one(
    tmp_path: Path,
) -> None:
    refusing = (
        "{% if messages | selectattr('role', 'equalto', 'user') | list | length == 0 %}"
        "{{ raise_exception('No user query found') }}{% endif %}" + TEMPLATE
    )
    counter = counter_of(write_model(tmp_path, refusing))
    result = {"role": "tool", "tool_call_id": "c1", "content": "it rains"}

    counted = counter.count(asked({"messages": [result]}, content="so"))

    # <s> <|user|> <|end|> <|tool|> it rains <|end|> <|assistant|>
    assert counts(counted) == (8, 2, "template")


def test_without_a_template_texts_alone_are_counted(tmp_path: Path) -> None:
    counter = counter_of(write_model(tmp_path, template=None))
    messages = [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [call(1, at="a")]},
    ]

    counted = counter.count(
        asked(
            {"messages": messages, "tools": [TOOL]},
            content="so",
            reasoning_content="let me look",
            tool_calls=[call(1, at="a")],
        )
    )

    # what is new; look {"at": "a"}; the tool, written without spaces.
    assert counts(counted) == (3 + 3 + 1, 3 + 1 + 3, "text")
    assert counted.problem is not None
    assert "has no chat template; name one with counting_template" in counted.problem


def test_an_answer_that_the_template_leaves_out_is_counted_by_its_texts(
    tmp_path: Path,
) -> None:
    silent = TEMPLATE.replace("message.reasoning_content", "message.nothing")
    counter = counter_of(write_model(tmp_path, silent))

    counted = counter.count(
        asked({"messages": [USER]}, content="so", reasoning_content="let me look")
    )

    # The prompt is still the template's.
    assert counts(counted) == (7, 4, "text")
    assert counted.problem == "answers: the chat template leaves out a part of them"


def test_a_template_that_fails_says_why(tmp_path: Path) -> None:
    failing = "{{ raise_exception('roles must\n alternate') }}"
    counter = counter_of(write_model(tmp_path, failing))

    counted = counter.count(asked({"messages": [USER]}, content="so"))

    assert counts(counted) == (3, 1, "text")
    assert counted.problem == "prompts: TemplateError: roles must alternate"


@pytest.mark.parametrize(
    ("prompt", "tokens"), [("what is new", 4), ([5, 6, 7, 8, 9], 5)]
)
def test_a_prompt_that_is_continued_has_its_own_tokens(
    tmp_path: Path, prompt: Any, tokens: int
) -> None:
    counter = counter_of(write_model(tmp_path))

    counted = counter.count(
        Uncounted(
            payload=json.dumps({"prompt": prompt}).encode(),
            choice={"text": "nothing much", "finish_reason": "stop"},
        )
    )

    assert counts(counted) == (tokens, 2, "text")
    assert counted.problem is None


def test_a_template_may_be_named_as_a_file_or_given_itself(tmp_path: Path) -> None:
    folder = write_model(tmp_path, template=None)
    file = tmp_path / "own.jinja"
    file.write_text(TEMPLATE, encoding="utf-8")
    question = asked({"messages": [USER]}, content="so")

    named = counter_of(folder, counting_template=str(file)).count(question)
    given = counter_of(folder, counting_template=TEMPLATE).count(question)

    assert counts(named) == counts(given) == (7, 2, "template")


# What JSON can hold, lone surrogates among it.
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 9)
    | st.text(st.characters(exclude_categories=()), max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "function", "name", "arguments", "text"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["content", "refusal", "reasoning", "tool_calls"]), ANYTHING
    )
)
def test_an_answer_of_any_form_is_counted(message: dict[str, Any]) -> None:
    with TemporaryDirectory() as folder:
        counter = counter_of(write_model(Path(folder)))

    counted = counter.count(asked({"messages": [USER]}, **message))

    assert counted.input_tokens == 7
    assert counted.output_tokens >= 0


def test_tiktoken_counts_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiktoken = pytest.importorskip("tiktoken")
    made = tiktoken.Encoding(
        name="bytes",
        pat_str=r"\S+|\s+",
        mergeable_ranks={bytes([byte]): byte for byte in range(256)},
        special_tokens={},
    )
    monkeypatch.setattr(tiktoken, "list_encoding_names", lambda: ["bytes"])
    monkeypatch.setattr(tiktoken, "get_encoding", lambda _: made)
    settings = Counting(counting_tokenizer="tiktoken:bytes")

    counter = settings.counter()

    assert counter is not None
    counted = counter.count(asked({"messages": [USER]}, content="so"))
    assert counts(counted) == (len("what is new"), 2, "text")
    template = tmp_path / "own.jinja"
    template.write_text("{% for m in messages %}[{{ m.content }}]{% endfor %}")
    with_template = Counting(
        counting_tokenizer="tiktoken:bytes", counting_template=str(template)
    ).counter()
    assert with_template is not None
    again = with_template.count(asked({"messages": [USER]}, content="so"))
    assert counts(again) == (len("[what is new]"), 3, "template")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"counting_revision": "v1"}, "counting_revision is of no use without"),
        ({"counting_template": "{{ a }}"}, "counting_template is of no use without"),
        ({"counting_tokenizer": "./nowhere"}, "there is no tokenizer nowhere"),
    ],
)
def test_settings_that_are_of_no_use_are_refused(
    settings: dict[str, str], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        make_backend("openai", {"model": "m", "api_key": "k", **settings})


def test_a_tokenizer_that_is_none_is_found_out_at_once(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    file.write_text("{}")

    with pytest.raises(ModelUnavailableError, match=r"tokenizer\.json is no tokenizer"):
        Counting(counting_tokenizer=str(file)).counter()


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% if %}", "the chat template is none: Expected an expression"),
        ("nowhere.jinja", "cannot read the chat template nowhere.jinja"),
    ],
)
def test_a_template_that_is_none_is_found_out_at_once(
    tmp_path: Path, template: str, message: str
) -> None:
    folder = write_model(tmp_path)

    with pytest.raises(OptionError, match=message):
        counter_of(folder, counting_template=template)


@pytest.mark.parametrize("name", ["openai", "openai-completions"])
def test_an_endpoint_counts_only_where_it_is_asked_for(
    tmp_path: Path, name: str
) -> None:
    folder = write_model(tmp_path)
    usual = make_backend(name, {"model": "m", "api_key": "k"})
    counting = make_backend(
        name, {"model": "m", "api_key": "k", "counting_tokenizer": str(folder)}
    )

    assert isinstance(usual, CountingBackend)
    assert isinstance(counting, CountingBackend)
    assert (usual.counts_tokens, usual.token_counter()) == (False, None)
    assert counting.counts_tokens
    assert counting.token_counter() is not None


def test_tokens_of_batches_are_not_counted(tmp_path: Path) -> None:
    told = {"model": "m", "batch_size": "4", "counting_tokenizer": str(tmp_path)}
    write_model(tmp_path)

    with pytest.raises(OptionError, match="a batch count with its first prompt"):
        make_backend("openai-completions", told)


def test_a_judge_counts_nothing(tmp_path: Path) -> None:
    write_model(tmp_path)

    with pytest.raises(OptionError, match="takes no counting_tokenizer"):
        make_judge(
            "openai",
            {"model": "m", "api_key": "k", "counting_tokenizer": str(tmp_path)},
        )
