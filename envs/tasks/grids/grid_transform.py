"""Find the rule in example grids and apply it to another grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong
from palaestra.verifiers.puzzles.answer import AnswerError, read_grid

MAX_ANSWER = 4000  # characters

Grid = list[list[int]]
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
    return [list(row) for row in zip(*grid[::-1], strict=True)]


def _turn_back(grid: Grid) -> Grid:
    return [list(row) for row in zip(*grid, strict=True)][::-1]


def _half_turn(grid: Grid) -> Grid:
    return [row[::-1] for row in grid[::-1]]


def _mirror(grid: Grid) -> Grid:
    return [row[::-1] for row in grid]


def _upside_down(grid: Grid) -> Grid:
    return grid[::-1]


def _transpose(grid: Grid) -> Grid:
    return [list(row) for row in zip(*grid, strict=True)]


def _fall(grid: Grid) -> Grid:
    """Coloured cells sink to the bottom of their column."""
    columns = []
    for column in zip(*grid, strict=True):
        kept = [cell for cell in column if cell]
        columns.append([0] * (len(column) - len(kept)) + kept)
    return _transpose(columns)


def _slide(grid: Grid) -> Grid:
    """Coloured cells move to the left end of their row."""
    rows = []
    for row in grid:
        kept = [cell for cell in row if cell]
        rows.append(kept + [0] * (len(row) - len(kept)))
    return rows


def _shift_down(grid: Grid) -> Grid:
    """The last row becomes the first."""
    return [grid[-1], *grid[:-1]]


def _shift_right(grid: Grid) -> Grid:
    """The last column becomes the first."""
    return [[row[-1], *row[:-1]] for row in grid]


def _double(grid: Grid) -> Grid:
    """Each cell becomes two by two."""
    return [[cell for cell in row for _ in range(2)] for row in grid for _ in range(2)]


def _frame(grid: Grid) -> Grid:
    """A border of 9 all around."""
    edge = [9] * (len(grid[0]) + 2)
    return [edge, *([9, *row, 9] for row in grid), list(edge)]


def _reflect(grid: Grid) -> Grid:
    """The mirror image is set beside the grid."""
    return [row + row[::-1] for row in grid]


def _drop_edge(grid: Grid) -> Grid:
    """The first row and the first column go."""
    return [row[1:] for row in grid[1:]]


def _sort_rows(grid: Grid) -> Grid:
    """The cells of each row in rising order."""
    return [sorted(row) for row in grid]


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
        level, count = LEVELS[difficulty - 1], self.examples + 1
        area = level.side * level.side
        made = None
        while made is None:
            uniforms = rng.random(count * (area + 2) + 3 * level.steps).tolist()
            inputs = [_drawn_grid(uniforms[k * (area + 2) : (k + 1) * (area + 2)], level) for k in range(count)]
            rule = _rule(uniforms[count * (area + 2) :], level)
            made = _applied(rule, inputs)
        pairs = "\n\n".join(
            f"Input:\n{_text(before)}\nOutput:\n{_text(after)}"
            for before, after in zip(inputs[:-1], made[:-1], strict=True)
        )
        reference = {"rows": len(made[-1]), "columns": len(made[-1][0]), "grid": _text(made[-1])}
        fields = {"pairs": pairs, "test": _text(inputs[-1])}
        return self.ask(rng, reference, difficulty, fields, {"rule": rule, "test": inputs[-1]})

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        reference = problem.reference
        if text == reference["grid"]:
            return right("every cell is right")
        if len(text) > MAX_ANSWER:
            return wrong(f"an answer of more than {MAX_ANSWER} characters")
        try:
            found = read_grid(text, reference["rows"], reference["columns"], 0, 9)
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
            lines += [f"{name}:", _text(grid)]
        return "\n".join([*lines, f"\\boxed{{{problem.reference['grid']}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Sees the first change only."""
        grid = change(problem.meta["rule"][0])(problem.meta["test"])
        return f"\\boxed{{{_text(grid)}}}"


def change(name: str) -> Change:
    """The change of this name."""
    if name in CHANGES:
        return CHANGES[name][1]
    a, b = int(name[17]), int(name[-1])
    swapped = {a: b, b: a}
    return lambda grid: [[swapped.get(cell, cell) for cell in row] for row in grid]


def _rule(uniforms: Sequence[float], level: Level) -> list[str]:
    names = [name for name, (tier, _) in CHANGES.items() if tier <= level.tier]
    rule = []
    for u, v, w in zip(uniforms[::3], uniforms[1::3], uniforms[2::3], strict=True):
        k = int(u * (len(names) + 3))
        if k < len(names):
            rule.append(names[k])
        else:
            a = 1 + int(v * level.colours)
            b = 1 + (a + int(w * (level.colours - 1))) % level.colours
            rule.append(SWAP.format(min(a, b), max(a, b)))
    return rule


def _drawn_grid(uniforms: Sequence[float], level: Level) -> Grid:
    """A grid with a quarter of its cells empty; its sides may be one shorter than the level's."""
    rows, columns = (level.side - (level.side > 3) * int(2 * u) for u in uniforms[:2])
    cells = [max(0, int((1.35 * u - 0.35) * level.colours + 1)) for u in uniforms[2 : 2 + rows * columns]]
    return [cells[k : k + columns] for k in range(0, rows * columns, columns)]


def _applied(rule: Sequence[str], inputs: Sequence[Grid]) -> list[Grid] | None:
    """The outputs; None when some change leaves some grid as it is, or the grids grow or shrink too far."""
    grids = list(inputs)
    for name in rule:
        apply = change(name)
        changed = [apply(grid) for grid in grids]
        if any(before == after for before, after in zip(grids, changed, strict=True)):
            return None
        if not all(2 <= len(grid) <= 14 and 2 <= len(grid[0]) <= 14 for grid in changed):
            return None
        grids = changed
    if any(before == after for before, after in zip(inputs, grids, strict=True)):
        return None
    shown = {cell for grid in inputs[:-1] for row in grid for cell in row}
    return grids if shown.issuperset(cell for row in inputs[-1] for cell in row) else None


def _text(grid: Grid) -> str:
    return "\n".join(["".join(map(str, row)) for row in grid])
