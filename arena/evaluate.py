"""Evaluation: an agent on held-out problems, with an interval and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from palaestra.agents.agent import Agent
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Episode, Turn

from .environments import Environments
from .intervals import interval
from .rollout import Job, rollout


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One row of a leaderboard.

    score: mean over decided episodes, in [0, 1]; low, high: its 95 % interval. n: decided episodes.
    undecided: episodes that the verifier could not judge; in no mean.
    tokens: mean tokens an answer that the agent generated (all k of a vote); length: mean tokens of the answer given.
    truncated: share of answers cut off at the token limit.
    """

    agent: str
    env_id: str
    score: float
    low: float
    high: float
    n: int
    undecided: int
    tokens: float
    length: float
    truncated: float
    weights_hash: str = ""


def held_out(
    env_id: str, env_kwargs: Mapping[str, Any], difficulties: Sequence[int], problems: int, seed: int = 0
) -> list[Job]:
    """Jobs on ``problems`` problems of the test split, the difficulties in turn: the same for every agent."""
    return [
        Job(
            id=f"held-out/{index:05d}",
            env_id=env_id,
            env_kwargs={**env_kwargs, "split": "test"},
            seed=derive_seed("held-out", seed, index),
            group_id=f"held-out/{index:05d}",
            reset_options={"difficulty": difficulties[index % len(difficulties)]} if difficulties else {},
            agent_seed=derive_seed("held-out answer", seed, index),
        )
        for index in range(problems)
    ]


def evaluate(
    agent: Agent,
    jobs: Sequence[Job],
    name: str | None = None,
    tags: Mapping[str, str] | None = None,
    environments: Environments | None = None,
) -> tuple[Evaluation, list[Episode]]:
    """Play every job once and sum up; the episodes come back in the order of the jobs."""
    order = {job.id: index for index, job in enumerate(jobs)}
    episodes = sorted(rollout(agent, jobs, tags, environments=environments), key=lambda episode: order[episode.id])
    return summarise(episodes, name or agent.actor.agent_id), episodes


def summarise(episodes: Sequence[Episode], name: str) -> Evaluation:
    """The leaderboard row of an agent's episodes.

    Raises:
        ValueError: there are none.
    """
    if not episodes:
        raise ValueError("no episode to evaluate: ask for one problem or more")
    outcomes = [next(iter(episode.outcome.values())) for episode in episodes]
    scores = [outcome.reward for outcome in outcomes if outcome.decided]
    low, high = interval(scores)
    turns = [turn for episode in episodes for turn in episode.turns]
    return Evaluation(
        agent=name,
        env_id=episodes[0].env_id,
        score=float(np.mean(scores)) if scores else float("nan"),
        low=low,
        high=high,
        n=len(scores),
        undecided=len(outcomes) - len(scores),
        tokens=float(np.mean([episode.cost.tokens_out for episode in episodes])),
        length=float(np.mean([_length(turn) for turn in turns])),
        truncated=float(np.mean([_finish(turn) == "length" for turn in turns])),
        weights_hash=next(iter(episodes[0].roles.values())).weights_hash,
    )


def _length(turn: Turn) -> int:
    """Tokens of an answer: its ids, or what a server without ids counted."""
    return len(turn.action_ids) or int(turn.meta.get("tokens_out") or 0)


def _finish(turn: Turn) -> str:
    return turn.finish_reason if turn.action_ids else str(turn.meta.get("finish_reason", turn.finish_reason))
