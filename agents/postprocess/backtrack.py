"""Backtracking: an answer is cut before the first step that an evaluator does not like, and goes on otherwise.

After self-backtracking (Yang et al., arXiv:2502.04404), with an evaluator to say when. Tokens before the cut stay those
that were sampled, and what follows is sampled behind them. ``search.thoughts.DepthFirst`` looks at every step before
the next is sampled; this looks at whole answers, so that an answer without a fault costs no more than a plain one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from palaestra.agents.agent import Dialogue, Reply
from palaestra.agents.evaluators.choosing import chooses
from palaestra.agents.search.text import Prefix, TextWorld, replied
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Actor, Cost

# Of finished answers: a score of each step (by ``Prefix.step_ends``; nan: not known), and what all of it cost.
JudgeSteps = Callable[[Sequence[Prefix]], list[tuple[list[float], Cost]]]


class Backtracking:
    """Answers by a world's policy, step by step (``search.text.lines`` makes the world).

    rounds: how often an answer is taken back, at most. threshold: a step scored below it is a fault.
    The reply is the first answer without a fault, else the one whose worst step is best. Its cost is that of all of
    them. Of each round all answers with a fault are one batch. meta: ``backtracked``, how often; ``worst``, the lowest
    score of a step (None: no step has one).
    """

    def __init__(self, world: TextWorld, judge: JudgeSteps, threshold: float = 0.5, rounds: int = 4) -> None:
        if rounds < 0 or math.isnan(threshold):
            raise ValueError(f"rounds are 0 or more and the threshold a number, not {rounds} and {threshold}")
        self.world, self.judge, self.threshold, self.rounds = world, judge, threshold, rounds

    @property
    def actor(self) -> Actor:
        return chooses(self.world.policy.actor, f"backtrack{self.rounds}", self.judge)

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        starts = [self.world.root(dialogue) for dialogue in dialogues]
        best: list[tuple[float, Prefix] | None] = [None] * len(starts)
        costs, backtracked = [Cost()] * len(starts), [0] * len(starts)
        going = list(range(len(starts)))
        for number in range(self.rounds + 1):
            if not going:
                break
            seeds = [derive_seed(dialogues[i].seed, "backtrack", number) for i in going]
            answers = self.world.finish([starts[i] for i in going], seeds)
            opinions = self.judge([answer for answer, _ in answers])
            faulty = []
            for i, (answer, cost), (scores, price) in zip(going, answers, opinions, strict=True):
                costs[i] += cost + price
                worst = min((score for score in scores if not math.isnan(score)), default=math.inf)
                before = best[i]
                if before is None or worst > before[0]:
                    best[i] = worst, answer
                fault = next((k for k, score in enumerate(scores) if score < self.threshold), None)
                if fault is not None and number < self.rounds:
                    starts[i], backtracked[i] = _cut(answer, fault), number + 1
                    faulty.append(i)
            going = faulty
        rows = zip(filter(None, best), costs, backtracked, strict=True)
        return [
            replied(self.world.policy, answer, cost, backtracked=count, worst=worst if worst < math.inf else None)
            for (worst, answer), cost, count in rows
        ]


def _cut(answer: Prefix, step: int) -> Prefix:
    """The answer before this step, which has not ended."""
    ends = answer.step_ends[:step]
    left = ends[-1] if ends else 0
    return replace(
        answer, action_ids=answer.action_ids[:left], logprobs=answer.logprobs[:left], step_ends=ends, ended=""
    )
