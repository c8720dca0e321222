"""The same recorded answers, for both sides of what is measured of learning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.episodes.views import Row
from palaestra.trainers.batch import pack
from palaestra.trainers.forward import forward

SAMPLES = 8  # answers to a prompt
PROMPT_LENGTHS = (24, 48)  # uniform, as the shipped tasks' questions
ANSWER_MEDIAN, ANSWER_SIGMA = 40.0, 1.0  # lognormal
ANSWER_LENGTHS = (4, 256)  # clipped to these
TEXT_IDS = 5  # ids below are the tokenizer's marks

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Size:
    """A model to update, and on how many prompts: ``vocabulary`` None is the small tokenizer's own."""

    name: str
    hidden: int
    prompts: int
    vocabulary: int | None = None
    layers: int = 4


SIZES = {size.name: size for size in (Size("1M", 128, prompts=8), Size("12M-32k", 256, prompts=4, vocabulary=32_000))}


def build(size: Size) -> LlamaForCausalLM:
    """The model with its seeded random weights."""
    model: LlamaForCausalLM = nano_model(nano_tokenizer(), hidden=size.hidden, layers=size.layers)
    if size.vocabulary is None:
        return model
    config = LlamaConfig(**{**model.config.to_dict(), "vocab_size": size.vocabulary})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = LlamaForCausalLM(config).float()
    return model


def record(model: LlamaForCausalLM, prompts: int, seed: int = 0) -> list[Row]:
    """``prompts`` groups of ``SAMPLES`` rows of random ids, judged at random, each group with right and wrong answers.

    Behaviour log-probabilities are the model's own, so that every importance ratio is 1, as it is in TRL, which takes
    them so when one update follows each sampling.
    """
    rng = np.random.default_rng(seed)
    end, vocabulary = nano_tokenizer().eos_token_id, model.config.vocab_size
    rows: list[Row] = []
    for group in range(prompts):
        prompt = rng.integers(TEXT_IDS, vocabulary, rng.integers(*PROMPT_LENGTHS, endpoint=True))
        rewards = rng.permutation(np.arange(SAMPLES) < rng.integers(1, SAMPLES))
        for sample, reward in enumerate(rewards.tolist()):
            length = int(np.clip(rng.lognormal(np.log(ANSWER_MEDIAN), ANSWER_SIGMA), *ANSWER_LENGTHS))
            answer = rng.integers(TEXT_IDS, vocabulary, length)
            answer[-1] = end
            rows.append(recorded_row(model, prompt, answer, float(reward), f"{group}/{sample}"))
    return rows


def recorded_row(model: LlamaForCausalLM, prompt: Ids, answer: Ids, reward: float, name: str) -> Row:
    """An answer with the model's own log-probabilities; ``name`` is GROUP/SAMPLE."""
    ids = np.concatenate([prompt, answer])
    action = np.arange(len(ids)) >= len(prompt)
    logprobs = np.zeros(len(ids), dtype=np.float32)
    row = Row(ids, action, logprobs, reward, name, name.partition("/")[0], "recorded", "reasoner")
    with torch.no_grad():
        np.copyto(logprobs, forward(model, pack([row])).logprobs.numpy())
    return row


def answer_tokens(rows: list[Row]) -> int:
    return sum(int(row.action.sum()) for row in rows)


def flat_gradient(model: LlamaForCausalLM) -> Tensor:
    """All parameters' gradients in one vector, a copy."""
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
