"""The sandbox that the verifiers of a process share."""

from __future__ import annotations

import os

from ..sandbox import Sandbox

_shared = [Sandbox()]  # which starts nothing before its first run, and ends by itself with the process


def default_sandbox() -> Sandbox:
    """One sandbox for the whole process, in all its threads; a forked child has one of its own."""
    return _shared[0]


def _replace() -> None:
    _shared.append(_shared[0])  # kept, and left alone: it is the parent's
    _shared[0] = Sandbox()


os.register_at_fork(after_in_child=_replace)
