"""What programs try that want out, or to harm the host or another run. Each on every rung."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from palaestra.verifiers.sandbox import Ended, Limits, Sandbox, languages

SECRET = "the-host's-own-secret"
CALL = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"


@pytest.fixture
def victim() -> Iterator[int]:
    """The number of a process outside, of the same user as the tests."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process.pid
    assert process.poll() is None, "a program in the sandbox ended a process outside"
    process.communicate(b"\n")


def still_works(sandbox: Sandbox) -> bool:
    return bool(sandbox.call("def f(): return 1", "f").value == 1) and sandbox.restarts == 0


def test_host_files_cannot_be_read(sandbox: Sandbox, tmp_path: Path) -> None:
    hidden = tmp_path / "expected.json"
    hidden.write_text(SECRET)
    program = (
        "import sys\nfor path in sys.argv[1:]:\n    try: print(open(path).read())\n    except OSError: print('no')"
    )
    paths = [str(hidden), "/etc/passwd", "/etc/hostname", "/proc/self/environ", "/proc/1/cmdline", __file__]
    assert sandbox.run(program, argv=paths).stdout == "no\n" * len(paths)


def test_nothing_of_the_host_is_written(sandbox: Sandbox, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    there = tmp_path / "there"
    there.write_text("untouched")
    there.chmod(0o666)
    program = """
import os, sys
folder = sys.argv[1]
for step in (
    lambda: open(folder + "/new", "w"), lambda: open(folder + "/there", "w"), lambda: os.unlink(folder + "/there"),
    lambda: os.truncate(folder + "/there", 0), lambda: os.chmod(folder + "/there", 0), lambda: os.mkdir("/new"),
    lambda: os.link(folder + "/there", "link"), lambda: os.rename(folder + "/there", "moved"),
    lambda: open("/usr/new", "w"), lambda: os.utime(folder + "/there"), lambda: os.symlink("x", folder + "/link"),
):
    try: step(); print("done")
    except OSError: pass
"""
    assert sandbox.run(program, argv=[str(tmp_path)]).stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert there.read_text() == "untouched"


def test_the_environment_is_empty(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", SECRET)
    with Sandbox(rung=_rung(sandbox)) as fresh:
        program = (
            "import glob, os\nprint(dict(os.environ))\nfor path in glob.glob('/proc/*/environ'):\n"
            "    try: print(open(path).read())\n    except OSError: pass"
        )
        assert fresh.run(program).stdout == "{}\n"


def test_no_network_and_no_socket_of_the_host_is_reached(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0palaestra-{os.getpid()}")
        abstract.listen()
        program = f"""
import socket
for family, address in ((socket.AF_INET, ("127.0.0.1", {server.getsockname()[1]})),
                        (socket.AF_UNIX, "\\0palaestra-{os.getpid()}")):
    try:
        socket.socket(family).connect(address)
        print("connected")
    except OSError as error: print(type(error).__name__)
one, other = socket.socketpair()
one.send(b"x")
print(other.recv(1))
try: socket.socketpair(type=socket.SOCK_DGRAM)
except PermissionError: print("streams only")
"""
        outcome = sandbox.run(program)
        assert outcome.stdout == "PermissionError\nPermissionError\nb'x'\nstreams only\n"
        server.settimeout(0.01)
        with pytest.raises(TimeoutError):
            server.accept()


def test_other_processes_cannot_be_harmed(sandbox: Sandbox, victim: int) -> None:
    zygote = sandbox._started(stocked=True)._process.pid  # its number, as a program might guess it
    program = (
        CALL
        + f"""
import signal
for pid in ({victim}, {zygote}, {os.getpid()}, os.getppid(), -1, -{victim}, 0):
    for kill in (os.kill, os.killpg):
        try: kill(pid, signal.SIGKILL)
        except OSError: pass
    libc.ptrace(16, pid, 0, 0)
    libc.prlimit(pid, 0, (ctypes.c_ulong * 2)(1, 1), 0)
buffer = (ctypes.c_ulong * 2)()
print(libc.process_vm_readv({victim}, buffer, 1, buffer, 1, 0))
"""
    )
    outcome = sandbox.run(program)
    assert outcome.stdout in ("-1\n", "")  # it may have killed itself
    assert still_works(sandbox)


def test_no_process_is_started(sandbox: Sandbox) -> None:
    program = (
        CALL
        + """
for start in (os.fork, libc.fork, libc.vfork, os.forkpty, lambda: os.posix_spawn("/bin/true", ["true"], {})):
    try: print(start())
    except OSError: print(-1)
try: os.execv("/bin/echo", ["echo", "executed"])
except OSError: print(-1)
"""
    )
    assert sandbox.run(program).stdout == "-1\n" * 6


def test_a_fork_bomb_stays_within_its_limit_and_ends_with_its_run(sandbox: Sandbox) -> None:
    before = _processes(sandbox)
    program = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    outcome = sandbox.run(program, limits=Limits(seconds=1, processes=8))
    assert outcome.status is Ended.TIMEOUT
    _wait_until(lambda: _processes(sandbox) <= before)
    assert still_works(sandbox)


def test_a_daemon_does_not_outlive_its_run(sandbox: Sandbox) -> None:
    before = _processes(sandbox)
    program = """
import os, time
try:
    if os.fork() == 0:
        try: os.setsid()
        except OSError: pass
        if os.fork() == 0:
            os.closerange(0, 64)
            time.sleep(60)
        os._exit(0)
except OSError: pass
"""
    assert sandbox.run(program, limits=Limits(processes=8)).status is Ended.OK
    _wait_until(lambda: _processes(sandbox) <= before)


def test_a_compiler_kept_busy_ends_with_its_run(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palaestra.verifiers.sandbox.languages.COMPILE_SECONDS", 0.5)
    endless = '#if __INCLUDE_LEVEL__ < 100\n#include "main.c"\n#include "main.c"\n#endif\n'
    if shutil.which("gcc", path=languages.TOOLS):
        assert sandbox.run(endless, language="c").status is Ended.TIMEOUT
        _wait_until(lambda: not any("cc1" in line and "main.c" in line for line in _command_lines()))


def test_memory_is_bounded(sandbox: Sandbox) -> None:
    program = "kept = []\nwhile True: kept.append(bytearray(b'x' * (64 << 20)))"
    outcome = sandbox.run(program)
    assert outcome.status is Ended.MEMORY
    assert outcome.memory < 300 * 2**20


def test_no_memory_file_escapes_the_limit(sandbox: Sandbox) -> None:
    assert sandbox.run("import os\nos.memfd_create('x')").error.startswith("OSError: [Errno 38]")


def test_files_are_bounded_and_vanish(sandbox: Sandbox) -> None:
    limits = Limits(files=2**20)
    outcome = sandbox.run("open('x', 'wb').write(b'x' * (1 << 21))", limits=limits)
    assert outcome.status is not Ended.OK
    if "mountns" in sandbox.layers:
        many = "i = 0\nwhile True:\n    open(str(i), 'w').close()\n    i += 1"
        assert "No space left" in sandbox.run(many, limits=limits).error


def test_a_run_finds_nothing_of_the_one_before(sandbox: Sandbox) -> None:
    leave = """
import os
for path in ("json.py", "sitecustomize.py", "left-by-a-test", "/tmp/left-by-a-test", "/dev/shm/left-by-a-test"):
    try: open(path, "w").write("raise SystemExit")
    except OSError: pass
import json, builtins
json.dumps = builtins.len = None
os.environ["LEFT"] = "1"
"""
    find = """
import json, os
def f():
    found = [folder for folder in ("/tmp", "/dev/shm") if os.path.exists(folder + "/left-by-a-test")]
    return found, os.listdir("."), dict(os.environ), len(json.dumps([]))
"""
    sandbox.run(leave)
    assert sandbox.call(find, "f").value == ([], [], {}, 2)


def test_a_deep_and_closed_folder_is_removed_and_links_in_it_are_not_followed(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    before = set(os.listdir("/dev/shm")) | set(os.listdir(tempfile.gettempdir()))
    program = """
import os, sys
os.symlink(sys.argv[1], "link")
for depth in range(1500):
    try: os.mkdir("d"); open("f", "w").close(); os.symlink("/usr", "l"); os.chdir("d")
    except OSError: break
os.mkdir("closed", 0)
"""
    sandbox.run(program, argv=[str(tmp_path)])
    left = set(os.listdir("/dev/shm")) | set(os.listdir(tempfile.gettempdir()))
    assert [name for name in left - before if name.startswith(f"palaestra-{os.getpid()}-")] == []
    assert (tmp_path / "kept").is_dir()


def test_the_kernel_offers_nothing_dangerous(sandbox: Sandbox) -> None:
    program = (
        CALL
        + """
numbers = dict(io_uring_setup=425, bpf=321, keyctl=250, userfaultfd=323, perf_event_open=298, open_by_handle_at=304,
    init_module=175, kexec_load=246, clone3=435, unshare=272, mount=165, setns=308, pivot_root=155, chroot=161,
    ptrace=101, process_vm_writev=311, pidfd_getfd=438, add_key=248, request_key=249, personality=135, shmget=29,
    mq_open=240, msgget=68, inotify_init=253, fanotify_init=300, memfd_secret=447, iopl=172, swapon=167, reboot=169,
    settimeofday=164, sethostname=170, quotactl=179, acct=163, syslog=103, setuid=105, name_to_handle_at=303,
    seccomp=317, landlock_create_ruleset=444, move_pages=279, migrate_pages=256, vmsplice=278, kcmp=312)
for name, number in numbers.items():
    ctypes.set_errno(0)
    if libc.syscall(number, 0, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() not in (1, 38):
        print(name, ctypes.get_errno())
for flags in (0x10000000, 0x20000000, 0x00020000, 0x10000000 | 0x00010900, 17):
    if libc.syscall(56, flags, 0, 0, 0, 0) != -1: print("clone", hex(flags))
"""
    )
    if os.uname().machine == "x86_64":
        outcome = sandbox.run(program)
        assert (outcome.stdout, outcome.status) == ("", Ended.OK)


def test_the_second_numbering_of_system_calls_ends_the_program(sandbox: Sandbox) -> None:
    if os.uname().machine == "x86_64":
        outcome = sandbox.run(CALL + "print(libc.syscall(0x40000000 | 41, 2, 1, 0))")
        assert (outcome.status, outcome.error, outcome.stdout) == (Ended.CRASHED, "killed by SIGSYS", "")


def test_limits_and_privileges_cannot_be_raised(sandbox: Sandbox) -> None:
    program = (
        CALL
        + """
import resource
for name in dir(resource):
    if name.startswith("RLIMIT_") and name[7:] in ("AS", "CPU", "NPROC", "FSIZE", "STACK", "NOFILE", "CORE"):
        soft, hard = resource.getrlimit(getattr(resource, name))
        if hard != -1:
            try: resource.setrlimit(getattr(resource, name), (-1, -1)); print("raised", name)
            except (ValueError, OSError): pass
for change in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setgroups([]), lambda: os.nice(-5),
               lambda: os.chroot("."), os.setsid):
    try: change(); print("changed")
    except OSError: pass
capabilities = (ctypes.c_uint32 * 6)()
print(libc.capget((ctypes.c_uint32 * 2)(0x20080522, 0), capabilities), any(capabilities), libc.prctl(39, 0, 0, 0, 0))
"""
    )
    assert sandbox.run(program).stdout == "0 False 1\n"


def test_no_descriptor_of_the_host_is_open(sandbox: Sandbox) -> None:
    program = """
import os, stat
def f():
    found = {}
    for number in range(256):
        try: mode = os.fstat(number).st_mode
        except OSError: continue
        found[number] = "folder" if stat.S_ISDIR(mode) else "socket" if stat.S_ISSOCK(mode) else "other"
    return found
"""
    found = sandbox.call(program, "f").value
    assert {number: found[number] for number in (0, 1, 2)} == {0: "other", 1: "other", 2: "other"}
    assert "socket" not in found.values()
    folders = [number for number, kind in found.items() if kind == "folder"]
    assert (
        folders == [] or "mountns" not in sandbox.layers
    )  # there it is Python's library, by a handle that opens nothing


def test_a_program_that_ignores_every_signal_ends_on_time(sandbox: Sandbox) -> None:
    program = """
import os, signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
while True: time.sleep(1)
"""
    began = time.monotonic()
    assert sandbox.run(program, limits=Limits(seconds=0.3)).status is Ended.TIMEOUT
    assert time.monotonic() - began < 5


def _rung(sandbox: Sandbox) -> str:
    return sandbox._rungs[0]


def _command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_text(errors="replace")


def _processes(sandbox: Sandbox) -> int:
    """How many processes there are of the user that the zygote runs as: when root tests, of nobody else."""
    own = _user(sandbox._started(stocked=True)._process.pid)
    return sum(_user(int(name)) == own for name in os.listdir("/proc") if name.isdigit())


def _user(pid: int) -> str:
    with contextlib.suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(line for line in lines if line.startswith("Uid:"))
    return ""


def _wait_until(reached: Callable[[], bool]) -> None:
    """Other tests and users start processes too, so the count is given a while to come down."""
    deadline = time.monotonic() + 10
    while not reached():
        assert time.monotonic() < deadline, "processes were left behind"
        time.sleep(0.05)
