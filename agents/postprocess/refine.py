"""Self-refine: an agent criticises its own answer and answers again (Madaan et al., arXiv:2303.17651)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from palaestra.agents.agent import Agent, Dialogue, Reply, named
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Actor

from .asking import behind

FEEDBACK = (
    "Check your answer. Say what is wrong with it and how to put it right, without solving it anew. "
    "If nothing is wrong, write: no mistakes"
)
REFINE = "Now answer the question again, with that put right."
STOP = "no mistakes"


class Refined:
    """Wraps an agent: ``rounds`` times, or until its feedback holds ``stop``, it looks at its answer and answers again.

    The reply is the last answer, with the tokens that it was sampled as, behind the dialogue that led there; its cost
    is that of all answers and all feedback. meta: how often it was ``refined``, and the ``first`` answer.
    """

    def __init__(
        self, agent: Agent, rounds: int = 2, feedback: str = FEEDBACK, refine: str = REFINE, stop: str = STOP
    ) -> None:
        if rounds < 1:
            raise ValueError(f"to refine takes 1 round or more, not {rounds}")
        self.agent, self.rounds = agent, rounds
        self.feedback, self.refine, self.stop = feedback, refine, stop.lower()

    @property
    def actor(self) -> Actor:
        return named(self.agent, f"refine{self.rounds}")

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        replies = self.agent.respond(dialogues)
        firsts = [reply.text for reply in replies]
        costs = [reply.cost for reply in replies]
        refined = [0] * len(replies)
        asked = list(dialogues)
        going = list(range(len(replies)))
        for number in range(self.rounds):
            if not going:
                break
            about = [
                behind(asked[i], replies[i], self.feedback, derive_seed(dialogues[i].seed, "feedback", number))
                for i in going
            ]
            told = list(zip(going, about, self.agent.respond(about), strict=True))
            for i, _, feedback in told:
                costs[i] += feedback.cost
            told = [(i, dialogue, feedback) for i, dialogue, feedback in told if self.stop not in feedback.text.lower()]
            going = [i for i, _, _ in told]
            for i, dialogue, feedback in told:
                asked[i] = behind(dialogue, feedback, self.refine, derive_seed(dialogues[i].seed, "refine", number))
            again = self.agent.respond([asked[i] for i in going]) if going else []
            for i, reply in zip(going, again, strict=True):
                replies[i], refined[i] = reply, refined[i] + 1
                costs[i] += reply.cost
        return [
            replace(reply, cost=cost, meta={**reply.meta, "refined": count, "first": first})
            for reply, cost, count, first in zip(replies, costs, refined, firsts, strict=True)
        ]
