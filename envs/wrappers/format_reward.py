"""A part of the reward for the form of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem
from palaestra.verifiers import Check, TagsInOrder, Verdict, one_box, weighted

from .task_wrapper import TaskWrapper, answer_lines

OPEN, CLOSE = "<answer>", "</answer>"


class Form(NamedTuple):
    """wish: what the prompt asks for. check: whether a response complies."""

    wish: str
    check: Check


FORMS = {
    "tags": Form(
        "Write your reasoning between <think> and </think> and then your answer, in the form asked for above, between "
        "<answer> and </answer>; write nothing outside of these tags.",
        TagsInOrder(("think", "answer"), alone=True),
    ),
    "box": Form("Your response must hold exactly one \\boxed{}, which is your answer.", one_box),
}


@register("palaestra/FormatReward-v0")
@dataclass(frozen=True)
class FormatReward(TaskWrapper):
    r"""A task's problems with a form that the response must have, which the prompt declares and the reward counts.

    form: "tags" (``<think>…</think><answer>…</answer>`` and nothing else) or "box" (one ``\boxed{}``). weight: of the
    form in the score, below 1; the answer has the rest. The status is that of the answer alone. Of a response in tags
    what is between the last two is judged. Both verdicts are in the evidence under "parts".

    The form can be had without the answer, so the ceiling is the task's with ``weight`` added.

    Raises:
        ValueError: an unknown form, or a weight outside (0, 1).
    """

    form: str = "tags"
    weight: float = 0.1
    tags: ClassVar[tuple[str, ...]] = ("wrapper", "format")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.form not in FORMS:
            raise ValueError(f"form is {' or '.join(map(repr, FORMS))}, not {self.form!r}")
        if not 0.0 < self.weight < 1.0:
            raise ValueError(f"weight is above 0 and below 1, not {self.weight!r}")

    @property
    def ceiling(self) -> float:
        return self.weight + (1 - self.weight) * self.inner.ceiling

    def dress(self, problem: Problem) -> Problem:
        return self.dressed(problem, f"{problem.prompt}\n{FORMS[self.form].wish}")

    def verify(self, problem: Problem, response: str) -> Verdict:
        form = FORMS[self.form].check(response)
        judged = _answer(response) if form.right and self.form == "tags" else response
        answer = super().verify(problem, judged)
        parts = {"answer": (1 - self.weight, lambda _: answer), "form": (self.weight, lambda _: form)}
        return weighted(decisive="answer", **parts)(response)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return self._formed(super().solve(problem, rng))

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return self._formed(super().weak_solve(problem, rng))

    def _formed(self, solution: str) -> str:
        """A solution in the form asked for, its answer once: what is built line by line ends with it."""
        if self.form == "box":
            return solution
        lines = solution.split("\n")
        answer = answer_lines(lines)
        thought = lines[: len(lines) - len(answer)]
        return "\n".join(["<think>", *thought, "</think>", OPEN, *answer]) + CLOSE


def _answer(response: str) -> str:
    """What stands between the answer's tags, of a response in good form."""
    return response[response.index(OPEN) + len(OPEN) : response.index(CLOSE)].strip("\r\n")
