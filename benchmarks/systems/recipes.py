"""What each cell does, as a recipe made of the shipped ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from palaestra.envs.registration import make_task
from palaestra.trainers.recipe import Recipe, dump_recipe, load_recipe, parse_recipe

from .plan import SHUFFLED, Cell, has_digits, reads_problems

NEVER = 10**6  # rounds: of a schedule that is not to fall within a run, between evaluations that are not wanted


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of all cells of a folder.

    problems: held out. longer: times the rounds of evolution, and the imitation's tokens. votes: answers drawn to each
    problem. first_point: the tokens that the imitation is first measured at.
    """

    problems: int = 200
    longer: int = 1
    votes: int = 64
    first_point: int = 20_000

    def imitated(self, budget: int) -> list[int]:
        """The numbers of tokens that the imitation is measured at, a fifth apart, up to the budget or the next more."""
        points = [self.longer * self.first_point]
        while points[-1] < budget:
            points.append(round(points[0] * 2 ** (len(points) / 4)))
        return points


SMOKE = Sizes()
CLAIM = Sizes(problems=500, longer=2)


def start(cell: Cell, sizes: Sizes) -> Recipe:
    """The warm start, with what the modules that are models are shown in it; of a system of its own, that system's."""
    data = _placed(cell, cell.place.recipe, sizes)
    if cell.place.shared:
        task = _task(data["environment"])
        modules = _modules(task)
        data["modules"] = {**data["modules"], **modules} if modules else None
    data["stages"] = ()
    return parse_recipe(merged(data, {"evolve": {"rounds": 0}}))


def _modules(task: Any) -> dict[str, Any]:
    """The marks of the shared recipe's modules, of those that the task can show; {} without any beside the reasoner."""
    creates, judges = reads_problems(task), has_digits(task)
    if not (creates or judges):
        return {}
    mark = {True: "evolved", False: "rule"}
    return {"creator": mark[creates], "evaluator": mark[judges], "post_processor": mark[creates]}


def evolved(cell: Cell, warm: Path, sizes: Sizes) -> Recipe:
    """A system, or its control, from the warm start in the folder ``warm``."""
    data = _placed(cell, f"systems/{cell.name.removesuffix(SHUFFLED)}", sizes)
    data["stages"] = tuple(_stage(stage, data["evolve"]["top_difficulty"], sizes) for stage in data["stages"])
    control = "shuffled" if cell.name.endswith(SHUFFLED) else "none"
    rounds = data["evolve"]["rounds"] * sizes.longer
    return parse_recipe(merged(_from(data, warm), {"evolve": {"control": control, "rounds": rounds}}))


def _stage(stage: Mapping[str, Any], top: int, sizes: Sizes) -> dict[str, Any]:
    """A stage with more rounds, which asks no level above the environment's."""
    evolve = dict(stage.get("evolve", {}))
    if "start_difficulty" in evolve:
        evolve["start_difficulty"] = min(top, evolve["start_difficulty"])
    return {**stage, "evolve": evolve, "rounds": stage["rounds"] * sizes.longer}


def imitating(cell: Cell, warm: Path, sizes: Sizes) -> Recipe:
    """More of the warm start's demonstrations, at the rate that most systems learn at, which does not fall."""
    first = _placed(cell, cell.place.recipe, sizes)
    data = {**_from(first, warm), "modules": None, "stages": ()}
    habit = {"rounds": NEVER, "learning_rate": 5e-4}
    return parse_recipe(merged(data, {"warm_start": habit, "evolve": {"rounds": 0}}))


def _placed(cell: Cell, name: str, sizes: Sizes) -> dict[str, Any]:
    """A shipped recipe's data with the cell's seed, environment and evaluation."""
    changes = {
        **{"name": cell.name, "seed": cell.seed},
        "evaluation": {"problems": sizes.problems, "every": NEVER, "self_consistency": 1},
    }
    return merged(merged(data_of(load_recipe(name)), cell.place.changes), changes)


def _from(data: Mapping[str, Any], warm: Path) -> dict[str, Any]:
    return merged(data, {"model": {"path": str(warm.resolve())}, "warm_start": {"rounds": 0}})


def data_of(recipe: Recipe) -> dict[str, Any]:
    """A recipe as plain data, every default written out."""
    found: dict[str, Any] = yaml.safe_load(dump_recipe(recipe))
    return found


def merged(data: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The data with what is changed below keys, an environment as a whole."""
    made = dict(data)
    for key, change in changes.items():
        inner = isinstance(change, Mapping) and isinstance(made.get(key), Mapping) and key != "environment"
        made[key] = {**made[key], **change} if inner else change
    return made


def _task(environment: Mapping[str, Any]) -> Any:
    return make_task(environment["id"], **{knob: value for knob, value in environment.items() if knob != "id"})
