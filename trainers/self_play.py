"""Self-play: matches of the policy with itself, with its frozen selves and with anchors, learned from seat by seat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from transformers import PreTrainedModel

from palaestra.agents import processes
from palaestra.agents.agent import Agent
from palaestra.agents.checkpoint import save_checkpoint
from palaestra.agents.samplers import sampling_by
from palaestra.arena.anchors import Anchor, against, scores_of
from palaestra.arena.exploitability import exploitable, would_say
from palaestra.arena.intervals import interval
from palaestra.arena.league import League
from palaestra.arena.matches import MatchJob
from palaestra.arena.self_play import (
    SelfPlay,
    figures,
    games_of,
    held_out_matches,
    in_seat,
    jobs_of,
    of_seat,
    seated,
    seats_of,
    short_names,
    taught,
)
from palaestra.envs.games import make_game
from palaestra.episodes import Episode, views
from palaestra.episodes.views import Row

from .batch import pack
from .model_evolution import learn_from
from .reference import logprobs_under
from .rounds import once
from .session import Session

POLICY, EXPLOITER = "policy", "exploiter"


def demonstrated(session: Session) -> views.View:
    """The teachers' matches, all of what they said: of random legal play, how moves are written, not which are good."""
    recipe, whom = session.recipe, session.recipe.self_play
    assert whom is not None
    jobs = _jobs(session, "warm", recipe.warm_start.problems, 1, [POLICY], POLICY)
    drawn = taught(jobs, whom.teachers, np.random.default_rng([recipe.seed, session.round]))
    episodes = _collect(session, {name: Anchor(name) for name in whom.teachers}, drawn)
    view = views.sft(episodes, session.policy.chat.example, min_score=-np.inf)
    view.rows.sort(key=views.prompt_of)
    return view


def match_round(session: Session) -> dict[str, Any]:
    """Matches against whom the league's matchmaking draws; every side that the policy played moves it by its return."""
    recipe, spec, league, whom = session.recipe, session.recipe.evolve, session.league, session.recipe.self_play
    assert league is not None
    assert whom is not None
    if not league.eras:
        _freeze(session, 0)
    session.name_policy()
    own_rounds = whom.own_rounds(session.round + 1)
    if own_rounds == whom.own_rounds(session.round):
        return _exploiter_round(session, league, whom)
    player = session.policy if spec.sampler is None else sampling_by(spec.sampler, session.policy)
    me = player.actor.agent_id
    before = session.clock.sampling, session.clock.tokens_sampled
    rivals, agents = [POLICY], policies(session, POLICY, player)
    if whom.opponents != "self" and session.run.episodes.find(session.batch) is None:
        rivals, others = league.opponents(np.random.default_rng([recipe.seed, session.round]))
        agents |= others
    jobs = _jobs(session, "evolve", spec.problems, spec.samples, rivals, POLICY)
    episodes = _collect(session, agents, jobs)
    view = views.matches(episodes, me)
    metrics = _learned(session, episodes, view.rows)
    league.take(episodes, me)
    progress = league.progress()
    if own_rounds % whom.snapshot_every == 0 and progress >= whom.snapshot_at:
        _freeze(session, session.round + 1)
    return {
        **metrics,
        **figures(episodes, me),
        "frozen_selves": len(league.selves),
        **({} if whom.opponents == "self" else {"league": progress}),
        "length": float(np.mean([row.action.sum() for row in view.rows])) if view.rows else 0.0,
        "tokens_per_second": session.clock.speed_since(*before),
        "dropped": sum(view.dropped.values()),
    }


def _exploiter_round(session: Session, league: League, whom: SelfPlay) -> dict[str, Any]:
    """A copy of the policy learns to beat the policy, which stays as it is, and joins the league in its last round."""
    spec, own_rounds = session.recipe.evolve, whom.own_rounds(session.round)
    if whom.own_rounds(session.round - 1) < own_rounds:  # its first
        session.modules.pop(EXPLOITER, None)
        session.saved_modules.pop(EXPLOITER, None)
        session.module(EXPLOITER, session.model.state_dict())
    exploiter = session.policy_of(EXPLOITER, f"{EXPLOITER}@{session.rounds}")
    jobs = _jobs(session, "evolve", spec.problems, spec.samples, [POLICY], EXPLOITER)
    episodes = _collect(session, {EXPLOITER: exploiter, POLICY: session.policy}, jobs)
    metrics = learn_from(session, episodes, views.matches(episodes, exploiter.actor.agent_id).rows, EXPLOITER)
    metrics |= figures(episodes, exploiter.actor.agent_id)
    if whom.own_rounds(session.round + 2) > own_rounds:  # its last
        model = session.modules.pop(EXPLOITER).model
        save = partial(save_checkpoint, model=model, tokenizer=session.tokenizer)
        league.admit_exploiter(f"{EXPLOITER}-{session.round + 1:05d}", save)
        if processes.is_first():
            league.write()
    return {f"{EXPLOITER}_{name}": value for name, value in metrics.items()}


def _learned(session: Session, episodes: list[Episode], rows: list[Row]) -> dict[str, Any]:
    """The policy's steps on the sides that it played; where each seat has a policy, each one's on its seat's."""
    metrics: dict[str, Any] = {}
    for seat, beside in enumerate(["", *_seats(session)]):
        own = of_seat(rows, episodes, seat) if _seats(session) else rows
        moved = learn_from(session, episodes, own, beside)
        metrics |= {f"{beside}_{name}" if beside else name: value for name, value in moved.items()}
    return metrics


def held_out(session: Session) -> dict[str, float]:
    """The policy against each of the game's scripted players, and how far a best response would beat it."""
    session.name_policy()
    recipe, me = session.recipe, session.policy.actor.agent_id
    agents, metrics, scores = policies(session, me, session.policy), dict[str, float](), list[float]()
    for label, _, other, jobs in held_out_matches(recipe.environment, me, recipe.evaluation.problems):
        episodes = session.play_matches({**agents, other: Anchor(other)}, seated(jobs, me, agents), {})
        scores += scores_of(episodes, me)
        metrics |= {f"{name}/{label}": value for name, value in against(episodes, me, other).items()}
    low, high = interval(scores)
    models = [session.model, *(session.module(seat).model for seat in _seats(session))]
    games = games_of(recipe.environment)
    for game, short in zip(games, short_names(games), strict=True):
        table = make_game(game.env_id, **game.env_kwargs)
        found = exploitable(table, *(partial(log_chances, session, model) for model in models))
        metrics |= {f"{name}/{short}" if short else name: value for name, value in found.items()}
    return {"accuracy": float(np.mean(scores)), "low": low, "high": high, **metrics}


def _jobs(session: Session, stage: str, deals: int, samples: int, rivals: Sequence[str], me: str) -> list[MatchJob]:
    recipe = session.recipe
    return jobs_of(games_of(recipe.environment), (recipe.seed, stage, session.round), deals, samples, rivals, me)


def _seats(session: Session) -> list[str]:
    """The modules that sit in other seats than the first; none where one policy sits in all, as in the warm start."""
    spec = session.recipe.self_play
    if spec is None or spec.policies == "shared" or session.stage == "warm":
        return []
    return [f"seat_{seat}" for seat in range(1, seats_of(session.recipe.environment))]


def policies(session: Session, name: str, first: Agent) -> dict[str, Agent]:
    """Who sits for ``name``, by the names that matches know them by: ``first``, and each other seat's own policy."""
    own = [session.policy_of(seat, first.actor.agent_id) for seat in _seats(session)]
    return {in_seat(name, seat): agent for seat, agent in enumerate([first, *own])}


def _collect(session: Session, agents: Mapping[str, Agent], jobs: list[MatchJob]) -> list[Episode]:
    """As ``rounds.collect``: a round that is in the log already is read, not played."""
    played = partial(session.play_matches, agents, seated(jobs, POLICY, agents), session.tags)
    return once(session.run.episodes, session.batch, played)


def _freeze(session: Session, number: int) -> None:
    """The policy as it is now joins the league; in its folder, those of other seats have folders of their own."""
    league = session.league
    assert league is not None

    def save(folder: Path, name: str) -> None:
        save_checkpoint(folder, name, session.model, session.tokenizer)
        for seat in _seats(session):
            save_checkpoint(folder / name, seat, session.module(seat).model, session.tokenizer)

    league.admit(f"round-{number:05d}", save)
    if processes.is_first():
        league.write()


def log_chances(
    session: Session, model: PreTrainedModel, observations: Sequence[str], texts: Sequence[Sequence[str]]
) -> list[list[float]]:
    """The log-probability that a model says each of these texts, and ends, after each observation."""
    batch = pack(would_say(session.policy.chat.example, observations, texts, session.recipe.temperature))
    logprobs = logprobs_under(model, batch, session.recipe.micro_batch_tokens)
    each = iter([float(part.double().sum()) for part in logprobs.split(batch.lengths().tolist())])
    return [[next(each) for _ in several] for several in texts]
