"""Expressions over the four operations, with precedence and parentheses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, right, undecided, wrong

from .expressions import OPERATORS, Program, hideable_leaf, pairs, solution, worked, write
from .single_number import judge_number

STEP = re.compile(r"(-?\d{1,15}) ?([-+*/]) ?\(?(-?\d{1,15})\)? ?= ?(-?\d{1,15})", re.ASCII)
LARGEST_PRODUCT = 100_000  # beyond it numbers are added instead
TOKEN = re.compile(r"\d+|[-+*/]")


@register("palaestra/Arithmetic-v0")
@dataclass(frozen=True)
class Arithmetic(Task):
    """The value of an expression of 2 (difficulty 1) to 11 (difficulty 10) natural numbers, growing from 60 to 150.

    operators: which of + - * / occur, for those that difficulty allows: * from 2 on, / from 3 on.

    Every division comes out even. The answer is right when it is the value, written as one number. The backward
    question hides one of the numbers, which the value then determines.
    """

    operators: str = "+-*/"
    tags: ClassVar[tuple[str, ...]] = ("numbers", "arithmetic")
    wordings: ClassVar[tuple[str, ...]] = (
        "Calculate {expression}. Answer in \\boxed{{}}.",
        "What is the value of the following expression?\n\n{expression}\n\nGive a single number in \\boxed{{}}.",
        "Put one number in \\boxed{{}}, the result of this calculation: {expression} = ?",
    )
    ceiling = 0.03

    def __post_init__(self) -> None:
        if not set(self.operators) & set("+-") or set(self.operators) - set("+-*/"):
            raise ValueError(f"operators are some of '+-*/', with + or - among them, not {self.operators!r}")

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        count, largest = difficulty + 1, 50 + 10 * difficulty
        allowed = [op for op in self.operators if difficulty >= {"*": 2, "/": 3}.get(op, 1)]
        additive = [op for op in allowed if op in "+-"]
        uniforms = iter(rng.random(5 * count).tolist())
        values = [1 + int(next(uniforms) * largest) for _ in range(count)]
        program: Program = []
        for i, j in pairs(count, uniforms):
            op = allowed[int(next(uniforms) * len(allowed))]
            if op == "*" and abs(values[i] * values[j]) > LARGEST_PRODUCT:
                op = additive[0]
            if op == "/" and not _even(values, i, j, count, largest, next(uniforms)):
                op = additive[-1]
            a, b = values[i], values[j]
            values.append(a + b if op == "+" else a - b if op == "-" else a * b if op == "*" else a // b)
            program.append([op, i, j])
        leaves = values[:count]
        text = write(list(map(str, leaves)), program)[-1]
        meta = {"leaves": leaves, "program": program}
        return self.ask(rng, values[-1], difficulty, {"expression": text}, meta)

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge_number(response, problem.reference)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return solution(problem)

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Reads from left to right and knows neither precedence nor parentheses."""
        first, *rest = TOKEN.findall(problem.meta["fields"]["expression"])
        value = Fraction(first)
        for op, number in zip(rest[::2], rest[1::2], strict=True):
            value = OPERATORS[op](value, Fraction(number))
        return f"\\boxed{{{value}}}"

    def steps(self, problem: Problem, response: str) -> list[Verdict]:
        """A line ``a op b = c`` is right when it is true and one of the expression's own steps, wrong when false."""
        own = set(worked(list(map(Fraction, problem.meta["leaves"])), problem.meta["program"]))
        return [self._judge(problem, line.strip(), own) for line in response.splitlines() if line.strip()]

    def invert(self, problem: Problem) -> Problem | None:
        """Which number makes the expression have this value?"""
        if "hidden" in problem.meta:
            return None
        leaves, program = problem.meta["leaves"], problem.meta["program"]
        hidden = hideable_leaf(list(map(Fraction, leaves)), program)
        if hidden is None:
            return None
        texts = write(["x" if k == hidden else str(leaf) for k, leaf in enumerate(leaves)], program)
        prompt = f"Find the number x for which {texts[-1]} = {problem.reference}. Answer in \\boxed{{}}."
        meta = {"leaves": leaves, "program": program, "hidden": hidden}
        return Problem(prompt, leaves[hidden], problem.difficulty, meta)

    def _judge(self, problem: Problem, line: str, own: set[str]) -> Verdict:
        if "\\boxed" in line:
            return self.verify(problem, line)
        match = STEP.fullmatch(line)
        if match is None:
            return undecided("no step of the form a+b=c", line=line[:40])
        a, op, b, c = match.groups()
        if op == "/" and int(b) == 0:
            return wrong("divides by zero", line=line)
        value = OPERATORS[op](Fraction(a), Fraction(b))
        if value != int(c):
            return wrong(f"{a} {op} {b} is {value}", line=line)
        shown = b if int(b) >= 0 else f"({b})"
        if f"{a} {op} {shown} = {c}" in own:
            return right("a step of this expression", line=line)
        return undecided("true, but no step of this expression", line=line)


def _even(values: list[int], i: int, j: int, count: int, largest: int, uniform: float) -> bool:
    """Whether value i is a true multiple of value j; a leaf i, not used so far, is made one."""
    b = values[j]
    if i < count and 2 <= b <= largest // 2:
        values[i] = b * (2 + int(uniform * (largest // b - 1)))
        return True
    return abs(b) > 1 and values[i] != 0 and values[i] % b == 0
