"""A robot follows a program on a board with walls: where does it end?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

HEADINGS = ("north", "east", "south", "west")
STEPS = ((-1, 0), (0, 1), (1, 0), (0, -1))
WALLS = 0.15  # of the cells
MAX_ANSWER = 100  # characters
ANSWER = re.compile(
    r"\(?\s*(?:row)?\s*(\d{1,2})\s*,\s*(?:column)?\s*(\d{1,2})\s*,\s*(?:facing|heading)?\s*(\w{4,5})\s*\)?"
)

Command = list[Any]  # ["forward", n], ["left"], ["right"], ["back"] (turn round), ["repeat", n, commands]


class Level(NamedTuple):
    """side: of the board. commands: how many. nesting: how deep repeats may stand in one another."""

    side: int
    commands: int
    nesting: int


LEVELS = (
    Level(6, 4, 0),
    Level(6, 7, 0),
    Level(7, 9, 0),
    Level(7, 5, 1),
    Level(7, 7, 1),
    Level(8, 9, 1),
    Level(8, 11, 1),
    Level(8, 8, 2),
    Level(9, 10, 2),
    Level(9, 13, 2),
)


@register("palaestra/RobotPath-v0")
@dataclass(frozen=True)
class RobotPath(Task):
    """Difficulty raises the board (6 x 6 to 9 x 9), how long the program is and how deep its repeats are nested.

    Before a wall or the edge the robot stays where it is and goes on with its program. An answer is row, column and
    heading at the end; it is right when all three are.
    """

    tags: ClassVar[tuple[str, ...]] = ("grids", "simulation")
    ceiling = 0.05
    wordings: ClassVar[tuple[str, ...]] = (
        "A robot stands on a board in {start}. # is a wall; rows are counted from the top, columns from the left, both "
        'from 1.\n{board}\nIt follows this program: {program}.\n"forward n" is n steps ahead; a step into a wall or '
        'off the board is skipped. "left" and "right" are quarter turns, "back" is a half turn. Where is the '
        "robot at the end? Answer in \\boxed{{}} as row, column, heading, for example \\boxed{{2, 5, north}}.",
        "Program: {program}\nStart: {start}\nMap (north is up, # cannot be entered):\n{board}\nCarry out the program. "
        "left/right turn by 90 degrees and back by 180 degrees on the spot; forward k tries k single steps, and a step "
        "that is blocked by a wall or the edge of the map does nothing. Give the final row (from 1 at the top), column "
        "(from 1 at the left) and heading in \\boxed{{}}, separated by commas.",
        "Answer in \\boxed{{}} with row, column and heading (north, east, south or west), as in \\boxed{{3, 1, west}}: "
        "where does the robot end up?\n{board}\nThe top left cell is row 1, column 1; # marks walls. The robot begins "
        'in {start} and executes: {program}. Blocked steps are left out, all else goes on; "back" turns it round.',
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level = LEVELS[difficulty - 1]
        side = level.side
        uniforms = rng.random(side * side + 3 + 8 * level.commands).tolist()
        cells = ["#" if u < WALLS else "." for u in uniforms[: side * side]]
        draw = iter(uniforms[side * side :])

        def pick(n: int) -> int:
            return int(next(draw) * n)

        row, column, heading = pick(side), pick(side), pick(4)
        cells[row * side + column] = "."
        board = ["".join(cells[k : k + side]) for k in range(0, side * side, side)]
        program = _program(pick, level.commands, level.nesting)
        *_, end = _run(board, program, (row, column, heading))
        fields = {
            "board": "\n".join(board),
            "program": _text(program),
            "start": f"row {row + 1}, column {column + 1}, heading {HEADINGS[heading]}",
        }
        meta = {"board": board, "program": program, "start": [row, column, heading]}
        return self.ask(rng, _place(end), difficulty, fields, meta)

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        match = ANSWER.fullmatch(text.lower()) if len(text) <= MAX_ANSWER else None
        if match is None or match[3] not in HEADINGS:
            return wrong(f"{ascii(text[:40])[1:-1]} is not of the form row, column, heading")
        for what, found, expected in zip(
            ("row", "column", "heading"), match.groups(), problem.reference.split(", "), strict=True
        ):
            if found.lstrip("0") != expected:
                return wrong(f"the {what} is {expected}, not {found}")
        return right("the robot ends there")

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Where the robot is after each command."""
        meta = problem.meta
        lines = [_place(place) for place in _run(meta["board"], meta["program"], tuple(meta["start"]))]
        return "\n".join([*lines, f"\\boxed{{{lines[-1]}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Does each repeat once."""
        meta = problem.meta
        *_, end = _run(meta["board"], _once(meta["program"]), tuple(meta["start"]))
        slipped = rng.random() > 0.99 ** len(problem.meta["fields"]["program"].split())
        return f"\\boxed{{{_place((0, 0, 0) if slipped else end)}}}"


def _program(pick: Callable[[int], int], count: int, nesting: int) -> list[Command]:
    """Commands that move and turn by turns; a repeat holds two or three commands fewer by nesting."""
    program: list[Command] = []
    while count > 0:
        if nesting and count >= 3 and (pick(2) or count == 3):
            inside = min(count - 1, 2 + pick(3) + 2 * (nesting - 1))
            program.append(["repeat", 2 + pick(3), _program(pick, inside, nesting - 1)])
            count -= inside + 1
        else:
            turn = bool(program) and program[-1][0] == "forward"
            program.append([("left", "right", "back")[pick(5) // 2]] if turn else ["forward", 1 + pick(4)])
            count -= 1
    return program


def _run(
    board: Sequence[str], program: Sequence[Command], place: tuple[int, int, int]
) -> Iterator[tuple[int, int, int]]:
    """Row, column and heading after each command but repeats themselves."""
    for command in program:
        name = command[0]
        if name == "repeat":
            for _ in range(command[1]):
                for here in _run(board, command[2], place):
                    place = here
                    yield place
            continue
        row, column, heading = place
        if name == "forward":
            down, across = STEPS[heading]
            for _ in range(command[1]):
                r, c = row + down, column + across
                if not (0 <= r < len(board) and 0 <= c < len(board) and board[r][c] == "."):
                    break
                row, column = r, c
            place = row, column, heading
        else:
            place = row, column, (heading + {"right": 1, "back": 2, "left": 3}[name]) % 4
        yield place


def _once(program: Sequence[Command]) -> list[Command]:
    return [c for command in program for c in (_once(command[2]) if command[0] == "repeat" else [command])]


def _text(program: Sequence[Command]) -> str:
    parts = []
    for command in program:
        if command[0] == "repeat":
            parts.append(f"repeat {command[1]} times [{_text(command[2])}]")
        else:
            parts.append(" ".join(map(str, command)))
    return ", ".join(parts)


def _place(place: tuple[int, int, int]) -> str:
    row, column, heading = place
    return f"{row + 1}, {column + 1}, {HEADINGS[heading]}"
