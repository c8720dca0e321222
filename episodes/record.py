"""The episode: one complete interaction of agents with an environment, as everything else passes it around."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from palaestra import __version__
from palaestra.envs.task import Problem
from palaestra.verifiers import Status, Verdict

Span = tuple[int, int]  # half-open range of characters in a turn's text

BESIDE = "/other"  # how the id ends of what answers a round's problem beside its own answers: greedily, with a hint


@dataclass(frozen=True, slots=True)
class Cost:
    """What a reply or an episode consumed, so that agents can be compared at equal compute."""

    tokens_in: int = 0
    tokens_out: int = 0
    verifier_calls: int = 0
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.verifier_calls + other.verifier_calls,
            self.seconds + other.seconds,
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """One action: what the agent saw, the tokens and text it answered with, and what the environment made of it.

    prompt_ids, action_ids: the exact token ids that the engine read and sampled; empty for scripted agents.
    logprobs: behaviour log-probabilities of ``action_ids``, natural log, same length, under the distribution that
        ``temperature``, ``top_p`` and ``top_k`` (0: all) make of the policy.
    finish_reason: "stop" (an end-of-sequence id, which is the last of ``action_ids``), "length", or "scripted".
    weights_version: the engine's count of weight updates when it sampled, -1 for scripted agents.
    step_spans, solution_spans: character ranges of ``text``, a step each and a complete solution each.
    verdicts: the environment's judgement of this action; ``step_verdicts`` judges each of ``step_spans``.
    meta: JSON-able remarks of the agent (an oracle's habit, a vote count).
    """

    role: str
    observation: str
    text: str
    reward: float
    prompt_ids: tuple[int, ...] = ()
    action_ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    finish_reason: str = "scripted"
    weights_version: int = -1
    step_spans: tuple[Span, ...] = ()
    solution_spans: tuple[Span, ...] = ()
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    step_verdicts: tuple[Verdict, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who played a role: the agent's name and the hash of the weights it played with ("" when it has none)."""

    agent_id: str
    weights_hash: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the episode ended for one role. ``reward`` is nan exactly when the verifier was UNDECIDED."""

    reward: float
    status: Status
    reason: str = ""

    @property
    def decided(self) -> bool:
        return not math.isnan(self.reward)


@dataclass(frozen=True, slots=True)
class Goal:
    """Desired and achieved goal of a goal-conditioned environment, for hindsight relabelling."""

    desired: str
    achieved: str


@dataclass(frozen=True, slots=True)
class Episode:
    """One row of the log. Everything needed to replay it, to train on it and to judge it again.

    env_kwargs: what ``gymnasium.make`` was given; ``reset_options``: what ``reset`` was given beside the seed.
    group_id: shared by episodes that answer the same problem; parent_id: the episode this one branched from.
    tags: where in a run it was made (phase, round).
    created: seconds since the epoch.
    """

    id: str
    env_id: str
    env_kwargs: Mapping[str, Any]
    reset_options: Mapping[str, Any]
    seed: int
    group_id: str
    roles: Mapping[str, Actor]
    turns: tuple[Turn, ...]
    outcome: Mapping[str, Outcome]
    terminated: bool
    truncated: bool
    problem: Problem | None = None
    parent_id: str | None = None
    goal: Goal | None = None
    cost: Cost = Cost()
    tags: Mapping[str, str] = field(default_factory=dict)
    created: float = field(default_factory=time.time)
    palaestra_version: str = __version__


def storable(text: str) -> str:
    """Text without lone surrogates, which neither UTF-8 nor the log can hold: each becomes "?"."""
    return text.encode("utf-8", "replace").decode("utf-8")
