"""TRL's DPOTrainer on recorded pairs: its own training loop, given token ids in place of texts."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from typing import Any

from datasets import Dataset  # type: ignore[import-untyped]
from transformers import LlamaForCausalLM
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer

from palaestra.agents.nano import nano_tokenizer
from palaestra.episodes.views import Row

from .trl_trainer import Clock, options, run


class Recorded(DPOTrainer):
    """On a dataset that is tokens already."""

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset


def train(
    model: LlamaForCausalLM,
    reference: LlamaForCausalLM,
    pairs: list[tuple[Row, Row]],
    steps: int,
    micro_batch: int,
    *,
    beta: float,
    precompute: bool = True,
    by_length: bool = True,
    between: Callable[[], None] = lambda: None,
) -> tuple[Clock, list[dict[str, float]]]:
    """``steps`` updates on the same (chosen, rejected) pairs at learning rate 0, ``micro_batch`` pairs at once.

    precompute: the reference's log-probabilities are computed once, before the first step, and not in each.
    by_length: pairs of like length are taken together, so that little is padding; else at random, as is its default.
    Returns the times, each from a micro-batch that is padded and waits, and the metrics that TRL logged.
    """
    clock = Clock(between)
    ordered = sorted(pairs, key=lambda pair: max(len(row.ids) for row in pair))
    tokens = [
        {
            "prompt_ids": chosen.ids[~chosen.action].tolist(),
            "chosen_ids": chosen.ids[chosen.action].tolist(),
            "rejected_ids": rejected.ids[rejected.action].tolist(),
        }
        for chosen, rejected in ordered
    ]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = Recorded(
            model=model,
            ref_model=reference,
            args=DPOConfig(
                **options(folder, steps, micro_batch, len(pairs)),
                beta=beta,
                max_length=None,
                precompute_ref_log_probs=precompute,
                precompute_ref_batch_size=micro_batch,
                train_sampling_strategy="sequential" if by_length else "random",
            ),
            train_dataset=Dataset.from_list(tokens),
            processing_class=nano_tokenizer(),
            callbacks=[clock],
        )
        return clock, run(trainer)
