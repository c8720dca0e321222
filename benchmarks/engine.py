"""Tokens a second of the embedded engine beside ``generate`` of transformers: the same model, prompts and lengths.

Random weights, fp32, two threads, temperature 1 over the whole vocabulary. Ours also returns log-probabilities, which
``generate`` is not asked for. With fixed lengths no id ends an answer. With skewed lengths 3 % of the ids do, and
``generate`` goes through the prompts in batches of as many rows as the engine may hold. The sides alternate.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from transformers import LlamaForCausalLM

from palaestra.agents.engine import Sampling
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.processes import keep_freed_memory
from palaestra.agents.transformers_engine import TransformersEngine

from .figure import Figure

THREADS = 2
REPEATS = 5
PROMPT_TOKENS, ANSWER_TOKENS = 24, 64
SKEWED_ROWS, SKEWED_PROMPTS, LONGEST = 64, 256, 128
SHARE_OF_ENDS = 0.03


@dataclass(frozen=True, slots=True)
class Work:
    """What both sides sample. answers: to each prompt. ends: ids that end an answer; ours needs one at least, so that
    one beyond the vocabulary stands for none."""

    name: str
    rows: int
    prompts: int
    answers: int
    max_tokens: int = ANSWER_TOKENS
    ends: tuple[int, ...] = ()

    def prompt_ids(self, vocabulary: int) -> list[list[int]]:
        rng = np.random.default_rng(0)
        distinct = rng.integers(5, vocabulary, (self.prompts, PROMPT_TOKENS)).tolist()
        return [prompt for prompt in distinct for _ in range(self.answers)]


def measure(say: Callable[[str], None]) -> Iterator[Figure]:
    """A figure for each model and number of rows, and one with skewed lengths: tokens a second."""
    torch.set_num_threads(THREADS)
    keep_freed_memory()  # as in training; for both sides
    ends = tuple(range(5, 5 + int(SHARE_OF_ENDS * len(nano_tokenizer()))))
    fixed = [
        Work(f"{rows} row{'s' if rows > 1 else ''}", rows, max(1, rows // 8), min(rows, 8)) for rows in (1, 8, 64, 256)
    ]
    apart = Work("64 rows, all prompts different", 64, 64, 1)
    skewed = Work("skewed lengths, 64 rows", SKEWED_ROWS, SKEWED_PROMPTS // 8, 8, LONGEST, ends)
    for size, (hidden, layers), works in (
        ("1M", (128, 4), [*fixed, apart, skewed]),
        ("3M", (192, 5), [fixed[0], fixed[2]]),
    ):
        model = nano_model(nano_tokenizer(), hidden, layers).eval()
        model.config.eos_token_id = model.generation_config.eos_token_id = None
        say(f"{size}: {model.num_parameters():,} parameters")
        for work in works:
            ours, theirs = compare(model, work)
            yield Figure(f"engine/{size}, {work.name}, beside generate", ours, theirs, "tokens/s")


def compare(model: LlamaForCausalLM, work: Work, repeats: int = REPEATS) -> tuple[float, float]:
    """Median tokens a second of both sides, which take turns."""
    prompts = work.prompt_ids(model.config.vocab_size)
    engine = TransformersEngine(model, eos_ids=work.ends or [model.config.vocab_size], max_rows=work.rows)

    def ours(seed: int) -> int:
        seeds = tuple(seed * len(prompts) + i for i in range(len(prompts)))
        return sum(
            len(done.token_ids) for done in engine.generate(prompts, Sampling(max_tokens=work.max_tokens, seeds=seeds))
        )

    def theirs(seed: int) -> int:
        batches = range(0, len(prompts), work.rows)
        return sum(generate(model, prompts[start : start + work.rows], work, seed) for start in batches)

    speeds: tuple[list[float], list[float]] = ([], [])
    for seed in range(repeats + 1):
        for side, sample in zip(speeds, (ours, theirs), strict=True):
            began = time.perf_counter()
            tokens = sample(seed)
            side.append(tokens / (time.perf_counter() - began))
            assert work.ends or tokens == len(prompts) * work.max_tokens
    return median(speeds[0][1:]), median(speeds[1][1:])  # the first also warms caches up


def generate(model: LlamaForCausalLM, prompts: Sequence[Sequence[int]], work: Work, seed: int) -> int:
    """Sample a batch with transformers' own ``generate``; give the number of tokens up to each answer's end."""
    ids = torch.tensor(prompts)
    end = {"eos_token_id": list(work.ends)} if work.ends else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sampled = model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=work.max_tokens,
            do_sample=True,
            top_k=0,
            pad_token_id=0,
            **end,
        )
    ended = torch.isin(sampled[:, ids.shape[1] :], torch.tensor(work.ends))
    return int((~ended).cummin(1).values.sum() + ended.any(1).sum())
