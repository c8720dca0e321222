"""Least to most: the question is taken apart, and its parts are answered one after the other (arXiv:2205.10625)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from palaestra.agents.agent import Agent, Dialogue, Reply, named
from palaestra.episodes import Actor

from .asking import continued, costing, question, reworded
from .prompts import Prompt, prompt_named

PART = re.compile(r"^\s*(?:\d{1,2}[.):]|[-*])\s+(\S.*?)\s*$", re.MULTILINE)


class LeastToMost:
    """Simpler questions are asked for and answered in turn, each behind the ones before it, then the question itself.

    A list longer than ``parts`` is cut off there. Where no list is given the question is asked at once. The reply is
    the last answer; the cost is that of all calls. meta: parts, how many there were. counts: "no parts", "cut off".
    """

    def __init__(self, agent: Agent, parts: int = 4, prompt: Prompt | None = None) -> None:
        if parts < 1:
            raise ValueError(f"least to most needs 1 part or more, not {parts}")
        self.agent, self.parts = agent, parts
        self.prompt = prompt or prompt_named("least_to_most")
        self.counts: Counter[str] = Counter()

    @property
    def actor(self) -> Actor:
        return named(self.agent, f"{self.prompt.id}:{self.parts}")

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        ask = self.prompt.say
        lists = self.agent.respond([reworded(one, ask("decompose", question=question(one))) for one in dialogues])
        parts = [self._parts(reply) for reply in lists]
        costs = [reply.cost for reply in lists]
        asked = [
            reworded(one, ask("first", question=question(one), part=own[0])) if own else one
            for one, own in zip(dialogues, parts, strict=True)
        ]
        for number in range(1, max(map(len, parts), default=0) + 1):
            due = [index for index, own in enumerate(parts) if number <= len(own)]
            for index, reply in zip(due, self.agent.respond([asked[index] for index in due]), strict=True):
                own = parts[index]
                whole = question(dialogues[index])
                following = ask("next", part=own[number]) if number < len(own) else ask("last", question=whole)
                asked[index] = continued(asked[index], reply, following, f"part {number}")
                costs[index] += reply.cost
        last = zip(self.agent.respond(asked), costs, parts, strict=True)
        return [costing(reply, cost + reply.cost, parts=len(own)) for reply, cost, own in last]

    def _parts(self, reply: Reply) -> list[str]:
        found: list[str] = PART.findall(reply.text)
        self.counts["no parts"] += not found
        self.counts["cut off"] += len(found) > self.parts
        return found[: self.parts]
