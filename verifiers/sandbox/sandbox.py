"""Running programs that nobody trusts."""

from __future__ import annotations

import os
import threading
import warnings
import weakref
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from . import probe
from .framing import SECRET_BYTES, encode
from .ladder import LADDER, UNSANDBOXED
from .languages import settings_of
from .outcome import Limits, Outcome, SandboxError
from .process import Finished, RungUnavailable, Zygote, ZygoteDied
from .reading import read_calls, read_run

DEFAULT_LIMITS = Limits()
FunctionCall = tuple[str, Sequence[Any], Mapping[str, Any]]


class Sandbox:
    """Runs Python functions and whole programs, isolated; see the package's docstring for by what, and for what not.

    Safe to use from any number of threads at once. The first use starts a zygote process, which takes some 50 ms, and
    the first program that imports anything a second; ``close``, the end of a ``with``, or of this process ends them.

    limits: of each run, unless it names its own.
    unsandboxed: run with resource limits alone, and warn. Never for programs that anyone else wrote.
    rung: stand on this rung of ``LADDER`` or fail, instead of on the best that there is.

    Raises:
        ValueError: no such rung.
    """

    def __init__(
        self,
        limits: Limits = DEFAULT_LIMITS,
        *,
        unsandboxed: bool = False,
        rung: str | None = None,
    ) -> None:
        if rung is not None and rung not in LADDER:
            raise ValueError(f"no rung {rung!r}: there are {', '.join(LADDER)}")
        if unsandboxed and rung is not None:
            raise ValueError("unsandboxed=True stands on no rung: leave one of them out")
        if unsandboxed:
            warnings.warn("unsandboxed=True: programs run with all rights of this process", stacklevel=2)
        self.limits = limits
        self.restarts = 0  # of zygotes that died
        self._rungs = (UNSANDBOXED,) if unsandboxed else (rung,) if rung else tuple(LADDER)
        self._lock = threading.Lock()
        self._zygotes: dict[bool, tuple[Zygote, weakref.finalize[Any, Any]]] = {}  # by whether they are stocked
        self._pid = 0

    def call(
        self,
        source: str,
        function: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        limits: Limits | None = None,
    ) -> Outcome:
        """What a function of a Python source returns, called in a process of its own.

        Arguments and value are plain data, as ``encode`` says; subclasses of the built-in types arrive as those.

        Raises:
            NotPlain: an argument is no plain data (a ValueError).
            SandboxError: the sandbox cannot run anything.
        """
        return self.calls(source, [(function, args, kwargs or {})], limits)[0]

    def calls(self, source: str, calls: Sequence[FunctionCall], limits: Limits | None = None) -> list[Outcome]:
        """The same for several calls, one after the other in one process: quicker, but they can disturb one another.

        The limits are of all calls together, and each outcome holds what all of them printed. When a call does not
        come to its end, that is the outcome of those after it too. The seconds of each call are the program's own
        word: to hold it to a time, use ``call``.
        """
        secret = os.urandom(SECRET_BYTES)
        settings = _settings("call", "python", limits or self.limits)
        finished, layers = self._execute(settings, "import" in source, _calls(secret, source, calls), b"")
        return read_calls(finished, secret, len(calls), settings, layers)

    def run(
        self,
        program: str,
        stdin: str = "",
        argv: Sequence[str] = (),
        language: str = "python",
        limits: Limits | None = None,
    ) -> Outcome:
        """What a whole program prints. Its value is None.

        language: python, javascript, c or c++; the last two are compiled first, within the sandbox.

        Raises:
            SandboxError: the sandbox cannot run anything, or this machine lacks the language.
        """
        settings = _settings("run", language, limits or self.limits, names_input="/dev/stdin" in program)
        work = encode([program, list(argv)])
        stocked = language == "python" and "import" in program
        finished, layers = self._execute(settings, stocked, work, stdin.encode("utf-8", "surrogatepass"))
        return read_run(finished, settings, layers)

    @property
    def layers(self) -> tuple[str, ...]:
        """What isolates the runs of this sandbox; starts it.

        Raises:
            SandboxError: nothing does on this machine.
        """
        return self._started().layers

    def close(self) -> None:
        """End the zygotes and whatever runs in them. A later call starts another."""
        with self._lock:
            self._let_go()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _execute(
        self, settings: dict[str, Any], stocked: bool, request: bytes, stdin: bytes
    ) -> tuple[Finished, tuple[str, ...]]:
        reason = ""
        for _ in range(2):
            zygote = self._started(stocked)
            try:
                return zygote.execute(settings, request, stdin), zygote.layers
            except ZygoteDied as error:
                reason = str(error)
                self._replace(zygote)
            except OSError as error:  # out of descriptors or memory
                raise SandboxError(f"the sandbox cannot run anything: {error}") from error
        raise SandboxError(f"the sandbox failed twice: {reason}")

    def _started(self, stocked: bool = False) -> Zygote:
        with self._lock:
            if self._pid != os.getpid():
                self._let_go()
                self._pid = os.getpid()
            if stocked not in self._zygotes:
                zygote = _best(self._rungs, stocked)
                self._rungs = (zygote.rung,)  # where the next one will stand too: nothing slides down later on
                self._zygotes[stocked] = zygote, weakref.finalize(self, zygote.stop)
            return self._zygotes[stocked][0]

    def _replace(self, dead: Zygote) -> None:
        with self._lock:
            for stocked, (zygote, finalizer) in list(self._zygotes.items()):
                if zygote is dead:
                    self.restarts += 1
                    finalizer()
                    del self._zygotes[stocked]

    def _let_go(self) -> None:
        """Stop the zygotes if they are this process's own; those that a fork inherited stay with its parent."""
        for zygote, finalizer in self._zygotes.values():
            finalizer.detach()
            if self._pid == os.getpid():
                zygote.stop()
            else:
                zygote.abandon()
        self._zygotes.clear()


def _calls(secret: bytes, source: str, calls: Sequence[FunctionCall]) -> bytes:
    words = ((name, list(args), dict(kwargs)) for name, args, kwargs in calls)
    return encode([secret, source, [[name, args, kwargs] if kwargs else [name, args] for name, args, kwargs in words]])


def _settings(mode: str, language: str, limits: Limits, names_input: bool = False) -> dict[str, Any]:
    given = {name: getattr(limits, name) for name in Limits.__slots__}
    return {"mode": mode, "names_input": names_input, **settings_of(language, limits.memory), **given}


def _best(rungs: Sequence[str], stocked: bool) -> Zygote:
    """A zygote on the first rung that can be had, all of whose layers were seen to hold."""
    refusals = []
    for rung in rungs:
        try:
            zygote = Zygote(rung, stocked)
            if rung != UNSANDBOXED:
                _examine(zygote, rung)
            return zygote
        except RungUnavailable as error:
            refusals.append(str(error))
    raise SandboxError(f"no isolation to be had here ({'; '.join(refusals)})")


def _examine(zygote: Zygote, rung: str) -> None:
    limits = DEFAULT_LIMITS
    secret = os.urandom(SECRET_BYTES)
    settings = _settings("call", "python", limits)
    try:
        finished = zygote.execute(settings, _calls(secret, probe.source(limits), [(probe.FUNCTION, (), {})]), b"")
    except ZygoteDied as error:
        zygote.stop()
        raise RungUnavailable(f"{rung}: {error}") from error
    [outcome] = read_calls(finished, secret, 1, settings, zygote.layers)
    if missing := probe.missing(outcome.value, zygote.layers):
        zygote.stop()
        raise RungUnavailable(f"{rung}: {', '.join(missing)} not in force {outcome.error}".rstrip())
