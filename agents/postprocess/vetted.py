"""A filter as an agent: an answer that an evaluator does not like is asked for again, a bounded number of times."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from palaestra.agents.agent import Agent, Dialogue, Reply
from palaestra.agents.evaluators.choosing import chooses
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Actor, Cost


class Opinion(NamedTuple):
    """What an evaluator says of a reply, and what that cost; a score that is nan says nothing."""

    score: float
    cost: Cost = Cost()


Judge = Callable[[Sequence[Dialogue], Sequence[Reply]], list[Opinion]]


class Vetted:
    """Wraps an agent: the first of ``tries`` replies that ``judge`` scores ``least`` or more, else the best of them.

    All dialogues without such a reply are asked again as one batch. A reply scored nan is only given when all were, and
    is then the first. The cost is that of every reply and every opinion. meta: ``score`` (None for nan), ``tries``,
    and how many scores were ``nan``.
    """

    def __init__(self, agent: Agent, judge: Judge, least: float, tries: int = 4) -> None:
        if tries < 1 or math.isnan(least):
            raise ValueError(f"tries are 1 or more and the least score a number, not {tries} and {least}")
        self.agent, self.judge, self.least, self.tries = agent, judge, least, tries

    @property
    def actor(self) -> Actor:
        return chooses(self.agent.actor, f"vetted{self.tries}", self.judge)

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        best: list[tuple[float, Reply] | None] = [None] * len(dialogues)
        costs, tried, unknown = [Cost()] * len(dialogues), [0] * len(dialogues), [0] * len(dialogues)
        going = list(range(len(dialogues)))
        for number in range(self.tries):
            asked = [replace(dialogues[i], seed=derive_seed(dialogues[i].seed, number)) for i in going]
            replies = self.agent.respond(asked) if asked else []
            opinions = self.judge(asked, replies) if asked else []
            for i, reply, opinion in zip(going, replies, opinions, strict=True):
                costs[i] += reply.cost + opinion.cost
                tried[i] += 1
                unknown[i] += math.isnan(opinion.score)
                score = -math.inf if math.isnan(opinion.score) else opinion.score
                before = best[i]
                if before is None or score > before[0]:
                    best[i] = score, reply
            going = [i for i in going if (found := best[i]) is None or found[0] < self.least]
        return [
            replace(
                reply,
                cost=cost,
                meta={**reply.meta, "score": score if score > -math.inf else None, "tries": count, "nan": nans},
            )
            for (score, reply), cost, count, nans in zip(filter(None, best), costs, tried, unknown, strict=True)
        ]
