"""Numerals: from one base to another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

from ..draws import below

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
LETTERS = " Beyond 9 the digits are letters: a is 10, b is 11, and so on."
ANSWER_CHARS = 100  # a longer answer is none
PREFIXES = {2: "0b", 8: "0o", 16: "0x"}
MARKUP = re.compile(r"\\(?:text|texttt|mathrm|mathtt)\b|\\[,;! ]|[{}$\s]")
NUMERAL = re.compile(r"\(?([0-9a-z]+)\)?(?:_\(?(\d{1,2})\)?|\(?base(\d{1,2})\)?)?", re.ASCII)


@register("palaestra/BaseConversion-v0")
@dataclass(frozen=True)
class BaseConversion(Task):
    """Rewrite a numeral of base a in base b; difficulty raises the number (10 to 37 bits) and widens the bases.

    Difficulty 1 to 2: between ten and a base up to 9; 3 to 4: up to 16; 5 to 6: any two bases up to 16; from 7 on up to
    36. The answer is right when it is the numeral, in letters of either case. The backward question converts back.
    """

    tags: ClassVar[tuple[str, ...]] = ("numbers", "numerals")
    wordings: ClassVar[tuple[str, ...]] = (
        "Convert {numeral} from base {source} to base {target}.{letters} Answer in \\boxed{{}}.",
        "A number is written {numeral} in base {source}. How is it written in base {target}?{letters} "
        "Put the digits in \\boxed{{}}.",
        "Base {target} instead of base {source}: rewrite the numeral below, and answer in \\boxed{{}} with digits "
        "only.{letters}\n\n{numeral}",
    )
    ceiling = 0.01

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        least = 1 << 4 + 3 * difficulty
        if difficulty <= 4:
            more, other, swap = below(rng, 7 * least, 8 if difficulty <= 2 else 14, 2)
            other += 2 if other < 8 else 3  # not ten
            source, target = (other, 10) if swap else (10, other)
        else:
            largest = 16 if difficulty <= 6 else 36
            more, source, target = below(rng, 7 * least, largest - 1, largest - 2)
            source, target = 2 + source, 2 + target + (target >= source)
        number = least + more
        fields = _fields(to_base(number, source), source, target)
        reference = {"numeral": to_base(number, target), "base": target}
        return self.ask(rng, reference, difficulty, fields, {"number": number})

    def verify(self, problem: Problem, response: str) -> Verdict:
        expected, base = problem.reference["numeral"], problem.reference["base"]
        if response.endswith(f"\\boxed{{{expected}}}"):  # the usual right answer, at half the cost
            return right(f"the numeral in base {base}", answer=expected)
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        shown = text[:ANSWER_CHARS]
        numeral = NUMERAL.fullmatch(MARKUP.sub("", shown).lower()) if text.isascii() else None
        if numeral is None or len(text) > ANSWER_CHARS:
            return wrong(f"{shown[:40]!a} is no numeral", answer=shown[:40])
        digits, low, named = numeral.groups()
        if (low or named) and int(low or named) != base:
            return wrong(f"a numeral of base {low or named} instead of {base}", answer=shown)
        digits = digits.removeprefix(PREFIXES.get(base, " "))
        stray = next((digit for digit in digits if DIGITS.index(digit) >= base), None)
        if stray:
            return wrong(f"{stray} is no digit of base {base}", answer=shown)
        if digits.lstrip("0") != expected:
            return wrong(f"expected {expected}, got {digits}", answer=shown)
        return right(f"the numeral in base {base}", answer=shown)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """From the source to ten by Horner's rule, from ten to the target by division."""
        fields, target = problem.meta["fields"], problem.reference["base"]
        source, lines, value = int(fields["source"]), [], 0
        if source != 10:
            for digit in fields["numeral"]:
                lines.append(f"{value} * {source} + {DIGITS.index(digit)} = {value * source + DIGITS.index(digit)}")
                value = value * source + DIGITS.index(digit)
        value = problem.meta["number"]
        while target != 10 and value:
            lines.append(f"{value} = {value // target} * {target} + {value % target}, digit {DIGITS[value % target]}")
            value //= target
        return "\n".join([*lines, f"\\boxed{{{problem.reference['numeral']}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Knows the digits 0 to 9 only: writes the digit eleven as 11."""
        value, base, digits = problem.meta["number"], problem.reference["base"], ""
        while value:
            digits = str(value % base) + digits
            value //= base
        return f"\\boxed{{{digits}}}"

    def invert(self, problem: Problem) -> Problem | None:
        """The numeral found, back to the base it came from."""
        fields = problem.meta["fields"]
        source, target = int(fields["source"]), problem.reference["base"]
        back = _fields(problem.reference["numeral"], target, source)
        wording = problem.meta["wording"]
        meta = {**problem.meta, "fields": back}
        reference = {"numeral": fields["numeral"], "base": source}
        return Problem(self.wordings[wording].format(**back), reference, problem.difficulty, meta)


def to_base(number: int, base: int) -> str:
    """The numeral of a positive number, with lower-case letters for digits from ten on."""
    if base == 10:
        return str(number)
    pairs, digits = _pairs(base), ""
    while number:
        number, pair = divmod(number, len(pairs))
        digits = pairs[pair] + digits
    return digits.removeprefix("0")


@cache
def _pairs(base: int) -> list[str]:
    """All two digits of a base: by them a numeral takes half as many divisions."""
    return [a + b for a in DIGITS[:base] for b in DIGITS[:base]]


def _fields(numeral: str, source: int, target: int) -> dict[str, str]:
    letters = LETTERS if max(source, target) > 10 else ""
    return {"numeral": numeral, "source": str(source), "target": str(target), "letters": letters}
