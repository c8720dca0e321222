"""One question in other words: direct, chain of thought, plan and solve."""

from __future__ import annotations

from collections.abc import Sequence

from palaestra.agents.agent import Agent, Dialogue, Reply, named
from palaestra.episodes import Actor

from .asking import question, reworded
from .prompts import Prompt, prompt_named


class Prompted:
    """Wraps an agent: the last message is put as the prompt's part ``ask`` has it. The reply is its own."""

    def __init__(self, agent: Agent, prompt: Prompt) -> None:
        self.agent, self.prompt = agent, prompt

    @property
    def actor(self) -> Actor:
        return named(self.agent, self.prompt.id)

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        return self.agent.respond([reworded(one, self.prompt.say("ask", question=question(one))) for one in dialogues])


def direct(agent: Agent) -> Prompted:
    """The answer alone is asked for."""
    return Prompted(agent, prompt_named("direct"))


def chain_of_thought(agent: Agent) -> Prompted:
    """Steps are asked for before the answer."""
    return Prompted(agent, prompt_named("chain_of_thought"))


def plan_and_solve(agent: Agent) -> Prompted:
    """A plan is asked for, and then its execution, in one answer."""
    return Prompted(agent, prompt_named("plan_and_solve"))
