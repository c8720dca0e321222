"""A new run that goes on from a round of another one."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from palaestra.agents.checkpoint import load_state, progress, save_state
from palaestra.arena.league import League
from palaestra.arena.run_folder import RunError, RunFolder, describe_environment, write_whole
from palaestra.arena.settings import SettingsError
from palaestra.trainers.recipe import Recipe, dump_recipe, load_recipe
from palaestra.trainers.session import STAGES

KEPT = ("agents/start", "agents/warm", "base")  # what was there when evolution began
HELD = ("device", "gradient_checkpointing", "offload_optimizer")  # how the model that there is may be held
LOGS = ("episodes", "modules")
BATCH = re.compile(r"\d+-(warm|evolve)-(\d{5})")


@dataclass(frozen=True, slots=True)
class Branch:
    """A run, one of its checkpoints, the training state in it, and the recipe that a new run goes on with."""

    run: RunFolder
    checkpoint: Path
    state: dict[str, Any]
    recipe: Recipe


def read_branch(said: str, changes: Mapping[str, str]) -> Branch:
    """What "RUN@3" names: the run after its third round, as rounds are counted in its metrics, its recipe changed.

    Raises:
        RunError: no such run, no checkpoint of that round (those that are there are named), or the run's end, where the
            changes give it no more rounds.
        SettingsError: a change of what no recipe has, or of what is past at that round.
    """
    folder, _, number = said.rpartition("@")
    if not folder or not number.isdecimal():
        raise RunError(f"{said!r} is not RUN@ROUND, such as runs/patterns@3")
    run = RunFolder.open(folder)
    found = {int(path.name.removeprefix("round-")): path for path in progress(run.checkpoints)}
    if int(number) not in found:
        known = ", ".join(map(str, found)) or "none"
        raise RunError(f"{run.path} has no checkpoint of round {number}: {known} (runs with modules keep all of them)")
    state, recipe = load_state(found[int(number)]), load_recipe(run.recipe, changes)
    if state["stage"] not in STAGES:
        if recipe.evolve.rounds <= state["round"]:
            more = "stages=[...], one stage more" if recipe.stages else f"evolve.rounds={2 * max(1, state['round'])}"
            raise RunError(f"{said} is the run's end: to go on, give it more rounds, as by --set {more}")
        state["stage"] = "evolve"
    _check_past(load_recipe(run.recipe), recipe, state)
    return Branch(run, found[int(number)], state, recipe)


def _check_past(before: Recipe, recipe: Recipe, state: Mapping[str, Any]) -> None:
    """Raises SettingsError for a recipe that is not true of what a run was at a checkpoint, or cannot go on from it."""
    past = [f"model.{name}" for name in _changed(before.model, recipe.model) if name not in HELD]
    if state["stage"] != "warm":
        past += [f"warm_start.{name}" for name in _changed(before.warm_start, recipe.warm_start)]
    if past:
        raise SettingsError(f"{past[0]} is past at that round: leave it away, or begin a new run with it")
    if (before.self_play is None) != (recipe.self_play is None):
        raise SettingsError("environment: a task is gone on with as a task, and a game as a game: begin a new run")
    levels = range(recipe.evolve.start_difficulty, recipe.evolve.top_difficulty + 1)
    for one in state.get("curricula", {}).values():
        if one["level"] not in levels:
            asked = "evolve.start_difficulty to evolve.top_difficulty"
            raise SettingsError(f"the run is at level {one['level']} there, which {asked} leaves out: let it be in")


def _changed(before: Any, after: Any) -> list[str]:
    return [field.name for field in fields(before) if getattr(before, field.name) != getattr(after, field.name)]


def branch(source: Branch, target: RunFolder, threads: int | None = None) -> None:
    """Copy what a run was at a checkpoint, so that the target resumes from there, with the changed recipe.

    threads: of torch, the run's own unless given.
    """
    run, state = source.run, source.state
    here = (STAGES.index(state["stage"]), state["round"])
    copied = shutil.copytree(source.checkpoint, target.checkpoints / source.checkpoint.name)
    save_state(copied, state)
    for name in KEPT:
        if (run.path / name).is_dir() and not (name == "agents/warm" and here[0] == 0):
            shutil.copytree(run.path / name, target.path / name)
    if source.recipe.self_play is not None:
        _copy_league(run.path / "league", League(target.path / "league", source.recipe.self_play), state["league"])
    for log in LOGS:
        for file in sorted((run.path / log).glob("[0-9]*.parquet")):
            named = BATCH.match(file.name)
            if named and (STAGES.index(named[1]), int(named[2])) < here:
                (target.path / log).mkdir(exist_ok=True)
                shutil.copy2(file, target.path / log / file.name)
    shutil.copy2(run.metrics, target.metrics)
    own = json.loads((run.path / "environment.json").read_text())["threads"]
    environment = describe_environment(source.recipe.seed, own if threads is None else threads)
    write_whole(target.path / "environment.json", json.dumps(environment, indent=2) + "\n")
    write_whole(target.recipe, dump_recipe(source.recipe))


def _copy_league(folder: Path, league: League, state: Mapping[str, Any]) -> None:
    """The members that a checkpoint names; a later one would be taken for the target's own of that round."""
    league.load_state_dict(state)
    for name in (*league.selves, *league.exploiters):
        if (folder / name).is_dir():
            shutil.copytree(folder / name, league.folder / name)
    league.write()
