"""Raw system calls that Python 3.11 does not offer. Runs in the sandbox's own processes, never in the host's."""

from __future__ import annotations

import ctypes
import os

from .syscalls import HARMLESS, MACHINE, MACHINES, OWN, REFUSED, numbers

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP = 1, 4, 24
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
SIGKILL = 9  # as in ``signal``, which is built of modules that the zygote can do without

_NUMBERS = numbers(OWN) | numbers(REFUSED) | numbers(HARMLESS) if MACHINE in MACHINES else {}
_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.argtypes = [ctypes.c_long] * 7
_libc.syscall.restype = ctypes.c_long
_libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
_libc.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]


class Unavailable(OSError):
    """The kernel, or whoever runs this process, refuses a layer."""


def syscall(name: str, *arguments: int) -> int:
    """The result of a system call of at most six integers or addresses.

    Raises:
        Unavailable: it failed.
    """
    result: int = _libc.syscall(_NUMBERS[name], *arguments, *(0,) * (6 - len(arguments)))
    return _checked(result, name)


def prctl(option: int, *arguments: int) -> int:
    return _checked(_libc.prctl(option, *arguments, *(0,) * (4 - len(arguments))), "prctl")


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    given = (source.encode(), target.encode(), kind.encode())
    _checked(_libc.mount(*given, flags, options.encode()), f"mount {target}")


def _checked(result: int, what: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise Unavailable(error, f"{what}: {os.strerror(error)}")
    return result


def address(data: bytes | bytearray) -> tuple[int, ctypes.Array[ctypes.c_char]]:
    """The address of a copy of ``data``, and the copy, which lives as long as somebody holds it."""
    buffer = ctypes.create_string_buffer(bytes(data), len(data))
    return ctypes.addressof(buffer), buffer
