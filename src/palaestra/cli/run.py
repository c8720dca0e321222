"""One run from its recipe to its leaderboard, with everything it writes."""

from __future__ import annotations

import dataclasses
import gc
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from palaestra.agents import processes
from palaestra.arena.display import open_display
from palaestra.arena.evaluate import Evaluation
from palaestra.arena.leaderboard import terminal_table
from palaestra.arena.run_folder import RunError, RunFolder, describe_environment, write_whole
from palaestra.arena.tensorboard import TensorBoardTracker
from palaestra.arena.tracking import AllTrackers, JsonTracker, Tracker, WandbTracker
from palaestra.trainers.evolve import evolve
from palaestra.trainers.recipe import Recipe, dump_recipe, load_recipe
from palaestra.trainers.session import Session, Stopped

from .app import typed
from .finish import finish


def start_run(
    recipe: Recipe | None,
    run: RunFolder,
    threads: int,
    wandb: bool,
    stop: Callable[[], bool],
    tensorboard: bool = False,
) -> Path | None:
    """Begin the recipe in a new run folder, or, without a recipe, go on with the folder's own.

    Of several processes (``accelerate launch``), all call this with one folder, which the first holds and writes.

    Returns the folder, or None when the run was stopped and waits to be resumed.
    """
    resumed, first = recipe is None, processes.is_first()
    if recipe is None:
        if first:
            run.hold()
        if not run.recipe.is_file():
            raise RunError(f"{run.path} has no recipe.yaml: only runs of `palaestra evolve` resume")
        recipe = load_recipe(run.recipe)
        if first:
            run.episodes.discard_unfinished()
        processes.wait()
        threads = run.threads()
    threads = processes.set_threads(threads)
    processes.keep_freed_memory()
    if not resumed and first:
        environment = describe_environment(recipe.seed, threads)
        write_whole(run.path / "environment.json", json.dumps(environment, indent=2) + "\n")
        write_whole(run.recipe, dump_recipe(recipe))
    session = Session.resume(recipe, run) if resumed else Session.begin(recipe, run)
    gc.collect()
    gc.freeze()  # torch and transformers are hundreds of thousands of objects: not to be looked through every second
    gc.set_threshold(100_000)  # nor the few thousand of a round many times: they are let go of without its help
    resumed_at = (session.rounds or -1) if resumed else None  # round 0 is logged again
    tracker = AllTrackers(_trackers(run, recipe, resumed_at, wandb, tensorboard) if first else [])
    display = open_display(None if first else Console(quiet=True))
    display.say(
        f"{run.path}: {recipe.env_id}, {session.model.num_parameters():,} parameters on {processes.count()} x "
        f"{session.model.device.type}, seed {recipe.seed}"
    )
    try:
        evolve(session, tracker, display, stop)
        rows = finish(session, tracker, display, stop)
    except Stopped:
        display.close()
        display.say(f"stopped after round {session.rounds}. Go on with: palaestra evolve --resume {typed(run.path)}")
        return None
    finally:
        session.environments.close()
        display.close()
        run.release()
    _report(session, rows, display.say)
    return run.path


def _report(session: Session, rows: Sequence[Evaluation], say: Callable[[Any], None]) -> None:
    clock, run = session.clock, session.run
    for env_id in dict.fromkeys(row.env_id for row in rows):
        say(terminal_table([row for row in rows if row.env_id == env_id], title=f"{env_id}, held-out problems"))
    say(
        f"{clock.wall:.0f} s since the model was made, {100 * clock.overhead:.1f} % of them outside forward, "
        f"backward and sampling; {clock.tokens_sampled:,} tokens sampled, {clock.tokens_learned:,} learned from"
    )
    made = f"board: {run.path}/leaderboard.html   curves: {run.path}/curves.png"
    say(f"{made}   proof: palaestra replay {typed(run.path)}")


def _trackers(run: RunFolder, recipe: Recipe, resumed_at: int | None, wandb: bool, tensorboard: bool) -> list[Tracker]:
    trackers: list[Tracker] = [JsonTracker(run, resumed_at)]
    if wandb:
        trackers.append(WandbTracker(run, dataclasses.asdict(recipe)))
    if tensorboard:
        trackers.append(TensorBoardTracker(run))
    return trackers
