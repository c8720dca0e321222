"""The loop: data evolution, views, model evolution, evaluation, checkpoint; round after round."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np

from palaestra.agents import processes
from palaestra.agents.scripted import OracleAgent
from palaestra.arena.display import Display
from palaestra.arena.evaluate import held_out, summarise
from palaestra.arena.tracking import Tracker
from palaestra.episodes import views

from . import self_play
from .batch import pack
from .losses import NLL
from .model_evolution import learn, learn_from
from .optimise import Schedule, TrainingError
from .patterns import exam, pattern_round, shows
from .rounds import collect, counted, new_job, sample
from .session import Session, Stopped


def evolve(session: Session, tracker: Tracker, display: Display, stop: Callable[[], bool]) -> None:
    """Make the rounds that are left: imitation of the oracle, then self-evolution.

    Every choice of a round is a function of the recipe's seed and the round's number, and a batch of episodes that
    is already in the log is learned from, not sampled again: so a run that was stopped, or killed, ends with the
    weights of one that was not.

    Raises:
        Stopped: ``stop()`` was true after a round.
    """
    recipe = session.recipe
    if session.rounds == 0:
        tracker.log(0, {"phase": "start", **_held_out(session)})
    evolving = _evolving(session)
    every = 1 if session.pattern else recipe.checkpoint_every
    stages = {"warm": (recipe.warm_start.rounds, warm_round), "evolve": (recipe.evolve.rounds, evolving)}
    while session.stage != "done":
        total, play = stages[session.stage]
        display.phase(session.stage, total, session.round)
        while session.round < total:
            if session.stage == "evolve":
                session.enter_round(recipe)
            metrics = play(session)
            session.recipe = recipe
            session.round += 1
            session.rounds += 1
            if _evaluates(session, total):
                metrics |= _held_out(session)
            metrics |= {"seconds": session.clock.wall, "overhead": session.clock.overhead}
            tracker.log(session.rounds, {"phase": session.stage, **metrics})
            display.advance(metrics)
            stopping = any(processes.gather(stop()))
            if stopping or session.rounds % every == 0:
                session.save()
            if stopping:
                raise Stopped
        _next_stage(session)
        session.save()


def _evolving(session: Session) -> Callable[[Session], dict[str, Any]]:
    if session.pattern is not None:
        return pattern_round
    return evolve_round if session.league is None else self_play.match_round


def _next_stage(session: Session) -> None:
    if session.stage == "warm":
        session.export("warm")
        session.begin_stage("evolve")
    else:
        session.export("evolved")
        session.export_modules()
        session.stage = "done"
    session.rounds += 1  # the stage's end is a checkpoint of its own


def _evaluates(session: Session, total: int) -> bool:
    """After the last round of a stage, and every so many rounds of evolution."""
    regular = session.stage == "evolve" and session.round % session.recipe.evaluation.every == 0
    return regular or session.round == total


def _held_out(session: Session) -> dict[str, float]:
    if session.league is not None:
        return self_play.held_out(session)
    if session.pattern is not None and session.stage == "evolve":
        return exam(session)
    recipe, spec = session.recipe, session.recipe.evaluation
    jobs = held_out(recipe.env_id, recipe.env_kwargs, spec.difficulties, spec.problems)
    result = summarise(session.play(session.policy, jobs, {}), session.recipe.name)
    return {"accuracy": result.score, "low": result.low, "high": result.high, "held_out_length": result.length}


def warm_round(session: Session) -> dict[str, Any]:
    """Demonstrations, imitated: of the oracle, or, of a game, of random legal play."""
    recipe, spec = session.recipe, session.recipe.warm_start
    view = _demonstrated(session) if session.league is None else self_play.demonstrated(session)
    if not view.rows:
        raise TrainingError(f"no demonstration can be imitated: {dict(view.dropped)}")
    rng = np.random.default_rng([recipe.seed, session.round])
    steps = -(-len(view.rows) // spec.batch_size)
    schedule = Schedule(spec.learning_rate, spec.warmup, spec.rounds * spec.epochs * steps)
    metrics: dict[str, float] = {}
    for _ in range(spec.epochs):
        for part in np.array_split(rng.permutation(len(view.rows)), steps):
            part = part if session.league is None else np.sort(part)  # equal prompts side by side are read once
            metrics = learn(session, pack([view.rows[index] for index in part]), NLL(), schedule)
    session.weights_changed()
    return {**metrics, "dropped": sum(view.dropped.values())}


def _demonstrated(session: Session) -> views.View:
    recipe, spec = session.recipe, session.recipe.warm_start
    oracle = OracleAgent(spec.habits_at(session.round))
    jobs = [
        new_job(recipe, "warm", session.round, index, 0, level)
        for index, level in zip(range(spec.problems), cycle(spec.difficulties))
    ]
    shown = collect(session, oracle, jobs)
    chat = session.policy.chat
    view = views.sft(shown, chat.example, min_score=None, encode_turns=chat.continued)
    return view if session.pattern is None else views.View([*view.rows, *shows(session, shown)], view.dropped)


def evolve_round(session: Session) -> dict[str, Any]:
    """Several answers to each problem, judged; the policy moves towards those that did better than their siblings."""
    before = session.clock.sampling, session.clock.tokens_sampled
    episodes, view = sample(session)
    levels = session.curricula.levels()
    metrics = learn_from(session, episodes, view.rows)
    rewards = counted(session, episodes)
    lengths = [len(turn.action_ids) for episode in episodes for turn in episode.turns]
    return {
        **metrics,
        "reward": float(np.mean(rewards)) if rewards else float("nan"),
        "level": float(np.mean(list(levels.values()))),
        **{f"level/{family}": level for family, level in levels.items() if family},
        "episodes": len(episodes),
        "length": float(np.mean(lengths)),
        "tokens_per_second": session.clock.speed_since(*before),
        "dropped": sum(view.dropped.values()),
        "frac_forked": view.forked / max(1, len(view.rows)),
    }
