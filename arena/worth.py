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
    """What the evaluator is worth on these answers. Raises ValueError as ``ordered`` does."""
    found = ordered(evaluator, rows)
    shares, best = [share for share, _ in found.values()], [reward for _, reward in found.values()]
    groups = choices.by_group(rows)
    rewards = [[row.reward for row in group] for name, group in groups.items() if name in found]
    means = (float(np.mean(part)) for part in (best, list(map(np.mean, rewards)), list(map(max, rewards))))
    return Worth(len(found), float(np.mean(shares)), *bootstrap(shares), *means)


def ordered(evaluator: Scorer, rows: Sequence[Row]) -> dict[tuple[str, str], tuple[float, float]]:
    """Of each problem whose answers differ in reward, by its group and role, the share of pairs of a better and a worse
    answer in the right order, and the reward of the answer that the evaluator prefers.

    Raises:
        ValueError: no problem's answers differ in reward.
    """
    groups = choices.by_group(choices.contrasted(rows).rows)
    if not groups:
        raise ValueError("no held-out problem has answers of different rewards")
    answers = [row for group in groups.values() for row in group]
    first = [int(row.action.argmax()) for row in answers]
    prompts = [row.ids[:n].tolist() for row, n in zip(answers, first, strict=True)]
    scores = iter(evaluator.score(prompts, [row.ids[n:].tolist() for row, n in zip(answers, first, strict=True)]))
    found = {}
    for name, group in groups.items():
        scored = [(next(scores), row.reward) for row in group]
        pairs = [one > other for one, high in scored for other, low in scored if high > low + choices.EQUAL]
        found[name] = sum(pairs) / len(pairs), max(scored, key=lambda pair: pair[0])[1]
    return found
