"""Model evolution: what a round taught, taken into the policy and the models beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from palaestra.agents import processes
from palaestra.episodes import Episode
from palaestra.episodes.sources import Source, with_older
from palaestra.episodes.views import Row

from .algorithms import Algorithm
from .batch import Batch, pack, save_batch, with_gradient
from .forward import forward, forward_critique, forward_states, forward_values
from .losses import Joint, Objective, PolicyGradient
from .modules import Critic, Judge, Module, with_rewards_in, with_token_rewards, with_values
from .optimise import Read, Schedule, TrainingError, update
from .recipe import Recipe
from .reference import kl_prices, with_mismatch, with_old, with_reference
from .rounds import PlayedRound, judged
from .session import Session

# Of the first update on fresh samples, where the ratio is 1 by definition: the largest |ratio - 1| in fp32. Half
# precision rounds by the shape of a batch, so that only the mean |Δ log π| tells there.
RATIO_TOLERANCE = 1e-3
HALF_TOLERANCE = 0.05


def learn_from(session: Session, episodes: Sequence[Episode], rows: list[Row], beside: str = "") -> dict[str, Any]:
    """``evolve_models`` on a round's rows, with the rewards that its control leaves them; {} where there is none."""
    rows = judged(session.recipe, session.round, rows)
    return evolve_models(session, PlayedRound(session, episodes, rows), beside) if rows else {}


def evolve_models(session: Session, played: PlayedRound, beside: str = "") -> dict[str, Any]:
    """Steps on the rows that the algorithm learns from, of every model that it trains; what they did and saw.

    beside: the module that learns in the policy's place, where it is not the policy.
    """
    recipe, spec = session.recipe, session.recipe.evolve
    algorithm = recipe.algorithm()
    metrics: dict[str, Any] = {"learned_from": 0.0}
    if algorithm.judge is not None:
        metrics |= _evolve_judge(session, algorithm.judge, played)
        if session.round - session.began < algorithm.judge.alone:
            return metrics
    view = with_older(algorithm.source, played, spec.replay)
    if algorithm.advantage is not None:
        view = replace(view, rows=algorithm.advantage.among(view.rows))
    metrics["learned_from"] = (len(view.rows) - view.replayed) / max(1, len(played.rows))
    metrics |= {"replayed": view.replayed} if spec.replay is not None else {}
    if not view.rows:
        return metrics
    batch = pack(view.rows)
    objective = _with_critic(session, algorithm)
    batch, scores = _scored(session, algorithm, played, batch, view.rows, beside)
    metrics |= scores
    moving = with_gradient(batch) if objective.reads_advantage else batch
    if moving is None:
        return metrics
    schedule = whole = schedule_of(recipe)
    if spec.start == "base":
        session.restart()
        schedule = replace(whole, total=spec.updates)  # over all rounds, the last would hardly leave the base
    critic = algorithm.critic
    read = _reading(critic) if critic is not None and critic.shared else forward
    module = session.module(beside) if beside else None
    for number in range(spec.updates):
        parts = learn(session, moving, objective, schedule, module, read)
        if number == 0:
            metrics |= parts
            check_on_policy(parts, session.model.dtype)
        if critic is not None and not critic.shared:
            parts = learn(session, batch, critic.objective, whole, session.module("critic"), _reading(critic))
            metrics |= {f"critic_{name}": value for name, value in parts.items()} if number == 0 else {}
    if module is None:
        session.weights_changed()
    return metrics


def schedule_of(recipe: Recipe) -> Schedule:
    """Of the rates over all rounds of evolution that are the policy's own."""
    spec = recipe.evolve
    rounds = recipe.self_play.own_rounds(spec.rounds) if recipe.self_play else spec.rounds
    return Schedule(spec.learning_rate, spec.warmup, rounds * spec.updates)


def _scored(
    session: Session, algorithm: Algorithm, played: PlayedRound, batch: Batch, rows: list[Row], beside: str
) -> tuple[Batch, dict[str, Any]]:
    """The batch with what the objective reads: advantages, forecasts, log-probabilities of the reference, mismatch."""
    objective, most = algorithm.objective, session.recipe.micro_batch_tokens
    learner = session.module(beside) if beside else session
    metrics: dict[str, Any] = {}
    prices: Sequence[float] = ()
    if objective.reads_reference:
        reference = session.reference_of(algorithm.reference, beside)
        batch = with_reference(batch, reference, most)
        metrics["reference_hash"] = batch.reference_hash
        if objective.reads_mismatch:
            batch = with_mismatch(batch, rows, learner.model, reference, most)
    if objective.reads_old:
        batch = with_old(batch, learner.model, most)
    if isinstance(objective, PolicyGradient) and objective.kl_placement == "reward" and objective.kl_estimator:
        prices = kl_prices(rows, batch, objective.kl_coefficient, objective.kl_estimator)
        batch = replace(batch, reward=batch.reward - batch.spread(prices))
    if algorithm.judge is not None:
        batch = _judged(session, algorithm.judge, played, batch, rows)
    if algorithm.critic is not None and algorithm.credit is not None:
        critic = session.model if algorithm.critic.shared else session.module("critic").model
        batch = with_values(batch, critic, _reading(algorithm.critic), most)
    if algorithm.advantage is not None:
        advantage, scores = algorithm.advantage(rows, learner.running, prices)
        batch, metrics = replace(batch, advantage=batch.spread(advantage)), scores | metrics
    if algorithm.credit is not None:
        batch, scores = algorithm.credit(batch)
        metrics |= scores
    return batch, metrics


def _with_critic(session: Session, algorithm: Algorithm) -> Objective:
    """The algorithm's objective, joined with that of a critic on the same backbone, whose head is made here."""
    critic = algorithm.critic
    if critic is None or not critic.shared or critic.coefficient is None:
        return algorithm.objective
    session.add_value_head()
    return Joint(algorithm.objective, critic.objective, critic.coefficient)


def _reading(critic: Critic) -> Read:
    """How a critic is read: with the policy, whose backbone it shares, or apart."""
    if critic.shared:
        return forward_critique if critic.after else forward
    return forward_values if critic.after else forward_states


def _judged(session: Session, judge: Judge, played: PlayedRound, batch: Batch, rows: list[Row]) -> Batch:
    """The batch with what the judge says of its tokens."""
    model, most = session.module("judge").model, session.recipe.micro_batch_tokens
    if judge.context is not None:
        return with_rewards_in(batch, judge.context(played, rows), judge, model, most)
    against = session.freeze_reference() if judge.against is None else session.module("contrast").model
    return with_token_rewards(batch, judge, model, against, most)


def _evolve_judge(session: Session, judge: Judge, played: PlayedRound) -> dict[str, float]:
    """The judge's own steps on the round, and those of the model that it is held against."""
    if judge.frozen and session.round - session.began >= judge.alone:
        return {}
    sources: dict[str, Source] = {"judge": judge.source} | ({"contrast": judge.against} if judge.against else {})
    spec, metrics = session.recipe.evolve, dict[str, float]()
    schedule = schedule_of(session.recipe)
    for name, source in sources.items():
        rows = source(played).rows
        if rows:
            batch, module = pack(rows), session.module(name)
            if judge.objective.reads_reference:
                batch = with_reference(batch, session.freeze_reference(), session.recipe.micro_batch_tokens)
            for _ in range(spec.updates):
                parts = learn(session, batch, judge.objective, schedule, module)
            metrics |= {f"{name}_{key}": value for key, value in parts.items()}
    return metrics


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


def learn(
    session: Session,
    batch: Batch,
    objective: Objective,
    schedule: Schedule,
    module: Module | None = None,
    read: Read = forward,
) -> dict[str, float]:
    """One optimiser step of the policy, or of a module beside it, with the stage's learning rate.

    Raises:
        TrainingError: it must not be made; what was to be learned from is kept in the run's folder, to try it again.
    """
    learner: Session | Module = module or session
    for group in learner.optimizer.param_groups if session.stage == "evolve" else ():
        group["betas"] = (session.recipe.evolve.momentum, group["betas"][1])
    session.engine.sleep()
    try:
        metrics = update(
            learner.learner,
            learner.optimizer,
            batch,
            objective,
            learning_rate=schedule(learner.steps),
            max_tokens=session.recipe.micro_batch_tokens,
            read=read,
        )
    except TrainingError as error:
        name = f"failed-{session.batch}" + (f"-{processes.rank()}" if processes.rank() else "")
        file = session.run.path / f"{name}.pt"
        save_batch(batch, file)
        raise TrainingError(f"{error}; what the step was to learn from is kept in {file}") from error
    learner.moved()
    session.clock.learning += metrics.pop("model_seconds")
    session.clock.tokens_learned += len(batch)
    return metrics
