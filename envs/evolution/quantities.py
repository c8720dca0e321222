r"""A problem about quantities as a small program, which is executed to find its answer, or that it has none.

A text of it is what people and models write::

    a = 3
    b = a * 2
    c = b min 5
    ask c

``a = ?`` hides a number that must be found, ``know c = 5`` tells a result, as backward questions do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from palaestra.envs.task import OracleMissing, Problem, Task, Unposed
from palaestra.verifiers import Verdict, last_boxed, right, wrong
from palaestra.verifiers.math.number import read_number

LARGEST = 10**9  # of any number
SEARCHED = 2000  # numbers, from 0, that a hidden one may be
MAX_LINES = 40
MAX_CHARS = 2000  # of a text
ANSWER_CHARS = 40
OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "min": min,
}
NAME = r"[a-z]{1,2}"
ATOM = rf"(?:\d{{1,9}}|{NAME})"
LINE = re.compile(rf"({NAME}) = (?:(\?)|({ATOM})(?: (\+|-|\*|min) ({ATOM}))?)", re.ASCII)
KNOWN = re.compile(rf"know ({NAME}) = (\d{{1,9}})", re.ASCII)
ASKED = re.compile(rf"ask ({NAME})", re.ASCII)


class Unreadable(Unposed):
    """A text is no puzzle."""


class Unsolvable(Unposed):
    """A puzzle has no answer, or several."""


@dataclass(frozen=True, slots=True)
class Line:
    """``name = left op right``; no op and no right for a number or a copy; left "?" for a hidden number."""

    name: str
    left: str
    op: str = ""
    right: str = ""

    def __str__(self) -> str:
        return f"{self.name} = {self.left}" + (f" {self.op} {self.right}" if self.op else "")

    @property
    def uses(self) -> list[str]:
        """The names that stand on its right."""
        return [side for side in (self.left, self.right) if side.isalpha()]


@dataclass(frozen=True)
class Puzzle:
    """Lines in order, each of names before it; what is asked; results that are told. things: names in the words."""

    lines: tuple[Line, ...]
    asked: str
    known: tuple[tuple[str, int], ...] = ()
    wording: int = 0
    things: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        told = [f"know {name} = {value}" for name, value in self.known]
        return "\n".join([*map(str, self.lines), *told, f"ask {self.asked}"])

    @property
    def hidden(self) -> list[str]:
        return [line.name for line in self.lines if line.left == "?"]

    @cached_property
    def values(self) -> dict[str, int]:
        """The value of every name, by execution.

        Raises:
            Unsolvable: why there is no one answer.
        """
        return execute(self)

    @property
    def answer(self) -> int:
        return self.values[self.asked]

    @cached_property
    def identity(self) -> str:
        """What makes two puzzles the same: names and wording do not."""
        names = {line.name: f"#{number}" for number, line in enumerate(self.lines)}
        return re.sub(rf"\b{NAME}(?![a-z])", lambda found: names.get(found[0], found[0]), str(self))


def parse(text: str) -> Puzzle:
    """The puzzle that a text writes down.

    Raises:
        Unreadable: what is wrong with it.
    """
    if len(text) > MAX_CHARS:
        raise Unreadable(f"longer than {MAX_CHARS} characters")
    lines: list[Line] = []
    known: list[tuple[str, int]] = []
    asked: list[str] = []
    for row in filter(None, (" ".join(one.split()) for one in text.splitlines())):
        if found := KNOWN.fullmatch(row):
            known.append((found[1], int(found[2])))
        elif found := ASKED.fullmatch(row):
            asked.append(found[1])
        elif found := LINE.fullmatch(row):
            name, hidden, left, op, other = found.groups(default="")
            lines.append(Line(name, hidden or left, op, other))
        else:
            raise Unreadable("a line that is neither a quantity nor known nor asked")
    if len(asked) != 1 or not lines or len(lines) > MAX_LINES:
        raise Unreadable(f"1 question and 1 to {MAX_LINES} lines are needed")
    return Puzzle(tuple(lines), asked[0], tuple(known))


def execute(puzzle: Puzzle) -> dict[str, int]:
    """The value of every name.

    With a hidden number all numbers from 0 to 1,999 are tried, and one alone may agree with what is known.

    Raises:
        Unsolvable: why there is no one answer.
    """
    names = [line.name for line in puzzle.lines]
    if len(set(names)) < len(names):
        raise Unsolvable("a name is given twice")
    if puzzle.asked not in names or any(name not in names for name, _ in puzzle.known):
        raise Unsolvable("a name that is asked or known is not defined")
    if len(puzzle.hidden) > 1:
        raise Unsolvable("more than one number is hidden")
    if not puzzle.hidden:
        values = _run(puzzle, 0)
        if any(values[name] != value for name, value in puzzle.known):
            raise Unsolvable("what is known is not so")
        return values
    agreeing: list[dict[str, int]] = []
    for candidate in range(SEARCHED):
        try:
            values = _run(puzzle, candidate)
        except Unsolvable:
            if candidate == 0 and not _in_order(puzzle):
                raise
            continue
        if all(values[name] == value for name, value in puzzle.known):
            agreeing.append(values)
            if len(agreeing) > 1:
                raise Unsolvable("several answers")
    if not agreeing:
        raise Unsolvable("no answer")
    return agreeing[0]


def _in_order(puzzle: Puzzle) -> bool:
    seen: set[str] = set()
    for line in puzzle.lines:
        if not seen.issuperset(line.uses):
            return False
        seen.add(line.name)
    return True


def _run(puzzle: Puzzle, hidden: int) -> dict[str, int]:
    values: dict[str, int] = {}
    for line in puzzle.lines:
        if not values.keys() >= set(line.uses):
            raise Unsolvable("a name is used before it is defined")
        sides = [
            hidden if side == "?" else values[side] if side.isalpha() else int(side)
            for side in (line.left, *([line.right] if line.op else []))
        ]
        value = OPERATIONS[line.op](sides[0], sides[1]) if line.op else sides[0]
        if not 0 <= value <= LARGEST:
            raise Unsolvable("a number is negative or too large")
        values[line.name] = value
    return values


class Quantities(Task):
    """The puzzles as a task: difficulty d draws one of d + 1 lines. ``pose`` puts any other puzzle as a problem."""

    id = "palaestra/Quantities"
    ceiling = 0.15
    wordings = (
        "{given}. What is {asked}? Answer in \\boxed{{}}.",
        "Find {asked}, if {given}. Write the number in \\boxed{{}}.",
        "This is what we know: {given}. Give {asked} as a number in \\boxed{{}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        while True:
            puzzle = draw(rng, difficulty + 1)
            try:
                return self.pose(puzzle, difficulty)
            except Unsolvable:
                continue

    def pose(self, text: Puzzle | str, difficulty: int | None = None) -> Problem:
        """A puzzle, or its text, as a problem of this task; as difficult as it has lines, unless it is said.

        Raises:
            Unreadable, Unsolvable: both are Unposed.
        """
        puzzle = parse(text) if isinstance(text, str) else text
        level = min(max(len(puzzle.lines) - 1, 1), 10) if difficulty is None else difficulty
        told = [_told(line, puzzle.things) for line in puzzle.lines]
        told += [f"{_thing(name, puzzle.things)} comes out as {value}" for name, value in puzzle.known]
        if puzzle.hidden:  # what ``execute`` holds the candidates to: without it another number might do as well
            told.append(f"no number here is below 0 or above {LARGEST}")
        fields = {"given": "; ".join(told), "asked": _thing(puzzle.asked, puzzle.things)}
        prompt = self.wordings[puzzle.wording % len(self.wordings)].format(**fields)
        return Problem(prompt, puzzle.answer, level, {"puzzle": str(puzzle), "things": dict(puzzle.things)})

    def notation(self, problem: Problem) -> str:
        return str(problem.meta["puzzle"])

    def identity(self, problem: Problem) -> str:
        return parse(problem.meta["puzzle"]).identity

    def verify(self, problem: Problem, response: str) -> Verdict:
        """The last box holds the number."""
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        shown = text[:ANSWER_CHARS]
        if read_number(text.rpartition("=")[2].strip()) != problem.reference:
            return wrong(f"expected {problem.reference}, got {shown!a}", answer=shown)
        return right("the value asked for", answer=shown)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Every line with its numbers; a hidden number is tried out."""
        puzzle = parse(problem.meta["puzzle"])
        try:
            values = puzzle.values
        except Unsolvable as error:
            raise OracleMissing(f"this puzzle has no answer: {error}") from error
        things = problem.meta["things"]
        worked = [f"{_thing(line.name, things)}={values[line.name]}" for line in puzzle.lines]
        return "\n".join([*worked, f"\\boxed{{{values[puzzle.asked]}}}"])


def draw(rng: np.random.Generator, lines: int) -> Puzzle:
    """A chain of so many lines, each made of the one before it; numbers may fall below 0, which no answer may."""
    names = "abcdefghijklmnopqrstuvwxyz"
    made = [Line("a", str(int(rng.integers(2, 10))))]
    for number in range(1, lines):
        op = "+-*"[int(rng.integers(3))]
        made.append(Line(names[number], names[number - 1], op, str(int(rng.integers(2, 10)))))
    return Puzzle(tuple(made), made[-1].name, wording=int(rng.integers(len(Quantities.wordings))))


SAID = {"+": "{0} plus {1}", "-": "{0} less {1}", "*": "{0} times {1}", "min": "{0}, but never more than {1}"}


def _told(line: Line, things: Mapping[str, str]) -> str:
    left, other = (_thing(side, things) for side in (line.left, line.right))
    if line.left == "?":
        return f"{_thing(line.name, things)} is a whole number from 0 to {SEARCHED - 1} that is not known"
    return f"{_thing(line.name, things)} is {SAID[line.op].format(left, other) if line.op else left}"


def _thing(side: str, things: Mapping[str, str]) -> str:
    return things.get(side, side)
