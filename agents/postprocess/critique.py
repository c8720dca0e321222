"""Critique and revise: a critic reads an answer, its author answers again (RL4F; Akyürek et al., arXiv:2305.08844).

Either may be frozen while the other learns. A critic learns in ``palaestra/CritiqueRepair-v0``, whose solver is then
``as_solver`` of a frozen agent; one that was trained on the rows of ``corrections.critiques`` is asked here as it was
there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from palaestra.agents.agent import Agent, Dialogue, Message, Reply, joined
from palaestra.agents.strategies.asking import question
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Actor
from palaestra.episodes.corrections import CRITIQUE

from .asking import afresh, behind

REVISE = "A critic has read your answer and says:\n{critique}\n\nAnswer the question again, better."
REVISED = "{task}\n\nDraft:\n{draft}\n\nA critic says:\n{critique}\n\nWrite the draft again, with that put right."
ACCEPT = "accept[]"
MAX_CRITIQUE = 4000  # characters that are read


class CritiqueAndRevise:
    """Wraps a solver and a critic: the critic judges the answer, the solver revises it, ``rounds`` times.

    A critique that holds ``accept`` leaves the answer as it is. The reply is the solver's last answer; its cost is that
    of both agents. meta: the ``first`` answer, the ``critiques``, and how often it was ``revised``.
    """

    def __init__(
        self,
        solver: Agent,
        critic: Agent,
        rounds: int = 1,
        ask: str = CRITIQUE,
        revise: str = REVISE,
        accept: str = ACCEPT,
    ) -> None:
        if rounds < 1:
            raise ValueError(f"to criticise takes 1 round or more, not {rounds}")
        self.solver, self.critic, self.rounds = solver, critic, rounds
        self.ask, self.revise, self.accept = ask, revise, accept

    @property
    def actor(self) -> Actor:
        solver, critic = self.solver.actor, self.critic.actor
        hashes = joined(solver.weights_hash, critic.weights_hash)
        return Actor(f"{solver.agent_id}+critic({critic.agent_id})x{self.rounds}", hashes)

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        replies = self.solver.respond(dialogues)
        firsts, costs = [reply.text for reply in replies], [reply.cost for reply in replies]
        said: list[list[str]] = [[] for _ in replies]
        revised = [0] * len(replies)
        going = list(range(len(replies)))
        for number in range(self.rounds):
            if not going:
                break
            questions = [self._question(dialogues[i], replies[i], number) for i in going]
            critiques = dict(zip(going, self.critic.respond(questions), strict=True))
            for i, critique in critiques.items():
                costs[i] += critique.cost
                said[i].append(critique.text)
            going = [i for i, critique in critiques.items() if self.accept not in critique.text]
            asked = [self._told(dialogues[i], replies[i], critiques[i], number) for i in going]
            for i, reply in zip(going, self.solver.respond(asked) if going else [], strict=True):
                replies[i], revised[i] = reply, revised[i] + 1
                costs[i] += reply.cost
        rows = zip(replies, costs, firsts, said, revised, strict=True)
        return [
            replace(reply, cost=cost, meta={**reply.meta, "first": first, "critiques": told, "revised": count})
            for reply, cost, first, told, count in rows
        ]

    def _question(self, dialogue: Dialogue, reply: Reply, number: int) -> Dialogue:
        text = self.ask.format(question=question(dialogue), answer=reply.text)
        return afresh(dialogue, text, derive_seed(dialogue.seed, "critique", number))

    def _told(self, dialogue: Dialogue, reply: Reply, critique: Reply, number: int) -> Dialogue:
        """The author sees the question, the answer as it stands and the last critique: no longer in a later round."""
        text = self.revise.format(critique=critique.text[:MAX_CRITIQUE])
        return behind(dialogue, reply, text, derive_seed(dialogue.seed, "revise", number))


def as_solver(agent: Agent, ask: str = REVISED, kept: int = 4096) -> Callable[[str, str, str], str]:
    """A frozen agent as the solver of ``CritiqueRepair``: the same revision for the same task, draft and critique.

    The seed is a hash of the three, and the last ``kept`` revisions are remembered, since in RL4F every critique of a
    group meets the same draft. What the solver costs is not the critic's, and is counted nowhere.
    """
    known: dict[tuple[str, str, str], str] = {}

    def solve(task: str, draft: str, critique: str) -> str:
        key = task, draft, critique[:MAX_CRITIQUE]
        if key not in known:
            asked = Message("user", ask.format(task=task, draft=draft, critique=key[2]))
            (reply,) = agent.respond([Dialogue((asked,), derive_seed("solver", *key))])
            while len(known) >= kept:
                del known[next(iter(known))]
            known[key] = reply.text
        return known[key]

    return solve
