"""Servers in processes of their own: a stand-in that is slow, dies or never answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from pytest_evalkit.errors import ModelUnavailableError
from pytest_evalkit.host.process import ServerProcess
from pytest_evalkit.host.servers import ModelServers
from pytest_evalkit.models.launching import Launch

_DEADLINE_S = 20
# Tells its number and that of a child of its own, then answers /health after a while.
_SERVER = """
import subprocess, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

child = subprocess.Popen(["sleep", "300"])
open("pids", "w").write(f"{os.getpid()} {child.pid}")
print("warming up", flush=True)
HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""
_DIES = "print('loading'); print('no such checkpoint'); sys.exit(3)"
_NEVER = "print('thinking', flush=True); time.sleep(300)"
_SESSION = """
import sys, time
from pathlib import Path
from pytest_evalkit.host.process import ServerProcess
from pytest_evalkit.models.launching import Launch

command = (sys.executable, "server.py", "{port}")
launch = Launch(name="it", command=command, url="http://127.0.0.1:{port}")
server = ServerProcess(launch, Path("log"))
server.start()
server.await_ready()
print(server._keeper.pid, flush=True)
time.sleep(300)
"""
_STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + _SERVER


def launch(script: str, port: int, **settings: Any) -> Launch:
    whole = f"import os, sys, time\n{script}"
    return Launch(
        name="the stand-in",
        command=(sys.executable, "-c", whole, str(port)),
        url=f"http://127.0.0.1:{port}",
        **settings,
    )


@pytest.fixture
def port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        number: int = listener.getsockname()[1]
        return number


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[Launch], ServerProcess]]:
    started: list[ServerProcess] = []

    def start_one(wanted: Launch) -> ServerProcess:
        process = ServerProcess(wanted, tmp_path / "logs" / "server.log")
        process.start()
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.stop()


def pids() -> list[int]:
    return [int(pid) for pid in Path("pids").read_text().split()]


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


Start = Callable[[Launch], ServerProcess]


@pytest.mark.parametrize("script", [_SERVER, _STUBBORN], ids=["meek", "stubborn"])
def test_it_is_awaited_and_ended_with_all_that_it_started(
    start: Start, port: int, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start(launch(script, port))
    looks: list[int] = []

    process.await_ready(lambda: looks.append(1))
    numbers = pids()
    assert process.status is None
    process.stop()

    wait_until(lambda: are_gone(numbers))
    assert looks
    assert "warming up" in process.log.read_text()


def test_one_that_dies_is_told_by_its_last_words(start: Start, port: int) -> None:
    process = start(launch(_DIES, port))

    with pytest.raises(ModelUnavailableError) as met:
        process.await_ready()

    assert str(met.value) == (
        f"the stand-in ended with status 3; its last words ({process.log}): "
        "loading | no such checkpoint"
    )


def test_one_that_is_never_ready_is_given_up(start: Start, port: int) -> None:
    process = start(launch(_NEVER, port, startup_timeout=2.0))

    with pytest.raises(ModelUnavailableError, match=r"not ready after 2 s.*thinking"):
        process.await_ready()


def test_a_command_that_is_not_there_is_named(start: Start, port: int) -> None:
    absent = Launch(name="it", command=("no-such-program",), url="http://127.0.0.1:1")
    process = start(absent)

    with pytest.raises(ModelUnavailableError, match="cannot start no-such-program"):
        process.await_ready()


def test_it_gets_its_variables_and_its_input(start: Start, port: int) -> None:
    script = (
        "print(os.environ['COLOUR'], sys.stdin.readline().strip(), flush=True)\n"
        "sys.exit(0)"
    )
    wanted = launch(script, port, environment={"COLOUR": "blue"}, input="hello\n")
    process = start(wanted)

    wait_until(lambda: process.status == 0)

    assert process.log.read_text() == "blue hello\n"


@pytest.mark.parametrize("victim", ["session", "keeper"])
def test_it_does_not_outlive_whoever_is_killed(
    port: int, tmp_path: Path, victim: str
) -> None:
    (tmp_path / "server.py").write_text(f"import os\n{_SERVER}")
    session = subprocess.Popen(
        [sys.executable, "-c", _SESSION.format(port=port)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert session.stdout is not None
        keeper = int(session.stdout.readline())
        server, child = pids()
        assert not are_gone([server])
        if victim == "session":
            os.killpg(session.pid, signal.SIGKILL)
            wait_until(lambda: are_gone([server, child, keeper]))
        else:
            os.kill(keeper, signal.SIGKILL)
            wait_until(lambda: are_gone([server]))
            os.kill(child, signal.SIGKILL)
    finally:
        session.kill()
        session.communicate()


def test_where_one_of_several_fails_all_are_ended(port: int, tmp_path: Path) -> None:
    launches = [launch(_SERVER, port), launch(_DIES, port + 1)]
    servers = ModelServers(launches, tmp_path / "model.log")

    servers.start()
    with pytest.raises(ModelUnavailableError, match="no such checkpoint"):
        servers.await_ready()

    wait_until(lambda: are_gone(pids()))
    assert (tmp_path / "model.log").read_text().startswith("warming up\n")
    assert "loading" in (tmp_path / "model-2.log").read_text()


def test_what_a_server_is_given_in_secret_is_not_in_its_log(
    port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_0123456789")
    given = {"arguments": {"token": "in-its-orders-7", "headers": {"X": "door-77-b"}}}
    script = """
print("flags", sys.argv[2:])
print("environment", os.environ["HF_TOKEN"], os.environ["OWN_SECRET"])
print("orders", input())
sys.stderr.write("Traceback: token=hf_0123456789\\n")
sys.exit(3)
"""
    whole = f"import os, sys\n{script}"
    flags = ("--api-key", "sk-flag-4711")
    told = Launch(
        name="the stand-in",
        command=(sys.executable, "-c", whole, str(port), *flags),
        url=f"http://127.0.0.1:{port}",
        environment={"OWN_SECRET": "its-own-12345"},
        input=json.dumps(given) + "\n",
    )
    server = ServerProcess(told, tmp_path / "model.log")
    server.start()

    with pytest.raises(ModelUnavailableError) as raised:
        server.await_ready()
    server.stop()

    log = (tmp_path / "model.log").read_text()
    assert log == (
        "flags ['--api-key', '***']\n"
        "environment *** ***\n"
        'orders {"arguments": {"token": "***", "headers": {"X": "***"}}}\n'
        "Traceback: token=***\n"
    )
    assert "token=***" in str(raised.value)
