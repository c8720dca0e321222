"""An evaluator: a language model whose head gives one number for an answer, and an agent that lets it choose."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerBase

from palaestra.episodes import Actor, Cost

from .adapters import add_adapter, has_adapter, whereabouts
from .agent import Agent, Dialogue, Reply, samples
from .evaluators.assessment import Assessor
from .evaluators.choosing import chooses, favourite, paid, scores_of
from .pretrained import load_pretrained, weights_hash

Ids = Sequence[int]
BATCH = 64  # answers read at once


class Scorer(Protocol):
    """Whatever scores answers: higher is better, and comparable between answers to one problem."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    def score(self, prompts: Sequence[Ids], answers: Sequence[Ids]) -> list[float]:
        """A number for each answer behind its prompt."""


class Evaluator:
    """Scores answers: higher is better, and comparable between answers to one problem."""

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, name: str = "evaluator") -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.actor = Actor(name, weights_hash(model))

    def score(self, prompts: Sequence[Ids], answers: Sequence[Ids]) -> list[float]:
        """The head's value at the last token of each answer, read behind its prompt. Raises as ``tokens`` does."""
        return [values[-1] for values in self.tokens(prompts, answers)]

    @torch.no_grad()
    def tokens(self, prompts: Sequence[Ids], answers: Sequence[Ids]) -> list[list[float]]:
        """The head's value at each token of each answer, read behind its prompt.

        Raises:
            ValueError: an answer without tokens.
        """
        if not all(map(len, answers)):
            raise ValueError("an answer without tokens cannot be scored")
        whole = [torch.tensor([*prompt, *answer]) for prompt, answer in zip(prompts, answers, strict=True)]
        order = sorted(range(len(whole)), key=lambda index: len(whole[index]))  # so that little is padding
        scores: list[list[float]] = [[] for _ in whole]
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            ids = pad_sequence([whole[index] for index in chosen], batch_first=True).to(self.model.device)
            hidden = self.model.base_model(input_ids=ids, use_cache=False).last_hidden_state
            head: Any = self.model.score
            for row, index in zip(hidden, chosen, strict=True):
                own = row[len(prompts[index]) : len(whole[index])]
                scores[index] = head(own).squeeze(-1).float().tolist()
        return scores


class BestOfN:
    """Wraps an agent: n replies a dialogue, of which the evaluator's favourite is given, the first of equals.

    evaluator: a ``Scorer``, which reads tokens, or any ``Assessor``; that it peeks stands in the name. What it gives
    no score stands below all others, and is counted. The reply is a real one of the n (its tokens are logged); the cost
    is that of all n and of judging them. meta: score (None without one), of. counts: "not scored".
    """

    def __init__(self, agent: Agent, evaluator: Scorer | Assessor, n: int = 8) -> None:
        if n < 1:
            raise ValueError(f"best of n needs n of 1 or more, not {n}")
        self.agent = agent
        self.evaluator = evaluator
        self.n = n
        self.counts: Counter[str] = Counter()

    @property
    def actor(self) -> Actor:
        return chooses(self.agent.actor, f"best{self.n}", self.evaluator)

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        groups = samples(self.agent, dialogues, self.n)
        scored = scores_of(self.evaluator, dialogues, groups, self.counts)
        return [self._best(group, *own) for group, own in zip(groups, scored, strict=True)]

    def _best(self, replies: Sequence[Reply], scores: Sequence[float], judging: Cost) -> Reply:
        best = favourite(scores)
        cost = sum((reply.cost for reply in replies), judging)
        return paid(replies[best], cost, score=None if math.isnan(scores[best]) else scores[best], of=self.n)


def load_evaluator(path: str | os.PathLike[str], device: str = "auto") -> Evaluator:
    """A trained evaluator from its folder.

    Raises:
        MissingModel: there is none; the message says what to do.
    """
    model, tokenizer = load_pretrained(path, AutoModelForSequenceClassification, device, num_labels=1)
    return Evaluator(model, tokenizer, Path(path).name)


def add_value_head(model: PreTrainedModel) -> None:
    """Give a language model a second head, ``score``, of one output, on the same backbone; it says 0 at first.

    Beside an adapter it is in fp32, as that is, and is not among the weights that the adapter's folder holds.
    """
    dtype = torch.float32 if has_adapter(model) else model.dtype
    head = torch.nn.Linear(model.config.get_text_config().hidden_size, 1, bias=False, device=model.device, dtype=dtype)
    torch.nn.init.zeros_(head.weight)
    model.score = head
    model.config.num_labels = 1  # so that its folder is read as an evaluator's too


def value_head(model: PreTrainedModel) -> dict[str, torch.Tensor] | None:
    """The second head's weights, under the names that they have in the model; None without one."""
    weights = {name: tensor for name, tensor in model.state_dict().items() if name.startswith("score.")}
    return weights or None


def new_evaluator(
    policy: str | os.PathLike[str],
    device: str | torch.device = "auto",
    lora_rank: int = 0,
    dtype: torch.dtype | None = None,
) -> Evaluator:
    """An untrained evaluator on the weights of a policy: its head says 0 to everything.

    lora_rank: of adapters that are to learn, with the head, instead of the weights; 0 for none. dtype: of the weights,
    as ``load_model`` has it.
    """
    kind, head_weights = AutoModelForSequenceClassification, ("score.weight",)
    model, tokenizer = load_pretrained(policy, kind, device, dtype, True, head_weights, num_labels=1)
    head: Any = model.score
    torch.nn.init.zeros_(head.weight)
    if lora_rank:
        add_adapter(model, whereabouts(policy), lora_rank, alpha=2 * lora_rank, heads=["score"])
    return Evaluator(model, tokenizer)
