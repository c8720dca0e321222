"""Few-shot: examples that the log holds stand before the question, as turns of the chat that were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from palaestra.agents.agent import Agent, Dialogue, Message, Reply, named
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Actor, Episode


@dataclass(frozen=True, slots=True)
class Example:
    """A question and a right answer to it."""

    question: str
    answer: str


def examples(episodes: Iterable[Episode], env_id: str | None = None) -> tuple[list[Example], Counter[str]]:
    """Right answers of one turn to training problems, one a problem, the shortest; and what was left out, by reason.

    ``EpisodeStore(folder).read()`` gives the episodes. env_id: of these only.
    """
    best: dict[str, Example] = {}
    dropped: Counter[str] = Counter()
    for episode in episodes:
        reason = _unfit(episode, env_id)
        if reason:
            dropped[reason] += 1
            continue
        turn = episode.turns[0]
        known = best.get(turn.observation)
        dropped["another answer to the problem"] += known is not None
        if known is None or len(turn.text) < len(known.answer):
            best[turn.observation] = Example(turn.observation, turn.text)
    return list(best.values()), +dropped


def _unfit(episode: Episode, env_id: str | None) -> str:
    """Why an episode is no example; "" when it is one."""
    if episode.env_kwargs.get("split", "train") != "train":
        return "held out"
    if env_id is not None and episode.env_id != env_id:
        return "of another environment"
    if len(episode.turns) != 1:
        return "not of one turn"
    outcome = episode.outcome.get(episode.turns[0].role)
    return "" if outcome is not None and outcome.decided and outcome.reward >= 1 else "not right"


class FewShot:
    """n examples of a pool before each dialogue, drawn by its seed, so that samples of one question see different ones.

    The question itself is never among them. meta: shots, how many there were; fewer where the pool holds fewer.

    Raises:
        ValueError: the pool is empty, or n is below 1.
    """

    def __init__(self, agent: Agent, pool: Sequence[Example], n: int = 4) -> None:
        if n < 1 or not pool:
            raise ValueError("few-shot needs 1 example or more: collect right answers to training problems first")
        self.agent, self.pool, self.n = agent, list(pool), n

    @property
    def actor(self) -> Actor:
        return named(self.agent, f"few_shot:{self.n}")

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        drawn = [self._drawn(dialogue) for dialogue in dialogues]
        replies = self.agent.respond([_behind(own, one) for own, one in zip(drawn, dialogues, strict=True)])
        return [
            replace(reply, meta={**reply.meta, "shots": len(own)}) for reply, own in zip(replies, drawn, strict=True)
        ]

    def _drawn(self, dialogue: Dialogue) -> list[Example]:
        asked = "\n".join(message.content for message in dialogue.messages)
        rng = np.random.default_rng(derive_seed(dialogue.seed, "examples"))
        order = (self.pool[index] for index in rng.permutation(len(self.pool)))
        return [one for one in order if one.question not in asked][: self.n]


def _behind(shots: Sequence[Example], dialogue: Dialogue) -> Dialogue:
    system = tuple(message for message in dialogue.messages if message.role == "system")
    rest = tuple(message for message in dialogue.messages if message.role != "system")
    turns = tuple(
        message for one in shots for message in (Message("user", one.question), Message("assistant", one.answer))
    )
    return replace(dialogue, messages=(*system, *turns, *rest))
