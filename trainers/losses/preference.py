"""Preferences: of two answers to a problem, the chosen one is to become likelier than the rejected one.

P pairs a step; a pair is a group of one sequence labelled 1 and one labelled -1. Notation: lp = Σ_t log π(y_t),
Δ = lp - Σ_t log ref(y_t), |y| action tokens; w the chosen answer, l the rejected one, h = Δ_w - Δ_l.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from ..batch import Batch
from ..forward import Outputs
from .objective import Objective
from .sequences import Sequences, sequences


@dataclass(frozen=True, slots=True)
class DPO(Objective):
    """L = mean over pairs of -(1-ε) log σ(β h) - ε log σ(-β h) - α lp_w / |y_w|.

    Direct preference optimisation (arXiv 2305.18290); ε, ``label_smoothing``, the chance that a label is wrong (cDPO;
    Mitchell 2023); α, ``nll_coefficient``, of imitating the chosen answer (RPO, IRPO; arXiv 2404.19733). With the
    previous iterate as reference and own answers as rejected ones it is SPIN's loss (arXiv 2401.01335). A token's part
    of Δ is multiplied by its weight, 1 unless a token-level credit set it (the other cDPO; arXiv 2411.19943).
    """

    beta: float = 0.1
    label_smoothing: float = 0.0
    nll_coefficient: float = 0.0
    reads_reference = True
    whole_groups = True

    def __post_init__(self) -> None:
        _above_zero("beta", self.beta)
        if not 0 <= self.label_smoothing < 0.5:
            raise ValueError(f"label_smoothing is in [0, 0.5), not {self.label_smoothing}: at 0.5 labels tell nothing")
        if self.nll_coefficient < 0:
            raise ValueError(f"nll_coefficient is 0 or more, not {self.nll_coefficient}")

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        s = sequences(batch, outputs)
        chosen, rejected = s.pairs()
        margin = self.beta * (s.weighted[chosen] - s.weighted[rejected])
        smoothing = self.label_smoothing
        loss = -(1 - smoothing) * logsigmoid(margin) - smoothing * logsigmoid(-margin)
        loss = loss - self.nll_coefficient * s.mean[chosen]
        return _mean(batch, loss), _metrics(batch, outputs, s, margin, loss)


@dataclass(frozen=True, slots=True)
class IPO(Objective):
    """L = mean over pairs of (h - 1/(2τ))², the identity preference objective (arXiv 2310.12036).

    reduction: "mean" divides each Δ by its |y|, as its authors say they do; "sum" is the paper's formula. One τ means
        different things in the two.
    """

    tau: float = 0.1
    reduction: Literal["mean", "sum"] = "mean"
    reads_reference = True
    whole_groups = True

    def __post_init__(self) -> None:
        _above_zero("tau", self.tau)
        if self.reduction not in ("mean", "sum"):
            raise ValueError(f"reduction is mean or sum, not {self.reduction!r}")

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        s = sequences(batch, outputs)
        chosen, rejected = s.pairs()
        score = s.log_ratio / s.tokens if self.reduction == "mean" else s.log_ratio
        margin = score[chosen] - score[rejected]
        loss = (margin - 1 / (2 * self.tau)).square()
        return _mean(batch, loss), _metrics(batch, outputs, s, margin, loss)


@dataclass(frozen=True, slots=True)
class SimPO(Objective):
    """L = mean over pairs of -log σ(β (lp_w / |y_w| - lp_l / |y_l|) - γ); no reference (arXiv 2405.14734)."""

    beta: float = 2.0
    gamma: float = 1.0
    whole_groups = True

    def __post_init__(self) -> None:
        _above_zero("beta", self.beta)

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        s = sequences(batch, outputs)
        chosen, rejected = s.pairs()
        margin = self.beta * (s.mean[chosen] - s.mean[rejected])
        loss = -logsigmoid(margin - self.gamma)
        return _mean(batch, loss), _metrics(batch, outputs, s, margin, loss)


@dataclass(frozen=True, slots=True)
class ORPO(Objective):
    """L = mean over pairs of -lp_w / |y_w| - λ log σ(log odds_w - log odds_l); no reference (arXiv 2403.07691).

    odds = p / (1 - p) of p = exp(lp / |y|), an answer's likelihood a token.
    """

    coefficient: float = 0.1
    whole_groups = True

    def __post_init__(self) -> None:
        _above_zero("coefficient", self.coefficient)

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        s = sequences(batch, outputs)
        chosen, rejected = s.pairs()
        mean = s.mean.clamp(max=-1e-7)  # at likelihood 1 the odds are infinite
        odds = mean - torch.log(-torch.expm1(mean))
        margin = odds[chosen] - odds[rejected]
        loss = -s.mean[chosen] - self.coefficient * logsigmoid(margin)
        return _mean(batch, loss), _metrics(batch, outputs, s, margin, loss)


def _mean(batch: Batch, per_pair: Tensor) -> Tensor:
    """This micro-batch's share of the mean over the step's pairs."""
    return per_pair.sum() / batch.n_groups


def _metrics(batch: Batch, outputs: Outputs, s: Sequences, margin: Tensor, loss: Tensor) -> dict[str, Tensor]:
    chosen, rejected = s.pairs()
    return {
        "loss": _mean(batch, loss.detach()),
        "margin": _mean(batch, margin.detach()),
        "pair_accuracy": _mean(batch, (margin.detach() > 0).float()),
        "chosen_logprob": _mean(batch, s.logprob.detach()[chosen]),  # many objectives lower both: watch this one
        "rejected_logprob": _mean(batch, s.logprob.detach()[rejected]),
        "entropy": outputs.entropy.detach().sum() / batch.n_tokens,
    }


def _above_zero(name: str, value: float) -> None:
    if not value > 0:
        raise ValueError(f"{name} is above 0, not {value}")
