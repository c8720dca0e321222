"""Write a Python function from a description and examples."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict

from .language import program_text
from .phases import PROBE, Work, draw_inputs, draw_work

PHASES = (1, 1, 2, 2, 3, 3, 4, 4, 5, 6)  # by difficulty
HIDDEN, SHOWN, LENGTH = 6, 2, 7  # random lists by which an answer is judged, lists shown, numbers in each
WEAK_PHASES = 2  # that the weak solver writes


@register("palaestra/WriteFunction-v0")
@dataclass(frozen=True)
class WriteFunction(Task):
    """Difficulty raises how many steps the function takes (1 to 6) before it returns a number.

    An answer is Python code with a function f(xs), in a fenced block; it is right when f returns what is expected on
    hidden lists, the empty one among them. It runs in the sandbox, which forks a process an answer: some hundred
    episodes a second.
    """

    tags: ClassVar[tuple[str, ...]] = ("programs", "code")
    ceiling = 0.25  # steps that drop numbers often leave none: a function that returns 0 is right then
    wordings: ClassVar[tuple[str, ...]] = (
        "Write a Python function f(xs) that takes a list of whole numbers and does this, each step with the list that "
        "the step before it made:\n{steps}\nExamples:\n{examples}\nAnswer with the code in a ```python block.",
        "These calls of a function show what it returns:\n{examples}\nIts description, step by step on the list xs of "
        "integers:\n{steps}\nGive the definition of f in Python as one fenced code block (```python).",
        "Task: implement f.\nArgument: xs, a list of ints, perhaps empty.\nProcedure:\n{steps}\nFor instance:\n"
        "{examples}\nReply with Python source between ```python and ```; it is tried on other lists.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        count = PHASES[difficulty - 1]
        uniforms = rng.random(2 * count + 1 + len(PROBE) + LENGTH * (HIDDEN + SHOWN)).tolist()
        work = draw_work(uniforms, count)
        inputs = draw_inputs(uniforms[2 * count + 1 :], LENGTH)
        tests = [[items, work.of(items)] for items in (*inputs, [])]
        shown, hidden = tests[:SHOWN], tests[SHOWN:]
        fields = {
            "steps": "\n".join(f"{number}. {step}" for number, step in enumerate(work.words(), 1)),
            "examples": "\n".join(f"f({items}) returns {value}" for items, value in shown),
        }
        return self.ask(rng, hidden, difficulty, fields, {"phases": work.phases, "ending": work.ending})

    def verify(self, problem: Problem, response: str) -> Verdict:
        from palaestra.verifiers.code import Call, CodeVerifier  # here, as it takes long to import

        tests = [Call("f", (items,), returns=value) for items, value in problem.reference]
        verdict = CodeVerifier(tests, partial=False, batch=True).verify(response)
        kept = {key: value for key, value in verdict.evidence.items() if key in ("passed", "tests", "failed")}
        return dataclasses.replace(verdict, evidence=kept)  # without seconds and bytes, which differ from run to run

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The steps in words, then as code."""
        work = Work(problem.meta["phases"], problem.meta["ending"])
        return "\n".join([*work.words(), _fenced(work)])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Forgets all steps but the first two."""
        return _fenced(Work(problem.meta["phases"][:WEAK_PHASES], problem.meta["ending"]))


def _fenced(work: Work) -> str:
    return f"```python\n{program_text(work.lines())}\n```"
