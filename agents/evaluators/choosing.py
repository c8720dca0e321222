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
    evaluator: Scorer | Assessor, dialogues: Sequence[Dialogue], groups: Sequence[Sequence[Reply]], counts: Counter[str]
) -> list[tuple[list[float], Cost]]:
    """Of each dialogue's group of replies a score each, and what all of them cost.

    What is not finite becomes nan, and is counted as "not scored".
    """
    asked = enumerate(zip(dialogues, groups, strict=True))
    answers = [Answer(dialogue, reply, index) for index, (dialogue, group) in asked for reply in group]
    assessor = evaluator if hasattr(evaluator, "assess") else Scored(evaluator)
    assessed = iter(assessor.assess(answers))
    made = []
    for group in groups:
        own = [next(assessed) for _ in group]
        scores = [one.scores[0] if math.isfinite(one.scores[0]) else math.nan for one in own]
        counts["not scored"] += sum(map(math.isnan, scores))
        made.append((scores, sum((one.cost for one in own), Cost())))
    return made


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
