from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_evalkit.errors import OptionError
from pytest_evalkit.sandbox.permission import permit_execution, revoke_execution

LoadModule = Callable[[str], ModuleType]

pytestmark = pytest.mark.skipif(
    os.name != "posix", reason="programs of a model run on Linux and macOS only"
)

PROMPT = (
    "from typing import List\n\n\ndef first(items: List[int]) -> int:\n"
    '    """ Give the first. """\n'
)
DOC = {
    "task_id": "T/0",
    "prompt": PROMPT,
    "entry_point": "first",
    "canonical_solution": "    return items[0]\n",
    "test": "def check(candidate):\n    assert candidate([3, 4]) == 3\n",
}
WHOLE = "def first(items: List[int]) -> int:\n    return items[0]"


@pytest.fixture
def utils(load_module: LoadModule) -> ModuleType:
    return load_module("humaneval/utils.py")


@pytest.fixture
def _allowed() -> Iterator[None]:
    permit_execution()
    yield
    revoke_execution()


@pytest.mark.usefixtures("_allowed")
@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("    return items[0]\n", True),
        ("    return next(iter(items))", True),
        ("    return items[1]\n", False),
        ("    return items[0", False),
        ("", False),
        ("return items[0]", False),
        ("    import sys\n    sys.exit(0)", False),
        ("    while True:\n        pass", False),
        ("    raise SystemExit", False),
        ("I cannot help with that.", False),
    ],
)
def test_a_completion_passes_where_its_tests_hold(
    utils: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    value: bool,
) -> None:
    # What never ends need not be waited for as long as what does.
    monkeypatch.setattr(utils, "_TIMEOUT_S", 1.0 if "while" in answer else 4.0)

    programs = utils.completed([[answer]], [DOC])

    assert utils.process_results(DOC, programs) == {"pass@1": float(value)}


@pytest.mark.usefixtures("_allowed")
@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (f"```python\n{WHOLE}\n```", True),
        (f"Here it is:\n```python\n{WHOLE}\n```\nIt takes the first.", True),
        (f"```\n{PROMPT}    return items[0]\n```", True),
        (f"```python\n{WHOLE}", True),
        (WHOLE, True),
        ("```python\n    return items[0]\n```", True),
        ("    return items[0]\n", True),
        # A first attempt, and then a better one.
        (f"```python\n{WHOLE[:-3]}[1]\n```\nNo:\n```python\n{WHOLE}\n```", True),
        (f"```python\n{WHOLE}\n```\nRun it:\n```bash\npython first.py\n```", True),
        (f"```python\ndef other():\n    pass\n```\n```python\n{WHOLE}\n```", True),
        ("```python\ndef firsts(items):\n    return items[0]\n```", False),
        (f"```python\n{WHOLE[:-3]}[1]\n```", False),
        ("It returns the first item.", False),
        ("", False),
    ],
)
def test_the_function_is_found_in_the_answer_of_a_chat_model(
    utils: ModuleType, answer: str, value: bool
) -> None:
    (programs,) = utils.answered([[answer]], [DOC])

    assert utils.passes(DOC, programs[0]) is value


def test_nothing_runs_unless_allowed(utils: ModuleType) -> None:
    with pytest.raises(OptionError, match="--allow-code-execution"):
        utils.process_results(DOC, [[PROMPT + DOC["canonical_solution"]]])


@pytest.mark.parametrize(
    ("count", "passed", "k", "value"),
    [
        (1, 0, 1, 0.0),
        (1, 1, 1, 1.0),
        (4, 1, 1, 0.25),
        (4, 3, 1, 0.75),
        # Of the six pairs of four, one has none of the two that pass.
        (4, 2, 2, 5 / 6),
        (4, 1, 2, 0.5),
        (10, 0, 10, 0.0),
        (10, 1, 10, 1.0),
        (20, 1, 10, 0.5),
        (5, 3, 3, 1.0),
    ],
)
def test_pass_at_k_is_the_share_of_draws_with_a_program_that_passes(
    utils: ModuleType, count: int, passed: int, k: int, value: float
) -> None:
    assert utils.pass_at_k(count, passed, k) == pytest.approx(value)


@pytest.mark.usefixtures("_allowed")
def test_repeats_give_further_figures(utils: ModuleType) -> None:
    right = PROMPT + DOC["canonical_solution"]

    values = utils.process_results(DOC, [[right] + ["wrong("] * 9])

    assert values == {"pass@1": pytest.approx(0.1), "pass@10": 1.0}


@pytest.mark.usefixtures("_allowed")
def test_every_canonical_solution_passes(utils: ModuleType, benchmarks: Path) -> None:
    data = benchmarks.parents[1] / "shared" / "data"
    file = data / "humaneval" / "HumanEval.jsonl"
    if not file.is_file():
        pytest.skip("the problems of HumanEval are not beside the checkout")
    docs: list[dict[str, Any]] = [
        json.loads(line) for line in file.read_text("utf-8").splitlines()
    ]

    failing = [
        doc["task_id"]
        for doc in docs
        if not utils.passes(doc, doc["prompt"] + doc["canonical_solution"])
    ]

    assert len(docs) == 164
    assert failing == []
