"""Namespaces: a zygote sees no network, no processes and no files but a read-only /usr and Python's own library.

Each run gets, on top of that, process and mount namespaces of its own, with a small empty tmpfs as /tmp.
"""

from __future__ import annotations

import os
import struct

from .kernel import address, mount, syscall

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER = 0x00020000, 0x04000000, 0x08000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 1, 2, 4

INSIDE_ID = 1000  # user and group within
INODES = 500  # of a run's tmpfs
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
FILES = ("/etc/ld.so.cache",)
WRITABLE = "/scratch"  # holds nothing but the folder that each run mounts its own tmpfs on: /tmp leads there
SCRATCH = WRITABLE + "/tmp"
STDIN, STDIN_COPY = "/dev/stdin", SCRATCH + "/.stdin"
ROOT = "/tmp"  # where the new root is made: any folder would do, for this process alone sees it


def enter() -> None:
    """Leave the host's namespaces. The next child is process 1 of the new process namespace; this process stays out.

    Raises:
        Unavailable: namespaces are forbidden here.
    """
    user, group = os.getuid(), os.getgid()
    syscall("unshare", CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{INSIDE_ID} {user} 1")
    _write("/proc/self/gid_map", f"{INSIDE_ID} {group} 1")


def build_root(prefix: str) -> None:
    """Make a new root of read-only system folders and ``prefix``, which must be the current folder, and move there.

    The current folder is the one place that stays reachable when a new user may not walk the way to it.
    """
    mount("", "/", "", MS_REC | MS_PRIVATE)
    mount("tmpfs", ROOT, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m")
    for folder in SYSTEM:
        if os.path.islink(folder):
            os.symlink(os.readlink(folder), ROOT + folder)
        elif os.path.isdir(folder):
            _show(folder, folder)
    if not any(os.path.commonpath([prefix, folder]) == folder for folder in SYSTEM):
        _show(".", prefix)
    for file in (*DEVICES, *FILES):
        if os.path.exists(file):
            os.makedirs(os.path.dirname(ROOT + file), exist_ok=True)
            _write(ROOT + file, "")
            mount(file, ROOT + file, "", MS_BIND)
            _protect(ROOT + file, ATTR_RDONLY | ATTR_NOSUID)
    os.makedirs(ROOT + SCRATCH)
    os.symlink(SCRATCH[1:], ROOT + "/tmp")
    os.symlink(STDIN_COPY, ROOT + STDIN)
    os.chdir(ROOT)
    dot, kept = address(b".\0")
    syscall("pivot_root", dot, dot)
    syscall("umount2", dot, MNT_DETACH)
    os.chdir("/")
    mount("", "/", "", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)
    del kept


def _show(source: str, folder: str) -> None:
    """Bind a folder, read-only, into the new root."""
    os.makedirs(ROOT + folder, exist_ok=True)
    mount(source, ROOT + folder, "", MS_BIND | MS_REC)
    _protect(ROOT + folder, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV)


def _protect(target: str, attributes: int) -> None:
    path, kept = address(target.encode() + b"\0")
    settings, kept_too = address(struct.pack("QQQQ", attributes, 0, 0, 0))
    syscall("mount_setattr", AT_FDCWD, path, AT_RECURSIVE, settings, 32)
    del kept, kept_too


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def next_child_alone() -> None:
    """Give the next forked child a process namespace of its own."""
    syscall("unshare", CLONE_NEWPID)


def next_child_here(own: int) -> None:
    """Undo ``next_child_alone``; ``own`` is this process's pidfd."""
    syscall("setns", own, CLONE_NEWPID)


def scratch(size: int, execute: bool) -> None:
    """Mount a fresh tmpfs for one run, seen by this process alone, and move there."""
    syscall("unshare", CLONE_NEWNS)
    flags = MS_NOSUID | MS_NODEV | (0 if execute else MS_NOEXEC)
    mount("tmpfs", SCRATCH, "tmpfs", flags, f"mode=700,size={size},nr_inodes={INODES}")
    os.chdir(SCRATCH)


def name_input(descriptor: int, size: int) -> None:
    """Let the input be read as /dev/stdin too: a copy, for there is no /proc to find the descriptor in."""
    with open(STDIN_COPY, "wb") as copy:
        copy.write(os.pread(descriptor, size, 0))
