"""Peak memory of a GRPO update at real vocabularies and long answers, beside TRL's GRPOTrainer.

Two sequences of 1,024 tokens, vocabularies as of SmolLM2 and of Qwen2.5, and a hidden size so small that the head's
logits, not the layers, are what takes memory. fp32, no gradient checkpointing. Both sides take one sequence at once,
which is the least that TRL can be told. Each runs in a process of its own, ours without TRL's libraries.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator

import numpy as np
import torch
from transformers import LlamaForCausalLM

from palaestra.episodes.views import Row
from palaestra.trainers.algorithms import ALGORITHMS
from palaestra.trainers.batch import pack
from palaestra.trainers.optimise import adamw, update

from . import resident
from .figure import Figure
from .recorded import TEXT_IDS, Size, build, recorded_row

THREADS = 2
VOCABULARIES = (49_152, 151_936)
HIDDEN, LAYERS = 64, 2
PROMPT_TOKENS, ANSWER_TOKENS = 128, 896
ANSWERS, STEPS = 2, 2


def measure(say: Callable[[str], None]) -> Iterator[Figure]:
    """Two figures a vocabulary: peak memory above the loaded model, and in all."""
    for vocabulary in VOCABULARIES:
        say(f"vocabulary {vocabulary:,}: {ANSWERS} sequences of {PROMPT_TOKENS + ANSWER_TOKENS} tokens, one at once")
        yield from resident.figures(f"memory/vocabulary {vocabulary:,}", __name__, str(vocabulary))


def long_answers(model: LlamaForCausalLM) -> list[Row]:
    """Answers of one length to one prompt, the first right and the others wrong."""
    rng = np.random.default_rng(0)
    prompt, *answers = (
        rng.integers(TEXT_IDS, model.config.vocab_size, length)
        for length in [PROMPT_TOKENS] + ANSWERS * [ANSWER_TOKENS]
    )
    return [recorded_row(model, prompt, answer, float(n == 0), f"0/{n}") for n, answer in enumerate(answers)]


def peak(side: str, vocabulary: int) -> dict[str, float]:
    """MiB of this process at its peak: ``STEPS`` updates of one side."""
    torch.set_num_threads(THREADS)
    model = build(Size("wide", HIDDEN, 1, vocabulary, LAYERS))
    rows = long_answers(model)
    work = _theirs if side == "trl" else _ours
    return resident.peak(resident.resident("VmRSS"), lambda: work(model, rows))


def _ours(model: LlamaForCausalLM, rows: list[Row]) -> None:
    grpo, optimizer = ALGORITHMS["grpo"], adamw(model)
    for _ in range(STEPS):
        batch = pack(rows, grpo.advantage(rows)[0])
        update(model, optimizer, batch, grpo.objective, learning_rate=0.0, max_tokens=PROMPT_TOKENS + ANSWER_TOKENS)


def _theirs(model: LlamaForCausalLM, rows: list[Row]) -> None:
    from . import trl_grpo

    trl_grpo.train(model, rows, STEPS, micro_batch=1)


if __name__ == "__main__":
    print(json.dumps(peak(sys.argv[1], int(sys.argv[2]))))
