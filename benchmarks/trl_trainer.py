"""What every measurement of a trainer of TRL's shares: its clock, its options on a CPU, its fastest micro-batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PrinterCallback, TrainerCallback

from .recorded import flat_gradient

TOLERANCE = 1e-4  # of the gradients' relative difference: the sums are taken in different orders


class Clock(TrainerCallback):
    """Seconds from a step's beginning, or from where its trainer says that it begins, to the updated weights.

    between: called after each step, outside the time. gradient: the first step's, as clipped. optimising: seconds of
    each step that the optimiser itself took.
    """

    def __init__(self, between: Callable[[], None] = lambda: None) -> None:
        self.between = between
        self.began = 0.0
        self.seconds: list[float] = []
        self.optimising: list[float] = []
        self.tokens: list[int] = []
        self.gradient = torch.empty(0)

    def begin(self) -> None:
        self.began = time.perf_counter()

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.begin()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        if not self.seconds:
            self.gradient = flat_gradient(model)
        self.optimising.append(-time.perf_counter())

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        now = time.perf_counter()
        self.seconds.append(now - self.began)
        self.optimising[-1] += now

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.between()


def options(folder: str | Path, steps: int, micro_batch: int, examples: int) -> dict[str, Any]:
    """``steps`` updates of ``examples`` each on the CPU, in fp32, with nothing written, at learning rate 0."""
    return {
        "output_dir": str(folder),
        "use_cpu": True,
        "bf16": False,
        "report_to": [],
        "disable_tqdm": True,
        "save_strategy": "no",
        "logging_steps": 1,
        "max_steps": steps,
        "per_device_train_batch_size": micro_batch,
        "gradient_accumulation_steps": examples // micro_batch,
        "learning_rate": 0.0,
        "weight_decay": 0.01,
        "max_grad_norm": 1.0,
        "lr_scheduler_type": "constant",
        "gradient_checkpointing": False,
        "dataloader_pin_memory": False,
    }


def run(trainer: Any) -> list[dict[str, float]]:
    """Train, without a word; what was logged at each step."""
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return [entry for entry in trainer.state.log_history if "loss" in entry]


def fastest(sizes: Sequence[int], seconds_of: Callable[[int], list[float]]) -> int:
    """The micro-batch in which TRL is fastest, by trial, from small to large until a larger one is clearly slower."""
    seconds: dict[int, float] = {}
    for size in sizes:
        seconds[size] = min(seconds_of(size))
        if seconds[size] > 1.2 * min(seconds.values()):
            break
    return min(seconds, key=lambda size: seconds[size])


def difference(mine: Tensor, reference: Tensor) -> float:
    """Of two gradients, relative to the second.

    Raises:
        AssertionError: they differ by more than rounding, so that the two sides' speeds must not be compared.
    """
    relative = float((mine - reference).norm() / reference.norm())
    assert relative < TOLERANCE, f"the gradients differ by {relative:.1e}: the two sides compute different updates"
    return relative
