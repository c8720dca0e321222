"""Killable workers: how each kind of item ends, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from palaestra.verifiers.workers import Ending, Workers

ITEMS = """
import ctypes, os, signal, socket, sys, time

calls = 0

def item(kind, value=None):
    global calls
    calls += 1
    if kind == "echo":
        return value
    if kind == "calls":
        return calls
    if kind == "tower":
        return str(9**9**9)
    if kind == "sleep":
        time.sleep(value)
    if kind == "memory":
        return len(bytearray(value))
    if kind == "hoard":
        kept.append(bytearray(value))
        return len(kept)
    if kind == "raise":
        raise ValueError("no " * 1000)
    if kind == "deep":
        return deep(10**6)
    if kind == "crash":
        ctypes.string_at(0)
    if kind == "exit":
        os._exit(0)
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "strange":
        return object()
    if kind == "forge":
        for number in range(3, 64):
            try:
                socket.socket(fileno=os.dup(number)).sendall(b"\\xff\\xff\\xff\\xff" + b"[" * 100000)
            except OSError:
                pass
    if kind == "lie":
        for number in range(3, 64):
            try:
                socket.socket(fileno=os.dup(number)).sendall(b"\\0\\0\\0\\x01" + b"5")
            except OSError:
                pass
    if kind == "environment":
        return sorted(os.environ)
    if kind == "pids":
        return [os.getpid(), os.getppid()]
    if kind == "write":
        with open(value, "w") as file:
            file.write("x")

kept = []

def deep(n):
    return [deep(n - 1)]
"""


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("items")
    (folder / "worker_items.py").write_text(ITEMS)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def make(items: Path) -> Iterator[Callable[..., Workers]]:
    made: list[Workers] = []

    def build(**options: Any) -> Workers:
        made.append(Workers("worker_items:item", **{"seconds": 0.3, "memory": 1 << 29, **options}))
        return made[-1]

    yield build
    for pool in made:
        pool.close()


@pytest.fixture(scope="module")
def pool(make: Callable[..., Workers]) -> Workers:
    return make(count=2)


@pytest.mark.parametrize("value", [None, True, 3.5, "\ud800\0é", [1, ["a"], {"b": None}], "x" * 200_000])
def test_plain_data_goes_and_comes_back(pool: Workers, value: object) -> None:
    assert pool.call("echo", value).value == value


@pytest.mark.parametrize(
    ("item", "ending", "reason"),
    [
        (("tower",), Ending.TIMEOUT, "no result within 0.3 s"),
        (("memory", 1 << 30), Ending.MEMORY, "no result within the memory limit"),
        (("raise",), Ending.ERROR, "ValueError: no no"),
        (("deep",), Ending.ERROR, "RecursionError"),
        (("crash",), Ending.ERROR, "crashed with status -11"),
        (("exit",), Ending.ERROR, "crashed with status 0"),
        (("strange",), Ending.ERROR, "TypeError"),
        (("kill",), Ending.DIED, "the worker ended with status -9"),
        (("forge",), Ending.DIED, "the worker"),
        (("lie",), Ending.DIED, "the worker"),
        (("write", "/dev/shm/worker_items"), Ending.ERROR, "OSError"),
    ],
)
def test_each_ending_is_told_apart_and_the_next_item_is_served(
    pool: Workers, item: tuple[Any, ...], ending: Ending, reason: str
) -> None:
    outcome = pool.call(*item)
    assert (outcome.ending, outcome.value) == (ending, None)
    assert outcome.reason.startswith(reason)
    assert len(outcome.reason) < 300
    assert pool.call("echo", 5).value == 5


def test_an_item_that_only_waits_is_stopped_by_the_wall_clock(make: Callable[..., Workers]) -> None:
    assert make(seconds=0.02).call("sleep", 60).ending is Ending.TIMEOUT


def test_memory_that_earlier_items_hoarded_fails_no_later_one(make: Callable[..., Workers]) -> None:
    pool = make(seconds=5.0)  # a machine may take long to hand out so many pages
    size = 1 << 27
    assert [pool.call("hoard", size).value for _ in range(6)] == [1, 2, 3, 1, 2, 3]


def test_a_stopped_item_costs_the_next_one_no_warm_up(make: Callable[..., Workers]) -> None:
    pool = make(warm=[("raise",), ("echo", 1), ("echo", 2)])
    assert pool.call("calls").value == 4
    pool.call("tower")
    assert pool.call("calls").value == 4


def test_map_keeps_the_order(pool: Workers) -> None:
    outcomes = pool.map([("echo", 0), ("tower",), *(("echo", n) for n in range(2, 20))])
    assert [outcome.value for outcome in outcomes] == [0, None, *range(2, 20)]


def test_many_threads_share_the_workers(pool: Workers) -> None:
    with ThreadPoolExecutor(8) as threads:
        values = list(threads.map(lambda n: pool.call("echo", n).value, range(200)))
    assert values == list(range(200))
    assert len({pool.call("pids").value[1] for _ in range(20)}) <= 2


def test_a_worker_outlives_the_thread_that_started_it(make: Callable[..., Workers]) -> None:
    pool = make()
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.append(pool.call("pids").value))
    thread.start()
    thread.join()
    assert pool.call("pids").value == seen[0]


def test_a_worker_killed_from_outside_is_replaced_unnoticed(make: Callable[..., Workers]) -> None:
    pool = make()
    server, process = pool.call("pids").value
    for victim in (server, process):
        os.kill(victim, signal.SIGKILL)
        assert pool.call("echo", 1).value == 1
    assert not alive(server)


def test_hostile_items_do_not_hold_up_the_other_worker(pool: Workers) -> None:
    hostile = threading.Thread(target=lambda: pool.call("tower"))
    hostile.start()
    done = 0
    while hostile.is_alive():
        done += pool.call("echo", 1).value
    assert done > 20


def test_a_target_that_does_not_exist_is_told(items: Path) -> None:
    pool = Workers("worker_items:missing")
    outcome = pool.call("echo")
    assert outcome.ending is Ending.DIED
    assert "missing" in outcome.reason
    assert pool.map([()] * 3)[2].ending is Ending.DIED


def test_what_is_not_plain_data_is_refused_before_it_is_sent(pool: Workers) -> None:
    with pytest.raises(TypeError):
        pool.call(object())


def test_a_worker_sees_none_of_the_environment_but_what_python_needs(
    make: Callable[..., Workers], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "secret")
    assert not {"API_TOKEN", "PYTHONPATH"} & set(make().call("environment").value)


def test_nothing_is_left_after_close(make: Callable[..., Workers]) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    pool = make(count=2)
    pids = [pid for outcome in pool.map([("pids",)] * 4) for pid in outcome.value]
    pool.map([("tower",), ("crash",), ("kill",), ("memory", 1 << 30), ("exit",)])
    pids += pool.call("pids").value
    pool.close()
    assert len(os.listdir("/proc/self/fd")) == descriptors
    wait_until(lambda: not any(map(alive, pids)))
    assert pool.call("echo", 1).value == 1


def test_descriptors_do_not_grow_with_killed_items(make: Callable[..., Workers]) -> None:
    pool = make()
    pool.call("kill")
    descriptors = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        pool.call("kill")
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_the_child_of_a_fork_starts_its_own_workers(make: Callable[..., Workers]) -> None:
    pool = make()
    mine = pool.call("pids").value
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        theirs = pool.call("pids").value
        os.write(write, f"{theirs[1]} {len(pool._live)}".encode())
        pool.close()
        os._exit(0)
    os.waitpid(child, 0)
    process, live = map(int, os.read(read, 100).split())
    os.close(read)
    os.close(write)
    assert process != mine[1]
    assert live == 1
    assert pool.call("pids").value == mine
    wait_until(lambda: not alive(process))


@pytest.mark.parametrize("kind", ["pids", "tower"])
def test_workers_end_with_a_process_that_is_killed(items: Path, kind: str) -> None:
    script = f"""
import sys, threading
sys.path.insert(0, {str(items)!r})
from palaestra.verifiers.workers import Workers
pool = Workers("worker_items:item", seconds=60)
print(*pool.call("pids").value, flush=True)
pool.call("{kind}")
threading.Event().wait()
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = list(map(int, parent.stdout.readline().split()))
    assert all(map(alive, pids))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not any(map(alive, pids)))


def test_workers_end_with_a_process_that_ends(items: Path) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(items)!r})
from palaestra.verifiers.workers import Workers
print(*Workers("worker_items:item").call("pids").value)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    wait_until(lambda: not any(map(alive, map(int, done.stdout.split()))))


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def wait_until(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.01)
