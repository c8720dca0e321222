"""Grids: simulations agree with plain ones, ways are walked, and the rule behind examples can be told from them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from palaestra.envs.task import Problem, Task, sample_problem
from palaestra.envs.tasks.grids import grid_transform
from palaestra.envs.tasks.grids.game_of_life import GameOfLife
from palaestra.envs.tasks.grids.grid_transform import CHANGES, LEVELS, SWAP, GridTransform, change
from palaestra.envs.tasks.grids.maze import Maze
from palaestra.envs.tasks.grids.robot_path import RobotPath, _run

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("wraps", [False, True])
def test_life_agrees_with_counting_neighbours(wraps: bool) -> None:
    for seed in range(40):
        problem = sample_problem(GameOfLife(wraps=wraps), seed, 1 + seed % 10)
        alive = np.array([[cell == "#" for cell in line] for line in problem.meta["start"]])
        for _ in range(problem.meta["generations"]):
            edged = np.pad(alive, 1, mode="wrap") if wraps else np.pad(alive, 1)
            n = len(alive)
            around = sum(
                edged[1 + i : 1 + i + n, 1 + j : 1 + j + n].astype(int)
                for i, j in itertools.product((-1, 0, 1), repeat=2)
                if (i, j) != (0, 0)
            )
            alive = (around == 3) | (alive & (around == 2))
        assert problem.reference == "\n".join("".join(".#"[cell] for cell in row) for row in alive.astype(int).tolist())


def test_life_answers() -> None:
    task, problem = GameOfLife(), Problem("", ".#.\n.#.\n.#.", 1)
    assert task.verify(problem, "\\boxed{.#.\n.#.\n.#.}").right
    assert task.verify(problem, "\\boxed{. # .\n. # .\n. # .\n}").right
    assert task.verify(problem, "\\boxed{.#.\n...\n.#.}").reason == "row 2, column 2 is alive"
    assert task.verify(problem, "\\boxed{.#.\n.#.}").reason == "the grid has 2 rows instead of 3"


MAZE = {"maze": ["#####", "#S#G#", "#.#.#", "#...#", "#####"], "start": [1, 1], "goal": [1, 3]}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("DDRRUU", "a way of 6 moves"),
        ("D, D, R, L, R, R, U, U", "a way of 8 moves"),
        ("RR", "move 1 (R) runs into a wall"),
        ("DDRR", "the moves end in row 4, column 4, not on G"),
        ("down", "the answer is not a row of letters U, D, L, R"),
    ],
)
def test_maze_answers(answer: str, reason: str) -> None:
    verdict = Maze().verify(Problem("", MAZE, 1), f"\\boxed{{{answer}}}")
    assert verdict.reason == reason
    assert verdict.right is reason.startswith("a way")


def test_mazes_have_one_way_between_any_two_rooms() -> None:
    for level in (1, 5, 10):
        maze = sample_problem(Maze(), 7, level).reference["maze"]
        free = {(i, j) for i, row in enumerate(maze) for j, cell in enumerate(row) if cell != "#"}
        doors = sum((i + 1, j) in free for i, j in free) + sum((i, j + 1) in free for i, j in free)
        assert doors == len(free) - 1  # as many as in a tree
        reached, queue = {min(free)}, [min(free)]
        for i, j in queue:
            new = {(i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)} & free - reached
            reached |= new
            queue += sorted(new)
        assert reached == free


def test_robot_is_stopped_by_walls_and_edges() -> None:
    board = ["..#", "...", "..."]
    program: list[list[Any]] = [
        ["forward", 3],
        ["right"],
        ["repeat", 2, [["forward", 1], ["right"]]],
        ["back"],
        ["left"],
    ]
    places = list(_run(board, program, (0, 0, 1)))
    assert places == [
        *((0, 1, 1), (0, 1, 2), (1, 1, 2), (1, 1, 3)),
        *((1, 0, 3), (1, 0, 0), (1, 0, 2), (1, 0, 1)),
    ]


def test_robot_answers() -> None:
    task, problem = RobotPath(), Problem("", "2, 5, north", 1)
    assert task.verify(problem, "\\boxed{2, 5, north}").right
    assert task.verify(problem, "\\boxed{(row 2, column 5, heading North)}").right
    assert task.verify(problem, "\\boxed{2, 5, east}").reason == "the heading is north, not east"
    assert task.verify(problem, "\\boxed{5, 2, north}").reason == "the row is 2, not 5"
    assert "not of the form" in task.verify(problem, "\\boxed{2, 5}").reason


SQUARE = ["120", "034", "506"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("turn by 90 degrees clockwise", ["501", "032", "640"]),
        ("turn by 90 degrees anticlockwise", ["046", "230", "105"]),
        ("turn by 180 degrees", ["605", "430", "021"]),
        ("mirror left and right", ["021", "430", "605"]),
        ("turn upside down", ["506", "034", "120"]),
        ("swap rows and columns", ["105", "230", "046"]),
        ("move the last row to the top", ["506", "120", "034"]),
        ("move the last column to the left", ["012", "403", "650"]),
        ("let coloured cells fall", ["000", "124", "536"]),
        ("push coloured cells to the left", ["120", "340", "560"]),
        ("remove the first row and column", ["34", "06"]),
        ("sort each row", ["012", "034", "056"]),
        ("swap the colours 1 and 6", ["620", "034", "501"]),
    ],
)
def test_changes(name: str, expected: list[str]) -> None:
    assert change(name)(SQUARE) == expected


def test_changes_of_size() -> None:
    assert change("make each cell two by two")(["12"]) == ["1122", "1122"]
    assert change("set the mirror image beside it")(["12"]) == ["1221"]
    assert change("draw a border of 9")(["1"]) == ["999", "919", "999"]


@pytest.mark.parametrize(("level", "steps"), [(1, 1), (2, 1), (3, 2), (4, 2)])
def test_every_rule_that_fits_the_examples_gives_the_same_answer(level: int, steps: int) -> None:
    colours = range(1, LEVELS[level - 1].colours + 1)
    names = [*CHANGES, *(SWAP.format(a, b) for a, b in itertools.combinations(colours, 2))]
    rules = [rule for n in range(1, steps + 1) for rule in itertools.product(names, repeat=n)]
    for seed in range(15):
        problem = sample_problem(GridTransform(), seed, level)
        pairs = [pair.split("\nOutput:\n") for pair in problem.meta["fields"]["pairs"].split("\n\n")]
        known = [(before.removeprefix("Input:\n").split("\n"), after.split("\n")) for before, after in pairs]
        answers = [
            applied(rule, problem.meta["test"])
            for rule in rules
            if all(applied(rule, before) == after for before, after in known)
        ]
        assert answers
        assert all("\n".join(answer) == problem.reference["grid"] for answer in answers)


def applied(rule: tuple[str, ...], start: list[str]) -> list[str]:
    now = start
    for name in rule:
        if now and now[0]:
            now = change(name)(now)
    return now


def test_grid_answers() -> None:
    task, problem = GridTransform(), Problem("", {"rows": 2, "columns": 2, "grid": "12\n30"}, 1)
    assert task.verify(problem, "\\boxed{12\n30}").right
    assert task.verify(problem, "\\boxed{[[1, 2], [3, 0]]}").right
    assert task.verify(problem, "\\boxed{12\n31}").reason == "row 2, column 2 is 0, not 1"
    assert task.verify(problem, "\\boxed{1\n3}").reason == "row 1 has 1 cell instead of 2"


def test_swapped_colours_are_read_from_the_name() -> None:
    assert grid_transform.SWAP.format(3, 8) == "swap the colours 3 and 8"
    assert change(SWAP.format(3, 8))(["381"]) == ["831"]


@pytest.mark.parametrize("task", [GameOfLife(), Maze(), RobotPath(), GridTransform()], ids=str)
def test_oracle_is_right_at_every_difficulty(task: Task) -> None:
    for difficulty in task.difficulties:
        for seed in range(15):
            problem = sample_problem(task, seed, difficulty)
            assert task.verify(problem, task.solve(problem, RNG)).right, problem


def test_the_goal_of_a_maze_is_its_farthest_room() -> None:
    for level in (1, 5, 10):
        problem = sample_problem(Maze(), level, level)
        maze, start = problem.reference["maze"], tuple(problem.reference["start"])
        distance, queue = {start: 0}, [start]
        for row, column in queue:
            for there in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if maze[there[0]][there[1]] != "#" and there not in distance:
                    distance[there] = distance[row, column] + 1
                    queue.append(there)
        goal = tuple(problem.reference["goal"])
        assert distance[goal] == max(distance.values()) == len(problem.meta["moves"])
        assert maze[goal[0]][goal[1]] == "G"
