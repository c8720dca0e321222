"""Self-play: matches of the policy with itself, with its frozen selves and with anchors, learned from seat by seat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from palaestra.agents import processes
from palaestra.agents.agent import Agent
from palaestra.agents.checkpoint import save_checkpoint
from palaestra.arena.anchors import Anchor, anchors_of, board_row, matches_against, score, seat_of, versus
from palaestra.arena.evaluate import Evaluation
from palaestra.arena.exploitability import exploitability, strategy_of
from palaestra.arena.intervals import interval
from palaestra.arena.matches import MatchJob, illegal_moves
from palaestra.arena.self_play import GameShare, games_of, jobs_of
from palaestra.envs.games import make_game
from palaestra.episodes import Episode, views
from palaestra.episodes.views import Row

from .batch import pack
from .model_evolution import evolve_models
from .reference import logprobs_under
from .rounds import PlayedRound, judged
from .session import Session

POLICY = "policy"


def demonstrated(session: Session) -> views.View:
    """Random legal play, all of it: it teaches how moves are written, and nothing of which are good."""
    jobs = _jobs(session, "warm", session.recipe.warm_start.problems, 1, ["random"], "random")
    episodes = _collect(session, {"random": Anchor("random")}, jobs)
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
    me = session.policy.actor.agent_id
    before = (session.clock.sampling, session.clock.tokens_sampled)
    agents: dict[str, Agent] = {}
    rivals = [POLICY]
    if whom.opponents != "self" and session.run.episodes.find(_batch(session)) is None:
        rng = np.random.default_rng([recipe.seed, session.round])
        while not agents:
            rivals = league.draw(rng)
            agents = league.seat(rivals)
        rivals = [name for name in rivals if name in agents]
    jobs = _jobs(session, "evolve", spec.problems, spec.samples, rivals, POLICY)
    episodes = _collect(session, {POLICY: session.policy, **agents}, jobs)
    view = views.matches(episodes, me)
    rows = judged(recipe, session.round, view.rows)
    metrics = evolve_models(session, PlayedRound(session, episodes, rows)) if rows else {}
    sides = [(episode, seat_of(episode, me)) for episode in episodes]
    for episode, role in sides:
        others = [actor.agent_id for actor in episode.roles.values() if actor.agent_id != me]
        if others and episode.outcome[role].decided:
            league.record(others[0], score(episode, role))
    progress = league.progress()
    if (session.round + 1) % whom.snapshot_every == 0 and progress >= whom.snapshot_at:
        _freeze(session, session.round + 1)
    sampled = session.clock.tokens_sampled - before[1]
    returns = [episode.outcome[role].reward for episode, role in sides if episode.outcome[role].decided]
    return {
        **metrics,
        "reward": float(np.mean(returns)) if returns else float("nan"),
        "episodes": len(episodes),
        "frozen_selves": len(league.selves),
        **({} if whom.opponents == "self" else {"league": progress}),
        "illegal": float(np.mean([illegal_moves(episode, role) for episode, role in sides])),
        "length": float(np.mean([row.action.sum() for row in rows])) if rows else 0.0,
        "tokens_per_second": sampled / max(session.clock.sampling - before[0], 1e-9) if sampled else 0.0,
        "dropped": sum(view.dropped.values()),
    }


def held_out(session: Session) -> dict[str, float]:
    """The policy against each of the game's scripted players, and how far a best response would beat it."""
    session.name_policy()
    me, metrics, scores = session.policy.actor.agent_id, dict[str, float](), list[float]()
    for game, other, jobs in _held_out_matches(session, me):
        episodes = session.play_matches({me: session.policy, other: Anchor(other)}, jobs, {})
        found, row = versus(episodes, me, other), board_row(episodes, me, other, me)
        scores += [row.score] * row.n
        for name in ("won", "drawn", "lost", "mean_return", "illegal"):
            metrics[f"{name}/{_label(session, game, other)}"] = getattr(found, name)
        metrics[f"score/{_label(session, game, other)}"] = row.score
    low, high = interval(scores)
    for game in games_of(session.recipe.environment):
        metrics |= _exploitable(session, game)
    return {"accuracy": float(np.mean(scores)), "low": low, "high": high, **metrics}


def evaluated(session: Session, name: str, agent: Agent) -> list[Evaluation]:
    """An agent's rows of the board, one for each scripted player that it meets; its matches are logged once."""
    store, rows = session.run.episodes, []
    for _, other, jobs in _held_out_matches(session, name):
        batch = f"held-out-{name}-vs-{other}-{jobs[0].env_id.rpartition('/')[2]}"
        committed = store.find(batch)
        if committed is not None:
            episodes = list(store.read(committed))
        else:
            episodes = session.play_matches({name: agent, other: Anchor(other)}, jobs, {"phase": "held-out"})
            if processes.is_first():
                store.append(episodes, batch)
        rows.append(board_row(episodes, name, other, name))
    return rows


def yardsticks(session: Session) -> dict[str, Agent]:
    """The scripted players that every game of the run has, to be read beside the run's own agents."""
    each = [set(anchors_of(game.env_id, game.env_kwargs)) for game in games_of(session.recipe.environment)]
    return {f"{name} player": Anchor(name, f"{name} player") for name in sorted(set.intersection(*each))}


def _jobs(session: Session, stage: str, deals: int, samples: int, rivals: Sequence[str], me: str) -> list[MatchJob]:
    recipe = session.recipe
    return jobs_of(games_of(recipe.environment), (recipe.seed, stage, session.round), deals, samples, rivals, me)


def _collect(session: Session, agents: dict[str, Agent], jobs: list[MatchJob]) -> list[Episode]:
    """As ``rounds.collect``: a round that is in the log already is read, not played."""
    name, store = _batch(session), session.run.episodes
    committed = store.find(name)
    if committed is not None:
        return list(store.read(committed))
    episodes = session.play_matches(agents, jobs, {"phase": session.stage, "round": str(session.round)})
    if processes.is_first():
        store.append(episodes, name)
    return episodes


def _batch(session: Session) -> str:
    return f"{session.stage}-{session.round:05d}"


def _freeze(session: Session, number: int) -> None:
    """The policy as it is now joins the league."""
    league = session.league
    assert league is not None
    league.admit(
        f"round-{number:05d}",
        lambda folder, name: save_checkpoint(folder, name, session.model, session.tokenizer, None),
    )
    if processes.is_first():
        league.write()


def _held_out_matches(session: Session, agent: str) -> Iterator[tuple[GameShare, str, list[MatchJob]]]:
    for game in games_of(session.recipe.environment):
        for other in anchors_of(game.env_id, game.env_kwargs):
            games = session.recipe.evaluation.problems
            yield game, other, matches_against(game.env_id, game.env_kwargs, agent, other, games)


def _label(session: Session, game: GameShare, other: str) -> str:
    """The other's name, with the game's where there are several."""
    several = len(games_of(session.recipe.environment)) > 1
    return f"{game.env_id.rpartition('/')[2].removesuffix('-v0')}-{other}" if several else other


def _exploitable(session: Session, game: GameShare) -> dict[str, float]:
    """Of a small game with hidden parts: what a best response wins from the policy."""
    table = make_game(game.env_id, **game.env_kwargs)
    if not (table.game.hidden and table.game.zero_sum and len(table.possible_agents) == 2):
        return {}
    try:
        strategy, legal = strategy_of(table, lambda asked, texts: chances(session, asked, texts))
    except LookupError:
        return {}
    return {"exploitability": exploitability(table.game, strategy), "legal": legal}


def chances(session: Session, observations: Sequence[str], texts: Sequence[Sequence[str]]) -> list[list[float]]:
    """The probability that the policy says each of these texts, and ends, after each observation."""
    rows: list[Row] = []
    for observation, several in zip(observations, texts, strict=True):
        for text in several:
            prompt, action = session.policy.chat.example(observation, text)
            ids = np.array(prompt + action, dtype=np.int64)
            chosen = np.arange(len(ids)) >= len(prompt)
            none = np.zeros(len(ids), np.float32)
            rows.append(Row(ids, chosen, none, 0.0, str(len(rows)), "", "", "", session.recipe.temperature))
    batch = pack(rows)
    logprobs = logprobs_under(session.model, batch, session.recipe.micro_batch_tokens)
    each = iter([float(part.sum().exp()) for part in logprobs.split(batch.lengths().tolist())])
    return [[next(each) for _ in several] for several in texts]
