"""Write a function, see where it fails, write it again (after Chen et al., arXiv:2304.05128)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any, ClassVar

import numpy as np

from palaestra.envs.dialogue import Dialogue, State, Turn
from palaestra.envs.registration import register
from palaestra.envs.task import Problem
from palaestra.verifiers import Status, Verdict, undecided
from palaestra.verifiers.code import Call, CodeVerifier, extract_source
from palaestra.verifiers.sandbox import Limits

ATTEMPTS = 4
VISIBLE, HIDDEN = 3, 12  # tests
LIMITS = Limits(seconds=2.0, cpu=2.0)
WEAK_STEPS = 3

Step = tuple[str, int]  # of OPERATIONS, and its number

# Name: what the task says, the line of code, and what it does to the list xs with the number k.
OPERATIONS: dict[str, tuple[str, str, Callable[[list[int], int], list[int]]]] = {
    "add": ("add {k} to every number", "xs = [x + {k} for x in xs]", lambda xs, k: [x + k for x in xs]),
    "multiply": ("multiply every number by {k}", "xs = [x * {k} for x in xs]", lambda xs, k: [x * k for x in xs]),
    "multiples": (
        "remove the multiples of {k}",
        "xs = [x for x in xs if x % {k} != 0]",
        lambda xs, k: [x for x in xs if x % k],
    ),
    "larger": (
        "keep only the numbers larger than {k}",
        "xs = [x for x in xs if x > {k}]",
        lambda xs, k: [x for x in xs if x > k],
    ),
    "reverse": ("reverse the order", "xs = xs[::-1]", lambda xs, k: xs[::-1]),
    "sort": ("sort in ascending order", "xs = sorted(xs)", lambda xs, k: sorted(xs)),
    "unique": (
        "keep only the first of equal numbers",
        "xs = list(dict.fromkeys(xs))",
        lambda xs, k: list(dict.fromkeys(xs)),
    ),
    "running": (
        "replace every number by the sum of all numbers up to and including it",
        "xs = [sum(xs[: i + 1]) for i in range(len(xs))]",
        lambda xs, k: list(accumulate(xs)),
    ),
    "every": ("keep the 1st, 3rd, 5th number and so on", "xs = xs[::2]", lambda xs, k: xs[::2]),
    "rotate": (
        "move the first number to the end",
        "xs = xs[1:] + xs[:1]",
        lambda xs, k: xs[1:] + xs[:1],
    ),
    "negate": (
        "change the sign of every second number, beginning with the second",
        "xs = [-x if i % 2 else x for i, x in enumerate(xs)]",
        lambda xs, k: [-x if i % 2 else x for i, x in enumerate(xs)],
    ),
}
NAMES = tuple(OPERATIONS)


@register("palaestra/SelfDebug-v0")
@dataclass(frozen=True)
class SelfDebug(Dialogue):
    """Difficulty raises how many steps the function has (3 to 8).

    An action holds the whole function in a code block. It is put to three tests that the prompt shows; the first
    failure is told, and there are four attempts. A function that passes these is put to twelve hidden tests, which
    decide: right is passing all of them. So writing the shown results down earns nothing.
    """

    tags: ClassVar[tuple[str, ...]] = ("dialogue", "code", "debugging")
    ceiling = 0.06
    costly = True
    wordings: ClassVar[tuple[str, ...]] = (
        "Write a Python function f(xs) that takes a list of whole numbers and returns a new list, made like this:\n"
        "{steps}\nIt must pass, for example:\n{tests}\nAnswer with the whole function in a ```python block. If it "
        "fails an example you are told how and can try again; you have {attempts} attempts. Then hidden tests decide.",
        "{tests}\nThese are three of the tests of a function f, which does the following to a list:\n{steps}\nSend the "
        "Python code of f in a ```python block, up to {attempts} times: as long as one of these tests fails, you hear "
        "about it; when they pass, other tests decide.",
        "Task: implement f(xs: list[int]) -> list[int] in Python\nSpecification, in this order:\n{steps}\n"
        "Visible tests:\n{tests}\nFormat: one ```python block with the function\nAttempts: {attempts}\n"
        "Scoring: hidden tests, run once the visible ones pass",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        count = 3 + difficulty // 2
        uniforms = rng.random(2 * count).tolist()
        steps: list[Step] = []
        for k in range(count):
            left = [name for name in NAMES if not steps or name != steps[-1][0]]
            steps.append((left[int(uniforms[2 * k] * len(left))], 2 + int(uniforms[2 * k + 1] * 8)))
        numbers = rng.integers(-9, 21, size=9 * (VISIBLE + HIDDEN)).tolist()
        inputs = [
            numbers[9 * i : 9 * i + (9 - i % 3 if i < VISIBLE else (i * 7) % 10)] for i in range(VISIBLE + HIDDEN)
        ]
        fields = {
            "steps": "\n".join(f"{k}. {_told(step)}" for k, step in enumerate(steps, start=1)),
            "tests": "\n".join(f"f({xs}) == {apply(steps, xs)}" for xs in inputs[:VISIBLE]),
            "attempts": str(ATTEMPTS),
        }
        reference = {"steps": [list(step) for step in steps], "inputs": inputs, "turns": ATTEMPTS}
        return self.ask(rng, reference, difficulty, fields)

    def begin(self, problem: Problem) -> State:
        return 0

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        """State: how many functions were tried."""
        if extract_source(action) is None:
            return Turn("There is no ```python block in that.", state)
        inputs = problem.reference["inputs"]
        visible = self._judged(problem, inputs[:VISIBLE], action)
        if visible.status is Status.UNDECIDED:
            return Turn("", state + 1, visible)
        if not visible.right:
            return Turn(f"Visible {visible.reason}", state + 1)
        hidden = self._judged(problem, inputs[VISIBLE:], action)
        told = "also pass" if hidden.right else "do not all pass"
        return Turn(f"The visible tests pass. The hidden tests {told}.", state + 1, hidden)

    def act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Half of the time forgets a step at first, and mends it when a visible test fails."""
        steps, shown = problem.reference["steps"], problem.reference["inputs"][:VISIBLE]
        if state == 0 and rng.random() < 0.5:
            forgotten = int(rng.integers(len(steps)))
            fewer = [*steps[:forgotten], *steps[forgotten + 1 :]]
            if any(apply(fewer, xs) != apply(steps, xs) for xs in shown):
                return _function(fewer)
        return _function(steps)

    def weak_act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Writes the first three steps only."""
        return _function(problem.reference["steps"][:WEAK_STEPS])

    def _judged(self, problem: Problem, inputs: Sequence[list[int]], action: str) -> Verdict:
        tests = tuple((tuple(xs), tuple(apply(problem.reference["steps"], xs))) for xs in inputs)
        try:
            return _tried(tests, action)
        except _Undecided as error:
            return undecided(str(error))


class _Undecided(Exception):
    """The sandbox failed; the next try may do better."""


@lru_cache(maxsize=64)  # a function that is sent again is not run again
def _tried(tests: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...], action: str) -> Verdict:
    calls = [Call("f", (list(xs),), returns=list(result)) for xs, result in tests]
    verdict = CodeVerifier(calls, partial=False, batch=True, limits=LIMITS).verify(action)
    if verdict.status is Status.UNDECIDED:
        raise _Undecided(verdict.reason)
    counts = {key: verdict.evidence[key] for key in ("passed", "tests") if key in verdict.evidence}
    return Verdict(verdict.score, verdict.status, verdict.reason, counts)  # without times, which differ on replay


def apply(steps: Sequence[Sequence[Any]], xs: list[int]) -> list[int]:
    """What the function should return."""
    for name, k in steps:
        xs = OPERATIONS[name][2](xs, k)
    return xs


def _told(step: Step) -> str:
    return OPERATIONS[step[0]][0].format(k=step[1])


def _function(steps: Sequence[Sequence[Any]]) -> str:
    lines = [OPERATIONS[name][1].format(k=k) for name, k in steps]
    return "\n".join(["```python", "def f(xs):", *(f"    {line}" for line in lines), "    return xs", "```"])
