"""What does a formula in a spreadsheet show?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict

from ..numbers.single_number import judge_number

KINDS = ("+", "-", "+", "SUM", "MAX", "MIN", "*", "IF")  # of formulas; the last two from difficulty 4 on

Formula = Sequence[Any]  # [kind, cell, ...]; the second operand of * is a number; a number alone is [number]


@register("palaestra/Spreadsheet-v0")
@dataclass(frozen=True)
class Spreadsheet(Task):
    """Difficulty raises the number of rows (2 to 7), of columns (3 to 5), the kinds of formulas and their share.

    The answer is the number in one cell of the last row. Formulas refer to the row above them, and SUM also to those
    above it, so the chain of references is as long as the table is high.
    """

    tags: ClassVar[tuple[str, ...]] = ("data", "spreadsheets")
    ceiling = 0.04
    wordings = (
        "A spreadsheet has these cells:\n{cells}\nWhat is the value of {target}? Answer in \\boxed{{}}.",
        "What does cell {target} of the following spreadsheet show? Give the number in \\boxed{{}}.\n\n{cells}",
        "Someone typed this into a spreadsheet, cell by cell, row by row.\n{cells}\nAll formulas are then computed. "
        "Write the number that appears in {target} in \\boxed{{}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        rows, columns = 2 + difficulty // 2, 3 + difficulty // 4
        constants = 0.45 - 0.03 * difficulty  # share of the cells below the first row that hold a number
        uniforms = rng.random(5 * rows * columns + 1).tolist()
        names = "ABCDE"[:columns]
        sheet: dict[str, list[Any]] = {}
        target = f"{names[int(uniforms[-1] * columns)]}{rows}"
        draws = zip(*[iter(uniforms)] * 5, strict=False)
        for row in range(1, rows + 1):
            for column in names:
                draw = next(draws)
                cell = f"{column}{row}"
                if row == 1 or (draw[0] < constants and cell != target):
                    sheet[cell] = [10 + int(draw[1] * 90)]
                else:
                    sheet[cell] = _draw(draw[1:], names, row, difficulty)
        lines = []
        for row in range(1, rows + 1):
            lines.append("; ".join([f"{column}{row}: {_text(sheet[f'{column}{row}'])}" for column in names]))
        fields = {"cells": "\n".join(lines), "target": target}
        return self.ask(rng, _evaluate(sheet)[target], difficulty, fields, {"sheet": sheet})

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge_number(response, problem.reference)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The value of every formula that the asked cell needs, from the top."""
        sheet, target = problem.meta["sheet"], problem.meta["fields"]["target"]
        needed = {target}
        for cell in reversed(sheet):
            if cell in needed:
                needed.update([part for part in sheet[cell][1:] if part in sheet])
        values = _evaluate(sheet)
        lines = [f"{c} = {_text(sheet[c], values)} = {values[c]}" for c in sheet if c in needed and len(sheet[c]) > 1]
        return "\n".join([*lines, f"\\boxed{{{problem.reference}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The asked formula, where every cell that holds a formula itself counts as empty, that is 0."""
        sheet, target = problem.meta["sheet"], problem.meta["fields"]["target"]
        plain = {cell: formula if len(formula) == 1 or cell == target else [0] for cell, formula in sheet.items()}
        return f"\\boxed{{{_evaluate(plain)[target]}}}"


def _draw(draw: Sequence[float], names: str, row: int, difficulty: int) -> list[Any]:
    """A formula for a cell of ``row``, two or more."""
    u, v, w, x = draw
    kind = KINDS[int(u * (len(KINDS) if difficulty > 3 else len(KINDS) - 2))]
    n, above = len(names), row - 1
    first = int(v * n)
    second = (first + 1 + int(w * (n - 1))) % n
    if kind == "SUM" and above > 1 and x < 0.5:
        return [kind, *[f"{names[first]}{k}" for k in range(1, row)]]
    if kind in ("SUM", "MAX", "MIN"):
        low, high = sorted((first, second))
        return [kind, *[f"{name}{above}" for name in names[low : high + 1]]]
    if kind == "*":
        return [kind, f"{names[first]}{above}", 2 + int(x * 2)]
    if kind == "IF":
        third = int(x * n)
        return [kind, *[f"{names[k]}{above}" for k in (first, second, third, (third + 1) % n)]]
    return [kind, f"{names[first]}{above}", f"{names[second]}{above}"]


def _text(formula: Formula, values: Mapping[str, int] | None = None) -> str:
    """A cell's content as it is typed; with ``values`` the formula with numbers in the place of cells."""
    if len(formula) == 1:
        return str(formula[0])
    kind, *parts = formula
    if kind in ("SUM", "MAX", "MIN"):
        if values is None:
            return f"={kind}({parts[0]}:{parts[-1]})"
        return f"{kind}({', '.join([str(values[part]) for part in parts])})"
    sign = "=" if values is None else ""
    if values is not None:
        parts = [values.get(part, part) for part in parts]
    if kind == "IF":
        return f"{sign}IF({parts[0]}>{parts[1]}, {parts[2]}, {parts[3]})"
    return f"{sign}{parts[0]}{kind}{parts[1]}" if values is None else f"{parts[0]} {kind} {parts[1]}"


def _evaluate(sheet: Mapping[str, Formula]) -> dict[str, int]:
    """The value of each cell; formulas refer to cells before them."""
    values: dict[str, int] = {}
    for cell, (kind, *parts) in sheet.items():
        if not parts:
            values[cell] = kind
        elif kind == "*":
            values[cell] = values[parts[0]] * parts[1]
        else:
            numbers = [values[part] for part in parts]
            if kind == "IF":
                values[cell] = numbers[2] if numbers[0] > numbers[1] else numbers[3]
            elif kind == "-":
                values[cell] = numbers[0] - numbers[1]
            else:
                values[cell] = max(numbers) if kind == "MAX" else min(numbers) if kind == "MIN" else sum(numbers)
    return values
