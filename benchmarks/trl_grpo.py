"""TRL's GRPOTrainer on recorded answers: its own training loop, with sampling replaced by look-up."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from datasets import Dataset  # type: ignore[import-untyped]
from transformers import LlamaForCausalLM
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from palaestra.agents.nano import nano_tokenizer
from palaestra.episodes.views import Row

from .trl_trainer import Clock, options, run

os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"  # rollout_func is experimental, which it says each time


def train(
    model: LlamaForCausalLM, rows: list[Row], steps: int, micro_batch: int, between: Callable[[], None] = lambda: None
) -> tuple[Clock, list[dict[str, float]]]:
    """``steps`` updates on the same ``rows`` at learning rate 0, each in micro-batches of ``micro_batch`` answers.

    Returns the times, each from the recorded answers' arrival in the trainer, and the metrics that TRL logged.
    """
    clock = Clock(between)
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.group_id, []).append(row)

    def rollout(names: list[str], trainer: GRPOTrainer) -> dict[str, list[Any]]:
        """The recorded answers of the named groups, in order, and the time at which they are there."""
        answers: dict[str, Iterator[Row]] = {name: iter(group) for name, group in groups.items()}
        chosen = [next(answers[name]) for name in names]
        output = {
            "prompt_ids": [row.ids[~row.action].tolist() for row in chosen],
            "completion_ids": [row.ids[row.action].tolist() for row in chosen],
            "logprobs": [row.logprobs[row.action].tolist() for row in chosen],
            "recorded": [row.reward for row in chosen],
        }
        clock.tokens.append(sum(map(len, output["completion_ids"])))
        clock.begin()
        return output

    def reward(completions: list[str], recorded: list[float], **_: Any) -> list[float | None]:
        return list(recorded)

    longest = max(int(row.action.sum()) for row in rows)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = GRPOTrainer(
            model=model,
            reward_funcs=reward,
            args=config(options(folder, steps, micro_batch, len(rows)), len(rows) // len(groups), longest),
            train_dataset=Dataset.from_dict({"prompt": list(groups)}),
            processing_class=nano_tokenizer(),
            rollout_func=rollout,
            callbacks=[clock],
        )
        return clock, run(trainer)


def config(shared: dict[str, Any], samples: int, longest: int) -> GRPOConfig:
    """GRPO as our algorithm ``grpo`` has it: ``samples`` answers a prompt, of ``longest`` tokens at most."""
    return GRPOConfig(
        **shared,
        num_generations=samples,
        num_iterations=1,
        max_completion_length=longest,
        shuffle_dataset=False,
        loss_type="grpo",
        beta=0.0,
        epsilon=0.2,
        temperature=1.0,
    )
