"""The end of a run: its agents on the same held-out problems, the board, the picture, the summary."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from statistics import mean
from typing import Any

from palaestra.agents import processes
from palaestra.agents.agent import Agent
from palaestra.agents.clock import TimedEngine
from palaestra.agents.pretrained import load_policy
from palaestra.agents.self_consistency import SelfConsistency
from palaestra.arena.anchors import Anchor, board_row
from palaestra.arena.contamination import seen_among, trained_on
from palaestra.arena.curves import draw_curves
from palaestra.arena.display import Display
from palaestra.arena.evaluate import Evaluation, held_out, summarise
from palaestra.arena.leaderboard import write_leaderboard
from palaestra.arena.measure import beside_the_best, by_problem
from palaestra.arena.run_folder import read_json_lines
from palaestra.arena.self_play import held_out_matches, seated, yardsticks
from palaestra.arena.significance import corrected
from palaestra.arena.tracking import Tracker
from palaestra.episodes import Episode
from palaestra.trainers.self_play import policies
from palaestra.trainers.session import Session, Stopped


def finish(session: Session, tracker: Tracker, display: Display, stop: Callable[[], bool]) -> list[Evaluation]:
    """Evaluate start, warm-started and evolved agent, and the last with self-consistency; write what people look at.

    The board says which agents the best of them is told apart from, and how many of the problems were trained on.

    Raises:
        Stopped: ``stop()`` was true before the last agent; those evaluated are in the log and not played again.
    """
    recipe, run = session.recipe, session.run
    agents = entrants(session)
    display.phase("evaluate", len(agents))
    rows: list[Evaluation] = []
    answered: dict[str, list[Episode]] = {}
    for name, agent in agents.items():
        if any(processes.gather(bool(rows) and stop())):
            raise Stopped
        if session.league is None:
            answered[name] = _held_out(session, name, agent)
            found = [summarise(answered[name], name)]
        else:
            found = evaluated(session, name, agent)
        rows += found
        display.advance({"accuracy": mean(row.score for row in found), "length": found[0].length})
    if not processes.is_first():
        return rows
    metrics = read_json_lines(run.metrics)
    picture = draw_curves(metrics, run.path / "curves.png", f"{run.name}: {recipe.env_id}, {recipe.evolve.algorithm}")
    hardware = json.loads((run.path / "environment.json").read_text())["hardware"]
    subtitle = f"{recipe.env_id}, {recipe.evaluation.problems} held-out problems. {hardware}."
    learned = trained_on(run.path / "episodes")
    rows = [
        replace(row, seen=seen_among(answered[row.agent], learned)) if row.agent in answered else row for row in rows
    ]
    scores = {name: by_problem(episodes) for name, episodes in answered.items()}
    comparisons = corrected(beside_the_best(recipe.env_id, scores))
    write_leaderboard(rows, run.path, run.name, subtitle, picture.name, comparisons)
    tracker.leaderboard(rows)
    tracker.finish(summary(session, rows), [str(picture)])
    return rows


def entrants(session: Session) -> dict[str, Agent]:
    """The agents that the run exported, loaded from their folders as anybody would."""
    agents: dict[str, Agent] = {}
    sampling, device, dtype = session.policy.sampling, session.model.device, session.model.dtype
    for name in ("start", "warm", "evolved"):
        policy = load_policy(session.run.path / "agents" / name, sampling, name, device, dtype)
        policy.engine = TimedEngine(policy.engine, session.clock)
        agents[name] = policy
    if session.league is not None:
        return agents | yardsticks(session.recipe.environment)
    k = session.recipe.evaluation.self_consistency
    if k > 1:
        agents[f"evolved, vote of {k}"] = SelfConsistency(agents["evolved"], k)
    return agents


def evaluated(session: Session, name: str, agent: Agent) -> list[Evaluation]:
    """An agent's rows of the board, one for each scripted player that it meets; its matches are logged once."""
    recipe, store, rows = session.recipe, session.run.episodes, []
    agents = policies(session, name, agent) if name == "evolved" else {name: agent}
    for _, game, other, jobs in held_out_matches(recipe.environment, name, recipe.evaluation.problems):
        batch = f"held-out-{name}-vs-{other}-{_file_name(game)}"
        committed = store.find(batch)
        if committed is not None:
            episodes = _logged(session, committed)
        else:
            sides = {**agents, other: Anchor(other)}
            episodes = session.play_matches(sides, seated(jobs, name, agents), {"phase": "held-out"})
            if processes.is_first():
                store.append(episodes, batch)
        rows.append(board_row(episodes, name, other, name, game))
    return rows


def _file_name(game: str) -> str:
    """Of a game as ``labels`` calls it: its id's name, with a hash of the knobs that are in it."""
    env_id, _, knobs = game.partition(" ")
    told = env_id.rpartition("/")[2]
    return f"{told}-{blake2b(knobs.encode(), digest_size=4).hexdigest()}" if knobs else told


def _held_out(session: Session, name: str, agent: Agent) -> list[Episode]:
    """The agent's answers to the held-out problems: from the log, and what is not there is played and logged."""
    recipe, spec, store = session.recipe, session.recipe.evaluation, session.run.episodes
    batch = f"held-out-{name.replace(', ', '-').replace(' ', '-')}"
    committed = store.find(batch)
    if committed is not None:
        return _logged(session, committed)
    jobs = [
        replace(job, id=f"{batch}/{job.id}")
        for job in held_out(recipe.env_id, recipe.env_kwargs, spec.difficulties, spec.problems)
    ]
    episodes = session.play(agent, jobs, {"phase": "held-out", "agent": name})
    if processes.is_first():
        store.append(episodes, batch)
    return episodes


def _logged(session: Session, file: Path) -> list[Episode]:
    """What an earlier process of the run played: its tokens count as the run's, for no checkpoint follows them."""
    episodes = list(session.run.episodes.read(file))
    session.clock.tokens_sampled += sum(episode.cost.tokens_out for episode in episodes)
    return episodes


def summary(session: Session, rows: list[Evaluation]) -> dict[str, Any]:
    """The run's closing figures."""
    clock = session.clock
    return {
        **{f"accuracy/{row.agent}" + (f"/{row.env_id}" if session.league else ""): row.score for row in rows},
        "rounds": session.rounds,
        "seconds": clock.wall,
        "overhead": clock.overhead,
        "tokens_sampled": clock.tokens_sampled,
        "tokens_learned": clock.tokens_learned,
        "parameters": session.model.num_parameters(),
    }
