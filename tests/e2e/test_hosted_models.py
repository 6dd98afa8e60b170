"""Models that live beside the workers: one process loads them, all workers ask it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import ArithSuite

_DEADLINE_S = 30
# A local model: it notes who loads it, sees pictures, and tells likelihoods.
_STAND_IN = """
import asyncio, os, signal
from io import BytesIO
from pytest_evalkit import LoglikelihoodResponse, Response

class Model:
    is_local = True
    model_name = "stand-in"

    def __init__(self, *, slip: int = 0, wait_s: float = 0.0, trouble: str = ""):
        self.slip, self.wait_s, self.trouble = slip, wait_s, trouble

    def describe(self):
        return {"model": self.model_name, "slip": self.slip}

    async def load(self):
        with open("loaded", "a") as file:
            file.write(f"{os.getpid()}\\n")
        if self.trouble == "load":
            from pytest_evalkit import ModelUnavailableError
            raise ModelUnavailableError("the checkpoint 'x' has no weights")
        if self.trouble == "slow":
            await asyncio.sleep(300)

    async def generate(self, request):
        with open("asked", "a") as file:
            file.write(f"{os.getpid()} {request.origin.doc_id}\\n")
        if self.trouble == "die" and request.origin.doc_id == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.sleep(self.wait_s)
        message = request.messages[-1]
        if message.media:
            from PIL import Image
            (part,) = message.media
            with Image.open(BytesIO(part.source.content)) as image:
                return Response(text=str(image.getpixel((0, 0))[0]))
        text = message.text.removesuffix("=")
        left, _, right = text.replace("*", "+").partition("+")
        answer = int(left) * int(right) if "*" in text else int(left) + int(right)
        return Response(text=str(answer + self.slip), finish_reason="stop")

    async def loglikelihood(self, request):
        worth = -sum(map(ord, request.continuation)) / 7 - len(request.context) / 3
        return LoglikelihoodResponse(logprob=worth, is_greedy=False, n_tokens=2)

    async def rolling_loglikelihood(self, request):
        return LoglikelihoodResponse(logprob=-float(len(request.text)), is_greedy=True)

    async def aclose(self):
        with open("closed", "a") as file:
            file.write(f"{os.getpid()}\\n")
"""
_MODEL = ("--model", "stand_in:Model")
_SERVER = """
import os, sys, time
from pytest_evalkit.mockserver import MockServer
from pytest_evalkit.mockserver.server import serve_in_thread

with open("started", "a") as file:
    file.write(" ".join(sys.argv[1:]) + f" pid={os.getpid()}\\n")
time.sleep(0.3)
if "--broken" in sys.argv:
    sys.exit("out of memory")
if "--never" in sys.argv:
    time.sleep(300)

def answer(payload):
    text = payload["messages"][-1]["content"] if "messages" in payload else "0+0"
    left, _, right = text.removesuffix("=").replace("*", "+").partition("+")
    return str(int(left) * int(right) if "*" in text else int(left) + int(right))

port = int(sys.argv[sys.argv.index("--port") + 1])
with serve_in_thread(MockServer(answer, port=port)):
    time.sleep(300)
"""


@pytest.fixture
def suite(arith_suite: ArithSuite) -> ArithSuite:
    arith_suite.write("stand_in.py", _STAND_IN)
    arith_suite.write("server.py", _SERVER)
    return arith_suite


def facts(suite: ArithSuite, task: str = "arith", run: int = -1) -> list[Any]:
    """What of the samples must not depend on where the model was."""
    kept = ("item_id", "input", "resps", "filtered_resps", "finish_reason", "error")
    return [
        [sample.get(key) for key in (*kept, "exact_match", "acc")]
        for sample in suite.samples(task, run)
    ]


def pids(suite: ArithSuite, name: str) -> list[int]:
    return [int(line.split()[-1].removeprefix("pid=")) for line in suite.noted(name)]


def are_gone(numbers: list[int]) -> bool:
    return not any(_is_alive(number) for number in numbers)


def _is_alive(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_resumed_run_loads_its_model_only_to_ask_it(suite: ArithSuite) -> None:
    workers = ("-n", "2", "--resume", "last")
    suite.run(*_MODEL, "-n", "2", "--limit", "4")
    first = len(suite.noted("loaded"))

    again = suite.run(*_MODEL, *workers, "--limit", "4")
    second = len(suite.noted("loaded"))
    more = suite.run(*_MODEL, *workers)

    assert first == 1
    assert again.ret == 0
    again.assert_outcomes(passed=4)
    assert second == 1
    assert more.ret == 0
    more.assert_outcomes(passed=6)
    assert len(suite.noted("loaded")) == 2
    assert suite.results()["coverage"]["arith"]["scored"] == 6
    assert are_gone(pids(suite, "loaded"))


def test_workers_share_one_process_and_score_as_one_would(suite: ArithSuite) -> None:
    alone = suite.run(*_MODEL, "--model-args", "slip=1", "-n", "0")
    shared = suite.run(*_MODEL, "--model-args", "slip=1", "-n", "2")

    in_process, in_host = suite.results(0), suite.results(1)
    (host,) = set(pids(suite, "loaded"))
    assert alone.ret == shared.ret == 0
    assert facts(suite, run=0) == facts(suite, run=1)
    assert in_process["results"] == in_host["results"]
    assert suite.score() == 0.0
    assert host != os.getpid()
    assert {line.split()[0] for line in suite.noted("asked")[6:]} == {str(host)}
    for results in (in_process, in_host):
        config = results["config"]
        assert config["model"] == "stand-in"
        assert config["model_description"] == {"model": "stand-in", "slip": 1}
    shared.stdout.fnmatch_lines(
        ["loading stand-in in 1 process (no GPU, so on the CPU*"]
    )
    wait_until(lambda: are_gone([host]))
    assert pids(suite, "closed") == [os.getpid(), host]


def test_pictures_reach_the_host_as_they_are(suite: ArithSuite) -> None:
    from PIL import Image

    for number in range(4):
        image = Image.new("RGB", (600, 500), (number * 3, 7, 9))
        image.save(suite.root / f"{number}.jpg", quality=30)
    rows = [
        {"id": f"p{n}", "image": str(suite.root / f"{n}.jpg"), "answer": str(n * 3)}
        for n in range(4)
    ]
    suite.task(
        "seen", rows, doc_to_image="image", doc_to_text="How red?", metadata=None
    )

    for workers in ("0", "2"):
        result = suite.run(*_MODEL, "-n", workers, "--media-dir", ".", "seen")
        assert result.ret == 0

    assert facts(suite, "seen", 0) == facts(suite, "seen", 1)
    assert len(facts(suite, "seen", 1)) == 4


def test_likelihoods_are_the_same_to_the_last_digit(suite: ArithSuite) -> None:
    rows = [
        {"id": f"c{n}", "question": f"{n}+1", "choices": ["1", "22", "3"], "answer": 0}
        for n in range(5)
    ]
    suite.task(
        "chosen",
        rows,
        output_type="multiple_choice",
        doc_to_choice="choices",
        metric_list=[{"metric": "acc"}, {"metric": "acc_norm"}],
        metadata=None,
    )

    for workers in ("0", "2"):
        result = suite.run(*_MODEL, "-n", workers, "chosen")
        assert result.ret == 0

    assert facts(suite, "chosen", 0) == facts(suite, "chosen", 1)
    assert suite.results(0)["results"] == suite.results(1)["results"]


def test_replicas_take_turns(suite: ArithSuite) -> None:
    result = suite.run(*_MODEL, "--model-args", "replicas=2,wait_s=0.1", "-n", "2")

    asked = {line.split()[0] for line in suite.noted("asked")}
    assert result.ret == 0
    assert len(pids(suite, "loaded")) == 2
    assert asked == set(suite.noted("loaded"))
    assert (suite.folders[-1] / "model-2.log").exists()


def test_replicas_want_workers(suite: ArithSuite) -> None:
    result = suite.run(*_MODEL, "--model-args", "replicas=2")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: replicas=2 needs -n: *"])


def test_a_wrong_argument_is_said_before_anything_starts(suite: ArithSuite) -> None:
    result = suite.run(*_MODEL, "--model-args", "slipp=1", "-n", "2")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*takes no argument 'slipp'; did you mean 'slip'?"])
    assert suite.noted("loaded") == []


def test_a_model_that_cannot_be_loaded_ends_the_run_with_its_words(
    suite: ArithSuite,
) -> None:
    result = suite.run(*_MODEL, "--model-args", "trouble=load", "-n", "2")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*the checkpoint 'x' has no weights*"])
    assert suite.noted("asked") == []
    wait_until(lambda: are_gone(pids(suite, "loaded")))


def test_a_host_that_dies_is_an_endpoint_that_is_gone(suite: ArithSuite) -> None:
    result = suite.run(
        *_MODEL, "--model-args", "trouble=die", "-n", "2", "--max-concurrency", "2"
    )

    results = suite.results()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert results["complete"] is False
    assert results["coverage"]["arith"]["scored"] < 6
    result.stdout.fnmatch_lines(
        [
            "*the process of model 'stand-in' ended with status 137*",
            "*cannot reach http://127.0.0.1:*",
        ]
    )


def started(suite: ArithSuite, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.Popen(
        command, cwd=suite.root, stdout=subprocess.PIPE, text=True, process_group=0
    )


def test_a_killed_session_takes_its_host_along(suite: ArithSuite) -> None:
    with started(suite, *_MODEL, "--model-args", "wait_s=100", "-n", "2") as session:
        wait_until(lambda: len(suite.noted("asked")) == 6)
        hosts = pids(suite, "loaded")
        assert not are_gone(hosts)

        os.killpg(session.pid, signal.SIGKILL)
        session.communicate(timeout=_DEADLINE_S)

    wait_until(lambda: are_gone(hosts))


@pytest.mark.parametrize("trouble", ["slow", "wait"])
def test_ctrl_c_ends_the_host_and_keeps_the_results(
    suite: ArithSuite, trouble: str
) -> None:
    told = "trouble=slow" if trouble == "slow" else "wait_s=100"
    noted = "loaded" if trouble == "slow" else "asked"
    with started(suite, *_MODEL, "--model-args", told, "-n", "2") as session:
        wait_until(lambda: bool(suite.noted(noted)))
        os.killpg(session.pid, signal.SIGINT)
        output, _ = session.communicate(timeout=_DEADLINE_S)

    wait_until(lambda: are_gone(pids(suite, "loaded")))
    assert session.returncode == pytest.ExitCode.INTERRUPTED
    assert "INTERNALERROR" not in output
    if trouble == "wait":
        assert suite.results()["complete"] is False


def engine(*more: str) -> tuple[str, str, str, str]:
    told = [f"pretrained=org/name,command='{sys.executable} server.py'", *more]
    return ("--model", "vllm", "--model-args", ",".join(told))


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_server_is_started_once_for_the_session(
    suite: ArithSuite, workers: str
) -> None:
    flags = "tensor_parallel_size=2,extra_args='--seed 3'"

    result = suite.run(*engine(flags), "-n", workers)

    (line,) = suite.noted("started")
    assert result.ret == 0
    assert suite.score() == 1.0
    assert line.startswith("org/name --host 127.0.0.1 --port ")
    assert " --tensor-parallel-size 2 --seed 3 pid=" in line
    assert suite.results()["config"]["model"] == "org/name"
    result.stdout.fnmatch_lines(["starting the server of model 'org/name'; its log*"])
    wait_until(lambda: are_gone(pids(suite, "started")))


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("extra_args=--broken", "*ended with status 1; its last words*out of memory*"),
        ("extra_args=--never,startup_timeout=1.5", "*was not ready after 1.5 s*"),
    ],
)
def test_a_server_that_does_not_come_up_ends_the_run(
    suite: ArithSuite, workers: str, flags: str, words: str
) -> None:
    result = suite.run(*engine(flags), "-n", workers)

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([words])
    wait_until(lambda: are_gone(pids(suite, "started")))


@pytest.mark.parametrize("name", ["vllm", "sglang"])
def test_an_engine_that_is_not_installed_is_named(suite: ArithSuite, name: str) -> None:
    result = suite.run("--model", name, "--model-args", "pretrained=org/name")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*needs the package {name}; pip install {name}"])
