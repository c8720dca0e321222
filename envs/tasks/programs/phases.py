"""Steps of work on a list of whole numbers: what each does in words, as lines of the small language, and in Python.

A function made of some of them is told in words, written as a program, and computed quickly; the families that ask to
write such a function or to mend it share them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate, pairwise
from typing import NamedTuple

from .language import Block, Line, nested, program_text
from .reading import read_program

PROBE = tuple(range(-4, 13))  # holds every constant that occurs, and its neighbours
LARGEST = 20  # of the other inputs, which go down to minus half of it
NAMES = ("xs", "first", "second", "third", "fourth", "fifth", "sixth")  # of the lists before and after the phases


class Phase(NamedTuple):
    """words: with {k}. source: with {a}, the list that it takes, {b}, that it makes, and {k}. largest: of k, from 2."""

    words: str
    source: str
    make: Callable[[list[int], int], list[int]]
    largest: int = 9


class Ending(NamedTuple):
    words: str
    source: str
    make: Callable[[list[int]], int]


def _each(item: str, condition: str = "") -> str:
    if condition:
        return f"{{b}} = []\nfor x in {{a}}:\n    if {condition}:\n        {{b}}.append({item})"
    return f"{{b}} = []\nfor x in {{a}}:\n    {{b}}.append({item})"


def _indices(bounds: str, item: str) -> str:
    return f"{{b}} = []\nfor i in range({bounds}):\n    {{b}}.append({item})"


def _records(items: list[int], k: int) -> list[int]:
    highest = list(accumulate(items, max))
    return [x for i, x in enumerate(items) if not i or x > highest[i - 1]]


PHASES = (
    Phase("keep the numbers that {k} divides", _each("x", "x % {k} == 0"), lambda a, k: [x for x in a if not x % k], 5),
    Phase("keep the numbers greater than {k}", _each("x", "x > {k}"), lambda a, k: [x for x in a if x > k]),
    Phase("keep the numbers less than {k}", _each("x", "x < {k}"), lambda a, k: [x for x in a if x < k]),
    Phase("leave out every number equal to {k}", _each("x", "x != {k}"), lambda a, k: [x for x in a if x != k]),
    Phase("add {k} to every number", _each("x + {k}"), lambda a, k: [x + k for x in a]),
    Phase("multiply every number by {k}", _each("x * {k}"), lambda a, k: [x * k for x in a]),
    Phase("replace every number by its remainder modulo {k}", _each("x % {k}"), lambda a, k: [x % k for x in a]),
    Phase("replace every number x by x times x minus {k}", _each("x * x - {k}"), lambda a, k: [x * x - k for x in a]),
    Phase("replace every number by {k} minus it", _each("{k} - x"), lambda a, k: [k - x for x in a]),
    Phase(
        "replace every number by the sum of all numbers up to and including it",
        "total = 0\n{b} = []\nfor x in {a}:\n    total += x\n    {b}.append(total)",
        lambda a, k: list(accumulate(a)),
    ),
    Phase(
        "keep the first number and every number greater than all before it",
        "{b} = []\nfor x in {a}:\n    if len({b}) == 0 or x > max({b}):\n        {b}.append(x)",
        _records,
    ),
    Phase(
        "make the list of differences, each number minus the one before it",
        _indices("1, len({a})", "{a}[i] - {a}[i - 1]"),
        lambda a, k: [y - x for x, y in pairwise(a)],
    ),
    Phase(
        "make the list of sums of neighbours, each number plus the one before it",
        _indices("1, len({a})", "{a}[i] + {a}[i - 1]"),
        lambda a, k: [y + x for x, y in pairwise(a)],
    ),
    Phase("reverse the order", _indices("0, len({a})", "{a}[len({a}) - 1 - i]"), lambda a, k: a[::-1]),
    Phase("drop the first {k} numbers", _indices("{k}, len({a})", "{a}[i]"), lambda a, k: a[k:], 3),
    Phase(
        "keep the first number and then only each {k}th one after it (positions 0, {k}, 2 times {k}, ...)",
        _indices("0, len({a}), {k}", "{a}[i]"),
        lambda a, k: a[::k],
        4,
    ),
    Phase(
        "add to every number its position, counted from 0", _indices("0, len({a})", "{a}[i] + i"),
        lambda a, k: [x + i for i, x in enumerate(a)],
    ),
    Phase(
        "replace every number less than {k} by {k}",
        "{b} = []\nfor x in {a}:\n    if x < {k}:\n        {b}.append({k})\n    else:\n        {b}.append(x)",
        lambda a, k: [max(x, k) for x in a],
    ),
)  # fmt: skip
ENDINGS = (
    Ending("the sum of the list", "result = 0\nfor x in {a}:\n    result += x\nreturn result", sum),
    Ending(
        "how many numbers of the list are even",
        "result = 0\nfor x in {a}:\n    if x % 2 == 0:\n        result += 1\nreturn result",
        lambda a: sum(1 for x in a if x % 2 == 0),
    ),
    Ending(
        "how many numbers of the list are greater than 5",
        "result = 0\nfor x in {a}:\n    if x > 5:\n        result += 1\nreturn result",
        lambda a: sum(1 for x in a if x > 5),
    ),
    Ending(
        "the largest number of the list, or 0 if the list is empty",
        "result = 0\nfor i in range(0, len({a})):\n    if i == 0 or {a}[i] > result:\n        result = {a}[i]\n"
        "return result",
        lambda a: max(a, default=0),
    ),
    Ending(
        "the smallest number of the list, or 0 if the list is empty",
        "result = 0\nfor i in range(0, len({a})):\n    if i == 0 or {a}[i] < result:\n        result = {a}[i]\n"
        "return result",
        lambda a: min(a, default=0),
    ),
    Ending(
        "the alternating sum of the list: the first number minus the second plus the third and so on",
        "result = 0\nsign = 1\nfor x in {a}:\n    result += sign * x\n    sign = -sign\nreturn result",
        lambda a: sum(a[::2]) - sum(a[1::2]),
    ),
    Ending(
        "the sum of each number times its position, counted from 0",
        "result = 0\nfor i in range(0, len({a})):\n    result += {a}[i] * i\nreturn result",
        lambda a: sum(i * x for i, x in enumerate(a)),
    ),
)


class Work(NamedTuple):
    """A function of a list: its phases by (number, k), and its ending by number."""

    phases: list[tuple[int, int]]
    ending: int

    def words(self) -> list[str]:
        """What it does, one sentence a phase."""
        steps = [PHASES[n].words.format(k=k) for n, k in self.phases]
        return [*(f"{step[0].upper()}{step[1:]}." for step in steps), f"Return {ENDINGS[self.ending].words}."]

    def lines(self) -> list[Line]:
        """Its program, a function f(xs)."""
        lines: list[Line] = [[0, "def", "f", ["xs"]]]
        for place, (n, k) in enumerate(self.phases):
            lines += _written(n, k, place)
        return lines + _ended(self.ending, len(self.phases))

    def texts(self) -> list[str]:
        """The text of each line of ``lines``, with its indent."""
        texts = ["def f(xs):"]
        for place, (n, k) in enumerate(self.phases):
            texts += _written_texts(n, k, place)
        return texts + _ended_texts(self.ending, len(self.phases))

    def of(self, items: Sequence[int]) -> int:
        """What it returns, by Python's own lists."""
        now = list(items)
        for n, k in self.phases:
            now = PHASES[n].make(now, k)
        return ENDINGS[self.ending].make(now)

    def block(self) -> Block:
        return nested(self.lines())


def draw_work(uniforms: Sequence[float], count: int) -> Work:
    """A function of ``count`` phases, from twice as many uniforms and one; no two phases of a kind."""
    pool = list(range(len(PHASES)))
    phases = []
    for u, v in zip(uniforms[:count], uniforms[count : 2 * count], strict=True):
        n = pool.pop(int(u * len(pool)))
        phases.append((n, 2 + int(v * (PHASES[n].largest - 1))))
    return Work(phases, int(uniforms[2 * count] * len(ENDINGS)))


def draw_inputs(uniforms: Sequence[float], length: int) -> list[list[int]]:
    """Lists of random numbers of this length, and the probe in a random order."""
    probe = [x for _, x in sorted(zip(uniforms, PROBE, strict=False))]
    numbers = [int(u * 1.5 * LARGEST) - LARGEST // 2 for u in uniforms[len(PROBE) :]]
    return [*(numbers[k : k + length] for k in range(0, len(numbers) - length + 1, length)), probe]


@cache
def _written(phase: int, k: int, place: int) -> list[Line]:
    source = PHASES[phase].source.format(a=NAMES[place], b=NAMES[place + 1], k=k)
    return [[line[0] + 1, *line[1:]] for line in read_program(source)]


@cache
def _ended(ending: int, place: int) -> list[Line]:
    return [[line[0] + 1, *line[1:]] for line in read_program(ENDINGS[ending].source.format(a=NAMES[place]))]


@cache
def _written_texts(phase: int, k: int, place: int) -> list[str]:
    return program_text(_written(phase, k, place)).split("\n")


@cache
def _ended_texts(ending: int, place: int) -> list[str]:
    return program_text(_ended(ending, place)).split("\n")
