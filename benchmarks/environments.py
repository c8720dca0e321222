"""Episodes a second of each task, beside the reasoning-gym data set of the same kind, in one process.

An episode of ours is ``reset`` and ``step`` (draw a problem, judge a response); of reasoning-gym's, making an item and
``score_answer``. Both are given right answers, which are an agent's work and not timed: ours are whole worked
solutions, recorded beforehand from the tasks' oracles, theirs are the items' own short answers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median

import numpy as np
import reasoning_gym

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


def measure(say: Callable[[str], None]) -> Iterator[Figure]:
    """One figure a task and level: episodes a second."""
    for env_id, dataset in PEERS.items():
        say(f"{env_id} beside {dataset}")
        speeds: dict[str | int, list[float]] = {dataset: [], **{level: [] for level in LEVELS}}
        episodes = {side: _episodes_in(SECONDS, lambda n, side=side: _speed(env_id, side, 0, n)) for side in speeds}
        for repeat in range(REPEATS):
            for side, n in episodes.items():
                speeds[side].append(_speed(env_id, side, repeat * n, n))
        for level in LEVELS:
            name = f"environments/{env_id.split('/')[1]} level {level} beside reasoning-gym {dataset}"
            yield Figure(name, median(speeds[level]), median(speeds[dataset]), "episodes/s")


def _episodes_in(seconds: float, speed: Callable[[int], float]) -> int:
    """How many episodes to time at once; the trial also warms caches up."""
    return max(10, int(seconds * speed(10 if speed(1) < 100 else 500)))


def _speed(env_id: str, side: str | int, start: int, n: int) -> float:
    return _theirs(side, start, n) if isinstance(side, str) else _ours(env_id, side, start, n)


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
