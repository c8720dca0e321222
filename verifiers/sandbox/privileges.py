"""What a run may use and do: resource limits, capabilities, and the user it runs as."""

from __future__ import annotations

import math
import os
import resource
import struct

from .kernel import PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, PR_CAPBSET_DROP, Unavailable, address, prctl, syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

CAPABILITY_VERSION_3 = 0x20080522
LAST_CAPABILITY = 63
DESCRIPTORS = 128
THREADS = 64
MARGIN = 2**16
THROW_AWAY = (20_000, 60_000)  # user ids that distributions assign to no one


def throw_away_user() -> int | None:
    """A user id of no one, drawn at random within what this user namespace maps; None when there is none to take.

    Limits on processes do not bind root, so root's sandboxes run as somebody else.
    """
    with open("/proc/self/uid_map") as file:
        maps = [[int(part) for part in line.split()] for line in file]
    low, high = THROW_AWAY
    if not any(first <= low and high <= first + count for first, _, count in maps):
        return None
    return low + int.from_bytes(os.urandom(4), "big") % (high - low)


def become(user: int) -> None:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def forget_capabilities() -> None:
    """Give up the capabilities that a later exec could regain. Those in force stay until ``drop_capabilities``."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(LAST_CAPABILITY + 1):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except Unavailable:  # this kernel has fewer, or this user had none
            return


_HEADER = address(struct.pack("Ii", CAPABILITY_VERSION_3, 0))  # made beforehand: every run uses them
_NONE = address(bytes(24))


def drop_capabilities() -> None:
    syscall("capset", _HEADER[0], _NONE[0])


def limits(settings: Mapping[str, Any], processes: int | None) -> list[tuple[int, tuple[int, int]]]:
    """What ``impose`` is to lower. ``processes``: None where they cannot be told from the user's others."""
    most = {
        resource.RLIMIT_CPU: math.ceil(settings["cpu"]),
        resource.RLIMIT_DATA if settings["reserves"] else resource.RLIMIT_AS: settings["memory"],
        resource.RLIMIT_FSIZE: max(settings["files"], settings["output"] + MARGIN),  # the result is a file too
        resource.RLIMIT_STACK: settings["stack"],
        resource.RLIMIT_NOFILE: DESCRIPTORS,
        resource.RLIMIT_CORE: 0,
    }
    if processes is not None:
        most[resource.RLIMIT_NPROC] = processes + THREADS
    lowered = ((what, int(min(value, _HARD[what]))) for what, value in most.items())
    return [(what, (value, value)) for what, value in lowered]


def impose(limits: Iterable[tuple[int, tuple[int, int]]]) -> None:
    """Lower this process's limits for good."""
    for what, both in limits:
        resource.setrlimit(what, both)


def _hard(what: int) -> float:
    most = resource.getrlimit(what)[1]
    return math.inf if most == resource.RLIM_INFINITY else most


_HARD = {getattr(resource, name): _hard(getattr(resource, name)) for name in dir(resource) if name[:7] == "RLIMIT_"}
