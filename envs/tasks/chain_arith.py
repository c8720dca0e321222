"""Chains of small assignments: ``a=3; b=a*2; c=b+a. What is c?``"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from math import gcd
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task, Unposed
from palaestra.verifiers import Verdict, last_boxed, right, undecided, wrong
from palaestra.verifiers.math.number import read_number

NAMES = "abcdefghijk"
LARGE = 1000  # without a modulus, a number beyond it is not multiplied again
LOW = (1 << 20) - 1  # mask of one choice's bits
LARGEST_MODULUS = 10**9
ANSWER_CHARS = 40  # of an answer, in evidence and reasons
LINE_CHARS = 200  # a longer line is no step
OVERLOOKED = 0.15  # of the assignments, by the weak solver
ATOM = r"(?:\d{1,12}|[a-k])"
EXPRESSION = re.compile(rf"{ATOM}(?:[-+*]{ATOM})*")
STEP = re.compile(rf"([a-k])=({EXPRESSION.pattern}(?:={EXPRESSION.pattern})*)")
ASSIGNMENT = re.compile(r"([a-k])=(\w+)([-+*])(\w+)")
FIRST = re.compile(r"a=(\d{1,9})", re.ASCII)
FOLLOWING = re.compile(r"([b-k])=(\d{1,3}|[a-j])([-+*])(\d{1,3}|[a-j])", re.ASCII)


class Rules(NamedTuple):
    """What a pair (modulus, operators) implies."""

    modulus: int | None
    operators: str
    additive: str
    factors: tuple[int, ...]  # constants to multiply by; units of the ring, so that a product loses no information
    wordings: tuple[tuple[str, str, str], ...]  # what stands before, between and behind the given and the asked


@cache
def _rules(modulus: int | None, operators: str) -> Rules:
    factors = tuple(c for c in range(2, 10) if modulus is None or gcd(c, modulus) == 1)
    if not factors:
        operators = operators.replace("*", "")
    if not operators:
        raise ValueError(f"modulo {modulus} no constant from 2 to 9 can be multiplied by: add '+' or '-' to operators")
    ring = {"preface": f"Modulo {modulus}: " if modulus else "", "modulo": f" modulo {modulus}" if modulus else ""}
    wordings = []
    for wording in ChainArith.wordings:
        before, between, behind = wording.format(**ring, given="\0", asked="\0").split("\0")
        wordings.append((before, between, behind))
    return Rules(modulus, operators, operators.replace("*", ""), factors, tuple(wordings))


@register("palaestra/ChainArith-v0")
@dataclass(frozen=True)
class ChainArith(Task):
    """Difficulty d asks for the last of d computed variables, each made from the one before it.

    modulus: compute modulo this number (2 or more); the answers are then uniform over the residues.
    operators: which of + - * occur. wording: which of ``wordings``, from 0; None draws one for each problem.

    The last value is an affine function of the first with an invertible slope, so the backward question (``invert``)
    has one answer. Products are by constants only.
    """

    modulus: int | None = None
    operators: str = "+-*"
    wording: int | None = None
    tags: ClassVar[tuple[str, ...]] = ("numbers", "arithmetic")
    wordings: ClassVar[tuple[str, ...]] = (
        "{preface}{given}. What is {asked}? Answer in \\boxed{{}}.",
        "Compute{modulo} with these numbers:\n{given}\nWrite the value of {asked} in \\boxed{{}}.",
        "It is known{modulo} that {given}. Put the number {asked} in \\boxed{{}}.",
    )
    _rules: ClassVar[Rules]  # set on the instance; no knob

    def __post_init__(self) -> None:
        if self.modulus is not None and not 2 <= self.modulus <= LARGEST_MODULUS:
            raise ValueError(f"modulus is None or from 2 to {LARGEST_MODULUS}, not {self.modulus}")
        if not self.operators or set(self.operators) - set("+-*"):
            raise ValueError(f"operators are some of '+-*', not {self.operators!r}")
        if self.wording is not None and self.wording not in range(len(self.wordings)):
            raise ValueError(f"wording is None or from 0 to {len(self.wordings) - 1}, not {self.wording!r}")
        object.__setattr__(self, "_rules", _rules(self.modulus, self.operators))

    @property
    def ceiling(self) -> float:
        """A constant is right once in ``modulus`` (best over 10,000 problems: 0.108 for 10; 0.08 without)."""
        return min(1.0, 1.5 / self.modulus) if self.modulus else 0.1

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        rules = self._rules
        draw = rng.bit_generator.random_raw
        chain = None
        while chain is None:
            chain = _draw(rules, draw, difficulty)
        given, values, rest = chain
        asked = NAMES[difficulty]
        wording = rest % len(rules.wordings) if self.wording is None else self.wording
        before, between, behind = rules.wordings[wording]  # a third of the time of str.format
        meta = {"values": values, "fields": {"given": given, "asked": asked}, "wording": wording}
        return Problem(f"{before}{given}{between}{asked}{behind}", values[asked], difficulty, meta)

    def reword(self, problem: Problem, wording: int) -> Problem:
        """The same problem in another wording."""
        meta = {**problem.meta, "wording": wording}
        return Problem(self._put(problem, wording), problem.reference, problem.difficulty, meta)

    def pose(self, text: str) -> Problem:
        """Of ``a=3; b=a*2; c=b+a``: each value is made from the one before it, and the last one is asked for.

        What ``sample`` would not make is refused: other operators, products of variables or by what has no inverse, a
        last value that does not determine the first, without a modulus a negative one.
        """
        first, *following = text.strip().split("; ")
        start = FIRST.fullmatch(first)
        if start is None or not following or len(following) >= len(NAMES):
            raise Unposed("it is no chain: a=3; b=a*2; c=b+a")
        value = int(start[1])
        if self.modulus is not None and value >= self.modulus:
            raise Unposed(f"a is below {self.modulus}")
        values, slopes = {"a": value}, {"a": 1}
        for before, name, line in zip(NAMES, NAMES[1:], following, strict=False):
            self._follow(values, slopes, before, name, line)
        if not slopes[name] or (self.modulus is not None and gcd(slopes[name], self.modulus) != 1):
            raise Unposed(f"{name} does not determine a")
        meta = {"values": values, "fields": {"given": "; ".join([first, *following]), "asked": name}, "wording": 0}
        return self.reword(Problem("", values[name], len(following), meta), self.wording or 0)

    def notation(self, problem: Problem) -> str:
        text: str = problem.meta["fields"]["given"]
        return text

    def _follow(self, values: dict[str, int], slopes: dict[str, int], before: str, name: str, line: str) -> None:
        """Put the value of ``name`` and its slope in the first one beside the others. Raises Unposed."""
        match = FOLLOWING.fullmatch(line)
        if match is None or match[1] != name or before not in (match[2], match[4]):
            raise Unposed(f"{name} is not made from {before}")
        _, left, op, other = match.groups()
        if op not in self._rules.operators or not all(side.isdigit() or side in values for side in (left, other)):
            raise Unposed(f"{name} has an operator or a name that is not there")
        x, y = (values[side] if side in values else int(side) for side in (left, other))
        p, q = slopes.get(left, 0), slopes.get(other, 0)
        if op == "*" and not any(side.isdigit() and int(side) in self._rules.factors for side in (left, other)):
            raise Unposed(f"{name} is no product by a constant that can be undone")
        value, slope = {"+": (x + y, p + q), "-": (x - y, p - q), "*": (x * y, p * y + q * x)}[op]
        if self.modulus is None and value < 0:
            raise Unposed(f"{name} is negative")
        values[name] = value if self.modulus is None else value % self.modulus
        slopes[name] = slope if self.modulus is None else slope % self.modulus

    def identity(self, problem: Problem) -> str:
        """As the first wording puts it."""
        return self._put(problem, 0) if problem.meta["wording"] else problem.prompt

    def _put(self, problem: Problem, wording: int) -> str:
        fields = problem.meta["fields"]
        before, between, behind = self._rules.wordings[wording]
        return f"{before}{fields['given']}{between}{fields['asked']}{behind}"

    def verify(self, problem: Problem, response: str) -> Verdict:
        """The last box holds the number, or ``c=`` and the number; modulo m the residue from 0 to m-1."""
        expected = str(problem.reference)
        if response.endswith(f"\\boxed{{{expected}}}"):  # the usual right answer, at a third of the cost
            return right("the value asked for", answer=expected)
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        shown = text[:ANSWER_CHARS]
        name, equals, number = text.rpartition("=")
        if equals and name.strip() != _asked(problem):
            return wrong(f"gives {name[:20]!a}, asked is {_asked(problem)}", answer=shown)
        if read_number(number.strip()) != problem.reference:
            return wrong(f"expected {expected}, got {shown!a}", answer=shown)
        return right("the value asked for", answer=shown)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        lines = self._backward(problem) if _asked(problem) == "a" else _forward(problem)
        return "\n".join([*lines, f"\\boxed{{{problem.reference}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Overlooks some assignments: the variable then has the value of the one before it."""
        if _asked(problem) == "a":
            return super().weak_solve(problem, rng)
        last = problem.meta["values"]["a"]
        values = {"a": last}
        for name, left, op, right_ in _program(problem):
            if rng.random() >= OVERLOOKED:
                x, y = (values[side] if side in values else int(side) for side in (left, right_))
                last = {"+": x + y, "-": x - y, "*": x * y}[op]
            values[name] = last
        return f"\\boxed{{{last if self.modulus is None else last % self.modulus}}}"

    def steps(self, problem: Problem, response: str) -> list[Verdict]:
        """One verdict a non-empty line; a line that states no value (prose, a delimiter) is UNDECIDED."""
        return [self._step(problem, line) for line in response.splitlines() if line.strip()]

    def invert(self, problem: Problem) -> Problem | None:
        """The same chain with the first number hidden and the last value given."""
        asked = _asked(problem)
        if asked == "a":
            return None
        given = [f"{x}={left}{op}{right_}" for x, left, op, right_ in _program(problem)]
        meta = {**problem.meta, "fields": {"given": f"{'; '.join(given)}; {asked}={problem.reference}", "asked": "a"}}
        backward = Problem("", problem.meta["values"]["a"], problem.difficulty, meta)
        return self.reword(backward, problem.meta["wording"])

    def _step(self, problem: Problem, line: str) -> Verdict:
        text = line.replace(" ", "")[: LINE_CHARS + 1]
        if text.startswith("\\boxed"):
            return self.verify(problem, text)
        step = STEP.fullmatch(text)
        if step is None or len(text) > LINE_CHARS:
            return undecided("states no value", line=line[:40])
        values, name, sides = problem.meta["values"], step[1], step[2].split("=")
        in_asked = _asked(problem) == "a" and name != "a" and set(re.findall("[a-k]", sides[-1])) == {"a"}
        if not (sides[-1].isdigit() or in_asked):
            return undecided("states no value", line=line[:40])
        for side in sides:
            found = _evaluate(side, values)
            expected = values.get(name)
            if found is None or expected is None or not self._equal(found, expected):
                return wrong(f"{name} is not {side[:40]}", line=line[:40])
        return right(f"{name} has this value", line=line[:40])

    def _equal(self, found: int, expected: int) -> bool:
        return found == expected if self.modulus is None else (found - expected) % self.modulus == 0

    def _backward(self, problem: Problem) -> list[str]:
        """Each variable as slope*a+offset, until the last one gives a."""
        affine: dict[str, tuple[int, int]] = {"a": (1, 0)}
        lines = []
        for name, left, op, right_ in _program(problem):
            (p, q), (r, s) = (affine.get(x) or (0, int(x)) for x in (left, right_))
            slope, offset = {"+": (p + r, q + s), "-": (p - r, q - s), "*": (p * s + r * q, q * s)}[op]
            if self.modulus is not None:
                slope, offset = slope % self.modulus, offset % self.modulus
            affine[name] = slope, offset
            lines.append(f"{name}={_affine_text(slope, offset)}")
        lines[-1] += f"={problem.meta['values'][name]}"
        return [*lines, f"a={problem.reference}"]


def _draw(rules: Rules, draw: Callable[[], int], steps: int) -> tuple[str, dict[str, int], int] | None:
    """Assignments and values of a chain, and 20 random bits; None if its last value does not determine its first.

    ``draw`` gives 64 random bits, of which each choice among n (far below 2**20) takes 20: three times cheaper than
    a generator's methods, with a bias below n / 2**20.
    """
    modulus, operators, additive, factors, _ = rules
    small = 6 + 3 * steps if modulus is None else min(9, modulus - 1)
    value = draw() % modulus if modulus else 1 + draw() % small
    slope, left = 1, "a"
    values, slopes, given = {"a": value}, [1], f"a={value}"
    for i in range(1, steps + 1):
        bits = draw()
        op = operators[(bits & LOW) * len(operators) >> 20]
        pick, shape = bits >> 20 & LOW, bits >> 40
        if op == "*" and modulus is None and value > LARGE and additive:
            op = additive[pick % len(additive)]
        swap = shape & 1
        operand: int | str
        if op == "*":
            operand = factors[pick * len(factors) >> 20]
            value, slope = value * operand, slope * operand
        else:
            if i > 1 and shape & 2:
                j = pick * (i - 1) >> 20
                operand = NAMES[j]
                other, other_slope = values[operand], slopes[j]
            else:
                operand = other = 1 + (pick * small >> 20)
                other_slope = 0
            if op == "+":
                value, slope = value + other, slope + other_slope
            else:
                if modulus is None:
                    swap = value < other  # numbers stay natural
                value, slope = (other - value, other_slope - slope) if swap else (value - other, slope - other_slope)
        name = NAMES[i]
        if modulus:
            value, slope = value % modulus, slope % modulus
            if i == steps and gcd(slope, modulus) != 1:
                mended = _mend(additive, modulus, slopes, 1 + (pick * small >> 20))
                if mended is None:
                    return None
                op, operand = mended
                other = values[operand] if isinstance(operand, str) else operand
                value = (values[left] + (other if op == "+" else -other)) % modulus
                swap = 0
        values[name] = value
        slopes.append(slope)
        given = f"{given}; {name}={operand}{op}{left}" if swap else f"{given}; {name}={left}{op}{operand}"
        left = name
    return (given, values, bits >> 44) if slope else None


def _mend(additive: str, modulus: int, slopes: list[int], constant: int) -> tuple[str, int | str] | None:
    """Operator and operand such that the last step's slope is invertible modulo m; None if there are none."""
    for op in additive:
        sign = 1 if op == "+" else -1
        for j in range(len(slopes) - 2, -1, -1):
            if gcd(slopes[-1] + sign * slopes[j], modulus) == 1:
                return op, NAMES[j]
        if gcd(slopes[-1], modulus) == 1:
            return op, constant
    return None


def _asked(problem: Problem) -> str:
    asked: str = problem.meta["fields"]["asked"]
    return asked


def _program(problem: Problem) -> list[tuple[str, str, str, str]]:
    """The computed assignments: (variable, left operand, operator, right operand)."""
    return ASSIGNMENT.findall(problem.meta["fields"]["given"])


def _forward(problem: Problem) -> list[str]:
    values = problem.meta["values"]
    return [
        f"{x}={values.get(left, left)}{op}{values.get(right_, right_)}={values[x]}"
        for x, left, op, right_ in _program(problem)
    ]


def _affine_text(slope: int, offset: int) -> str:
    term = "a" if abs(slope) == 1 else f"{abs(slope)}*a"
    if slope < 0:
        return f"{offset}-{term}"  # values are natural, so the offset is positive
    return term if offset == 0 else f"{term}{offset:+d}"


def _evaluate(expression: str, values: Mapping[str, int]) -> int | None:
    """The value of sums and differences of products; None when a name is unknown."""
    total = 0
    for sign, product in re.findall(r"([-+]?)([^-+]+)", expression):
        term = -1 if sign == "-" else 1
        for atom in product.split("*"):
            factor = int(atom) if atom.isdigit() else values.get(atom)
            if factor is None:
                return None
            term *= factor
        total += term
    return total
