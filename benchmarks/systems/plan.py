"""What is to be run: environments, the systems whose data they have, and the order of the cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from palaestra.arena.self_play import is_game
from palaestra.cli.patterns import shares_start, systems
from palaestra.envs.dialogue import Dialogue
from palaestra.envs.registration import make_task, task_class
from palaestra.envs.task import Task
from palaestra.trainers.recipe import Recipe, load_recipe

START, IMITATION, VOTE, SHUFFLED = "start", "imitation", "vote", "-shuffled"
SUMMARY = "summary.json"  # in a cell's folder, when it is done
SHARED = "patterns"  # the recipe whose warm start the systems share
# Algorithms that no reward of an answer reaches, so that shuffled ones change nothing: they learn from demonstrations,
# from whatever was sampled, from the verdicts on lines, from those within a search.
VERDICTLESS = {"sft", "spin", "unlabelled", "autoprm", "searched_dpo"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where systems are compared.

    recipe: whose warm start they have. changes: to it and to the systems' recipes.
    left_out: systems that cannot be run here, and what they lack.
    """

    name: str
    recipe: str
    changes: Mapping[str, Any]
    systems: tuple[str, ...]
    left_out: Mapping[str, str]

    @property
    def shared(self) -> bool:
        """Whether several systems share the warm start."""
        return self.recipe == SHARED


@dataclass(frozen=True, slots=True)
class Cell:
    """One run: the warm start, a baseline, a system ("star") or its control ("star-shuffled")."""

    place: Place
    seed: int
    name: str

    @property
    def folder(self) -> str:
        """Where it is, under the folder of all."""
        return f"{self.place.name}/seed{self.seed}/{self.name}"


def asked(first: int, last: int, rounds: int) -> dict[str, Any]:
    """The changes that have a recipe ask these levels, after a warm start of so many rounds."""
    levels = list(range(first, last + 1))
    return {
        "warm_start": {"difficulties": levels, "rounds": rounds},
        "evolve": {"start_difficulty": first, "top_difficulty": last},
        "evaluation": {"difficulties": levels},
    }


# What the recipes change to be played there; ChainArith is their own. Levels and rounds of the warm start are such that
# a model of this size knows something of the task then.
ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "ChainArith": {},
    "LinearCongruence": {"environment": {"id": "palaestra/LinearCongruence-v0", "modulus": 5}, **asked(1, 2, 150)},
    "Inverse": {
        "environment": {"id": "palaestra/Inverse-v0", "knobs": {"modulus": 5, "operators": "+", "wording": 0}},
        **asked(1, 2, 120),
    },
}


@cache
def places() -> tuple[Place, ...]:
    """The three environments with the systems that share their starts, then each other system, with its own."""
    shared = load_recipe(SHARED)
    told = {name.removeprefix("systems/"): load_recipe(name) for name in systems()}
    sharing = {name: one for name, one in told.items() if shares_start(one, shared)}
    found = [_environment(name, changes, shared, sharing) for name, changes in ENVIRONMENTS.items()]
    return (*found, *(Place(name, f"systems/{name}", {}, (name,), {}) for name in told if name not in sharing))


def _environment(name: str, changes: Mapping[str, Any], shared: Recipe, sharing: Mapping[str, Recipe]) -> Place:
    named = changes.get("environment", shared.environment)
    task = make_task(named["id"], **{knob: value for knob, value in named.items() if knob != "id"})
    left_out = {system: lack for system, recipe in sharing.items() if (lack := lacks(recipe, task))}
    fitting = tuple(system for system in sharing if system not in left_out)
    return Place(name, SHARED, changes, fitting, left_out)


def lacks(recipe: Recipe, task: Task) -> str:
    """What a system learns from and a task does not have; "" when it has all."""
    pattern = recipe.pattern()
    models = {} if pattern is None else pattern.learners
    if "creator" in models and not reads_problems(task):
        return "a creator writes problems, and this task reads none"
    if "evaluator" in models and not has_digits(task):
        return "an evaluator is first shown answers with a wrong digit, and answers have none here"
    if "revthink" in algorithms(recipe) and not turns_round(task):
        return "this task has no backward questions"
    return ""


def reads_problems(task: Task) -> bool:
    """Whether a creator may write problems of it."""
    return type(task).pose is not Task.pose


def turns_round(task: Task) -> bool:
    """Whether its problems have backward questions."""
    return task.invert(task.sample(np.random.default_rng(0), task.difficulties[0])) is not None


def has_digits(task: Task) -> bool:
    """Whether its solutions have digits, into which the warm start puts errors that evaluators are shown."""
    rng = np.random.default_rng(0)
    return any(letter.isdigit() for letter in task.solve(task.sample(rng, task.difficulties[0]), rng))


def algorithms(recipe: Recipe) -> set[str]:
    """What it learns by, in all its stages."""
    named = (stage.get("evolve", {}).get("algorithm", recipe.evolve.algorithm) for stage in recipe.stages)
    return set(named) if recipe.stages else {recipe.evolve.algorithm}


@cache
def has_verdicts(system: str) -> bool:
    """Whether it learns from rewards of answers, which its control shuffles."""
    return not algorithms(load_recipe(f"systems/{system}")) <= VERDICTLESS


@cache
def votes(name: str) -> bool:
    """Whether answers to a recipe's problems can be voted on: those to one question."""
    recipe = load_recipe(name)
    return not is_game(recipe.environment) and not issubclass(task_class(recipe.env_id), Dialogue)


def cells(seeds: Sequence[int], only: Sequence[str] = ()) -> Iterator[Cell]:
    """All cells, in an order that may be left off anywhere: a seed after the other, a place after the other.

    The start comes first, then the vote, each system with its control, and the imitation, which goes on until it has
    learned from as many tokens as the greediest of them. only: names of places.
    """
    for seed in seeds:
        for place in places():
            if not only or place.name in only:
                yield from (Cell(place, seed, name) for name in _names(place))


def _names(place: Place) -> Iterator[str]:
    yield START
    if votes(place.recipe):
        yield VOTE
    for system in place.systems:
        yield system
        if has_verdicts(system):
            yield system + SHUFFLED
    yield IMITATION
