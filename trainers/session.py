"""The state of a run that learns: model, optimiser, curriculum, baselines and counters, saved and restored exactly."""

from __future__ import annotations

import copy
import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from palaestra.agents.chat import ChatFormat
from palaestra.agents.clock import Clock, TimedEngine
from palaestra.agents.engine import Sampling
from palaestra.agents.evaluator import add_value_head, value_head
from palaestra.agents.judges import mark
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.pretrained import load_model, weights_hash
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.arena.environments import Environments
from palaestra.arena.run_folder import RunFolder
from palaestra.envs.curriculum import SuccessCurriculum
from palaestra.episodes import Actor

from .advantages import RunningMean
from .checkpoint import BrokenCheckpoint, load_state, progress, save_checkpoint, save_progress
from .modules import Module
from .optimise import adamw
from .recipe import ModelSpec, Recipe

STAGES = ("warm", "evolve")
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h


class Stopped(Exception):
    """The run was asked to stop, and did so after a whole round, with a checkpoint; it can be resumed."""


class Session:
    """A policy in training.

    stage, round: what comes next ("warm", "evolve" or "done"; rounds of that stage already made).
    rounds: rounds of all stages already made: the step that metrics are logged at.
    steps: optimiser steps of this stage. version: updates of the weights since the run began.
    """

    def __init__(self, recipe: Recipe, run: RunFolder, model: PreTrainedModel, tokenizer: Any) -> None:
        self.recipe = recipe
        self.run = run
        self.model = model
        self.tokenizer = tokenizer
        self.clock = Clock()
        self.clock.start()
        engine = TransformersEngine(model, eos_ids=[tokenizer.eos_token_id])
        sampling = Sampling(temperature=recipe.temperature, max_tokens=recipe.max_answer_tokens)
        self.policy = PolicyLLM(TimedEngine(engine, self.clock), ChatFormat(tokenizer), sampling)
        self.stage, self.round, self.rounds, self.steps, self.version = STAGES[0], 0, 0, 0, 0
        self.environments = Environments()
        self.running = RunningMean()
        evolve = recipe.evolve
        self.curriculum = SuccessCurriculum(
            range(evolve.start_difficulty, evolve.top_difficulty + 1), raise_at=evolve.raise_at
        )
        self.optimizer = adamw(model)
        self.reference: PreTrainedModel | None = None
        self.modules: dict[str, Module] = {}
        self.saved_modules: dict[str, Any] = {}

    @classmethod
    def begin(cls, recipe: Recipe, run: RunFolder) -> Session:
        """A session at its start, on the recipe's model."""
        session = cls(recipe, run, *open_model(recipe.model, recipe.seed))
        session.export("start")
        return session

    @classmethod
    def resume(cls, recipe: Recipe, run: RunFolder) -> Session:
        """The session of the run's latest checkpoint, or at its start when it has none yet."""
        saved = progress(run.checkpoints)
        if not saved:
            return cls.begin(recipe, run)
        session = cls(recipe, run, *load_model(saved[-1]))
        session._restore(load_state(saved[-1]))
        return session

    def weights_changed(self) -> None:
        """Tell the engine that the policy is another one now."""
        self.version += 1
        self.policy.engine.load(self.model.named_parameters(), self.version)

    def name_policy(self) -> None:
        """Put round and weights' hash into the policy's name, which the log keeps with what it plays."""
        self.policy.actor = Actor(f"{self.recipe.name}@{self.rounds}", weights_hash(self.model))

    def likeliest(self) -> PolicyLLM:
        """The policy, giving its likeliest token each time."""
        greedy = Sampling(temperature=0, max_tokens=self.recipe.max_answer_tokens)
        return PolicyLLM(self.policy.engine, self.policy.chat, greedy, self.policy.actor)

    def module(self, name: str, make: Callable[[], PreTrainedModel]) -> Module:
        """A model beside the policy: the latest checkpoint's, or a new one."""
        if name not in self.modules:
            self.modules[name] = Module(make(), self.saved_modules.pop(name, None))
        return self.modules[name]

    def first_policy(self) -> Path:
        """The folder of the policy as it was when evolution began."""
        return self.run.path / "agents" / "warm"

    def add_value_head(self) -> None:
        """Give the policy a head that forecasts its rewards, 0 at first, unless it has one."""
        if not hasattr(self.model, "score"):
            add_value_head(self.model)
            self.optimizer = adamw(self.model)

    def restart(self) -> None:
        """Put the policy back to the weights that it had when evolution began, with a fresh optimiser."""
        self.model.load_state_dict(self.freeze_reference().state_dict(), strict=False)
        self.optimizer = adamw(self.model)

    def begin_stage(self, stage: str) -> None:
        """Go to a stage's first round, with a fresh optimiser."""
        self.stage, self.round, self.steps = stage, 0, 0
        self.optimizer = adamw(self.model)

    def freeze_reference(self) -> PreTrainedModel:
        """A copy of the policy as it was when evolution began, from the exported agent so that a resumed run agrees."""
        if self.reference is None:
            exported = self.run.path / "agents" / "warm"
            source = load_model(exported)[0] if exported.is_dir() else copy.deepcopy(self.model)
            self.reference = source.eval().requires_grad_(False)
        return self.reference

    def export(self, name: str) -> Path:
        """Save the policy as an agent of its own: ``agents/<name>`` in the run."""
        return save_checkpoint(self.run.path / "agents", name, self.model, self.tokenizer, None)

    def export_modules(self) -> None:
        """Save each model that learned beside the policy as an agent of its own."""
        judge = self.recipe.algorithm().judge
        for name, module in self.modules.items():
            folder = save_checkpoint(self.run.path / "agents", name, module.model, self.tokenizer, None)
            if name == "judge" and judge is not None:
                against = "../contrast" if judge.against else "../warm"
                mark(folder, kind="implicit", reference=against, beta=judge.beta)

    def save(self) -> Path:
        """Checkpoint all of it."""
        state = {
            "stage": self.stage,
            "round": self.round,
            "rounds": self.rounds,
            "steps": self.steps,
            "version": self.version,
            "optimizer": self.optimizer.state_dict(),
            "curriculum": self.curriculum.state_dict(),
            "running": self.running.state_dict(),
            "clock": self.clock.state_dict(),
            "value_head": value_head(self.model),
            "modules": self.saved_modules | {name: module.state_dict() for name, module in self.modules.items()},
        }
        return save_progress(self.run.checkpoints, self.rounds, self.model, self.tokenizer, state)

    def _restore(self, state: dict[str, Any]) -> None:
        for name in ("stage", "round", "rounds", "steps", "version"):
            setattr(self, name, state[name])
        self.saved_modules = state["modules"]
        if state["value_head"] is not None:
            self.add_value_head()
            self.model.load_state_dict(state["value_head"], strict=False)
        if not _fits(state["optimizer"], self.optimizer):
            raise BrokenCheckpoint(
                f"the latest checkpoint in {self.run.checkpoints} holds the training state of another model: "
                "delete it to go on before it"
            )
        self.optimizer.load_state_dict(state["optimizer"])
        self.curriculum.load_state_dict(state["curriculum"])
        self.running.load_state_dict(state["running"])
        self.clock.load_state_dict(state["clock"])
        self.policy.engine.load((), self.version)


def _fits(state: dict[str, Any], optimizer: torch.optim.Optimizer) -> bool:
    """Whether an optimiser's saved state is of parameters of the same number and shapes."""
    saved = [len(group["params"]) for group in state["param_groups"]]
    if saved != [len(group["params"]) for group in optimizer.param_groups]:
        return False
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    moments = {index: entry["exp_avg"].shape for index, entry in state["state"].items()}
    return all(parameters[index].shape == shape for index, shape in moments.items())


def open_model(spec: ModelSpec, seed: int) -> tuple[PreTrainedModel, Any]:
    """The model that a recipe names: a folder or hub id, or a new small one."""
    if spec.path is not None:
        return load_model(spec.path)
    tokenizer = nano_tokenizer()
    return nano_model(tokenizer, spec.hidden, spec.layers, spec.heads, seed), tokenizer


def set_threads(threads: int | None) -> int:
    """Fix the number of threads torch computes with, which its sums depend on; give the number in force."""
    if threads is not None:
        torch.set_num_threads(threads)
    return torch.get_num_threads()


def keep_freed_memory() -> None:
    """Let the C library keep what torch frees, where it can be told to (glibc).

    Otherwise each step's activations are given back and mapped anew, page by page: about a tenth of a step's time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, 32 << 20)  # the most it takes
        mallopt(M_TRIM_THRESHOLD, 1 << 30)
