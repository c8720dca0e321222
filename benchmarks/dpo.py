"""One DPO update on recorded pairs of skewed lengths, beside TRL's DPOTrainer: pairs a second.

Both sides get the same token ids, weights, reference and β, in fp32, with the same threads, without gradient
checkpointing, at learning rate 0, so that each repeat computes the same update, in full. The reference's
log-probabilities are computed once by both, before the time begins, or in each step by both. TRL's runs in the
micro-batch that is fastest for it, on pairs sorted by length, or in random order as is its default; its collating,
which comes before its step's beginning, is not in its time, while our packing is in ours.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from statistics import median

import torch
from transformers import LlamaForCausalLM

from palaestra.agents.processes import keep_freed_memory
from palaestra.episodes import choices
from palaestra.episodes.views import Row
from palaestra.trainers.algorithms import ALGORITHMS
from palaestra.trainers.batch import Batch, pack
from palaestra.trainers.losses import DPO
from palaestra.trainers.optimise import adamw, update
from palaestra.trainers.reference import with_reference

from . import trl_dpo
from .figure import Figure
from .recorded import SIZES, answer_tokens, build, flat_gradient, record
from .trl_trainer import difference, fastest

THREADS = 2
REPEATS = 5
PAIRS = {"1M": 32, "12M-32k": 8}  # fewer of the larger model, whose steps take TRL long
MAX_TOKENS = 1024  # laid out at once, of ours; up to 4096 it makes little difference
MICRO_BATCHES = (2, 4, 8, 16)  # pairs at once, of TRL; the fastest is used
WAYS = {  # of the smaller model; of the larger one, the first
    "reference known before": {},
    "reference known before, TRL in its default order": {"by_length": False},
    "reference scored in each step": {"precompute": False},
}
REFERENCE_SCALE = 0.9  # of the policy's weights, so that margins are not all 0

Pair = tuple[Row, Row]


class Learner:
    """Our side: a model, its optimiser, its reference, and the seconds of each update so far."""

    def __init__(self, model: LlamaForCausalLM, reference: LlamaForCausalLM, pairs: list[Pair], precompute: bool):
        objective = ALGORITHMS["dpo"].objective
        assert isinstance(objective, DPO)
        self.objective = objective
        self.model = model
        self.reference = reference
        self.rows = [row for pair in pairs for row in pair]
        self.optimizer = adamw(model)
        self.scored: Batch | None = with_reference(pack(self.rows), reference, MAX_TOKENS) if precompute else None
        self.seconds: list[float] = []
        self.metrics: dict[str, float] = {}

    def step(self) -> None:
        began = time.perf_counter()
        batch = pack(self.rows)
        if self.scored is None:
            batch = with_reference(batch, self.reference, MAX_TOKENS)
        else:
            batch.reference_logprobs.copy_(self.scored.reference_logprobs)
        self.metrics = update(
            self.model, self.optimizer, batch, self.objective, learning_rate=0.0, max_tokens=MAX_TOKENS
        )
        self.seconds.append(time.perf_counter() - began)


def measure(say: Callable[[str], None]) -> Iterator[Figure]:
    """A figure a model and way."""
    torch.set_num_threads(THREADS)
    keep_freed_memory()  # as in training; for both sides
    for name, count in PAIRS.items():
        model = build(SIZES[name])
        reference = weakened(model)
        pairs = record_pairs(model, count)
        micro_batch = _fastest(model, reference, pairs)
        tokens = answer_tokens([row for pair in pairs for row in pair])
        say(f"{name}: {tokens} answer tokens in {count} pairs; TRL is fastest {micro_batch} pairs at once")
        for way in WAYS if name == "1M" else list(WAYS)[:1]:
            ours, theirs, agreement = compare(model, reference, pairs, micro_batch, **WAYS[way])
            say(agreement)
            speeds = [count / median(seconds[1:]) for seconds in (ours, theirs)]
            yield Figure(f"dpo/{name}, {way}, beside TRL", speeds[0], speeds[1], "pairs/s")


def _fastest(model: LlamaForCausalLM, reference: LlamaForCausalLM, pairs: list[Pair]) -> int:
    sizes = [size for size in MICRO_BATCHES if size <= len(pairs)]
    return fastest(sizes, lambda size: compare(model, reference, pairs, size, repeats=3)[1])


def record_pairs(model: LlamaForCausalLM, count: int) -> list[Pair]:
    """A pair for each of ``count`` prompts: its best and its worst answer, of those that ``record`` makes."""
    rows = choices.best_and_worst(record(model, count)).rows
    return list(zip(rows[0::2], rows[1::2], strict=True))


def weakened(model: LlamaForCausalLM) -> LlamaForCausalLM:
    """A reference that is not the policy: its weights, made smaller."""
    reference = copy.deepcopy(model).eval().requires_grad_(False)
    with torch.no_grad():
        for weight in reference.parameters():
            weight.mul_(REFERENCE_SCALE)
    return reference


def compare(
    model: LlamaForCausalLM,
    reference: LlamaForCausalLM,
    pairs: list[Pair],
    micro_batch: int,
    repeats: int = REPEATS,
    precompute: bool = True,
    by_length: bool = True,
) -> tuple[list[float], list[float], str]:
    """Seconds of each side's steps, which take turns, the first to warm up; and how near their gradients are.

    Raises:
        AssertionError: the gradients are not the same.
    """
    ours = Learner(copy.deepcopy(model), reference, pairs, precompute)
    theirs, logged = trl_dpo.train(
        copy.deepcopy(model),
        copy.deepcopy(reference),
        pairs,
        repeats + 1,
        micro_batch,
        beta=ours.objective.beta,
        precompute=precompute,
        by_length=by_length,
        between=ours.step,
    )
    relative = difference(flat_gradient(ours.model), theirs.gradient)
    agreement = (
        f"loss {ours.metrics['loss']:.6f} and {logged[0]['loss']:.6f}, relative difference of the gradients "
        f"{relative:.1e}"
    )
    return ours.seconds, theirs.seconds, agreement
