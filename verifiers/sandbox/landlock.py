"""Files and network by Landlock: what a process and all that it starts may still open, whoever it runs as."""

from __future__ import annotations

import os
import stat
import struct

from .kernel import address, syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

CREATE_RULESET_VERSION = 1
RULE_PATH_BENEATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
MAKE_CHAR, MAKE_SOCK, MAKE_BLOCK, IOCTL_DEV = 1 << 6, 1 << 9, 1 << 11, 1 << 15
HANDLED = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}  # file rights from each version on
NETWORK = 3  # bind and connect of TCP, from version 4 on
SCOPES = 3  # abstract sockets and signals stay within, from version 6 on

READ = EXECUTE | READ_FILE | READ_DIR
DEVICE = READ_FILE | WRITE_FILE
ALL = (1 << 16) - 1 & ~(MAKE_CHAR | MAKE_SOCK | MAKE_BLOCK | IOCTL_DEV)  # but making sockets and devices


def version() -> int:
    """Landlock's version in this kernel, from 1 on.

    Raises:
        Unavailable: it has none, or it is switched off.
    """
    return syscall("landlock_create_ruleset", 0, 0, CREATE_RULESET_VERSION)


def rule(path: str) -> tuple[int, int]:
    """Rights to read what lies at ``path`` (to write too, to a device), and its open descriptor."""
    kind = os.stat(path).st_mode
    rights = READ if stat.S_ISDIR(kind) else DEVICE if stat.S_ISCHR(kind) else READ_FILE
    return rights, os.open(path, os.O_PATH | os.O_CLOEXEC)


def ruleset(abi: int, rules: Iterable[tuple[int, int]]) -> int:
    """The descriptor of a set of rules, for ``restrict``: rights, and the open path that they hold beneath.

    Raises:
        Unavailable: the kernel refused.
    """
    handled = max((rights for first, rights in HANDLED.items() if first <= abi), key=int.bit_length)
    attributes = struct.pack("QQQ", handled, NETWORK if abi >= 4 else 0, SCOPES if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    at, kept = address(attributes)
    made = syscall("landlock_create_ruleset", at, size, 0)
    for rights, descriptor in rules:
        at, kept = address(struct.pack("=Qi", rights & handled, descriptor))
        syscall("landlock_add_rule", made, RULE_PATH_BENEATH, at, 0)
    del kept
    return made


def restrict(ruleset: int) -> None:
    """Leave this process, for good, only what the rules allow.

    Raises:
        Unavailable: the kernel refused; no_new_privs must be set before.
    """
    syscall("landlock_restrict_self", ruleset, 0)
