"""The loop: data evolution, views, model evolution, evaluation, checkpoint; round after round."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from palaestra.agents import processes
from palaestra.agents.agent import Agent
from palaestra.agents.scripted import OracleAgent
from palaestra.arena.display import Display
from palaestra.arena.evaluate import held_out, summarise
from palaestra.arena.rollout import Job
from palaestra.arena.tracking import Tracker
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Episode, choices, views
from palaestra.episodes.views import Row, View

from .algorithms import Algorithm
from .batch import Batch, pack, save_batch, with_gradient
from .losses import NLL, Objective, PolicyGradient
from .optimise import Schedule, TrainingError, update
from .recipe import Recipe
from .reference import kl_penalised, with_mismatch, with_old, with_reference
from .session import Session, Stopped

# Of the first update on fresh samples, where the ratio is 1 by definition: the largest |ratio - 1| in fp32. Half
# precision rounds by the shape of a batch, so that only the mean |Δ log π| tells there.
RATIO_TOLERANCE = 1e-3
HALF_TOLERANCE = 0.05


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
    stages = {"warm": (recipe.warm_start.rounds, warm_round), "evolve": (recipe.evolve.rounds, evolve_round)}
    while session.stage != "done":
        total, play = stages[session.stage]
        display.phase(session.stage, total, session.round)
        while session.round < total:
            metrics = play(session)
            session.round += 1
            session.rounds += 1
            if _evaluates(session, total):
                metrics |= _held_out(session)
            metrics |= {"seconds": session.clock.wall, "overhead": session.clock.overhead}
            tracker.log(session.rounds, {"phase": session.stage, **metrics})
            display.advance(metrics)
            stopping = any(processes.gather(stop()))
            if stopping or session.rounds % recipe.checkpoint_every == 0:
                session.save()
            if stopping:
                raise Stopped
        _next_stage(session)
        session.save()


def _next_stage(session: Session) -> None:
    if session.stage == "warm":
        session.export("warm")
        session.begin_stage("evolve")
    else:
        session.export("evolved")
        session.stage = "done"
    session.rounds += 1  # the stage's end is a checkpoint of its own


def _evaluates(session: Session, total: int) -> bool:
    """After the last round of a stage, and every so many rounds of evolution."""
    regular = session.stage == "evolve" and session.round % session.recipe.evaluation.every == 0
    return regular or session.round == total


def _held_out(session: Session) -> dict[str, float]:
    recipe, spec = session.recipe, session.recipe.evaluation
    jobs = held_out(recipe.env_id, recipe.env_kwargs, spec.difficulties, spec.problems)
    result = summarise(session.play(session.policy, jobs, {}), session.recipe.name)
    return {"accuracy": result.score, "low": result.low, "high": result.high, "held_out_length": result.length}


def warm_round(session: Session) -> dict[str, Any]:
    """Demonstrations of the oracle, imitated."""
    recipe, spec = session.recipe, session.recipe.warm_start
    oracle = OracleAgent(spec.habits_at(session.round))
    jobs = [
        _job(recipe, "warm", session.round, index, 0, spec.difficulties[index % len(spec.difficulties)])
        for index in range(spec.problems)
    ]
    view = views.sft(collect(session, oracle, jobs), session.policy.chat.example)
    if not view.rows:
        raise TrainingError(f"no demonstration can be imitated: {dict(view.dropped)}")
    rng = np.random.default_rng([recipe.seed, session.round])
    steps = -(-len(view.rows) // spec.batch_size)
    schedule = Schedule(spec.learning_rate, spec.warmup, spec.rounds * spec.epochs * steps)
    metrics: dict[str, float] = {}
    for _ in range(spec.epochs):
        for part in np.array_split(rng.permutation(len(view.rows)), steps):
            metrics = learn(session, pack([view.rows[index] for index in part]), NLL(), schedule)
    session.weights_changed()
    return {**metrics, "dropped": sum(view.dropped.values())}


def evolve_round(session: Session) -> dict[str, Any]:
    """Several answers to each problem, judged; the policy moves towards those that did better than their siblings."""
    spec = session.recipe.evolve
    level = session.curriculum.level
    before = (session.clock.sampling, session.clock.tokens_sampled)
    episodes, view = _sample(session, range(spec.start_difficulty, level + 1))
    sampled = session.clock.tokens_sampled - before[1]
    metrics = _model_evolution(session, view.rows, _others(session, episodes)) if view.rows else {}
    outcomes = [next(iter(episode.outcome.values())) for episode in episodes]
    for episode, outcome in zip(episodes, outcomes, strict=True):
        session.curriculum.update(episode.reset_options["difficulty"], outcome.reward)
    rewards = [outcome.reward for outcome in outcomes if outcome.decided]
    lengths = [len(turn.action_ids) for episode in episodes for turn in episode.turns]
    return {
        **metrics,
        "reward": float(np.mean(rewards)) if rewards else float("nan"),
        "level": level,
        "episodes": len(episodes),
        "length": float(np.mean(lengths)),
        "tokens_per_second": sampled / max(session.clock.sampling - before[0], 1e-9) if sampled else 0.0,
        "dropped": sum(view.dropped.values()),
        "frac_forked": view.forked / max(1, len(view.rows)),
    }


def _sample(session: Session, levels: range) -> tuple[list[Episode], View]:
    """A round's episodes and their groups; with ``attempts``, more problems in place of those that told nothing."""
    recipe, spec = session.recipe, session.recipe.evolve
    episodes: list[Episode] = []
    asked, missing = 0, spec.problems
    for attempt in range(1 + recipe.algorithm().attempts):
        jobs = [
            _job(recipe, "evolve", session.round, problem, sample, levels[-1 - problem % len(levels)])
            for problem in range(asked, asked + missing)
            for sample in range(spec.samples)
        ]
        episodes += collect(session, session.policy, jobs, part=f"-{attempt}" if attempt else "")
        asked += missing
        view = views.groups(episodes, size=spec.samples)
        missing = spec.problems - len({row.group_id for row in choices.ranked(view.rows).rows})
        if missing <= 0:
            break
    return episodes, view


def _others(session: Session, episodes: list[Episode]) -> list[Row]:
    """What a round's answers are compared with: the oracle's to the same problems, or the policy's likeliest."""
    algorithm = session.recipe.algorithm()
    jobs = [_again(episode) for episode in {episode.group_id: episode for episode in episodes}.values()]
    if algorithm.demonstrations:
        oracle = OracleAgent(session.recipe.warm_start.habits_at(max(0, session.recipe.warm_start.rounds - 1)))
        return views.sft(collect(session, oracle, jobs, part="-other"), session.policy.chat.example).rows
    if algorithm.greedy:
        likeliest = session.likeliest()
        return views.each(collect(session, likeliest, jobs, part="-other")).rows
    return []


def _again(episode: Episode) -> Job:
    """The job of answering an episode's problem once more."""
    return Job(
        id=f"{episode.group_id}/other",
        env_id=episode.env_id,
        env_kwargs=episode.env_kwargs,
        seed=episode.seed,
        group_id=episode.group_id,
        reset_options=episode.reset_options,
        agent_seed=episode.seed,
    )


def _model_evolution(session: Session, sampled: list[Row], others: list[Row]) -> dict[str, Any]:
    """Steps on the rows that the algorithm learns from; what it did and saw."""
    recipe, spec = session.recipe, session.recipe.evolve
    algorithm = recipe.algorithm()
    judged = CONTROLS[spec.control](sampled, np.random.default_rng([recipe.seed, session.round]))
    view = algorithm.rows(judged, others)
    metrics: dict[str, Any] = {"learned_from": len(view.rows) / max(1, len(sampled))}
    if not view.rows:
        return metrics
    batch, scores = _scored(session, algorithm, view.rows)
    metrics |= scores
    moving = with_gradient(batch) if algorithm.objective.reads_advantage else batch
    if moving is None:
        return metrics
    schedule = Schedule(spec.learning_rate, spec.warmup, spec.rounds * spec.updates)
    for number in range(spec.updates):
        parts = learn(session, moving, algorithm.objective, schedule)
        if number == 0:
            metrics |= parts
            check_on_policy(parts, session.model.dtype)
    session.weights_changed()
    return metrics


def _scored(session: Session, algorithm: Algorithm, rows: list[Row]) -> tuple[Batch, dict[str, Any]]:
    """The rows packed, with what the objective reads: advantages, log-probabilities of the reference, mismatch."""
    objective, most = algorithm.objective, session.recipe.micro_batch_tokens
    batch, metrics = pack(rows), {}
    if objective.reads_reference:
        reference = session.freeze_reference() if algorithm.reference == "start" else session.model
        batch = with_reference(batch, reference, most)
        metrics["reference_hash"] = batch.reference_hash
        if objective.reads_mismatch:
            batch = with_mismatch(batch, rows, session.model, reference, most)
    if objective.reads_old:
        batch = with_old(batch, session.model, most)
    if algorithm.advantage is None:
        return batch, metrics
    if isinstance(objective, PolicyGradient) and objective.kl_placement == "reward" and objective.kl_estimator:
        rows = kl_penalised(rows, batch, objective.kl_coefficient, objective.kl_estimator)
    advantage, scores = algorithm.advantage(rows, session.running)
    spread = torch.from_numpy(np.repeat(advantage, batch.lengths())).float()
    return replace(batch, advantage=spread), scores | metrics


def _as_judged(rows: list[Row], rng: np.random.Generator) -> list[Row]:
    return rows


def _shuffled(rows: list[Row], rng: np.random.Generator) -> list[Row]:
    """Each row with another row's reward: the same rewards, telling nothing."""
    order = rng.permutation(len(rows))
    return [replace(row, reward=rows[other].reward) for row, other in zip(rows, order, strict=True)]


# What a recipe may do to the verdicts before learning from them: nothing, or what must not work.
CONTROLS = {"none": _as_judged, "shuffled": _shuffled}


def check_on_policy(metrics: Mapping[str, float], dtype: torch.dtype = torch.float32) -> None:
    """Fresh samples have ratio 1; anything else means that the engine and the trainer are not the same policy.

    Objectives that compare answers, not policies, report no ratio.

    Raises:
        TrainingError: the largest ratio is off by more than 1e-3; in half precision, the mean log-ratio by 0.05.
    """
    name, most = ("max/ratio_error", RATIO_TOLERANCE) if dtype == torch.float32 else ("abs_log_ratio", HALF_TOLERANCE)
    if metrics.get(name, 0.0) > most:
        raise TrainingError(
            f"on fresh samples the ratio to the engine's log-probabilities is off by {metrics[name]:.2g}: "
            "the engine does not run the trainer's weights, temperature or precision"
        )


def learn(session: Session, batch: Batch, objective: Objective, schedule: Schedule) -> dict[str, float]:
    """One optimiser step, with the stage's learning rate.

    Raises:
        TrainingError: it must not be made; what was to be learned from is kept in the run's folder, to try it again.
    """
    try:
        metrics = update(
            session.learner,
            session.optimizer,
            batch,
            objective,
            learning_rate=schedule(session.steps),
            max_tokens=session.recipe.micro_batch_tokens,
        )
    except TrainingError as error:
        name = f"failed-{session.stage}-{session.round:05d}" + (f"-{processes.rank()}" if processes.rank() else "")
        file = session.run.path / f"{name}.pt"
        save_batch(batch, file)
        raise TrainingError(f"{error}; what the step was to learn from is kept in {file}") from error
    session.steps += 1
    session.clock.learning += metrics.pop("model_seconds")
    session.clock.tokens_learned += len(batch)
    return metrics


def collect(session: Session, agent: Agent, jobs: list[Job], part: str = "") -> list[Episode]:
    """Play the round's jobs and commit them to the log; a round that is in the log already is read, not played.

    part: of the round, where it has more than one.
    """
    name = f"{session.stage}-{session.round:05d}{part}"
    store = session.run.episodes
    committed = store.find(name)
    if committed is not None:
        return list(store.read(committed))
    if agent is session.policy:
        session.name_policy()
    tags = {"phase": session.stage, "round": str(session.round)}
    slots = 512 if agent is session.policy else 32  # scripted agents gain nothing by a batch: fewer environments
    episodes = session.play(agent, jobs, tags, slots)
    if processes.is_first():
        store.append(episodes, name)
    return episodes


def _job(recipe: Recipe, stage: str, round: int, problem: int, sample: int, difficulty: int) -> Job:
    group = f"{stage}/{round:05d}/{problem:05d}"
    options: dict[str, Any] = {"difficulty": difficulty}
    return Job(
        id=f"{group}/{sample:03d}",
        env_id=recipe.env_id,
        env_kwargs={**recipe.env_kwargs, "split": "train"},
        seed=derive_seed(recipe.seed, stage, round, problem),
        group_id=group,
        reset_options=options,
        agent_seed=derive_seed(recipe.seed, stage, round, problem, sample),
    )
