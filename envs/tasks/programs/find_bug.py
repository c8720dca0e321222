"""Find the line of a program that is wrong, and mend it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

from .language import Line, ProgramError, call, line_text, nested, program_text
from .phases import NAMES, PROBE, draw_inputs, draw_work
from .reading import NotInLanguage, read_line

PHASES = (1, 1, 2, 2, 3, 3, 4, 4, 5, 6)  # by difficulty
RANDOM_INPUTS, LENGTH = 4, 5  # lists by which an answer is judged, beside the probe, and their numbers
STEPS = 3000  # that a mended program may take for an input
MAX_ANSWER = 300  # characters
ANSWER = re.compile(r"(?:line\s*)?(\d{1,3})\s*[:.)]?\s(.*)", re.IGNORECASE)
OPENING = ("def", "for", "each", "while", "if", "elif", "else")
CONFUSED = {
    **{"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="},
    **{"+": "-", "-": "+", "*": "+", "%": "//", "//": "%", "or": "and", "and": "or", "max": "min", "min": "max"},
}
WEAK_LINES = 12  # that the weak solver looks at


@register("palaestra/FindBug-v0")
@dataclass(frozen=True)
class FindBug(Task):
    """Difficulty raises how many steps the program takes (1 to 6), so how many lines it has (7 to 30 or so).

    One operator, number or name of a right program was changed, such that some result is wrong. An answer is a line's
    number and the line that is to stand there; it is right when the program then returns what is expected on every
    test, wherever it was mended. It is read and run by the interpreter of ``language``, never by Python's.
    """

    tags: ClassVar[tuple[str, ...]] = ("programs", "code")
    ceiling = 0.06  # by a line that stands in many short programs
    wordings: ClassVar[tuple[str, ...]] = (
        "This Python function is meant to take a list of whole numbers xs and do the following, each step with the "
        "list that the step before it made:\n{steps}\nBut one line is wrong:\n{program}\nWhich line, and what should "
        "it be? Answer in \\boxed{{}} with the line's number, a colon and the mended line.",
        "{program}\nThe numbers on the left are line numbers. The program has one bug: a single line has to be "
        "replaced so that f does what was intended, step by step on the list xs:\n{steps}\nGive number and "
        "replacement in \\boxed{{}}, for example \\boxed{{3: total = 0}}.",
        "Answer in \\boxed{{}} in the form number: line. It names the only faulty line of the function below and gives "
        "the line as it ought to be.\nIntended behaviour for a list of integers xs:\n{steps}\nCode:\n{program}",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        count = PHASES[difficulty - 1]
        made = None
        while made is None:
            uniforms = rng.random(2 * count + 3 + len(PROBE) + LENGTH * RANDOM_INPUTS).tolist()
            work = draw_work(uniforms[2:], count)
            tests = [[items, work.of(items)] for items in draw_inputs(uniforms[2 * count + 3 :], LENGTH)]
            made = _spoiled(work.lines(), uniforms[0], uniforms[1], ["xs", *NAMES[1 : count + 1], "x", "result"], tests)
        lines, number, mended = made
        texts = work.texts()
        texts[number - 1] = program_text([lines[number - 1]])
        fields = {
            "steps": "\n".join([f"- {step}" for step in work.words()]),
            "program": "\n".join([f"{k:>2}  {text}" for k, text in enumerate(texts, 1)]),
        }
        reference = {"lines": lines, "tests": tests, "answer": f"{number}: {mended}"}
        return self.ask(rng, reference, difficulty, fields, {"phases": work.phases, "ending": work.ending})

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        reference = problem.reference
        if text == reference["answer"]:
            return right(f"line {text} mends the program")
        match = ANSWER.fullmatch(text) if len(text) <= MAX_ANSWER else None
        if match is None:
            return wrong("the answer is not of the form number: line")
        number, lines = int(match[1]), list(reference["lines"])
        if not 1 <= number <= len(lines):
            return wrong(f"there is no line {number}")
        old = lines[number - 1]
        try:
            lines[number - 1] = new = read_line(match[2].replace("\\%", "%").replace("\\_", "_"), old[0])
        except NotInLanguage as error:
            return wrong(f"the line cannot be read: {error}"[:120])
        if not _fits(old[1], new[1]):
            return wrong(f"{ascii(line_text(new))[1:60]} cannot stand in line {number}")
        block = nested(lines)
        for items, expected in reference["tests"]:
            try:
                found = call(block, items, steps=STEPS)
            except ProgramError as error:
                return wrong(f"f({items}) fails: {error}")
            if type(found) is not int or found != expected:
                return wrong(f"f({items}) returns {str(found)[:40]}, not {expected}")
        return right(f"line {number} mends the program")

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The steps, and the line that does not do what it should."""
        answer = problem.reference["answer"]
        steps = problem.meta["fields"]["steps"].split("\n")
        number = answer.partition(":")[0]
        return "\n".join([*steps, f"Line {number} does not do this.", f"\\boxed{{{answer}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Try to exchange one operator or to change one number by 1 in the first lines."""
        lines = problem.reference["lines"]
        for number, line in enumerate(lines[:WEAK_LINES], 1):
            for path, new in _changes(line, []):
                mended = _changed(line, path, new)
                if not _fails(nested([*lines[: number - 1], mended, *lines[number:]]), problem.reference["tests"]):
                    return f"\\boxed{{{number}: {line_text(mended)}}}"
        return ""


def _spoiled(
    lines: list[Line], which: float, how: float, names: Sequence[str], tests: Sequence[Any]
) -> tuple[list[Line], int, str] | None:
    """The lines with one of them changed, its number and what stood there; None when no test fails by the change."""
    k = int(which * len(lines))
    while not (changes := list(_changes(lines[k], names))):
        k = (k + 1) % len(lines)
    path, new = changes[int(how * len(changes))]
    changed = [*lines[:k], _changed(lines[k], path, new), *lines[k + 1 :]]
    return (changed, k + 1, line_text(lines[k])) if _fails(nested(changed), tests) else None


def _fails(block: Any, tests: Sequence[Any]) -> bool:
    """Whether a program returns something else than expected, or fails, on a test."""
    try:
        return any(call(block, items, steps=STEPS) != expected for items, expected in tests)
    except ProgramError:
        return True


def _changed(part: Any, path: Sequence[int], new: Any) -> Any:
    """``part`` with what stands at ``path`` replaced."""
    if not path:
        return new
    k = path[0]
    return [*part[:k], _changed(part[k], path[1:], new), *part[k + 1 :]]


def _changes(line: Line, names: Sequence[str]) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Where, and into what, an operator, a number or a name of a line may be changed.

    First values and what a loop goes over stay: they stand in so many programs that one answer would be right often.
    """
    first_value = line[1] == "set" and isinstance(line[3], int)
    whole_list = line[1] == "each" or (line[1] == "for" and line[3][0] == 0 and len(line[3]) == 2)
    if line[1] == "def" or first_value or whole_list:
        return
    for path, old in _places(line[2:], 2):
        if isinstance(old, int):
            yield path, old + 1
            yield path, old - 1
        elif old in CONFUSED:
            yield path, CONFUSED[old]
        elif old in names and path != (2,):  # a name that is read
            for name in names:
                if name != old:
                    yield path, name


def _places(parts: Sequence[Any], first: int = 0) -> Iterator[tuple[tuple[int, ...], Any]]:
    """All numbers, names and operators in a line's arguments, each with its path."""
    for k, part in enumerate(parts, first):
        if isinstance(part, list):
            for path, old in _places(part):
                yield (k, *path), old
        else:
            yield (k,), part


def _fits(old: str, new: str) -> bool:
    """Whether a line of the kind ``new`` can take the place of one of the kind ``old``."""
    if "return" in (old, new):  # earlier in the function it would skip the work, which often comes to 0
        return new == old
    if old in ("elif", "else") or new in ("elif", "else", "def"):
        return new == old or (old in ("elif", "else") and new in ("elif", "else"))
    return (old in OPENING) == (new in OPENING)
