"""Cells are played: each in a folder of its own, gone on with after a stop, told of when it fails."""

from __future__ import annotations

import gc
import json
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

from palaestra.agents.engine import Sampling
from palaestra.agents.pretrained import load_policy
from palaestra.arena.environments import Environments
from palaestra.arena.evaluate import held_out
from palaestra.arena.measure import Course, Entrant, play
from palaestra.arena.run_folder import RunFolder, describe_environment, write_whole
from palaestra.cli.finish import evaluated
from palaestra.cli.run import start_run
from palaestra.episodes import EpisodeStore
from palaestra.trainers.evolve import warm_round
from palaestra.trainers.recipe import Recipe, dump_recipe
from palaestra.trainers.session import Session, Stopped

from . import recipes
from .plan import IMITATION, START, SUMMARY, VOTE, Cell
from .recipes import Sizes
from .scores import tokens

FAILED = "failed.txt"  # in a cell's folder, when it failed
Stop = Callable[[], bool]


def play_all(cells: Iterable[Cell], runs: Path, sizes: Sizes, say: Callable[[str], None], stop: Stop) -> bool:
    """Play the cells that are not done, in their order; False when ``stop()`` became true before the last one's end.

    A cell that fails leaves its error in its folder, keeps none of the others up, and is begun anew the next time.
    """
    listed = list(cells)
    for number, cell in enumerate(listed, 1):
        folder = runs / cell.folder
        if is_done(folder) and not (cell.name == IMITATION and imitated_to(folder) < budget(cell, runs)):
            continue
        if stop():
            return False
        began = time.monotonic()
        try:
            play_cell(cell, runs, sizes, stop)
            told = "done"
        except Stopped:
            say(f"[{number}/{len(listed)}] {cell.folder}: stopped; the same command goes on")
            return False
        except Exception as error:  # whatever it is, the other cells are played
            told = "failed: " + one_line(error)
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / FAILED, told.removeprefix("failed: ") + "\n")
        say(f"[{number}/{len(listed)}] {cell.folder}: {told}, {time.monotonic() - began:.0f} s")
        gc.unfreeze()  # a run freezes what is there when it begins, the last cell's rest too
        gc.collect()
    return True


def is_done(folder: Path) -> bool:
    """Whether the cell in a folder has ended well."""
    return (folder / SUMMARY).is_file()


def budget(cell: Cell, runs: Path) -> int:
    """The most tokens that a system of the cell's place and seed has sampled and learned from."""
    folders = ((runs / cell.folder).with_name(system) for system in cell.place.systems)
    return max((sum(tokens(folder)) for folder in folders if is_done(folder)), default=0)


def imitated_to(folder: Path) -> int:
    """How many tokens the imitation in a folder has learned from."""
    points: list[int] = json.loads((folder / SUMMARY).read_text())["points"]
    return points[-1]


def error_of(folder: Path) -> str:
    """What the cell in a folder failed by; "" where it did not."""
    return (folder / FAILED).read_text().strip() if (folder / FAILED).is_file() else ""


def one_line(error: Exception) -> str:
    """An error's kind and words."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def play_cell(cell: Cell, runs: Path, sizes: Sizes, stop: Stop) -> None:
    """One cell, what it prints going to its log.

    Raises:
        Stopped: ``stop()`` was true; what is there is gone on with, or, of a baseline, made anew.
        FileNotFoundError: the warm start is not there.
    """
    folder, first = runs / cell.folder, runs / cell.place.name / f"seed{cell.seed}" / START
    if cell.name != START and not is_done(first):
        raise FileNotFoundError(f"no warm start in {first}: {error_of(first) or 'it has not been played'}")
    if error_of(folder) or cell.name == IMITATION:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    warm = first / "agents" / "warm"
    with open(folder / "log.txt", "a") as log, redirect_stdout(log):
        if cell.name == IMITATION:
            imitate(recipes.imitating(cell, warm, sizes), RunFolder(folder), sizes.imitated(budget(cell, runs)), stop)
        elif cell.name == VOTE:
            vote(recipes.start(cell, sizes), warm, folder, sizes.votes)
        else:
            made = recipes.start(cell, sizes) if cell.name == START else recipes.evolved(cell, warm, sizes)
            evolve(made, RunFolder(folder), stop)


def evolve(recipe: Recipe, run: RunFolder, stop: Stop) -> None:
    """A run of a recipe, or what is left of it; its checkpoints, megabytes each, are let go of at its end."""
    begun = run.recipe.is_file()
    if not begun:
        run.hold()
    if start_run(None if begun else recipe, run, threads=1, wandb=False, stop=stop) is None:
        raise Stopped
    shutil.rmtree(run.checkpoints)


def imitate(recipe: Recipe, run: RunFolder, points: list[int], stop: Stop) -> None:
    """Demonstrations are imitated, and after each number of tokens the policy answers the held-out problems."""
    run.hold()
    write_whole(run.recipe, dump_recipe(recipe))
    write_whole(run.path / "environment.json", json.dumps(describe_environment(recipe.seed, 1), indent=2) + "\n")
    session = Session.begin(recipe, run)
    reached: list[int] = []
    try:
        for number, point in enumerate(points):
            while session.clock.tokens_learned < point:
                if stop():
                    raise Stopped
                warm_round(session)
                session.round, session.rounds = session.round + 1, session.rounds + 1
            reached.append(session.clock.tokens_learned)
            _examine(session, f"{IMITATION}-{number:02d}")
    finally:
        session.environments.close()
        run.release()
    write_whole(run.path / SUMMARY, json.dumps({"points": reached, "seconds": session.clock.wall}) + "\n")


def _examine(session: Session, name: str) -> None:
    """The policy's answers to the held-out problems, or its matches, into the log as those of an agent of that name."""
    recipe, spec = session.recipe, session.recipe.evaluation
    if session.league is not None:
        session.policy.actor = replace(session.policy.actor, agent_id=name)  # by which its seat is found
        evaluated(session, name, session.policy)
        return
    jobs = held_out(recipe.env_id, recipe.env_kwargs, spec.difficulties, spec.problems)
    session.run.episodes.append(session.play(session.policy, jobs, {"phase": "held-out"}), f"held-out-{name}")


def vote(recipe: Recipe, warm: Path, folder: Path, answers: int) -> None:
    """So many answers of the warm start to each held-out problem; what was drawn before a stop is not drawn again."""
    spec = recipe.evaluation
    began = time.monotonic()
    sampling = Sampling(temperature=recipe.temperature, max_tokens=recipe.max_answer_tokens)
    agent = load_policy(warm, sampling, "warm")
    course = Course(recipe.env_id, recipe.env_kwargs, spec.difficulties, spec.problems, samples=answers)
    with Environments() as environments:
        play(Entrant("warm", lambda: agent), agent, course, EpisodeStore(folder / "episodes"), environments)
    write_whole(folder / SUMMARY, json.dumps({"seconds": time.monotonic() - began}) + "\n")
