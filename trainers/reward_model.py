"""Train an evaluator from a log of judged answers, and say what it is worth on problems that it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from transformers import PreTrainedModel

from palaestra.agents.evaluator import Evaluator
from palaestra.episodes import choices
from palaestra.episodes.judged import Select, judged_steps, sibling_steps, valued_steps, whole
from palaestra.episodes.steps import Ends
from palaestra.episodes.views import Row

from .batch import pack
from .forward import forward, forward_values
from .losses import Expectile, Objective
from .losses.evaluator import BradleyTerry, OutcomeCrossEntropy, StepCrossEntropy, StepValue, ValueRegression
from .optimise import Read, Schedule, adamw, update
from .reference import with_reference

Told = Callable[[int, int, dict[str, float]], None]


def quiet(step: int, steps: int, metrics: dict[str, float]) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class EvaluatorKind:
    """What an evaluator of this kind learns from, and by which loss."""

    objective: Objective
    select: Select
    paper: str


EVALUATORS = {
    "bradley_terry": EvaluatorKind(BradleyTerry(), whole(choices.opposed), "Bradley and Terry 1952"),
    "ties": EvaluatorKind(BradleyTerry(margin=0.5), whole(choices.opposed_or_tied), "Rao and Kupper 1967"),
    "outcome": EvaluatorKind(OutcomeCrossEntropy(), whole(choices.decided), "Outcome verifier, arXiv 2110.14168"),
    "value": EvaluatorKind(ValueRegression(), whole(choices.decided), "AlphaMath's value, arXiv 2405.03553"),
    "expectile": EvaluatorKind(Expectile(), whole(choices.decided), "ILQL's value of utterances, arXiv 2206.11871"),
    "process": EvaluatorKind(StepCrossEntropy(), judged_steps, "Let's verify step by step, arXiv 2305.20050"),
    "process_soft": EvaluatorKind(StepCrossEntropy(), valued_steps, "Math-Shepherd, arXiv 2312.08935"),
    "process_pairs": EvaluatorKind(BradleyTerry(), sibling_steps, "rStar-Math's preference model, arXiv 2501.04519"),
    "step_value": EvaluatorKind(StepValue(), valued_steps, "AlphaMath's value of steps, arXiv 2405.03553"),
    "ranked_value": EvaluatorKind(StepValue(ranking=1.0, margin=0.2), sibling_steps, "SVPO's value, arXiv 2406.10858"),
}


def train_evaluator(
    evaluator: Evaluator, rows: Sequence[Row], ends: Ends, kind: EvaluatorKind, told: Told = quiet, **options: Any
) -> None:
    """Teach an evaluator what its kind learns from these rows; ``options`` as those of ``fit``, which see."""
    chosen = kind.select(rows, ends)
    if not chosen.rows:
        why = ", ".join(f"{count} x {reason}" for reason, count in chosen.dropped.items()) or "no answers"
        raise ValueError(f"nothing to learn from ({why}): log several answers to each problem, some of them right")
    fit(evaluator.model, chosen.rows, kind.objective, told, read=forward_values, **options)


def fit(
    model: PreTrainedModel,
    rows: Sequence[Row],
    objective: Objective,
    told: Told = quiet,
    *,
    read: Read = forward,
    epochs: int = 3,
    batch_size: int = 64,
    learning_rate: float = 3e-4,
    seed: int = 0,
    reference: PreTrainedModel | None = None,
) -> None:
    """``epochs`` passes over the rows in batches of ``batch_size`` sequences; pairs stay together.

    reference: the model that log-ratios are against, for objectives that read one.
    told: called after each step with its number, how many there are, and its metrics.

    Raises:
        ValueError: no row to learn from, or none of a reference that the objective reads.
        TrainingError: a loss or gradient that is not finite.
    """
    if not rows:
        raise ValueError("nothing to learn from: no row")
    if objective.reads_reference and reference is None:
        raise ValueError(f"{type(objective).__name__} compares with a reference: give one")
    if len({row.temperature for row in rows}) > 1:  # of rounds that each chose one: heads and judges are read at 1
        rows = [replace(row, temperature=1.0) for row in rows]
    units: dict[str, list[Row]] = {}
    for number, row in enumerate(rows):
        units.setdefault(row.group_id if objective.whole_groups else str(number), []).append(row)
    order = list(units.values())
    size = max(1, batch_size * len(order) // len(rows))
    per_epoch = -(-len(order) // size)
    optimizer = adamw(model)
    schedule = Schedule(learning_rate, warmup=min(20, per_epoch), total=epochs * per_epoch)
    rng = np.random.default_rng(seed)
    for epoch in range(epochs):
        for step, part in enumerate(np.array_split(rng.permutation(len(order)), per_epoch), epoch * per_epoch):
            batch = pack([row for index in part for row in order[index]])
            batch = batch if reference is None else with_reference(batch, reference, max_tokens=8192)
            metrics = update(model, optimizer, batch, objective, learning_rate=schedule(step), read=read)
            told(step + 1, epochs * per_epoch, metrics)
