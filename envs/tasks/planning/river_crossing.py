"""Bring everything across a river in a small boat, with pairs that may not be left alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.envs.tasks.draws import below
from palaestra.verifiers import Verdict, puzzles, right, wrong
from palaestra.verifiers.puzzles.answer import find_answer, read_moves

ITEMS = """
wolf goat cabbage fox hen grain dog cat mouse cheese snake frog spider beetle lion sheep clover bear salmon honey hawk
rabbit carrot owl squirrel walnut pike worm robin apple tiger donkey hay ferret pigeon barley
""".split()  # noqa: SIM905
ROWERS = ("farmer", "ferryman", "shepherd", "ranger", "trader", "pilgrim")
SIZES = (3, 3, 4, 4, 5, 5, 6, 6, 7, 8)  # items by difficulty
SHORTEST = (5, 7, 7, 9, 9, 11, 11, 13, 13, 15)  # crossings needed at least, by difficulty
SHAPES = 16  # conflict graphs of a difficulty; the items that take their places make the problems
WEAK_STATES = 6  # that the weak solver looks at


class Shape(NamedTuple):
    """conflicts: pairs of items by number. seats: for items. plan: the items of each crossing of a shortest plan."""

    conflicts: list[tuple[int, int]]
    seats: int
    plan: list[list[int]]


@register("palaestra/RiverCrossing-v0")
@dataclass(frozen=True)
class RiverCrossing(Task):
    """Difficulty raises how many items there are (3 to 8) and how many crossings are needed (5 to 15 or more).

    Only the rower can row; pairs in conflict may share a bank only with the rower. An answer is the list of who is in
    the boat at each crossing; it is right when every crossing is allowed, all are over at the end, and there are at
    most two crossings more than needed. Source of the idea: Alcuin, Propositiones ad acuendos juvenes, about 800.
    """

    tags: ClassVar[tuple[str, ...]] = ("planning", "puzzles")
    ceiling = 0.02
    wordings: ClassVar[tuple[str, ...]] = (
        "A {rower} has to bring these across a river: {items}. The boat takes the {rower}, who alone can row, and at "
        "most {seats}. Without the {rower}, these may not be together on a bank: {conflicts}. Find a plan of at most "
        "{limit} crossings, there and back counted separately. Answer in \\boxed{{}} with the crossings in order, "
        "separated by semicolons; for each name all in the boat: {rower}, {first}; {rower}; ...",
        "River puzzle.\nRower: {rower}\nTo be brought over: {items}\nPlaces in the boat beside the rower: {seats}\n"
        "Pairs that may not be left on a bank without the {rower}: {conflicts}\nCrossings allowed: {limit}\nWrite in "
        "\\boxed{{}} who is in the boat at each crossing, the first one over, the second one back and so on, with "
        "commas between names and semicolons between crossings, as in {rower}, {first}; {rower}; ...",
        "Answer in \\boxed{{}} with a list of crossings such as {rower}, {first}; {rower}; ... (names in the boat "
        "between commas, crossings between semicolons). The {rower} must row each time and can take along {seats} at "
        "most. At the start everybody is on the near bank: {items}. On a bank where the {rower} is not, none of these "
        "pairs may be found: {conflicts}. All are to be on the far bank after {limit} crossings or fewer.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        which, who = below(rng, SHAPES, len(ROWERS))
        shape, rower = _shape(difficulty, which), ROWERS[who]
        pool = ITEMS.copy()
        items = [pool.pop(word % len(pool)) for word in rng.bit_generator.random_raw(SIZES[difficulty - 1]).tolist()]
        conflicts = [[items[a], items[b]] for a, b in shape.conflicts]
        plan = [[rower, *[items[i] for i in load]] for load in shape.plan]
        limit = len(plan) + 2
        fields = {
            "rower": rower,
            "items": _listed(sorted(items)),
            "first": min(items),
            "seats": "1 item" if shape.seats == 1 else f"{shape.seats} items",
            "conflicts": "; ".join([f"{a} and {b}" for a, b in conflicts]),
            "limit": str(limit),
        }
        reference = {
            "rower": rower,
            "items": items,
            "conflicts": conflicts,
            "seats": shape.seats,
            "limit": limit,
            "solution": "; ".join(map(", ".join, plan)),
        }
        return self.ask(rng, reference, difficulty, fields, {"plan": plan})

    def verify(self, problem: Problem, response: str) -> Verdict:
        reference = problem.reference
        if response.endswith(
            f"\\boxed{{{reference['solution']}}}"
        ):  # the usual right answer, at a fiftieth of the cost
            return right("every rule is kept", answer=reference["solution"])
        rower, limit = reference["rower"], reference["limit"]
        rules = puzzles.RiverCrossing(
            [rower, *reference["items"]], [rower], reference["conflicts"], reference["seats"] + 1
        )
        verdict = rules.verify(response)
        if verdict.right and (crossings := len(read_moves(find_answer(response), "\n;"))) > limit:
            return wrong(f"{crossings} crossings, more than {limit}")
        return verdict

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Who crosses and who is then on the far bank, crossing by crossing."""
        far: set[str] = set()
        lines = []
        for number, boat in enumerate(problem.meta["plan"], 1):
            far ^= set(boat)
            lines.append(f"{number}. {_listed(boat)} cross; far bank: {', '.join(sorted(far)) or 'nobody'}")
        return "\n".join([*lines, f"\\boxed{{{problem.reference['solution']}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Take over the first items that can go, come back with as few as can be, and seldom think again."""
        reference = problem.reference
        items = reference["items"]
        index = {item: i for i, item in enumerate(items)}
        conflicts = [(index[a], index[b]) for a, b in reference["conflicts"]]
        plan = _plan(len(items), conflicts, reference["seats"], WEAK_STATES * len(items)) or []
        return _boxed([[reference["rower"], *(items[i] for i in load)] for load in plan])


@cache
def _shape(difficulty: int, number: int) -> Shape:
    """A conflict graph with the fewest seats that suffice, such that enough crossings are needed."""
    rng = random.Random(1000 * difficulty + number)
    size = SIZES[difficulty - 1]
    pairs = list(combinations(range(size), 2))
    while True:
        conflicts = rng.sample(pairs, rng.randint(1, min(len(pairs) - 1, size + 1)))
        # The first load leaves no conflict behind, so there are seats for a vertex cover; one more is always enough
        # (Csorba, Hurkens and Woeginger, The Alcuin number of a graph, 2012).
        cover = size - max(bank.bit_count() for bank in range(1 << size) if _safe(bank, conflicts))
        for seats in (cover, cover + 1):
            plan = _plan(size, conflicts, seats)
            if plan is not None:
                break
        if plan is not None and len(plan) >= SHORTEST[difficulty - 1]:
            return Shape(conflicts, seats, plan)


def _safe(bank: int, conflicts: Sequence[tuple[int, int]]) -> bool:
    """Whether no pair of items on a bank, a set of bits, clashes."""
    return not any(bank >> a & bank >> b & 1 for a, b in conflicts)


def _plan(size: int, conflicts: Sequence[tuple[int, int]], seats: int, budget: int = 1 << 20) -> list[list[int]] | None:
    """Breadth-first search over (items on the near bank, side of the rower), within a budget of states."""
    safe = [_safe(bank, conflicts) for bank in range(1 << size)]
    loads = [sum(1 << i for i in load) for k in range(seats + 1) for load in combinations(range(size), k)]
    everything = (1 << size) - 1
    came: dict[tuple[int, bool], tuple[int, bool] | None] = {(everything, True): None}
    queue = list(came)
    for near, here in queue:
        bank = near if here else everything ^ near
        for load in loads:
            left = bank ^ load
            state = (left if here else everything ^ left, not here)
            if load & ~bank == 0 and safe[left] and state not in came:
                came[state] = (near, here)
                queue.append(state)
        if (0, False) in came or len(came) > budget:
            break
    if (0, False) not in came:
        return None
    states = [(0, False)]
    while (previous := came[states[-1]]) is not None:
        states.append(previous)
    states.reverse()
    moved = [a[0] ^ b[0] for a, b in pairwise(states)]
    return [[i for i in range(size) if load >> i & 1] for load in moved]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _boxed(plan: Sequence[Sequence[str]]) -> str:
    return "\\boxed{" + "; ".join(map(", ".join, plan)) + "}"
