"""The executable verifier as an evaluator: what the task itself says. It peeks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from palaestra.envs.task import Problem, Task
from palaestra.episodes import Cost

from .assessment import Answer, Assessment, Grain, refuse, spans_of


class Executed:
    """Verdicts' scores, in [0, 1]: of the answer by ``Task.verify``, of each line by ``Task.steps``.

    nan: UNDECIDED, or a line of a task that judges outcomes only. For training and for oracles: an agent that is
    measured must not choose by it, hence ``peeks``.
    """

    grains: tuple[Grain, ...] = ("answer", "step")
    peeks = True

    def __init__(self, task: Task | None = None) -> None:
        self.task = task

    def assess(self, answers: Sequence[Answer], grain: Grain = "answer") -> list[Assessment]:
        refuse(self, grain)
        return [self._assess(answer, grain) for answer in answers]

    def _assess(self, answer: Answer, grain: Grain) -> Assessment:
        task, problem = task_of(answer, self.task)
        text = answer.reply.text
        verdicts = [task.verify(problem, text)] if grain == "answer" else task.steps(problem, text)
        spans = spans_of(answer.reply, grain)
        scores = tuple(verdict.score for verdict in verdicts) or (math.nan,) * len(spans)
        return Assessment(scores, spans, Cost(verifier_calls=1))


def task_of(answer: Answer, task: Task | None) -> tuple[Task, Problem]:
    """The task and the problem of what is judged.

    Raises:
        ValueError: the dialogue has no problem, or no environment to take the task from.
    """
    env: Any = answer.dialogue.env
    known = task or getattr(env, "task", None)
    if known is None or answer.dialogue.problem is None:
        raise ValueError("this evaluator needs the task and its problem: play in an environment of a task, or give one")
    return known, answer.dialogue.problem
