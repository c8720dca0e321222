"""What an evaluator is worth: how it orders answers to problems that it has not learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from palaestra.agents.evaluator import Scorer
from palaestra.episodes import choices
from palaestra.episodes.views import Row

from .intervals import bootstrap


@dataclass(frozen=True, slots=True)
class Worth:
    """What an evaluator is worth on held-out problems whose answers differ in reward.

    problems: how many. ordered: of the pairs of a better and a worse answer to a problem, the share in the right order,
    averaged over problems; low, high: its 95 % interval over problems. best: mean reward of the answer that it prefers;
    mean: of all; most: of the best there is.
    """

    problems: int
    ordered: float
    low: float
    high: float
    best: float
    mean: float
    most: float


def worth(evaluator: Scorer, rows: Sequence[Row]) -> Worth:
    """What the evaluator is worth on these answers.

    Raises:
        ValueError: no problem's answers differ in reward.
    """
    groups: dict[str, list[Row]] = {}
    for row in choices.ranked(rows).rows:
        groups.setdefault(row.group_id, []).append(row)
    if not groups:
        raise ValueError("no held-out problem has answers of different rewards")
    answers = [row for group in groups.values() for row in group]
    first = [int(row.action.argmax()) for row in answers]
    prompts = [row.ids[:n].tolist() for row, n in zip(answers, first, strict=True)]
    scores = iter(evaluator.score(prompts, [row.ids[n:].tolist() for row, n in zip(answers, first, strict=True)]))
    ordered, best = [], []
    for group in groups.values():
        scored = [(next(scores), row.reward) for row in group]
        pairs = [one > other for one, high in scored for other, low in scored if high > low + choices.EQUAL]
        ordered.append(sum(pairs) / len(pairs))
        best.append(max(scored, key=lambda pair: pair[0])[1])
    rewards = [[row.reward for row in group] for group in groups.values()]
    means = (float(np.mean(part)) for part in (best, list(map(np.mean, rewards)), list(map(max, rewards))))
    return Worth(len(groups), float(np.mean(ordered)), *bootstrap(ordered), *means)
