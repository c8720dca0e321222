"""Cryptarithms: letters for digits in sums and products."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ..verdict import Verdict
from .answer import AnswerError, Rules, judge, read_assignment, read_integer
from .instance import integer

_TOKEN = re.compile(r"\s*([A-Za-z]+|[0-9]+|[-+*=])")
MAX_EQUATION = 400  # characters
MAX_BASE = 36


@dataclass(frozen=True, slots=True)
class Cryptarithm:
    """Give each letter its digit so that the equation holds: ``SEND + MORE = MONEY``, ``AB * C + 12 = D * EF - G``.

    equation: sums, differences and products of words and numbers on both sides of one ``=``; letters' case counts.
    base: of words and numbers alike.
    leading_zero: whether a word of several letters may begin with 0.
    partial: a wrong answer's score is the fraction of rules kept: different digits, no leading 0 (one rule a word),
        the equation.

    The answer assigns every letter a number from 0 to base - 1 (``answer.read_assignment``).

    Raises:
        ValueError: the equation does not parse, holds no letter, or holds more letters than there are digits.
    """

    equation: str
    base: int = 10
    leading_zero: bool = False
    partial: bool = False

    def __post_init__(self) -> None:
        integer(self.base, "base", 2, MAX_BASE)
        sides = [_terms(side) for side in _split(self.equation)]
        tokens = {token for side in sides for _, factors in side for token in factors}
        if bad := sorted(t for t in tokens if t.isdigit() and any(int(d) >= self.base for d in t)):
            raise ValueError(f"{bad[0]} is no number in base {self.base}")
        if not 1 <= len(self.letters) <= self.base:
            raise ValueError(f"{self.equation!r} has {len(self.letters)} letters for {self.base} digits")

    @property
    def letters(self) -> str:
        """The different letters, sorted."""
        return "".join(sorted(filter(str.isalpha, set(self.equation))))

    def verify(self, response: str) -> Verdict:
        return judge(response, self._read, self._rules, self.partial)

    def _read(self, text: str) -> dict[str, int]:
        digits = {letter: read_integer(value) for letter, value in read_assignment(text, self.letters).items()}
        for letter, digit in digits.items():
            if not 0 <= digit < self.base:
                raise AnswerError(f"{letter} is {digit}, not from 0 to {self.base - 1}")
        return digits

    def _rules(self, digits: dict[str, int]) -> Rules:
        letter_of: dict[int, str] = {}
        twins = [(letter_of.setdefault(digit, letter), letter) for letter, digit in sorted(digits.items())]
        same = [(a, b) for a, b in twins if a != b]
        yield f"{same[0][0]} and {same[0][1]} are both {digits[same[0][0]]}" if same else None
        left, right = (_terms(side) for side in _split(self.equation))
        words = sorted({token for _, factors in left + right for token in factors if token.isalpha() and token[1:]})
        for word in words if not self.leading_zero else ():
            yield f"{word} begins with 0" if digits[word[0]] == 0 else None
        totals = [
            sum(sign * math.prod(_value(token, digits, self.base) for token in factors) for sign, factors in side)
            for side in (left, right)
        ]
        yield None if totals[0] == totals[1] else f"the left side is {totals[0]} and the right side {totals[1]}"


def _split(equation: str) -> tuple[list[str], list[str]]:
    """The tokens on both sides of the equation."""
    if not isinstance(equation, str) or len(equation) > MAX_EQUATION:
        raise ValueError(f"the equation is a text of at most {MAX_EQUATION} characters")
    tokens, end = [], 0
    while match := _TOKEN.match(equation, end):
        tokens.append(match[1])
        end = match.end()
    if equation[end:].strip() or tokens.count("=") != 1:
        raise ValueError(f"{equation!r} is not one equation of words, numbers, + - * and =")
    middle = tokens.index("=")
    return tokens[:middle], tokens[middle + 1 :]


def _terms(tokens: list[str]) -> list[tuple[int, list[str]]]:
    """The signed products that a side is the sum of."""
    if len(tokens) % 2 == 0 or any(token.isalnum() == bool(i % 2) for i, token in enumerate(tokens)):
        raise ValueError(f"{' '.join(tokens)!r} is no sum of products of words and numbers")
    terms = [(1, [tokens[0]])]
    for sign, token in zip(tokens[1::2], tokens[2::2], strict=True):
        if sign == "*":
            terms[-1][1].append(token)
        else:
            terms.append((1 if sign == "+" else -1, [token]))
    return terms


def _value(token: str, digits: dict[str, int], base: int) -> int:
    value = 0
    for symbol in token:
        value = value * base + (digits[symbol] if symbol.isalpha() else int(symbol))
    return value
