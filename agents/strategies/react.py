"""ReAct: a thought before each action; the environment is given the action alone (Yao et al., arXiv:2210.03629)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from palaestra.agents.agent import Agent, Dialogue, Message, Reply, named
from palaestra.episodes import Actor

from .prompts import Prompt, prompt_named

ACTION = re.compile(r"^[ \t*]*action[ \t*]*:[ \t*]*", re.IGNORECASE | re.MULTILINE)
OTHER = re.compile(r"^[ \t*]*(?:thought|action|observation)[ \t*]*:", re.IGNORECASE | re.MULTILINE)


class ReAct:
    """For environments whose turns are actions: what stands behind the first "Action:" is the reply.

    It ends where another thought, action or observation is written: those are the agent's fancy, not the environment's.
    A reply without "Action:" is given whole. The thought stays in the tokens, so that the model sees what it thought
    in the turns to come; a server's model, which is given text, sees its actions alone.

    meta: thought; derived. counts: "no action" (the mark was never written), "more than one".
    """

    def __init__(self, agent: Agent, prompt: Prompt | None = None) -> None:
        self.agent = agent
        self.prompt = prompt or prompt_named("react")
        self.counts: Counter[str] = Counter()

    @property
    def actor(self) -> Actor:
        return named(self.agent, self.prompt.id)

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        told = Message("system", self.prompt.say("system"))
        return [
            self._action(reply)
            for reply in self.agent.respond([replace(one, messages=(told, *one.messages)) for one in dialogues])
        ]

    def _action(self, reply: Reply) -> Reply:
        mark = ACTION.search(reply.text)
        if mark is None:
            self.counts["no action"] += 1
            return reply
        rest = reply.text[mark.end() :]
        other = OTHER.search(rest)
        self.counts["more than one"] += other is not None
        action = rest[: other.start()] if other else rest
        meta = {**reply.meta, "thought": reply.text[: mark.start()].strip(), "derived": True}
        return replace(reply, text=action.strip(), meta=meta)
