"""Operators that make one puzzle into another: harder, longer, more cluttered, in other words, or turned round.

The ways of WizardLM (Xu et al., arXiv:2304.12244), distractors (Shi et al., arXiv:2302.00093) and backward questions
(arXiv:2309.12284), on ``Puzzle``. None promises a puzzle with an answer: ``Pool`` executes what comes out. Each is a
pure function of the puzzle and the generator; None where it does not apply.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .quantities import MAX_LINES, Line, Puzzle, Quantities, Unsolvable

Operator = Callable[[Puzzle, np.random.Generator], Puzzle | None]
THINGS = tuple(
    f"the number of {thing}"
    for thing in (
        *("apples", "pears", "crates", "wagons", "bricks", "lamps", "ropes", "jars"),
        *("coins", "boats", "chairs", "books", "tiles", "geese", "kites", "drums"),
    )
)
DISTRACTING = (1, 4)  # lines that have nothing to do with the question: from, below


def add_constraint(puzzle: Puzzle, rng: np.random.Generator) -> Puzzle | None:
    """What is asked may not be more than a number that is below it, so that the constraint is felt."""
    value, name = _value(puzzle), _new(puzzle)
    if puzzle.hidden or value is None or value < 2 or name is None:
        return None
    limit = int(rng.integers(1, min(value, 1000)))
    return replace(puzzle, lines=(*puzzle.lines, Line(name, puzzle.asked, "min", str(limit))), asked=name)


def deepen(puzzle: Puzzle, rng: np.random.Generator) -> Puzzle | None:
    """A number that was given becomes a quantity that must be worked out first; the answer is the same."""
    given = [number for number, line in enumerate(puzzle.lines) if line.left.isdigit() or line.right.isdigit()]
    name = _new(puzzle)
    if not given or name is None:
        return None
    at = given[int(rng.integers(len(given)))]
    line = puzzle.lines[at]
    side = "right" if line.right.isdigit() else "left"
    number = int(getattr(line, side))
    part = int(rng.integers(number + 1))
    made = (Line(name, str(part), "+", str(number - part)), replace(line, **{side: name}))
    return replace(puzzle, lines=(*puzzle.lines[:at], *made, *puzzle.lines[at + 1 :]))


def more_steps(puzzle: Puzzle, rng: np.random.Generator) -> Puzzle | None:
    """One step more, behind what was asked."""
    name = _new(puzzle)
    if puzzle.hidden or name is None:
        return None
    op, number = "+-*"[int(rng.integers(3))], str(int(rng.integers(2, 10)))
    return replace(puzzle, lines=(*puzzle.lines, Line(name, puzzle.asked, op, number)), asked=name)


def irrelevant_facts(puzzle: Puzzle, rng: np.random.Generator) -> Puzzle | None:
    """One to three quantities that nothing depends on, among the others; the answer is the same."""
    for _ in range(int(rng.integers(*DISTRACTING))):
        name, at = _new(puzzle), int(rng.integers(1, len(puzzle.lines) + 1))
        if name is None:
            return None
        seen = puzzle.lines[int(rng.integers(at))].name
        fact = Line(name, seen, "+", str(int(rng.integers(2, 100))))
        puzzle = replace(puzzle, lines=(*puzzle.lines[:at], fact, *puzzle.lines[at:]))
    return puzzle


def rephrase(puzzle: Puzzle, rng: np.random.Generator) -> Puzzle | None:
    """The same in another wording."""
    count = len(Quantities.wordings)
    return replace(puzzle, wording=(puzzle.wording + 1 + int(rng.integers(count - 1))) % count)


def concretise(puzzle: Puzzle, rng: np.random.Generator) -> Puzzle | None:
    """Of things in place of letters."""
    names = [line.name for line in puzzle.lines]
    if puzzle.things or len(names) > len(THINGS):
        return None
    order = rng.permutation(len(THINGS)).tolist()
    return replace(puzzle, things={name: THINGS[number] for name, number in zip(names, order, strict=False)})


def reverse(puzzle: Puzzle, rng: np.random.Generator) -> Puzzle | None:
    """The answer is told, and a number that was given is asked for; there may be none that is the only one."""
    value = _value(puzzle)
    given = [number for number, line in enumerate(puzzle.lines) if line.left.isdigit() and not line.op]
    if puzzle.hidden or value is None or not given:
        return None
    at = given[int(rng.integers(len(given)))]
    name = puzzle.lines[at].name
    lines = (*puzzle.lines[:at], Line(name, "?"), *puzzle.lines[at + 1 :])
    return replace(puzzle, lines=lines, asked=name, known=(*puzzle.known, (puzzle.asked, value)))


OPERATORS: dict[str, Operator] = {
    "add constraint": add_constraint,
    "deepen": deepen,
    "more steps": more_steps,
    "irrelevant facts": irrelevant_facts,
    "rephrase": rephrase,
    "concretise": concretise,
    "reverse": reverse,
}


def _new(puzzle: Puzzle) -> str | None:
    """A name that is free; None when the puzzle is as long as it may be. Things have no name to spare."""
    if len(puzzle.lines) >= MAX_LINES or puzzle.things:
        return None
    taken = {line.name for line in puzzle.lines}
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = (*letters, *(f"{x}{y}" for x in letters for y in letters))
    return next((name for name in names if name not in taken), None)


def _value(puzzle: Puzzle) -> int | None:
    try:
        return puzzle.answer
    except Unsolvable:
        return None
