"""Credit: how much better each token did than was to be expected, from a packed batch; no model.

A batch is taken whole, before it is split. r_t is what token t was given: its ``token_reward``, and at the sequence's
last action token the outcome as well. Steps in time are action tokens: what stands between two of them (observations
of a dialogue) is passed over, so that credit is carried through it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from palaestra.episodes.advantages import ZERO_SPREAD

from .batch import Batch
from .losses.objective import refuse


class Credit(ABC):
    """From a batch to the same with advantages a token, and diagnostics."""

    __slots__ = ()
    reads_steps = False  # batch.token_reward: verdicts of steps
    reads_outcome = True  # batch.reward, from which a price may have been taken

    @abstractmethod
    def __call__(self, batch: Batch) -> tuple[Batch, dict[str, float]]:
        """Undecided sequences (reward nan) get advantage 0, and enter no baseline and no scale."""


class Actions(NamedTuple):
    """The action tokens as a rectangle, a row a sequence, padded on the right.

    places: (S, A), where each stands in the packed batch. there: (S, A), False for padding.
    given: (S, A), its own token_reward, nan where it has none. outcome: (S,). group: (S,). decided: (S,).
    """

    places: Tensor
    there: Tensor
    given: Tensor
    outcome: Tensor
    group: Tensor
    decided: Tensor

    @property
    def known(self) -> Tensor:
        """(S, A), the tokens of decided sequences."""
        return self.there & self.decided[:, None]

    @property
    def last(self) -> Tensor:
        """(S, A), True at each sequence's last token alone."""
        return torch.arange(self.there.shape[1]) == self.there.sum(1, keepdim=True) - 1

    def rewards(self) -> Tensor:
        """r_t, (S, A): 0 for what nobody judged."""
        return self.given.nan_to_num() + torch.where(self.last & self.known, self.outcome[:, None], 0.0)

    def onto(self, batch: Batch, values: Tensor) -> Tensor:
        """(S, A) values where their tokens stand in the batch, (T,), 0 elsewhere."""
        return torch.zeros(len(batch)).index_put((self.places[self.there],), values[self.there].float())


def actions(batch: Batch) -> Actions:
    first = batch.position == 0
    count = batch.index[batch.action_mask].bincount(minlength=int(first.sum()))
    there = torch.arange(int(count.max())) < count[:, None]
    places = torch.zeros(there.shape, dtype=torch.long)
    places[there] = batch.action_mask.nonzero().squeeze(1)
    given = torch.where(there, batch.token_reward[places], torch.nan)
    outcome = batch.reward[first]
    return Actions(places, there, given, outcome, batch.group_id[first], ~outcome.isnan())


@dataclass(frozen=True, slots=True)
class GAE(Credit):
    """A_t = Σ_l (γλ)^l δ_{t+l}, δ_t = r_t + γ V_{t+1} - V_t, V = 0 after the last; returns_t = A_t + V_t.

    Generalised advantage estimation (arXiv 1506.02438). λ = 1: the reward to go without the forecast; λ = 0: A = δ.
    whiten: A less its mean over the step's action tokens, over their standard deviation (PPO; arXiv 1707.06347).
    """

    gamma: float = 1.0
    gae_lambda: float = 0.95
    whiten: bool = True

    def __post_init__(self) -> None:
        for name in ("gamma", "gae_lambda"):
            refuse(not 0 <= getattr(self, name) <= 1, f"{name} is from 0 to 1, not {getattr(self, name)}")

    def __call__(self, batch: Batch) -> tuple[Batch, dict[str, float]]:
        a = actions(batch)
        value = torch.where(a.there, batch.value[a.places], 0.0).double()
        following = torch.nn.functional.pad(value, (0, 1))[:, 1:]
        delta = torch.where(a.there, a.rewards() + self.gamma * following - value, 0.0)
        advantage = discounted_sums(delta, self.gamma * self.gae_lambda)
        known = a.known
        returns = torch.where(known, advantage + value, value)  # nothing to be learned from the undecided
        explained = 1 - (returns - value)[known].var() / returns[known].var().clamp(min=1e-8) if known.any() else 0.0
        if self.whiten and known.sum() > 1:
            advantage = (advantage - advantage[known].mean()) / (advantage[known].std() + 1e-8)
        advantage = torch.where(known, advantage, 0.0)
        scored = replace(batch, advantage=a.onto(batch, advantage), returns=a.onto(batch, returns))
        return scored, {"explained_variance": float(explained)}


@dataclass(frozen=True, slots=True)
class StepAdvantage(Credit):
    """A_t = Σ over the steps that end at t or later of (r - mean r) / std r, over all steps of the group's answers.

    GRPO with process supervision (DeepSeekMath, arXiv 2402.03300, 4.1.3). The outcome is the last step's reward, beside
    the verdict of that step.
    """

    reads_steps = True

    def __call__(self, batch: Batch) -> tuple[Batch, dict[str, float]]:
        a = actions(batch)
        reward = a.rewards().double()
        step = (~a.given.isnan() | a.last) & a.known
        normal = torch.zeros_like(reward)
        for group in a.group.unique():
            chosen = step & (a.group == group)[:, None]
            rewards = reward[chosen]
            if len(rewards) > 1 and rewards.max() - rewards.min() > ZERO_SPREAD:
                normal[chosen] = (rewards - rewards.mean()) / rewards.std()
        advantage = torch.where(a.there, discounted_sums(normal, 1.0), 0.0)
        judged = float((~a.given.isnan()).sum() / a.there.sum())
        return replace(batch, advantage=a.onto(batch, advantage)), {"judged_tokens": judged}


@dataclass(frozen=True, slots=True)
class ForetoldSteps(Credit):
    """As ``StepAdvantage``, a step's r what a process reward model says of it, σ(V) behind the step's last token.

    OpenR (arXiv 2410.09671) with the group's normalisation in place of a critic. Where no step is judged, none is paid.
    """

    def __call__(self, batch: Batch) -> tuple[Batch, dict[str, float]]:
        told = torch.where(batch.token_reward.isnan(), torch.nan, batch.value.sigmoid())
        made, metrics = StepAdvantage()(replace(batch, token_reward=told))
        return replace(made, token_reward=batch.token_reward), metrics


@dataclass(frozen=True, slots=True)
class ImplicitReturns(Credit):
    """A_t = Σ_{s≥t} γ^(s-t) (r_s - b) + R - mean of the others' R, b the mean over the other answers of their mean r_s.

    PRIME (arXiv 2502.01456): r is a reward model's implicit reward of the token, R the outcome.
    """

    gamma: float = 1.0

    def __post_init__(self) -> None:
        refuse(not 0 <= self.gamma <= 1, f"gamma is from 0 to 1, not {self.gamma}")

    def __call__(self, batch: Batch) -> tuple[Batch, dict[str, float]]:
        a = actions(batch)
        given = torch.where(a.there, a.given.nan_to_num(), 0.0).double()
        means = given.sum(1) / a.there.sum(1).clamp(min=1)
        dense = discounted_sums(torch.where(a.there, given - leave_one_out(means, a)[:, None], 0.0), self.gamma)
        outcome = a.outcome.double() - leave_one_out(a.outcome.double(), a)
        advantage = torch.where(a.known, dense + outcome[:, None], 0.0)
        return replace(batch, advantage=a.onto(batch, advantage)), {"implicit_reward": float(means.mean())}


@dataclass(frozen=True, slots=True)
class TokenAdvantage(Credit):
    """A_t = r_t alone: the implicit token reward of a preference-tuned model is an advantage, β log π*/ref = Q* - V*.

    From r to Q* (arXiv 2404.12358). It is an advantage near the policy that was tuned, and nothing holds the policy
    there: in the one long run made of it, accuracy doubled in 16 rounds and was lost in the next 24. Stop early, or put
    a KL to the reference into the loss.
    """

    reads_outcome = False

    def __call__(self, batch: Batch) -> tuple[Batch, dict[str, float]]:
        a = actions(batch)
        advantage = torch.where(a.known, a.given.nan_to_num(), 0.0)
        return replace(batch, advantage=a.onto(batch, advantage)), {"implicit_reward": float(advantage.sum(1).mean())}


@dataclass(frozen=True, slots=True)
class CriticalTokens(Credit):
    """w_t = 1 - σ(r_t) on the tokens of rejected answers, 1 on all others: what made them wrong weighs most.

    r_t = log p(a_t) - log q(a_t) of a model p of right answers and a model q of wrong ones, so that w_t is the chance
    that the token is q's. After cDPO (arXiv 2411.19943), whose contrast is normalised over the vocabulary instead.
    """

    def __call__(self, batch: Batch) -> tuple[Batch, dict[str, float]]:
        rejected = batch.action_mask & (batch.label < 0)
        weight = torch.where(rejected, torch.sigmoid(-batch.token_reward.nan_to_num()), batch.weight)
        return replace(batch, weight=weight), {"critical": float(weight[rejected].mean()) if rejected.any() else 0.0}


@dataclass(frozen=True, slots=True)
class Rewritten(Credit):
    """A_t = clip(p_t - ½, 0, ½) on a right answer's tokens, clip(p_t - ½, -0.1, 0) on a wrong one's, p_t = exp(r_t).

    p is the chance that a model which rewrites wrong answers with as few edits as can be leaves the token as it is
    (RLMEC; arXiv 2401.06081). Rows labelled 1 are rewritten answers, for imitation: their r_t are weights, A is 0.
    ``n_judged`` becomes the number of tokens whose A is not 0.
    """

    def __call__(self, batch: Batch) -> tuple[Batch, dict[str, float]]:
        given = torch.where(batch.action_mask, batch.token_reward.nan_to_num(), 0.0)
        answers = batch.action_mask & (batch.label <= 0) & ~batch.reward.isnan()
        above = given.exp() - 0.5
        reward = torch.where(batch.reward >= 1, above.clamp(0, 0.5), above.clamp(-0.1, 0))
        advantage = torch.where(answers, reward, 0.0)
        weight = torch.where(batch.label > 0, given, batch.weight)
        moved = int((advantage != 0).sum())
        scored = replace(batch, advantage=advantage, weight=weight, n_judged=max(1, moved))
        return scored, {"rewritten_tokens": moved / max(1, int(answers.sum()))}


def discounted_sums(values: Tensor, discount: float) -> Tensor:
    """Σ_{s≥t} discount^(s-t) values_s along the last axis, (S, A)."""
    sums, running = torch.empty_like(values), torch.zeros_like(values[:, 0])
    for t in range(values.shape[1] - 1, -1, -1):
        running = values[:, t] + discount * running
        sums[:, t] = running
    return sums


def leave_one_out(values: Tensor, a: Actions) -> Tensor:
    """The mean of the *other* decided answers of each one's group, (S,); 0 where there is none."""
    known = torch.where(a.decided, values, 0.0)
    groups = int(a.group.max()) + 1
    total = known.new_zeros(groups).index_add(0, a.group, known)[a.group]
    count = known.new_zeros(groups).index_add(0, a.group, a.decided.to(known.dtype))[a.group]
    return (total - known) / (count - a.decided.to(known.dtype)).clamp(min=1)
