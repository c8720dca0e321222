"""Programs that attack the machine instead of the task, on every rung of isolation that this kernel offers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from palaestra.verifiers import Status, Verdict
from palaestra.verifiers.code import Call, CodeVerifier
from palaestra.verifiers.sandbox import Limits, Sandbox, SandboxError
from palaestra.verifiers.sandbox.ladder import LADDER

TESTS = tuple(Call("add", (a, b), returns=a + b) for a, b in ((2, 3), (10, -4), (123, 877)))
LIMITS = Limits(seconds=0.3)
PATIENT = Limits(seconds=30.0)  # for what must succeed on a busy machine
HONEST = "def add(a, b):\n    return a + b\n"
USELESS = "def add(a, b):\n    return 0\n"
CANARY = f"canary-{uuid.uuid4().hex}"


def offered() -> list[str]:
    """The rungs that start here."""
    rungs = []
    for rung in LADDER:
        with Sandbox(rung=rung) as sandbox:
            try:
                rungs.append(rung if sandbox.layers else "")
            except SandboxError:
                continue
    return rungs


@pytest.fixture(scope="module", params=offered())
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """One sandbox a rung, started while a canary is in this process's environment, the same for all tests."""
    os.environ["PALAESTRA_CANARY"] = CANARY
    try:
        with Sandbox(rung=request.param) as started:
            assert started.layers
            yield started
            assert started.restarts == 0
    finally:
        del os.environ["PALAESTRA_CANARY"]


def printed(sandbox: Sandbox, program: str) -> str:
    """What a program gets to say, before it is judged as an answer: WRONG, and the next honest one is RIGHT."""
    outcome = sandbox.run(program, limits=LIMITS)
    judged(sandbox, program)
    return outcome.stdout + outcome.stderr


def judged(sandbox: Sandbox, program: str) -> None:
    def verdict(answer: str, limits: Limits) -> Verdict:
        return CodeVerifier(TESTS, whole=True, partial=False, limits=limits, sandbox=sandbox).verify(answer)

    assert verdict(program, LIMITS).status is Status.WRONG
    assert verdict(HONEST, PATIENT).right


READERS = {
    "users": f"{USELESS}print(open('/etc/passwd').read())",
    "the code that judges": f"{USELESS}print(open({__file__!r}).read())",
}


@pytest.mark.parametrize("program", READERS.values(), ids=READERS)
def test_nothing_of_the_host_is_read(sandbox: Sandbox, program: str) -> None:
    said = printed(sandbox, program)
    assert "root:" not in said
    assert "TESTS = tuple" not in said


def test_no_environment_of_the_host_is_read(sandbox: Sandbox) -> None:
    secret = {"SECRET": CANARY}
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=secret) as sentinel:
        said = printed(
            sandbox,
            f"""
import os
print(dict(os.environ))
for pid in ("self", "thread-self", os.getppid(), 1, {os.getpid()}, {sentinel.pid}):
    for name in ("environ", "cmdline", "maps"):
        try: print(open(f"/proc/{{pid}}/{{name}}", "rb").read())
        except OSError: pass
""",
        )
        assert CANARY not in said
        assert sentinel.poll() is None
        sentinel.communicate(b"\n")


def test_no_connection_reaches_the_host(sandbox: Sandbox) -> None:
    name = f"\0palaestra-{uuid.uuid4().hex}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(name)
        unix.listen()
        for server, connect in (
            (tcp, f"socket.create_connection({tcp.getsockname()!r}, 1)"),
            (unix, f"socket.socket(socket.AF_UNIX).connect({name!r})"),
        ):
            assert "connected" not in printed(sandbox, f"{USELESS}import socket\n{connect}\nprint('connected')")
            server.setblocking(False)
            with pytest.raises(BlockingIOError):
                server.accept()


def test_nothing_is_written_on_the_host_or_left_for_the_next_run(sandbox: Sandbox, tmp_path: Path) -> None:
    name = f"left-{uuid.uuid4().hex}"
    tmp_path.chmod(0o777)
    folders = [".", "/tmp", "/dev/shm", "/var/tmp", "/run", str(tmp_path), os.path.dirname(os.__file__)]
    judged(
        sandbox,
        f"""
import os
for folder in {folders!r}:
    for name in ({name!r}, "conftest.py", "sitecustomize.py", "json.py"):
        try: open(folder + "/" + name, "w").write("raise SystemExit(0)")
        except OSError: pass
""",
    )
    assert [folder for folder in folders if Path(folder, name).exists()] == []
    seen = sandbox.call(f"import os\ndef f(): return [d for d in {folders!r} if os.path.exists(d + '/{name}')]", "f")
    assert seen.value == []


def test_no_process_of_the_host_is_touched(sandbox: Sandbox) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as sentinel:
        said = printed(
            sandbox,
            f"""
import ctypes, os, signal
libc = ctypes.CDLL(None)
buffer = ctypes.create_string_buffer(64)
for pid in (os.getppid(), {os.getpid()}, {sentinel.pid}, 1):
    print("traced" if libc.ptrace(16, pid, 0, 0) == 0 else "refused")
    print("read" if libc.syscall(310, pid, buffer, 1, buffer, 1, 0) > 0 else "refused")
for pid in (os.getppid(), {os.getpid()}, {sentinel.pid}, 1, -1):
    try: os.kill(pid, signal.SIGKILL)
    except OSError: print("refused")
""",
        )
        assert "traced" not in said
        assert "read" not in said
        assert sentinel.poll() is None
        sentinel.communicate(b"\n")


# io_uring_setup, bpf, keyctl, userfaultfd, perf_event_open, open_by_handle_at, init_module, kexec_load, unshare, mount
CALLS = (425, 321, 250, 323, 298, 304, 175, 246, 272, 165)


@pytest.mark.parametrize("number", CALLS)
def test_the_kernel_is_not_to_be_had(sandbox: Sandbox, number: int) -> None:
    call = f"ctypes.CDLL(None).syscall({number}, 0x10000000, 0, 0, 0, 0)"
    assert "granted" not in printed(sandbox, f"import ctypes\nif {call} >= 0: print('granted')")


def test_the_other_system_call_tables_are_not_to_be_had(sandbox: Sandbox) -> None:
    program = "import ctypes\nif ctypes.CDLL(None).syscall(0x40000000 | 41, 2, 1, 0) >= 0: print('a socket')"
    assert "a socket" not in printed(sandbox, program)


def test_limits_are_not_raised(sandbox: Sandbox) -> None:
    said = printed(
        sandbox,
        """
import resource
for name in ("AS", "CPU", "NPROC", "FSIZE", "NOFILE", "CORE"):
    try:
        limit = getattr(resource, "RLIMIT_" + name)
        resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print("raised", name)
    except (OSError, ValueError):
        pass
""",
    )
    assert "raised" not in said


BOMBS = {
    "processes": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "threads": "import threading, time\nwhile True:\n    threading.Thread(target=time.sleep, args=(9,)).start()",
    "memory": "held = []\nwhile True: held.append(bytearray(b'x' * (64 << 20)))",
    "one integer": "x = 1 << (1 << 36)",
    "sleep": "import time\nwhile True: time.sleep(3600)",
    "deaf loop": """
import signal
for number in range(1, 65):
    try: signal.signal(number, lambda *args: None)
    except (OSError, ValueError): pass
while True: pass
""",
    "inodes": "i = 0\nwhile True:\n    open(f'file{i}', 'w').close(); i += 1",
    "disk": "with open('file', 'w') as file:\n    while True: file.write('x' * (1 << 20))",
    "output": "while True: print('x' * (1 << 16))",
    "errors": "import sys\nwhile True: sys.stderr.write('x' * (1 << 16))",
    "stack": "import sys\nsys.setrecursionlimit(10**9)\ndef f(x): return f(f)\nf(1)",
    "compiler": f"x = {'(' * 3000}{')' * 3000}",
    "regular expression": "import re\nre.match('(a+)+$', 'a' * 40 + 'b')",
}


@pytest.mark.parametrize("program", BOMBS.values(), ids=BOMBS)
def test_a_bomb_ends(sandbox: Sandbox, program: str) -> None:
    judged(sandbox, program)


def test_processes_that_are_allowed_stay_few_and_end_with_the_run(sandbox: Sandbox) -> None:
    def processes() -> set[str]:
        return {entry for entry in os.listdir("/proc") if entry.isdigit()}

    before = processes()
    sandbox.run(BOMBS["processes"], limits=Limits(seconds=0.5, processes=8))
    assert len(processes() - before) < 50
    judged(sandbox, BOMBS["processes"])


SOURCES = {
    "NUL": "def add(a, b):\x00 return a + b",
    "a lone surrogate": "def add(a, b): return '\ud800'",
    "another encoding": "# coding: utf-7\ndef add(a, b): return 0",
    "a byte order mark": "\ufeffdef add(a, b): return 0",
    "deep nesting": "def add(a, b):\n    return " + "[" * 150 + "]" * 150,
    "a megabyte": "#" * 1_000_000,
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_source_that_is_no_program_is_wrong(sandbox: Sandbox, source: str) -> None:
    judged(sandbox, source)
