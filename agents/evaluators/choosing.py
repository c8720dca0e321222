"""How agents that choose among answers ask an evaluator, of whatever kind, and what they make of nan."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from palaestra.agents.agent import Dialogue, Reply, joined
from palaestra.episodes import Actor, Cost

from .assessment import Answer, Assessor, weights_of
from .scored import Scored

if TYPE_CHECKING:
    from palaestra.agents.evaluator import Scorer


def scores_of(
    evaluator: Scorer | Assessor, dialogues: Sequence[Dialogue], replies: Sequence[Reply], counts: Counter[str]
) -> tuple[list[float], list[Cost]]:
    """A score for each reply, and what it cost; k replies to each dialogue stand in a row.

    What is not finite becomes nan, and is counted as "not scored".
    """
    k = len(replies) // max(len(dialogues), 1)
    answers = [Answer(dialogues[index // k], reply, index // k) for index, reply in enumerate(replies)]
    assessor = evaluator if hasattr(evaluator, "assess") else Scored(evaluator)
    assessed = assessor.assess(answers)
    scores = [one.scores[0] if math.isfinite(one.scores[0]) else math.nan for one in assessed]
    counts["not scored"] += sum(map(math.isnan, scores))
    return scores, [one.cost for one in assessed]


def favourite(scores: Sequence[float]) -> int:
    """Where the highest score is, the first of equals; nan is below all, and 0 is where nothing else is."""
    return max(range(len(scores)), key=lambda index: -math.inf if math.isnan(scores[index]) else scores[index])


def peeking(evaluator: object) -> str:
    """What stands in an agent's name when its evaluator looks at verdicts."""
    return "+peek" if getattr(evaluator, "peeks", False) else ""


def chooses(inner: Actor, name: str, evaluator: object) -> Actor:
    """Who an agent is that gives one of ``inner``'s replies by an evaluator's word: its weights are those of both."""
    hashes = joined(inner.weights_hash, weights_of(evaluator))
    return Actor(f"{inner.agent_id}+{name}{peeking(evaluator)}", hashes)


def paid(reply: Reply, cost: Cost, **meta: object) -> Reply:
    """The reply with all that it took, and remarks."""
    return replace(reply, cost=cost, meta={**reply.meta, **meta})
