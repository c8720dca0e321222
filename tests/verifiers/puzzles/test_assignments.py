"""Cryptarithms, logic grids, bin packing, schedules, selections, clauses, the target number."""

from __future__ import annotations

import itertools
import json
from typing import Any, Protocol

import pytest

from palaestra.verifiers import Status, Verdict
from palaestra.verifiers.puzzles import (
    BinPacking,
    Clue,
    Cryptarithm,
    Job,
    Knapsack,
    LogicGrid,
    SatAssignment,
    Schedule,
    SetCover,
    SubsetSum,
    TargetNumber,
)


class Puzzle(Protocol):
    def verify(self, response: str) -> Verdict: ...


MONEY = Cryptarithm("SEND + MORE = MONEY")
MONEY_SOLVED = "S=9, E=5, N=6, D=7, M=1, O=0, R=8, Y=2"
GRID = LogicGrid(
    [["red", "green", "blue"], ["Ann", "Bob", "Cy"]],
    [Clue("red", "just left of", "green"), Clue("Ann", "at", "blue"), Clue("Ann", "not at", 1), Clue("Bob", "at", 2)],
)
BINS = BinPacking({"a": 4, "b": 6, "c": 5, "d": 5}, capacity=10, bins=2)
SCHEDULE = Schedule(
    {"cut": Job(2, "saw"), "plane": Job(3, "bench", deadline=9), "trim": Job(1, "saw", release=1)},
    precedences=[("cut", "plane")],
    end_by=5,
)
KNAPSACK = Knapsack({"ring": (1, 5), "vase": (4, 6), "lamp": (3, 4)}, capacity=5, at_least=11)
COVER = SetCover([1, 2, 3, 4], {"P": [1, 2], "Q": [2, 3], "R": [3, 4]}, at_most=2)
CLAUSES = SatAssignment(3, [[1, 2], [-1, 3], [-2, -3]])


@pytest.mark.parametrize(
    ("puzzle", "answer"),
    [
        (MONEY, MONEY_SOLVED),
        (MONEY, json.dumps({"S": 9, "E": 5, "N": 6, "D": 7, "M": 1, "O": 0, "R": 8, "Y": 2})),
        (MONEY, MONEY_SOLVED.replace(", ", "\n- ").replace("=", " -> ")),
        (Cryptarithm("AB * C = DE - 3"), "A=1, B=6, C=2, D=3, E=5"),
        (Cryptarithm("AB + 12 = CA", base=8), "A=1, B=7, C=3"),
        (GRID, "red=1, green=2, blue=3, Ann=3, Bob=2, Cy=1"),
        (BINS, "a=1, b=1, c=2, d=2"),
        (BINS, "a: left, b: left, c: right, d: right"),
        (SCHEDULE, "cut=0, plane=2, trim=2"),
        (Schedule({"a": Job(3, release=2, deadline=5)}), "a=2"),
        (KNAPSACK, "ring, vase"),
        (COVER, "P\nR"),
        (CLAUSES, "1 -2 3"),
        (CLAUSES, "v 1 -2\nv 3 0"),
        (CLAUSES, "2 -1 -3"),
        (SubsetSum([3, 34, 4, 12, 5, 2], 9), "4, 5"),
        (SubsetSum([-7, 3, 3, 1], -1), "[-7, 3, 3]"),
        (TargetNumber([3, 3, 8, 8]), "8 / (3 - 8/3)"),
        (TargetNumber([4, 7, 8, 8]), "(7 - 8/8) * 4 = 24"),
        (TargetNumber([1, 2, 3, 50], 150, use_all=False), r"50 \times 3"),
    ],
)
def test_right(puzzle: Puzzle, answer: str) -> None:
    verdict = puzzle.verify(f"Thus\n```\n{answer}\n```\n")
    assert verdict.right, verdict.reason


@pytest.mark.parametrize(
    ("puzzle", "answer", "reason"),
    [
        (MONEY, MONEY_SOLVED.replace("Y=2", "Y=3"), "the left side is 10652 and the right side 10653"),
        (MONEY, MONEY_SOLVED.replace("Y=2", "Y=9"), "S and Y are both 9"),
        (MONEY, MONEY_SOLVED.replace("M=1, O=0", "M=0, O=1"), "MONEY begins with 0"),
        (MONEY, MONEY_SOLVED.replace("Y=2", "Y=12"), "Y is 12, not from 0 to 9"),
        (MONEY, MONEY_SOLVED.replace(", Y=2", ""), "Y is not assigned"),
        (MONEY, MONEY_SOLVED + ", S=9", "S is assigned twice"),
        (MONEY, MONEY_SOLVED + ", X=3", "'X' is not to be assigned"),
        (MONEY, "9567 + 1085 = 10652", "'9567 + 1085' is not to be assigned"),
        (MONEY, "SEND", "'SEND' is not of the form name = value"),
        (Cryptarithm("A + B = C", base=3), "A=0, B=1, C=2", "the left side is 1 and the right side 2"),
        (Cryptarithm("A + B = C", base=4), "A=1, B=3, C=4", "C is 4, not from 0 to 3"),
        (GRID, "red=1, green=2, blue=3, Ann=3, Bob=2, Cy=2", "Bob and Cy are both at 2"),
        (GRID, "red=2, green=3, blue=1, Ann=1, Bob=2, Cy=3", "broken: Ann not at 1 (Ann is at 1)"),
        (GRID, "red=1, green=3, blue=2, Ann=2, Bob=1, Cy=3", "broken: red just left of green (red is at 1)"),
        (GRID, "red=1, green=2, blue=4, Ann=3, Bob=2, Cy=1", "blue is at 4, not from 1 to 3"),
        (BINS, "a=1, b=2, c=1, d=2", "bin 2 holds 11, more than 10"),
        (BINS, "a=1, b=1, c=2, d=3", "3 bins are used, more than 2"),
        (SCHEDULE, "cut=0, plane=2, trim=1", "trim starts at 1, before cut ends on saw"),
        (SCHEDULE, "cut=1, plane=2, trim=3", "plane starts at 2, before cut ends at 3"),
        (SCHEDULE, "cut=1, plane=3, trim=0", "trim starts at 0, before 1"),
        (SCHEDULE, "cut=0, plane=7, trim=2", "plane ends at 10, after 9"),
        (SCHEDULE, "cut=0, plane=3, trim=2", "the last job ends at 6, after 5"),
        (SCHEDULE, "cut=-2, plane=2, trim=2", "cut starts at -2, before 0"),
        (KNAPSACK, "ring, lamp", "the value is 9, below 11"),
        (KNAPSACK, "ring, vase, lamp", "the weight is 8, above 5"),
        (KNAPSACK, "ring, ring, vase", "ring is chosen twice"),
        (KNAPSACK, "ring, crown", "'crown' is not to be chosen from"),
        (KNAPSACK, "none", "the value is 0, below 11"),
        (COVER, "P, Q", "4 is not covered"),
        (COVER, "P, Q, R", "3 sets are chosen, more than 2"),
        (CLAUSES, "1 2 3", "clause 3 (-2 -3) is false"),
        (CLAUSES, "1 -1 3", "variable 1 is both true and false"),
        (CLAUSES, "4", "4 names no variable from 1 to 3"),
        (SubsetSum([3, 4, 5], 8), "4, 4", "4 is chosen more often than it is given"),
        (SubsetSum([3, 4, 5], 8), "3 4", "the sum is 7, not 8"),
        (SubsetSum([3, 4, 5], 0), "[]", "no number is chosen"),
        (TargetNumber([3, 3, 8, 8]), "8 + 8 + 8", "8 is used more often than it is given"),
        (TargetNumber([3, 3, 8, 8]), "8 * 3", "3 is not used"),
        (TargetNumber([3, 3, 8, 8]), "8 * 8 / 3 / 3", "the expression makes 64/9, not 24"),
        (TargetNumber([9**9] * 5, 1), "*".join([str(9**9)] * 5), "the expression makes a long number, not 1"),
        (TargetNumber([3, 3, 8, 8]), "3*3+8+8 = 24", "the expression makes 25, not 24"),
        (TargetNumber([3, 3, 8, 8]), "3*3+8+8 = 25", "the answer says that it makes 25, not 24"),
        (TargetNumber([4]), "4!", "the expression has no value: ! is none of + - * /"),
        (TargetNumber([4, 4]), "4/(4-4)", "the expression has no value: division by zero"),
        (TargetNumber([4]), "x", "the expression has no value: x is no number"),
        (TargetNumber([1]), "+".join(["1"] * 600), "the expression is longer than 1000 characters"),
    ],
)
def test_wrong_names_the_first_broken_rule(puzzle: Puzzle, answer: str, reason: str) -> None:
    verdict = puzzle.verify(f"Thus\n```\n{answer}\n```\n")
    assert (verdict.status, verdict.score, verdict.reason) == (Status.WRONG, 0.0, reason)


@pytest.mark.parametrize(
    ("puzzle", "fields", "told"),
    [
        (Cryptarithm, {"equation": "SEND + MORE"}, "not one equation"),
        (Cryptarithm, {"equation": "A + = B"}, "no sum of products"),
        (Cryptarithm, {"equation": "A / B = C"}, "not one equation"),
        (Cryptarithm, {"equation": "1 + 1 = 2"}, "0 letters"),
        (Cryptarithm, {"equation": "ABC = DEF", "base": 5}, "6 letters for 5 digits"),
        (Cryptarithm, {"equation": "A + 7 = B", "base": 5}, "7 is no number in base 5"),
        (LogicGrid, {"categories": [["a", "b"], ["c"]], "clues": []}, "as many values"),
        (LogicGrid, {"categories": [["a", "b"], ["c", "a"]], "clues": []}, "a twice"),
        (LogicGrid, {"categories": [["a"]], "clues": [Clue("a", "beside", 1)]}, "'beside'"),
        (LogicGrid, {"categories": [["a"]], "clues": [Clue("a", "at", "z")]}, "'z'"),
        (LogicGrid, {"categories": [["a"]], "clues": [Clue("a", "at", 2)]}, "1 or less"),
        (BinPacking, {"sizes": {"a": 4}, "capacity": 3, "bins": 9}, "3 or less"),
        (BinPacking, {"sizes": {"a": 3, "b": 3}, "capacity": 3, "bins": 1}, "do not fit"),
        (Schedule, {"jobs": {"a": Job(0)}}, "1 or more"),
        (Schedule, {"jobs": {"a": Job(3, release=2, deadline=4)}}, "5 or more"),
        (Schedule, {"jobs": {"a": Job(1)}, "precedences": [("a", "b")]}, "'b'"),
        (Schedule, {"jobs": {"a": Job(1), "b": Job(1)}, "precedences": [("a", "b"), ("b", "a")]}, "circle"),
        (Knapsack, {"items": {"a": (1, 2)}, "capacity": 1, "at_least": 3}, "2 or less"),
        (Knapsack, {"items": {"a": (1,)}, "capacity": 1, "at_least": 1}, "a weight and a value"),
        (SetCover, {"elements": [1, 2], "sets": {"P": [1]}, "at_most": 1}, "2 is in no set"),
        (SatAssignment, {"variables": 1, "clauses": [[2]]}, "1 or less"),
        (SatAssignment, {"variables": 1, "clauses": [[]]}, "clause 1 is empty"),
        (SubsetSum, {"numbers": [1.5], "target": 1}, "whole number"),
        (SubsetSum, {"numbers": "15", "target": 1}, "a list of whole numbers"),
        (Cryptarithm, {"equation": "A=" + "B+" * 300 + "C"}, "at most 400 characters"),
        (TargetNumber, {"numbers": []}, "one or more"),
    ],
)
def test_a_broken_instance_is_refused_in_one_line(puzzle: Any, fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]*$") as error:
        puzzle(**fields)
    assert told in str(error.value)


@pytest.mark.parametrize(
    "dimacs",
    [
        "",
        "1 0",
        "p cnf 2 1\n1 2",
        "p dnf 2 1\n1 0",
        "p cnf 2\n1 0",
        "p cnf 2 2\n1 0",
        "p cnf 2 1\n1 x 0",
        "p cnf 1 1\n2 0",
    ],
)
def test_broken_dimacs_is_refused(dimacs: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        SatAssignment.from_dimacs(dimacs)


def test_dimacs_is_read() -> None:
    assert SatAssignment.from_dimacs("c notes\np cnf 3 3\n1 2 0 -1\n3 0\n-2 -3 0\n") == CLAUSES


def test_an_assignment_is_right_just_when_every_clause_is_true() -> None:
    for signs in itertools.product((1, -1), repeat=3):
        literals = [sign * variable for sign, variable in zip(signs, (1, 2, 3), strict=True)]
        satisfied = [any(literal in literals for literal in clause) for clause in CLAUSES.clauses]
        partial = SatAssignment(3, CLAUSES.clauses, partial=True).verify(" ".join(map(str, literals)))
        assert partial.right == all(satisfied)
        assert partial.score == pytest.approx(sum(satisfied) / 3)


def test_a_cryptarithm_is_right_just_for_the_digits_that_a_search_finds() -> None:
    puzzle = Cryptarithm("AB + A = BA", base=5)
    tries = list(itertools.product(range(5), repeat=2))
    found = [(a, b) for a, b in tries if a != b and a and b and 5 * a + b + a == 5 * b + a]
    assert [(a, b) for a, b in tries if puzzle.verify(f"A={a}, B={b}").right] == found
    loose = Cryptarithm("AB + A = BA", base=5, leading_zero=True)
    assert [t for t in tries if loose.verify("A={}, B={}".format(*t)).right] == [
        (a, b) for a, b in tries if a != b and 5 * a + b + a == 5 * b + a
    ]


def test_relations_of_a_logic_grid_mean_what_they_say() -> None:
    expected = {"next to": 6, "not next to": 6, "left of": 6, "right of": 6, "just left of": 3, "just right of": 3}
    expected |= {"one between": 4, "two between": 2}
    for relation, pairs in expected.items():
        puzzle = LogicGrid([["a", "b", "c", "d"]], [Clue("a", relation, "b")])
        orders = itertools.permutations((1, 2, 3, 4))
        rights = sum(puzzle.verify("a={}, b={}, c={}, d={}".format(*order)).right for order in orders)
        assert rights == 2 * pairs, relation


def test_the_zebra_puzzle_is_solved_by_its_known_solution() -> None:
    categories = [
        ["yellow", "blue", "red", "ivory", "green"],
        ["Norwegian", "Ukrainian", "Englishman", "Spaniard", "Japanese"],
        ["water", "tea", "milk", "orange juice", "coffee"],
        ["Kools", "Chesterfields", "Old Gold", "Lucky Strike", "Parliaments"],
        ["fox", "horse", "snails", "dog", "zebra"],
    ]
    clues = [
        Clue("Englishman", "at", "red"), Clue("Spaniard", "at", "dog"), Clue("coffee", "at", "green"),
        Clue("Ukrainian", "at", "tea"), Clue("green", "just right of", "ivory"), Clue("Old Gold", "at", "snails"),
        Clue("Kools", "at", "yellow"), Clue("milk", "at", 3), Clue("Norwegian", "at", 1),
        Clue("Chesterfields", "next to", "fox"), Clue("Kools", "next to", "horse"),
        Clue("Lucky Strike", "at", "orange juice"), Clue("Japanese", "at", "Parliaments"),
        Clue("Norwegian", "next to", "blue"),
    ]  # fmt: skip
    lines = [f"{value}: {house}" for category in categories for house, value in enumerate(category, 1)]
    puzzle = LogicGrid(categories, clues, partial=True)
    assert puzzle.verify("\n".join(lines)).right
    swapped = "\n".join(lines).replace("fox: 1", "fox: 5").replace("zebra: 5", "zebra: 1")
    assert puzzle.verify(swapped).reason == "broken: Chesterfields next to fox (Chesterfields is at 2)"
    assert puzzle.verify(swapped).score == pytest.approx(18 / 19)
