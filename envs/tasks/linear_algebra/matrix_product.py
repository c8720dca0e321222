"""Products of two or three whole-number matrices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import MathPolicy, MathVerifier, Verdict, last_boxed, right, wrong

from .matrices import draw, latex, listed, multiply, read_matrix, tabled, worked_out

VERIFIER = MathVerifier(MathPolicy(slow=False))
LEVELS = (  # rows and columns of the factors in a chain, largest entry
    ((2, 2, 2), 5),
    ((2, 2, 2), 12),
    ((2, 3, 2), 6),
    ((3, 3, 2), 9),
    ((3, 3, 3), 9),
    ((3, 4, 3), 9),
    ((4, 4, 3), 12),
    ((4, 5, 4), 12),
    ((3, 3, 3, 3), 6),
    ((4, 4, 4, 4), 9),
)


@register("palaestra/MatrixProduct-v0")
@dataclass(frozen=True)
class MatrixProduct(Task):
    """Difficulty raises the size of the factors and of their entries; from 9 on there are three factors.

    The answer is the product as a list of rows or as a LaTeX matrix; every entry must be right.
    """

    tags: ClassVar[tuple[str, ...]] = ("linear_algebra", "matrices")
    wordings: ClassVar[tuple[str, ...]] = (
        "Multiply these matrices, given by their rows, in this order: {listed}. Answer with the rows of the product, "
        "as in \\boxed{{[[1, 2], [3, 4]]}}.",
        "Compute {latex}. Write the product as \\boxed{{[[...], [...]]}}, one inner list a row.",
        "What is the product of the following matrices, from left to right?\n{tabled}\nGive its rows as a list of "
        "lists in \\boxed{{}}.",
    )
    ceiling = 0.01

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        sizes, bound = LEVELS[difficulty - 1]
        shapes = list(pairwise(sizes))
        uniforms = iter(rng.random(sum(r * c for r, c in shapes)).tolist())
        factors = [draw(uniforms, rows, columns, bound) for rows, columns in shapes]
        fields = {
            "listed": " times ".join(map(listed, factors)),
            "latex": " ".join(map(latex, factors)),
            "tabled": "\ntimes\n".join(map(tabled, factors)),
        }
        return self.ask(rng, reduce(multiply, factors), difficulty, fields, {"factors": factors})

    def verify(self, problem: Problem, response: str) -> Verdict:
        answer = last_boxed(response)
        if answer is None:
            return wrong("no \\boxed answer")
        product = problem.reference
        found = read_matrix(answer)
        if found is None:
            if not worked_out(answer, len(product) * len(product[0])):
                return wrong("the entries are not worked out", answer=answer[:200])
            return VERIFIER.verify(response, listed(product))
        if found == product:
            return right("every entry is right", answer=answer[:200])
        if len(found) != len(product) or any(len(row) != len(product[0]) for row in found):
            return wrong(f"the product has {len(product)} rows and {len(product[0])} columns", answer=answer[:200])
        i, j = next((i, j) for i, row in enumerate(found) for j, x in enumerate(row) if x != product[i][j])
        return wrong(f"row {i + 1}, column {j + 1} is {product[i][j]}, not {found[i][j]}", answer=answer[:200])

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Every entry as a row times a column."""
        first, *others = problem.meta["factors"]
        lines = []
        for other in others:
            product = multiply(first, other)
            for i, row in enumerate(first):
                for j in range(len(other[0])):
                    terms = " + ".join(f"({x})({other[k][j]})" for k, x in enumerate(row))
                    lines.append(f"row {i + 1}, column {j + 1}: {terms} = {product[i][j]}")
            first = product
        return "\n".join([*lines, f"\\boxed{{{listed(problem.reference)}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Adds two terms of each entry and forgets the others."""
        product = reduce(lambda a, b: multiply([row[:2] for row in a], b[:2]), problem.meta["factors"])
        return f"\\boxed{{{listed(product)}}}"
