"""A program in another language, in a process all but confined: written down, compiled, and put in its place."""

from __future__ import annotations

import os

from . import privileges, seccomp
from .isolation import Isolation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

COMPILE_MEMORY = 1024 * 2**20
COMPILE_FILES = 64 * 2**20
COMPILE_PROCESSES = 16


def build(program: str, settings: Mapping[str, Any], isolation: Isolation) -> None:
    """Write the program to the current folder and compile it. Ends this process when that fails."""
    with open(settings["source"], "w", encoding="utf-8", errors="surrogatepass") as file:
        file.write(program)
    if settings["compile"]:
        import signal  # built of much that other runs can do without
        from contextlib import suppress

        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that the compiler's memory is not counted as the program's
        pid = os.fork()
        if pid == 0:
            _compile(settings, isolation)
        with suppress(ChildProcessError):  # it ended, and nobody asks how
            os.waitpid(pid, 0)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if not os.access(settings["run"][0], os.X_OK):
            os._exit(1)


def _compile(settings: Mapping[str, Any], isolation: Isolation) -> NoReturn:
    import signal

    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        limits = {**settings, "cpu": settings["compile_seconds"], "memory": COMPILE_MEMORY, "files": COMPILE_FILES}
        privileges.impose(privileges.limits(limits, COMPILE_PROCESSES if isolation.counts_processes else None))
        if "compiler" in isolation.filters:
            seccomp.install(isolation.filters["compiler"])
        os.execve(settings["compile"][0], settings["compile"], {"PATH": settings["tools"], "TMPDIR": "."})
    finally:
        os._exit(127)


def start(argv: list[str], settings: Mapping[str, Any]) -> NoReturn:
    command = [*settings["run"], *argv]
    os.execve(command[0], command, settings["environment"])
