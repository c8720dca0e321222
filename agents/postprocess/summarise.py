"""A summary of several candidates: all are shown to a summariser, which writes one answer of its own.

CoT-Synthesizer (arXiv:2501.01668): unlike a vote or a choice, the summary may be right where no candidate is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from palaestra.agents.agent import Agent, Dialogue, Reply, joined, samples
from palaestra.agents.strategies.asking import question
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Actor, Cost

from .asking import afresh

ASK = "{question}\n\nHere are {count} answers, some of which may be wrong:\n\n{answers}\n\n{again}"
AGAIN = "Look at where they agree and where they go wrong, and then answer the question yourself."
MAX_CANDIDATE = 2000  # characters of each that are shown: the end, where the answer stands


class Summarised:
    """Wraps an agent: k candidates a dialogue, and one answer that ``summariser`` (None: the agent) makes of them.

    Candidates that are empty, or the same text as another, are not shown again. Where one text only is left, there is
    nothing to sum up and it is the reply; where none is, the first candidate is, with ``candidates`` 0 in its meta.
    The cost is that of everything.
    """

    def __init__(self, agent: Agent, k: int = 4, summariser: Agent | None = None, again: str = AGAIN) -> None:
        if k < 2:
            raise ValueError(f"a summary is of 2 candidates or more, not {k}")
        self.agent, self.k, self.summariser, self.again = agent, k, summariser or agent, again

    @property
    def actor(self) -> Actor:
        inner, other = self.agent.actor, self.summariser.actor
        by = "" if self.summariser is self.agent else f"({other.agent_id})"
        hashes = joined(inner.weights_hash, other.weights_hash)
        return Actor(f"{inner.agent_id}+summary{self.k}{by}", hashes)

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        groups = samples(self.agent, dialogues, self.k)
        texts = [list(dict.fromkeys(reply.text.strip() for reply in group if reply.text.strip())) for group in groups]
        summed = [number for number, different in enumerate(texts) if len(different) > 1]
        questions = [self._question(dialogues[number], texts[number]) for number in summed]
        written = dict(zip(summed, self.summariser.respond(questions) if questions else [], strict=True))
        return [
            self._reply(group, different, written.get(number))
            for number, (group, different) in enumerate(zip(groups, texts, strict=True))
        ]

    def _question(self, dialogue: Dialogue, texts: Sequence[str]) -> Dialogue:
        answers = "\n\n".join(f"Answer {n}:\n{text[-MAX_CANDIDATE:]}" for n, text in enumerate(texts, 1))
        asked = ASK.format(question=question(dialogue), count=len(texts), answers=answers, again=self.again)
        return afresh(dialogue, asked, derive_seed(dialogue.seed, "summary"))

    def _reply(self, group: Sequence[Reply], texts: Sequence[str], written: Reply | None) -> Reply:
        cost = sum((reply.cost for reply in group), Cost()) + (written.cost if written else Cost())
        reply = written or next((one for one in group if one.text.strip()), group[0])
        return replace(reply, cost=cost, meta={**reply.meta, "candidates": len(texts), "of": self.k})
