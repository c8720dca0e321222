"""Systems of linear equations in two to five unknowns."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

from .elimination import equation, gauss_jordan, is_regular
from .unknowns import linear_form, nonzero, read_values

UNKNOWNS = "vwxyz"  # of which the last n
WEAK_REACH = 9  # the weak solver tries whole numbers from -9 to 9
WEAK_TRIES = 400


class Level(NamedTuple):
    """coefficient, solution: bounds. missing: share of the unknowns that an equation lacks. halves: in solutions."""

    unknowns: int
    coefficient: int
    solution: int
    missing: float
    halves: bool


LEVELS = (
    Level(2, 3, 9, 0.0, False),
    Level(2, 9, 12, 0.0, False),
    Level(2, 15, 15, 0.0, True),
    Level(3, 3, 9, 0.3, False),
    Level(3, 6, 12, 0.0, False),
    Level(3, 9, 15, 0.0, True),
    Level(4, 4, 9, 0.3, False),
    Level(4, 9, 12, 0.0, False),
    Level(5, 5, 9, 0.3, False),
    Level(5, 9, 12, 0.0, True),
)


@register("palaestra/LinearSystem-v0")
@dataclass(frozen=True)
class LinearSystem(Task):
    """As many linear equations as unknowns: 2 (difficulty 1 to 3), 3 (4 to 6), 4 (7, 8) or 5 (9, 10), one solution.

    Within each number of unknowns coefficients and values grow, and equations lose their gaps; at 3, 6 and 10 values
    may be halves. An answer is right when it satisfies every equation exactly.
    """

    tags: ClassVar[tuple[str, ...]] = ("algebra", "linear equations")
    wordings: ClassVar[tuple[str, ...]] = (
        "Solve this system of equations:\n\n{lines}\n\nAnswer in \\boxed{{}} as {example}.",
        "Find {asked}, given that {inline}. Write the values in \\boxed{{}} as {example}.",
        "A linear system in the unknowns {asked}, in this order, has the augmented matrix\n\n{matrix}\n\n"
        "What is its solution? Give it as \\boxed{{{example}}}.",
    )
    ceiling = 0.01

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level = LEVELS[difficulty - 1]
        n = level.unknowns
        while True:
            uniforms = iter(rng.random(2 * n * n + 2 * n).tolist())
            rows = [
                [0 if next(uniforms) < level.missing else nonzero(next(uniforms), level.coefficient) for _ in range(n)]
                for _ in range(n)
            ]
            if is_regular(rows):
                break
        halves = [int((next(uniforms) * 2 - 1) * (2 * level.solution + 1)) for _ in range(n)]
        if not level.halves:
            halves = [2 * (value // 2) for value in halves]
        equations = []
        for row in rows:
            total = sum(c * v for c, v in zip(row, halves, strict=True))
            equations.append([*row, total // 2] if total % 2 == 0 else [*(2 * c for c in row), total])
        names = UNKNOWNS[-n:]
        lines = [equation(row, names) for row in equations]
        fields = {
            "asked": f"{', '.join(names[:-1])} and {names[-1]}",
            "example": ", ".join(f"{x}=..." for x in names),
            "lines": "\n".join(lines),
            "inline": f"{', '.join(lines[:-1])} and {lines[-1]}",
            "matrix": "\n".join(f"[ {' '.join(map(str, row[:-1]))} | {row[-1]} ]" for row in equations),
        }
        return self.ask(rng, {"equations": equations}, difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        equations = problem.reference["equations"]
        names = UNKNOWNS[-len(equations) :]
        values = read_values(text, names)
        if isinstance(values, str):
            return wrong(values, answer=text[:80])
        for row in equations:
            left = sum(c * v for c, v in zip(row, values, strict=False))
            if left != row[-1]:
                return wrong(f"{linear_form(row[:-1], names)} is {left} instead of {row[-1]}"[:120], answer=text)
        return right("satisfies every equation", answer=text)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Gauss-Jordan elimination in whole numbers, each new equation on a line."""
        equations = problem.reference["equations"]
        names = UNKNOWNS[-len(equations) :]
        lines, values = gauss_jordan(equations, names)
        answer = ", ".join(f"{x}={v}" for x, v in zip(names, values, strict=True))
        return "\n".join([*lines, f"\\boxed{{{answer}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Guesses: tries the first 400 combinations of small whole numbers."""
        equations = problem.reference["equations"]
        small = sorted(range(-WEAK_REACH, WEAK_REACH + 1), key=abs)
        for values in itertools.islice(itertools.product(small, repeat=len(equations)), WEAK_TRIES):
            if all(sum(c * v for c, v in zip(row, values, strict=False)) == row[-1] for row in equations):
                return f"\\boxed{{{', '.join(map(str, values))}}}"
        return f"\\boxed{{{', '.join('0' * len(equations))}}}"
