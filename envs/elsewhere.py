"""Do other processes ask the same? Interpreters with hash seeds of their own stand by, and fork for every question."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import lru_cache
from multiprocessing.connection import Connection, Pipe
from operator import attrgetter
from typing import Any

HASH_SEEDS = (1, 2)
SECONDS = 300.0  # for an answer: a busy machine imports slowly
BOOT = "from palaestra.envs.elsewhere import serve; serve({})"


def ask_elsewhere(function: str, *arguments: Any) -> list[list[str]]:
    """What ``function`` ("module:name", of JSON-able arguments, which gives texts) says in a process of each hash seed.

    The processes import the function's module anew, with this process's path.

    Raises:
        RuntimeError: the function raises there, or gives no answer.
    """
    path = [entry or os.getcwd() for entry in sys.path]
    order = json.dumps([path, function, arguments]).encode()
    interpreters = [_interpreter(hash_seed, os.getpid()) for hash_seed in HASH_SEEDS]
    with contextlib.ExitStack() as stack:
        for one in interpreters:
            stack.enter_context(one.lock)
            one.begin(order)
        answers = [one.end() for one in interpreters]
    for answer in answers:
        if isinstance(answer, str):
            raise RuntimeError(f"another process fails: {answer}")
    return [list(answer) for answer in answers]


class Interpreter:
    """A process with imports done, which answers each order from a fork of itself."""

    def __init__(self, hash_seed: int) -> None:
        self.lock = threading.Lock()
        self.hash_seed = hash_seed
        self.process: subprocess.Popen[bytes] | None = None
        self.connection: Connection
        self.due = False  # an answer that nobody has read, where the caller was interrupted

    def begin(self, order: bytes) -> None:
        if self.process is not None and (self.due or self.process.poll() is not None):
            self.stop()
        if self.process is None:
            self._start()
        self.due = True
        self.connection.send_bytes(order)

    def end(self) -> list[str] | str:
        """The answer, or why there is none."""
        if not self.connection.poll(SECONDS):
            return f"no answer in {SECONDS:.0f} s"
        try:
            answer: list[str] | str = json.loads(self.connection.recv_bytes())
        except EOFError:
            return "it ended"
        self.due = False
        return answer

    def _start(self) -> None:
        self.connection, far = Pipe()
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        with far:
            self.process = subprocess.Popen(
                [sys.executable, "-c", BOOT.format(far.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(far.fileno(),),
                env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": str(self.hash_seed)},
                process_group=0,
            )

    def stop(self) -> None:
        """End the process, if there is one; the next order starts another."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.connection.close()
        self.process = None


@lru_cache(maxsize=2 * len(HASH_SEEDS))
def _interpreter(hash_seed: int, owner: int) -> Interpreter:
    """Those of process ``owner``, which end with it: a fork of it starts its own."""
    interpreter = Interpreter(hash_seed)
    atexit.register(lambda: interpreter.stop() if os.getpid() == owner else None)
    return interpreter


def serve(descriptor: int) -> None:
    """What an interpreter runs until its owner ends: an order in, an answer from a fork out."""
    import palaestra.envs.testing  # noqa: F401  # so that the forks need not

    with Connection(descriptor) as connection:
        while True:
            try:
                order = connection.recv_bytes()
            except EOFError:
                return
            child = os.fork()
            if not child:
                _answer(connection, *json.loads(order))
                os._exit(0)
            _, status = os.waitpid(child, 0)
            if status:
                connection.send_bytes(json.dumps(f"it ended with status {os.waitstatus_to_exitcode(status)}").encode())


def _answer(connection: Connection, path: list[str], function: str, arguments: Sequence[Any]) -> None:
    import importlib

    sys.path[:] = path
    module, _, name = function.partition(":")
    answer: Any
    try:
        answer = attrgetter(name)(importlib.import_module(module))(*arguments)
    except (Exception, SystemExit) as error:
        answer = f"{type(error).__name__}: {error}"
    connection.send_bytes(json.dumps(answer).encode())
