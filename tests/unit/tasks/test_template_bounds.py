"""Templates may neither reach what Python is made of nor take all that there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_evalkit.errors import TaskError
from pytest_evalkit.tasks.template_sizes import MAX_CHARACTERS, MAX_ITEMS
from pytest_evalkit.tasks.templates import compile_template
from pytest_evalkit.tasks.yaml_file import Place

PLACE = Place(Path("t.yaml"), 3)
LONG = "x" * (1 << 20)
DOC = {"q": "2+2?", "options": ["a", "b"], "n": 10**9, "long": LONG}
# Doubles a text again and again.
DOUBLING = (
    "{{% set v = namespace(s=long) %}}"
    "{{% for i in range(99) %}}{{% set v.s = v.s {} v.s %}}{{% endfor %}}"
)


def rendered(text: str, doc: dict[str, Any] | None = None) -> str:
    doc = DOC if doc is None else doc
    return compile_template(text, tuple(doc), PLACE)(doc)


@pytest.mark.parametrize(
    "template",
    [
        "{{ 10**(10**8) }}",
        "{{ 10**n }}",
        "{{ (10**1000) * (10**1000) * (10**1000) * (10**1000) }}",
        "{{ 'a' * 10**10 }}",
        "{{ n * 'a' }}",
        "{{ [0] * 10**10 }}",
        "{{ range(10**9)|list }}",
        "{% for i in range(n) %}x{% endfor %}",
        "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
        "{% for i in range(99) %}{{ long }}{% endfor %}",
        "{% set s %}{% for i in range(99) %}{{ long }}{% endfor %}{% endset %}",
        DOUBLING.format("~"),
        DOUBLING.format("+"),
        "{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ 'a'|center(n) }}",
        "{{ 'a'.ljust(n) }}",
        "{{ 'a'.zfill(n) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%*d' % (n, 1) }}",
        "{{ '%999999999d'|format(1) }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ '{:{}}'.format(1, n) }}",
        "{{ '{a:{b}}'.format_map({'a': 1, 'b': n}) }}",
        "{{ long.replace('x', long) }}",
        "{{ long|replace('x', long) }}",
        "{{ long|replace('', long) }}",
        "{{ long|regex_replace('x', long) }}",
        "{{ long.join(range(999)|map('string')) }}",
        "{{ range(999)|join(long) }}",
        "{{ long|indent(n) }}",
        "{{ long|wordwrap(1, wrapstring=long) }}",
        "{{ options|batch(n, 'x')|list }}",
        "{{ options|slice(n)|list }}",
        "{{ [options]|tojson(indent=n) }}",
        "{{ [[[[0] * 999] * 999] * 999]|string }}",
        "{{ [[[[0] * 999] * 999] * 999] }}",
        "{{ '' ~ [[[0] * 999] * 999] * 999 }}",
        "{{ [[0] * 999] * 999|sum(start=[]) }}",
        "{{ ([[0] * 999] * 999)|sum(start=[]) }}",
        "{{ 'a'.translate({97: long}) }}",
        "{{ 'a'.encode() * n }}",
    ],
)
def test_what_would_fill_the_memory_or_never_end_is_one_error(template: str) -> None:
    with pytest.raises(TaskError, match=r"^t\.yaml:3: the template failed: "):
        rendered(template)


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ q.__init__.__globals__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{{ '{0.__class__}'.format(q) }}",
        "{{ q|attr('__class__') }}",
        "{% include 'other' %}",
        "{% import 'os' as os %}",
        "{{ lipsum() }}",
        "{{ open('/etc/passwd') }}",
        "{{ evalkit_spent }}",
    ],
)
def test_templates_reach_nothing_but_the_document(template: str) -> None:
    with pytest.raises(TaskError, match=r"^t\.yaml:3: "):
        rendered(template)


@pytest.mark.parametrize(
    "opening", ["{{ " + "(" * 5000 + "1", "{{ " + "[" * 500 + "]" * 500 + " }}"]
)
def test_a_template_that_is_nested_too_deeply_is_one_error(opening: str) -> None:
    with pytest.raises(TaskError, match=r"^t\.yaml:3: the template"):
        rendered(opening)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{% for o in options %}{{ loop.index }}/{{ loop.length }}{{ o }} {% endfor %}",
         "1/2a 2/2b "),
        ("{% for o in options if o != 'a' %}{{ o }}{% else %}none{% endfor %}", "b"),
        ("{% for o in options|map('upper') %}{{ o }}{% endfor %}", "AB"),
        ("{{ options|map('upper')|join(', ') }}", "A, B"),
        ("{{ options|join(', ') ~ '!' ~ 3 }}", "a, b!3"),
        ("{{ q|replace('2', 'two') }}", "two+two?"),
        ("{{ 'abc'.replace('b', 'x') }}{{ ', '.join(options) }}", "axca, b"),
        ("{{ '%s of 123456: %05.1f'|format(q, 2) }}", "2+2? of 123456: 002.0"),
        ("{{ '%d%%' % 5 }} {{ '{:>4}|{}'.format(1, 123456) }}", "5%    1|123456"),
        ("{{ 2**10 + 3 * 4 % 5 }}", "1026"),
        ("{{ 'ab' * 2 + '!' }}{{ [1] * 2 + [3] }}", "abab![1, 1, 3]"),
        ("{{ [3, 4]|sum }} {{ 2.567|round(1) }} {{ options|tojson }}",
         '7 2.6 ["a", "b"]'),
        ("{{ 'a\nb'|indent(2) }}", "a\n  b"),
        ("{{ options }}{{ none }}{{ true }}", "['a', 'b']NoneTrue"),
        ("{% macro f(x) %}<{{ x }}>{% endmacro %}{{ f(q) }}", "<2+2?>"),
        ("{% set x = 'y' %}{{ x }}{% if q is defined %}!{% endif %}", "y!"),
        ("{{ q|regex_replace('[0-9]', '#') }}", "#+#?"),
    ],
)  # fmt: skip
def test_what_a_prompt_needs_is_as_jinja_has_it(template: str, text: str) -> None:
    assert rendered(template) == text


def test_a_prompt_may_be_as_long_as_any_model_reads() -> None:
    doc = {"words": ["word"] * (MAX_ITEMS // 2), "long": "x" * (MAX_CHARACTERS // 2)}

    assert len(rendered("{% for w in words %}{{ w }} {% endfor %}", doc)) == 2_500_000
    assert len(rendered("{{ long }}!", doc)) == MAX_CHARACTERS // 2 + 1


def test_one_rendering_leaves_nothing_for_the_next_to_pay() -> None:
    template = "{% for i in range(90000) %}{% endfor %}done"
    render = compile_template(template, tuple(DOC), PLACE)

    assert {render(DOC) for _ in range(20)} == {"done"}
