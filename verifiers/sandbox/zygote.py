"""The process that all runs of a sandbox are forked from. It never reads a program, its arguments or its input.

It is started afresh (``python -s -S``, one environment variable: the seed of hashes, so that runs repeat), isolates
itself, and then forks a child for each request of the host. A request is a small text of limits, with the descriptors
that the child reads its work from and writes its results to.

A fork and its end take some 0.15 ms for each megabyte of the zygote. So a *stocked* zygote has imported what programs
often import, for those that import anything, and a bare one has not: its own modules do with the parts of the library
that are written in C (``_socket``, ``_json``), and import types for type checkers only.
"""

from __future__ import annotations

import _socket
import builtins
import ctypes
import gc
import os
import select
import struct
import sys
from time import monotonic

from . import namespaces, privileges
from .child import run
from .framing import decode, encode
from .isolation import Isolation, isolate
from .kernel import SIGKILL
from .ladder import LADDER_AND_NONE
from .program import answer, forget, load
from .reports import ENDED, FAILED, FORKED, USAGE, WHEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Lowered = list[tuple[int, tuple[int, int]]]
    Request = tuple[dict[str, Any], Lowered]

REHEARSALS = 20  # the interpreter adapts code to what it does after some
INTEGER = 4  # bytes
PASSED = _socket.CMSG_SPACE(8 * INTEGER)
PRELOADED = (
    *("bisect", "collections", "contextlib", "copy", "dataclasses", "datetime", "enum", "functools", "heapq", "io"),
    *("itertools", "json", "linecache", "math", "operator", "random", "re", "string", "time", "traceback", "typing"),
)


def main(control: _socket.socket, rung: str, prefix: str, stocked: bool) -> None:
    """Isolate this process as the rung says, tell the host what is in force, and serve it until it hangs up."""
    try:
        isolation = isolate(set(LADDER_AND_NONE[rung]), prefix)
    except OSError as error:
        control.send(encode({"error": str(error)}))
        return
    for module in PRELOADED if stocked else ():
        __import__(module)
    for name in ("exit", "quit"):  # which ``site`` would define
        setattr(builtins, name, sys.exit)
    del sys.argv[1:]  # the sandbox's own
    rehearse()
    gc.collect()
    gc.freeze()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # glibc's
        trim(0)  # forks would copy the tables of what imports left behind
    names = [f"landlock:{isolation.landlock}" if name == "landlock" else name for name in LADDER_AND_NONE[rung]]
    control.send(encode({"layers": names, "user": isolation.user}))
    serve(control, isolation)


def rehearse() -> None:
    """Do what runs will do, so that forks share what the interpreter sets up at a first use, such as its compiler."""
    for _ in range(REHEARSALS):
        decode(encode(["", {"a": 1.5}, [("f", [1, 2.5], {})]]))
        answer(load("def f(a, b):\n    return [a + b, a, b]\n", "answer"), "f", [1, 2.5])
    forget()


def serve(control: _socket.socket, isolation: Isolation) -> None:
    """Fork a child for each request, and report each child's end on its own socket, until the host hangs up."""
    poll = select.poll()
    poll.register(control, select.POLLIN)
    known: dict[bytes, Request] = {}  # the last one, for most are like it
    children: dict[int, tuple[int, _socket.socket]] = {}  # pidfd -> pid, report
    while True:
        for descriptor, _ in poll.poll():
            if descriptor != control.fileno():
                poll.unregister(descriptor)
                reap(descriptor, *children.pop(descriptor))
                continue
            message, ancillary, _, _ = control.recvmsg(4096, PASSED)
            if not message:
                return
            [(_, _, passed)] = ancillary
            if message not in known:
                known.clear()
                known[message] = understood(message, isolation)
            began = WHEN.pack(monotonic())
            pid, report = start(*known[message], [number for (number,) in struct.iter_unpack("i", passed)], isolation)
            if pid:
                pidfd = os.pidfd_open(pid)
                children[pidfd] = pid, report
                poll.register(pidfd, select.POLLIN)
                handed = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", pidfd))
                attempt(report.sendmsg, [FORKED + began], [handed])


def understood(message: bytes, isolation: Isolation) -> Request:
    """A request's settings, and the limits of its process."""
    settings = decode(message)
    return settings, privileges.limits(settings, settings["processes"] if isolation.counts_processes else None)


def start(
    settings: dict[str, Any], limits: Lowered, passed: list[int], isolation: Isolation
) -> tuple[int, _socket.socket]:
    """The new child's number, 0 when there is none, and the socket to report it on."""
    report = _socket.socket(fileno=passed[0])
    try:
        pid = fork(isolation)
    except OSError as error:
        pid = -1
        attempt(report.send, FAILED + str(error).encode())
    if pid == 0:
        run(settings, limits, report, passed[1:], isolation)
    for descriptor in passed[1:]:
        os.close(descriptor)
    return max(pid, 0), report


def fork(isolation: Isolation) -> int:
    """0 in the child, which is alone in a process namespace where there are any."""
    if isolation.own < 0:
        return os.fork()
    namespaces.next_child_alone()
    try:
        pid = os.fork()
    except OSError:
        namespaces.next_child_here(isolation.own)
        raise
    if pid:
        namespaces.next_child_here(isolation.own)
    return pid


def reap(pidfd: int, pid: int, report: _socket.socket) -> None:
    """Tell the host how a child ended, after all that it started is gone too."""
    attempt(os.killpg, pid, SIGKILL)  # before it is waited for: its number is still taken
    _, status, usage = os.wait4(pid, 0)
    ended = USAGE.pack(status, usage.ru_maxrss, usage.ru_utime + usage.ru_stime, monotonic())
    os.close(pidfd)
    attempt(report.send, ENDED + ended)
    report.close()


def attempt(function: Callable[..., object], *arguments: object) -> None:
    """Call it, though the host may no longer listen, or nothing be left to kill."""
    try:
        function(*arguments)
    except OSError:
        return
