"""One GRPO update on recorded answers of skewed lengths, beside TRL's GRPOTrainer: tokens a second and peak memory.

Both sides get the same token ids, rewards and weights, in fp32, with the same threads, without gradient checkpointing.
The time runs from the recorded answers to the updated weights. Ours: advantages, packing, micro-batches, forward,
backward, optimiser. TRL's: from its ``rollout_func``'s return to its optimiser's step, in the micro-batch that is
fastest for it. The learning rate is 0, so that each repeat computes the same update, in full. Every group holds right
and wrong answers, so that neither side has any to skip. Memory is the peak of a process of its own.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median

import torch
from transformers import LlamaForCausalLM

from palaestra.episodes.views import Row
from palaestra.trainers.algorithms import ALGORITHMS
from palaestra.trainers.batch import pack
from palaestra.trainers.optimise import adamw, update

from . import resident, trl_grpo
from .figure import Figure
from .recorded import SIZES, answer_tokens, build, flat_gradient, record
from .trl_trainer import Clock, difference, fastest

THREADS = 2
REPEATS = 5
MAX_TOKENS = 4096  # laid out at once, of ours: faster than 2048 and 8192 where this was tried
MICRO_BATCHES = (8, 16, 32, 64)  # answers at once, of TRL; the fastest is used


class Learner:
    """Our side: a model, its optimiser, and the seconds of each update so far."""

    def __init__(self, model: LlamaForCausalLM, rows: list[Row]) -> None:
        self.model = model
        self.optimizer = adamw(model)
        self.rows = rows
        self.seconds: list[float] = []
        self.metrics: dict[str, float] = {}

    def step(self) -> None:
        grpo = ALGORITHMS["grpo"]
        began = time.perf_counter()
        advantages, _ = grpo.advantage(self.rows)
        batch = pack(self.rows, advantages)
        self.metrics = update(
            self.model, self.optimizer, batch, grpo.objective, learning_rate=0.0, max_tokens=MAX_TOKENS
        )
        self.seconds.append(time.perf_counter() - began)


def measure(say: Callable[[str], None]) -> Iterator[Figure]:
    """Three figures a model: answer tokens learned from a second, and peak memory above the loaded model and in all."""
    torch.set_num_threads(THREADS)
    for size in SIZES.values():
        model = build(size)
        rows = record(model, size.prompts)
        micro_batch = _fastest(model, rows)
        say(f"{size.name}: {answer_tokens(rows)} tokens in {len(rows)} answers; TRL is fastest {micro_batch} at once")
        ours = Learner(copy.deepcopy(model), rows)
        theirs, logged = trl_grpo.train(copy.deepcopy(model), rows, REPEATS + 1, micro_batch, between=ours.step)
        assert set(theirs.tokens) == {answer_tokens(rows)}, "the two sides learned from different tokens"
        say(_agreement(ours, theirs, logged[0]))
        speeds = [answer_tokens(rows) / median(seconds[1:]) for seconds in (ours.seconds, theirs.seconds)]
        yield Figure(f"learner/{size.name}: speed beside TRL", speeds[0], speeds[1], "tokens/s")
        yield from resident.figures(f"learner/{size.name}", __name__, size.name, str(micro_batch))


def _fastest(model: LlamaForCausalLM, rows: list[Row]) -> int:
    sizes = [size for size in MICRO_BATCHES if size <= len(rows)]
    return fastest(sizes, lambda size: trl_grpo.train(copy.deepcopy(model), rows, 2, size)[0].seconds)


def _agreement(ours: Learner, theirs: Clock, logged: dict[str, float]) -> str:
    """How near the two computations are. Raises AssertionError as ``difference`` does."""
    relative = difference(flat_gradient(ours.model), theirs.gradient)
    return (
        f"loss {ours.metrics['loss']:.2e} and {logged['loss']:.2e}, gradient norm {ours.metrics['gradient_norm']:.6f} "
        f"and {logged['grad_norm']:.6f}, relative difference of the gradients {relative:.1e}"
    )


def _memory(side: str, size: str, micro_batch: int) -> dict[str, float]:
    """MiB that two updates take at their peak."""
    torch.set_num_threads(THREADS)
    model = build(SIZES[size])
    rows = record(model, SIZES[size].prompts)

    def work() -> None:
        if side == "trl":
            trl_grpo.train(model, rows, 2, micro_batch)
            return
        learner = Learner(model, rows)
        learner.step()
        learner.step()

    return resident.peak(resident.resident("VmRSS"), work)


if __name__ == "__main__":
    print(json.dumps(_memory(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
