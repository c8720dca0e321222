"""Models that learn beside the policy: critics foretell its returns, judges say what a token is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from palaestra.agents.memory import apart
from palaestra.agents.pretrained import weights_hash
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.episodes.advantages import RunningMean
from palaestra.episodes.sources import Round, Source
from palaestra.episodes.views import Row

from .batch import Batch, pack
from .forward import Outputs
from .losses import Objective
from .losses.objective import refuse
from .optimise import adamw
from .reference import logprobs_under, read_all


@dataclass(frozen=True, slots=True)
class Critic:
    """Foretells, at each token, the reward that is still to come.

    objective: of its forecasts.
    shared: one backbone, a head beside the policy's, ``coefficient`` times its loss in one step; else a model apart,
    with the policy's first weights. after: it speaks after each token, of steps that are done, not before it.
    """

    objective: Objective
    shared: bool = False
    coefficient: float | None = None
    after: bool = False

    def __post_init__(self) -> None:
        if self.shared != (self.coefficient is not None):
            raise ValueError("coefficient weighs the loss of a shared critic: it goes with shared true and no other")
        refuse(self.coefficient is not None and not self.coefficient > 0, "critic.coefficient is above 0")


@dataclass(frozen=True, slots=True)
class Judge:
    """A model made like the policy, whose log-probabilities φ tell what a token is worth.

    r_t = β (log φ(a_t) - log against(a_t)), within ±clip of 0.

    objective, source: what φ learns by, from which of a round's answers. against: another model, which learns by the
        same objective from this source; None: the policy as evolution began.
    alone: the algorithm's first rounds, in which it learns and the policy waits. frozen: it learns in these only.
    context: rows as the judge reads them, with the same action tokens behind another prompt; then r_t = β log φ(a_t).
    """

    objective: Objective
    source: Source
    beta: float
    against: Source | None = None
    clip: float | None = None
    alone: int = 0
    frozen: bool = False
    context: Callable[[Round, list[Row]], list[Row]] | None = None

    def __post_init__(self) -> None:
        for name, value in (("beta", self.beta), ("clip", self.clip)):
            refuse(value is not None and not value > 0, f"judge.{name} is above 0, not {value}")
        refuse(self.clip is not None and self.context is not None, "judge.clip has no effect on rows of its own")
        refuse(self.alone < 0, f"judge.alone is 0 or more, not {self.alone}")
        refuse(self.frozen and not self.alone, "judge.frozen needs judge.alone: else it never learns")


class Module:
    """A model beside the policy, with its optimiser, its running means and the number of steps that it has made."""

    def __init__(
        self, model: PreTrainedModel, state: Mapping[str, Any] | None = None, device: torch.device | None = None
    ) -> None:
        """state: of ``state_dict``, to go on from. device: the optimiser's, where it is not the model's."""
        self.model = self.learner = model  # whole in every process
        self.steps = 0
        self.running = RunningMean()
        if state is not None:
            _put(state["weights"].values(), self._weights().values())
        self.optimizer = adamw(model, device=device)
        if state is not None:
            self.steps = state["steps"]
            self.running.load_state_dict(state["running"])
            self.optimizer.load_state_dict(state["optimizer"])
            _put(state["masters"], apart(self.optimizer, model))
        self._engine: TransformersEngine | None = None
        self._hash = ""  # of its weights, where they were asked for since its last step

    def moved(self) -> None:
        """Count a step of its weights."""
        self.steps += 1
        self._hash = ""

    @property
    def weights_hash(self) -> str:
        """What names its weights of now in the log."""
        self._hash = self._hash or weights_hash(self.model)
        return self._hash

    def engine(self, eos_ids: Sequence[int]) -> TransformersEngine:
        """What samples from it, with the weights of now. Made once: a new one first tries its decoder out."""
        if self._engine is None:
            self._engine = TransformersEngine(self.model, eos_ids)
        return self._engine

    def _weights(self) -> dict[str, Tensor]:
        """Those that learn."""
        return {name: weight.detach() for name, weight in self.model.named_parameters() if weight.requires_grad}

    def state_dict(self) -> dict[str, Any]:
        return {
            "weights": self._weights(),
            "masters": apart(self.optimizer, self.model),
            "steps": self.steps,
            "running": self.running.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }


def _put(saved: Iterable[Tensor], weights: Iterable[Tensor]) -> None:
    for weight, value in zip(weights, saved, strict=True):
        weight.data.copy_(value)


def with_values(batch: Batch, critic: PreTrainedModel, read: Callable[..., Outputs], max_tokens: int) -> Batch:
    """The batch with the critic's forecasts as they are before the round's first update."""
    return replace(batch, value=read_all(critic, batch, max_tokens, lambda *given: read(*given).value))


def with_token_rewards(
    batch: Batch, judge: Judge, model: PreTrainedModel, against: PreTrainedModel, max_tokens: int
) -> Batch:
    """The batch with what the judge says that each action token is worth; sum_t r_t = β Δ of the whole answer."""
    reward = judge.beta * (logprobs_under(model, batch, max_tokens) - logprobs_under(against, batch, max_tokens))
    if judge.clip is not None:
        reward = reward.clamp(-judge.clip, judge.clip)
    return replace(batch, token_reward=torch.where(batch.action_mask, reward, torch.nan))


def with_rewards_in(batch: Batch, rows: list[Row], judge: Judge, model: PreTrainedModel, max_tokens: int) -> Batch:
    """The same where the judge reads ``rows``, which have the batch's sampled tokens behind prompts of its own.

    Rows labelled 1 keep what they have: they were not sampled.
    """
    asked = pack(rows)
    told = judge.beta * logprobs_under(model, asked, max_tokens)
    reward = torch.full_like(batch.token_reward, torch.nan)
    reward[batch.action_mask] = told[asked.action_mask]
    return replace(batch, token_reward=torch.where(batch.label > 0, batch.token_reward, reward))
