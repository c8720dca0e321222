"""The rungs of isolation, best first. A sandbox stands on the first that this machine offers, and says which."""

from __future__ import annotations

_PROCESS = ("seccomp", "rlimits", "capabilities", "no_new_privs")
_NAMESPACES = ("userns", "pidns", "mountns", "netns", "ipcns", "utsns")

LADDER: dict[str, tuple[str, ...]] = {
    "full": (*_NAMESPACES, "landlock", *_PROCESS),
    "namespaces": (*_NAMESPACES, *_PROCESS),  # kernels without Landlock
    "landlock": ("landlock", *_PROCESS),  # where namespaces are forbidden, as in most containers
}
UNSANDBOXED = "none"  # only when asked for: resource limits and the kill at the end, nothing else
LADDER_AND_NONE = LADDER | {UNSANDBOXED: ("rlimits",)}
