"""One run: confine this process for good, then run the program."""

from __future__ import annotations

import os
from time import monotonic

from . import landlock, namespaces, privileges, seccomp
from .framing import decode
from .isolation import LIBRARY, Isolation
from .kernel import PR_SET_PDEATHSIG, SIGKILL, prctl, syscall
from .native import build, start
from .program import call_functions, run_program
from .reports import FAILED, RUNNING, WHEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from typing import Any, NoReturn

    Lowered = list[tuple[int, tuple[int, int]]]

INPUT, OUTPUT, ERRORS, REQUEST, RESULT, REPORT = range(6)
MAX_DESCRIPTOR = (1 << 32) - 1


def run(settings: dict[str, Any], limits: Lowered, report: socket, passed: list[int], isolation: Isolation) -> NoReturn:
    """Never returns, whatever happens.

    limits: of ``privileges``, worked out before the fork: each page that is first touched behind it is copied.
    passed: the descriptors of REQUEST, standard input, output and errors, RESULT, and in the lower rungs a folder.
    """
    try:
        request, stdin, out, err, result, *folder = passed
        for target, source in ((INPUT, stdin), (OUTPUT, out), (ERRORS, err), (REQUEST, request), (RESULT, result)):
            os.dup2(source, target)
        os.dup2(report.fileno(), REPORT)
        confine(settings, limits, folder, isolation)
        syscall("close_range", LIBRARY + isolation.keeps_library, MAX_DESCRIPTOR, 0)
    except BaseException as error:
        report.send(FAILED + f"{type(error).__name__}: {error}".encode())
        os._exit(1)
    try:
        native = settings["language"] != "python"
        if not native:
            os.close(REPORT)
        work = decode(os.read(REQUEST, os.fstat(REQUEST).st_size))
        os.close(REQUEST)
        if settings["mode"] == "call":
            call_functions(work, RESULT)
        os.close(RESULT)
        if not native:
            run_program(*work)
        build(work[0], settings, isolation)
        os.write(REPORT, RUNNING + WHEN.pack(monotonic()))
        os.close(REPORT)
        finish(settings, limits, isolation)
        start(work[1], settings)
    finally:
        os._exit(1)


def confine(settings: dict[str, Any], limits: Lowered, folder: list[int], isolation: Isolation) -> None:
    """Give up, in this order, what the next step no longer needs."""
    layers = isolation.layers
    native = settings["language"] != "python"
    os.setpgid(0, 0)  # to be killed as a group; a session of its own would cost 3 ms where the scheduler groups them
    if "mountns" in layers:
        copied = os.fstat(INPUT).st_size if settings["names_input"] else 0
        namespaces.scratch(settings["files"] + copied, native)
        if settings["names_input"]:
            namespaces.name_input(INPUT, copied)
    else:
        os.fchdir(folder[0])
    if "capabilities" in layers:
        privileges.drop_capabilities()
    if "landlock" in layers:
        landlock.restrict(isolation.ruleset if "mountns" in layers else isolation.ruleset_with(os.open(".", os.O_PATH)))
    prctl(PR_SET_PDEATHSIG, SIGKILL)
    if os.getppid() not in (0, isolation.zygote):  # 0: it is in another process namespace, and takes this one along
        raise ProcessLookupError("the zygote died")
    if native:
        return  # the compiler needs more, and the program gets the rest after it
    finish(settings, limits, isolation)


def finish(settings: dict[str, Any], limits: Lowered, isolation: Isolation) -> None:
    """The last steps: what may be used from here on, and which system calls."""
    native = settings["language"] != "python"
    several = settings["processes"] > 1 and "pidns" in isolation.layers
    privileges.impose(limits)
    if isolation.filters:
        seccomp.install(isolation.filters["several" if several else "native" if native else "python"])
