"""Whether the layers that a zygote set up are in force, seen from inside before any other program runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .outcome import Limits

FUNCTION = "look"
SOURCE = """
import ctypes, os, resource

def look():
    libc = ctypes.CDLL(None)
    capabilities = (ctypes.c_uint32 * 6)()
    libc.capget((ctypes.c_uint32 * 2)(0x20080522, 0), capabilities)
    address_space = resource.getrlimit(resource.RLIMIT_AS)
    return {
        "pidns": os.getpid() == 1,
        "mountns": not os.path.exists("/proc/self") and os.getcwd() == os.path.realpath("/tmp"),
        "userns": os.getuid() != 0,
        "landlock": refused(os.listdir, "/") or not os.path.exists("/proc/self"),  # there, mounts leave it no work
        "seccomp": libc.prctl(21, 0, 0, 0, 0) == 2 and refused(os.fork) and refused(os.setsid),
        "no_new_privs": libc.prctl(39, 0, 0, 0, 0) == 1,
        "capabilities": not any(capabilities),
        "rlimits": address_space == (MEMORY, MEMORY),
    }

def refused(function, *arguments):
    try:
        function(*arguments)
    except OSError:
        return True
    return False
"""


def source(limits: Limits) -> str:
    return SOURCE.replace("MEMORY", str(limits.memory))


def missing(seen: Any, layers: Sequence[str]) -> list[str]:
    """The layers that are claimed, can be told from inside, and do not hold."""
    facts = seen if isinstance(seen, dict) else {}
    claimed = [layer.partition(":")[0] for layer in layers]
    unseen = {"netns", "ipcns", "utsns"}  # nothing that would tell is allowed there
    return [layer for layer in claimed if layer not in unseen and facts.get(layer) is not True]
