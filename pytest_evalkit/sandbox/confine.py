"""Asking the kernel to confine this process for good: Landlock and seccomp on Linux.

Run in the process of the program, before the program. Neither needs privileges, and
neither can be undone. It stands alone, without the rest of the package, since the
process knows nothing of that.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable, Mapping, Sequence

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SIGKILL = 9
_EPERM, _ENOSYS = 1, 38

# Numbers of system calls: what could reach the network, other processes, or what
# Landlock does not look at, such as the modes and times of files.
_X86_64: Mapping[str, int] = {
    "shmget": 29, "socket": 41, "clone": 56, "fork": 57, "vfork": 58, "kill": 62,
    "semget": 64, "msgget": 68, "truncate": 76, "chmod": 90, "fchmod": 91, "chown": 92,
    "fchown": 93, "lchown": 94, "ptrace": 101, "rt_sigqueueinfo": 129, "utime": 132,
    "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190, "removexattr": 197,
    "lremovexattr": 198, "fremovexattr": 199, "tkill": 200, "tgkill": 234,
    "utimes": 235, "add_key": 248, "request_key": 249, "keyctl": 250, "fchownat": 260,
    "futimesat": 261, "fchmodat": 268, "unshare": 272, "utimensat": 280,
    "rt_tgsigqueueinfo": 297, "perf_event_open": 298, "prlimit64": 302, "setns": 308,
    "process_vm_readv": 310, "process_vm_writev": 311, "memfd_create": 319, "bpf": 321,
    "userfaultfd": 323,
}  # fmt: skip
_AARCH64: Mapping[str, int] = {
    "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7, "removexattr": 14,
    "lremovexattr": 15, "fremovexattr": 16, "truncate": 45, "fchmod": 52,
    "fchmodat": 53, "fchownat": 54, "fchown": 55, "utimensat": 88, "unshare": 97,
    "ptrace": 117, "kill": 129, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138,
    "msgget": 186, "semget": 190, "shmget": 194, "socket": 198, "add_key": 217,
    "request_key": 218, "keyctl": 219, "clone": 220, "rt_tgsigqueueinfo": 240,
    "perf_event_open": 241, "prlimit64": 261, "setns": 268, "process_vm_readv": 270,
    "process_vm_writev": 271, "memfd_create": 279, "bpf": 280, "userfaultfd": 282,
}  # fmt: skip
# Numbered alike everywhere.
_NEWER: Mapping[str, int] = {
    "pidfd_send_signal": 424, "io_uring_setup": 425, "io_uring_enter": 426,
    "io_uring_register": 427, "pidfd_open": 434, "clone3": 435, "pidfd_getfd": 438,
    "process_madvise": 440, "fchmodat2": 452, "setxattrat": 463, "removexattrat": 466,
}  # fmt: skip
_TABLES = {
    "x86_64": (0xC000003E, _X86_64),
    "aarch64": (0xC00000B7, _AARCH64),
}
# A library that is told there is no clone3 uses clone, whose flags can be looked at.
_ABSENT = frozenset({"clone3"})
# These may be used on the process itself.
_ON_ITSELF = frozenset({"kill", "tgkill", "prlimit64"})
_CLONE_THREAD = 0x10000

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_TRUNCATE = 1 << 14
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_FIRST_RIGHTS = (1 << 13) - 1
# What each version of Landlock added: moving between folders, truncating.
_LATER_RIGHTS = {2: 1 << 13, 3: _TRUNCATE}

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """Have the kernel end this process when the one that started it ends."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def give_up_privileges() -> bool:
    """Give up what root has beyond others, and never get it again.

    Returns:
        Whether the kernel agreed; without that nothing else here works.
    """
    if sys.platform != "linux" or _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    header = struct.pack("=Ii", 0x20080522, 0)
    _libc.capset(header, bytes(24))
    return True


def shut_files(folder: str, readable: Iterable[str]) -> bool:
    """Let nothing be written outside a folder, nor read but what is named.

    Returns:
        Whether the kernel agreed.
    """
    version = _libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    rights = _FIRST_RIGHTS
    for since, right in _LATER_RIGHTS.items():
        rights |= right if version >= since else 0
    handled = struct.pack("=Q", rights)
    rules = _libc.syscall(_LANDLOCK_CREATE, handled, ctypes.c_size_t(len(handled)), 0)
    if rules < 0:
        return False
    _permit(rules, folder, rights)
    for path in readable:
        _permit(rules, path, _EXECUTE | _READ_FILE | _READ_DIR)
    _permit(rules, "/dev/null", _WRITE_FILE | _READ_FILE)
    is_shut = bool(_libc.syscall(_LANDLOCK_RESTRICT, rules, 0) == 0)
    os.close(rules)
    return is_shut


def _permit(rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        # What is not there need not be readable.
        return
    if not os.path.isdir(path):  # noqa: PTH112 (a path object would import more)
        rights &= _FILE_RIGHTS
    rule = struct.pack("=Qi", rights, place)
    _libc.syscall(_LANDLOCK_ADD, rules, 1, rule, 0)
    os.close(place)


def shut_calls() -> bool:
    """Let no socket be made, no process be started, and no other one be touched.

    Threads stay possible.

    Returns:
        Whether the kernel agreed; only processors that are known can be asked.
    """
    machine = platform.machine()
    if sys.platform != "linux" or machine not in _TABLES:
        return False
    code = b"".join(_seccomp_program(*_TABLES[machine], os.getpid()))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    return bool(_libc.prctl(_PR_SET_SECCOMP, 2, program, 0, 0) == 0)


# Instructions of the kernel's packet filter; a jump says how many to pass over.
def _load(offset: int) -> bytes:
    return struct.pack("=HBBI", 0x20, 0, 0, offset)


def _if_equal(value: int, then: int, otherwise: int) -> bytes:
    return struct.pack("=HBBI", 0x15, then, otherwise, value)


def _if_at_least(value: int, then: int, otherwise: int) -> bytes:
    return struct.pack("=HBBI", 0x35, then, otherwise, value)


def _if_any_bit(value: int, then: int, otherwise: int) -> bytes:
    return struct.pack("=HBBI", 0x45, then, otherwise, value)


def _end(value: int) -> bytes:
    return struct.pack("=HBBI", 0x06, 0, 0, value)


_ALLOW, _KILL = _end(0x7FFF0000), _end(0x80000000)
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
# Calls of another width have numbers from here on.
_OTHER_WIDTH = 0x40000000


def _refuse(errno: int) -> bytes:
    return _end(0x00050000 | errno)


def _seccomp_program(
    architecture: int, numbers: Mapping[str, int], pid: int
) -> Sequence[bytes]:
    lines = [
        _load(_ARCHITECTURE_AT),
        _if_equal(architecture, 1, 0),
        _KILL,
        _load(_NUMBER_AT),
        _if_at_least(_OTHER_WIDTH, 0, 1),
        _refuse(_EPERM),
    ]
    for name, number in {**numbers, **_NEWER}.items():
        if name == "clone":
            checks = [_if_any_bit(_CLONE_THREAD, 1, 0), _refuse(_EPERM), _ALLOW]
        elif name in _ON_ITSELF:
            own = [_if_equal(0, 2, 0)] if name == "prlimit64" else []
            checks = [*own, _if_equal(pid, 1, 0), _refuse(_EPERM), _ALLOW]
        else:
            errno = _ENOSYS if name in _ABSENT else _EPERM
            lines += [_if_equal(number, 0, 1), _refuse(errno)]
            continue
        checks.insert(0, _load(_FIRST_ARGUMENT_AT))
        lines += [_if_equal(number, 0, len(checks)), *checks]
    return [*lines, _ALLOW]
