"""Agents without a model: the oracle, which knows the answer, and the random one, which knows nothing."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence

import numpy as np

from palaestra.envs.seeding import TextSeeded, reseed
from palaestra.envs.task import SOLUTION_DELIMITER, OracleMissing
from palaestra.episodes import Actor

from .agent import Dialogue, Reply

HABITS = ("direct", "steps", "check", "long")
MOST = 5  # solutions of a long answer


class OracleAgent:
    """Answers as the environment's own oracle does (a solution, an action, a move), written by one of four habits.

    direct: the answer alone, which is the solution's last line; steps: every line; check: every line, and then the
    whole once more after the delimiter; long: every line, and then from none to four solutions more, each every line
    or the answer alone, with the delimiter between them (overthinking; arXiv:2412.21187). The habit of each reply is
    drawn by its weight and recorded in its meta.
    """

    actor = Actor("oracle")

    def __init__(self, habits: Mapping[str, float] | None = None) -> None:
        habits = habits if habits is not None else {"steps": 1.0}
        unknown = sorted(set(habits) - set(HABITS))
        if unknown or min(habits.values(), default=0) < 0 or sum(habits.values()) <= 0:
            raise ValueError(f"habits are non-negative weights of {', '.join(HABITS)}, not {dict(habits)}")
        self.names = list(habits)
        self.edges = np.cumsum([habits[name] for name in self.names])[:-1] / sum(habits.values())
        self.rng = TextSeeded(0)

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        return [self._answer(dialogue) for dialogue in dialogues]

    def _answer(self, dialogue: Dialogue) -> Reply:
        if dialogue.oracle is None:
            raise OracleMissing("this environment has no oracle: nothing of it can be demonstrated")
        reseed(self.rng, f"oracle|{dialogue.seed}")
        habit = self.names[int(np.searchsorted(self.edges, self.rng.random(), side="right"))]
        solution = dialogue.oracle(self.rng)
        return Reply(f"\n{SOLUTION_DELIMITER}\n".join(self._written(solution, habit)), meta={"habit": habit})

    def _written(self, solution: str, habit: str) -> list[str]:
        """The solutions that an answer of this habit holds."""
        answer = solution.rsplit("\n", 1)[-1]
        if habit != "long":
            return {"direct": [answer], "steps": [solution], "check": [solution, solution]}[habit]
        more = self.rng.random(int(self.rng.random() * MOST))
        return [solution, *(solution if uniform < 0.5 else answer for uniform in more)]


class RandomAgent:
    """Answers with a random number in a box, or with random characters: the floor of every leaderboard."""

    actor = Actor("random")

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        return [Reply(self._text(np.random.default_rng(dialogue.seed))) for dialogue in dialogues]

    def _text(self, rng: np.random.Generator) -> str:
        if rng.random() < 0.5:
            return f"\\boxed{{{rng.integers(100)}}}"
        return "".join(rng.choice(list(string.printable), size=int(rng.integers(1, 40))))
