"""The process that all runs of a sandbox are forked from. It never reads a program, its arguments or its input.

It is started afresh (``python -s -S``, one environment variable: the seed of hashes, so that runs repeat), isolates
itself, imports what programs often import, and then forks a child for each request of the host. A request is a
small JSON text of limits, with the descriptors that the child reads its work from and writes its results to.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
from contextlib import suppress
from typing import Any

from . import namespaces, privileges
from .child import run
from .isolation import Isolation, isolate
from .ladder import LADDER_AND_NONE
from .reports import ENDED, FAILED, FORKED, USAGE

PRELOADED = (  # what programs often import, no more: whatever is here makes each fork slower
    *("bisect", "collections", "contextlib", "copy", "dataclasses", "datetime", "enum", "functools", "heapq", "io"),
    *("itertools", "json", "linecache", "math", "operator", "random", "re", "string", "time", "traceback", "typing"),
)


def main(control: socket.socket, rung: str, prefix: str) -> None:
    """Isolate this process as the rung says, tell the host what is in force, and serve it until it hangs up."""
    try:
        isolation = isolate(set(LADDER_AND_NONE[rung]), prefix)
    except OSError as error:
        control.send(json.dumps({"error": str(error)}).encode())
        return
    for module in PRELOADED:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    names = [f"landlock:{isolation.landlock}" if name == "landlock" else name for name in LADDER_AND_NONE[rung]]
    control.send(json.dumps({"layers": names, "user": isolation.user}).encode())
    serve(control, isolation)


def serve(control: socket.socket, isolation: Isolation) -> None:
    """Fork a child for each request, and report each child's end on its own socket, until the host hangs up."""
    poll = select.poll()
    poll.register(control, select.POLLIN)
    children: dict[int, tuple[int, socket.socket]] = {}  # pidfd -> pid, report
    while True:
        for descriptor, _ in poll.poll():
            if descriptor != control.fileno():
                poll.unregister(descriptor)
                reap(descriptor, *children.pop(descriptor))
                continue
            message, passed, _, _ = socket.recv_fds(control, 4096, 8)
            if not message:
                return
            pid, report = start(json.loads(message), passed, isolation)
            if pid:
                pidfd = os.pidfd_open(pid)
                children[pidfd] = pid, report
                poll.register(pidfd, select.POLLIN)
                with suppress(OSError):  # the host no longer listens
                    socket.send_fds(report, [FORKED], [pidfd])


def start(settings: dict[str, Any], passed: list[int], isolation: Isolation) -> tuple[int, socket.socket]:
    """The new child's number, 0 when there is none, and the socket to report it on."""
    report = socket.socket(fileno=passed[0])
    limits = privileges.limits(settings, settings["processes"] if isolation.counts_processes else None)
    try:
        pid = fork(isolation)
    except OSError as error:
        pid = -1
        with suppress(OSError):
            report.send(FAILED + str(error).encode())
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


def reap(pidfd: int, pid: int, report: socket.socket) -> None:
    """Tell the host how a child ended, after all that it started is gone too."""
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)  # before it is waited for: its number is still taken
    _, status, usage = os.wait4(pid, 0)
    os.close(pidfd)
    with suppress(OSError):
        report.send(ENDED + USAGE.pack(status, usage.ru_maxrss, usage.ru_utime + usage.ru_stime))
    report.close()
