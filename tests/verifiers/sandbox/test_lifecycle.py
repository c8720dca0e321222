"""Starting, ending, dying, sharing; and that nothing is left behind."""

from __future__ import annotations

import gc
import os
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from palaestra.verifiers.sandbox import Ended, Limits, Sandbox, SandboxError, process

ADD = "def add(a, b): return a + b"
FOREVER = "def f():\n    while True: pass"


def test_threads_share_one_sandbox(best: Sandbox) -> None:
    def work(number: int) -> object:
        if number % 10 == 0:
            return best.call(FOREVER, "f", limits=Limits(seconds=0.5)).status
        return best.call(ADD, "add", (number, 1)).value

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(40)))
    assert results == [Ended.TIMEOUT if number % 10 == 0 else number + 1 for number in range(40)]


def test_a_run_that_ended_in_time_is_not_late_because_its_host_is(best: Sandbox) -> None:
    done = threading.Event()

    def hog() -> None:
        while not done.is_set():
            sum(range(20_000_000))  # some 0.4 s in which no other thread of this process runs

    thread = threading.Thread(target=hog)
    thread.start()
    try:
        outcomes = [best.call("def f():\n    return 1", "f", limits=Limits(seconds=0.2)) for _ in range(6)]
    finally:
        done.set()
        thread.join()
    assert [outcome.value for outcome in outcomes] == [1] * 6
    assert all(0 < outcome.seconds < 0.2 for outcome in outcomes)


@pytest.fixture
def crowded() -> Iterator[Sandbox]:
    """A sandbox all of whose runs share one processor."""
    processors = os.sched_getaffinity(0)
    with Sandbox(Limits(seconds=0.5)) as sandbox:
        os.sched_setaffinity(0, {min(processors)})
        try:
            sandbox.run("import time")  # starts the zygote of programs that import
        finally:
            os.sched_setaffinity(0, processors)
        yield sandbox


def test_runs_that_wait_for_a_processor_are_not_late(crowded: Sandbox) -> None:
    busy = "import time\ndef f():\n    while time.process_time() < 0.2: pass\n    return 1"
    asleep = "import time\ndef f():\n    time.sleep(9)"
    with ThreadPoolExecutor(12) as pool:
        outcomes = list(pool.map(lambda source: crowded.call(source, "f"), [busy] * 10 + [asleep, FOREVER]))
    assert [outcome.status for outcome in outcomes] == [Ended.OK] * 10 + [Ended.TIMEOUT] * 2
    assert max(outcome.seconds for outcome in outcomes[:10]) <= 0.51


def test_a_dead_zygote_is_replaced_and_counted() -> None:
    with Sandbox() as sandbox:
        assert sandbox.call(ADD, "add", (1, 2)).value == 3
        os.kill(sandbox._started()._process.pid, signal.SIGKILL)
        assert sandbox.call(ADD, "add", (1, 2)).value == 3
        assert sandbox.restarts == 1


def test_a_zygote_that_dies_during_a_run_is_replaced_and_the_run_repeated() -> None:
    with Sandbox() as sandbox, ThreadPoolExecutor(1) as pool:
        pid = sandbox._started(stocked=True)._process.pid
        later = pool.submit(sandbox.call, "import time\ndef f():\n    time.sleep(0.5)\n    return 1", "f")
        time.sleep(0.2)
        os.kill(pid, signal.SIGKILL)
        assert later.result().value == 1
        assert sandbox.restarts == 1


def test_programs_that_import_have_a_zygote_of_their_own_with_a_stock(best: Sandbox) -> None:
    """Whichever it is run from, a program finds the same modules."""
    loaded = "def f(): return 'dataclasses' in getattr(sys, 'modules')"
    assert best.call(f"import sys\n{loaded}", "f").value is True
    hidden = "sys = __builtins__['__im' 'port__']('sys')"  # a program that does not seem to import anything
    assert best.call(f"{hidden}\n{loaded}", "f").value is False
    later = "__builtins__['__im' 'port__']('dataclasses').is_dataclass(3)"
    assert best.call(f"def f(): return {later}", "f").value is False


def test_when_the_second_zygote_dies_too_it_is_an_error_and_no_lower_rung_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die(*_: object) -> None:
        raise process.ZygoteDied("as told")

    with Sandbox() as sandbox:
        assert sandbox._started().rung == "full"
        monkeypatch.setattr(process._Watch, "follow", die)
        with pytest.raises(SandboxError, match="full: as told"):
            sandbox.call(ADD, "add", (1, 2))


def test_a_closed_sandbox_starts_again_and_a_forgotten_one_ends() -> None:
    sandbox = Sandbox()
    pid = sandbox._started()._process.pid
    sandbox.close()
    assert not _alive(pid)
    assert sandbox.call(ADD, "add", (1, 2)).value == 3
    pid = sandbox._started()._process.pid
    del sandbox
    gc.collect()
    assert not _alive(pid)


def test_a_program_ends_with_its_zygote(sandbox: Sandbox) -> None:
    with Sandbox(rung=sandbox._rungs[0]) as fresh, ThreadPoolExecutor(1) as pool:
        zygote = fresh._started(stocked=True)._process.pid
        idle = _children(zygote)
        later = pool.submit(fresh.call, "import time\ndef f(): time.sleep(1)", "f")
        _wait_until(lambda: len(_children(zygote)) > len(idle))
        running = _children(zygote)
        os.kill(zygote, signal.SIGKILL)
        _wait_until(lambda: not any(map(_alive, running)))
        assert later.result().status is Ended.OK


def test_a_forked_host_starts_a_sandbox_of_its_own(best: Sandbox) -> None:
    zygote = best._started()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        right = best.call(ADD, "add", (1, 2)).value == 3 and best._started() is not zygote
        best.close()
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert best.call(ADD, "add", (1, 2)).value == 3
    assert best._started() is zygote


def test_a_host_of_large_memory_does_not_show_in_the_sandbox() -> None:
    ballast = bytearray(b"x") * (200 * 2**20)
    with Sandbox() as sandbox:
        assert sandbox.call(ADD, "add", (1, 2)).memory < 50 * 2**20
    del ballast


def test_runs_leave_nothing_behind(sandbox: Sandbox) -> None:
    _leak(sandbox, 100)


@pytest.mark.long
def test_ten_thousand_runs_leave_nothing_behind(best: Sandbox) -> None:
    _leak(best, 10_000)


def _leak(sandbox: Sandbox, runs: int) -> None:
    """Runs of every kind, in two threads; then the same processes, descriptors, files and memory as before."""
    sources = [
        ("def f(): return list(range(100))", Ended.OK),
        ("def f(): 1 / 0", Ended.ERROR),
        ("import os\ndef f():\n    open('left', 'w').write('x' * 1000)\n    os._exit(0)", Ended.NO_RESULT),
        (
            "import threading, time\nthreading.Thread(target=time.sleep, args=(9,)).start()\ndef f(): print('x')",
            Ended.OK,
        ),
        ("def f(): print('x' * 2**20)", Ended.OUTPUT),
    ]

    def work(number: int) -> None:
        source, status = sources[number % len(sources)]
        assert sandbox.call(source, "f").status is status

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(10)))
    time.sleep(0.3)  # the zygote closes a run's socket just after it has told of the end
    before, resident = _held(sandbox), sum(map(_resident, _zygotes(sandbox)))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(runs)))
    deadline = time.monotonic() + 20
    while (after := _held(sandbox)) != before and time.monotonic() < deadline:  # namespaces take a while to go
        time.sleep(0.05)
    assert after == before
    assert sum(map(_resident, _zygotes(sandbox))) < resident + 2**22
    assert sandbox.restarts == 0


def _wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _held(sandbox: Sandbox) -> dict[str, object]:
    host, zygotes = os.getpid(), _zygotes(sandbox)
    folders = {"/dev/shm", tempfile.gettempdir()}
    return {
        "processes": len(zygotes),
        "descriptors": [len(os.listdir(f"/proc/{pid}/fd")) for pid in (host, *zygotes)],
        "files": [name for folder in folders for name in os.listdir(folder) if name.startswith(f"palaestra-{host}-")],
        "threads": threading.active_count(),
    }


def _zygotes(sandbox: Sandbox) -> list[int]:
    """The processes that the sandbox started, the bare zygote's and the stocked one's, and those below."""
    started = [sandbox._started(stocked)._process.pid for stocked in (False, True)]
    return [pid for first in started for pid in (first, *_children(first))]


def _children(pid: int) -> list[int]:
    """The numbers of a process's children, and of theirs."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        direct = [int(number) for number in file.read().split()]
    return direct + [inner for child in direct for inner in _children(child)]


def _resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
