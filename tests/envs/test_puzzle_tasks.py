"""The single-turn puzzle families: answers judged by hand, and other searches find no second solution."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations, product
from math import prod

import numpy as np
import pytest

from palaestra.envs.audit import solve
from palaestra.envs.task import Problem, Task, sample_problem
from palaestra.envs.tasks.puzzles.candidates import all_different
from palaestra.envs.tasks.puzzles.cryptarithm import Cryptarithm, _search, _sum, _unique
from palaestra.envs.tasks.puzzles.futoshiki import Futoshiki
from palaestra.envs.tasks.puzzles.kenken import KenKen
from palaestra.envs.tasks.puzzles.magic_square import MagicSquare
from palaestra.envs.tasks.puzzles.n_queens import NQueens
from palaestra.envs.tasks.puzzles.nonogram import Nonogram
from palaestra.envs.tasks.puzzles.positions import Clue, Row, deductions, draw_clues, eliminate
from palaestra.envs.tasks.puzzles.sudoku import Sudoku
from palaestra.envs.tasks.puzzles.sudoku_grids import MINIMAL
from palaestra.envs.tasks.puzzles.zebra import Zebra
from palaestra.verifiers.puzzles.logic_grid import RELATIONS

FAMILIES = (Cryptarithm(), Futoshiki(), KenKen(), MagicSquare(), NQueens(), Nonogram(), Sudoku(), Zebra())
Grid = list[list[int]]


def problems(task: Task, count: int, levels: tuple[int, ...]) -> Iterator[Problem]:
    for level in levels:
        for seed in range(count):
            yield sample_problem(task, seed, level)


def reason(task: Task, problem: Problem, answer: str) -> str:
    """Why an answer is wrong; an empty text when it is right."""
    verdict = task.verify(problem, answer)
    assert verdict.score == (1.0 if verdict.right else 0.0)
    return "" if verdict.right else verdict.reason


def grids(n: int, fits: Callable[[Grid, int, int], bool]) -> list[Grid]:
    """All n by n grids of 1 to n, filled cell by cell while ``fits`` allows the number in a row and column."""
    found: list[Grid] = []
    grid = [[0] * n for _ in range(n)]

    def fill(cell: int) -> None:
        if cell == n * n:
            found.append([row[:] for row in grid])
            return
        i, j = divmod(cell, n)
        for grid[i][j] in range(1, n + 1):
            if fits(grid, i, j):
                fill(cell + 1)
        grid[i][j] = 0

    fill(0)
    return found


def latin(grid: Grid, i: int, j: int) -> bool:
    """Whether the number just put in is new in its row and column."""
    return grid[i][j] not in grid[i][:j] and all(grid[k][j] != grid[i][j] for k in range(i))


def rows(text: str) -> Grid:
    return [[int(value) for value in line.split()] for line in text.splitlines()]


@pytest.mark.parametrize("task", FAMILIES, ids=lambda task: type(task).__name__)
def test_problems_differ_and_every_oracle_is_right_by_the_rules(task: Task) -> None:
    for level in task.difficulties:
        found = [sample_problem(task, seed, level) for seed in range(30)]
        assert len({task.identity(problem) for problem in found}) >= 28
        for problem in found[:4]:
            answer = solve(task, problem)
            assert task.verify(problem, answer).right
            # With a remark behind it the answer is no longer the text that is known to be right.
            verdict = task.verify(problem, f"{answer}\nDone.")
            assert verdict.right, verdict.reason
            assert "rules" in verdict.evidence


def test_candidates_of_different_cells() -> None:
    assert all_different((0b011, 0b011, 0b111)) == (0b011, 0b011, 0b100)
    assert all_different((0b001, 0b011, 0b111)) == (0b001, 0b010, 0b100)
    assert all_different((0b001, 0b001, 0b111)) is None
    for masks in product(range(1, 16), repeat=3):
        whole = (*masks, 0b1111)
        ways = [p for p in permutations(range(4)) if all(mask >> v & 1 for mask, v in zip(whole, p, strict=True))]
        left = tuple(sum({1 << p[k] for p in ways}) for k in range(4)) if ways else None
        assert all_different(whole) == left


def test_elimination_of_positions() -> None:
    row = Row(3, 1)
    clues = [Clue(0, "left of", 1), Clue(2, "at", 3)]  # thing 3 is the first position
    masks = row.unknown()
    assert eliminate(row, masks, clues)
    assert masks[:3] == [0b010, 0b100, 0b001]
    assert deductions(row, clues)[:2] == [(0, [1, 2], 0), (1, [2, 3], 0)]
    assert not eliminate(row, row.unknown(), [Clue(0, "at", 3), Clue(1, "at", 3)])


def test_clues_leave_a_single_arrangement_to_elimination_from_scratch() -> None:
    """``draw_clues`` goes on from what it knew before each clue; all clues at once must tell as much."""
    rng = np.random.default_rng(0)
    kinds = ("at", "next to", "left of", "one between", "not at", "not next to")
    for row in (Row(3, 2), Row(5, 1), Row(6, 4)):
        for _ in range(10):
            places = [int(p) for _ in range(row.groups) for p in rng.permutation(row.positions)]
            clues = draw_clues(rng, row, places, kinds, 0.1)
            if clues is not None:
                masks = row.unknown()
                assert eliminate(row, masks, clues)
                assert masks[: row.things] == [1 << place for place in places]
                assert not eliminate(row, masks, [Clue(0, "not at", row.things + places[0])])


def test_sudoku_grids_have_one_solution_and_no_clue_too_many() -> None:
    for n, (height, width) in {4: (2, 2), 6: (2, 3), 9: (3, 3)}.items():
        assert len(set(MINIMAL[n])) == len(MINIMAL[n])
        for grid in MINIMAL[n]:
            givens = [int(mark) if mark.isdigit() else 0 for mark in grid]
            assert sudokus(givens, n, height, width) == 1
            if n < 9:
                for cell in (cell for cell, value in enumerate(givens) if value):
                    assert sudokus([v if c != cell else 0 for c, v in enumerate(givens)], n, height, width) == 2


def sudokus(givens: list[int], n: int, height: int, width: int) -> int:
    """The number of solutions, counted up to 2."""
    units = [(i, n + j, 2 * n + i // height * height + j // width) for i in range(n) for j in range(n)]
    used = [0] * (3 * n)  # the numbers in each row, column and box, a bit each
    for cell, value in enumerate(givens):
        for unit in units[cell] if value else ():
            used[unit] |= 1 << value
    return count(units, used, [cell for cell, value in enumerate(givens) if not value], (2 << n) - 2)


def count(units: list[tuple[int, int, int]], used: list[int], empty: list[int], everything: int) -> int:
    if not empty:
        return 1
    free = [everything & ~(used[a] | used[b] | used[c]) for a, b, c in (units[cell] for cell in empty)]
    options = min(free, key=int.bit_count)
    cell = empty[free.index(options)]
    rest, found = [other for other in empty if other != cell], 0
    while options and found < 2:
        bit = options & -options
        options ^= bit
        for unit in units[cell]:
            used[unit] |= bit
        found += count(units, used, rest, everything)
        for unit in units[cell]:
            used[unit] ^= bit
    return min(found, 2)


def test_sudokus_have_one_solution_after_rearrangement() -> None:
    for problem in problems(Sudoku(), 3, (1, 5, 7, 10)):
        givens, (height, width) = problem.reference["givens"], problem.reference["box"]
        assert sudokus([v for row in givens for v in row], len(givens), height, width) == 1


def test_a_sudoku_answer_says_what_is_wrong() -> None:
    task, problem = Sudoku(), sample_problem(Sudoku(), 0, 6)
    solution = rows(problem.reference["solution"])
    (i, j), given = next(
        ((i, j), v) for i, row in enumerate(problem.reference["givens"]) for j, v in enumerate(row) if v
    )
    solution[i][j] = given % 9 + 1
    answer = "\n".join(" ".join(map(str, row)) for row in solution)
    assert reason(task, problem, f"\\boxed{{{answer}}}").startswith(f"row {i + 1}, column {j + 1} is")
    assert reason(task, problem, "\\boxed{1 2 3}") == "the grid has 1 row instead of 9"


def futoshikis(givens: Grid, less: list[list[int]]) -> list[Grid]:
    n = len(givens)

    def fits(grid: Grid, i: int, j: int) -> bool:
        if givens[i][j] not in (0, grid[i][j]) or not latin(grid, i, j):
            return False
        return all(grid[a // n][a % n] < grid[b // n][b % n] for a, b in less if max(a, b) == i * n + j)

    return grids(n, fits)


def test_futoshikis_have_one_solution() -> None:
    for problem in problems(Futoshiki(), 4, (1, 3, 5)):
        solutions = futoshikis(problem.reference["givens"], problem.reference["less"])
        assert solutions == [rows(problem.reference["solution"])]


def test_the_picture_of_a_futoshiki_points_to_the_smaller_number() -> None:
    task = Futoshiki()
    problem = next(p for p in problems(task, 30, (1,)) if p.meta["wording"] == 0)
    n, solution = 4, rows(problem.reference["solution"])
    lines = problem.meta["fields"]["picture"].split("\n")
    for k, line in enumerate(lines):
        for place, sign in enumerate(line):
            i, j = k // 2, place // n
            if sign in "<>":
                assert (solution[i][j] < solution[i][j + 1]) == (sign == "<")
            elif sign in "^v":
                assert (solution[i][j] < solution[i + 1][j]) == (sign == "^")
    signs = sum(line.count(sign) for line in lines for sign in "<>^v")
    assert signs == len(problem.reference["less"]) > 0


def kenkens(n: int, cages: list[tuple[str, int, list[int]]]) -> list[Grid]:
    by_last = {max(cells): (kind, target, cells) for kind, target, cells in cages}

    def fits(grid: Grid, i: int, j: int) -> bool:
        if not latin(grid, i, j) or i * n + j not in by_last:
            return latin(grid, i, j)
        kind, target, cells = by_last[i * n + j]
        numbers = sorted(grid[c // n][c % n] for c in cells)
        made = {"+": sum(numbers), "*": prod(numbers), "=": numbers[0], "-": numbers[-1] - numbers[0]}
        return numbers[0] * target == numbers[-1] if kind == "/" else made[kind] == target

    return grids(n, fits)


def test_kenkens_have_one_solution() -> None:
    for problem in problems(KenKen(), 15, (1, 4, 7)):
        assert kenkens(problem.reference["n"], problem.reference["cages"]) == [rows(problem.reference["solution"])]


def test_elimination_from_nothing_settles_every_cell_of_large_squares() -> None:
    """Elimination is sound, so this shows that the solution is the only one where a search would take too long."""
    for problem in problems(KenKen(), 40, (7, 10)):
        assert solve(KenKen(), problem).count(" = ") == problem.reference["n"] ** 2
    for problem in problems(Futoshiki(), 3, (8, 10)):
        given = sum(value > 0 for row in problem.reference["givens"] for value in row)
        assert solve(Futoshiki(), problem).count(" = ") + given == len(problem.reference["givens"]) ** 2


def test_a_kenken_answer_says_which_cage_is_wrong() -> None:
    cages = [["+", 3, [0, 1]], ["=", 2, [2]], ["=", 1, [3]]]
    task, problem = KenKen(), Problem("", {"n": 2, "cages": cages, "solution": "1 2\n2 1"}, 1)
    assert not reason(task, problem, "Here it is: \\boxed{1 2\n2 1} as asked")
    assert reason(task, problem, "\\boxed{2 1\n1 2}") == "the cage at row 2, column 1 (2=) holds 1"


def test_nonograms_have_one_solution() -> None:
    for problem in problems(Nonogram(), 6, (1, 2)):
        across, down = problem.reference["rows"], problem.reference["columns"]
        width = len(down)
        lines = [[line for line in product(".#", repeat=width) if runs(line) == clue] for clue in across]
        fitting = [
            picture
            for picture in product(*lines)
            if all(runs(c) == d for c, d in zip(zip(*picture, strict=True), down, strict=True))
        ]
        assert ["\n".join("".join(line) for line in picture) for picture in fitting] == [problem.reference["solution"]]


def runs(line: tuple[str, ...]) -> list[int]:
    return [len(run) for run in "".join(line).split(".") if run]


def test_a_nonogram_answer_may_be_drawn_with_digits_and_says_which_line_is_wrong() -> None:
    task = Nonogram()
    problem = Problem("", {"rows": [[1], [2]], "columns": [[2], [1]], "solution": "#.\n##"}, 1)
    assert not reason(task, problem, "\\boxed{10\n11}")
    assert reason(task, problem, "\\boxed{01\n11}") == "column 1 has runs 1 instead of 2"


def test_any_completion_of_a_placement_of_queens_is_right() -> None:
    task, problem = NQueens(), Problem("", {"n": 6, "given": [[0, 1]], "solution": "2 4 6 1 3 5"}, 1)
    assert not reason(task, problem, "\\boxed{2 4 6 1 3 5}")
    assert not reason(task, problem, "\\boxed{.Q....\n...Q..\n.....Q\nQ.....\n..Q...\n....Q.}")
    assert "is missing" in reason(task, problem, "\\boxed{3 6 2 5 1 4}")
    assert "share a diagonal" in reason(task, problem, "\\boxed{2 4 6 1 5 3}")
    other = Problem("", {"n": 8, "given": [[0, 0]], "solution": "1 5 8 6 3 7 2 4"}, 1)
    assert not reason(task, other, "\\boxed{1 7 4 6 8 2 5 3}")


def test_any_completion_of_a_magic_square_is_right() -> None:
    task = MagicSquare()
    givens = [[0, 0, 0], [0, 5, 0], [0, 0, 0]]
    problem = Problem("", {"givens": givens, "solution": "2 7 6\n9 5 1\n4 3 8"}, 1)
    assert not reason(task, problem, "\\boxed{8 1 6\n3 5 7\n4 9 2}")
    assert "row 1 has sum" in reason(task, problem, "\\boxed{1 2 3\n4 5 6\n7 8 9}")


def test_cryptarithms_have_one_solution() -> None:
    for problem in problems(Cryptarithm(), 6, (1, 2, 3)):
        words, given = problem.reference["words"], problem.reference["given"]
        letters = sorted(set("".join(words)))
        unknown = [letter for letter in letters if letter not in given]
        found = []
        for digits in permutations(sorted(set(range(10)) - set(given.values())), len(unknown)):
            key = {**given, **dict(zip(unknown, digits, strict=True))}
            first, second, total = (int("".join(str(key[letter]) for letter in word)) for word in words)
            if first + second == total and all(key[word[0]] for word in words):
                found.append(", ".join(f"{letter}={key[letter]}" for letter in letters))
        assert found == [problem.reference["solution"]]


def test_trying_all_digits_at_once_finds_the_same_cryptarithms_unique_as_the_search_by_columns() -> None:
    rng = np.random.default_rng(0)
    found = []
    for least in (10, 100, 1000):
        for x, y in rng.integers(least, 10 * least, (150, 2)).tolist():
            words = [str(x), str(y), str(x + y)]
            order = [digit for digit in rng.permutation(10).tolist() if str(digit) in "".join(words)]
            for unknown in range(1, min(4, len(order)) + 1):
                puzzle = _sum([[int(digit) for digit in word] for word in words], order[unknown:])
                found.append(len(_search(puzzle, 2, 10**6)) == 1)
                assert _unique("+".join(words), order, unknown) == found[-1], (words, order, unknown)
    assert 0.2 < np.mean(found) < 0.8
    assert _unique("3406+9739+13145", [3, 0, 1, 4, 5, 6, 7, 9], 2)  # 3 and 0 could be swapped, did 3 not lead


def test_the_given_digits_of_a_cryptarithm_are_kept() -> None:
    task = Cryptarithm()
    reference = {"words": ["AB", "CB", "DB"], "given": {"A": 1}, "solution": "A=1, B=0, C=2, D=3"}
    problem = Problem("", reference, 1)
    assert not reason(task, problem, "\\boxed{D=6, C=5, B=0, A=1}")
    assert reason(task, problem, "\\boxed{A=2, B=0, C=1, D=3}") == "A is 2, but 1 is given"
    assert "begins with 0" in reason(task, problem, "\\boxed{A=0, B=1, C=2, D=3}")
    assert "both" in reason(task, problem, "\\boxed{A=1, B=0, C=1, D=2}")


def test_zebra_puzzles_have_one_arrangement() -> None:
    for problem in problems(Zebra(), 5, (1, 2, 3)):
        categories, clues = problem.reference["categories"], problem.reference["clues"]
        flat = [value for group in categories for value in group]
        n, fitting = len(categories[0]), []
        for places in product(permutations(range(n)), repeat=len(categories)):
            at = [place for group in places for place in group] + list(range(n))
            if all(RELATIONS[relation](at[a], at[b]) for a, relation, b in clues):
                fitting.append(", ".join(f"{value}={place + 1}" for value, place in zip(flat, at, strict=False)))
        assert fitting == [problem.reference["solution"]]


def test_the_clues_of_large_zebra_puzzles_settle_every_value() -> None:
    for problem in problems(Zebra(), 3, (8, 10)):
        categories = problem.reference["categories"]
        row, clues = Row(len(categories[0]), len(categories)), [Clue(*clue) for clue in problem.reference["clues"]]
        assert {thing for thing, seats, _ in deductions(row, clues) if len(seats) == 1} == set(range(row.things))


def test_a_zebra_answer_says_which_clue_is_broken() -> None:
    task = Zebra()
    reference = {"categories": [["Ada", "Ben"]], "clues": [[0, "at", 2]], "solution": "Ada=1, Ben=2"}
    problem = Problem("", reference, 1)
    assert not reason(task, problem, "\\boxed{Ben: 2, Ada: 1}")
    assert reason(task, problem, "\\boxed{Ada=2, Ben=1}") == "broken: Ada at 1 (Ada is at 2)"
    assert reason(task, problem, "\\boxed{Ada=1}") == "Ben is not assigned"
