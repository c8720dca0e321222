"""TRL's GRPOTrainer with its own sampling, by transformers' ``generate``: prompt texts in, updated weights out."""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

from datasets import Dataset  # type: ignore[import-untyped]
from transformers import LlamaForCausalLM
from trl.trainer.grpo_trainer import GRPOTrainer

from palaestra.agents.nano import nano_tokenizer

from .trl_grpo import config
from .trl_trainer import Clock, options, run

Judge = Callable[[int, str], float]  # a question's number and an answer's text to the reward


def train(
    model: LlamaForCausalLM,
    questions: list[str],
    judge: Judge,
    steps: int,
    samples: int,
    longest: int,
    micro_batch: int,
    between: Callable[[], None] = lambda: None,
) -> tuple[Clock, list[float]]:
    """``steps`` steps, each on the next of the questions with ``samples`` answers of at most ``longest`` tokens.

    Returns the times, and of each step the seconds inside sampling, the loss, backward passes and the optimiser.
    """
    clock, inside = Clock(), [0.0]

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            result = function(*arguments, **named)
            inside[-1] += time.perf_counter() - began
            return result

        return call

    def reward(completions: list[Any], completion_ids: list[list[int]], number: list[int], **_: Any) -> list[float]:
        clock.tokens.append(sum(map(len, completion_ids)))
        return [judge(n, answer[0]["content"]) for n, answer in zip(number, completions, strict=True)]

    def stepped() -> None:
        inside[-1] += clock.optimising[-1]
        between()
        inside.append(0.0)

    clock.between = stepped
    asked = [{"prompt": [{"role": "user", "content": text}], "number": n} for n, text in enumerate(questions)]
    answers = len(questions) // steps * samples
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = GRPOTrainer(
            model=model,
            reward_funcs=reward,
            args=config(options(folder, steps, micro_batch, answers), samples, longest),
            train_dataset=Dataset.from_list(asked),
            processing_class=nano_tokenizer(),
            callbacks=[clock],
        )
        model.generate = timed(model.generate)
        trainer.compute_loss = timed(trainer.compute_loss)
        trainer.accelerator.backward = timed(trainer.accelerator.backward)
        run(trainer)
    return clock, inside[:-1]
