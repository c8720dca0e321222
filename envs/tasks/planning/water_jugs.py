"""Measure an amount of water with jugs that have no marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.envs.tasks.draws import throws
from palaestra.verifiers import Verdict, puzzles, right

JUGS = 3
EXTRA = 4  # moves that a walk may take beyond its level's
WEAK_STATES = 80  # that the weak solver looks at

Move = tuple[int, int]  # jug filled or poured from, jug poured into; the tap and the sink are FILL and EMPTY
FILL, EMPTY = -1, -2
MOVES = [(i, j) for i in (FILL, *range(JUGS), EMPTY) for j in range(JUGS) if i != j]
ORDERS = [[MOVES[(first + 5 * k) % len(MOVES)] for k in range(len(MOVES))] for first in range(len(MOVES))]


@register("palaestra/WaterJugs-v0")
@dataclass(frozen=True)
class WaterJugs(Task):
    """Difficulty raises how many moves are allowed (7 to 20) and how large the three jugs are (up to 19 to 46).

    An answer is a list of moves; it is right when some jug then holds the target and there are not too many of them.
    The target is an amount first seen at the end of a random walk without returns, which the oracle repeats; it is no
    sum or difference of jugs' sizes, each taken once, so that no short standard plan is right often.
    """

    tags: ClassVar[tuple[str, ...]] = ("planning", "puzzles")
    ceiling = 0.1  # by a plan that fits many sizes
    wordings: ClassVar[tuple[str, ...]] = (
        "You have three jugs: jug 1 holds {a} litres, jug 2 holds {b} litres and jug 3 holds {c} litres. All are "
        "empty. You may fill a jug at the tap, empty a jug, or pour one jug into another until one is empty or the "
        "other is full. Get exactly {target} litres into one of the jugs with at most {limit} moves. Answer in "
        "\\boxed{{}} with moves such as fill 1, pour 1 2, empty 2, separated by commas.",
        "Measure {target} litres with jugs of {a}, {b} and {c} litres, numbered 1 to 3 in this order and empty at "
        "first. The moves are: fill 1 (jug 1 is filled to the brim), empty 1 (it is poured out) and pour 1 2 (jug 1 is "
        "poured into jug 2 until jug 1 is empty or jug 2 is full); likewise for the other jugs. At the end some jug "
        "holds the {target} litres. Put at most {limit} moves, with commas between them, in \\boxed{{}}.",
        "Capacities in litres: jug 1: {a}; jug 2: {b}; jug 3: {c}.\nTarget: some jug holds exactly {target}.\nStart: "
        "all jugs empty.\nMoves: fill i, empty i, pour i j (it stops when jug i is empty or jug j is full).\n"
        "Moves allowed: {limit} at most.\nAnswer in \\boxed{{}} with the moves in order, separated by commas.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        largest, shortest = 16 + 3 * difficulty, difficulty + 6
        walk = None
        while walk is None:
            sizes = [3 + size for size in throws(rng, JUGS, largest - 2)]
            if len(set(sizes)) == JUGS:
                walk = _walk(sizes, throws(rng, shortest + EXTRA, len(MOVES)), shortest)
        moves, target = walk
        fields = {**dict(zip("abc", map(str, sizes), strict=True)), "target": str(target), "limit": str(len(moves))}
        solution = ", ".join(map(_text, moves))
        reference = {"capacities": sizes, "target": target, "limit": len(moves), "solution": solution}
        return self.ask(rng, reference, difficulty, fields, {"moves": moves})

    def verify(self, problem: Problem, response: str) -> Verdict:
        reference = problem.reference
        if response.endswith(
            f"\\boxed{{{reference['solution']}}}"
        ):  # the usual right answer, at a fiftieth of the cost
            return right("every rule is kept", answer=reference["solution"])
        return puzzles.WaterJugs(reference["capacities"], reference["target"], reference["limit"]).verify(response)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Each move with the amounts after it, then the moves."""
        sizes, moves = problem.reference["capacities"], problem.meta["moves"]
        lines, amounts = [], [0] * JUGS
        for move in moves:
            amounts = _after(amounts, sizes, move)
            lines.append(f"{_text(move)}: {', '.join(map(str, amounts))}")
        return "\n".join([*lines, f"\\boxed{{{problem.reference['solution']}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Breadth-first search that gives up early."""
        sizes, target = problem.reference["capacities"], problem.reference["target"]
        queue: list[tuple[list[int], list[Move]]] = [([0] * JUGS, [])]
        seen = {(0,) * JUGS}
        for amounts, moves in queue:
            if target in amounts or len(queue) > WEAK_STATES:
                break
            for move in MOVES:
                new = _after(amounts, sizes, move)
                if tuple(new) not in seen:
                    seen.add(tuple(new))
                    queue.append((new, [*moves, move]))
        best = next((moves for amounts, moves in queue if target in amounts), [])
        return "\\boxed{" + ", ".join(map(_text, best)) + "}"


def _after(amounts: Sequence[int], sizes: Sequence[int], move: Move) -> list[int]:
    kind, jug = move
    amounts = list(amounts)
    if kind < 0:
        amounts[jug] = sizes[jug] if kind == FILL else 0
    else:
        poured = min(amounts[kind], sizes[jug] - amounts[jug])
        amounts[kind] -= poured
        amounts[jug] += poured
    return amounts


def _walk(sizes: Sequence[int], firsts: Sequence[int], shortest: int) -> tuple[list[Move], int] | None:
    """A walk through states that differ; it ends when, not too soon, an amount is new.

    firsts: for each move, which one to try first.
    """
    amounts = (0,) * JUGS
    states = {amounts}
    moves: list[Move] = []
    old: set[int] = set()
    for first in firsts:
        for move in ORDERS[first]:
            new = _onward(amounts, sizes, move)
            if new is not None and new not in states:
                break
        else:
            return None
        moves.append(move)
        if len(moves) >= shortest:
            old = old or _sums(sizes).union(*states)
            for amount in new:
                if amount not in old:
                    return moves, amount
        amounts = new
        states.add(new)
    return None


def _onward(amounts: tuple[int, ...], sizes: Sequence[int], move: Move) -> tuple[int, ...] | None:
    """The amounts after a move; None when it changes nothing, or throws away or adds to what is only part of a jug."""
    kind, jug = move
    if kind == FILL:
        useless = amounts[jug] > 0
    elif kind == EMPTY:
        useless = amounts[jug] < sizes[jug]
    else:
        useless = amounts[kind] == 0 or amounts[jug] == sizes[jug]
    return None if useless else tuple(_after(amounts, sizes, move))


def _sums(sizes: Sequence[int]) -> set[int]:
    """0, each size, twice each, and the sums and differences of sizes, each taken once."""
    a, b, c = sizes
    pair = (0, a, b, a + b, a - b, b - a)
    return {abs(x + y) for x in pair for y in (0, c, -c)} | {2 * a, 2 * b, 2 * c}


def _text(move: Move) -> str:
    kind, jug = move
    if kind < 0:
        return f"{'fill' if kind == FILL else 'empty'} {jug + 1}"
    return f"pour {kind + 1} {jug + 1}"
