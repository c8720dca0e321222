"""Evaluation: an agent on held-out problems, with an interval and what it cost."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from palaestra.agents.agent import Agent
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Episode, Turn
from palaestra.verifiers import Status, extract_answer

from .environments import Environments
from .intervals import interval
from .measures import majority_at_k, pass_at_k
from .rollout import Job, rollout


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One row of a leaderboard: an agent in an environment.

    score: mean over problems, in [0, 1]; low, high: its 95 % interval over problems. n: decided episodes.
    undecided: episodes that the verifier could not judge; in no mean.
    tokens: mean tokens an answer that the agent generated (all k of a vote); length: mean tokens of the answer given.
    truncated: share of answers cut off at the token limit.
    problems: how many, where that was counted. k: answers to each; pass_at_k: chance that one of k is right at least;
    majority_at_k: that their majority is; both over problems all of whose answers were decided, nan without any.
    seconds: mean time of an episode, as its share of what was played at once; verifier_calls: mean of an episode.
    seen: of the problems, those that were trained on (``contamination``).
    repair, harm, outcome_efficiency, process_efficiency: as in ``answer_parts``. asked: hash of the set of problems.
    settings: hash of whatever of the agent its weights do not tell, where that was looked at (``Entrant``).
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
    problems: int = 0
    k: int = 1
    pass_at_k: float = math.nan
    majority_at_k: float = math.nan
    seconds: float = math.nan
    verifier_calls: float = math.nan
    seen: int = 0
    repair: float = math.nan
    harm: float = math.nan
    outcome_efficiency: float = math.nan
    process_efficiency: float = math.nan
    asked: str = ""
    settings: str = ""


def held_out(
    env_id: str,
    env_kwargs: Mapping[str, Any],
    difficulties: Sequence[int],
    problems: int,
    seed: int = 0,
    samples: int = 1,
) -> list[Job]:
    """Jobs on ``problems`` problems of the test split, the difficulties in turn: the same for every agent.

    seed: another one asks other problems. samples: answers to each.
    """
    series = "held-out" if seed == 0 else f"held-out-{seed}"
    return [
        Job(
            id=f"{series}/{index:05d}" + (f"/{sample:03d}" if sample else ""),
            env_id=env_id,
            env_kwargs={**env_kwargs, "split": "test"},
            seed=derive_seed("held-out", seed, index),
            group_id=f"{series}/{index:05d}",
            reset_options={"difficulty": difficulties[index % len(difficulties)]} if difficulties else {},
            agent_seed=derive_seed("held-out answer", seed, index, *([sample] if sample else [])),
        )
        for index in range(problems)
        for sample in range(samples)
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
    groups: dict[str, list[Episode]] = {}
    for episode in episodes:
        groups.setdefault(problem_key(episode), []).append(episode)
    rewards = [[reward(episode) for episode in group] for group in groups.values()]
    decided = [[value for value in group if not math.isnan(value)] for group in rewards]
    scores = [sum(group) / len(group) for group in decided if group]
    low, high = interval(scores)
    turns = [turn for episode in episodes for turn in episode.turns]
    k = min(map(len, groups.values()))
    chances = [_chances(group, k) for group in groups.values()] if k > 1 else []
    passed, voted = (_mean([pair[side] for pair in chances]) for side in (0, 1))
    return Evaluation(
        agent=name,
        env_id=episodes[0].env_id,
        score=_mean(scores),
        low=low,
        high=high,
        n=sum(map(len, decided)),
        undecided=len(episodes) - sum(map(len, decided)),
        tokens=_mean([episode.cost.tokens_out for episode in episodes]),
        length=_mean([_length(turn) for turn in turns]),
        truncated=_mean([_finish(turn) == "length" for turn in turns]),
        weights_hash=next(iter(episodes[0].roles.values())).weights_hash,
        problems=len(groups),
        k=k,
        pass_at_k=passed,
        majority_at_k=voted,
        seconds=_mean([episode.cost.seconds for episode in episodes]),
        verifier_calls=_mean([episode.cost.verifier_calls for episode in episodes]),
        asked=hash_of(groups),
    )


def problem_key(asked: Episode | Job) -> str:
    """Names what is asked in an environment, whoever answers."""
    return json.dumps([asked.env_kwargs, asked.seed, asked.reset_options], sort_keys=True)


def hash_of(asked: Iterable[str]) -> str:
    """Names the set of problems that are each named by ``problem_key``."""
    return blake2b("\n".join(sorted({*asked})).encode(), digest_size=4).hexdigest()


def reward(episode: Episode) -> float:
    """What the episode's one agent earned; nan where that is undecided."""
    return next(iter(episode.outcome.values())).reward


def _chances(group: Sequence[Episode], k: int) -> tuple[float, float]:
    """pass@k and majority@k of the answers to one problem; nan where one is undecided, or where none can be read.

    Two answers are the same when the same text stands in their box.
    """
    statuses = [next(iter(episode.outcome.values())).status for episode in group]
    if Status.UNDECIDED in statuses:
        return math.nan, math.nan
    answers, right = votes_of(group)
    unread = Status.RIGHT in statuses and not any(answers)  # right by other means than a box
    voted = math.nan if unread else majority_at_k(answers, right, k)
    return pass_at_k(len(group), statuses.count(Status.RIGHT), k), voted


def votes_of(group: Sequence[Episode]) -> tuple[list[str | None], set[str]]:
    """What stands in the box of each of the answers to one problem (None: nothing), and which of these are right."""
    found = [extract_answer(episode.turns[-1].text) for episode in group]
    answers = [None if answer is None else answer.text for answer in found]
    statuses = [next(iter(episode.outcome.values())).status for episode in group]
    pairs = zip(answers, statuses, strict=True)
    return answers, {answer for answer, status in pairs if answer is not None and status is Status.RIGHT}


def _mean(values: Sequence[float]) -> float:
    """Of those that are no nan; nan without any."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def _length(turn: Turn) -> int:
    """Tokens of an answer: its ids, or what a server without ids counted."""
    return len(turn.action_ids) or int(turn.meta.get("tokens_out") or 0)


def _finish(turn: Turn) -> str:
    return turn.finish_reason if turn.action_ids else str(turn.meta.get("finish_reason", turn.finish_reason))
