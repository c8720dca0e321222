"""How likely a model finds an answer: mean log-probability, which is minus the logarithm of its perplexity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from palaestra.agents.policy import PolicyLLM
from palaestra.agents.strategies.inside import model_of, probabilities
from palaestra.episodes import Cost

from .assessment import GRAINS, Answer, Assessment, Grain, ends_of, ids_of, refuse, shares, spans_of


class Perplexity:
    """The mean log-probability of the tokens of the answer, of each step, or of each token alone; at most 0.

    policy: whose model reads: the one that answered, or a small reference with its tokenizer (arXiv:2405.20541).
    """

    grains: tuple[Grain, ...] = GRAINS

    def __init__(self, policy: PolicyLLM) -> None:
        self.model = model_of(policy, "perplexity")
        self.policy, self.decode = policy, policy.chat.text

    @property
    def weights_hash(self) -> str:
        """Of the model that reads."""
        return self.policy.actor.weights_hash

    def assess(self, answers: Sequence[Answer], grain: Grain = "answer") -> list[Assessment]:
        refuse(self, grain)
        return [self._assess(answer, grain) for answer in answers]

    def _assess(self, answer: Answer, grain: Grain) -> Assessment:
        reply = answer.reply
        ids = ids_of(reply, grain)
        logprobs = [row[token].item() for row, token in zip(self._read(reply.prompt_ids, ids), ids, strict=True)]
        parts = shares(logprobs, ends_of(reply, grain, self.decode))
        scores = tuple(float(np.mean(part)) if part else float("nan") for part in parts)
        cost = Cost(tokens_in=len(reply.prompt_ids) + len(ids))
        return Assessment(scores, spans_of(reply, grain, self.decode), cost)

    def _read(
        self, prompt: Sequence[int], ids: Sequence[int]
    ) -> Sequence[np.ndarray[tuple[int], np.dtype[np.float32]]]:
        return list(probabilities(self.model, prompt, ids)[:-1].cpu().numpy())
