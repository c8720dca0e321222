"""Policy gradient: one objective whose ratio, clip, aggregation and KL term are chosen, not coded again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ..batch import Batch
from ..forward import Outputs
from .objective import Objective, refuse

MAX_LOG_RATIO = 20.0  # exp(20) is finite in fp32 with room to multiply


@dataclass(frozen=True, slots=True)
class PolicyGradient(Objective):
    """L = -agg_t[ w_t min(ρ_t A, clip(ρ_t, 1 - clip_low, 1 + clip_high) A) ] + kl_coefficient · agg_t[ KL_t ] - H.

    ratio: ρ against the behaviour policy. "token": π(a_t)/μ(a_t) (PPO, GRPO; arXiv 2402.03300). "sequence": the
        geometric mean of the sequence's token ratios (GSPO; arXiv 2507.18071). "none": plain REINFORCE,
        L = -agg_t[ A log π(a_t) ], on-policy only, and then no clip.
    aggregation: "token_mean", Σ_t / n_tokens (DAPO; arXiv 2503.14476); "sequence_mean", the mean over sequences of
        the mean over their tokens (GRPO); "sequence_sum", the mean over sequences of the sum over their tokens
        (RLOO; arXiv 2402.14740); "constant", Σ_t / (n_sequences · constant) (Dr. GRPO; arXiv 2503.20783).
    dual_clip: where A < 0, no token's term is below dual_clip · A, however large its ratio (arXiv 1912.09729).
    importance_cap: w_t = min(π_old(a_t) / μ(a_t), cap) corrects an engine μ that is not quite the trainer's policy, and
        ρ is against π_old, the policy as the round's updates began (truncated importance sampling). None: w = 1, ρ
        against μ.
    entropy_coefficient: H = coefficient · Σ_t entropy_t / n_tokens is added to what is to grow.
    kl_estimator, of KL(π‖ref) with d = log ref - log π: "k1" -d, "k2" d²/2, "k3" exp(d) - d - 1
        (Schulman, "Approximating KL divergence"). kl_placement: "loss", where k2 has the gradient of the KL, k3 a
        biased one, and k1 is refused, since its expected gradient is 0; or "reward", where the sum over the sequence
        is taken off its reward (``kl_prices``) and k1 is the unbiased one.

    Raises:
        ValueError: an option that the others leave without effect.
    """

    ratio: Literal["none", "token", "sequence"] = "token"
    clip_low: float | None = None
    clip_high: float | None = None
    dual_clip: float | None = None
    importance_cap: float | None = None
    entropy_coefficient: float = 0.0
    aggregation: Literal["token_mean", "sequence_mean", "sequence_sum", "constant"] = "token_mean"
    constant: int | None = None
    kl_coefficient: float = 0.0
    kl_estimator: Literal["k1", "k2", "k3"] | None = None
    kl_placement: Literal["loss", "reward"] | None = None

    @property
    def reads_reference(self) -> bool:
        return self.kl_coefficient > 0

    @property
    def reads_old(self) -> bool:
        return self.importance_cap is not None

    @property
    def reads_advantage(self) -> bool:
        return self.kl_placement != "loss" and self.entropy_coefficient == 0

    def __post_init__(self) -> None:
        for name, known in (("ratio", RATIOS), ("aggregation", AGGREGATIONS)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is one of {', '.join(known)}, not {getattr(self, name)!r}")
        if self.ratio == "none" and (self.clip_low, self.clip_high) != (None, None):
            raise ValueError("clip_low and clip_high need a ratio: with ratio 'none' there is nothing to clip")
        check_clips(self.clip_low, self.clip_high)
        if self.ratio == "none" and (self.dual_clip, self.importance_cap) != (None, None):
            raise ValueError("dual_clip and importance_cap need a ratio, token or sequence")
        dual, cap = self.dual_clip, self.importance_cap
        refuse(dual is not None and not dual > 1, f"dual_clip is above 1, not {dual}")
        refuse(cap is not None and not cap > 0, f"importance_cap is above 0, not {cap}")
        refuse(self.entropy_coefficient < 0, f"entropy_coefficient is 0 or more, not {self.entropy_coefficient}")
        if (self.constant is not None) != (self.aggregation == "constant"):
            raise ValueError("constant (the longest answer, in tokens) goes with aggregation 'constant' and no other")
        refuse(self.constant is not None and self.constant < 1, f"constant is 1 or more, not {self.constant}")
        self._check_kl()

    def _check_kl(self) -> None:
        refuse(self.kl_coefficient < 0, f"kl_coefficient is 0 or more, not {self.kl_coefficient}")
        if self.kl_coefficient == 0 and (self.kl_estimator or self.kl_placement):
            raise ValueError("kl_estimator and kl_placement have no effect while kl_coefficient is 0")
        if self.kl_coefficient != 0 and not (self.kl_estimator and self.kl_placement):
            raise ValueError("kl_coefficient needs kl_estimator (k1, k2, k3) and kl_placement (loss, reward)")
        if self.kl_estimator is not None and self.kl_estimator not in KL_ESTIMATORS:
            raise ValueError(f"kl_estimator is one of {', '.join(KL_ESTIMATORS)}, not {self.kl_estimator!r}")
        if self.kl_placement not in (None, "loss", "reward"):
            raise ValueError(f"kl_placement is loss or reward, not {self.kl_placement!r}")
        if (self.kl_estimator, self.kl_placement) == ("k1", "loss"):
            raise ValueError("k1 in the loss has no gradient in expectation: put it in the reward, or take k2 or k3")

    def __call__(self, batch: Batch, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of this micro-batch's share of the step, and diagnostics that add up over micro-batches."""
        raw = log_ratios(batch, outputs.logprobs, batch.behaviour_logprobs)
        log_ratio, weight = raw, batch.weight
        if self.importance_cap is not None:
            engine_gap = log_ratios(batch, batch.old_logprobs, batch.behaviour_logprobs)
            weight = weight * engine_gap.exp().clamp(max=self.importance_cap)
            log_ratio = log_ratios(batch, outputs.logprobs, batch.old_logprobs)
        ratio = RATIOS[self.ratio](batch, outputs, log_ratio)
        clipped = clip(ratio, self.clip_low, self.clip_high)
        surrogate = torch.minimum(ratio * batch.advantage, clipped * batch.advantage)
        if self.dual_clip is not None:
            surrogate = torch.where(
                batch.advantage < 0, surrogate.clamp(min=self.dual_clip * batch.advantage), surrogate
            )
        loss = -self._aggregate(batch, weight * surrogate)
        metrics = diagnostics(batch, outputs, raw)
        metrics["clip_fraction"] = measured_mean(batch, (surrogate < ratio * batch.advantage).float())
        if self.kl_estimator is not None and self.kl_placement == "loss":
            kl = reference_kl(batch, outputs.logprobs, self.kl_estimator)
            loss = loss + self.kl_coefficient * self._aggregate(batch, kl)
            metrics["kl_reference"] = measured_mean(batch, kl.detach())
        if self.entropy_coefficient:
            loss = loss - self.entropy_coefficient * outputs.entropy.sum() / batch.n_tokens
        return loss, {"loss": loss.detach(), **metrics}

    def _aggregate(self, batch: Batch, per_token: Tensor) -> Tensor:
        return AGGREGATIONS[self.aggregation](batch, torch.where(batch.action_mask, per_token, 0.0), self.constant or 1)


def check_clips(*clips: float | None) -> None:
    if any(clip is not None and clip < 0 for clip in clips):
        raise ValueError(f"clip_low and clip_high are 0 or more, not {clips}")


def clip(ratio: Tensor, low: float | None, high: float | None) -> Tensor:
    """The ratio, none of them below 1 - low or above 1 + high; None leaves that side open."""
    return ratio.clamp(-torch.inf if low is None else 1 - low, torch.inf if high is None else 1 + high)


def log_ratios(batch: Batch, logprobs: Tensor, others: Tensor) -> Tensor:
    """By how much each action token is likelier in logarithms, (T,), as far as ``exp`` can tell; 0 elsewhere."""
    return torch.where(batch.action_mask, logprobs - others, 0.0).clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO)


def reference_kl(batch: Batch, logprobs: Tensor, estimator: str) -> Tensor:
    """KL(π‖ref) at each action token, estimated from that token, shape (T,); 0 elsewhere."""
    return KL_ESTIMATORS[estimator](log_ratios(batch, batch.reference_logprobs, logprobs))


def diagnostics(batch: Batch, outputs: Outputs, log_ratio: Tensor) -> dict[str, Tensor]:
    """How far the policy has moved from the one that sampled: raw, before any clip. Keys "max/…" combine by maximum.

    The mean ratio is 1 in expectation whatever the staleness; mean |Δ log π| and k3 are what shows it.
    """
    log_ratio = log_ratio.detach()
    return {
        "entropy": measured_mean(batch, outputs.entropy.detach()),
        "ratio": measured_mean(batch, log_ratio.exp()),
        "abs_log_ratio": measured_mean(batch, log_ratio.abs()),
        "kl_behaviour": measured_mean(batch, torch.expm1(log_ratio) - log_ratio),  # k3 of KL(μ‖π)
        "max/ratio_error": torch.where(batch.action_mask, log_ratio.exp() - 1, 0.0).abs().max(),
    }


def measured_mean(batch: Batch, per_token: Tensor) -> Tensor:
    """This micro-batch's share of the mean over the step's tokens that a gradient was computed for."""
    return torch.where(batch.action_mask, per_token, 0.0).sum() / batch.n_measured


def sequence_sums(batch: Batch, per_token: Tensor) -> tuple[Tensor, Tensor]:
    """Sum over each sequence's action tokens and their number, both spread back on its tokens, shape (T,)."""
    index = batch.index
    sums = per_token.new_zeros(int(index[-1]) + 1).index_add(0, index, torch.where(batch.action_mask, per_token, 0.0))
    counts = torch.zeros_like(sums).index_add(0, index, batch.action_mask.to(sums.dtype))
    return sums[index], counts[index].clamp(min=1)


# What multiplies the advantage, (T,), of (batch, outputs, log ratio).
RATIOS: dict[str, Callable[[Batch, Outputs, Tensor], Tensor]] = {
    "none": lambda batch, outputs, _: torch.where(batch.action_mask, outputs.logprobs, 0.0),
    "token": lambda batch, outputs, log_ratio: log_ratio.exp(),
    "sequence": lambda batch, outputs, log_ratio: torch.div(*sequence_sums(batch, log_ratio)).exp(),
}
# The step's share, a scalar, of (batch, x, constant), x a value a token that is 0 outside the mask.
AGGREGATIONS: dict[str, Callable[[Batch, Tensor, int], Tensor]] = {
    "token_mean": lambda batch, x, _: x.sum() / batch.n_tokens,
    "sequence_mean": lambda batch, x, _: (x / sequence_sums(batch, x)[1]).sum() / batch.n_sequences,
    "sequence_sum": lambda batch, x, _: x.sum() / batch.n_sequences,
    "constant": lambda batch, x, constant: x.sum() / (batch.n_sequences * constant),
}
# Each takes d = log ref - log π.
KL_ESTIMATORS: dict[str, Callable[[Tensor], Tensor]] = {
    "k1": torch.neg,
    "k2": lambda delta: delta.square() / 2,
    "k3": lambda delta: torch.expm1(delta) - delta,
}
