"""Agents meet environments: many episodes at once, each finished one replaced at once by the next."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import gymnasium

from palaestra.agents.agent import Agent, Dialogue, Message, Reply
from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import Problem
from palaestra.episodes import Actor, Cost, Episode, Outcome, Turn
from palaestra.episodes.record import BESIDE, Goal, storable
from palaestra.episodes.spans import line_spans as line_spans
from palaestra.episodes.spans import solution_spans as solution_spans
from palaestra.verifiers import Status, Verdict, undecided

from .environments import Environments
from .outgrown import OUTGROWN, replies_where_there_is_room

ROLE = "reasoner"
MAX_TURNS = 64  # an environment that never ends is truncated here


@dataclass(frozen=True, slots=True)
class Job:
    """One episode to play: which environment, which problem of it, and the seed of the agent's own choices."""

    id: str
    env_id: str
    env_kwargs: Mapping[str, Any]
    seed: int
    group_id: str
    reset_options: Mapping[str, Any] = field(default_factory=dict)
    agent_seed: int = 0


def again(episode: Episode) -> Job:
    """The job of answering an episode's problem once more."""
    return Job(
        id=f"{episode.group_id}{BESIDE}",
        env_id=episode.env_id,
        env_kwargs=episode.env_kwargs,
        seed=episode.seed,
        group_id=episode.group_id,
        reset_options=episode.reset_options,
        agent_seed=episode.seed,
    )


@dataclass(slots=True)
class _Slot:
    """An episode under way. info: the environment's last."""

    env: gymnasium.Env[str, str]
    job: Job
    dialogue: Dialogue
    turns: list[Turn]
    cost: Cost
    started: float
    info: Mapping[str, Any]
    terminated: bool = False
    truncated: bool = False


def rollout(
    agent: Agent,
    jobs: Iterable[Job],
    tags: Mapping[str, str] | None = None,
    slots: int = 512,
    environments: Environments | None = None,
) -> Iterator[Episode]:
    """Play ``jobs`` with ``agent``, ``slots`` of them at a time, and yield episodes as they end.

    All unfinished episodes are put to the agent as one batch; those that end are yielded and their places filled
    before the next batch, so that a long episode holds nobody up. ``environments`` keeps those made for the next
    rollout; without it they are closed at the end. A dialogue that outgrows the agent behind its first turn is
    truncated, and its last turn's meta tells so.
    """
    if environments is None:
        with Environments() as environments:
            yield from rollout(agent, jobs, tags, slots, environments)
        return
    waiting = iter(jobs)
    active: list[_Slot] = []
    while True:
        while len(active) < slots and (job := next(waiting, None)) is not None:
            active.append(_start(job, environments))
        if not active:
            return
        actor = agent.actor
        replies = replies_where_there_is_room(
            agent, [slot.dialogue for slot in active], [bool(slot.turns) for slot in active]
        )
        unfinished: list[_Slot] = []
        for slot, reply in zip(active, replies, strict=True):
            if reply is None:
                slot.turns[-1] = replace(slot.turns[-1], meta={**slot.turns[-1].meta, OUTGROWN: True})
                slot.truncated = True
            else:
                _advance(slot, reply)
            if not (slot.terminated or slot.truncated):
                unfinished.append(slot)
                continue
            environments.give_back(slot.env)
            yield _episode(slot, {ROLE: actor}, tags or {})
        active = unfinished


def _start(job: Job, environments: Environments) -> _Slot:
    env = environments.take(job.env_id, job.env_kwargs)
    observation, info = env.reset(seed=job.seed, options=dict(job.reset_options) or None)
    problem = info.get("problem")
    if isinstance(problem, Problem):
        _check_loggable(job.env_id, reference=problem.reference, meta=dict(problem.meta))
    oracle = getattr(env.unwrapped, "oracle", None)
    asked = (Message("user", str(observation)),)
    dialogue = Dialogue(asked, derive_seed(job.agent_seed, 0), problem, oracle, env.unwrapped)
    return _Slot(env, job, dialogue, [], Cost(), time.perf_counter(), info)


def _check_loggable(env_id: str, **written: Any) -> None:
    """Raises ValueError for what no log takes, at once and not when a whole batch has been played."""
    for name, value in written.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError) as error:
            hint = "int(...), float(...) and .tolist() make Python's values of numpy's"
            raise ValueError(f"{env_id}: {name} is written to the log as JSON: {error}; {hint}") from error


def _advance(slot: _Slot, reply: Reply) -> None:
    """Take the reply as the action."""
    text = storable(reply.text)
    observation, reward, slot.terminated, truncated, slot.info = slot.env.step(text)
    verdict = slot.info.get("verdict")
    if verdict is not None and verdict.evidence:
        _check_loggable(slot.job.env_id, evidence=dict(verdict.evidence))
    slot.turns.append(_turn(slot, reply, text, float(reward), verdict))
    slot.cost = slot.cost + reply.cost + Cost(verifier_calls=int(verdict is not None))
    slot.truncated = truncated or (not slot.terminated and len(slot.turns) >= MAX_TURNS)
    spoken = Message("assistant", text, reply.prompt_ids, reply.completions[0].token_ids if reply.completions else ())
    slot.dialogue = replace(
        slot.dialogue,
        messages=(*slot.dialogue.messages, spoken, Message("user", str(observation))),
        seed=derive_seed(slot.job.agent_seed, len(slot.turns)),
    )


def sampled(reply: Reply) -> dict[str, Any]:
    """What a turn keeps of how its text was sampled; nothing where no model did."""
    if not reply.completions:
        return {}
    completion = reply.completions[0]
    return {
        "prompt_ids": reply.prompt_ids,
        "action_ids": completion.token_ids,
        "logprobs": completion.logprobs,
        "temperature": reply.sampling.temperature,
        "top_p": reply.sampling.top_p,
        "top_k": reply.sampling.top_k,
        "finish_reason": completion.finish_reason,
        "weights_version": completion.weights_version,
    }


def _turn(slot: _Slot, reply: Reply, text: str, reward: float, verdict: Verdict | None) -> Turn:
    return Turn(
        role=ROLE,
        observation=slot.dialogue.messages[-1].content,
        text=text,
        reward=reward,
        step_spans=line_spans(text),
        solution_spans=solution_spans(text),
        verdicts=() if verdict is None else (verdict,),
        step_verdicts=_step_verdicts(slot.env, slot.dialogue.problem, text),
        meta=reply.meta,
        **sampled(reply),
    )


def _step_verdicts(env: gymnasium.Env[str, str], problem: Problem | None, text: str) -> tuple[Verdict, ...]:
    task = getattr(env.unwrapped, "task", None)
    return tuple(task.steps(problem, text)) if task is not None and problem is not None else ()


def _episode(slot: _Slot, roles: Mapping[str, Actor], tags: Mapping[str, str]) -> Episode:
    total = sum(turn.reward for turn in slot.turns)
    return Episode(
        id=slot.job.id,
        env_id=slot.job.env_id,
        env_kwargs=dict(slot.job.env_kwargs),
        reset_options=dict(slot.job.reset_options),
        seed=slot.job.seed,
        group_id=slot.job.group_id,
        roles=dict(roles),
        turns=tuple(slot.turns),
        outcome={ROLE: outcome_of(total, slot.info.get("verdict"), slot.truncated)},
        terminated=slot.terminated,
        truncated=slot.truncated,
        problem=slot.dialogue.problem,
        goal=goal_of(slot.info),
        cost=slot.cost + Cost(seconds=time.perf_counter() - slot.started),
        tags=dict(tags),
    )


def goal_of(info: Mapping[str, Any]) -> Goal | None:
    """The desired and the achieved goal, where the environment is goal-conditioned and tells them as texts."""
    desired, achieved = info.get("desired_goal"), info.get("achieved_goal")
    return Goal(desired, achieved) if isinstance(desired, str) and isinstance(achieved, str) else None


def outcome_of(total: float, verdict: Verdict | None, truncated: bool) -> Outcome:
    """How an episode ended: its summed reward, with the last verdict's status and reason.

    Without a verdict a reward of 1 or more is right; an episode cut off before its verdict is undecided.
    """
    if verdict is None and truncated:
        verdict = undecided("the episode was cut off before a verdict")
    if verdict is None:
        return Outcome(total, Status.RIGHT if total >= 1 else Status.WRONG)
    if verdict.status is Status.UNDECIDED:
        return Outcome(float("nan"), verdict.status, verdict.reason)
    return Outcome(total, verdict.status, verdict.reason)
