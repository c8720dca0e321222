"""The tower of Hanoi, water jugs and river crossings: sequences of moves."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from palaestra.verifiers import Status, Verdict
from palaestra.verifiers.puzzles import Hanoi, Missionaries, RiverCrossing, WaterJugs
from palaestra.verifiers.puzzles.answer import MAX_MOVES


class Puzzle(Protocol):
    def verify(self, response: str) -> Verdict: ...


def tower(discs: int, source: str = "A", sink: str = "C", spare: str = "B") -> Iterator[str]:
    if discs:
        yield from tower(discs - 1, source, spare, sink)
        yield f"{source}->{sink}"
        yield from tower(discs - 1, spare, sink, source)


HANOI = Hanoi((0, 0, 0), (2, 2, 2), at_most=7)
JUGS = WaterJugs([3, 5], 4)
FARMER = RiverCrossing(["farmer", "wolf", "goat", "cabbage"], ["farmer"], [("wolf", "goat"), ("goat", "cabbage")])
CROSSED = "farmer, goat; farmer; farmer, wolf; farmer and goat; farmer + cabbage; farmer; farmer & goat"
THREE = Missionaries()


@pytest.mark.parametrize(
    ("puzzle", "answer"),
    [
        (HANOI, ", ".join(tower(3))),
        (HANOI, "A C\nA to B\nCB\n1. A -> C\nmove B A\nB C\nA C"),
        (Hanoi((0,) * 10, (2,) * 10), "\n".join(tower(10))),
        (Hanoi((1, 0), (1, 2), pegs=4), "A C"),
        (JUGS, "fill 2, pour 2 1, empty 1, pour 2->1, fill 2, pour 2 into 1"),
        (JUGS, "1. Fill 1\n2. Pour 1 to 2\n3. fill 1\n4. pour 1 2\n5. empty 2\n6. pour 1 2\n7. fill 1\n8. pour 1 2"),
        (WaterJugs([3, 5], 4, at_most=6), "fill 2, pour 2 1, empty 1, pour 2 1, fill 2, pour 2 1"),
        (Hanoi((0,), (2,)), "A B, B A, " * (MAX_MOVES // 2 - 1) + "A B, B C"),
        (FARMER, CROSSED),
        (FARMER, CROSSED.replace("; ", "\n- ")),
        (THREE, "CC, C, CC, C, MM, MC, MM, C, CC, C, CC"),
        (Missionaries(1, 1), "MC"),
    ],
)
def test_right(puzzle: Puzzle, answer: str) -> None:
    verdict = puzzle.verify(f"\\boxed{{{answer}}}")
    assert verdict.right, verdict.reason


@pytest.mark.parametrize(
    ("puzzle", "answer", "reason"),
    [
        (HANOI, "A C, A C", "move 2 puts disc 2 onto disc 1"),
        (HANOI, "B C", "move 1 takes a disc from peg B, which is empty"),
        (HANOI, "A D", "move 1 uses peg D, which does not exist"),
        (HANOI, "A C", "disc 2 ends on peg A, not C"),
        (HANOI, "A B, B A, " + ", ".join(tower(3)), "9 moves, more than 7"),
        (HANOI, "first A to C", "move 1, 'first A to C', is not of the form A->C"),
        (HANOI, "A B, B A, " * (MAX_MOVES // 2 + 1), f"more than {MAX_MOVES} moves"),
        (JUGS, "fill 2, pour 2 1", "the jugs end with 3, 2, none with 4"),
        (JUGS, "fill 3", "move 1 uses a jug that does not exist"),
        (JUGS, "pour 1 1", "move 1 pours jug 1 into itself"),
        (JUGS, "drink 1", "move 1, 'drink 1', is not of the form fill 1, empty 1 or pour 1 2"),
        (
            WaterJugs([3, 5], 4, at_most=5),
            "fill 2, pour 2 1, empty 1, pour 2 1, fill 2, pour 2 1",
            "6 moves, more than 5",
        ),
        (FARMER, "farmer, wolf", "crossing 1 leaves goat with cabbage"),
        (FARMER, "goat", "crossing 1: nobody rows"),
        (FARMER, "farmer, goat; farmer, wolf", "crossing 2: wolf is not on this bank"),
        (FARMER, "farmer, goat, wolf", "crossing 1: 3 in a boat for 2"),
        (FARMER, "farmer, farmer", "crossing 1: farmer is named twice"),
        (FARMER, "farmer, goat; farmer", "cabbage is left behind"),
        (THREE, "M", "after crossing 1 cannibals outnumber missionaries"),
        (THREE, "MCC", "crossing 1: 'MCC' is not from 1 to 2 letters M and C"),
        (THREE, "MC, CC", "crossing 2 takes more than there are on this bank"),
        (THREE, "MC", "2 missionaries and 2 cannibals are left behind"),
    ],
)
def test_wrong_names_the_move(puzzle: Puzzle, answer: str, reason: str) -> None:
    verdict = puzzle.verify(f"\\boxed{{{answer}}}")
    assert (verdict.status, verdict.score, verdict.reason) == (Status.WRONG, 0.0, reason)


@pytest.mark.parametrize(
    ("puzzle", "fields", "told"),
    [
        (Hanoi, {"start": (0, 0), "goal": (2,)}, "2 discs and goal 1"),
        (Hanoi, {"start": (0, 3), "goal": (2, 2)}, "2 or less"),
        (Hanoi, {"start": (0,), "goal": (2,), "pegs": 2}, "3 or more"),
        (WaterJugs, {"capacities": [3, 5], "target": 6}, "5 or less"),
        (WaterJugs, {"capacities": [0], "target": 0}, "1 or more"),
        (RiverCrossing, {"passengers": ["a"], "rowers": ["b"], "conflicts": []}, "'b'"),
        (RiverCrossing, {"passengers": ["a"], "rowers": [], "conflicts": []}, "one passenger"),
        (
            RiverCrossing,
            {"passengers": ["salt and pepper"], "rowers": ["salt and pepper"], "conflicts": []},
            "one name",
        ),
        (Missionaries, {"missionaries": 2, "cannibals": 3}, "2 or less"),
    ],
)
def test_a_broken_instance_is_refused_in_one_line(puzzle: Any, fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]*$") as error:
        puzzle(**fields)
    assert told in str(error.value)


def test_no_six_jug_moves_but_the_known_ones_measure_four() -> None:
    moves = ["fill 1", "fill 2", "empty 1", "empty 2", "pour 1 2", "pour 2 1"]
    plans = (plan for plan in itertools.product(moves, repeat=6) if plan[0] == "fill 2" and plan[-1] == "pour 2 1")
    rights = [plan for plan in plans if JUGS.verify(",".join(plan)).right]
    assert rights == [("fill 2", "pour 2 1", "empty 1", "pour 2 1", "fill 2", "pour 2 1")]
