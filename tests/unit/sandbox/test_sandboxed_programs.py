"""Programs as a model may write them: each is seen to be kept within its bounds."""

from __future__ import annotations

import os
import platform
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pytest_evalkit import sandbox
from pytest_evalkit.errors import OptionError, ScoringError
from pytest_evalkit.sandbox import PROTECTIONS, Outcome, confine, run_program
from pytest_evalkit.sandbox.program import Bounds, run_bounded

pytestmark = pytest.mark.skipif(
    os.name != "posix", reason="programs of a model run on Linux and macOS only"
)

_BOUNDS = Bounds(
    timeout_s=20, memory_bytes=256 << 20, file_bytes=1 << 20, output_bytes=4 << 10
)

Run = Callable[[str], Outcome]


@pytest.fixture
def permitted() -> Iterator[None]:
    sandbox.permit_execution()
    yield
    sandbox.revoke_execution()


@pytest.fixture(params=["kernel", "interpreter"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a program with the kernel's protection, and with the interpreter's alone."""
    is_asking = request.param == "kernel"
    if is_asking and run_bounded("", _BOUNDS).protections != PROTECTIONS:
        pytest.skip("this kernel does not confine programs")
    return lambda source: run_bounded(source, _BOUNDS, is_asking_kernel=is_asking)


def soon(source: str, timeout_s: float = 0.7) -> Outcome:
    bounds = Bounds(
        timeout_s=timeout_s,
        memory_bytes=256 << 20,
        file_bytes=1 << 20,
        output_bytes=4 << 10,
    )
    return run_bounded(source, bounds)


def test_no_program_runs_unless_the_user_allowed_it() -> None:
    with pytest.raises(OptionError, match="give --allow-code-execution"):
        run_program("print(1)")


@pytest.mark.usefixtures("permitted")
def test_a_program_that_reaches_its_end_is_completed() -> None:
    outcome = run_program("print(input()[::-1])", stdin="abc\n", timeout_s=20)

    assert outcome.is_completed
    assert (outcome.exit_code, outcome.signal) == (0, None)
    assert outcome.stdout == "cba\n"
    assert 0 < outcome.duration_s < 20


def test_a_failed_assertion_is_told_with_its_line(run: Run) -> None:
    outcome = run("x = 1\nassert x == 2, 'not two'\n")

    assert (outcome.status, outcome.exit_code) == ("raised", 1)
    assert "assert x == 2" in outcome.stderr
    assert outcome.stderr.endswith("AssertionError: not two\n")
    assert "cell.py" not in outcome.stderr


def test_what_is_no_python_is_raised(run: Run) -> None:
    outcome = run("def f(:")

    assert outcome.status == "raised"
    assert "SyntaxError" in outcome.stderr


@pytest.mark.parametrize(
    ("leaving", "code"),
    [
        ("import sys; sys.exit(0)", 0),
        ("import sys; sys.exit('sorry')", 1),
        ("raise SystemExit(3)", 3),
        ("import os; os._exit(0)", 0),
        ("exit()", 0),
    ],
)
def test_leaving_before_the_last_line_is_not_completing(
    run: Run, leaving: str, code: int
) -> None:
    outcome = run(f"{leaving}\nassert False")

    assert (outcome.status, outcome.exit_code) == ("exited", code)
    assert not outcome.is_completed


@pytest.mark.parametrize(
    ("dying", "number"),
    [
        ("import os; os.abort()", signal.SIGABRT),
        ("import ctypes; ctypes.string_at(0)", signal.SIGSEGV),
    ],
)
def test_a_signal_is_told(dying: str, number: int) -> None:
    outcome = run_bounded(dying, _BOUNDS)

    assert (outcome.status, outcome.signal) == ("killed", number)
    assert outcome.exit_code is None


@pytest.mark.parametrize(
    "endless",
    [
        "while True: pass",
        "import time\ntime.sleep(600)",
        "import threading\nthreading.Thread(target=threading.Event().wait).start()",
        "import os, time\nos.close(1)\nos.close(2)\ntime.sleep(600)",
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile 1: pass",
    ],
)
def test_an_endless_program_is_ended_in_time(endless: str) -> None:
    outcome = soon(endless)

    assert outcome.status == "timeout"
    assert outcome.duration_s < 5


def test_a_program_that_wants_too_much_memory_is_ended(run: Run) -> None:
    outcome = run("kept = []\nwhile True: kept.append(bytearray(1 << 22))")

    assert (outcome.status, outcome.exit_code) == ("memory", 1)


def test_memory_for_many_threads_is_bounded_too(run: Run) -> None:
    outcome = run(
        "import threading\n"
        "block = threading.Event()\n"
        "threads = 0\n"
        "try:\n"
        "    while True:\n"
        "        threading.Thread(target=block.wait, daemon=True).start()\n"
        "        threads += 1\n"
        "finally:\n"
        "    print(threads < 500)\n"
    )

    assert outcome.status in ("raised", "memory")
    assert outcome.stdout == "True\n"


def test_a_program_starts_no_process(run: Run) -> None:
    outcome = run(
        "import os\n"
        "for start in (os.fork, lambda: os.system('true') and os.abort,\n"
        "              os.forkpty, lambda: os.posix_spawn('/bin/true', ['x'], {})):\n"
        "    try:\n"
        "        print('no' if start() is os.abort else 'started')\n"
        "    except OSError as error:\n"
        "        print('no')\n"
    )

    assert outcome.stdout == "no\n" * 4


def test_a_fork_bomb_stays_one_process(run: Run) -> None:
    outcome = run("import os\nwhile True:\n    os.fork()")

    assert outcome.status == "raised"


def test_nothing_is_written_outside_the_folder(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("before")

    outcome = run(
        f"import os, pathlib\ntarget = {str(target)!r}\n"
        "for change in (lambda: open(target, 'w'), lambda: os.remove(target),\n"
        "               lambda: os.rename(target, 'mine'),\n"
        "               lambda: os.truncate(target, 0),\n"
        "               lambda: os.mkdir(target + '2'),\n"
        "               lambda: os.symlink('x', target + '2'),\n"
        "               lambda: os.chmod(target, 0),\n"
        "               lambda: pathlib.Path('../escaped').write_text('x')):\n"
        "    try:\n"
        "        change()\n"
        "    except PermissionError:\n"
        "        print('refused')\n"
    )

    assert outcome.stdout == "refused\n" * 8
    assert target.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_a_program_may_write_into_its_own_folder_that_is_gone_after(run: Run) -> None:
    outcome = run(
        "import os\nprint(os.listdir('.'))\nopen('a', 'w').write('kept')\n"
        "print(open('a').read(), os.getcwd())"
    )

    listing, _, rest = outcome.stdout.partition("\n")
    kept, _, folder = rest.strip().partition(" ")
    assert (listing, kept) == ("[]", "kept")
    assert not Path(folder).exists()


def test_a_file_has_a_bounded_size(run: Run) -> None:
    outcome = run("open('a', 'wb').write(bytes(2 << 20))")

    assert outcome.status in ("raised", "killed")


def test_there_is_no_network(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        outcome = run(
            f"import socket\nsocket.create_connection(('127.0.0.1', {port}))\n"
        )

        server.setblocking(False)  # noqa: FBT003 (its only argument)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert outcome.status == "raised"
    assert "PermissionError" in outcome.stderr


def test_what_a_program_says_is_bounded(run: Run) -> None:
    outcome = run("while True: print('x' * 100)")

    assert outcome.status == "output"
    assert len(outcome.stdout) == 4 << 10


def test_errors_are_bounded_as_well(run: Run) -> None:
    outcome = run("import sys\nwhile True: sys.stderr.write('x' * 100)")

    assert outcome.status == "output"
    assert len(outcome.stderr) == 4 << 10


def test_the_environment_is_clean(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")

    outcome = run("import os\nprint('OPENAI_API_KEY' in os.environ)")

    assert outcome.stdout == "False\n"


def test_the_kernel_keeps_secrets_of_other_processes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("sk-secret")
    places = [str(secret), f"/proc/{os.getpid()}/environ", "/etc/passwd"]

    outcome = run_bounded(
        f"for path in {places!r}:\n"
        "    try:\n"
        "        print(open(path).read())\n"
        "    except OSError:\n"
        "        print('refused')\n",
        _BOUNDS,
    )

    if "files" not in outcome.protections:
        pytest.skip("this kernel does not confine programs")
    assert outcome.stdout == "refused\n" * 3


def test_a_program_cannot_end_the_process_that_runs_it(run: Run) -> None:
    outcome = run("import os\nos.kill(os.getppid(), 0)")

    assert outcome.status == "raised"


def test_the_same_program_says_the_same_each_time() -> None:
    source = "print(list({str(n) for n in range(50)}))"

    said = {run_bounded(source, _BOUNDS).stdout for _ in range(3)}

    assert len(said) == 1


def test_writing_where_the_report_goes_does_not_pass_for_completing() -> None:
    outcome = run_bounded(
        "import os\n"
        "for number in range(3, 20):\n"
        "    try:\n"
        '        os.write(number, b\'{"ended": "completed"}\\n\')\n'
        "    except OSError:\n"
        "        pass\n"
        "os._exit(0)",
        _BOUNDS,
    )

    assert outcome.status == "exited"


def test_an_interpreter_that_does_not_start_is_no_wrong_answer() -> None:
    with pytest.raises(ScoringError, match=r"no program could be run"):
        soon("print(1)", timeout_s=0.001)


def test_packages_of_the_interpreter_can_be_imported(run: Run) -> None:
    outcome = run("import asyncio, decimal, json, yaml\nprint(yaml.safe_load('[1]'))")

    assert outcome.stdout == "[1]\n", outcome.stderr


@pytest.mark.usefixtures("permitted")
def test_programs_of_several_threads_do_not_disturb_each_other() -> None:
    outcomes: dict[int, Outcome] = {}

    def one(number: int) -> None:
        outcomes[number] = run_program(f"print({number})", timeout_s=30)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    said = {number: outcome.stdout for number, outcome in outcomes.items()}
    assert said == {number: f"{number}\n" for number in range(6)}


def test_no_file_and_no_process_is_left_behind() -> None:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("open files are listed on Linux only")
    run_bounded("", _BOUNDS)
    before = len(list(folder.iterdir()))
    children = psutil.Process().children()

    for source in ("print(1)", "while True: print('x' * 9999)"):
        run_bounded(source, _BOUNDS)

    assert len(list(folder.iterdir())) == before
    assert psutil.Process().children() == children


def test_the_numbers_of_system_calls_are_those_of_the_system() -> None:
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if platform.machine() != "x86_64" or not header.is_file():
        pytest.skip("needs the headers of Linux on x86_64")
    known = dict(re.findall(r"#define __NR_(\w+) (\d+)", header.read_text()))

    table = {**confine._X86_64, **confine._NEWER}

    wrong = {n: v for n, v in table.items() if n in known and int(known[n]) != v}
    assert wrong == {}
    assert len(table.keys() & known.keys()) > 30


def test_a_program_ends_with_the_process_that_started_it() -> None:
    started = time.monotonic()
    outcome = soon("import time\ntime.sleep(600)")

    assert outcome.signal == signal.SIGKILL
    assert time.monotonic() - started < 5
