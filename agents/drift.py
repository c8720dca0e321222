"""An engine that computes with a copy of the weights, held to the model that they are of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from .engine import AroundEngine, Engine, EngineError, Sampling

# The same prompts each time, long enough to stay in a cache of prompts: one that outlives an update is used, and seen.
PROMPTS, PROMPT_TOKENS, ANSWER_TOKENS = 2, 272, 16
TOLERANCE = {torch.float32: 1e-4}  # a token, on average; what rounding does is about a hundredth of it,
COARSE_TOLERANCE = 0.05  # and a tenth of this one in bfloat16


class CheckedEngine(AroundEngine):
    """An engine whose log-probabilities are compared with a model's after each load, that of the model's weights.

    Raises:
        EngineError: they differ, as ``check_drift`` says.
    """

    def __init__(self, engine: Engine, model: PreTrainedModel) -> None:
        super().__init__(engine)
        self.model = model
        check_drift(engine, model)

    def load(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        super().load(weights, version)
        check_drift(self.engine, self.model)


def check_drift(engine: Engine, model: PreTrainedModel) -> float:
    """Mean |Δ log p| a token between an engine, which answers fixed prompts, and a model, which reads the answers.

    A mean ratio would not show it: under the engine's own distribution that is 1, whatever the weights are.

    Raises:
        EngineError: it is above what the model's precision explains.
    """
    drift = float(np.mean([abs(gap) for gaps in _gaps(engine, model) for gap in gaps]))
    allowed = TOLERANCE.get(model.dtype, COARSE_TOLERANCE)
    if not drift <= allowed:
        raise EngineError(
            f"the engine's log-probabilities are {drift:.2g} a token away from the trainer's ({allowed:g} is allowed): "
            "it does not compute with the weights that are trained; take another, such as engine: transformers"
        )
    return drift


@torch.no_grad()
def _gaps(engine: Engine, model: PreTrainedModel) -> Iterator[list[float]]:
    """Of each answer, the differences token by token."""
    config = model.config.get_text_config()
    vocabulary, context = config.vocab_size, getattr(config, "max_position_embeddings", None)
    length = min(PROMPT_TOKENS, (context or PROMPT_TOKENS + ANSWER_TOKENS) - ANSWER_TOKENS)
    prompts = np.random.default_rng(0).integers(vocabulary, size=(PROMPTS, length)).tolist()
    answers = engine.generate(prompts, Sampling(max_tokens=ANSWER_TOKENS, seeds=tuple(range(PROMPTS))))
    training = model.training
    model.eval()
    for prompt, answer in zip(prompts, answers, strict=True):
        ids = torch.tensor([[*prompt, *answer.token_ids]], device=model.device)
        chosen = ids[0, length:, None]
        logits = model(input_ids=ids, logits_to_keep=len(chosen) + 1).logits[0, :-1].float()
        logp = logits.log_softmax(-1).gather(1, chosen).squeeze(1)
        yield (logp - torch.tensor(answer.logprobs, device=model.device)).tolist()
    model.train(training)
