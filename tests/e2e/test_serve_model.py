"""``evalkit serve-model``: a model by hand, asked by a run of ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_MODEL = """
from pytest_evalkit import Response

class Model:
    is_local = True
    model_name = "solver"

    def describe(self):
        return {}

    async def load(self):
        print("loading", flush=True)

    async def generate(self, request):
        left, _, right = request.messages[-1].text.removesuffix("=").partition("+")
        return Response(text=str(int(left) + int(right)))

    async def aclose(self):
        print("closed", flush=True)
"""


def serving(suite: ArithSuite, *arguments: str) -> subprocess.Popen[str]:
    code = "import sys; from pytest_evalkit.cli import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", code, "serve-model", *arguments],
        cwd=suite.root,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_interrupted(
    arith_suite: ArithSuite, how: signal.Signals
) -> None:
    arith_suite.write("solver.py", _MODEL)
    rows = [{"id": f"q{n}", "question": f"{n}+1", "answer": str(n + 1)} for n in (1, 2)]
    arith_suite.task(rows=rows, metadata=None)

    with serving(arith_suite, "--model", "solver:Model") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "loading\n"
        url = process.stdout.readline().strip()
        told = f"model=solver,base_url={url}"
        result = arith_suite.run("--model", "openai", "--model-args", told)
        process.send_signal(how)
        output, errors = process.communicate(timeout=30)

    assert result.ret == 0
    assert arith_suite.score() == 1.0
    assert process.returncode == 0
    assert output == "closed\n"
    assert errors == "no GPU here: the model runs on the CPU\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "orcale"), "did you mean 'oracle'?"),
        (("--model", "oracle", "--model-args", "a=1"), "takes no argument 'a'"),
        (
            ("--model", "vllm", "--model-args", "model=m,base_url=http://h/v1"),
            "start that one itself",
        ),
        (("--model", "oracle", "--host", "192.0.2.1"), "cannot listen on 192.0.2.1:0"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(
    arith_suite: ArithSuite, arguments: tuple[str, ...], words: str
) -> None:
    with serving(arith_suite, *arguments) as process:
        output, errors = process.communicate(timeout=30)

    assert process.returncode == 4
    assert output == ""
    assert words in errors
    assert errors.count("\n") == 1
