"""What decoding strategies need of a policy beside its samples: the model's own probabilities at each token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from palaestra.agents.policy import PolicyLLM

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

BATCH = 256  # answers that are read at once


def model_of(policy: PolicyLLM, who: str) -> PreTrainedModel:
    """The model that a policy's engine computes with.

    Raises:
        ValueError: it is not in this process; ``who`` says that it needs one.
    """
    from transformers import PreTrainedModel

    model = getattr(policy.engine, "model", None)
    if not isinstance(model, PreTrainedModel):
        raise ValueError(f"{who} reads a model's probabilities, and {type(policy.engine).__name__} holds no model here")
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


def log_chances(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[Sequence[int]]]
) -> list[list[list[float]]]:
    """fp32 log-probabilities of every token of the several answers to each prompt."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    pairs = [(prompt, answer) for prompt, several in zip(prompts, answers, strict=True) for answer in several]
    found: list[list[float]] = []
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            for start in range(0, len(pairs), BATCH):
                part = pairs[start : start + BATCH]
                ids = pad_sequence([torch.tensor([*prompt, *answer]) for prompt, answer in part], batch_first=True)
                ids = ids.to(model.device)  # what is padded on the right, no token before it sees
                logits = model(input_ids=ids, use_cache=False, logits_to_keep=_tail(part, ids)).logits
                logprobs = logits[:, :-1].float().log_softmax(-1)
                chosen = logprobs.gather(-1, ids[:, 1 - logits.shape[1] :, None])[..., 0].cpu()
                ahead = ids.shape[1] - chosen.shape[1]
                found += [
                    row[len(prompt) - ahead :][: len(answer)].tolist()
                    for row, (prompt, answer) in zip(chosen, part, strict=True)
                ]
    finally:
        model.train(training)
    each = iter(found)
    return [[next(each) for _ in several] for several in answers]


def _tail(pairs: Sequence[tuple[Sequence[int], Sequence[int]]], ids: Tensor) -> int:
    """How many of the last columns hold all answers, and the token before each."""
    return ids.shape[1] - min(len(prompt) for prompt, _ in pairs) + 1
