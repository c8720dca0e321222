"""A folder of the host's for a run without a mount namespace, and its removal: however deep, full or unreadable."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


MEMORY = "/dev/shm"


def create(user: int | None, execute: bool) -> str:
    """A new empty folder, in memory if nothing is to be executed from it, which is often forbidden there."""
    folder = tempfile.mkdtemp(
        prefix=f"palaestra-{os.getpid()}-", dir=MEMORY if not execute and os.access(MEMORY, os.W_OK) else None
    )
    if user is not None:
        os.chown(folder, user, user)
    return folder


def remove(folder: str) -> None:
    """Remove a folder and all beneath it. Its own processes must be gone; links are removed, never followed.

    One open folder at a time, and never a path: nothing recurses, and no depth is too much.
    """
    with suppress(OSError):  # what cannot be removed stays: a full disk, a host that changes things meanwhile
        here = os.open(folder, FOLDER)
        way: list[tuple[str, list[str]]] = [("", _folders(here))]  # name and folders left of each from the top to here
        try:
            while way:
                name, folders = way[-1]
                if folders:
                    inner = folders.pop()
                    os.chmod(inner, 0o700, dir_fd=here)
                    here = _move(here, inner)
                    way.append((inner, _folders(here)))
                    continue
                way.pop()
                if way:
                    here = _move(here, "..")
                    os.rmdir(name, dir_fd=here)
        finally:
            os.close(here)
    with suppress(OSError):
        os.rmdir(folder)


def _folders(here: int) -> list[str]:
    """Remove all else from a folder, and name the folders in it."""
    folders = []
    with os.scandir(here) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                os.unlink(entry.name, dir_fd=here)
    return folders


def _move(here: int, name: str) -> int:
    there = os.open(name, FOLDER, dir_fd=here)
    os.close(here)
    return there
