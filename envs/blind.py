"""Cheating at dialogues: what a policy earns that reads no observation."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence

import numpy as np

from palaestra.verifiers import Verdict, wrong

from .dialogue import LONGEST, Dialogue, Turn, reward_of
from .task import OracleMissing, Problem, Task

ACTIONS = ("1", "\\boxed{1}", "yes")
SCRIPT = "\x1f"  # before a JSON list of actions, one a turn


class Blind(Task):
    """A dialogue as a task of one response, for ``audit``: the response is all that is ever said.

    It is played as every turn's action, and its lines as one turn's action each, over and over; the verdict is that of
    the better play, with all rewards of it as score. The oracle's response is the script of its actions, and several
    scripts, one a line, are also played as their last actions, one a turn.

    opening: how many turns of ``some_play`` come before (-1: all but its last), to see what an action does late.
    """

    def __init__(self, dialogue: Dialogue, opening: int = 0) -> None:
        self.dialogue = dialogue
        self.opening = opening
        self._played: dict[str, list[str]] = {}  # the actions of ``some_play``, by problem
        self.id = dialogue.id  # type: ignore[misc]  # of the instance: this class is of no family
        self.difficulties = dialogue.difficulties  # type: ignore[misc]

    @property
    def ceiling(self) -> float:
        return self.dialogue.ceiling

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        return self.dialogue.sample(rng, difficulty)

    def identity(self, problem: Problem) -> str:
        return self.dialogue.identity(problem)

    def verify(self, problem: Problem, response: str) -> Verdict:
        opening = self._opening(problem)
        return max((self._earned(problem, opening, plan) for plan in plans(response)), key=lambda v: v.score)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return SCRIPT + json.dumps([action for action, _ in self.dialogue.demonstrate(problem, rng)])

    def _opening(self, problem: Problem) -> list[str]:
        if not self.opening:
            return []
        key = repr((problem.prompt, problem.reference))
        if key not in self._played:
            self._played[key] = [action for action, _ in some_play(self.dialogue, problem)]
        return self._played[key][: self.opening]

    def _earned(self, problem: Problem, opening: Sequence[str], plan: list[str]) -> Verdict:
        repeats = -(-LONGEST // len(plan))
        turns: list[Turn] = list(self.dialogue.play(problem, [*opening, *plan * repeats]))
        verdict = turns[-1].verdict
        if verdict is None:
            raise ValueError(f"no verdict after {len(turns)} turns")
        if verdict.score != verdict.score:
            return verdict
        return wrong(verdict.reason, min(1.0, max(0.0, sum(map(reward_of, turns)))))


def some_play(dialogue: Dialogue, problem: Problem) -> list[tuple[str, Turn]]:
    """The oracle's actions with what they lead to; ``ACTIONS`` over and over where there is no oracle."""
    try:
        return list(dialogue.demonstrate(problem, np.random.default_rng(0)))
    except OracleMissing:
        turns = list(dialogue.play(problem, itertools.cycle(ACTIONS)))
        return list(zip(itertools.cycle(ACTIONS), turns, strict=False))


def plans(response: str) -> list[list[str]]:
    """The ways to play a response: lists of actions to be repeated."""
    lines = response.split("\n", LONGEST)[:LONGEST]
    if response.startswith(SCRIPT):
        scripts = [json.loads(line[1:]) for line in lines]
        return [scripts[0], [script[-1] for script in scripts]]
    return [[response], lines] if len(lines) > 1 else [[response]]
