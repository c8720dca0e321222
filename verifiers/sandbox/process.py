"""The host's side: one zygote, and what passes between it and the host for each run."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import reports
from .framing import decode, encode
from .outcome import SandboxError
from .scratch import create, remove

OUTPUTS = ("stdout", "stderr")
START_SECONDS = 20.0
GRACE_SECONDS = 5.0  # from the kill to the report of it
PATIENCE = 20.0  # times its limit a run may wait for a processor
TICK = 0.01  # seconds of waiting that are worth another look
CHUNK = 1 << 16

# The package's real __init__ is for the host: its modules are loaded here without it and without anything above it.
_START = """
import _socket, sys
folder, control, rung, prefix, stocked = sys.argv[1:]
package = type(sys)("sandbox")
package.__path__ = [folder]
sys.modules["sandbox"] = package
from sandbox.zygote import main
main(_socket.socket(fileno=int(control)), rung, prefix, bool(stocked))
"""


class ZygoteDied(RuntimeError):
    """The zygote ended, or could not set a run up. What ran at the time is unknown."""


class RungUnavailable(RuntimeError):
    """This machine refuses a layer of the rung that was asked for."""


@dataclass(slots=True)
class Finished:
    """One run, as the host saw it."""

    output: dict[str, bytearray] = field(default_factory=lambda: {name: bytearray() for name in OUTPUTS})
    result: bytes = b""
    killed: str = ""  # why the host killed it: "timeout" or "output"
    status: int = 0
    memory: int = 0
    cpu: float = 0.0
    seconds: float = 0.0


class Zygote:
    """A started zygote. ``execute`` may be called from any number of threads at once.

    stocked: it has imported what programs often import.

    Raises:
        RungUnavailable: a layer of the rung is not to be had here.
        SandboxError: it did not start in time.
    """

    def __init__(self, rung: str, stocked: bool) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.rung = rung
        self._control = ours
        here = str(Path(__file__).resolve().parent)
        python = getattr(sys, "_base_executable", "") or sys.executable
        given = [here, str(theirs.fileno()), rung, sys.base_prefix, "stocked" if stocked else ""]
        with theirs:
            self._process = subprocess.Popen(
                [python, "-s", "-S", "-P", "-c", _START, *given],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={"PYTHONHASHSEED": "0", "LD_BIND_NOW": "1"},  # else each fork looks its symbols up anew
                cwd="/",
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        try:
            hello = self._hello(rung)
        except BaseException:
            self.stop()
            raise
        self.layers: tuple[str, ...] = tuple(hello["layers"])
        self._user: int | None = hello["user"]
        self._own_folders = "mountns" not in self.layers

    def _hello(self, rung: str) -> dict[str, Any]:
        self._control.settimeout(START_SECONDS)
        try:
            message = self._control.recv(CHUNK)
        except TimeoutError:
            raise SandboxError(f"{rung}: the zygote did not start within {START_SECONDS:g} s") from None
        if not message:
            self._process.kill()
            assert self._process.stderr is not None
            lines = self._process.stderr.read().decode(errors="replace").splitlines()
            raise RungUnavailable(f"{rung}: the zygote did not start: {lines[-1] if lines else 'no reason given'}")
        self._control.settimeout(None)
        hello: dict[str, Any] = decode(message)
        if "error" in hello:
            raise RungUnavailable(f"{rung}: {hello['error']}")
        return hello

    def stop(self) -> None:
        """Kill the zygote and with it all that runs in it."""
        self._control.close()
        self._process.kill()
        if self._process.stderr is not None:
            self._process.stderr.close()
        self._process.wait()

    def abandon(self) -> None:
        """Let go of a zygote that belongs to the process which this one was forked from."""
        self._control.close()

    def execute(self, settings: Mapping[str, Any], request: bytes, stdin: bytes) -> Finished:
        """Run one request in a fork of the zygote.

        Raises:
            ZygoteDied: nothing can be said about the run.
        """
        with ExitStack() as closing, ExitStack() as handed:
            passed = [_sealed("request", request, handed), _sealed("stdin", stdin, handed)]
            outputs: dict[int, str] = {}
            for name in OUTPUTS:
                reading, writing = os.pipe()
                outputs[_closed_by(closing, reading)] = name
                passed.append(_closed_by(handed, writing))
            # The result is a file in memory: it outlives a crash, and writing to it wakes nobody.
            result = _closed_by(closing, os.memfd_create("result"))
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            closing.enter_context(ours)
            handed.enter_context(theirs)
            passed.append(result)
            if self._own_folders:
                folder = create(self._user, settings["language"] != "python")
                closing.callback(remove, folder)
                passed.append(_closed_by(handed, os.open(folder, os.O_RDONLY | os.O_DIRECTORY)))
            try:
                socket.send_fds(self._control, [encode(settings)], [theirs.fileno(), *passed])
            except ConnectionError as error:
                raise ZygoteDied(f"it does not listen: {error}") from error
            handed.close()
            finished = _Watch(settings, outputs, ours, closing).follow()
            finished.result = os.pread(result, settings["output"] + 1, 0)
            if len(finished.result) > settings["output"]:
                finished.killed = finished.killed or "output"
            return finished


def _closed_by(stack: ExitStack, descriptor: int) -> int:
    stack.callback(os.close, descriptor)
    return descriptor


def _sealed(name: str, data: bytes, stack: ExitStack) -> int:
    """A descriptor from which ``data`` can be read, by whoever has it, and which nobody can change."""
    if not data:
        return _closed_by(stack, os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    descriptor = _closed_by(stack, os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING))
    with open(descriptor, "wb", buffering=0, closefd=False) as file:
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]
    seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def waiting_time(pidfd: int) -> float:
    """Seconds for which a process could have run but others had the processors; 0 where the kernel does not tell."""
    try:
        pid = Path(f"/proc/self/fdinfo/{pidfd}").read_text().partition("Pid:")[2].split()[0]
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


class _Watch:
    """Follows one run to its end: keeps what it writes, kills it at a limit, learns how it ended."""

    def __init__(
        self, settings: Mapping[str, Any], outputs: dict[int, str], report: socket.socket, closing: ExitStack
    ) -> None:
        self._seconds: float = settings["seconds"]
        self._cap: int = settings["output"]
        self._outputs = outputs
        self._report = report
        report.setblocking(False)
        self._closing = closing
        self._pidfd = -1
        self._first: float = settings["compile_seconds"] if settings.get("compile") else self._seconds
        self._began = 0.0
        self._deadline = time.monotonic() + START_SECONDS  # of the fork
        self._ended = False
        self._waited = self._waited_before = 0.0  # seconds for a processor, which are not counted; for the compiler's
        self._finished = Finished()
        self._poll = select.poll()
        for descriptor in (report.fileno(), *outputs):
            self._poll.register(descriptor, select.POLLIN)

    def follow(self) -> Finished:
        try:
            while not self._ended:
                left = self._deadline - time.monotonic()
                for descriptor, _ in self._poll.poll(max(left, 0.0) * 1000 + 1):
                    self._read(descriptor)
                if left <= 0 and not self._ended:
                    self._late()
            while ready := self._poll.poll(0):  # what it wrote before its end is in the pipes
                for descriptor, _ in ready:
                    self._read(descriptor)
        except BaseException:
            self._kill("")
            raise
        return self._finished

    def _read(self, descriptor: int) -> None:
        if descriptor == self._report.fileno():
            self._hear()
            return
        name = self._outputs[descriptor]
        kept = self._finished.output[name]
        data = os.read(descriptor, CHUNK)
        if not data:
            self._poll.unregister(descriptor)
            return
        kept += data[: self._cap + 1 - len(kept)]
        if len(kept) > self._cap:
            self._poll.unregister(descriptor)
            self._kill("output")

    def _hear(self) -> None:
        """All that was reported by now: a host that was kept from running must not take an end for a delay."""
        with suppress(BlockingIOError):
            while not self._ended:
                message, passed, _, _ = socket.recv_fds(self._report, 4096, 1)
                self._understand(message[:1], message[1:], passed)

    def _understand(self, kind: bytes, rest: bytes, passed: list[int]) -> None:
        if kind == reports.FORKED:
            self._pidfd = _closed_by(self._closing, passed[0])
            self._begin(rest, self._first)
            if self._finished.killed:
                self._kill(self._finished.killed)
        elif kind == reports.RUNNING:
            self._begin(rest, self._seconds)
            self._waited, self._waited_before = 0.0, waiting_time(self._pidfd)
        elif kind == reports.ENDED:
            self._finished.status, kibibytes, self._finished.cpu, when = reports.USAGE.unpack(rest)
            self._finished.seconds = when - self._began - self._waited
            self._finished.memory = kibibytes * 1024
            self._ended = True
            self._poll.unregister(self._report.fileno())
        else:
            raise ZygoteDied(rest.decode(errors="replace") or "it ended during a run")

    def _begin(self, when: bytes, seconds: float) -> None:
        (self._began,) = reports.WHEN.unpack(when)
        self._deadline = self._began + seconds

    def _late(self) -> None:
        if self._pidfd < 0 or self._finished.killed:
            raise ZygoteDied("it did not report a run's beginning or its end")
        waited = waiting_time(self._pidfd) - self._waited_before
        if self._waited + TICK < waited < PATIENCE * self._seconds:
            self._deadline += waited - self._waited
            self._waited = waited
            return
        self._kill("timeout")
        self._deadline = time.monotonic() + GRACE_SECONDS

    def _kill(self, why: str) -> None:
        self._finished.killed = self._finished.killed or why
        if self._pidfd >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
