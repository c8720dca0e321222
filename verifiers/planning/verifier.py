"""Answers that are plans."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..fenced import last_fenced
from ..quoting import quoted
from ..verdict import Verdict, right, undecided, wrong
from .pddl import read_pddl
from .strips import PlanningTask, Step, Unmet, apply_step, first_unmet

LANGUAGES = ("", "pddl", "plan", "lisp", "text")
MAX_LENGTH = 200_000  # characters of a plan
MAX_STEPS = 10_000

_NUMBER = re.compile(r"([0-9]{1,5})(?:[.):][ \t]*|[ \t]+)(?=\()")
_NAME = re.compile(r"[a-z0-9_-]{1,64}")


class PlanError(ValueError):
    """The text is not a plan; the message is the verdict's reason."""


@dataclass(frozen=True, slots=True)
class StripsVerifier:
    """A plan is right when each step can be taken and the goal holds after the last.

    The plan is the last closed fenced block without a label or labelled ``pddl``, ``plan``, ``lisp`` or ``text``;
    without one, the whole response; ``parse_plan`` reads it.

    domain, problem: PDDL, as ``read_pddl`` reads it.
    max_length: steps of the longest plan that counts.
    optimum: steps of the shortest plan. A longer one is wrong with the score ``optimum / steps``.

    Raises:
        ValueError: see ``read_pddl``; or a length is negative, or ``optimum`` above ``max_length``.
    """

    domain: str
    problem: str
    max_length: int | None = None
    optimum: int | None = None
    task: PlanningTask = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        longest = MAX_STEPS if self.max_length is None else self.max_length
        if not 0 <= (self.optimum or 0) <= longest <= MAX_STEPS:
            raise ValueError(f"lengths are 0 <= optimum <= max_length <= {MAX_STEPS}")
        object.__setattr__(self, "task", read_pddl(self.domain, self.problem))

    def verify(self, response: str) -> Verdict:
        text = last_fenced(response, LANGUAGES)
        if text is None and not response.strip():
            return wrong("no plan found")
        try:
            steps = parse_plan(response if text is None else text)
        except PlanError as error:
            return wrong(str(error))
        state = self.task.initial
        for number, step in enumerate(steps, 1):
            try:
                state = apply_step(self.task, state, step)
            except Unmet as unmet:
                reason = f"step {number} {quoted(str(step), 200)}: {quoted(str(unmet), 200)}"
                return wrong(reason, step=number, action=quoted(str(step), 200), unmet=quoted(str(unmet), 200))
        missing = first_unmet(self.task.goal, state)
        if missing is not None:
            return wrong(f"the goal is not reached: {missing}", steps=len(steps))
        return self._of_length(len(steps))

    def _of_length(self, steps: int) -> Verdict:
        """The verdict on a plan that reaches the goal."""
        if self.max_length is not None and steps > self.max_length:
            return wrong(f"a plan of {steps} steps; at most {self.max_length} may be taken", steps=steps)
        if self.optimum is not None and steps < self.optimum:
            return undecided(f"a plan of {steps} steps, fewer than the stated optimum {self.optimum}", steps=steps)
        if self.optimum is not None and steps > self.optimum:
            return wrong(f"a plan of {steps} steps; {self.optimum} are enough", self.optimum / steps, steps=steps)
        return right(f"a plan of {steps} steps", steps=steps)


def parse_plan(text: str) -> list[Step]:
    """The steps of a plan: one ``(action argument ...)`` a line, in any case.

    Empty lines count nothing, and neither does what follows ``;``. Either no step is numbered or all are, from 0 or 1
    upwards: ``1. (move a b)``, also ``1)``, ``1:`` or ``1`` alone.

    Raises:
        PlanError: a line is something else, or the plan is longer than ``MAX_LENGTH`` or ``MAX_STEPS``.
    """
    if len(text) > MAX_LENGTH:
        raise PlanError(f"the plan is longer than {MAX_LENGTH} characters")
    steps: list[Step] = []
    numbers: list[int | None] = []
    for line, written in enumerate(text.split("\n"), 1):
        content = written.partition(";")[0].strip()
        if not content:
            continue
        number = _NUMBER.match(content)
        numbers.append(int(number[1]) if number else None)
        steps.append(_step(content[number.end() :] if number else content, line))
        if len(steps) > MAX_STEPS:
            raise PlanError(f"the plan has more than {MAX_STEPS} steps")
    first = numbers[0] if numbers else None
    expected = [None] * len(steps) if first is None else [*range(min(first, 1), min(first, 1) + len(steps))]
    if numbers != expected:
        raise PlanError("the steps are not numbered in order")
    return steps


def _step(text: str, line: int) -> Step:
    names = text[1:-1].lower().split()
    if text[0] != "(" or text[-1] != ")" or not names or not all(map(_NAME.fullmatch, names)):
        raise PlanError(f"line {line} is not of the form (action argument ...): {quoted(text)}")
    return Step(names[0], tuple(names[1:]))
