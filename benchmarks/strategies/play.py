"""Cells are played: each in a folder of its own, whole or not at all."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from palaestra.agents.agent import Agent
from palaestra.agents.evaluator import BestOfN
from palaestra.agents.evaluators.table import evaluator_named
from palaestra.agents.scripted import OracleAgent
from palaestra.agents.search.agents import line_search
from palaestra.agents.strategies.asking import counted, policy_under
from palaestra.agents.strategies.few_shot import Example, examples
from palaestra.agents.strategies.table import strategy_named
from palaestra.arena.environments import Environments
from palaestra.arena.evaluate import held_out
from palaestra.arena.rollout import Job, rollout
from palaestra.arena.run_folder import write_whole
from palaestra.episodes import EpisodeStore

from .plan import POOL, Cell, Contender, Place, Sizes

SUMMARY = "summary.json"  # in a cell's folder, when it is done
SPARE = 8  # training problems beyond the examples, should some be the same


def play_all(cells: Iterable[Cell], runs: Path, sizes: Sizes, model: Agent, say: Callable[[str], None]) -> None:
    """Play the cells that are not done, in their order."""
    listed = list(cells)
    for number, cell in enumerate(listed, 1):
        if is_done(runs / cell.folder):
            continue
        began = time.monotonic()
        play_cell(cell, runs / cell.folder, sizes, model)
        say(f"[{number}/{len(listed)}] {cell.folder}: {time.monotonic() - began:.0f} s")


def is_done(folder: Path) -> bool:
    """Whether the cell in a folder has ended."""
    return (folder / SUMMARY).is_file()


def play_cell(cell: Cell, folder: Path, sizes: Sizes, model: Agent) -> None:
    """All problems of a cell at once; its summary, which makes it done, is written last."""
    shutil.rmtree(folder, ignore_errors=True)  # what a stop left
    began, place = time.monotonic(), cell.place
    agent = made(cell.contender, model, shown(place, sizes.shots))
    samples = sizes.answers if cell.name == POOL else 1
    jobs = held_out(place.env_id, place.knobs, [place.difficulty], sizes.problems, samples=samples)
    with Environments() as environments:
        episodes = list(rollout(agent, jobs, {"strategy": cell.contender.written}, len(jobs), environments))
    EpisodeStore(folder / "episodes").append(episodes, cell.name)
    told = {"seconds": time.monotonic() - began, "agent": agent.actor.agent_id, "counted": counted(agent)}
    write_whole(folder / SUMMARY, json.dumps(told, indent=2) + "\n")


def made(contender: Contender, model: Agent, pool: list[Example]) -> Agent:
    """The model in a contender's strategies, which ask it, or the search among its lines."""
    if contender.search:
        search = line_search(policy_under(model, contender.name), contender.search, contender.judge)
        return strategy_named(contender.stack, search, pool)
    agent = strategy_named(contender.stack, model, pool)
    if not contender.judge:
        return agent
    return BestOfN(agent, evaluator_named(contender.judge, model), contender.of)


def shown(place: Place, shots: int) -> list[Example]:
    """The training problems that stand before a question, with the oracle's answers: the same for all."""
    options = {"difficulty": place.difficulty}
    jobs = [
        Job(f"{seed}", place.env_id, {**place.knobs, "split": "train"}, seed, f"{seed}", options)
        for seed in range(shots + SPARE)
    ]
    return examples(sorted(rollout(OracleAgent(), jobs), key=lambda one: int(one.id)))[0][:shots]
