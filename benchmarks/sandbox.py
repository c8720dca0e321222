"""Isolated runs of a small Python function a second, beside one fresh ``python -I -S`` process a run without isolation.

Two threads a core keep the cores busy, since a run also waits for the kernel: ours with a sandbox each, on the best
rung that the machine offers; the peer with a process a run that reads the arguments as JSON, calls the function and
prints the value as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median

from palaestra.verifiers.sandbox import Sandbox

from .figure import Figure

SOURCE = "def add(a, b):\n    return a + b\n"
PROGRAM = SOURCE + "import json, sys\nprint(json.dumps(add(*json.load(sys.stdin))))"
PYTHON = getattr(sys, "_base_executable", sys.executable)  # not the virtual environment's, which starts slower
THREADS = 2 * len(os.sched_getaffinity(0))
BATCH = 20  # tests in one process
REPEATS = 9
RUNS = 100  # of each thread in a repeat
STARTS = 9

Side = list[tuple[Callable[[], object], int]]  # what each thread does, and how often


def measure(say: Callable[[str], None]) -> Iterator[Figure]:
    """Runs a second, tests a second when a process makes twenty, milliseconds to the first result, and to start."""
    sandboxes = [Sandbox() for _ in range(THREADS)]
    say(f"layers in force: {', '.join(sandboxes[0].layers)}")
    sides: tuple[Side, ...] = (
        [(_fresh, RUNS // 10)] * THREADS,
        [(partial(_one, sandbox), RUNS) for sandbox in sandboxes],
        [(partial(_batch, sandbox), RUNS) for sandbox in sandboxes],
    )
    for side in sides:
        _speed([(work, 5) for work, _ in side])
    speeds = [[_speed(side) for side in sides] for _ in range(REPEATS)]  # in turn, so that a busy moment hits all
    fresh, one, batch = (median(column) for column in zip(*speeds, strict=True))
    yield Figure("sandbox/runs beside a bare python process each", one, fresh, "runs/s")
    yield Figure(f"sandbox/tests, {BATCH} in a process, beside a bare one each", batch * BATCH, fresh, "tests/s")
    alone, bare = (median(_milliseconds(work) for _ in range(RUNS)) for work in (partial(_one, sandboxes[0]), _fresh))
    yield Figure("sandbox/one run alone beside a bare process", alone, bare, "ms", higher_is_better=False)
    for sandbox in sandboxes:
        sandbox.close()
    start = median(_milliseconds(_start) for _ in range(STARTS))
    yield Figure("sandbox/start to first result beside a bare process", start, bare, "ms", higher_is_better=False)


def _fresh() -> None:
    command = [PYTHON, "-I", "-S", "-c", PROGRAM]
    done = subprocess.run(command, input="[2, 3]", capture_output=True, text=True, env={})
    assert json.loads(done.stdout) == 5


def _one(sandbox: Sandbox) -> None:
    assert sandbox.call(SOURCE, "add", (2, 3)).value == 5


def _batch(sandbox: Sandbox) -> None:
    outcomes = sandbox.calls(SOURCE, [("add", (2, number), {}) for number in range(BATCH)])
    assert [outcome.value for outcome in outcomes] == list(range(2, BATCH + 2))


def _start() -> None:
    with Sandbox() as sandbox:
        _one(sandbox)


def _speed(side: Side) -> float:
    """Calls a second of all threads together."""

    def repeat(work: Callable[[], object], times: int) -> None:
        for _ in range(times):
            work()

    began = time.perf_counter()
    with ThreadPoolExecutor(len(side)) as pool:
        for done in [pool.submit(repeat, work, times) for work, times in side]:
            done.result()
    return sum(times for _, times in side) / (time.perf_counter() - began)


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000
