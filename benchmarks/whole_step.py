"""A whole GRPO step, sampling included, beside TRL's GRPOTrainer with transformers' ``generate``.

Both sides get the same model of random weights, the same questions, number of answers, longest answer and verifier, in
fp32 with the same threads, at learning rate 0. 3 % of the ids end an answer, so that lengths are skewed; each side
draws its own. Ours is the round that ``palaestra evolve`` makes: problems drawn, sampled by ``TransformersEngine``,
judged, written to the log, advantages, packing, update, weights given to the engine. TRL's is its own step, from its
beginning to its optimiser's end, in the micro-batch that is fastest for it.

The second figure is the share of a step outside sampling, forward and backward passes and the optimiser. Of TRL's, all
of ``compute_loss`` counts as inside; of ours only the passes do.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from transformers import LlamaForCausalLM

from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.processes import keep_freed_memory
from palaestra.arena.run_folder import RunFolder
from palaestra.envs.registration import register
from palaestra.envs.task import Problem
from palaestra.envs.tasks.chain_arith import ChainArith
from palaestra.trainers.evolve import evolve_round
from palaestra.trainers.recipe import Evolve, Recipe
from palaestra.trainers.rounds import new_job
from palaestra.trainers.session import Session
from palaestra.verifiers import Verdict, right, wrong

from . import trl_step
from .figure import Figure
from .trl_trainer import fastest

THREADS = 2
REPEATS = 5
PROBLEMS, SAMPLES, LONGEST = 32, 8, 128
LEVEL = 3
SHARE_OF_ENDS = 0.03
MAX_TOKENS = 4096  # laid out at once, of ours
MICRO_BATCHES = (8, 16, 32, 64)  # answers at once, of TRL; the fastest is used

Steps = dict[str, list[Any]]  # of each step: tokens, seconds, and inside, those of them that the model took


@dataclass(frozen=True)
class Chance(ChainArith):
    """ChainArith, whose verifier is asked, but then the parity of the answer's length decides.

    Random weights are never right, and groups without a right answer would teach neither side anything.
    """

    def verify(self, problem: Problem, response: str) -> Verdict:
        super().verify(problem, response)
        return right("even") if len(response) % 2 == 0 else wrong("odd")


RECIPE = Recipe(
    name="whole-step",
    environment={"id": "benchmarks/Chance-v0", "modulus": 10, "operators": "+*", "wording": 0},
    evolve=Evolve(problems=PROBLEMS, samples=SAMPLES, learning_rate=0.0, start_difficulty=LEVEL, top_difficulty=LEVEL),
    max_answer_tokens=LONGEST,
    micro_batch_tokens=MAX_TOKENS,
)


class Evolution:
    """Our side: a session, and of each round so far its tokens, its seconds and those that the model took."""

    def __init__(self, model: LlamaForCausalLM, folder: str) -> None:
        register(RECIPE.env_id)(Chance)
        self.session = Session(RECIPE, RunFolder.create(Path(folder), "run"), model, nano_tokenizer())
        self.session.begin_stage("evolve")
        self.tokens: list[int] = []
        self.seconds: list[float] = []
        self.inside: list[float] = []
        self._optimising = 0.0
        self.session.optimizer.register_step_pre_hook(lambda *_: self._optimised(-time.perf_counter()))
        self.session.optimizer.register_step_post_hook(lambda *_: self._optimised(time.perf_counter()))

    def step(self) -> None:
        clock = self.session.clock
        before, sampled = self._inside(), clock.tokens_sampled
        began = time.perf_counter()
        evolve_round(self.session)
        self.seconds.append(time.perf_counter() - began)
        self.inside.append(self._inside() - before)
        self.tokens.append(clock.tokens_sampled - sampled)
        self.session.round += 1

    def questions(self, rounds: int) -> list[tuple[Problem, str]]:
        """What the first ``rounds`` rounds ask, in order: each problem, and its text."""
        jobs = [new_job(RECIPE, "evolve", r, problem, 0, LEVEL) for r in range(rounds) for problem in range(PROBLEMS)]
        env = self.session.environments.take(RECIPE.env_id, jobs[0].env_kwargs)
        resets = [env.reset(seed=job.seed, options=dict(job.reset_options)) for job in jobs]
        self.session.environments.give_back(env)
        return [(info["problem"], str(observation)) for observation, info in resets]

    def asked(self) -> set[str]:
        """The texts of what was asked, by the log."""
        return {episode.turns[0].observation for episode in self.session.run.episodes.read()}

    def _inside(self) -> float:
        return self.session.clock.sampling + self.session.clock.learning + self._optimising

    def _optimised(self, seconds: float) -> None:
        self._optimising += seconds


def measure(say: Callable[[str], None]) -> Iterator[Figure]:
    """Answer tokens sampled and learned from a second, and the share of a step outside the model."""
    torch.set_num_threads(THREADS)
    keep_freed_memory()  # as in training; for both sides
    micro_batch = fastest(MICRO_BATCHES, lambda size: compare(size, repeats=1)[1]["seconds"])
    say(f"TRL is fastest {micro_batch} answers at once")
    ours, theirs = compare(micro_batch)
    for side, steps in (("ours", ours), ("TRL", theirs)):
        length = median(steps["tokens"]) / (PROBLEMS * SAMPLES)
        say(f"{side}: {length:.1f} tokens an answer, {median(steps['seconds'][1:]):.2f} s a step")
    yield Figure("whole step/1M: speed beside TRL", speed(ours), speed(theirs), "tokens/s")
    yield Figure(
        "whole step/1M: time outside the model beside TRL", outside(ours), outside(theirs), "%", higher_is_better=False
    )


def speed(steps: Steps) -> float:
    """Median answer tokens a second, after the first step."""
    return median(tokens / whole for tokens, whole in zip(steps["tokens"][1:], steps["seconds"][1:], strict=True))


def outside(steps: Steps) -> float:
    """Median per cent of a step's time that the model did not take, after the first step."""
    return median(
        100 * (1 - part / whole) for part, whole in zip(steps["inside"][1:], steps["seconds"][1:], strict=True)
    )


def compare(micro_batch: int, repeats: int = REPEATS) -> tuple[Steps, Steps]:
    """Tokens, seconds and seconds inside the model of each step of both sides, which take turns; the first warms up."""
    with tempfile.TemporaryDirectory() as folder:
        ours = Evolution(model(), folder)
        asked = ours.questions(repeats + 1)
        task = ours.session.environments.task(RECIPE.env_id, RECIPE.env_kwargs, 0)
        clock, inside = trl_step.train(
            model(),
            [text for _, text in asked],
            lambda number, text: float(task.verify(asked[number][0], text).score),
            repeats + 1,
            SAMPLES,
            LONGEST,
            micro_batch,
            between=ours.step,
        )
        assert ours.asked() == {text for _, text in asked}, "the two sides were asked different questions"
    return (
        {"tokens": ours.tokens, "seconds": ours.seconds, "inside": ours.inside},
        {"tokens": clock.tokens, "seconds": clock.seconds, "inside": inside},
    )


def model() -> LlamaForCausalLM:
    """Random weights, and so many ids that end an answer that lengths are geometric."""
    made = nano_model(nano_tokenizer())
    end = nano_tokenizer().eos_token_id
    made.generation_config.eos_token_id = [end, *range(5, 4 + int(SHARE_OF_ENDS * len(nano_tokenizer())))]
    return made
