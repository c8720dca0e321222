"""Killable processes for heavy library work on untrusted text.

    pool = Workers("package.module:function", count=2, seconds=2.0)
    outcome = pool.call("x^2", "x*x")       # from any thread

A worker is a fresh Python process (``worker_process``), never a fork of the caller: it may hold threads and a GPU.
Workers start when first needed, are replaced when they die, and end with the process that started them, even when it
is killed. Arguments and results are plain JSON data: tuples arrive as lists.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .worker_process import STATUS, BrokenFrame, encode, receive, receive_exactly

START_SECONDS = 120.0  # for a worker to import its function and warm up
PATIENCE = 20.0  # an item may take this many times its limit by the clock on the wall, when it waits for a processor
SLICE = 0.25  # seconds of one wait, counted as no more than that when this process itself was paused
FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGIO)
ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONHOME", "VIRTUAL_ENV")
BOOT = "import json, sys; sys.path[:] = json.loads(sys.argv[2]); from {} import main; main(sys.argv[1])"


class Ending(StrEnum):
    """How a call ended. The item's doing: DONE, ERROR, TIMEOUT, MEMORY. Not the item's: DIED."""

    DONE = "done"
    ERROR = "error"
    TIMEOUT = "timeout"
    MEMORY = "out of memory"
    DIED = "died"


@dataclass(frozen=True, slots=True)
class Outcome:
    """``value`` when DONE, else one line of ``reason``.

    ERROR: the function raised, or its native code crashed. DIED: the worker could not start, was killed from outside
    or broke the protocol, and so did the one that tried the item a second time.
    """

    ending: Ending
    value: Any = None
    reason: str = ""


class Workers:
    """Up to ``count`` workers that call ``target`` (``module:function``); safe in any thread and after a fork.

    seconds: processor time of one item, so that the verdict does not depend on the load; with ``PATIENCE`` times as
        much by the wall clock. Either starts when the worker begins the item.
    memory: bytes of address space of a worker.
    warm: argument lists that each worker calls when it starts, whatever comes of it. They may start no thread.
    """

    def __init__(
        self,
        target: str,
        count: int = 1,
        seconds: float = 2.0,
        memory: int = 1 << 30,
        warm: Sequence[Sequence[Any]] = (),
    ) -> None:
        if count < 1:
            raise ValueError(f"count is at least 1, not {count}")
        self.target, self.count, self.seconds, self.memory, self.warm = target, count, seconds, memory, warm
        self._live: set[_Worker] = set()
        self._reset()
        weakref.finalize(self, _close, self._live)
        forked = weakref.WeakMethod(self._forked)
        os.register_at_fork(after_in_child=lambda: _call(forked()))

    def call(self, *args: Any) -> Outcome:
        """Call the function in a worker and wait. A worker that died through no fault of the item is retried once.

        Raises:
            TypeError, ValueError: the arguments are not plain data, or too long.
        """
        request = encode(args)
        outcome = self._once(request)
        return self._once(request) if outcome.ending is Ending.DIED else outcome

    def map(self, items: Sequence[Sequence[Any]]) -> list[Outcome]:
        """The outcome of each argument list, in order, computed by all workers side by side."""
        with ThreadPoolExecutor(self.count) as threads:
            return list(threads.map(lambda args: self.call(*args), items))

    def close(self) -> None:
        """End the workers; a later call starts new ones."""
        with self._lock:
            _close(self._live)
            self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._idle: queue.LifoQueue[_Worker | str] = queue.LifoQueue()
        self._started = 0

    def _forked(self) -> None:
        """In the child of a fork: the workers are the parent's."""
        for worker in self._live:
            worker.abandon()
        self._live.clear()
        self._reset()

    def _once(self, request: bytes) -> Outcome:
        worker = self._take()
        if isinstance(worker, str):
            return Outcome(Ending.DIED, reason=worker)
        try:
            return worker.run(request, self.seconds)
        except BaseException:  # an interrupt: the worker is still busy
            worker.close()
            raise
        finally:
            self._give(worker)

    def _take(self) -> _Worker | str:
        """An idle worker, or why it could not start."""
        while True:
            with self._lock:
                idle = self._idle
                if idle.empty() and self._started < self.count:
                    self._start()
            with contextlib.suppress(queue.Empty):  # look again: perhaps another waiter took the only reason
                return idle.get(timeout=1.0)

    def _give(self, worker: _Worker) -> None:
        with self._lock:
            if worker not in self._live:  # closed meanwhile
                worker.close()
            elif worker.alive:
                self._idle.put(worker)
            else:
                self._live.discard(worker)
                worker.close()
                self._started -= 1
                self._start()

    def _start(self) -> None:
        """Start a worker in a thread of its own, so that no caller waits for it while another is idle."""
        self._started += 1
        threading.Thread(target=self._boot, args=(self._idle,), daemon=True).start()

    def _boot(self, idle: queue.LifoQueue[_Worker | str]) -> None:
        try:
            worker = _Worker(self.target, self.memory, self.warm)
        except Exception as error:  # whatever it is, those who wait for a worker must hear of it
            reason = f"the worker did not start: {error}"
            with self._lock:
                self._started -= idle is self._idle
            idle.put(reason)
            return
        with self._lock:
            if idle is not self._idle:  # closed meanwhile
                worker.close()
                return
            self._live.add(worker)
        idle.put(worker)


class _Worker:
    """A process that forks servers, and the server of the moment."""

    def __init__(self, target: str, memory: int, warm: Sequence[Sequence[Any]]) -> None:
        self.alive = True
        self.connection: socket.socket | None = None
        self.server = self.pidfd = -1
        self.calls = 0
        self.control, far = socket.socketpair()
        environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        with far:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", BOOT.format(receive.__module__), str(far.fileno()), json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(far.fileno(),),
                env={**environment, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"},
                process_group=0,
            )
        try:
            self.control.settimeout(START_SECONDS)
            self.control.sendall(encode([target, memory, warm]))
            if problem := receive(self.control):
                raise OSError(problem)
            self._fork()
        except BaseException:
            self.close()
            raise

    def run(self, request: bytes, seconds: float) -> Outcome:
        """Have the server run one item; when that took its life, a new one stands ready afterwards."""
        assert self.connection is not None
        self.calls += 1
        try:
            self.connection.sendall(request)
            outcome = self._wait(self.connection, seconds)
        except (OSError, EOFError, BrokenFrame):
            outcome = None
        if outcome is not None and outcome.ending in (Ending.DONE, Ending.ERROR):
            return outcome
        used = self.calls > 1
        try:
            code = self._end_server()
            self._fork()
        except (OSError, EOFError):
            self.alive = False
            return outcome or Outcome(Ending.DIED, reason="the worker was killed")
        if outcome is None and -code in FROM_OUTSIDE:
            return Outcome(Ending.DIED, reason=f"the worker ended with status {code}")
        outcome = outcome or Outcome(Ending.ERROR, reason=f"crashed with status {code}")
        if used and outcome.ending is not Ending.TIMEOUT:  # perhaps for what earlier items had left behind
            return self.run(request, seconds)
        return outcome

    def close(self) -> None:
        self.alive = False
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self._close_files()

    def abandon(self) -> None:
        """Forget a worker of another process."""
        self.alive = False
        self._close_files()
        self.process.returncode = 0

    def _wait(self, connection: socket.socket, seconds: float) -> Outcome:
        began, waited = self._processor_time(), 0.0
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        while True:
            left = seconds - (self._processor_time() - began)
            if left <= 0 or waited > PATIENCE * seconds:
                return Outcome(Ending.TIMEOUT, reason=f"no result within {seconds:g} s")
            step = min(max(left, 0.001), SLICE)
            if poll.poll(step * 1000):
                match receive(connection):
                    case ["done", value]:
                        return Outcome(Ending.DONE, value)
                    case ["error", str(reason)]:
                        return Outcome(Ending.ERROR, reason=reason)
                    case ["memory", None]:
                        return Outcome(Ending.MEMORY, reason="no result within the memory limit")
                raise BrokenFrame("no reply of a worker")
            waited += step

    def _processor_time(self) -> float:
        """Seconds of processor time of the server; the clock's number is that of clock_getcpuclockid(3)."""
        return time.clock_gettime((~self.server << 3) | 2)

    def _fork(self) -> None:
        """A new server, as warm as the process it is forked from."""
        self.connection, far = socket.socketpair()
        self.connection.settimeout(START_SECONDS)
        with far:
            socket.send_fds(self.control, [b"f"], [far.fileno()])
        self.server = self._status()
        self.pidfd = os.pidfd_open(self.server)
        self.calls = 0

    def _end_server(self) -> int:
        """Kill the server if it still runs; its exit code, negative for a signal."""
        assert self.connection is not None
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        os.close(self.pidfd)
        self.pidfd = -1
        self.connection.close()
        return self._status()

    def _status(self) -> int:
        status: int = STATUS.unpack(receive_exactly(self.control, STATUS.size))[0]
        return status

    def _close_files(self) -> None:
        for file in (self.connection, self.control, self.process.stdin):
            if file is not None:
                file.close()
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1


def _close(workers: set[_Worker]) -> None:
    for worker in workers:
        worker.close()
    workers.clear()


def _call(method: Callable[[], None] | None) -> None:
    if method is not None:
        method()
