"""Train an evaluator from a log of judged answers, and say what it is worth on problems that it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from palaestra.agents.evaluator import Evaluator
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Episode, choices, views
from palaestra.episodes.views import Row, View

from .batch import pack
from .forward import forward_values
from .losses import BradleyTerry, Objective, OutcomeCrossEntropy, ValueRegression
from .optimise import Schedule, adamw, update

HELD_OUT = 5  # one problem of so many is not trained on


@dataclass(frozen=True, slots=True)
class EvaluatorKind:
    """What an evaluator of this kind learns from, and by which loss."""

    objective: Objective
    select: Callable[[Sequence[Row]], View]
    paper: str


EVALUATORS = {
    "bradley_terry": EvaluatorKind(BradleyTerry(), choices.opposed, "Bradley and Terry 1952"),
    "outcome": EvaluatorKind(OutcomeCrossEntropy(), choices.decided, "Outcome verifier, arXiv 2110.14168"),
    "value": EvaluatorKind(ValueRegression(), choices.decided, "AlphaMath's value, arXiv 2405.03553"),
}


def judged_answers(episodes: Iterable[Episode]) -> list[Row]:
    """The groups of sampled answers in a log.

    Raises:
        ValueError: it has none.
    """
    rows = views.groups(episode for episode in episodes if episode.tags.get("phase") != "held-out").rows
    if not rows:
        raise ValueError("the log holds no problem that was answered twice: an evaluator learns from such groups")
    return rows


def split(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Rows to train on and rows of held-out problems."""
    out = {name for name in {row.group_id for row in rows} if derive_seed("evaluator", name) % HELD_OUT == 0}
    return [row for row in rows if row.group_id not in out], [row for row in rows if row.group_id in out]


def train_evaluator(
    evaluator: Evaluator,
    rows: Sequence[Row],
    kind: EvaluatorKind,
    *,
    epochs: int = 3,
    batch_size: int = 64,
    learning_rate: float = 3e-4,
    seed: int = 0,
    told: Callable[[int, int, dict[str, float]], None] = lambda step, steps, metrics: None,
) -> None:
    """``epochs`` passes over the rows in batches of ``batch_size`` sequences; pairs stay together.

    told: called after each step with its number, how many there are, and its metrics.

    Raises:
        ValueError: nothing to learn from.
        TrainingError: a loss or gradient that is not finite.
    """
    chosen = kind.select(rows)
    if not chosen.rows:
        raise ValueError(f"nothing to learn from: {dict(chosen.dropped)}")
    units: dict[str, list[Row]] = {}
    for number, row in enumerate(chosen.rows):
        units.setdefault(row.group_id if kind.objective.whole_groups else str(number), []).append(row)
    order = list(units.values())
    size = max(1, batch_size * len(order) // len(chosen.rows))
    per_epoch = -(-len(order) // size)
    optimizer = adamw(evaluator.model)
    schedule = Schedule(learning_rate, warmup=min(20, per_epoch), total=epochs * per_epoch)
    rng = np.random.default_rng(seed)
    for epoch in range(epochs):
        for step, part in enumerate(np.array_split(rng.permutation(len(order)), per_epoch), epoch * per_epoch):
            batch = pack([row for index in part for row in order[index]])
            rate = schedule(step)
            metrics = update(evaluator.model, optimizer, batch, kind.objective, learning_rate=rate, read=forward_values)
            told(step + 1, epochs * per_epoch, metrics)
