"""Find the rule in example grids and apply it to another grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong
from palaestra.verifiers.puzzles.answer import AnswerError, read_grid

from ..draws import below, text

MAX_ANSWER = 4000  # characters
LONGEST = 14  # side of an output

Grid = list[str]  # rows of digits
Change = Callable[[Grid], Grid]


class Level(NamedTuple):
    """steps: changes one after the other. side: of the largest grid. colours: beside 0. tier: of changes in use."""

    steps: int
    side: int
    colours: int
    tier: int


LEVELS = (
    Level(1, 4, 4, 1),
    Level(1, 5, 5, 2),
    Level(2, 4, 6, 1),
    Level(2, 4, 6, 2),
    Level(2, 5, 6, 3),
    Level(3, 5, 7, 2),
    Level(3, 5, 7, 3),
    Level(3, 6, 8, 3),
    Level(4, 6, 8, 3),
    Level(5, 6, 8, 3),
)


def _turn(grid: Grid) -> Grid:
    return _transpose(grid[::-1])


def _turn_back(grid: Grid) -> Grid:
    return _transpose(grid)[::-1]


def _half_turn(grid: Grid) -> Grid:
    return [row[::-1] for row in grid[::-1]]


def _mirror(grid: Grid) -> Grid:
    return [row[::-1] for row in grid]


def _upside_down(grid: Grid) -> Grid:
    return grid[::-1]


def _transpose(grid: Grid) -> Grid:
    return list(map("".join, zip(*grid, strict=True)))


def _fall(grid: Grid) -> Grid:
    """Coloured cells sink to the bottom of their column."""
    return _transpose([column.replace("0", "").rjust(len(column), "0") for column in _transpose(grid)])


def _slide(grid: Grid) -> Grid:
    """Coloured cells move to the left end of their row."""
    return [row.replace("0", "").ljust(len(row), "0") for row in grid]


def _shift_down(grid: Grid) -> Grid:
    """The last row becomes the first."""
    return [grid[-1], *grid[:-1]]


def _shift_right(grid: Grid) -> Grid:
    """The last column becomes the first."""
    return [row[-1] + row[:-1] for row in grid]


def _double(grid: Grid) -> Grid:
    """Each cell becomes two by two."""
    return [wide for row in grid for wide in ["".join([cell * 2 for cell in row])] * 2]


def _frame(grid: Grid) -> Grid:
    """A border of 9 all around."""
    edge = "9" * (len(grid[0]) + 2)
    return [edge, *[f"9{row}9" for row in grid], edge]


def _reflect(grid: Grid) -> Grid:
    """The mirror image is set beside the grid."""
    return [row + row[::-1] for row in grid]


def _drop_edge(grid: Grid) -> Grid:
    """The first row and the first column go."""
    return [row[1:] for row in grid[1:]]


def _sort_rows(grid: Grid) -> Grid:
    """The cells of each row in rising order."""
    return ["".join(sorted(row)) for row in grid]


CHANGES: dict[str, tuple[int, Change]] = {  # by name, each with the tier from which it is in use
    "turn by 90 degrees clockwise": (1, _turn),
    "turn by 90 degrees anticlockwise": (1, _turn_back),
    "turn by 180 degrees": (1, _half_turn),
    "mirror left and right": (1, _mirror),
    "turn upside down": (1, _upside_down),
    "swap rows and columns": (1, _transpose),
    "move the last row to the top": (1, _shift_down),
    "move the last column to the left": (1, _shift_right),
    "let coloured cells fall": (2, _fall),
    "push coloured cells to the left": (2, _slide),
    "set the mirror image beside it": (2, _reflect),
    "draw a border of 9": (2, _frame),
    "remove the first row and column": (2, _drop_edge),
    "sort each row": (3, _sort_rows),
    "make each cell two by two": (3, _double),
}
SWAP = "swap the colours {} and {}"
NAMES = {tier: [name for name, (since, _) in CHANGES.items() if since <= tier] for tier in (1, 2, 3)}


@register("palaestra/GridTransform-v0")
@dataclass(frozen=True)
class GridTransform(Task):
    """Difficulty raises how many changes the rule is made of (1 to 5), which ones occur, and the grids (3 to 6 a side).

    examples: pairs of input and output that are shown.

    The changes are turns, mirror images, shifts, falling cells, borders, sorting, swapped colours and the like. Each
    changes every grid it meets, so that none is hidden; grids are full enough that another rule of the same kind that
    fits the examples gives the same answer. An answer is the output grid. After Chollet, On the Measure of
    Intelligence, 2019.
    """

    examples: int = 3
    tags: ClassVar[tuple[str, ...]] = ("grids", "induction")
    ceiling = 0.02
    wordings: ClassVar[tuple[str, ...]] = (
        "The same rule turns each input grid into its output grid. Digits are colours, 0 is empty.\n\n{pairs}\n\n"
        "Apply the rule to this grid:\n{test}\n\nAnswer in \\boxed{{}} with the rows of the output grid.",
        "Here is a grid of digits:\n{test}\n\nIts output is found by a rule that you can learn from examples (0 stands "
        "for an empty cell, other digits for colours):\n\n{pairs}\n\nWrite the output of the first grid in "
        "\\boxed{{}}, row by row.",
        "Answer in \\boxed{{}} with one line of digits for each row.\nPuzzle: which grid belongs to the last input?\n\n"
        "{pairs}\n\nInput:\n{test}\nOutput:\n?",
    )

    def __post_init__(self) -> None:
        if not 2 <= self.examples <= 6:
            raise ValueError(f"examples is from 2 to 6, not {self.examples}")

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level, made = LEVELS[difficulty - 1], None
        while made is None:
            rule = _rule(rng, level)
            inputs = _drawn_grids(rng, level, self.examples + 1)
            made = _applied(rule, inputs)
        texts = ["\n".join(grid) for grid in inputs]
        outputs = ["\n".join(grid) for grid in made]
        shown = zip(texts[:-1], outputs[:-1], strict=True)
        pairs = "\n\n".join([f"Input:\n{before}\nOutput:\n{after}" for before, after in shown])
        reference = {"rows": len(made[-1]), "columns": len(made[-1][0]), "grid": outputs[-1]}
        fields = {"pairs": pairs, "test": texts[-1]}
        return self.ask(rng, reference, difficulty, fields, {"rule": rule, "test": inputs[-1]})

    def verify(self, problem: Problem, response: str) -> Verdict:
        answer = last_boxed(response)
        if answer is None:
            return wrong("no \\boxed answer")
        reference = problem.reference
        if answer == reference["grid"]:
            return right("every cell is right")
        if len(answer) > MAX_ANSWER:
            return wrong(f"an answer of more than {MAX_ANSWER} characters")
        try:
            found = read_grid(answer, reference["rows"], reference["columns"], 0, 9)
        except AnswerError as error:
            return wrong(str(error))
        for i, (row, line) in enumerate(zip(found, reference["grid"].split("\n"), strict=True), 1):
            for j, (cell, expected) in enumerate(zip(row, line, strict=True), 1):
                if str(cell) != expected:
                    return wrong(f"row {i}, column {j} is {expected}, not {cell}")
        return right("every cell is right")

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The changes, each with the grid after it."""
        grid, lines = problem.meta["test"], []
        for name in problem.meta["rule"]:
            grid = change(name)(grid)
            lines += [f"{name}:", *grid]
        return "\n".join([*lines, f"\\boxed{{{problem.reference['grid']}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Sees the first change only."""
        grid = change(problem.meta["rule"][0])(problem.meta["test"])
        return "\\boxed{" + "\n".join(grid) + "}"


@cache
def change(name: str) -> Change:
    """The change of this name."""
    if name in CHANGES:
        return CHANGES[name][1]
    a, b = name[17], name[-1]
    swapped = str.maketrans(a + b, b + a)
    return lambda grid: "\n".join(grid).translate(swapped).split("\n")


def _rule(rng: np.random.Generator, level: Level) -> list[str]:
    names, colours = NAMES[level.tier], level.colours
    drawn = iter(below(rng, *[len(names) + 3, colours, colours - 1] * level.steps))
    rule = []
    for k, a, step in zip(drawn, drawn, drawn, strict=True):
        if k < len(names):
            rule.append(names[k])
        else:
            b = (a + 1 + step) % colours
            rule.append(SWAP.format(1 + min(a, b), 1 + max(a, b)))
    return rule


def _drawn_grids(rng: np.random.Generator, level: Level, count: int) -> list[Grid]:
    """Grids with a quarter of their cells empty; their sides may be one shorter than the level's."""
    side, kinds = level.side, "0" * level.colours + "12345678"[: level.colours] * 3
    cells = text(rng, count * side * side, kinds)
    grids, start = [], 0
    for short in below(rng, *[4] * count):
        grid, columns = [], side - short % 2
        for _ in range(side - short // 2):
            grid.append(cells[start : start + columns])
            start += columns
        grids.append(grid)
    return grids


def _applied(rule: Sequence[str], inputs: Sequence[Grid]) -> list[Grid] | None:
    """The outputs; None when some change leaves some grid as it is, or the grids grow or shrink too far."""
    changes, outputs = [change(name) for name in rule], []
    for grid in inputs:
        now = grid
        for apply in changes:
            before, now = now, apply(now)
            if now == before or not (2 <= len(now) <= LONGEST and 2 <= len(now[0]) <= LONGEST):
                return None
        if now == grid:
            return None
        outputs.append(now)
    shown = set("".join([row for grid in inputs[:-1] for row in grid]))
    return outputs if shown.issuperset("".join(inputs[-1])) else None
