"""Rows of a truth table in which a propositional formula is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict

from .formulas import (
    CONNECTIVES,
    VARIABLES,
    Formula,
    columns,
    draw_formula,
    everywhere,
    in_words,
    row_name,
    rows_of,
    truth_table,
)
from .named_set import judge_set

SIZES = ((3, 3), (3, 4), (3, 5), (4, 5), (4, 6), (4, 7), (5, 8), (5, 9), (5, 10), (5, 12))  # variables, connectives


@register("palaestra/TruthTable-v0")
@dataclass(frozen=True)
class TruthTable(Task):
    """List the rows in which a formula is true, each as a word of T and F.

    Difficulty raises the number of variables (3 to 5) and of connectives (3 to 12); "implies" occurs from 3 on, "if and
    only if" and "xor" from 5 on. An answer is right when it lists every such row and no other, in any order.
    A formula is drawn again unless a quarter to three quarters of its rows are true and each variable matters.
    """

    tags: ClassVar[tuple[str, ...]] = ("logic", "propositional")
    ceiling = 0.05
    wordings: ClassVar[tuple[str, ...]] = (
        "Consider the formula {formula}. Write a row of its truth table as the values (T or F) of {variables}, in "
        "this order, without spaces. List the rows in which the formula is true, in \\boxed{{}}, separated by commas.",
        "For which values of {variables} is this true?\n\n{formula}\n\nAnswer in \\boxed{{}} with all of them, "
        "separated by commas; write each as {count} letters T or F, one for each variable in the order above.",
        "{variables} are each true (T) or false (F). Of the {rows} ways to choose them, list those that satisfy "
        '"{formula}". Each way is a word of {count} letters T or F in the order {variables}. Answer in \\boxed{{}}, '
        "with commas between the words.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n, size = SIZES[difficulty - 1]
        connectives = tuple(CONNECTIVES)[: 2 + (difficulty > 2) + 2 * (difficulty > 4)]
        table = 0
        while not _is_varied(table, n):
            formula, table = draw_formula(rng.random, n, size, connectives)
        names = ", ".join(VARIABLES[:n])
        fields = {"formula": in_words(formula), "variables": names, "count": str(n), "rows": str(1 << n)}
        reference = {"variables": n, "rows": [row_name(row, n) for row in rows_of(table)]}
        return self.ask(rng, reference, difficulty, fields, {"formula": formula})

    def verify(self, problem: Problem, response: str) -> Verdict:
        n = problem.reference["variables"]
        possible = [row_name(row, n) for row in range(1 << n)]
        missing, extra = "in row {} the formula is true too", "in row {} the formula is false"
        return judge_set(response, problem.reference["rows"], possible, missing, extra)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The value of each part of the formula, row by row."""
        n, rows = problem.reference["variables"], problem.reference["rows"]
        parts = _parts(problem.meta["formula"])
        tables = [(in_words(part), truth_table(part, n)) for part in parts]
        lines = [
            f"{row_name(row, n)}: "
            + "; ".join(f"{text} is {'T' if table >> row & 1 else 'F'}" for text, table in tables)
            for row in range(1 << n)
        ]
        return "\n".join([*lines, f"\\boxed{{{', '.join(rows)}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Takes every connective but "and" for "or", and a negation as it stands."""
        n = problem.reference["variables"]
        rows = rows_of(_careless(problem.meta["formula"], n))
        return f"\\boxed{{{', '.join(row_name(row, n) for row in rows)}}}"


def _is_varied(table: int, n: int) -> bool:
    """Whether a quarter to three quarters of the rows are true, and each variable makes a difference in some row."""
    if not 1 << n <= 4 * table.bit_count() <= 3 << n:
        return False
    return all((table >> (1 << i) ^ table) & (everywhere(n) ^ column) for i, column in enumerate(columns(n)))


def _parts(formula: Formula) -> list[Formula]:
    """The compound parts of a formula, inner ones first, each once."""
    if isinstance(formula, int) or formula[0] == "not":
        return []
    inner = [part for side in formula[1:] for part in _parts(side)]
    return [*(part for i, part in enumerate(inner) if part not in inner[:i]), formula]


def _careless(formula: Formula, n: int) -> int:
    if isinstance(formula, int):
        return columns(n)[formula]
    if formula[0] == "not":
        return everywhere(n) ^ _careless(formula[1], n)
    left, right = (_careless(side, n) for side in formula[1:])
    return left & right if formula[0] == "and" else left | right
