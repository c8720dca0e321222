"""The tower of Hanoi from any position to any other, with few moves."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, puzzles

PEGS = "ABC"
DISCS = (7, 7, 7, 7, 7, 7, 8, 8, 8, 8)  # by difficulty
MOVES = (5, 6, 7, 9, 11, 14, 18, 23, 29, 36)  # of the shortest solution, by difficulty
WEAK_POSITIONS = 50  # that the weak solver looks at

Move = tuple[int, int]  # from peg, to peg


@register("palaestra/Hanoi-v0")
@dataclass(frozen=True)
class Hanoi(Task):
    """Difficulty raises how many moves the shortest solution has (5 to 36) and how many discs there are (7 or 8).

    Start and goal are any positions that the rules allow. An answer is the list of moves; it is right when each is
    allowed, the last reaches the goal, and there are at most a quarter more than needed. The oracle is Hinz's rule for
    two arbitrary positions: the largest disc that differs moves once or twice (Hinz et al., The Tower of Hanoi, 2013).
    """

    tags: ClassVar[tuple[str, ...]] = ("planning", "puzzles")
    ceiling = 0.02
    wordings: ClassVar[tuple[str, ...]] = (
        "There are three pegs A, B and C with discs numbered by size, 1 the smallest. A move takes the top disc of one "
        "peg to another peg; no disc may lie on a smaller one.\nNow, from bottom to top: {start}\nGoal: {goal}\nReach "
        "the goal in at most {limit} moves. Answer in \\boxed{{}} with moves such as A->C, separated by commas.",
        "Tower of Hanoi. Pegs are listed from the bottom disc to the top disc; a larger number is a larger disc, and a "
        "larger disc never lies on a smaller one. One top disc is moved at a time.\nStart: {start}\nEnd: {goal}\n"
        "Which moves lead from start to end? Use {limit} or fewer and write them in \\boxed{{}}, as in A->B, C->A.",
        "Answer in \\boxed{{}} with a list of at most {limit} moves (A->B takes the top disc of peg A to peg B, and so "
        "on) that turns the first position into the second. A disc may only be put on an empty peg or on a disc with "
        "a larger number. Discs are given from bottom to top.\nFirst position: {start}\nSecond position: {goal}",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        discs, length = DISCS[difficulty - 1], MOVES[difficulty - 1]
        while True:
            uniforms = rng.random(2 * discs).tolist()
            start = [int(3 * u) for u in uniforms[:discs]]
            far = [int(3 * u) for u in uniforms[discs:]]
            moves = list(islice(shortest(start, far), length))
            if len(moves) == length:
                break
        goal = after(start, moves)  # on a shortest way to ``far``, so the way to it is shortest too
        limit = length + length // 4
        fields = {"start": _drawn(start), "goal": _drawn(goal), "limit": str(limit)}
        return self.ask(rng, {"start": start, "goal": goal, "limit": limit}, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        reference = problem.reference
        return puzzles.Hanoi(reference["start"], reference["goal"], at_most=reference["limit"]).verify(response)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Each move with its disc, then the list."""
        position, goal = list(problem.reference["start"]), problem.reference["goal"]
        moves = list(shortest(position, goal))
        lines = []
        for a, b in moves:
            disc = position.index(a)
            position[disc] = b
            lines.append(f"disc {disc + 1} from {PEGS[a]} to {PEGS[b]}")
        return "\n".join([*lines, _boxed(moves)])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Breadth-first search that gives up early."""
        start, goal = tuple(problem.reference["start"]), tuple(problem.reference["goal"])
        found: dict[tuple[int, ...], list[Move]] = {start: []}
        queue = deque([start])
        for _ in range(WEAK_POSITIONS):
            position = queue.popleft()
            for a, b in ((a, b) for a in range(3) for b in range(3) if a in position):
                new = tuple(after(position, [(a, b)]))
                if (b not in position or position.index(a) < position.index(b)) and new not in found:
                    found[new] = [*found[position], (a, b)]
                    queue.append(new)
        return _boxed(found.get(goal, []))


def shortest(start: Sequence[int], goal: Sequence[int]) -> Iterator[Move]:
    """The moves of a shortest solution: positions list the peg of each disc, from the smallest on."""
    n = len(start)
    while n and start[n - 1] == goal[n - 1]:
        n -= 1
    if not n:
        return
    a, b = start[n - 1], goal[n - 1]
    c = 3 - a - b
    small, small_goal = list(start[: n - 1]), list(goal[: n - 1])
    once = _distance(small, c) + 1 + _distance(small_goal, c)
    twice = _distance(small, b) + 2 + (1 << (n - 1)) - 1 + _distance(small_goal, a)
    if once <= twice:
        yield from _gather(small, n - 1, c)
        yield a, b
        gathered = c
    else:
        yield from _gather(small, n - 1, b)
        yield a, c
        yield from _gather(small, n - 1, a)
        yield c, b
        gathered = a
    for x, y in reversed(list(_gather(small_goal, n - 1, gathered))):
        yield y, x


def after(position: Sequence[int], moves: Sequence[Move]) -> list[int]:
    """The position after moves that are allowed."""
    position = list(position)
    for a, b in moves:
        position[position.index(a)] = b
    return position


def _distance(position: Sequence[int], peg: int) -> int:
    """How many moves it takes to gather all discs on a peg."""
    moves = 0
    for disc in reversed(range(len(position))):
        if position[disc] != peg:
            moves += 1 << disc
            peg = 3 - position[disc] - peg
    return moves


def _gather(position: list[int], n: int, peg: int) -> Iterator[Move]:
    """Shortest moves that bring the n smallest discs of ``position``, which changes with them, onto a peg."""
    while n and position[n - 1] == peg:
        n -= 1
    if n:
        source = position[n - 1]
        yield from _gather(position, n - 1, 3 - source - peg)
        position[n - 1] = peg
        yield source, peg
        yield from _gather(position, n - 1, peg)


def _drawn(position: Sequence[int]) -> str:
    """``A: 3 1, B: 2, C: empty``."""
    pegs = [[str(disc + 1) for disc in reversed(range(len(position))) if position[disc] == peg] for peg in range(3)]
    return ", ".join(f"{name}: {' '.join(discs) or 'empty'}" for name, discs in zip(PEGS, pegs, strict=True))


def _boxed(moves: Sequence[Move]) -> str:
    return "\\boxed{" + ", ".join(f"{PEGS[a]}->{PEGS[b]}" for a, b in moves) + "}"
