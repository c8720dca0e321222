"""The state of a run that learns: model, optimiser, curriculum, baselines and counters, saved and restored exactly."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch.utils._pytree import tree_map
from transformers import PreTrainedModel

from palaestra.agents import processes
from palaestra.agents.adapters import Frozen, has_adapter, load_adapter, merged_weights
from palaestra.agents.agent import Agent
from palaestra.agents.chat import ChatFormat
from palaestra.agents.checkpoint import BrokenCheckpoint, fits, load_state, progress, save_checkpoint, save_progress
from palaestra.agents.clock import Clock, TimedEngine
from palaestra.agents.engine import Sampling
from palaestra.agents.engines import ENGINES
from palaestra.agents.evaluator import add_value_head, new_evaluator, value_head
from palaestra.agents.judges import mark
from palaestra.agents.memory import apart, recompute_layers
from palaestra.agents.opening import open_model
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.pretrained import load_model, load_policy, weights_hash
from palaestra.agents.sharding import parted_like, sharded, whole
from palaestra.arena.environments import Environments
from palaestra.arena.league import League
from palaestra.arena.matches import MatchJob, play_matches
from palaestra.arena.rollout import Job, rollout
from palaestra.arena.run_folder import RunFolder
from palaestra.arena.settings import SettingsError
from palaestra.envs.curriculum import FamilyCurricula, SuccessCurriculum
from palaestra.envs.games import make_game
from palaestra.episodes import Actor, Episode
from palaestra.episodes.advantages import RunningMean

from .modules import Module
from .optimise import adamw
from .recipe import Recipe

STAGES = ("warm", "evolve")
COUNTERS = ("stage", "round", "rounds", "steps", "version")  # of a session, as a checkpoint has them
J = TypeVar("J", Job, MatchJob)
T = TypeVar("T")
R = TypeVar("R")
BASE = "base"  # in a run's folder: the model that its adapters belong to, where it is nowhere else


class Stopped(Exception):
    """The run was asked to stop, and did so after a whole round, with a checkpoint; it can be resumed."""


class Session:
    """A policy in training.

    stage, round: what comes next ("warm", "evolve" or "done"; rounds of that stage already made).
    rounds: rounds of all stages already made: the step that metrics are logged at.
    algorithm: of the latest round; began: the first of its rounds in turn.
    steps: optimiser steps of this stage. version: updates of the weights since the run began.
    pattern: of the modules that evolve, where the recipe names them; written: the latest problems that were proposed,
        admitted: the gate's accuracy after the last round that was let in.
    model: whole, samples and is saved. learner: what updates move; the same model, or this process's parts of it.
    """

    def __init__(self, recipe: Recipe, run: RunFolder, model: PreTrainedModel, tokenizer: Any) -> None:
        self.recipe = recipe
        self.run = run
        self.model = model
        if recipe.model.offload_optimizer and (model.device.type == "cpu" or processes.sharding_asked()):
            raise SettingsError("model.offload_optimizer is for a whole model on a GPU: here it would move nothing")
        if recipe.modules is not None and recipe.modules.admit != "always" and processes.sharding_asked():
            raise SettingsError("a round is taken back of a whole model: set modules.admit: always, or leave FSDP away")
        if recipe.engine == "vllm" and recipe.model.lora and processes.sharding_asked():
            raise SettingsError("engine vllm is given adapters of a whole model: leave model.lora or FSDP away")
        if recipe.model.gradient_checkpointing:
            recompute_layers(model)
        self.learner = sharded(model) if processes.sharding_asked() else model
        self.tokenizer = tokenizer
        self.clock = Clock()
        self.clock.start()
        self.engine = TimedEngine(ENGINES[recipe.engine](model, [tokenizer.eos_token_id]), self.clock)
        sampling = Sampling(temperature=recipe.temperature, max_tokens=recipe.max_answer_tokens)
        self.policy = PolicyLLM(self.engine, ChatFormat(tokenizer), sampling)
        self.stage, self.round, self.rounds, self.steps, self.version = STAGES[0], 0, 0, 0, 0
        self.algorithm, self.began = recipe.evolve.algorithm, 0
        self.environments = Environments()
        self.running = RunningMean()
        self.tables = Environments(make_game)
        self.league = League(run.path / "league", recipe.self_play, self.frozen) if recipe.self_play else None
        evolve = recipe.evolve
        asked = range(evolve.start_difficulty, evolve.top_difficulty + 1)
        self.curricula = FamilyCurricula(partial(SuccessCurriculum, asked, raise_at=evolve.raise_at))
        self.pattern = recipe.pattern()
        self.written: list[str] = []
        self.admitted = -1.0
        self.optimizer = self._new_optimizer()
        self.reference: PreTrainedModel | None = None
        self.newest: dict[str, tuple[Path, PreTrainedModel]] = {}  # frozen selves as references, by module
        self.modules: dict[str, Module] = {}
        self.saved_modules: dict[str, Any] = {}

    @classmethod
    def begin(cls, recipe: Recipe, run: RunFolder) -> Session:
        """A session at its start, on the recipe's model."""
        session = cls(recipe, run, *open_model(recipe.model, recipe.seed, run.path / BASE))
        session.export("start")
        return session

    @classmethod
    def resume(cls, recipe: Recipe, run: RunFolder) -> Session:
        """The session of the run's latest checkpoint, or at its start when it has none yet."""
        saved = progress(run.checkpoints)
        if not saved:
            return cls.begin(recipe, run)
        spec = recipe.model
        session = cls(recipe, run, *load_model(saved[-1], processes.device(spec.device), getattr(torch, spec.dtype)))
        session._restore(load_state(saved[-1]))
        return session

    def weights_changed(self) -> None:
        """Tell the engine that the policy is another one now."""
        self.version += 1
        merges = self.recipe.engine == "vllm" and has_adapter(self.model)
        weights = merged_weights(self.model).items() if merges else self.learner.named_parameters()
        named = ((name, weight) for name, weight in weights if not name.startswith("score."))
        self.engine.load(((name, whole(weight).detach()) for name, weight in named), self.version)
        if self.learner is not self.model and (head := value_head(self.learner)):
            self.model.load_state_dict({name: whole(weight) for name, weight in head.items()}, strict=False)

    def moved(self) -> None:
        """Count a step of the policy's weights."""
        self.steps += 1

    def name_policy(self) -> None:
        """Put round and weights' hash into the policy's name, which the log keeps with what it plays."""
        version = processes.agreed(weights_hash(self.model), "policy")
        self.policy.actor = Actor(f"{self.recipe.name}@{self.rounds}", version)

    def task_of(self, episode: Episode) -> Any:
        """The task that an episode is of."""
        return self.environments.task(episode.env_id, episode.env_kwargs, episode.seed)

    def likeliest(self) -> PolicyLLM:
        """The policy, giving its likeliest token each time."""
        greedy = Sampling(temperature=0, max_tokens=self.recipe.max_answer_tokens)
        return PolicyLLM(self.engine, self.policy.chat, greedy, self.policy.actor)

    def frozen(self, folder: str, name: str) -> PolicyLLM:
        """An agent of a folder, which samples as the policy does."""
        return load_policy(folder, self.policy.sampling, name, self.model.device, self.model.dtype)

    def module(self, name: str, weights: Mapping[str, Any] | None = None) -> Module:
        """A model beside the policy: the latest checkpoint's, or a new one, the policy as evolution began.

        It is held and learns as the policy does: in the same precision, by an adapter of its own where that has one. A
        critic has a head in place of the policy's, which says 0 at first. weights: that a new one begins with.
        """
        if name not in self.modules:
            first, spec, same = self.first_policy, self.recipe.model, (self.model.device, self.model.dtype)
            if name == "critic":
                rank = spec.lora.rank if spec.lora else 0
                model = new_evaluator(first, same[0], rank, same[1]).model
            else:
                model = load_model(first, *same)[0]
            if weights is not None:
                model.load_state_dict({key: weights[key] for key in model.state_dict()})
            if spec.gradient_checkpointing:
                recompute_layers(model)
            self.modules[name] = Module(model, self.saved_modules.pop(name, None), self._elsewhere)
        return self.modules[name]

    def policy_of(self, name: str, agent_id: str) -> PolicyLLM:
        """A module as an agent, with the weights of now, which samples as the policy does."""
        module = self.module(name)
        engine = TimedEngine(module.engine([self.tokenizer.eos_token_id]), self.clock)
        return PolicyLLM(engine, self.policy.chat, self.policy.sampling, Actor(agent_id, module.weights_hash))

    @property
    def first_policy(self) -> Path:
        """The folder of the policy as it was when evolution began."""
        return self.run.path / "agents" / "warm"

    def add_value_head(self, weights: Mapping[str, Any] | None = None) -> None:
        """Give the policy a head that forecasts its rewards, unless it has one: with these weights, or 0 at first."""
        if hasattr(self.model, "score"):
            return
        add_value_head(self.model)
        self.model.load_state_dict(weights or {}, strict=False)
        if self.learner is not self.model:
            self.learner = sharded(self.model)  # the parts before have no head
        self.optimizer = self._new_optimizer()

    def restart(self) -> None:
        """Put the policy back to the weights that it had when evolution began, its optimiser and steps to none.

        Raises:
            SettingsError: the model is in parts.
        """
        if self.learner is not self.model:
            raise SettingsError("evolve.start base needs a whole model in each process: launch without FSDP")
        if has_adapter(self.model):
            load_adapter(self.model, self.first_policy)
        else:
            self.model.load_state_dict(self.freeze_reference().state_dict(), strict=False)
        self.optimizer = self._new_optimizer()
        self.steps = 0

    def snapshot(self) -> dict[str, Any]:
        """A copy of all weights that learn, and of their optimisers, for ``put_back``."""
        state = {
            "weights": self.model.state_dict(),
            "masters": self._masters(),
            "optimizer": self.optimizer.state_dict(),
            "steps": self.steps,
        }
        others = self._modules_state()
        return copy.deepcopy({"policy": state, "modules": others, "running": self.running.state_dict()})

    def put_back(self, saved: Mapping[str, Any]) -> None:
        """Go back to the weights and optimisers of a snapshot; models that were made since are forgotten."""
        self.model.load_state_dict(saved["policy"]["weights"], strict=False)  # a reference's adapter came since
        self.optimizer.load_state_dict(saved["policy"]["optimizer"])
        for master, value in zip(self._masters(), saved["policy"]["masters"], strict=True):
            master.data.copy_(value)
        self.steps = saved["policy"]["steps"]
        made, others = self.modules, saved["modules"]
        kept = [name for name in made if name in others]
        self.modules = {name: Module(made[name].model, others[name], self._elsewhere) for name in kept}
        self.saved_modules = {name: state for name, state in others.items() if name not in made}
        self.running.load_state_dict(saved["running"])
        self.weights_changed()

    def _modules_state(self) -> dict[str, Any]:
        """Of all models beside the policy: those of the checkpoint that nothing has asked for yet are among them."""
        return self.saved_modules | {name: module.state_dict() for name, module in self.modules.items()}

    def _new_optimizer(self) -> torch.optim.AdamW:
        return adamw(self.learner, device=self._elsewhere)

    @property
    def _elsewhere(self) -> torch.device | None:
        return torch.device("cpu") if self.recipe.model.offload_optimizer else None

    @property
    def batch(self) -> str:
        """What the log calls the round that comes."""
        return f"{self.stage}-{self.round:05d}"

    @property
    def tags(self) -> dict[str, str]:
        """Of the episodes of the round that comes."""
        return {"phase": self.stage, "round": str(self.round)}

    def play(self, agent: Agent, jobs: Sequence[Job], tags: Mapping[str, str], slots: int = 512) -> list[Episode]:
        """Play the jobs, each process its share; all of them get all episodes, in the order of the jobs."""
        return self._shared(jobs, lambda mine: rollout(agent, mine, tags, slots, self.environments))

    def play_matches(
        self, agents: Mapping[str, Agent], jobs: Sequence[MatchJob], tags: Mapping[str, str]
    ) -> list[Episode]:
        """The same for matches."""
        return self._shared(jobs, lambda mine: play_matches(agents, mine, tags, tables=self.tables))

    def _shared(self, jobs: Sequence[J], played: Callable[[Sequence[J]], Iterable[Episode]]) -> list[Episode]:
        order = {job.id: index for index, job in enumerate(jobs)}
        return sorted(self.shared(jobs, played), key=lambda episode: order[episode.id])

    def shared(self, items: Sequence[T], do: Callable[[Sequence[T]], Iterable[R]]) -> list[R]:
        """What comes of the items, of which each process takes its share; what they sampled counts in all of them."""
        before = self.clock.tokens_sampled
        mine = list(do(processes.share(items)))
        parts = processes.gather((mine, self.clock.tokens_sampled - before))
        self.clock.tokens_sampled = before + sum(tokens for _, tokens in parts)
        return [one for part, _ in parts for one in part]

    def begin_stage(self, stage: str, round: int = 0) -> None:
        """Go to a stage's first round, with an optimiser that has seen nothing yet."""
        self.stage, self.round, self.steps = stage, round, 0
        self.optimizer.state.clear()
        for module in self.modules.values():
            module.steps = 0
            module.optimizer.state.clear()
        for state in self.saved_modules.values():
            state |= {"steps": 0, "optimizer": {**state["optimizer"], "state": {}}}

    def enter_round(self, recipe: Recipe) -> None:
        """Take what the recipe says of the round that comes; a stage of evolution begins with a fresh optimiser."""
        self.recipe, begins = recipe.at(self.round)
        if self.algorithm != self.recipe.evolve.algorithm:
            self.algorithm, self.began = self.recipe.evolve.algorithm, self.round
        if begins:
            self.begin_stage("evolve", self.round)

    def freeze_reference(self) -> PreTrainedModel:
        """The policy as it was when evolution began, from the exported agent so that a resumed run agrees.

        Adapters need no second model: it is this one without its adapter, or, after a warm start, with that of then.
        """
        exported = self.first_policy
        if self.reference is None and has_adapter(self.model):
            warm = "warm" if self.recipe.warm_start.rounds else None
            if warm is not None:
                load_adapter(self.model, exported, warm)
            self.reference = Frozen(self.model, warm)  # type: ignore[assignment]  # it stands for a model
        elif self.reference is None:
            same = (self.model.device, self.model.dtype)
            source = load_model(exported, *same)[0] if exported.is_dir() else copy.deepcopy(self.model)
            self.reference = source.eval().requires_grad_(False)
        assert self.reference is not None
        return self.reference

    def reference_of(self, which: str, beside: str = "") -> PreTrainedModel:
        """The policy as evolution began ("start"), as it is ("round"), or the league's newest frozen self.

        beside: a module that learns as the policy does; the last two are its own then, where selves of it are frozen.
        """
        if which != "snapshot":
            own = self.module(beside).model if beside else self.model
            return self.freeze_reference() if which == "start" else own
        assert self.league is not None
        frozen = self.league.folder / self.league.selves[-1]
        newest = frozen / beside if (frozen / beside).is_dir() else frozen
        if beside not in self.newest or self.newest[beside][0] != newest:
            model = load_model(newest, self.model.device, self.model.dtype)[0]
            self.newest[beside] = newest, model.eval().requires_grad_(False)
        return self.newest[beside][1]

    def export(self, name: str) -> Path:
        """Save the policy as an agent of its own: ``agents/<name>`` in the run."""
        return save_checkpoint(self.run.path / "agents", name, self.model, self.tokenizer)

    def export_modules(self) -> None:
        """Save each model that learned beside the policy as an agent of its own."""
        judge = self.recipe.at(self.recipe.evolve.rounds - 1)[0].algorithm().judge
        for name in [*self.modules, *self.saved_modules]:  # those of a run that was stopped after its last round too
            module = self.module(name)
            folder = save_checkpoint(self.run.path / "agents", name, module.model, self.tokenizer)
            if name == "judge" and judge is not None:
                against = "../contrast" if judge.against else "../warm"
                mark(folder, kind="implicit", reference=against, beta=judge.beta)
            if name == "evaluator" and self.pattern is not None and not self.pattern.learners[name].writes:
                mark(folder, kind="generative")

    def save(self) -> Path:
        """Checkpoint all of it."""
        state = {
            **{name: getattr(self, name) for name in COUNTERS},
            "optimizer": tree_map(whole, self.optimizer.state_dict()),
            "masters": [whole(master.detach()) for master in self._masters()],
            "curricula": self.curricula.state_dict(),
            "running": self.running.state_dict(),
            "league": self.league and self.league.state_dict(),
            "clock": self.clock.state_dict(),
            "algorithm": (self.algorithm, self.began),
            "written": self.written,
            "admitted": self.admitted,
            "value_head": value_head(self.model),
            "modules": self._modules_state(),
        }
        keep = self.pattern is not None
        made = save_progress(self.run.checkpoints, self.rounds, self.model, self.tokenizer, state, keep)
        if self.league is not None:
            self.league.saved()
        return made

    def _restore(self, state: dict[str, Any]) -> None:
        for name in COUNTERS:
            setattr(self, name, state[name])
        self.saved_modules = state["modules"]
        if state["value_head"] is not None:
            self.add_value_head(state["value_head"])
        if not fits(state["optimizer"], self.optimizer):
            raise BrokenCheckpoint(
                f"the latest checkpoint in {self.run.checkpoints} holds the training state of another model: "
                "delete it to go on before it"
            )
        self.optimizer.load_state_dict(state["optimizer"])
        for weight, moments in self.optimizer.state.items():  # as the weight is: on its device, in its parts
            moments.update({name: parted_like(value, weight) for name, value in moments.items()})
        for master, saved in zip(self._masters(), state.get("masters", ()), strict=True):
            master.data.copy_(parted_like(saved, master))
        self.curricula.load_state_dict(state["curricula"] if "curricula" in state else {"": state["curriculum"]})
        self.running.load_state_dict(state["running"])
        if self.league is not None:
            self.league.load_state_dict(state["league"])
        self.clock.load_state_dict(state["clock"])
        self.written, self.admitted = state.get("written", []), state.get("admitted", -1.0)
        self.algorithm, self.began = state.get("algorithm", (self.algorithm, 0))
        self.engine.load((), self.version)

    def _masters(self) -> list[torch.Tensor]:
        """The optimiser's own weights, where the model holds them rounded."""
        return apart(self.optimizer, self.learner)
