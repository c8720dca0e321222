"""Episodes a second of every family, in one process, beside reasoning-gym's data set of the same kind where it has one.

As in ``environments``: reset, step and verdict of ours beside item and score of theirs, both given right answers that
were made beforehand. Families that judge in a sandbox or in worker processes are in the table and out of the median.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, suppress
from functools import partial
from operator import itemgetter
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import reasoning_gym  # type: ignore[import-untyped]

from palaestra.envs import make, task_ids
from palaestra.envs.catalog import complete
from palaestra.envs.dialogue import Dialogue

from .figure import Figure

PEERS = {
    "Arithmetic": "basic_arithmetic",
    "BaseConversion": "base_conversion",
    "CalendarDay": "calendar_arithmetic",
    "Cipher": "caesar_cipher",
    "Cryptarithm": "cryptarithm",
    "DefiniteIntegral": "simple_integration",
    "Futoshiki": "futoshiki",
    "GameOfLife": "game_of_life",
    "GcdLcm": "gcd",
    "GraphColouring": "graph_color",
    "GridTransform": "arc_1d",
    "Hanoi": "tower_of_hanoi",
    "LinearEquations": "simple_equations",
    "Maze": "maze",
    "NQueens": "n_queens",
    "PolynomialProduct": "polynomial_multiplication",
    "PredictOutput": "codeio",
    "PropositionalLogic": "propositional_logic",
    "Quadratic": "polynomial_equations",
    "ShortestPath": "shortest_path",
    "Sokoban": "sokoban",
    "SortBySteps": "number_sorting",
    "Sudoku": "sudoku",
    "Syllogisms": "syllogism",
    "TopologicalOrder": "course_schedule",
    "TriangleGeometry": "simple_geometry",
    "WaterJugs": "jugs",
    "Zebra": "zebra_puzzles",
}
ANSWERS: dict[str, Callable[[Any], str]] = {  # of peers whose items hold none
    "graph_color": lambda item: json.dumps(item["metadata"]["possible_answer"]),
    "propositional_logic": lambda item: str(item["metadata"]["example_answer"]),
}
KNOBS: dict[str, dict[str, Any]] = {  # that make the peer's kind of problem
    "Cipher": {"kind": "caesar"},
    "Syllogisms": {"single": True, "difficulty": 1},  # one conclusion from two statements about three groups
}
OUTSIDE = ("SqlQuery", "WriteFunction")  # judged in other processes
LEVEL = 3
REPEATS = 5
SECONDS = 0.1  # of each repeat, about


def measure(say: Callable[[str], None]) -> Iterator[Figure]:
    """A figure for each family that has a peer, and the median over all families beside that of the peers."""
    ids = [id for id in task_ids() if id.startswith("palaestra/") and complete(id)]
    names = {id.removeprefix("palaestra/").removesuffix("-v0"): id for id in ids}
    ours, theirs = {}, {}
    for name, id in names.items():
        if issubclass(type(make(id).task), Dialogue):
            continue
        peer = PEERS.get(name)
        sides: list[Callable[[int, int], float]] = [partial(_ours, id, KNOBS.get(name, {}))]
        sides += [partial(_theirs, peer)] if peer else []
        speeds = [median(column) for column in zip(*_alternate(sides), strict=True)]
        say(f"{name}: {speeds[0]:,.0f} episodes/s" + (f", {peer}: {speeds[1]:,.0f}" if peer else ""))
        if name not in OUTSIDE:
            ours[name] = speeds[0]
        if peer:
            theirs[name] = speeds[1]
            yield Figure(f"families/{name} beside reasoning-gym's {peer}", speeds[0], speeds[1], "episodes/s")
    every = f"families/median of {len(ours)} beside that of {len(theirs)} peers"
    yield Figure(every, median(ours.values()), median(theirs.values()), "episodes/s")


def _alternate(sides: list[Callable[[int, int], float]]) -> Iterator[list[float]]:
    episodes = [max(3, int(SECONDS * side(0, 3))) for side in sides]
    for repeat in range(1, REPEATS + 1):
        yield [side(repeat * n, n) for side, n in zip(sides, episodes, strict=True)]


def _ours(env_id: str, knobs: dict[str, Any], start: int, n: int) -> float:
    env = make(env_id, **{"difficulty": LEVEL, **knobs})
    rng = np.random.default_rng(0)
    responses = [env.task.solve(env.reset(seed=seed)[1]["problem"], rng) for seed in range(start, start + n)]
    began = time.perf_counter()
    total = 0.0
    for seed, response in enumerate(responses, start):
        env.reset(seed=seed)
        total += env.step(response)[1]
    seconds = time.perf_counter() - began
    assert total == n, f"{env_id}: {total} of {n} oracle solutions were right"
    return n / seconds


def _theirs(dataset: str, start: int, n: int) -> float:
    """Their own answers are not always right by their own scorers, so that is not asserted here."""
    answer = ANSWERS.get(dataset, itemgetter("answer"))
    answers = {}
    with TemporaryDirectory() as folder, chdir(folder):  # its codeio runs programs that write files where they are
        items = reasoning_gym.create_dataset(dataset, seed=0, size=start + n)
        for index in range(start, start + n):
            with suppress(RuntimeError):  # which its maze raises at some indices
                answers[index] = answer(items[index])
        began = time.perf_counter()
        for index, said in answers.items():
            items.score_answer(said, items[index])
        return len(answers) / (time.perf_counter() - began)
