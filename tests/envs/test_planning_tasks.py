"""Plans: the oracle's is as short as it says, what reaches the goal by the rules is right, and nothing else is."""

from __future__ import annotations

from collections import deque
from itertools import product

import numpy as np
import pytest

from palaestra.envs.task import Problem, Task, sample_problem
from palaestra.envs.tasks.planning.blocks_world import BlocksWorld
from palaestra.envs.tasks.planning.hanoi import Hanoi, after, shortest
from palaestra.envs.tasks.planning.river_crossing import RiverCrossing, _plan
from palaestra.envs.tasks.planning.sokoban import Sokoban
from palaestra.envs.tasks.planning.water_jugs import WaterJugs

RNG = np.random.default_rng(0)


def check(task: Task, reference: object, answers: dict[str, str | None]) -> None:
    """Each answer is right (None) or wrong with a reason that holds the text."""
    problem = Problem("", reference, 1)
    for answer, reason in answers.items():
        verdict = task.verify(problem, f"\\boxed{{{answer}}}")
        assert verdict.right is (reason is None), (answer, verdict)
        assert reason is None or reason in verdict.reason


def test_hanoi_oracle_is_shortest_between_any_two_positions() -> None:
    for start in product(range(3), repeat=4):
        distance = {start: 0}
        queue = deque([start])
        while queue:
            here = queue.popleft()
            for a, b in product(range(3), repeat=2):
                if a in here and (b not in here or here.index(a) < here.index(b)):
                    there = tuple(after(here, [(a, b)]))
                    if there not in distance:
                        distance[there] = distance[here] + 1
                        queue.append(there)
        for goal, moves in distance.items():
            found = list(shortest(start, goal))
            assert len(found) == moves
            assert tuple(after(start, found)) == goal


def test_hanoi_limit_allows_what_is_needed_and_no_more_than_a_quarter_extra() -> None:
    for level in (1, 10):
        problem = sample_problem(Hanoi(), 3, level)
        needed = len(list(shortest(problem.reference["start"], problem.reference["goal"])))
        assert problem.reference["limit"] == needed + needed // 4


def test_hanoi_answers() -> None:
    check(
        Hanoi(),
        {"start": [0, 0], "goal": [2, 2], "limit": 3},
        {
            "A->B, A->C, B->C": None,
            "A->C, C->B, A->C, B->C": "more than 3",
            "A->B, A->B": "puts disc 2 onto disc 1",
            "A->B, A->C": "disc 1 ends on peg B",
            "up and away": "not of the form",
        },
    )


def test_water_jugs_answers() -> None:
    check(
        WaterJugs(),
        {"capacities": [3, 5, 8], "target": 4, "limit": 6, "solution": "fill 1, ..."},
        {
            "fill 2, pour 2 1, empty 1, pour 2 1, fill 2, pour 2 1": None,
            "fill 2, pour 2 1, empty 1, pour 2 1, fill 2, pour 2 1, empty 1": "more than 6",
            "fill 2, pour 2 1": "none with 4",
            "fill 4": "does not exist",
        },
    )


def test_water_jugs_target_is_no_sum_of_sizes() -> None:
    for seed in range(30):
        reference = sample_problem(WaterJugs(), seed, 1).reference
        signs = product((-1, 0, 1), repeat=3)
        sums = {abs(sum(s * c for s, c in zip(sign, reference["capacities"], strict=True))) for sign in signs}
        assert reference["target"] not in sums


def test_river_crossing_answers() -> None:
    items, conflicts = ["wolf", "goat", "cabbage"], [["wolf", "goat"], ["goat", "cabbage"]]
    check(
        RiverCrossing(),
        {"rower": "farmer", "items": items, "conflicts": conflicts, "seats": 1, "limit": 7, "solution": "farmer, ..."},
        {
            "farmer, goat; farmer; farmer, wolf; farmer, goat; farmer, cabbage; farmer; farmer, goat": None,
            "farmer, goat; farmer; farmer, cabbage; farmer, goat; farmer, wolf; farmer; goat, farmer": None,
            "farmer, wolf; farmer": "leaves goat with cabbage",
            "farmer, goat; farmer; goat": "not on this bank",
            "farmer, goat; farmer; farmer; farmer; farmer, wolf; farmer, goat; farmer, cabbage; farmer; farmer, goat": (
                "more than 7"
            ),
        },
    )


def test_river_plans_are_known_ones() -> None:
    wolf_goat_cabbage = _plan(3, [(0, 1), (1, 2)], 1)
    assert wolf_goat_cabbage is not None
    assert len(wolf_goat_cabbage) == 7
    assert _plan(3, [(0, 1), (1, 2), (0, 2)], 1) is None  # whatever is taken first, two of the others clash


def test_blocks_world_answers() -> None:
    check(
        BlocksWorld(),
        {"start": [["red", "blue"], ["grey"]], "goal": [["blue", "red"], ["grey"]], "limit": 6},
        {
            "unstack blue red, put-down blue, pick-up red, stack red blue": None,
            "(unstack blue red)\n(put-down blue)\n(pick-up red)\n(stack red blue)": None,
            "1. unstack blue red, 2. stack blue grey": "blue is not on the table",
            "pick-up red": "another block is on red",
            "unstack blue grey": "blue is not on grey",
            "unstack blue red, pick-up grey": "the hand is not empty",
            "unstack blue red, stack red grey": "does not hold red",
            "unstack blue red, stack blue pink": "no block pink",
            "fly red": "is no action",
            ", ".join(["pick-up grey, put-down grey"] * 4): "8 actions, more than 6",
        },
    )


@pytest.mark.parametrize("level", [1, 2])
def test_blocks_world_oracle_is_near_the_shortest_plan(level: int) -> None:
    """A block moves once or twice in an optimal plan, so GN1 takes at most twice as many actions."""
    for seed in range(40):
        problem = sample_problem(BlocksWorld(), seed, level)
        start, goal = (frozenset(map(tuple, problem.reference[key])) for key in ("start", "goal"))
        assert moves_needed(start, goal) <= (problem.reference["limit"] - 2) // 2 <= 2 * moves_needed(start, goal)


def moves_needed(start: frozenset[tuple[str, ...]], goal: frozenset[tuple[str, ...]]) -> int:
    """Breadth-first search over sets of stacks, where a move takes a block from one place to another."""
    queue, seen = deque([(start, 0)]), {start}
    while True:
        stacks, moves = queue.popleft()
        if stacks == goal:
            return moves
        for source in stacks:
            rest = stacks - {source} | ({source[:-1]} if source[1:] else frozenset())
            for new in [rest | {source[-1:]}, *(rest - {s} | {(*s, source[-1])} for s in rest if s != source[:-1])]:
                if new not in seen:
                    seen.add(new)
                    queue.append((new, moves + 1))


BOARD = {  # ##### / #@$.# / #---# / #####
    **{"width": 5, "player": 6, "boxes": [7], "targets": [8], "limit": 20},
    "walls": [*range(5), 5, 9, 10, 14, *range(15, 20)],
}


def test_sokoban_answers() -> None:
    check(
        Sokoban(),
        BOARD,
        {
            "R": None,
            "D U R": None,
            "RR": "move 2 (R) pushes a box into a wall",
            "L": "move 1 (L) runs into a wall",
            "D": "1 box is not on a target",
            "X": "not a row of letters",
            "DU" * 11: "22 moves, more than 20",
        },
    )


@pytest.mark.parametrize("level", [1, 6, 10])
def test_sokoban_boards_show_what_is_judged(level: int) -> None:
    for seed in range(20):
        problem = sample_problem(Sokoban(), seed, level)
        cells = problem.meta["fields"]["board"].replace("\n", "")
        for key, signs in (("walls", "#"), ("boxes", "$*"), ("targets", ".*+")):
            assert [k for k, sign in enumerate(cells) if sign in signs] == problem.reference[key]
        assert cells[problem.reference["player"]] in "@+"
        assert not set(problem.reference["boxes"]) & set(problem.reference["targets"])


@pytest.mark.parametrize("task", [Hanoi(), WaterJugs(), RiverCrossing(), BlocksWorld(), Sokoban()], ids=str)
def test_oracle_is_right_at_every_difficulty(task: Task) -> None:
    for difficulty in task.difficulties:
        for seed in range(15):
            problem = sample_problem(task, seed, difficulty)
            assert task.verify(problem, task.solve(problem, RNG)).right, problem
