"""Reach a target with given numbers, each used once, and the four operations."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import SOLUTION_DELIMITER, Problem, Task
from palaestra.verifiers import (
    Node,
    Number,
    ParseError,
    Symbol,
    TooLarge,
    Undefined,
    Verdict,
    evaluate,
    last_boxed,
    parse_expression,
    right,
    undecided,
    wrong,
)

LARGEST_VALUE = 999  # of the target and of every value on the way to it
ANSWER_CHARS = 400  # a longer answer is none
OPERATORS = frozenset("+-*/")
WEAK_TRIES = 1000  # expressions that the weak solver tries


@register("palaestra/Countdown-v0")
@dataclass(frozen=True)
class Countdown(Task):
    """Difficulty raises how many numbers there are (3 to 7) and how large they may be (8 to 53).

    numbers: how many, whatever the difficulty.

    A problem is made backward, from an expression, so it can always be solved; any expression that uses the numbers
    and has the target's value is right.
    """

    numbers: int | None = None
    tags: ClassVar[tuple[str, ...]] = ("numbers", "arithmetic", "witness")
    wordings: ClassVar[tuple[str, ...]] = (
        "Use each of {numbers} exactly once with + - * / and parentheses to make {target}. "
        "Answer with the expression in \\boxed{{}}.",
        "Numbers: {numbers}\nTarget: {target}\nWrite an arithmetic expression (+, -, *, / and parentheses) whose value "
        "is the target and in which every one of the numbers listed occurs once. Put it in \\boxed{{}}.",
        "How can you get {target} out of {numbers}? You may add, subtract, multiply and divide, and must use each of "
        "these numbers once, as often as it is listed. Give a single expression in \\boxed{{}}.",
    )
    ceiling = 0.02

    def __post_init__(self) -> None:
        if self.numbers is not None and not 3 <= self.numbers <= 10:
            raise ValueError(f"numbers is None or from 3 to 10, not {self.numbers}")

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        count = self.numbers or 2 + (difficulty + 1) // 2
        largest = 3 + 5 * difficulty
        uniforms = rng.random(4 * count).tolist()
        numbers = [1 + int(u * largest) for u in uniforms[:count]]
        pool = [(n, str(n)) for n in numbers]
        lines = []
        for k in range(count - 1):
            u, v, w = uniforms[count + 3 * k : count + 3 * k + 3]
            a, a_text = pool.pop(int(u * len(pool)))
            b, b_text = pool.pop(int(v * len(pool)))
            if a < b:
                a, a_text, b, b_text = b, b_text, a, a_text
            value, op = _combine(a, b, w)
            pool.append((value, f"({a_text}{op}{b_text})"))
            lines.append(f"{a}{op}{b}={value}")
        target, expression = pool[0]
        fields = {"numbers": ", ".join(map(str, numbers)), "target": str(target)}
        reference = {"numbers": numbers, "target": target}
        return self.ask(rng, reference, difficulty, fields, {"lines": lines, "expression": expression[1:-1]})

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        numbers, target = problem.reference["numbers"], problem.reference["target"]
        text, equals, claimed = text[: ANSWER_CHARS + 1].partition("=")
        answer = text.strip()
        if equals and claimed.strip() != str(target):
            return wrong(f"says that it makes {claimed.strip()[:20]}, not {target}", answer=answer[:80])
        try:
            value, used = _read(answer)
        except (ParseError, Undefined, TooLarge) as error:
            return wrong(f"not an expression: {error}"[:120], answer=answer[:80])
        if used != Counter(numbers):
            return wrong(f"uses {_list(used)} instead of {_list(Counter(numbers))}", answer=answer)
        if value != target:
            return wrong(f"makes {_short(value)}, not {target}", answer=answer)
        return right(f"makes {target}", answer=answer)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return "\n".join([*problem.meta["lines"], f"\\boxed{{{problem.meta['expression']}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Tries at most a thousand expressions that go from left to right, without division."""
        numbers, target = problem.reference["numbers"], problem.reference["target"]
        orders = itertools.permutations(numbers)
        tries = itertools.product(orders, itertools.product("+-*", repeat=len(numbers) - 1))
        for (first, *rest), operators in itertools.islice(tries, WEAK_TRIES):
            value, text = first, str(first)
            for op, number in zip(operators, rest, strict=True):
                value = value + number if op == "+" else value - number if op == "-" else value * number
                text = f"({text}{op}{number})"
            if value == target:
                break
        return f"\\boxed{{{text}}}"

    def steps(self, problem: Problem, response: str) -> list[Verdict]:
        """A line ``a+b=c`` is right when it is true and takes two numbers at hand, which c then replaces."""
        verdicts = []
        pool = Counter(map(Fraction, problem.reference["numbers"]))
        for line in filter(None, map(str.strip, response.splitlines())):
            if line == SOLUTION_DELIMITER:
                pool = Counter(map(Fraction, problem.reference["numbers"]))
                verdicts.append(undecided("begins another solution"))
            elif "\\boxed" in line:
                verdicts.append(self.verify(problem, line))
            else:
                verdicts.append(_step(line, pool))
        return verdicts

    def identity(self, problem: Problem) -> str:
        return f"{sorted(problem.reference['numbers'])} {problem.reference['target']}"


def _combine(a: int, b: int, uniform: float) -> tuple[int, str]:
    """A natural value of ``a`` and ``b`` (a >= b) within bounds, and its operator; sums are the last resort."""
    if uniform < 0.4 and b > 1 and a * b <= LARGEST_VALUE:
        return a * b, "*"
    if uniform < 0.55 and b > 1 and a % b == 0:
        return a // b, "/"
    if 0.4 <= uniform < 0.75 and a > b:
        return a - b, "-"
    return a + b, "+"


def _read(text: str) -> tuple[Fraction, Counter[int]]:
    """Value of an expression and the numbers in it.

    Raises:
        ParseError, Undefined, TooLarge: it is none, has no value, or holds more than numbers and + - * /.
    """
    if len(text) > ANSWER_CHARS:
        raise ParseError(f"longer than {ANSWER_CHARS} characters")
    node = parse_expression(text)
    used: list[Fraction] = []
    _collect(node, used)
    if any(n.denominator != 1 for n in used):
        raise ParseError("a number that is not whole")
    return evaluate(node), Counter(map(int, used))


def _collect(node: Node, numbers: list[Fraction]) -> None:
    if isinstance(node, Number):
        numbers.append(node.value)
    elif isinstance(node, Symbol):
        raise ParseError(f"{node.name[:20]} is no number")
    elif node.op not in OPERATORS:
        raise ParseError(f"{node.op} is none of + - * /")
    else:
        for arg in node.args:
            _collect(arg, numbers)


BINARY = re.compile(r"(-?\d{1,9}(?:/\d{1,9})?)\s*([-+*/])\s*(-?\d{1,9}(?:/\d{1,9})?)\s*=\s*(-?\d{1,9}(?:/\d{1,9})?)")


def _step(line: str, pool: Counter[Fraction]) -> Verdict:
    match = BINARY.fullmatch(line)
    if match is None:
        return undecided("no step of the form a+b=c", line=line[:40])
    try:
        a, b, c = (Fraction(match[i]) for i in (1, 3, 4))
        value = {"+": a + b, "-": a - b, "*": a * b}[match[2]] if match[2] != "/" else a / b
    except ZeroDivisionError:
        return wrong("divides by zero", line=line)
    if value != c:
        return wrong(f"{match[1]}{match[2]}{match[3]} is {_short(value)}", line=line)
    taken = Counter([a, b])
    if taken - pool:
        return wrong(f"{' and '.join(map(str, taken - pool))} not at hand", line=line)
    pool.subtract(taken)
    pool[c] += 1
    return right("true, with numbers at hand", line=line)


def _list(numbers: Counter[int]) -> str:
    return ", ".join(map(_short, sorted(numbers.elements()))) or "no number"


def _short(value: Fraction | int) -> str:
    """A number for a message: its digits would be too many."""
    text = (
        str(value) if value.numerator.bit_length() < 100 and value.denominator.bit_length() < 100 else "a long number"
    )
    return text
