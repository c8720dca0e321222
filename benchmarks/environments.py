"""Episodes a second of each task, beside the reasoning-gym data set of the same kind, in one process.

An episode of ours is ``reset`` and ``step`` (draw a problem, judge a response); of reasoning-gym's, making an item and
``score_answer``. Both are given right answers, which are an agent's work and not timed: ours are whole worked
solutions, recorded beforehand from the tasks' oracles, theirs are the items' own short answers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median

import numpy as np
import reasoning_gym  # type: ignore[import-untyped]

from palaestra.envs import make

from .figure import Figure

PEERS = {
    "palaestra/ChainArith-v0": "chain_sum",
    "palaestra/Countdown-v0": "countdown",
    "palaestra/LinearEquations-v0": "simple_equations",
    "palaestra/KnightsAndKnaves-v0": "knights_knaves",
}
LEVELS = (1, 3)  # the tasks' default and easiest, and one where chains and sums are as long as the peer's default
REPEATS = 15
SECONDS = 0.2  # of each repeat, about

Side = Callable[[int, int], float]  # (first seed, episodes) -> episodes a second


def measure(say: Callable[[str], None]) -> Iterator[Figure]:
    """One figure a task and level: episodes a second."""
    for env_id, dataset in PEERS.items():
        say(f"{env_id} beside {dataset}")
        sides: list[Side] = [partial(_theirs, dataset), *(partial(_ours, env_id, level) for level in LEVELS)]
        theirs, *ours = (median(speeds) for speeds in zip(*_alternate(sides), strict=True))
        for level, speed in zip(LEVELS, ours, strict=True):
            name = f"environments/{env_id.split('/')[1]} level {level} beside reasoning-gym's {dataset}"
            yield Figure(name, speed, theirs, "episodes/s")


def _alternate(sides: Sequence[Side]) -> Iterator[list[float]]:
    """Speeds of all sides, taken in turn, a repeat at a time, each on episodes that it has not seen."""
    episodes = [max(10, int(SECONDS * side(0, 10))) for side in sides]  # the trial also warms caches up
    for repeat in range(REPEATS):
        yield [side(repeat * n, n) for side, n in zip(sides, episodes, strict=True)]


def _ours(env_id: str, level: int, start: int, n: int) -> float:
    """Episodes a second over the problems of seeds ``start`` to ``start + n``."""
    env = make(env_id, difficulty=level)
    rng = np.random.default_rng(0)
    responses = [env.task.solve(env.reset(seed=seed)[1]["problem"], rng) for seed in range(start, start + n)]
    total = 0.0
    began = time.perf_counter()
    for seed, response in enumerate(responses, start):
        env.reset(seed=seed)
        total += env.step(response)[1]
    seconds = time.perf_counter() - began
    assert total == n, f"{env_id}: {total} of {n} oracle solutions were right"
    return n / seconds


def _theirs(dataset: str, start: int, n: int) -> float:
    """Items a second over the items ``start`` to ``start + n`` of one seeded data set of the default configuration."""
    items = reasoning_gym.create_dataset(dataset, seed=0, size=start + n)
    total = 0.0
    began = time.perf_counter()
    for index in range(start, start + n):
        item = items[index]
        total += items.score_answer(item["answer"], item)
    seconds = time.perf_counter() - began
    assert total == n, f"{dataset}: {total} of {n} answers of its own were right"
    return n / seconds
