"""The far side of ``workers``: a process that imports and warms a function once, and forks the servers that call it.

The parent process (single-threaded, trusted) only forks and reaps; items run in its fork. A server that is killed is
thus replaced, warm, in milliseconds. When the process that started all this ends, however it ends, the kernel closes
the pipe at standard input and sends SIGIO, which nobody catches, to every process here.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

MAX_FRAME = 2**26  # bytes of a request or a reply
MAX_REASON = 200  # characters of an error's text
LENGTH = struct.Struct("!I")
STATUS = struct.Struct("!i")


class BrokenFrame(ValueError):
    """What came over a socket is not one framed JSON value."""


def encode(value: Any) -> bytes:
    """A frame: the length of a JSON text in four bytes, and the text.

    Raises:
        TypeError: the value is not plain data.
        ValueError: it is longer than ``MAX_FRAME``, or holds itself.
    """
    data = json.dumps(value).encode()
    if len(data) > MAX_FRAME:
        raise ValueError(f"{len(data)} bytes in one frame; at most {MAX_FRAME}")
    return LENGTH.pack(len(data)) + data


def receive(connection: socket.socket) -> Any:
    """The value of the next frame.

    Raises:
        EOFError: the other side closed.
        BrokenFrame: too long, no JSON, nested too deeply, or an integer of too many digits.
    """
    (length,) = LENGTH.unpack(receive_exactly(connection, LENGTH.size))
    if length > MAX_FRAME:
        raise BrokenFrame(f"a frame of {length} bytes")
    data = receive_exactly(connection, length)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BrokenFrame("not JSON of a bounded depth") from error


def receive_exactly(connection: socket.socket, size: int) -> bytes:
    """``size`` bytes.

    Raises:
        EOFError: the other side closed before.
    """
    data = bytearray()
    while len(data) < size:
        part = connection.recv(min(size - len(data), 2**16))
        if not part:
            raise EOFError
        data += part
    return bytes(data)


def main(descriptor: str) -> None:
    """Read what to do, import and warm the function, and fork a server for each socket that is sent."""
    _end_with_parent()
    control = socket.socket(fileno=int(descriptor))
    target, memory, warm = receive(control)
    _limit(memory)
    try:
        module, _, name = target.partition(":")
        function = getattr(importlib.import_module(module), name)
    except Exception as error:
        control.sendall(encode(_described(error)))
        return
    for arguments in warm:
        _result(function, arguments)
    gc.collect()
    gc.freeze()  # so that collections in the forks do not copy every page
    control.sendall(encode(""))
    while True:
        _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not descriptors:
            return
        pid = os.fork()
        if pid == 0:
            control.close()
            _serve(socket.socket(fileno=descriptors[0]), function)
        os.close(descriptors[0])
        control.sendall(STATUS.pack(pid))
        _, status = os.waitpid(pid, 0)
        control.sendall(STATUS.pack(os.waitstatus_to_exitcode(status)))


def _end_with_parent() -> None:
    """SIGIO for the process group, which is this process's own, when the last writer of standard input is gone.

    Not PR_SET_PDEATHSIG, which fires when the thread that started this process ends.
    """
    fcntl.fcntl(0, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([0], [], [], 0)[0]:  # gone already
        os._exit(1)


def _limit(memory: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.dont_write_bytecode = True
    for kind, value in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (allowed, allowed))


def _serve(connection: socket.socket, function: Callable[..., Any]) -> None:
    """Answer requests until the other side closes."""
    try:
        while True:
            connection.sendall(_result(function, receive(connection)))
    except (EOFError, OSError):
        os._exit(0)
    finally:
        os._exit(1)


def _result(function: Callable[..., Any], arguments: list[Any]) -> bytes:
    """The frame of ``[kind, value]``."""
    try:
        return encode(["done", function(*arguments)])
    except MemoryError:
        pass  # the frames that hold the memory are freed before anything is built
    except Exception as error:
        return encode(["error", _described(error)])
    return encode(["memory", None])


def _described(error: Exception) -> str:
    try:
        return f"{type(error).__name__}: {str(error)[:MAX_REASON]}"
    except Exception:  # an error whose own text fails
        return type(error).__name__
