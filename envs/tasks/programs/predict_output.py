"""What does this program print?"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

from .language import Expression, Line, Machine, ProgramError, nested, output_of, program_text
from .reading import read_program

LARGEST = 2000  # of the numbers printed
STEPS = 400  # that a program takes at most
MAX_ANSWER = 2000  # characters
WEAK_STEPS = 14  # that the weak solver follows
TOKEN = re.compile(r"-?\d{1,12}|[\[\]]|True|False", re.ASCII)
FILLER = re.compile(r"[\s,`$]*")

Pick = Callable[[int], int]  # a whole number from 0 below the one given


class Level(NamedTuple):
    """statements: after the first values. loops, lists: whether they occur. depth: of loops and ifs in one another."""

    statements: int
    loops: bool
    lists: bool
    depth: int


LEVELS = (
    Level(2, False, False, 0),
    Level(3, False, False, 1),
    Level(2, True, False, 1),
    Level(3, True, False, 1),
    Level(3, True, True, 1),
    Level(3, True, True, 2),
    Level(4, True, True, 2),
    Level(5, True, True, 2),
    Level(5, True, True, 3),
    Level(7, True, True, 3),
)


@register("palaestra/PredictOutput-v0")
@dataclass(frozen=True)
class PredictOutput(Task):
    """Difficulty raises the length of the program, whether it has ifs, loops and lists, and how they are nested.

    The program is generated as a tree and run by the interpreter of ``language``. It prints all its variables at the
    end. An answer is what it prints; commas and spaces do not count.
    """

    tags: ClassVar[tuple[str, ...]] = ("programs", "simulation")
    ceiling = 0.02
    wordings: ClassVar[tuple[str, ...]] = (
        "What does this Python program print?\n{program}\nAnswer in \\boxed{{}} with the printed text.",
        "{program}\nRun the code above in your head (Python 3). Put the line that it prints in \\boxed{{}}.",
        "Answer in \\boxed{{}} with the output of the following Python code, exactly as print writes it.\nCode:\n"
        "{program}",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level = LEVELS[difficulty - 1]
        while True:
            try:
                lines = _program(_picker(rng.random(30 + 20 * level.statements).tolist()), level)
                [printed] = output_of(nested(lines), STEPS)
            except (StopIteration, ProgramError):
                continue
            if all(abs(int(number)) <= LARGEST for number in re.findall(r"\d+", printed)):
                break
        return self.ask(rng, printed, difficulty, {"program": program_text(lines)})

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        if text == problem.reference:
            return right("this is printed")
        if len(text) > MAX_ANSWER or FILLER.sub("", TOKEN.sub("", text)):
            return wrong(f"{ascii(text[:40])[1:-1]} is not numbers, truth values and lists")
        if TOKEN.findall(text) == TOKEN.findall(problem.reference):
            return right("this is printed")
        return wrong(f"{problem.reference} is printed, not {text[:60]!a}")

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """What each variable holds in the end, then the line printed."""
        machine = Machine()
        machine.run(nested(read_program(problem.meta["fields"]["program"])))
        return "\n".join([*(f"{name} = {value}" for name, value in machine.names.items()), _boxed(problem.reference)])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Follow the first steps only."""
        lines = read_program(problem.meta["fields"]["program"])
        machine = Machine(WEAK_STEPS)
        try:
            machine.run(nested(lines))
        except ProgramError:
            return _boxed(" ".join(str(machine.names.get(name, 0)) for name in lines[-1][2]))
        return _boxed(machine.printed[0])


def _picker(uniforms: list[float]) -> Pick:
    draw = iter(uniforms)
    return lambda n: int(next(draw) * n)


def _program(pick: Pick, level: Level) -> list[Line]:
    names = ["a", "b", "c"][: 2 + (level.statements > 2)]
    lines: list[Line] = [[0, "set", name, 1 + pick(12)] for name in names]
    if level.lists:
        lines.append([0, "set", "xs", ["list", *(1 + pick(9) for _ in range(3 + pick(3)))]])
    for k in range(level.statements):
        # The first statements make sure that what the level is about does occur.
        lines += _statement(pick, level, names, 0, level.depth if k < 2 else pick(level.depth + 1))
    return [*lines, [0, "print", [*names, *(["xs"] if level.lists else [])]]]


def _statement(pick: Pick, level: Level, names: list[str], indent: int, depth: int) -> list[Line]:
    """A statement in lines, with others in it to this depth."""
    if depth == 0:
        return [_change(pick, level, names, indent)]
    kind = pick(4) if level.loops else 0
    if kind == 0:
        head: list[Line] = [[indent, "if", _condition(pick, names)]]
        body = _statement(pick, level, names, indent + 1, depth - 1)
        if pick(2):
            body += [[indent, "else"], _change(pick, level, names, indent + 1)]
        return head + body
    if kind == 3:
        # Halved each time, the counter comes to an end.
        name, other = names[0], names[1]
        lines = [[indent, "while", [">", name, pick(3)]], [indent + 1, "add", name, "//", 2 + pick(2)]]
        return [*lines, [indent + 1, "add", other, "+", 1 + pick(5)]]
    loop = "ijk"[indent % 3]
    if kind == 2 and level.lists and indent == 0:
        head = [[indent, "each", "x", "xs"]]
        inner = [*names, "x"]
    else:
        head = [[indent, "for", loop, [2 + pick(3)]]]
        inner = [*names, loop]
    body = _statement(pick, level, inner, indent + 1, depth - 1)
    return head + body + [_change(pick, level, inner, indent + 1) for _ in range(pick(2))]


def _change(pick: Pick, level: Level, names: list[str], indent: int) -> Line:
    """An assignment to one of a, b, c (the names before the loops' own), or a change of the list."""
    own = [name for name in names if name in "abc"]
    name = own[pick(len(own))]
    others = [other for other in names if other != name]
    other = others[pick(len(others))]
    kind = pick(7 if level.lists else 5)
    if kind == 0:
        return [indent, "add", name, "+-"[pick(2)], other]
    if kind == 1:
        return [indent, "set", name, ["%", ["+", ["*", name, 2 + pick(4)], other], 7 + pick(13)]]
    if kind == 2:
        return [indent, "set", name, ["-", ["*", other, 2 + pick(3)], name]]
    if kind == 3:
        return [indent, "set", name, ["+", ["//", name, 2 + pick(3)], other]]
    if kind == 4:
        return [indent, "add", name, "+", ["*", other, 1 + pick(3)]]
    if kind == 5:
        place: Expression = ["%", other, ["len", "xs"]]
        return [indent, "put", "xs", place, ["%", ["+", ["[]", "xs", place], name], 10]]
    return [indent, "set", name, ["+", name, ["[]", "xs", ["%", other, ["len", "xs"]]]]]


def _condition(pick: Pick, names: list[str]) -> Expression:
    name, other = names[pick(len(names))], names[pick(len(names))]
    kind = pick(3)
    if kind == 0 or name == other:
        return ["==", ["%", name, 2 + pick(2)], pick(2)]
    if kind == 1:
        return ["<>"[pick(2)], name, other]
    return ["and" if pick(2) else "or", [">", name, 3 + pick(5)], ["<", other, 4 + pick(6)]]


def _boxed(text: str) -> str:
    return f"\\boxed{{{text}}}"
