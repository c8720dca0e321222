"""What holds for all runs of a sandbox, set up once in its zygote."""

from __future__ import annotations

import os
import sys

from . import landlock, namespaces, privileges, seccomp
from .kernel import PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, SIGKILL, prctl

PARKED = 8  # descriptors below are for each child to set
LIBRARY = 6  # stays open in runs: Python's own folder, where it cannot be reached by its name


class Isolation:
    """What the zygote has set up, for each child to complete."""

    def __init__(self, layers: set[str]) -> None:
        self.layers = layers
        self.landlock = 0  # version
        self.rules: list[tuple[int, int]] = []  # Landlock's: rights, open path
        self.ruleset = -1  # of these rules, where all runs have their folder in the same place
        self.filters: dict[str, seccomp.Filter] = {}
        self.own = -1  # pidfd of the zygote, where runs get process namespaces
        self.zygote = 0  # its process number
        self.user: int | None = None  # whom root's zygote became
        self.keeps_library = False

    @property
    def counts_processes(self) -> bool:
        """Whether the user that runs are run as has no other processes, so that a limit on them means something."""
        return "pidns" in self.layers or self.user is not None

    def ruleset_with(self, folder: int) -> int:
        """Landlock's rules with a writable folder more."""
        return landlock.ruleset(self.landlock, [*self.rules, (landlock.ALL, folder)])


def isolate(layers: set[str], prefix: str) -> Isolation:
    """Set up what holds for all runs.

    Raises:
        OSError: a layer is not to be had here.
    """
    null = os.open("/dev/null", os.O_RDWR)
    while os.dup(null) < PARKED:
        pass
    isolation = Isolation(layers)
    os.chdir(prefix)
    if "capabilities" in layers and os.getuid() == 0:
        isolation.user = privileges.throw_away_user()
    if isolation.user is not None:
        privileges.become(isolation.user)
        prctl(PR_SET_DUMPABLE, 1)  # which the change of user cleared: /proc/self would be root's
    if "userns" in layers:
        namespaces.enter()
        fork_into_namespace()
        namespaces.build_root(prefix)
        isolation.own = os.pidfd_open(os.getpid())
    elif not os.access(prefix, os.X_OK):  # the way there is closed to this user, but it stands there already
        isolation.keeps_library = True
        reach_library(prefix)
    if "capabilities" in layers:
        privileges.forget_capabilities()
    if "no_new_privs" in layers:
        prctl(PR_SET_NO_NEW_PRIVS, 1)
    if "landlock" in layers:
        isolation.landlock = landlock.version()
        inside = ("/",) if "mountns" in layers else (*namespaces.SYSTEM, *namespaces.FILES, ".")
        paths = [path for path in (*inside, *namespaces.DEVICES) if os.path.exists(path)]
        isolation.rules = [landlock.rule(path) for path in paths]
        if "mountns" in layers:
            isolation.ruleset = isolation.ruleset_with(os.open(namespaces.WRITABLE, os.O_PATH | os.O_CLOEXEC))
    if "seccomp" in layers:
        isolation.filters = filters(files="mountns" in layers)
    isolation.zygote = os.getpid()
    os.environ.clear()
    return isolation


def reach_library(prefix: str) -> None:
    """Let imports find Python's library by its descriptor, packages that are already loaded included."""
    os.dup2(os.open(".", os.O_PATH), LIBRARY)
    for paths in (sys.path, *(module.__path__ for module in sys.modules.values() if hasattr(module, "__path__"))):
        paths[:] = [path.replace(prefix, f"/proc/self/fd/{LIBRARY}", 1) for path in paths]


def fork_into_namespace() -> None:
    """Go on as process 1 of the new namespace; this process waits for that one, and neither outlives the other."""
    pid = os.fork()
    if pid:
        os.closerange(3, 1024)
        os.waitpid(pid, 0)
        os._exit(0)
    prctl(PR_SET_PDEATHSIG, SIGKILL)


def filters(files: bool) -> dict[str, seccomp.Filter]:
    """The seccomp filters by what a run is: one Python process, one process started from a file, or several."""
    programs = {
        "python": seccomp.assemble(processes=False, execute=False, attributes=files),
        "native": seccomp.assemble(processes=False, execute=True, attributes=files),
        "several": seccomp.assemble(processes=True, execute=True, attributes=files),
        "compiler": seccomp.assemble(processes=True, execute=True, attributes=True),
    }
    return {name: seccomp.Filter(program) for name, program in programs.items()}
