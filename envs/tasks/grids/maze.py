"""Find the way through a maze."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.envs.tasks.grids.directions import DIRECTIONS, read_directions
from palaestra.verifiers import Verdict, last_boxed, right, wrong

SIZES = ((4, 5), (5, 5), (5, 6), (6, 6), (6, 7), (7, 7), (7, 8), (8, 8), (8, 9), (9, 9))  # rooms, by difficulty
MAX_ANSWER = 5000  # characters


@register("palaestra/Maze-v0")
@dataclass(frozen=True)
class Maze(Task):
    """Difficulty raises how many rooms the maze has (20 to 81); between any two of them there is one way.

    An answer is the moves from S to G as letters, one character of the drawing each; it is right when no move runs
    into a wall and the last ends on G. Detours count. The maze is carved by a depth-first walk from S, whose farthest
    room is G.
    """

    tags: ClassVar[tuple[str, ...]] = ("grids", "planning")
    ceiling = 0.02
    wordings: ClassVar[tuple[str, ...]] = (
        "Find a way from S to G. # is a wall, . is free.\n{maze}\nAnswer in \\boxed{{}} with the moves as letters U "
        "(up), D (down), L (left), R (right), one cell each, without spaces.",
        "{maze}\nThis is a maze: you start on S and want to get to G, over cells marked with a dot; cells marked # "
        "cannot be entered. Each move goes to the next cell up, down, left or right. Write your moves in \\boxed{{}} "
        "as one word over the letters U, D, L and R, for example \\boxed{{RRD}}.",
        "Answer in \\boxed{{}} with a string of U, D, L and R that leads from the letter S to the letter G on the map "
        "below, where every letter is one step up, down, left or right on the map and no step may enter a #.\nMap:\n"
        "{maze}",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        rows, columns = SIZES[difficulty - 1]
        maze, start, goal, path = _carved(rng, rows, columns)
        fields = {"maze": maze}
        reference = {"maze": maze.split("\n"), "start": start, "goal": goal}
        return self.ask(rng, reference, difficulty, fields, {"moves": path})

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        moves = read_directions(text, MAX_ANSWER)
        if moves is None:
            return wrong("the answer is not a row of letters U, D, L, R")
        maze, (row, column) = problem.reference["maze"], problem.reference["start"]
        for number, move in enumerate(moves, 1):
            down, across = DIRECTIONS[move]
            row += down
            column += across
            if maze[row][column] == "#":  # the outer wall has no gap, so no move leaves the drawing
                return wrong(f"move {number} ({move}) runs into a wall")
        if maze[row][column] != "G":
            return wrong(f"the moves end in row {row + 1}, column {column + 1}, not on G")
        return right(f"a way of {len(moves)} moves")

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The straight stretches of the way, each with where it ends."""
        moves, (row, column) = problem.meta["moves"], problem.reference["start"]
        lines, since = [], 0
        for k, move in enumerate(moves, 1):
            row, column = row + DIRECTIONS[move][0], column + DIRECTIONS[move][1]
            if moves[k : k + 1] != move:
                lines.append(f"{moves[since:k]} to row {row + 1}, column {column + 1}")
                since = k
        return "\n".join([*lines, f"\\boxed{{{moves}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Always go on towards G where there is a choice, and never turn back."""
        maze, (row, column) = problem.reference["maze"], problem.reference["start"]
        goal_row, goal_column = problem.reference["goal"]
        moves, seen = "", {(row, column)}
        while (row, column) != (goal_row, goal_column):
            ways = [
                (abs(row + down - goal_row) + abs(column + across - goal_column), move)
                for move, (down, across) in DIRECTIONS.items()
                if maze[row + down][column + across] != "#" and (row + down, column + across) not in seen
            ]
            if not ways:
                break
            move = min(ways)[1]
            row, column, moves = row + DIRECTIONS[move][0], column + DIRECTIONS[move][1], moves + move
            seen.add((row, column))
        return f"\\boxed{{{moves}}}"


def _carved(rng: np.random.Generator, rows: int, columns: int) -> tuple[str, list[int], list[int], str]:
    """The drawing, the cells of S and G in it, and the moves between them."""
    near, blank = _rooms(rows, columns)
    cells = blank.copy()
    start, *draws = rng.bit_generator.random_raw(rows * columns).tolist()
    here = start = list(near)[start % len(near)]
    cells[here] = "."
    way, best = [here], [here]
    for draw in draws:
        while not (free := [there for there in near[here] if cells[there] == "#"]):
            if len(way) > len(best):
                best = way.copy()
            way.pop()
            here = way[-1]
        there = free[draw % len(free)]
        cells[there] = cells[(here + there) // 2] = "."
        way.append(there)
        here = there
    best = max(best, way, key=len)
    width = 2 * columns + 2
    names = {2 * width: "DD", -2 * width: "UU", 2: "RR", -2: "LL"}
    path = "".join([names[b - a] for a, b in pairwise(best)])
    cells[start], cells[best[-1]] = "S", "G"
    return "".join(cells)[:-1], list(divmod(start, width)), list(divmod(best[-1], width)), path


@cache
def _rooms(rows: int, columns: int) -> tuple[dict[int, list[int]], list[str]]:
    """Of each room, by its character in the drawing, those next to it; and the drawing with nothing but walls."""
    width = 2 * columns + 2  # with the line's end
    rooms = [i * width + j for i in range(1, 2 * rows, 2) for j in range(1, 2 * columns, 2)]
    near = {room: [room + s for s in (-2 * width, 2 * width, -2, 2) if room + s in rooms] for room in rooms}
    return near, list(("#" * (width - 1) + "\n") * (2 * rows + 1))
