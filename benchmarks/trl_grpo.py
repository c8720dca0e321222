"""TRL's GRPOTrainer on recorded answers: its own training loop, with sampling replaced by look-up."""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from datasets import Dataset  # type: ignore[import-untyped]
from transformers import LlamaForCausalLM, PrinterCallback, TrainerCallback
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from palaestra.agents.nano import nano_tokenizer
from palaestra.episodes.views import Row

from .recorded import ANSWER_LENGTHS, SAMPLES, flat_gradient

os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"  # rollout_func is experimental, which it says each time


class Clock(TrainerCallback):
    """Seconds from the recorded answers' arrival in the trainer to the updated weights, one entry a step.

    between: called after each step, outside the time. gradient: the first step's, as clipped.
    """

    def __init__(self, between: Callable[[], None]) -> None:
        self.between = between
        self.began = 0.0
        self.seconds: list[float] = []
        self.tokens: list[int] = []
        self.gradient = torch.empty(0)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        if not self.seconds:
            self.gradient = flat_gradient(model)

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.seconds.append(time.perf_counter() - self.began)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.between()


def train(
    model: LlamaForCausalLM, rows: list[Row], steps: int, micro_batch: int, between: Callable[[], None] = lambda: None
) -> tuple[Clock, list[dict[str, float]]]:
    """``steps`` updates on the same ``rows`` at learning rate 0, each in micro-batches of ``micro_batch`` answers.

    Returns the times, and the metrics that TRL logged at each step.
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
        clock.began = time.perf_counter()
        return output

    def reward(completions: list[str], recorded: list[float], **_: Any) -> list[float | None]:
        return list(recorded)

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = GRPOTrainer(
            model=model,
            reward_funcs=reward,
            args=_config(folder, steps, micro_batch, len(rows)),
            train_dataset=Dataset.from_dict({"prompt": list(groups)}),
            processing_class=nano_tokenizer(),
            rollout_func=rollout,
            callbacks=[clock],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return clock, [entry for entry in trainer.state.log_history if "loss" in entry]


def _config(folder: str, steps: int, micro_batch: int, answers: int) -> GRPOConfig:
    return GRPOConfig(
        output_dir=folder,
        use_cpu=True,
        bf16=False,
        report_to=[],
        disable_tqdm=True,
        save_strategy="no",
        logging_steps=1,
        max_steps=steps,
        per_device_train_batch_size=micro_batch,
        gradient_accumulation_steps=answers // micro_batch,
        num_generations=SAMPLES,
        num_iterations=1,
        max_completion_length=ANSWER_LENGTHS[1],
        shuffle_dataset=False,
        loss_type="grpo",
        beta=0.0,
        epsilon=0.2,
        temperature=1.0,
        learning_rate=0.0,
        weight_decay=0.01,
        max_grad_norm=1.0,
        lr_scheduler_type="constant",
        gradient_checkpointing=False,
        dataloader_pin_memory=False,
    )
