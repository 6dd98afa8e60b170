from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from pytest_evalkit.errors import TaskError
from pytest_evalkit.tasks import DataSources, OpenedTask
from pytest_evalkit.values import Generate

if TYPE_CHECKING:
    from tests.unit.tasks.conftest import TaskFolder


def _prompt(opened: OpenedTask, index: int) -> str:
    (request,) = opened.prepare(index).requests
    assert isinstance(request, Generate)
    return request.messages[-1].text


_SAMPLER = """\
import random

class Backwards:
    def __init__(self, df, *, rnd=None):
        self.df, self.rnd = df, rnd
    def set_rnd(self, rnd):
        self.rnd = random.Random(rnd)
        return self
    def sample(self, n, eval_doc=None, **kwargs):
        first = self.rnd.randrange(len(self.df))
        rows = [row for row in self.df[first::-1] + self.df if row != eval_doc]
        return rows[:n]

class Stingy(Backwards):
    def sample(self, n, eval_doc=None, **kwargs):
        return []
"""


def _own_sampler(folder: TaskFolder, name: str, **keys: Any) -> OpenedTask:
    folder.write("utils.py", _SAMPLER)
    text = folder.task_file(num_fewshot=1, fewshot_split="train", **keys).read_text()
    more = f"fewshot_config:\n  sampler: !function utils.{name}\n"
    return folder.load_text(text + more).open(DataSources())


def test_a_sampler_of_the_task_draws_as_in_a_full_run(folder: TaskFolder) -> None:
    opened = _own_sampler(folder, "Backwards")
    stream = random.Random(1234)
    drawn = [stream.randrange(20) for _ in range(3)]

    prompts = {index: _prompt(opened, index) for index in (2, 0, 1)}

    for index, first in enumerate(drawn):
        assert prompts[index].startswith(f"Q: {first}+0\nA: {first}\n\n")


def test_a_sampler_that_gives_too_few_is_told(folder: TaskFolder) -> None:
    with pytest.raises(TaskError, match="only 0 of 1 shots"):
        _own_sampler(folder, "Stingy").prepare(0)
