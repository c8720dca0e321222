"""Step back: first the rules that a question rests on, then its answer (Zheng et al., arXiv:2310.06117)."""

from __future__ import annotations

from collections.abc import Sequence

from palaestra.agents.agent import Agent, Dialogue, Reply, named
from palaestra.episodes import Actor

from .asking import continued, costing, question, reworded
from .prompts import Prompt, prompt_named


class StepBack:
    """The general rules are asked for first, and the question again behind them. The cost is that of both calls."""

    def __init__(self, agent: Agent, prompt: Prompt | None = None) -> None:
        self.agent = agent
        self.prompt = prompt or prompt_named("step_back")

    @property
    def actor(self) -> Actor:
        return named(self.agent, self.prompt.id)

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        backs = [reworded(one, self.prompt.say("back", question=question(one))) for one in dialogues]
        rules = self.agent.respond(backs)
        asked = [
            continued(back, rule, self.prompt.say("answer", question=question(one)), "answer")
            for one, back, rule in zip(dialogues, backs, rules, strict=True)
        ]
        replies = self.agent.respond(asked)
        return [costing(reply, rule.cost + reply.cost) for rule, reply in zip(rules, replies, strict=True)]
