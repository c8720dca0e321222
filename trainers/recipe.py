"""Recipes: what a run does, as a YAML file read into frozen dataclasses, strictly."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml

from palaestra.agents.opening import ModelSpec
from palaestra.arena.environments import cannot, levels
from palaestra.arena.patterns.settings import Modules, Pattern, pattern_of
from palaestra.arena.self_play import SelfPlay, check_beside, check_sampler, check_self_play, is_game, seats_of
from palaestra.arena.settings import SettingsError, build, changed, plain, put, read_yaml, unknown
from palaestra.arena.stages import (
    EvaluationSpec,
    Evolve,
    Stages,
    WarmStart,
    check_of_games,
    check_replay,
    stage_at,
    staged,
    whole,
)
from palaestra.episodes.sources import against_likeliest, answers, right_steps, turned_round, winners

from .algorithms import ALGORITHMS, DECIDED, Algorithm
from .credit import GAE
from .losses import ClippedWeight, MirrorDescent, PolicyGradient, RewriteGuided

# Numbers that a run cannot do without, wherever in the recipe they stand.
COUNTS = {
    *("problems", "epochs", "samples", "updates", "batch_size", "every", "self_consistency"),
    *("max_answer_tokens", "micro_batch_tokens", "checkpoint_every", "rank", "hidden", "layers", "heads"),
}
NOT_NEGATIVE = {"rounds", "warmup", "learning_rate", "seed"}

# What a source learns nothing without, of the task, and a task that has it not in words.
ASKS = {right_steps: ("steps", "which judges no steps"), turned_round: ("invert", "which has no backward questions")}

HAVE_RATIO = (PolicyGradient, ClippedWeight, RewriteGuided, MirrorDescent)  # to the policy that sampled


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole run. ``environment`` is an id, or a mapping with ``id`` and the task's knobs.

    engine: that samples, a row of ``agents.engines``.
    self_play: whom the policy meets, where the environment is a game, or a list of games with a ``share`` each.
    modules: who creates tasks, reasons, evaluates and post-processes, and which of them evolve; none: the policy alone.
    stages: of evolution, one after the other: ``rounds``, and what of the recipe they change; none: all rounds alike.
        Levels rise, and problems are held out, as the recipe itself has it.
    """

    name: str = "run"
    seed: int = 0
    environment: str | Mapping[str, Any] = "palaestra/ChainArith-v0"
    model: ModelSpec = field(default_factory=ModelSpec)
    warm_start: WarmStart = field(default_factory=WarmStart)
    evolve: Evolve = field(default_factory=Evolve)
    evaluation: EvaluationSpec = field(default_factory=EvaluationSpec)
    max_answer_tokens: int = 64
    temperature: float = 1.0
    micro_batch_tokens: int = 8192
    checkpoint_every: int = 10
    engine: Literal["transformers", "vllm"] = "transformers"
    self_play: SelfPlay | None = None
    modules: Modules | None = None
    stages: Stages = ()

    def at(self, round: int) -> tuple[Recipe, bool]:
        """The recipe of a round of evolution, and whether a stage begins with it."""
        if not self.stages:
            return self, False
        number, first = stage_at(self.stages, round)
        return parse_recipe(staged(plain(dataclasses.asdict(self)), number)), first

    @property
    def env_id(self) -> str:
        return self.environment if isinstance(self.environment, str) else str(self.environment["id"])

    @property
    def env_kwargs(self) -> dict[str, Any]:
        if isinstance(self.environment, str):
            return {}
        return {name: value for name, value in self.environment.items() if name != "id"}

    def pattern(self) -> Pattern | None:
        """Which modules evolve and how they are related; None without ``modules``. Raises SettingsError."""
        if self.modules is None:
            return None
        row = self.algorithm()
        return pattern_of(self.modules, reasoner_reads_rewards=row.advantage is not None or row.credit is not None)

    def algorithm(self) -> Algorithm:
        """The chosen row of the table with the recipe's changes.

        Raises:
            SettingsError: a change of what the row does not have.
            ValueError: values that do not go together.
        """
        evolve = self.evolve
        row = ALGORITHMS[evolve.algorithm].for_answers_of(self.max_answer_tokens)
        for name in ("objective", "advantage", "credit", "critic", "judge"):
            changes = getattr(evolve, name)
            if changes and getattr(row, name) is None:
                raise SettingsError(f"evolve.{name} has no effect on {evolve.algorithm}, which has none")
            if changes:
                row = dataclasses.replace(row, **{name: changed(getattr(row, name), changes, f"evolve.{name}")})
        if evolve.reference is None:
            return row
        if not row.objective.reads_reference:
            raise SettingsError(f"evolve.reference has no effect on {evolve.algorithm}, which reads none")
        return dataclasses.replace(row, reference=evolve.reference)


def load_recipe(path: str | Path, overrides: Mapping[str, str] | None = None) -> Recipe:
    """Read a recipe file, or one that ships with the package by its name, with dotted overrides.

    Raises:
        SettingsError: no such file, not YAML, an unknown key (the nearest is named), a value of the wrong type, or
            values that do not go together.
        UnknownEnvironment, UnknownKnob: of the environment; the nearest is named.
    """
    file = Path(path)
    if not file.is_file():
        shipped = shipped_recipes()
        if str(path) not in shipped:
            raise SettingsError(f"no recipe {path}: give a YAML file, or one of {', '.join(sorted(shipped))}")
        file = shipped[str(path)]
    data = read_yaml(file.read_bytes(), str(path)) or {}
    for key, value in (overrides or {}).items() if isinstance(data, dict) else ():
        put(data, key.split("."), read_yaml(value, f"{key}={value}"))
    recipe = parse_recipe(data)
    if overrides is not None:  # of a run that is to begin; one that has begun goes on
        _check_waiting(recipe)
    return recipe


def shipped_recipes() -> dict[str, Path]:
    """The recipes that ship with the package: those of published systems are named "systems/NAME"."""
    folder = Path(str(files("palaestra"))) / "recipes"
    return {str(file.relative_to(folder).with_suffix("")): file for file in sorted(folder.glob("**/*.yaml"))}


def parse_recipe(data: Any) -> Recipe:
    """A recipe from plain data. Raises SettingsError as ``load_recipe`` does."""
    if isinstance(data, Mapping) and isinstance(games := data.get("environment"), list):
        named = [game.get("id") if isinstance(game, Mapping) else game for game in games]
        names = [name for name in named if isinstance(name, str)]
        if not names or len(names) < len(games):
            raise SettingsError("environment is an id, a mapping with an id, or a list of games, each one of the two")
        data = {**data, "environment": {"id": " and ".join(names), "games": games}}
    data = whole(data) if isinstance(data, Mapping) else data
    recipe: Recipe = build(Recipe, data)
    if not isinstance(recipe.environment, str) and "id" not in recipe.environment:
        raise SettingsError("environment needs an id, such as {id: palaestra/ChainArith-v0}")
    if recipe.self_play is None and is_game(recipe.environment):
        recipe = dataclasses.replace(recipe, self_play=SelfPlay())
    if recipe.evolve.algorithm not in ALGORITHMS:
        raise SettingsError(unknown("algorithm", recipe.evolve.algorithm, list(ALGORITHMS)))
    _check_numbers(recipe)
    _check_algorithm(recipe)
    _check_environment(recipe)
    _check_modules(recipe)
    for number in range(len(recipe.stages)):
        try:
            stage = parse_recipe(staged(data, number))
        except SettingsError as error:
            raise SettingsError(f"stages[{number}]: {error}") from error
        if (stage.self_play is None) != (recipe.self_play is None):
            raise SettingsError(f"stages[{number}].environment is no game where the recipe's is one, or the other way")
    return recipe


def _check_numbers(recipe: Recipe) -> None:
    if not recipe.name or recipe.name[0] in ".-" or "/" in recipe.name or not recipe.name.isprintable():
        raise SettingsError(f"name is what the run's folder is called: no /, and no . or - first, not {recipe.name!r}")
    if recipe.temperature <= 0:
        raise SettingsError("temperature is above 0: training samples from the policy itself")
    parts = {"warm_start.": recipe.warm_start, "evolve.": recipe.evolve, "evaluation.": recipe.evaluation}
    parts |= {"": recipe, "model.": recipe.model, "model.lora.": recipe.model.lora}
    for part, spec in parts.items():
        for least, names in ((1, COUNTS), (0, NOT_NEGATIVE)):
            for name in sorted(names.intersection(getattr(spec, "__dataclass_fields__", ()))):
                if getattr(spec, name) < least:
                    raise SettingsError(f"{part}{name} is {least} or more, not {getattr(spec, name)}")
    if recipe.seed >= 2**63:
        raise SettingsError(f"seed is below 2**63, as torch has it, not {recipe.seed}")
    model = recipe.model
    if model.lora is not None and not model.lora.alpha > 0:
        raise SettingsError(f"model.lora.alpha is above 0, not {model.lora.alpha}: at 0 an adapter changes nothing")
    if model.path is None and model.hidden % (2 * model.heads):
        raise SettingsError(f"model.hidden is a multiple of {2 * model.heads}, twice model.heads, not {model.hidden}")
    recipe.evolve.check_shares()


def _check_algorithm(recipe: Recipe) -> None:
    spec = recipe.evolve
    try:
        algorithm = recipe.algorithm()
        if spec.sampler is not None:
            spec.sampler.check()
        if spec.replay is not None:
            spec.replay.check()
    except SettingsError:
        raise
    except ValueError as error:
        raise SettingsError(f"evolve: {error}") from error
    if spec.samples < 2:
        raise SettingsError(f"evolve.samples is 2 or more for {spec.algorithm}: answers to a problem are compared")
    if spec.sampler is not None and recipe.modules is not None:
        raise SettingsError("evolve.sampler is for a policy that learns alone: leave modules away")
    if algorithm.reference == "snapshot" and (recipe.self_play is None or recipe.self_play.opponents == "anchors"):
        raise SettingsError(
            "evolve.reference is a snapshot in self-play alone, where the policy is frozen now and then"
        )
    given = algorithm.advantage is not None and algorithm.advantage.baseline == "given"
    if given and algorithm.source is not against_likeliest:
        raise SettingsError(f"evolve.advantage.baseline given is of remax, not of {spec.algorithm}, which has none")
    if algorithm.critic and algorithm.critic.after == isinstance(algorithm.credit, GAE):
        before = f"{algorithm.critic.after}".lower()
        raise SettingsError(f"evolve.critic.after is not {before} for {spec.algorithm}, which asks at other places")
    has_ratio = isinstance(algorithm.objective, HAVE_RATIO)
    if spec.sampler is not None and has_ratio:
        raise SettingsError(f"evolve.sampler is none for {spec.algorithm}: its ratio is to the policy, not to a search")
    if spec.start == "base" and has_ratio:
        raise SettingsError(
            f"evolve.start is latest for {spec.algorithm}: its ratio is to the policy that sampled, not to the base"
        )
    if spec.replay is not None:
        evolved = pattern.evolved if (pattern := recipe.pattern()) else None
        check_replay(spec, has_ratio, evolved, recipe.self_play is not None)
    _check_gradient(spec, algorithm)


def _check_waiting(recipe: Recipe) -> None:
    """What is said has an effect on games, and a judge that learns alone uses up no more rounds than there are."""
    if recipe.self_play is not None:
        check_of_games(recipe)
    judge, rounds = recipe.algorithm().judge, recipe.evolve.rounds
    if judge is not None and not recipe.stages and 0 < rounds < judge.alone:
        raise SettingsError(f"evolve.judge.alone is {judge.alone}, but there are {rounds} rounds: lower it")


def _check_gradient(spec: Evolve, row: Algorithm) -> None:
    """What a policy gradient's options want of the rest."""
    if not isinstance(row.objective, PolicyGradient):
        return
    if spec.updates > 1 and row.objective.ratio == "none":
        raise SettingsError(f"evolve.updates is 1 for {spec.algorithm}: without a ratio the second is off-policy")
    if row.objective.kl_placement == "reward" and row.credit is not None and not row.credit.reads_outcome:
        raise SettingsError(
            f"evolve.objective.kl_placement is loss for {spec.algorithm}: it reads no reward that has a price"
        )


def _check_environment(recipe: Recipe) -> None:
    check_sampler(recipe.evolve.sampler, recipe.self_play, recipe.environment)
    if recipe.self_play is not None:
        check_self_play(recipe.self_play, recipe.environment)
        row, name, beside = recipe.algorithm(), recipe.evolve.algorithm, recipe.self_play.beside
        if row.source is winners and (recipe.self_play.opponents, recipe.self_play.policies) != ("self", "shared"):
            raise SettingsError(f"{name} learns from whoever won: set self_play.opponents: self, policies: shared")
        searched, scored = recipe.evolve.sampler is not None, row.advantage is not None or isinstance(row.credit, GAE)
        if searched and (row.source is not DECIDED or scored):
            raise SettingsError(f"what a search for moves finds is imitated, as unlabelled does, not {name}")
        if not searched and (not scored or row.source not in (answers, DECIDED, winners) or row.judge is not None):
            raise SettingsError(f"self-play learns from returns, as role_baseline and ppo do, not {name}")
        least = 2 * seats_of(recipe.environment)
        compares = row.advantage is not None and row.advantage.compares
        if compares and recipe.self_play.opponents != "self" and recipe.evolve.samples < least:
            raise SettingsError(f"evolve.samples is {least} or more for {name}: it compares answers of one seat")
        if beside and row.critic is not None:
            raise SettingsError(f"{name} has one critic: leave self_play.{beside} away")
        if beside:
            check_beside(beside, recipe.evolve.start)
        return
    known = levels(recipe.env_id, recipe.env_kwargs)
    spec = recipe.evolve
    asked = {
        "warm_start.difficulties": recipe.warm_start.difficulties,
        "evaluation.difficulties": recipe.evaluation.difficulties,
        "evolve.start_difficulty to evolve.top_difficulty": range(spec.start_difficulty, spec.top_difficulty + 1),
    }
    for key, named in asked.items():
        other = next((level for level in named if level not in known), None if named else "none")  # it may be long
        if other is not None:
            every = f"{known[0]} to {known[-1]}"
            raise SettingsError(f"{key} names levels of {recipe.env_id}, which has {every}, not {other}")
    recipe.warm_start.check_habits()
    source = recipe.algorithm().source
    if source is winners:
        raise SettingsError(f"{spec.algorithm} learns from whoever won a game, which {recipe.env_id} is not")
    if source in ASKS and cannot(recipe.env_id, recipe.env_kwargs, ASKS[source][0]):
        raise SettingsError(f"{spec.algorithm} learns nothing from {recipe.env_id}, {ASKS[source][1]}")


def _check_modules(recipe: Recipe) -> None:
    pattern, row = recipe.pattern(), recipe.algorithm()
    if recipe.modules is None or pattern is None:
        return
    if recipe.self_play is not None:
        raise SettingsError("modules are for tasks of one question, self_play for games: leave one of them away")
    if recipe.modules.gate < 1 or recipe.modules.answers < 1:
        raise SettingsError("modules.gate and modules.answers are 1 or more")
    if row.attempts:
        raise SettingsError(f"{recipe.evolve.algorithm} asks for more problems when all score alike: not with modules")
    if row.critic is not None and row.critic.shared and recipe.modules.admit != "always":
        raise SettingsError(f"{recipe.evolve.algorithm} adds a head to the policy: set modules.admit: always for it")
    if recipe.evolve.updates > 1 and "reasoner" not in pattern.evolved:
        raise SettingsError("evolve.updates are steps of the reasoner, which does not evolve: leave them away")
    paid = [slot for slot in pattern.evolved if ALGORITHMS.get(pattern.learners[slot].algorithm, row).advantage]
    if recipe.evolve.start == "base" and paid:
        raise SettingsError(f"evolve.start is latest where {paid[0]} evolves: what it sampled is not the base's")


def dump_recipe(recipe: Recipe) -> str:
    """The resolved recipe as YAML, every default written out."""
    return yaml.safe_dump(plain(dataclasses.asdict(recipe)), sort_keys=False)
