"""Algorithms as rows of a table: how answers are scored, and which loss that enters."""

from __future__ import annotations

from dataclasses import dataclass

from .advantages import Advantage
from .losses import PolicyGradient


@dataclass(frozen=True, slots=True)
class Algorithm:
    advantage: Advantage
    objective: PolicyGradient


ALGORITHMS = {
    # DeepSeekMath, arXiv 2402.03300
    "grpo": Algorithm(
        Advantage(baseline="group_mean", scale="group_std"),
        PolicyGradient(ratio="token", clip_low=0.2, clip_high=0.2, aggregation="sequence_mean"),
    ),
    # Back to Basics, arXiv 2402.14740: the whole answer is one action, so its log-probability is a sum
    "rloo": Algorithm(
        Advantage(baseline="leave_one_out"),
        PolicyGradient(ratio="none", aggregation="sequence_sum"),
    ),
}
