"""Objectives for evaluators: models with one number for what they have read (``Outputs.value``).

v is the value at an answer's last token, V_t that at each of its tokens, R the answer's reward in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from ..batch import Batch
from ..forward import Outputs
from .objective import Objective, refuse
from .sequences import sequences


@dataclass(frozen=True, slots=True)
class BradleyTerry(Objective):
    """L = mean over pairs of -log σ(v_w - v_l - margin) + centre (v_w + v_l)²; of a tie, of two answers labelled 0,
    -log(σ(g + margin) - σ(g - margin)), g their difference.

    Bradley and Terry 1952; ties by Rao and Kupper 1967, for which the margin must be above 0; ``centre``
    (arXiv 2312.09244) keeps scores of different problems near one another, which the pairs alone leave free. With pairs
    of steps it is rStar-Math's process preference model (arXiv 2501.04519).
    """

    margin: float = 0.0
    centre: float = 0.01
    whole_groups = True

    def __post_init__(self) -> None:
        for name in ("margin", "centre"):
            refuse(not getattr(self, name) >= 0, f"{name} is 0 or more, not {getattr(self, name)}")

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        s, last = sequences(batch, outputs), last_values(batch, outputs)
        chosen, rejected = s.pairs()
        gap = last[chosen] - last[rejected]
        loss = (-logsigmoid(gap - self.margin) + self.centre * (last[chosen] + last[rejected]).square()).sum()
        one, other = s.ties()
        if len(one):
            refuse(self.margin == 0, "ties need a margin above 0: without one they have no likelihood")
            gap_of_tie = (last[one] - last[other]).abs()
            # log(σ(g + m) - σ(g - m)) = log σ(g + m) + log σ(m - g) + log(1 - exp(-2m))
            certain = torch.log(-torch.expm1(torch.tensor(-2 * self.margin)))
            tied = logsigmoid(gap_of_tie + self.margin) + logsigmoid(self.margin - gap_of_tie) + certain
            loss = loss + (-tied + self.centre * (last[one] + last[other]).square()).sum()
        share = loss / batch.n_groups
        return share, {"loss": share.detach(), "pair_accuracy": (gap.detach() > 0).float().sum() / batch.n_groups}


@dataclass(frozen=True, slots=True)
class OutcomeCrossEntropy(Objective):
    """L = mean over answers of -R log σ(v) - (1 - R) log σ(-v), R a label or a soft one (arXiv 2110.14168)."""

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        return cross_entropy(batch, last_values(batch, outputs), sequences(batch, outputs).reward)


@dataclass(frozen=True, slots=True)
class StepCrossEntropy(Objective):
    """L = mean over judged steps of -y log σ(V_t) - (1 - y) log σ(-V_t), t a step's last token, y its token_reward.

    A process reward model: y a verdict (Let's verify step by step, arXiv 2305.20050) or the share of the answers that
    go on from there and end well (Math-Shepherd, arXiv 2312.08935).
    """

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        step, target = judged(batch)
        loss = torch.where(step, binary_cross_entropy_with_logits(outputs.value, target, reduction="none"), 0.0)
        right = step & ((outputs.value.detach() > 0) == (target > 0.5))
        total = loss.sum() / batch.n_judged
        return total, {"loss": total.detach(), "accuracy": right.float().sum() / batch.n_judged}


@dataclass(frozen=True, slots=True)
class ValueRegression(Objective):
    """L = (1 / n_tokens) Σ_t (tanh V_t - (2R - 1))²: the outcome, foretold at every token (AlphaMath; 2405.03553)."""

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        error = torch.where(batch.action_mask, outputs.value.tanh() - (2 * shares(batch.reward) - 1), 0.0)
        loss = error.square().sum() / batch.n_tokens
        return loss, {"loss": loss.detach(), "bias": error.detach().sum() / batch.n_tokens}


@dataclass(frozen=True, slots=True)
class StepValue(Objective):
    """L = mean over judged steps of (tanh V_t - (2Q - 1))², Q its token_reward (AlphaMath; arXiv 2405.03553); and, for
    pairs of sibling steps, ranking · mean of max(0, margin - (tanh v_w - tanh v_l)) (SVPO; arXiv 2406.10858).
    """

    ranking: float = 0.0
    margin: float | None = None

    def __post_init__(self) -> None:
        refuse(not self.ranking >= 0, f"ranking is 0 or more, not {self.ranking}")
        refuse((self.ranking > 0) != (self.margin is not None), "ranking and margin go together")

    @property
    def whole_groups(self) -> bool:
        return self.ranking > 0

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        step, target = judged(batch)
        value = outputs.value.tanh()
        loss = torch.where(step, value - (2 * target - 1), 0.0).square().sum() / batch.n_judged
        metrics = {"loss": loss.detach()}
        if self.margin is not None:
            chosen, rejected = sequences(batch, outputs).pairs()
            last = last_values(batch, outputs).tanh()
            gap = last[chosen] - last[rejected]
            loss = loss + self.ranking * (self.margin - gap).clamp(min=0).sum() / batch.n_pairs
            metrics["pair_accuracy"] = (gap.detach() > 0).float().sum() / batch.n_pairs
        return loss, metrics


def cross_entropy(batch: Batch, logits: Tensor, reward: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Of an answer's logit with its reward, (S,) each: this micro-batch's share of the mean over answers."""
    loss = binary_cross_entropy_with_logits(logits, shares(reward), reduction="sum") / batch.n_sequences
    right = ((logits.detach() > 0) == (reward > 0.5)).float().sum() / batch.n_sequences
    return loss, {"loss": loss.detach(), "accuracy": right}


def shares(reward: Tensor) -> Tensor:
    """The rewards, which are chances. Raises ValueError for others, as games have them: the loss would be no loss."""
    low, high = reward.min().item(), reward.max().item()
    refuse(
        low < 0 or high > 1, f"rewards from {low:g} to {high:g} are no chances: compare answers, as by bradley_terry"
    )
    return reward


def judged(batch: Batch) -> tuple[Tensor, Tensor]:
    """Which tokens have a reward of their own, (T,), and that reward, 0 elsewhere."""
    step = batch.action_mask & ~batch.token_reward.isnan()
    return step, torch.where(step, batch.token_reward, 0.0)


def last_values(batch: Batch, outputs: Outputs) -> Tensor:
    """The value at the last action token of each sequence, (S,)."""
    index = batch.index
    places = torch.where(batch.action_mask, torch.arange(len(batch), device=batch.ids.device), 0)
    last = torch.zeros(int(index[-1]) + 1, dtype=torch.long, device=batch.ids.device)
    return outputs.value[last.scatter_reduce(0, index, places, "amax")]
