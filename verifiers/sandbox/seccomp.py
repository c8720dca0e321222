"""The system calls that a program may make: a seccomp filter, assembled here as classic BPF.

A list of what is allowed, not of what is forbidden: a system call that a later kernel adds is refused. Arguments are
checked where a call has harmless and harmful uses. No socket but a connected pair can be made in any case.
"""

from __future__ import annotations

import os
import struct

from .kernel import address, syscall
from .syscalls import ATTRIBUTES, CHECKED, EXECUTES, HARMLESS, MACHINE, REFUSED, STARTS, numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

SET_MODE_FILTER = 1
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
EPERM, ENOSYS = 1, 38
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32 = 0x40000000  # the bit of the second numbering that x86_64 kernels may answer to

LOAD, EQUAL, AT_LEAST, ANY_BIT, MASK, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
NUMBER, ARCH, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data

CLONE_THREAD = 0x00010000
CLONE_NAMESPACES = 0x7E020000
OWN_PROCESS = 0x7F3A91C5  # stands for the number of the process that a filter is installed in
AF_UNIX, SOCK_STREAM, SOCKET_TYPE = 1, 1, 0xF
IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # TCGETS TIOCGWINSZ FIONREAD FIONBIO FIONCLEX FIOCLEX
PRCTLS = (3, 15, 16, 21, 23, 39, 0x53564D41)  # GET_DUMPABLE SET_NAME GET_NAME GET_SECCOMP CAPBSET_READ .. SET_VMA


def assemble(*, processes: bool, execute: bool, attributes: bool, machine: str = MACHINE) -> bytes:
    """The filter of a program, but for its process number, which ``install`` fills in.

    processes: it may start processes and signal any that it sees. Only for a pid namespace, or for a compiler.
    execute: it may replace itself by another program.
    attributes: it may change modes and times of files by path, which Landlock does not watch.
    """
    allowed = [HARMLESS, *[STARTS] * processes, *[EXECUTES] * execute, *[ATTRIBUTES] * attributes]
    refused = (REFUSED, STARTS, EXECUTES, ATTRIBUTES)
    answers = {number: [_return(ERRNO | EPERM)] for number in _numbers(machine, *refused)}
    answers |= {number: [_return(ALLOW)] for number in _numbers(machine, *allowed)}
    for name, number in numbers(CHECKED, machine).items():
        answers[number] = _check(name, processes)
    if machine == "x86_64":
        answers[X32] = [_return(KILL)]  # and above
    program = [_load(ARCH), _jump(EQUAL, AUDIT_ARCH[machine], 1, 0), _return(KILL), _load(NUMBER)]
    return b"".join(program + _search(_ranges(answers)))


class Filter:
    """An assembled filter, laid out in memory before anything is forked: making room for it took a tenth of a run."""

    def __init__(self, program: bytes) -> None:
        at, self.program = address(program)
        self.header, self._kept = address(struct.pack("HxxxxxxQ", len(program) // 8, at))
        own = struct.pack("I", OWN_PROCESS)
        self.own = [place for place in range(4, len(program), 8) if program[place : place + 4] == own]


def install(filter: Filter) -> None:
    """Bind this thread and all that it starts from now on to the filter, for good.

    Raises:
        Unavailable: this kernel has no seccomp.
    """
    for place in filter.own:
        struct.pack_into("I", filter.program, place, os.getpid())
    syscall("seccomp", SET_MODE_FILTER, 0, filter.header)


def _numbers(machine: str, *groups: str) -> list[int]:
    return [number for group in groups for number in numbers(group, machine).values()]


def _ranges(answers: dict[int, list[bytes]]) -> list[tuple[int, list[bytes]]]:
    """First number and instructions of each range of system calls that are answered alike; ENOSYS between them.

    clone3 is among those: its flags lie in memory, which no filter reads. libc falls back to clone, which is checked.
    """
    unknown = [_return(ERRNO | ENOSYS)]
    ranges: list[tuple[int, list[bytes]]] = [(0, unknown)]
    for first in sorted({edge for number in answers for edge in (number, number + 1)} - {X32 + 1}):
        block = answers.get(first, unknown)
        if block != ranges[-1][1]:
            ranges.append((first, block))
    return ranges


def _search(ranges: list[tuple[int, list[bytes]]]) -> list[bytes]:
    """A binary search for the loaded number, so that filters are short to install and to run."""
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    below, above = _search(ranges[:middle]), _search(ranges[middle:])
    return [_jump(AT_LEAST, ranges[middle][0], len(below), 0), *below, *above]


def _check(name: str, processes: bool) -> list[bytes]:
    """Instructions that end in an answer by the arguments of one system call."""
    if name == "clone":
        kind = [] if processes else [_jump(ANY_BIT, CLONE_THREAD, 0, 2)]
        return [_argument(0), *kind, _jump(ANY_BIT, CLONE_NAMESPACES, 1, 0), _return(ALLOW), _return(ERRNO | EPERM)]
    if name == "socketpair":  # of streams only: a datagram socket reaches any other by its address
        family = [_argument(0), _jump(EQUAL, AF_UNIX, 0, 4)]
        return [*family, _argument(1), _instruction(MASK, SOCKET_TYPE), *_one_of([SOCK_STREAM])]
    if name == "ioctl":
        return [_argument(1), *_one_of(IOCTLS)]
    if name == "prctl":
        return [_argument(0), *_one_of(PRCTLS)]
    if name == "prlimit64":
        return [_argument(0), *_one_of([0])]
    return [_return(ALLOW)] if processes else [_argument(0), *_one_of([OWN_PROCESS])]


def _one_of(values: Iterable[int]) -> list[bytes]:
    allowed = [part for value in values for part in (_jump(EQUAL, value, 0, 1), _return(ALLOW))]
    return [*allowed, _return(ERRNO | EPERM)]


def _argument(index: int) -> bytes:
    """Load the lower half of an argument, which is all that the kernel reads of the integers checked here."""
    return _load(FIRST_ARGUMENT + 8 * index)


def _load(offset: int) -> bytes:
    return _instruction(LOAD, offset)


def _return(answer: int) -> bytes:
    return _instruction(RETURN, answer)


def _jump(test: int, value: int, yes: int, no: int) -> bytes:
    return struct.pack("HBBI", test, yes, no, value)


def _instruction(code: int, value: int) -> bytes:
    return struct.pack("HBBI", code, 0, 0, value)
