"""Conway's Game of Life: the board some generations later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong
from palaestra.verifiers.puzzles.answer import AnswerError, read_cells

SIDES = (5, 6, 6, 6, 7, 7, 7, 8, 8, 9)  # of the square board, by difficulty
GENERATIONS = (1, 1, 2, 3, 3, 4, 5, 5, 6, 7)  # by difficulty
DENSITY = 0.4  # of living cells at first
FEWEST = 3  # cells that live at the end
MAX_ANSWER = 2000  # characters
MISCOUNT = 0.004  # of the weak solver, a cell


@register("palaestra/GameOfLife-v0")
@dataclass(frozen=True)
class GameOfLife(Task):
    """Difficulty raises the board (5 x 5 to 9 x 9) and the number of generations (1 to 7).

    wraps: opposite edges touch; otherwise all cells beyond the edge are dead.

    An answer is the last board as lines of # and dots; it is right when every cell is. At least three cells are alive
    at the end, and the board has changed. Rules: Conway, told by Gardner in Scientific American 223 (4), 1970.
    """

    wraps: bool = False
    tags: ClassVar[tuple[str, ...]] = ("grids", "simulation")
    ceiling = 0.02
    wordings: ClassVar[tuple[str, ...]] = (
        "Conway's Game of Life on a board where {edges}. # is a living cell, . a dead one.\n{board}\nWhat does the "
        "board look like after {generations}? Answer in \\boxed{{}} with its lines.",
        "{board}\nLet this board go through {generations}: a living cell (#) with two or three living neighbours among "
        "the eight around it lives on, a dead cell (.) with exactly three comes alive, all others are dead; {edges}. "
        "Write the lines of the resulting board in \\boxed{{}}, in the same signs.",
        "Answer in \\boxed{{}} with a board of # (alive) and . (dead), line by line.\nRule: alive next if alive now "
        "with 2 or 3 of 8 neighbours alive, or dead now with exactly 3 alive. Note: {edges}.\nTime to simulate: "
        "{generations}.\nStart:\n{board}",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n, generations = SIDES[difficulty - 1], GENERATIONS[difficulty - 1]
        while True:
            cells = "".join("#" if u < DENSITY else "." for u in rng.random(n * n).tolist())
            start = [cells[k : k + n] for k in range(0, n * n, n)]
            boards = list(self._boards(start, generations))
            if sum(map(int.bit_count, boards[-1])) >= FEWEST and boards[-1] != boards[0]:
                break
        fields = {
            "board": "\n".join(start),
            "edges": "opposite edges touch" if self.wraps else "all cells beyond the edge are dead",
            "generations": "1 generation" if generations == 1 else f"{generations} generations",
        }
        end = "\n".join(_drawn(boards[-1], n))
        return self.ask(rng, end, difficulty, fields, {"start": start, "generations": generations})

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        if text == problem.reference:
            return right("every cell is right")
        if len(text) > MAX_ANSWER:
            return wrong(f"an answer of more than {MAX_ANSWER} characters")
        lines = problem.reference.split("\n")
        try:
            found = read_cells(text, len(lines), len(lines))
        except AnswerError as error:
            return wrong(str(error))
        for i, (row, line) in enumerate(zip(found, lines, strict=True), 1):
            for j, (cell, expected) in enumerate(zip(row, line, strict=True), 1):
                if cell != expected:
                    return wrong(f"row {i}, column {j} is {'alive' if expected == '#' else 'dead'}")
        return right("every cell is right")

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Every generation."""
        start, generations = problem.meta["start"], problem.meta["generations"]
        boards = list(self._boards(start, generations))
        lines = []
        for number, board in enumerate(boards[1:], 1):
            lines += [f"generation {number}:", *_drawn(board, len(start))]
        return "\n".join([*lines, f"\\boxed{{{problem.reference}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """As the oracle, but now and then a cell is taken for its opposite."""
        board, n = problem.meta["start"], len(problem.meta["start"])
        for _ in range(problem.meta["generations"]):
            *_, now = self._boards(board, 1)
            slips = rng.random((n, n)) < MISCOUNT
            board = [
                "".join("#."[c == "#"] if slip else c for c, slip in zip(line, row, strict=True))
                for line, row in zip(_drawn(now, n), slips.tolist(), strict=True)
            ]
        return "\\boxed{" + "\n".join(board) + "}"

    def _boards(self, start: Sequence[str], generations: int) -> list[list[int]]:
        """The board at first and after each generation; a row is a number, its leftmost cell the highest bit."""
        n = len(start)
        rows = [int(line.translate(BITS), 2) for line in start]
        boards = [rows]
        for _ in range(generations):
            rows = _next(rows, n, self.wraps)
            boards.append(rows)
        return boards


BITS = str.maketrans("#.", "10")
SIGNS = str.maketrans("10", "#.")


def _next(rows: Sequence[int], n: int, wraps: bool) -> list[int]:
    """One generation, a whole row at a time: bits of equal weight are added as in a hardware adder."""
    mask = (1 << n) - 1
    sums = []
    for row in rows:  # how many of three cells side by side live: ones and twos
        left, right_ = row << 1 & mask, row >> 1
        if wraps:
            left |= row >> (n - 1)
            right_ |= row << (n - 1) & mask
        sums.append((left ^ row ^ right_, left & row | left & right_ | row & right_))
    edges = (sums[-1], sums[0]) if wraps else ((0, 0), (0, 0))
    padded = [edges[0], *sums, edges[1]]
    new = []
    for k, row in enumerate(rows):
        (a, p), (b, q), (c, r) = padded[k : k + 3]
        ones = a ^ b ^ c
        carry = a & b | a & c | b & c
        twos = p ^ q ^ r ^ carry
        pairs = p & q | p & r | q & r | carry & (p ^ q ^ r)  # fours, but for carries that cancel in the eights
        # The sum counts the cell itself: alive next when it is 3, or 4 with the cell alive.
        new.append(ones & twos & ~pairs | row & ~ones & ~twos & pairs & ~(p & q & r & carry))
    return new


def _drawn(rows: Sequence[int], n: int) -> list[str]:
    return [format(row, f"0{n}b").translate(SIGNS) for row in rows]
