"""A new run that goes on from a round of another one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from palaestra.agents.checkpoint import load_state, progress
from palaestra.arena.run_folder import RunError, RunFolder, write_whole
from palaestra.trainers.recipe import dump_recipe, load_recipe
from palaestra.trainers.session import STAGES

KEPT = ("agents/start", "agents/warm", "base", "league")  # what was there when evolution began
LOGS = ("episodes", "modules")
BATCH = re.compile(r"\d+-(warm|evolve)-(\d{5})")


def read_branch(said: str) -> tuple[RunFolder, Path]:
    """The run and the checkpoint that "RUN@3" names: after its third round, as they are counted in its metrics.

    Raises:
        RunError: no such run, no checkpoint of that round (those that are there are named), or the run's end.
    """
    folder, _, number = said.rpartition("@")
    if not folder or not number.isdigit():
        raise RunError(f"{said!r} is not RUN@ROUND, such as runs/patterns@3")
    run = RunFolder.open(folder)
    found = {int(path.name.removeprefix("round-")): path for path in progress(run.checkpoints)}
    if int(number) not in found:
        known = ", ".join(map(str, found)) or "none"
        raise RunError(f"{run.path} has no checkpoint of round {number}: {known} (runs with modules keep all of them)")
    if load_state(found[int(number)])["stage"] not in STAGES:
        kept = "this run kept its last checkpoint alone; stop one with Ctrl-C at the round"
        how = "name an earlier round" if len(found) > 1 else kept
        raise RunError(f"{said} is the run's end, after which nothing comes: {how}")
    return run, found[int(number)]


def branch(source: RunFolder, checkpoint: Path, target: RunFolder, changes: Mapping[str, str]) -> None:
    """Copy what a run was at a checkpoint, with its recipe changed, so that the target resumes from there."""
    state = load_state(checkpoint)
    here = (STAGES.index(state["stage"]), state["round"])
    recipe = dump_recipe(load_recipe(source.recipe, changes))
    shutil.copytree(checkpoint, target.checkpoints / checkpoint.name)
    for name in KEPT:
        if (source.path / name).is_dir() and not (name == "agents/warm" and here[0] == 0):
            shutil.copytree(source.path / name, target.path / name)
    for log in LOGS:
        for file in sorted((source.path / log).glob("[0-9]*.parquet")):
            named = BATCH.match(file.name)
            if named and (STAGES.index(named[1]), int(named[2])) < here:
                (target.path / log).mkdir(exist_ok=True)
                shutil.copy2(file, target.path / log / file.name)
    for name in ("metrics.jsonl", "environment.json"):
        shutil.copy2(source.path / name, target.path / name)
    write_whole(target.recipe, recipe)
