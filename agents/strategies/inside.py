"""What decoding strategies need of a policy beside its samples: the model's own probabilities at each token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from palaestra.agents.policy import PolicyLLM

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


def model_of(policy: PolicyLLM, who: str) -> PreTrainedModel:
    """The model that a policy's engine computes with.

    Raises:
        ValueError: it is not in this process; ``who`` says that it needs one.
    """
    from transformers import PreTrainedModel

    engine: Any = policy.engine
    while not isinstance(getattr(engine, "model", None), PreTrainedModel):
        if not hasattr(engine, "engine"):
            raise ValueError(
                f"{who} reads a model's probabilities, and {type(policy.engine).__name__} holds no model here"
            )
        engine = engine.engine
    model: PreTrainedModel = engine.model
    return model


def probabilities(model: PreTrainedModel, prompt: Sequence[int], answer: Sequence[int]) -> Tensor:
    """fp32 log-probabilities of shape (len(answer) + 1, vocabulary): of each answer token, and of what would follow."""
    import torch

    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            ids = torch.tensor([[*prompt, *answer]], device=model.device)
            logits = model(input_ids=ids, use_cache=False, logits_to_keep=len(answer) + 1).logits[0]
    finally:
        model.train(training)
    logprobs: Tensor = logits.float().log_softmax(-1)
    return logprobs
