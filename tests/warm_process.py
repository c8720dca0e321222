"""Runs command lines in forks of one process that has imported everything: real processes without their start-up time.

Each line read is JSON, {"arguments", "folder", "output", "typed"}; printed are its process id and exit code.
"""

from __future__ import annotations

import json
import os
import signal
import sys

from palaestra import cli


def child(arguments: list[str], folder: str, output: str, typed: str) -> None:
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    read, write = os.pipe()
    os.write(write, typed.encode())
    os.close(write)
    os.dup2(read, 0)
    os.chdir(folder)
    sys.argv = ["palaestra", *arguments]
    code: object = 0
    try:
        cli.main()
    except SystemExit as exit:
        code = exit.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":  # what such a process spawns imports this file
    import palaestra.cli.run  # noqa: F401  # what costs the time

    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's background jobs ignore it, and so would the forks
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            child(**json.loads(line))
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
