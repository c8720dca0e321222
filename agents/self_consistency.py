"""Self-consistency: ask several times, answer with the majority (Wang et al., arXiv 2203.11171)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import add

from palaestra.episodes import Actor
from palaestra.verifiers import extract_answer

from .agent import Agent, Dialogue, Reply, named, samples


class SelfConsistency:
    """Wraps any agent: k replies a dialogue, the most frequent extracted answer wins, the first of equals.

    The reply is a real one of the k (its tokens are logged); the cost is that of all k.
    """

    def __init__(self, agent: Agent, k: int = 8) -> None:
        if k < 1:
            raise ValueError(f"self-consistency needs k of 1 or more, not {k}")
        self.agent = agent
        self.k = k

    @property
    def actor(self) -> Actor:
        return named(self.agent, f"sc{self.k}")

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        return [self._vote(group) for group in samples(self.agent, dialogues, self.k)]

    def _vote(self, replies: Sequence[Reply]) -> Reply:
        answers = [found.text or None if (found := extract_answer(reply.text)) else None for reply in replies]
        votes = Counter(answer for answer in answers if answer is not None)
        winner, count = votes.most_common(1)[0] if votes else (None, 0)
        chosen = replies[answers.index(winner)]
        cost = reduce(add, (reply.cost for reply in replies))
        return replace(chosen, cost=cost, meta={**chosen.meta, "votes": count, "of": self.k})
