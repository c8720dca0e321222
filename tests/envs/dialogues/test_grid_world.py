"""GridWorld: steps, walls, key and door, and shortest ways against a second search."""

from __future__ import annotations

import numpy as np
import pytest

from palaestra.envs import Problem, sample_problem
from palaestra.envs.dialogues import GridWorld
from palaestra.envs.dialogues.grid_world import path_length

GRID = {"size": 3, "walls": [[2, 2]], "start": [1, 1], "key": [1, 3], "door": [3, 1], "turns": 9}
PROBLEM = Problem("?", GRID, 1)


@pytest.mark.parametrize(
    ("moves", "seen", "won"),
    [
        ("n", "You are at (1, 2). Walls to the east, west.", False),
        ("s", "There is a wall to the south. You are still at (1, 1).", False),
        ("ne", "There is a wall to the east. You are still at (1, 2).", False),
        ("nn", "You are at (1, 3) and pick up the key. Walls to the north, west.", False),
        ("ee", "You are at (3, 1). The door is locked.", False),
        ("nneess", "You are at (3, 1) and open the door.", True),
        ("eennww", "pick up the key", False),
    ],
)
def test_steps_in_the_grid(moves: str, seen: str, won: bool) -> None:
    names = {"n": "north", "e": "east", "s": "south", "w": "west"}
    *_, turn = GridWorld().play(PROBLEM, [f"move[{names[move].upper()}]" for move in moves])
    assert seen in turn.observation
    assert (turn.verdict is not None and turn.verdict.right) is won


@pytest.mark.parametrize("action", ["move[up]", "go north", "move[]", "move[north, east]"])
def test_what_is_no_step_costs_a_turn(action: str) -> None:
    turns = list(GridWorld().play(PROBLEM, [action] * 9))
    assert "write move[north]" in turns[0].observation
    assert turns[0].state == (1, 1, 0)
    assert turns[-1].verdict is not None
    assert turns[-1].verdict.reason == "no answer in 9 turns"


def test_path_lengths_are_those_of_bellman_and_ford() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        cells = [(x, y) for x in range(1, 6) for y in range(1, 6)]
        walls = {cell for cell in cells if rng.random() < 0.3} - {(1, 1)}
        far = 26
        lengths = {cell: far for cell in cells if cell not in walls} | {(1, 1): 0}
        for _ in cells:
            for x, y in lengths:
                beside = (lengths.get(c, far) for c in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)))
                lengths[x, y] = min(lengths[x, y], *(length + 1 for length in beside))
        for cell, length in lengths.items():
            assert path_length(5, walls, (1, 1), cell) == min(length, far)


def test_the_oracle_takes_the_shortest_way_and_has_turns_to_spare() -> None:
    task = GridWorld()
    for seed in range(60):
        problem = sample_problem(task, seed, 1 + seed % 10)
        reference = problem.reference
        walls = {tuple(cell) for cell in reference["walls"]}
        start, key, door = (tuple(reference[name]) for name in ("start", "key", "door"))
        shortest = path_length(reference["size"], walls, start, key) + path_length(reference["size"], walls, key, door)
        play = list(task.demonstrate(problem, np.random.default_rng(0)))
        assert len(play) == shortest < reference["turns"] <= 64
