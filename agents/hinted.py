"""An agent that is told the answer: what it then writes explains it (STaR's rationalisation, arXiv 2203.14465)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from palaestra.episodes import Actor

from .agent import Agent, Dialogue, Reply, named

HINT = "\n(The answer is {answer}.)"


class Hinted:
    """Wraps an agent: the reference answer stands behind the question, which a dialogue begins with.

    To make data with, not to evaluate: whoever takes the prompt of the first turn away has taken the hint away.
    """

    def __init__(self, agent: Agent) -> None:
        self.agent = agent

    @property
    def actor(self) -> Actor:
        return named(self.agent, "hint")

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        """Raises ValueError for a dialogue whose problem the environment does not tell."""
        return self.agent.respond([self._with_hint(dialogue) for dialogue in dialogues])

    def _with_hint(self, dialogue: Dialogue) -> Dialogue:
        if dialogue.problem is None:
            raise ValueError("a hint needs an environment that tells its problem, with the answer")
        question, *later = dialogue.messages
        hint = HINT.format(answer=dialogue.problem.reference)
        return replace(dialogue, messages=(replace(question, content=question.content + hint), *later))
