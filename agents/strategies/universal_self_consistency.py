"""Universal self-consistency: a model chooses among answers, nothing parses them (Chen et al., arXiv:2311.17311)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from palaestra.agents.agent import Agent, Dialogue, Reply, joined, named, samples
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Actor

from .asking import costing, innermost, question, reworded, total
from .prompts import Prompt, prompt_named

STATED = re.compile(
    r"most consistent(?:\s+(?!with\b)\w+){0,2}?\s*(?:\bis\b|:)\W{0,5}(?:response\W{0,3})?(\d{1,3})\b", re.IGNORECASE
)
NUMBER = re.compile(r"response\D{0,3}(\d{1,3})\b", re.IGNORECASE)
ALONE = re.compile(r"\W*(\d{1,3})\b")


class UniversalSelfConsistency:
    """k replies, of which the chooser names the one that agrees best with the others.

    The chooser, the innermost agent of the stack unless one is given, sees the replies in ``orders`` random orders and
    chooses once in each; the reply chosen most often wins, of equals the one sampled first. Replies without text are
    not shown to it; where it names none that there is, that order has no say. Where no order has, the first reply that
    has a text stands.

    The cost is that of all replies and choices. meta: of, chosen (which reply), votes.
    counts: "choice not read", "no candidates".
    """

    def __init__(
        self, agent: Agent, k: int = 8, orders: int = 1, chooser: Agent | None = None, prompt: Prompt | None = None
    ) -> None:
        if min(k, orders) < 1:
            raise ValueError(f"universal self-consistency needs k and orders of 1 or more, not {k} and {orders}")
        self.agent, self.k, self.orders = agent, k, orders
        self.chooser = chooser or innermost(agent)
        self.prompt = prompt or prompt_named("universal_self_consistency")
        self.counts: Counter[str] = Counter()

    @property
    def actor(self) -> Actor:
        inner = named(self.agent, f"{self.prompt.id}:{self.k},{self.orders}")
        return Actor(inner.agent_id, joined(inner.weights_hash, self.chooser.actor.weights_hash))

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        groups = samples(self.agent, dialogues, self.k)
        shown = [[index for index, reply in enumerate(group) if reply.text.strip()] for group in groups]
        orders = [self._orders(one.seed, own) for one, own in zip(dialogues, shown, strict=True)]
        asked = [
            self._asked(one, group, order, number)
            for one, group, own in zip(dialogues, groups, orders, strict=True)
            for number, order in enumerate(own)
        ]
        said = iter(self.chooser.respond(asked) if asked else [])
        return [self._chosen(group, own, [next(said) for _ in own]) for group, own in zip(groups, orders, strict=True)]

    def _orders(self, seed: int, shown: list[int]) -> list[list[int]]:
        """How the replies are shown, each time; not at all where there is nothing to choose."""
        self.counts["no candidates"] += not shown
        rng = np.random.default_rng(derive_seed(seed, "orders"))
        return [rng.permutation(shown).tolist() for _ in range(self.orders)] if len(shown) > 1 else []

    def _asked(self, dialogue: Dialogue, group: Sequence[Reply], order: list[int], number: int) -> Dialogue:
        texts = [group[index].text for index in order]
        asked = reworded(dialogue, self.prompt.say("choose", question=question(dialogue), candidates=texts))
        return replace(asked, seed=derive_seed(dialogue.seed, "choose", number))

    def _chosen(self, group: Sequence[Reply], orders: list[list[int]], said: Sequence[Reply]) -> Reply:
        votes: Counter[int] = Counter()
        for order, choice in zip(orders, said, strict=True):
            named = STATED.search(choice.text) or NUMBER.search(choice.text) or ALONE.match(choice.text)
            if named and 1 <= int(named[1]) <= len(order):
                votes[order[int(named[1]) - 1]] += 1
            else:
                self.counts["choice not read"] += 1
        written = (index for index, reply in enumerate(group) if reply.text.strip())
        best = max(sorted(votes), key=votes.__getitem__, default=next(written, 0))
        cost = total(group) + total(said)
        return costing(group[best], cost, of=len(group), chosen=best, votes=votes[best])
