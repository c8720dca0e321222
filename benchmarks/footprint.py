"""What environments take beside their steps: branching, importing, and the memory of a thousand of them.

To branch is ``restore(snapshot())``; TextArena's environments have a deep copy for it. Imports and vectors are measured
in fresh processes; memory is what the process holds beyond the bare interpreter, imports included.
"""

from __future__ import annotations

import copy
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import Any

import textarena  # type: ignore[import-untyped]

from palaestra.envs import make, task_ids
from palaestra.envs.catalog import complete
from palaestra.envs.games import game_ids, make_game

from .figure import Figure
from .games import PEERS

REPEATS = 7
BRANCHES = 50  # timed together
VECTORS = ("palaestra/Sudoku-v0", "palaestra/GridWorld-v0")
VECTOR_PEER = "CartPole-v1"

IMPORT = """
import time
began = time.process_time()
import {module}
print(1e3 * (time.process_time() - began))
"""
VECTOR = """
import psutil
memory = lambda: psutil.Process().memory_info().rss / 2**20
before = memory()
import gymnasium, {module}
envs = gymnasium.make_vec({id!r}, num_envs=1000, vectorization_mode="sync")
envs.reset(seed=0)
envs.step({action})
print(memory() - before)
"""


def measure(say: Callable[[str], None]) -> Iterator[Figure]:
    """Figures in µs, ms and MiB: less is better in all."""
    say("snapshot and restore beside a deep copy")
    mine = median(map(_branching, _environments()))
    peers = median(map(_copying, (peer.id for peer in PEERS.values())))
    yield Figure("footprint/snapshot and restore beside TextArena's deep copy", mine, peers, "µs", False)
    say("imports")
    sides = [partial(_fresh, IMPORT.format(module=module)) for module in ("palaestra.envs", "textarena")]
    mine, peers = (median(times) for times in zip(*([side() for side in sides] for _ in range(REPEATS)), strict=True))
    yield Figure("footprint/import palaestra.envs beside textarena", mine, peers, "ms", False)
    say("vectors")
    peers = _fresh(VECTOR.format(module="gymnasium", id=VECTOR_PEER, action="envs.action_space.sample()"))
    for id in VECTORS:
        mine = _fresh(VECTOR.format(module="palaestra.envs", id=id, action="['a response'] * 1000"))
        yield Figure(f"footprint/1,000 of {id} beside Gymnasium's {VECTOR_PEER}", mine, peers, "MiB", False)


def _environments() -> Iterator[Any]:
    """Every task, dialogue and game of ours that is ready to play."""
    yield from (make(id) for id in task_ids() if id.startswith("palaestra/") and complete(id))
    yield from (make_game(id) for id in game_ids() if id.startswith("palaestra/"))


def _branching(env: Any) -> float:
    """Microseconds of a snapshot and its restoring, in the median."""
    env.reset(seed=0)
    return _median_of(lambda: env.restore(env.snapshot()))


def _copying(id: str) -> float:
    env = textarena.make(f"{id}-raw")
    before = random.getstate()
    env.reset(num_players=2, seed=0)
    random.setstate(before)
    return _median_of(lambda: copy.deepcopy(env))


def _median_of(branch: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        began = time.process_time()
        for _ in range(BRANCHES):
            branch()
        times.append(1e6 * (time.process_time() - began) / BRANCHES)
    return median(times)


def _fresh(code: str) -> float:
    """The number that ``code`` prints in an interpreter of its own."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)
