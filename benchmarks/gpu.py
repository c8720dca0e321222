"""``python -m benchmarks.gpu [SIZE ...]``: speed and memory of Qwen-shaped models with random weights, in bf16.

Generation: the embedded engine answers prompts of random ids. Update: GRPO on these answers, judged at random, by the
trainer's own loop. Each is the median of its repeats after one that is not counted. Model FLOPs of an update are
6 x (weights without embeddings) x tokens + 6 x layers x hidden size x the squared length of each sequence (attention is
causal) + 6 x vocabulary x hidden size x answer tokens (after arXiv 2204.02311); their use is their share of the peak.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from transformers import PreTrainedModel, Qwen2Config, Qwen2ForCausalLM

from palaestra.agents import processes
from palaestra.agents.engine import Completion, Sampling
from palaestra.agents.memory import recompute_layers, stored_in
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.episodes.views import Row
from palaestra.trainers.algorithms import ALGORITHMS
from palaestra.trainers.batch import Batch, pack
from palaestra.trainers.optimise import adamw, update

SAMPLES = 8  # answers to a prompt
MAX_TOKENS = 16384  # laid out at once by an update
# FLOP/s in bf16 without sparsity, by the vendors' data sheets.
PEAKS = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "RTX 4090": 165e12}


@dataclass(frozen=True, slots=True)
class Size:
    """A model's shape, and how many prompts of how many tokens get answers of how many."""

    hidden: int
    layers: int
    heads: int
    key_value_heads: int
    inner: int
    vocabulary: int = 151_936
    prompts: int = 32
    prompt_tokens: int = 128
    answer_tokens: int = 512
    repeats: int = 3


SIZES = {
    "0.5B": Size(896, 24, 14, 2, 4864),
    "1.5B": Size(1536, 28, 12, 2, 8960),
    "tiny": Size(32, 2, 2, 1, 64, vocabulary=128, prompts=2, prompt_tokens=6, answer_tokens=8, repeats=1),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """Answer tokens a second, generated and learned from; the update's FLOP/s; bytes at the peak; mean |Δ log π|."""

    name: str
    parameters: int
    generated: float
    learned: float
    flops: float
    memory: int
    log_ratio: float


def build(size: Size, device: torch.device) -> PreTrainedModel:
    """The model with seeded random weights, in bf16."""
    config = Qwen2Config(
        hidden_size=size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.key_value_heads,
        intermediate_size=size.inner,
        vocab_size=size.vocabulary,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: PreTrainedModel = Qwen2ForCausalLM(config)
    return stored_in(model, torch.bfloat16).to(device)  # type: ignore[arg-type]  # any device


def measure(name: str, size: Size, device: torch.device, recompute: bool) -> Measured:
    """Both speeds and the peak of memory on this device."""
    model = build(size, device)
    if recompute:
        recompute_layers(model)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    rng = np.random.default_rng(0)
    asked = [rng.integers(0, size.vocabulary, size.prompt_tokens).tolist() for _ in range(size.prompts)]
    prompts = [tuple(prompt) for prompt in asked for _ in range(SAMPLES)]
    engine = TransformersEngine(model, eos_ids=[size.vocabulary - 1])
    sampling = Sampling(max_tokens=size.answer_tokens, seeds=tuple(range(len(prompts))))
    answers, seconds = timed(lambda: engine.generate(prompts, sampling), size.repeats, device)
    answered = sum(len(answer.token_ids) for answer in answers)
    grpo, optimizer = ALGORITHMS["grpo"], adamw(model)
    rows = [_row(n, prompt, answer, rng) for n, (prompt, answer) in enumerate(zip(prompts, answers, strict=True))]
    assert grpo.advantage is not None
    batch = pack(rows, grpo.advantage(rows)[0])
    first, _ = timed(lambda: _update(model, optimizer, batch, 0.0), 0, device)
    _, learning = timed(lambda: _update(model, optimizer, batch, 1e-6), size.repeats, device)
    flops = update_flops(model, size, batch) / learning
    memory = torch.cuda.max_memory_allocated() if device.type == "cuda" else _peak_resident()
    parameters = model.num_parameters()
    return Measured(name, parameters, answered / seconds, answered / learning, flops, memory, first["abs_log_ratio"])


def timed(work: Callable[[], Any], repeats: int, device: torch.device) -> tuple[Any, float]:
    """What the work gives, and the median of its seconds after a first time that is not counted."""
    result, seconds = work(), []
    for _ in range(repeats):
        began = time.perf_counter()
        result = work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return result, median(seconds or [0.0])


def _update(
    model: PreTrainedModel, optimizer: torch.optim.Optimizer, batch: Batch, learning_rate: float
) -> dict[str, float]:
    grpo = ALGORITHMS["grpo"].objective
    return update(model, optimizer, batch, grpo, learning_rate=learning_rate, max_tokens=MAX_TOKENS)


def _row(number: int, prompt: tuple[int, ...], answer: Completion, rng: np.random.Generator) -> Row:
    ids = np.array([*prompt, *answer.token_ids])
    action = np.arange(len(ids)) >= len(prompt)
    logprobs = np.array([*[0.0] * len(prompt), *answer.logprobs], dtype=np.float32)
    reward = float((number + rng.integers(2)) % 2)
    return Row(ids, action, logprobs, reward, str(number), str(number // SAMPLES), "random", "reasoner")


def update_flops(model: PreTrainedModel, size: Size, batch: Batch) -> float:
    """Model FLOPs of one update: forward and backward, nothing counted twice that is computed twice."""
    trunk = model.num_parameters() - size.vocabulary * size.hidden
    attention = 6 * size.layers * size.hidden * float(np.square(batch.lengths()).sum())
    return 6 * trunk * len(batch) + attention + 6 * size.vocabulary * size.hidden * batch.n_tokens


def _peak_resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def table(measured: Sequence[Measured], device: torch.device) -> Table:
    """For people."""
    name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
    peak = next((peak for known, peak in PEAKS.items() if known in name), None)
    shown = Table(title=f"bf16 on {name}; answer tokens a second", title_justify="left")
    for heading in ("model", "weights", "generated/s", "learned/s", "TFLOP/s", "FLOP use", "memory"):
        shown.add_column(heading, justify="left" if heading == "model" else "right")
    shown.add_column("|Δ log π|", justify="right")
    for row in measured:
        use = "unknown" if peak is None else f"{100 * row.flops / peak:.1f} %"
        speeds = (
            f"{row.parameters / 1e6:,.2f} M",
            f"{row.generated:,.0f}",
            f"{row.learned:,.0f}",
            f"{row.flops / 1e12:.3g}",
        )
        shown.add_row(row.name, *speeds, use, f"{row.memory / 2**30:.2f} GiB", f"{row.log_ratio:.1e}")
    return shown


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the sizes asked for and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("sizes", nargs="*", default=["0.5B", "1.5B"], metavar="SIZE", help=", ".join(SIZES))
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--gradient-checkpointing", action="store_true")
    options = parser.parse_args(arguments)
    try:
        device = processes.device(options.device)
    except ValueError:
        parser.error("there is no GPU here: --device cpu tries a tiny model")
    recompute = options.gradient_checkpointing
    Console().print(table([measure(name, SIZES[name], device, recompute) for name in options.sizes], device))


if __name__ == "__main__":
    main()
