from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.models.chat_template import (
    ChatTemplate,
    TemplateError,
    template_beside,
)

USER = {"role": "user", "content": "hi"}


def rendered(template: str, *messages: dict[str, Any], **variables: Any) -> str:
    return ChatTemplate(template).render(
        messages or [USER], is_to_go_on=True, variables=variables
    )


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ messages[0] | tojson }}", '{"role": "user", "content": "hi"}'),
        ("{{ '<é>' | tojson }}", '"<é>"'),
        ("{{ {'b': 1, 'a': 2} | tojson(indent=1) }}", '{\n "b": 1,\n "a": 2\n}'),
        (
            "{% for n in [1, 2] %}{% if n == 2 %}{% break %}{% endif %}{{ n }}{% endfor %}",
            "1",
        ),
        ("{% generation %}a{{ messages[0].content }}{% endgeneration %}b", "ahib"),
        ("  {% if add_generation_prompt %}\nx{% endif %}", "x"),
        ("{{ tools is none }} {{ nothing is defined }}", "True False"),
        ("{{ deep }}", "7"),
    ],
)
def test_a_template_has_what_transformers_gives_to_one(
    template: str, expected: str
) -> None:
    assert rendered(template, deep=7) == expected


def test_a_template_may_say_the_date() -> None:
    before = datetime.now().strftime("%Y")  # noqa: DTZ005 - as templates say it

    assert rendered("{{ strftime_now('%Y') }}") >= before


def test_messages_come_as_templates_want_them() -> None:
    call = {"id": "1", "function": {"name": "f", "arguments": '{"at": "a"}'}}
    written = {"id": "2", "function": {"name": "f", "arguments": "no json"}}
    silent = {"role": "assistant", "content": None, "tool_calls": [call, written]}
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]

    said = rendered(
        "{% for m in messages %}[{{ m.content }}]{% for c in m.tool_calls or [] %}"
        "{{ c.function.arguments.at }}|{{ c.function.arguments is string }} "
        "{% endfor %}{% endfor %}",
        silent,
        {"role": "user", "content": parts},
    )

    assert said == "[]a|False |True [a\nb]"
    assert silent["content"] is None


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('no') }}",
        "{{ messages[0].content + 1 }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
    ],
)
def test_what_a_template_may_not_do_is_an_error(template: str) -> None:
    with pytest.raises(TemplateError):
        rendered(template)


def test_conversations_with_tools_may_have_a_template_of_their_own() -> None:
    template = ChatTemplate({"default": "plain", "tool_use": "tools"})

    plain = template.render([USER], is_to_go_on=True)
    tools = template.render([USER], tools=[{"type": "function"}], is_to_go_on=True)

    assert (plain, tools) == ("plain", "tools")


def test_of_several_templates_one_is_for_all_conversations() -> None:
    with pytest.raises(OptionError, match="none is called 'default', only: rag"):
        ChatTemplate({"rag": "x"})


def config(folder: Path, **said: Any) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps(said), "utf-8")


def test_the_template_stands_beside_the_tokenizer(tmp_path: Path) -> None:
    several = [
        {"name": "default", "template": "{{ bos_token }}d{{ eos_token }}"},
        {"name": "tool_use", "template": "t"},
    ]
    config(
        tmp_path,
        chat_template=several,
        bos_token="<s>",
        eos_token={"content": "</s>"},
        pad_token=None,
    )

    listed = template_beside(tmp_path)
    assert listed is not None
    assert listed.render([USER], is_to_go_on=True) == "<s>d</s>"

    (tmp_path / "chat_template.jinja").write_text("{{ bos_token }}f", "utf-8")
    own = template_beside(tmp_path)
    assert own is not None
    assert own.render([USER], is_to_go_on=True) == "<s>f"


def test_a_tokenizer_may_have_no_template(tmp_path: Path) -> None:
    assert template_beside(tmp_path) is None

    config(tmp_path, bos_token="<s>")

    assert template_beside(tmp_path) is None


def test_a_configuration_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text("{", "utf-8")

    with pytest.raises(OptionError, match=r"cannot read .*tokenizer_config\.json"):
        template_beside(tmp_path)
