"""Running programs that nobody trusts, such as those that language models write.

The host keeps what is to be kept: tests, expected values, judgement. It starts a *zygote*, a small fresh Python process
that isolates itself and then forks a child for each run. The child gives up what it has left, layer by layer, runs the
program, and leaves one plain value (``Sandbox.call``) or what it printed (``Sandbox.run``). The host kills it by pidfd
at a limit of time or output. In force on the rung ``full``, and probed when a sandbox starts:

- user, process, mount, network, IPC and UTS namespaces: no network, no other process, no /proc, no files but a
  read-only /usr and Python's own library, and an empty tmpfs of its own for each run;
- Landlock for files, TCP, abstract sockets and signals; a seccomp list of what may be called at all; no capabilities;
  no_new_privs; resource limits; an empty environment; no descriptor but the standard three and the one for the result;
- a user id of nobody's, when the host runs as root.

Where a layer is not to be had the sandbox stands on the next rung of ``LADDER``, and says so in every outcome:
``namespaces`` is without Landlock, ``landlock`` is without namespaces, in a folder for each run. Below that it refuses.
``unsandboxed=True`` is the only way to run with resource limits alone, and it warns.

A value that comes back is the program's word: it can be anything that the program chose, but no more than a value, of
exact built-in types. Whoever compares it must do so in the host, with what the sandbox was never told.

Not covered: bugs of the kernel and of the interpreter's own trusted part, side channels (time, caches), the load that a
program puts on shared processors and memory within its limits, GPUs. On the rung ``landlock`` names and sizes of the
host's files can be seen (not what is in them), files are limited each but not in all, and an ordinary user's limit of
processes is not used (a program can start none). For many tenants hostile to each other, put a virtual machine around
it. Linux on x86_64 and aarch64; the rungs with namespaces need Linux 5.12, ``landlock`` 5.13.
"""

from .framing import NotPlain
from .ladder import LADDER
from .outcome import Ended, Limits, Outcome, SandboxError
from .sandbox import Sandbox

__all__ = ["LADDER", "Ended", "Limits", "NotPlain", "Outcome", "Sandbox", "SandboxError"]
