"""Programs that set out to get away: what the kernel is asked for holds against them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from pytest_evalkit.sandbox import PROTECTIONS, Outcome
from pytest_evalkit.sandbox.program import Bounds, run_bounded

pytestmark = pytest.mark.skipif(
    os.name != "posix", reason="programs of a model run on Linux and macOS only"
)

_BOUNDS = Bounds(
    timeout_s=20, memory_bytes=256 << 20, file_bytes=1 << 20, output_bytes=4 << 10
)
# Does something, and says whether it was refused.
_TRYING = """
import ctypes, os, resource, signal, socket, sys
libc = ctypes.CDLL(None, use_errno=True)

def refused(call):
    try:
        result = call()
    except (OSError, ValueError, MemoryError) as error:
        return True
    return isinstance(result, int) and result == -1

print(refused(lambda: {attack}))
"""


@pytest.fixture(autouse=True, scope="module")
def confined() -> None:
    if run_bounded("", _BOUNDS).protections != PROTECTIONS:
        pytest.skip("this kernel does not confine programs")


def attempt(attack: str) -> Outcome:
    return run_bounded(_TRYING.format(attack=attack), _BOUNDS)


@pytest.mark.parametrize(
    "attack",
    [
        # Everybody, one's group, the parent, and the first process of the machine.
        "os.kill(-1, 0)",
        "os.kill(0, 0)",
        "os.killpg(os.getpgid(0), 0)",
        "os.kill(os.getppid(), signal.SIGKILL)",
        "os.kill(1, 0)",
        "libc.syscall(62, -1, 0)",
        "os.pidfd_open(os.getppid())",
        "libc.ptrace(16, os.getppid(), 0, 0)",
        "libc.ptrace(0, 0, 0, 0)",
        "open(f'/proc/{os.getppid()}/environ').read()",
        "open(f'/proc/{os.getppid()}/mem', 'rb').read(1)",
        "open('/proc/1/environ').read()",
        "os.listdir('/proc/1')",
    ],
)
def test_other_processes_are_out_of_reach(attack: str) -> None:
    outcome = attempt(attack)

    assert outcome.stdout == "True\n", outcome


@pytest.mark.parametrize(
    "attack",
    [
        "os.fork()",
        "libc.fork()",
        "libc.vfork()",
        "libc.system(b'touch ran') * 0 - 1 + os.path.exists('ran')",
        "libc.syscall(435, 0, 0)",
        "__import__('subprocess').run(['/bin/true'])",
        "__import__('multiprocessing').Process(target=print).start()",
        "libc.unshare(0x10000000)",
        "libc.setns(os.open('/proc/self/ns/net', 0), 0)",
        "libc.mount(b'x', b'.', b'tmpfs', 0, 0)",
        "os.chroot('.')",
        "os.setuid(0) or os.chown('/etc/hostname', 0, 0)",
    ],
)
def test_no_process_and_no_privilege_is_to_be_had(attack: str) -> None:
    outcome = attempt(attack)

    assert outcome.stdout == "True\n", outcome


@pytest.mark.parametrize(
    "attack",
    [
        "socket.socket()",
        "socket.socket(socket.AF_UNIX)",
        "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "socket.create_connection(('169.254.169.254', 80), 1)",
        "socket.getaddrinfo('example.org', 80)",
        "libc.socket(2, 1, 0)",
        # The same call in the numbering of another ABI.
        "libc.syscall(0x40000000 + 41, 2, 1, 0)",
        "libc.syscall(425, 1, 0)",
    ],
)
def test_no_socket_is_to_be_had(attack: str) -> None:
    outcome = attempt(attack)

    assert outcome.stdout == "True\n" or outcome.signal == signal.SIGSYS, outcome


@pytest.mark.parametrize(
    "attack",
    [
        "os.symlink('/etc', 'etc') or open('etc/passwd').read()",
        "os.link('/etc/passwd', 'mine')",
        "open('/dev/shm/x', 'w')",
        "open('/tmp/evalkit-attack', 'w')",
        "open('../evalkit-attack', 'w')",
        "os.mkfifo('/tmp/evalkit-attack')",
        "open(os.path.expanduser('~root/.ssh/id_rsa')).read()",
        "open('/etc/shadow').read()",
        "open('/proc/self/root/etc/passwd').read()",
        "open('/proc/self/cwd/../evalkit-attack', 'w')",
        "os.listdir('/')",
        "os.listdir('/home')",
        "os.rename('/etc/hostname', 'hostname')",
        "os.utime('/etc/hostname')",
        "os.chmod('/etc/hostname', 0o777)",
        "libc.memfd_create(b'x', 0)",
    ],
)
def test_no_file_outside_is_read_or_changed(attack: str) -> None:
    outcome = attempt(attack)

    assert outcome.stdout == "True\n", outcome


@pytest.mark.parametrize(
    "attack",
    [
        "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
        "resource.setrlimit(resource.RLIMIT_CPU, (-1, -1))",
        "resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))",
        "resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))",
        "__import__('mmap').mmap(-1, 1 << 40)",
        "[open(f'{n}', 'w') for n in range(100)] and [os.dup(1) for _ in range(100)]",
    ],
)
def test_no_bound_is_lifted(attack: str) -> None:
    outcome = attempt(attack)

    assert outcome.stdout == "True\n", outcome


def test_nothing_open_is_inherited_but_what_is_its_own() -> None:
    with Path(__file__).open("rb") as ours:
        os.set_inheritable(ours.fileno(), True)  # noqa: FBT003 (its only argument)

        outcome = run_bounded(
            "import os\n"
            "for number in range(3, 64):\n"
            "    try:\n"
            "        print(os.read(number, 100))\n"
            "    except OSError:\n"
            "        pass\n",
            _BOUNDS,
        )

    assert outcome.stdout == ""


def test_its_own_environment_has_nothing_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-77")

    outcome = run_bounded(
        "print(open('/proc/self/environ').read())\n"
        "print(open('/proc/self/cmdline').read())\nimport os\nprint(os.environ)",
        _BOUNDS,
    )

    assert outcome.is_completed, outcome.stderr
    assert "77" not in outcome.stdout.replace("PYTHON", "")


def test_a_flood_where_the_report_goes_is_ended() -> None:
    outcome = run_bounded(
        "import os\n"
        "while True:\n"
        "    for number in range(3, 64):\n"
        "        try:\n"
        "            os.write(number, b'x' * 4096)\n"
        "        except OSError:\n"
        "            pass\n",
        _BOUNDS,
    )

    assert outcome.status in {"output", "killed"}
    assert not outcome.is_completed


@pytest.mark.parametrize(
    "ending",
    [
        "import sys\nsys.setrecursionlimit(10**9)\nf = lambda: f()\nf()",
        "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
        "import os\nos.closerange(0, 64)\nwhile True: pass",
        "import atexit, time\natexit.register(time.sleep, 600)",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()",
    ],
)
def test_nothing_keeps_a_program_from_its_end(ending: str) -> None:
    bounds = Bounds(
        timeout_s=1.5, memory_bytes=256 << 20, file_bytes=1 << 20, output_bytes=4 << 10
    )

    outcome = run_bounded(ending, bounds)

    assert outcome.status in {"timeout", "killed", "raised", "memory"}
    assert not outcome.is_completed
