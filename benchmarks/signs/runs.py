"""What arms are made of: warm starts, runs of recipes from them, and answers to the held-out problems."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from palaestra.agents.agent import Agent
from palaestra.agents.engine import Sampling
from palaestra.agents.pretrained import load_policy
from palaestra.arena.evaluate import held_out
from palaestra.arena.measure import by_problem
from palaestra.arena.rollout import rollout
from palaestra.arena.run_folder import RunFolder
from palaestra.cli.run import start_run
from palaestra.episodes import Episode, EpisodeStore
from palaestra.episodes.views import Row
from palaestra.trainers.recipe import Recipe, dump_recipe, load_recipe, parse_recipe

from ..systems.recipes import data_of, merged
from ..systems.scores import tokens as spent
from .play import share
from .sign import Measured, Place

NEVER = 10**6  # rounds between evaluations that are not wanted


def warm(place: Place, recipe: str, changes: Mapping[str, Any] | None = None) -> Path:
    """The policy's folder after a recipe's warm start, of this seed; all arms with the same changes share it."""
    made = changed(recipe, {**(changes or {}), "seed": place.seed}, {"evolve": {"rounds": 0}, "stages": ()}, modest())
    digest = hashlib.sha256(dump_recipe(changed(made, {"seed": 0, "name": "start"})).encode()).hexdigest()[:12]
    return share(place, f"warm-{digest}", lambda folder: _run(made, folder)) / "agents" / "warm"


def evolved(place: Place, recipe: str, start: Path, changes: Mapping[str, Any]) -> Path:
    """The arm's run of a recipe from the policy in ``start``; gives the folder of the policy that came of it."""
    begin = {"seed": place.seed, "model": {"path": str(start.resolve())}, "warm_start": {"rounds": 0}}
    _run(changed(recipe, changes, begin, modest()), place.folder)
    return place.folder / "agents" / "evolved"


def modest() -> dict[str, Any]:
    """Changes that have a run evaluate next to nothing itself: arms are measured by their sign."""
    return {"evaluation": {"problems": 1, "every": NEVER, "self_consistency": 1}}


def answers(place: Place, agent: Agent, recipe: Recipe, samples: int = 1, name: str = "held-out") -> list[Episode]:
    """The agent's answers to held-out problems at the recipe's evaluation levels, logged in the arm's folder."""
    return answers_of(place, agent, recipe.env_id, recipe.env_kwargs, recipe.evaluation.difficulties, samples, name)


def answers_of(
    place: Place,
    agent: Agent,
    env_id: str,
    knobs: Mapping[str, Any],
    levels: Sequence[int],
    samples: int = 1,
    name: str = "held-out",
) -> list[Episode]:
    """The same of any environment at any levels."""
    jobs = held_out(env_id, knobs, levels, place.sizes.problems, samples=samples)
    episodes = list(rollout(agent, jobs, {"phase": "held-out"}, len(jobs)))
    EpisodeStore(place.folder / "held-out").append(episodes, name)
    return episodes


def answered(place: Place, folder: Path, recipe: Recipe, spends: bool = True) -> Measured:
    """What the policy in a folder solves by one sampled answer each; tokens: sampled and learned from in its run.

    spends: False of a policy that the arm has not trained.
    """
    sampling = Sampling(temperature=recipe.temperature, max_tokens=recipe.max_answer_tokens)
    episodes = answers(place, load_policy(folder, sampling, "evolved"), recipe)
    return Measured(by_problem(episodes), sum(spent(place.folder)) if spends else 0)


def changed(recipe: str | Recipe, *changes: Mapping[str, Any]) -> Recipe:
    """A shipped recipe, or another, with what is changed below keys, an environment as a whole."""
    data = data_of(load_recipe(recipe) if isinstance(recipe, str) else recipe)
    for change in changes:
        data = merged(data, change)
    return parse_recipe(data)


def read(rows: Sequence[Row]) -> int:
    """Tokens of a pass over the rows, prompts counted."""
    return sum(len(row.ids) for row in rows)


def _run(recipe: Recipe, folder: Path) -> None:
    run = RunFolder(folder)
    run.hold()
    start_run(recipe, run, threads=1, wandb=False, stop=lambda: False)
    run.release()
    shutil.rmtree(run.checkpoints, ignore_errors=True)  # megabytes each, and nothing goes on from them
