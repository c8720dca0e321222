"""Sudoku, Latin squares, Futoshiki, KenKen, Kakuro, magic squares, queens, nonograms."""

from __future__ import annotations

import itertools
import random
from typing import Any, Protocol

import pytest

from palaestra.verifiers import Status, Verdict
from palaestra.verifiers.puzzles import (
    Cage,
    Futoshiki,
    Kakuro,
    KenKen,
    LatinSquare,
    MagicSquare,
    Nonogram,
    NQueens,
    Sudoku,
)


class Puzzle(Protocol):
    def verify(self, response: str) -> Verdict: ...


def solved_sudoku(height: int, width: int) -> list[list[int]]:
    size = height * width
    return [[(width * (i % height) + i // height + j) % size + 1 for j in range(size)] for i in range(size)]


def text(grid: list[list[int]]) -> str:
    return "\n".join(" ".join(map(str, row)) for row in grid)


SOLVED = solved_sudoku(3, 3)
SUDOKU = Sudoku([[value if (i + j) % 3 else 0 for j, value in enumerate(row)] for i, row in enumerate(SOLVED)])
LATIN = LatinSquare([[1, 0, 0], [0, 0, 0], [0, 0, 2]])
FUTOSHIKI = Futoshiki([[0] * 3] * 3, [((0, 0), (0, 1)), ((1, 0), (0, 0))])
CAGES = [
    Cage("+", 3, [(0, 0), (1, 0)]),
    Cage("/", 3, [(0, 1), (0, 2)]),
    Cage("*", 12, [(1, 1), (1, 2), (2, 1)]),
    Cage("-", 2, [(2, 0), (2, 2)]),
]
KENKEN = KenKen(3, CAGES)
KAKURO = Kakuro(["#..", "...", "..#"], across=[3, 6, 4], down=[4, 6, 3])
MAGIC = MagicSquare([[2, 0, 0], [0, 0, 0], [0, 0, 8]])
QUEENS = NQueens(6, given=[(0, 1)])
NONOGRAM = Nonogram(rows=[[2], [1], [0]], columns=[[1], [2], []])


@pytest.mark.parametrize(
    ("puzzle", "answer"),
    [
        (SUDOKU, text(SOLVED)),
        (Sudoku([[0] * 6] * 6, box=(2, 3)), text(solved_sudoku(2, 3))),
        (Sudoku([[0] * 16] * 16, box=(4, 4)), text(solved_sudoku(4, 4))),
        (Sudoku([[0]], box=(1, 1)), "1"),
        (LATIN, "1 2 3\n2 3 1\n3 1 2"),
        (FUTOSHIKI, "2 3 1\n1 2 3\n3 1 2"),
        (KENKEN, "2 1 3\n1 3 2\n3 2 1"),
        (KAKURO, "# 1 2\n3 2 1\n1 3 #"),
        (Kakuro([".#", ".."], across=[17], down=[13]), "5 #\n8 9"),
        (Kakuro(["........."], across=[45], down=[]), "123456789"),
        (MAGIC, "2 9 4\n7 5 3\n6 1 8"),
        (QUEENS, "2 4 6 1 3 5"),
        (QUEENS, ".Q....\n...Q..\n.....Q\nQ.....\n..Q...\n....Q."),
        (NONOGRAM, "##.\n.#.\n..."),
        (NONOGRAM, "1 1 0\n0 1 0\n0 0 0"),
    ],
)
def test_right(puzzle: Puzzle, answer: str) -> None:
    verdict = puzzle.verify(f"So \\boxed{{{answer}}}")
    assert verdict.right, verdict.reason


def changed(row: int, column: int, value: int) -> str:
    grid = [list(line) for line in SOLVED]
    grid[row][column] = value
    return text(grid)


@pytest.mark.parametrize(
    ("puzzle", "answer", "reason"),
    [
        (SUDOKU, changed(0, 0, 2), "row 1 has two 2s"),
        (SUDOKU, changed(0, 1, 9), "row 1, column 2 is 9, but 2 is given"),
        (SUDOKU, text(SOLVED[:8]), "the grid has 8 rows instead of 9"),
        (SUDOKU, changed(4, 4, 10), "row 5, column 5 is 10, not from 1 to 9"),
        (SUDOKU, text([[*row, 1] for row in SOLVED]), "row 1 has 10 cells instead of 9"),
        (Sudoku([[0] * 4] * 4, box=(2, 2)), "1 2 3 4\n2 3 4 1\n3 4 1 2\n4 1 2 3", "box 1 has two 2s"),
        (LATIN, "1 2 3\n2 3 1\n3 2 2", "row 3 has two 2s"),
        (LATIN, "1 2 3\n1 3 2\n3 1 2", "column 1 has two 1s"),
        (LATIN, "1 2 3\n2 3 1\n3 1 x", "'x' is no whole number"),
        (FUTOSHIKI, "1 2 3\n2 3 1\n3 1 2", "row 2, column 1 is 2, not less than the 1 of row 1, column 1"),
        (
            Futoshiki([[0] * 2] * 2, [((0, 0), (1, 1))]),
            "1 2\n2 1",
            "row 1, column 1 is 1, not less than the 1 of row 2, column 2",
        ),
        (KENKEN, "1 2 3\n2 3 1\n3 1 2", "the cage at row 1, column 2 (3/) holds 2, 3"),
        (KAKURO, "# 1 2\n2 3 1\n2 2 #", "the run across from row 3, column 1 has two 2s"),
        (KAKURO, "# 2 2\n3 2 1\n1 3 #", "the run across from row 1, column 2 makes 4, not 3"),
        (KAKURO, "0 1 2\n3 2 1\n1 3 #", "row 1, column 1 is not # (black)"),
        (KAKURO, "# 1 2\n3 2 #\n1 3 #", "row 2, column 3 is not a digit from 1 to 9"),
        (MAGIC, "2 4 9\n7 5 3\n6 1 8", "column 2 has sum 10, not 15"),
        (MAGIC, "2 5 8\n5 5 5\n8 5 8", "the grid has five 5s"),
        (QUEENS, "2 4 6 1 3 4", "2 queens share a column"),
        (QUEENS, "2 4 6 3 1 5", "2 queens share a diagonal that falls to the right"),
        (QUEENS, "1 2 3 4 5 6", "the given queen at row 1, column 2 is missing"),
        (QUEENS, ".Q....\n...Q..\n.....Q\nQ.....\n..Q...\n......", "row 6 has 0 queens"),
        (QUEENS, "2 4 6 1 3", "5 columns are given instead of 6"),
        (QUEENS, "2 4 6 1 3 7", "column 7 is not from 1 to 6"),
        (NONOGRAM, "#.#\n.#.\n...", "row 1 has runs 1 1 instead of 2"),
        (NONOGRAM, "##.\n#..\n...", "column 1 has runs 2 instead of 1"),
        (NONOGRAM, "##?\n.#.\n...", "row 1, column 3 is neither # nor ."),
    ],
)
def test_wrong_names_the_first_broken_rule(puzzle: Puzzle, answer: str, reason: str) -> None:
    verdict = puzzle.verify(f"So \\boxed{{{answer}}}")
    assert (verdict.status, verdict.score, verdict.reason) == (Status.WRONG, 0.0, reason)


@pytest.mark.parametrize(
    ("puzzle", "fields", "told"),
    [
        (Sudoku, {"givens": [[0] * 8] * 8}, "does not fit 8"),
        (Sudoku, {"givens": [[0] * 9] * 9, "box": (3, 2)}, "3x2"),
        (Sudoku, {"givens": [*[[0] * 9] * 8, [0] * 8]}, "row 9"),
        (Sudoku, {"givens": [[10] + [0] * 8] + [[0] * 9] * 8}, "row 1, column 1"),
        (Sudoku, {"givens": [["5"] + [0] * 8] + [[0] * 9] * 8}, "whole number"),
        (LatinSquare, {"givens": []}, "rows"),
        (Futoshiki, {"givens": [[0]], "less": [((0, 0), (0, 0))]}, "less than itself"),
        (Futoshiki, {"givens": [[0]], "less": [((0, 0), (0, 1))]}, "0 or less"),
        (KenKen, {"size": 3, "cages": CAGES[:3]}, "row 3, column 1 is in no cage"),
        (KenKen, {"size": 3, "cages": [*CAGES, Cage("=", 1, [(0, 0)])]}, "row 1, column 1 is in two cages"),
        (KenKen, {"size": 1, "cages": [Cage("^", 1, [(0, 0)])]}, "operation"),  # type: ignore[arg-type]
        (KenKen, {"size": 1, "cages": [Cage("-", 1, [(0, 0)])]}, "2 cells"),
        (Kakuro, {"layout": ["#.", "."], "across": [], "down": []}, "one length"),
        (Kakuro, {"layout": ["#?"], "across": [], "down": []}, "# and ."),
        (Kakuro, {"layout": [".."], "across": [3, 4], "down": []}, "1 runs across"),
        (Kakuro, {"layout": [".."], "across": [18], "down": []}, "cannot make 18"),
        (MagicSquare, {"givens": [[0, 0], [0, 5]]}, "4 or less"),
        (NQueens, {"size": 0}, "1 or more"),
        (NQueens, {"size": 4, "given": [(4, 0)]}, "3 or less"),
        (Nonogram, {"rows": [[2]], "columns": [[1]]}, "row 1 do not fit in 1"),
        (Nonogram, {"rows": [[1, 1]], "columns": [[1], [1]]}, "row 1 do not fit in 2"),
        (Nonogram, {"rows": [[1]], "columns": [[]]}, "rows fill 1 cells and the columns 0"),
        (Nonogram, {"rows": [], "columns": []}, "from 1 to"),
    ],
)
def test_a_broken_instance_is_refused_in_one_line(puzzle: Any, fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]*$") as error:
        puzzle(**fields)
    assert told in str(error.value)


def test_partial_credit_is_the_fraction_of_rules_kept_and_only_on_request() -> None:
    instance = Sudoku([[0] * 9] * 9, partial=True)
    verdict = instance.verify(changed(0, 0, 2))  # breaks row 1, column 1 and box 1 of 27
    assert verdict.score == pytest.approx(24 / 27)
    assert verdict.evidence["broken"] == 3
    assert instance.verify(text(SOLVED[:8])).score == 0.0
    assert instance.verify(text(SOLVED)).score == 1.0


def test_queens_are_right_just_for_the_placements_that_a_search_finds() -> None:
    found = [columns for columns in itertools.product(range(1, 6), repeat=5) if peaceful(columns)]
    verified = [
        columns
        for columns in itertools.product(range(1, 6), repeat=5)
        if NQueens(5).verify(" ".join(map(str, columns))).right
    ]
    assert len(found) == 10
    assert verified == found


def peaceful(columns: tuple[int, ...]) -> bool:
    pairs = itertools.combinations(enumerate(columns), 2)
    return all(a != b and abs(a - b) != j - i for (i, a), (j, b) in pairs)


def test_every_latin_square_of_order_three_and_no_other_grid_is_right() -> None:
    empty = LatinSquare([[0] * 3] * 3)
    rows = list(itertools.product((1, 2, 3), repeat=3))
    right = [grid for grid in itertools.product(rows, repeat=3) if empty.verify(text([list(r) for r in grid])).right]
    assert len(right) == 12


def test_a_nonogram_accepts_any_picture_with_its_runs() -> None:
    rng = random.Random(3)
    for _ in range(50):
        height, width = rng.randint(1, 6), rng.randint(1, 6)
        picture = ["".join(rng.choice("#.") for _ in range(width)) for _ in range(height)]
        columns = ["".join(column) for column in zip(*picture, strict=True)]
        rows, downs = (
            [[len(run) for run in line.replace(".", " ").split()] for line in ls] for ls in (picture, columns)
        )
        puzzle = Nonogram(rows, downs)
        assert puzzle.verify("\n".join(" ".join(row) for row in picture)).right
        flipped = [picture[0].translate(str.maketrans("#.", ".#")), *picture[1:]]
        assert not puzzle.verify("\n".join(" ".join(row) for row in flipped)).right
    assert Nonogram([[1], [1]], [[1], [1]]).verify("#.\n.#").right
    assert Nonogram([[1], [1]], [[1], [1]]).verify(".#\n#.").right
