"""KenKen: a Latin square whose cages reach their targets (Tetsuya Miyamoto, 2004)."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from math import prod
from typing import Any, ClassVar, TypeAlias

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict
from palaestra.verifiers import puzzles as verifiers

from .candidates import CACHED
from .grids import boxed, judge, show, square
from .latin import cell_name, draw_square, eliminate, settle, smallest, sweep_singles, unsettled

Cage: TypeAlias = list[Any]  # [operation, target, cells]: JSON-able; see verifiers.puzzles.Cage

SIZES = (3, 4, 4, 4, 5, 5, 5, 6, 6, 6)
LARGEST = (2, 2, 2, 3, 2, 3, 3, 2, 3, 3)  # cells of a cage
ALONE = (0.2, 0.3, 0.1, 0.1, 0.2, 0.2, 0.1, 0.2, 0.2, 0.1)  # of the cages hold a single cell from the start
LETTERS = string.ascii_uppercase + string.ascii_lowercase
MADE = {"+": "sum", "*": "product", "-": "difference", "/": "quotient"}
WEAK_SWEEPS = 3


@register("palaestra/KenKen-v0")
@dataclass(frozen=True)
class KenKen(Task):
    """Fill a grid so that rows and columns hold 1 to n and the numbers of each cage make its target by its operation.

    Difficulty raises n from 3 to 6 and the cages from two to three cells. Cages grow at random; then cells are cut off
    and given until elimination (a line or a cage at a time) leaves one solution, so it is the only one; puzzles that
    call for cases do not occur. The solution is the cyclic Latin square with its rows, columns and numbers in random
    order: for n = 6 a small part of all squares. Subtraction and division are for cages of two cells.
    """

    tags: ClassVar[tuple[str, ...]] = ("puzzles", "grids", "arithmetic")
    ceiling = 0.1  # there are but twelve squares of 3 by 3
    wordings: ClassVar[tuple[str, ...]] = (
        "Solve this {n}x{n} KenKen. Rows and columns each hold the numbers 1 to {n}. Cells with the same letter form a "
        "cage:\n{letters}\n\nTargets of the cages (its numbers make the target with the sign given, for - and / the "
        "larger before the smaller; = is a given number):\n{targets}\n\nAnswer in \\boxed{{}} with {n} rows of "
        "numbers, one row a line, separated by spaces.",
        "In a {n} by {n} grid every row and every column is to contain each of 1 to {n}. Moreover, where rRcC is the "
        "cell in row R and column C:\n{sentences}\n\n(A difference or quotient is that of the larger and the smaller "
        "number.) Write the grid in \\boxed{{}}, one row a line.",
        "Cages: {targets}\nMap of the cages:\n{letters}\n\nPut a number from 1 to {n} in each cell of the map, no "
        "number twice in a row or column. The sum (+), product (*), difference (-) or quotient (/) of the numbers in "
        "a cage must be its target; = marks cells that are known. Differences and quotients are never negative or "
        "below 1. Give the {n} rows in \\boxed{{}}, each on its own line.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n = SIZES[difficulty - 1]
        cells = draw_square(rng, n)
        parts = _parts(rng, n, LARGEST[difficulty - 1], ALONE[difficulty - 1])
        cages = _cut(rng, cells, n, [_cage(rng, cells, part) for part in parts])
        cages.sort(key=lambda cage: min(cage[2]))
        letters = [""] * (n * n)
        for letter, (_, _, part) in zip(LETTERS, cages, strict=False):
            for cell in part:
                letters[cell] = letter
        fields = {
            "n": str(n),
            "letters": "\n".join([" ".join(row) for row in square(letters, n)]),
            "targets": ", ".join(
                [f"{LETTERS[k]} {target}{operation}" for k, (operation, target, _) in enumerate(cages)]
            ),
            "sentences": "\n".join([_sentence(cage, n) for cage in cages]),
        }
        return self.ask(rng, {"n": n, "cages": cages, "solution": show(square(cells, n))}, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge(response, problem.reference["solution"], lambda: _rules(problem.reference))

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Sweeps of elimination: the cells that each settles."""
        n, cages = problem.reference["n"], problem.reference["cages"]
        lines = settle([(1 << n) - 1] * (n * n), n, lambda masks: _narrow(masks, n, cages))
        return "\n".join([*lines, f"\\boxed{{{problem.reference['solution']}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """A few sweeps of cages and naked singles, then the smallest candidate of each cell."""
        n, cages = problem.reference["n"], problem.reference["cages"]
        masks = [(1 << n) - 1] * (n * n)
        for _ in range(WEAK_SWEEPS):
            sweep_singles(masks, n, lambda m: _narrow(m, n, cages))
        return boxed(smallest(masks, n))


def _rules(reference: dict[str, Any]) -> verifiers.KenKen:
    n = reference["n"]
    cages = [
        verifiers.Cage(operation, target, [divmod(c, n) for c in cells])
        for operation, target, cells in reference["cages"]
    ]
    return verifiers.KenKen(n, cages)


def _parts(rng: np.random.Generator, n: int, largest: int, alone: float) -> list[list[int]]:
    """The cells of an n by n grid in paths of up to ``largest`` neighbours."""
    draw, onward = rng.bit_generator.random_raw, _onward(n)
    free, parts = [True] * (n * n), []
    for start, u in enumerate(rng.random(n * n).tolist()):
        if not free[start]:
            continue
        cell, part = start, [start]
        free[start] = False
        size = 1 if u < alone else 2 if largest == 2 else 2 + draw() % (largest - 1)
        while len(part) < size and (near := [there for there in onward[cell] if free[there]]):
            cell = near[draw() % len(near)]
            part.append(cell)
            free[cell] = False
        parts.append(part)
    return parts


@cache
def _onward(n: int) -> list[list[int]]:
    """Of each cell, those to the right, below and to the left."""
    return [
        [i * n + j + 1] * (j + 1 < n) + [i * n + j + n] * (i + 1 < n) + [i * n + j - 1] * (j > 0)
        for i in range(n)
        for j in range(n)
    ]


def _cage(rng: np.random.Generator, cells: Sequence[int], part: list[int]) -> Cage:
    if len(part) == 1:
        return _made("=", cells, part)
    numbers = [cells[cell] for cell in part]
    kinds = "+*" if len(part) > 2 else "+-*/" if max(numbers) % min(numbers) == 0 else "+-*"
    return _made(kinds[rng.bit_generator.random_raw() % len(kinds)], cells, part)


def _made(operation: str, cells: Sequence[int], part: list[int]) -> Cage:
    """The cage of these cells with the target that their numbers make."""
    if operation == "=":
        return ["=", cells[part[0]], part]
    numbers = [cells[cell] for cell in part]
    if operation == "+":
        return ["+", sum(numbers), part]
    if operation == "*":
        return ["*", prod(numbers), part]
    low, high = min(numbers), max(numbers)
    return [operation, high - low if operation == "-" else high // low, part]


def _cut(rng: np.random.Generator, cells: Sequence[int], n: int, cages: list[Cage]) -> list[Cage]:
    """Cut ends off cages, as givens, until elimination settles every cell."""
    masks = [(1 << n) - 1] * (n * n)
    while not eliminate(masks, n, lambda m: _narrow(m, n, cages)):
        left = unsettled(masks)
        cell = left[rng.bit_generator.random_raw() % len(left)]
        k = next(k for k, cage in enumerate(cages) if cell in cage[2])
        part = cages[k][2]
        end = part[-1] if cell != part[0] else part[0]
        rest = [c for c in part if c != end]
        # Of more than two cells the operation stays, so that what the whole cage told still follows.
        cages[k] = _made(cages[k][0] if len(rest) > 1 else "=", cells, rest)
        cages.append(_made("=", cells, [end]))
    return cages


def _narrow(masks: list[int], n: int, cages: Sequence[Cage]) -> None:
    """Keep the candidates that occur in some way to make each cage's target."""
    for operation, target, part in cages:
        if len(part) == 1:
            masks[part[0]] &= 1 << target - 1
        else:
            kept = _kept(operation, target, n, tuple([masks[cell] for cell in part]))
            for cell, mask in zip(part, kept, strict=True):
                masks[cell] = mask


@lru_cache(maxsize=CACHED)
def _kept(operation: str, target: int, n: int, candidates: tuple[int, ...]) -> tuple[int, ...]:
    """What is left of the candidates of a cage's cells, which hold the solution."""
    fitting = [way for way in _ways(operation, target, len(candidates), n) if all(map(int.__and__, way, candidates))]
    return tuple([sum(set(numbers)) for numbers in zip(*fitting, strict=True)])


@cache
def _ways(operation: str, target: int, size: int, n: int) -> list[tuple[int, ...]]:
    """The numbers, as bits, with which a cage makes its target."""
    cage = verifiers.Cage(operation, target, ())  # type: ignore[arg-type]  # one of the verifier's operations
    found = [numbers for numbers in product(range(1, n + 1), repeat=size) if cage.value(numbers) == target]
    return [tuple(1 << v - 1 for v in numbers) for numbers in found]


def _sentence(cage: Cage, n: int) -> str:
    operation, target, part = cage
    names = [cell_name(cell, n) for cell in part]
    if operation == "=":
        return f"{names[0]} is {target}."
    return f"The {MADE[operation]} of {', '.join(names[:-1])} and {names[-1]} is {target}."
