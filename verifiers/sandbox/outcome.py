"""What is allowed to a program, and what became of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MIB = 2**20
MIN_MEMORY = 64 * MIB


class SandboxError(RuntimeError):
    """The sandbox itself failed, or this machine lacks what it needs: nothing is known about the program."""


class Ended(StrEnum):
    """How a program came to its end."""

    OK = "ok"  # a value was returned, or the program ended with exit code 0
    ERROR = "error"  # an exception, a value that is no plain data, or another exit code
    TIMEOUT = "timeout"  # wall clock or processor time
    MEMORY = "memory"
    OUTPUT = "output"  # it printed or returned more than allowed
    CRASHED = "crashed"  # killed by a signal
    NO_RESULT = "no_result"  # nothing was returned, or what came back is malformed or too much


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use.

    seconds: of wall clock, but for those in which the process could have run and others had the processors (up to 20
        times the limit, where the kernel tells), so that right is right on a busy machine too.
    cpu: seconds of processor time of each process, rounded up to whole ones.
    memory: bytes of address space of each process, the interpreter's own (some 50 MiB of it) included.
    output: bytes of standard output, of standard error, and of what is returned, each.
    files: bytes of all files written (of each, where there is no mount namespace).
    processes: that ``run`` may have at once, itself included, beside threads; 1 where there is no process namespace.

    Raises:
        ValueError: a limit is not positive and finite, or ``memory`` is too small for an interpreter.
    """

    seconds: float = 5.0
    cpu: float = 5.0
    memory: int = 256 * MIB
    output: int = MIB
    files: int = 32 * MIB
    processes: int = 1

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not (0 < value < math.inf):
                raise ValueError(f"the limit {name} is positive and finite, not {value}")
        if self.memory < MIN_MEMORY:
            raise ValueError(f"the limit memory is {MIN_MEMORY} bytes or more, not {self.memory}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one call or program. Its exit code and what it printed are for people: anyone can print "passed".

    value: what the function returned, of exact built-in types; None from ``run``.
    error: one line, such as ``ZeroDivisionError: division by zero``; empty when the status is OK.
    exit_code: negative for a signal, as in subprocess; abort() shows as SIGSEGV in a process namespace, where a program
    is process 1. None when it is not known.
    seconds: of wall clock, from its fork to its end (of a compiled program: from its start); past the limit, without
    those that it waited for a processor.
    memory: peak resident bytes, the interpreter's own included.
    layers: what isolated it, such as ``pidns`` and ``landlock:7``.
    called: False when the call was never made: the program did not load, or defines no such function.
    """

    status: Ended
    value: Any = None
    stdout: str = ""
    stderr: str = ""
    error: str = ""
    exit_code: int | None = None
    seconds: float = 0.0
    memory: int = 0
    layers: tuple[str, ...] = ()
    called: bool = True
