"""What an agent is: dialogues in, replies out, a batch at a time, every reply with its cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import gymnasium
import numpy as np

from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import Problem
from palaestra.episodes import Actor, Cost

from .engine import Completion, Sampling


@dataclass(frozen=True, slots=True)
class Message:
    """One message. An assistant's message keeps the ids it was sampled as and the prompt ids it was sampled after."""

    role: Literal["system", "user", "assistant"]
    content: str
    prompt_ids: tuple[int, ...] = ()
    action_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What an agent answers: the messages so far, the last of them the user's.

    seed: makes the reply repeatable. problem: what is asked, and oracle: says the environment's own answer to it; for
    scripted agents only, a policy must not look at either. env: the environment that is played in, for searches that
    were told that they may try answers in it; whoever does puts it back by ``restore``.
    """

    messages: tuple[Message, ...]
    seed: int = 0
    problem: Problem | None = None
    oracle: Callable[[np.random.Generator], str] | None = None
    env: gymnasium.Env[str, str] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """An agent's answer. ``completions[0]`` is the one whose text was given; scripted agents have none.

    prompt_ids: the ids the engine read. sampling: how it sampled.
    meta: JSON-able remarks for the log. ``meta["derived"]`` is true where the text was made from the completion's (the
    value of a program, the action behind a thought) and is not the same.
    """

    text: str
    completions: tuple[Completion, ...] = ()
    prompt_ids: tuple[int, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    cost: Cost = field(default_factory=Cost)
    meta: Mapping[str, Any] = field(default_factory=dict)


class Agent(Protocol):
    """Anything that answers dialogues."""

    @property
    def actor(self) -> Actor:
        """The agent's name, and the hash of the weights it plays with now."""

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        """One reply a dialogue, in order."""


def named(agent: Agent, suffix: str) -> Actor:
    """The wrapped agent's actor, with what wraps it behind its name."""
    inner = agent.actor
    return Actor(f"{inner.agent_id}+{suffix}", inner.weights_hash)


def samples(agent: Agent, dialogues: Sequence[Dialogue], k: int) -> list[list[Reply]]:
    """k replies to each dialogue, each with a seed of its own, all asked for as one batch."""
    asked = [replace(one, seed=derive_seed(one.seed, index)) for one in dialogues for index in range(k)]
    replies = agent.respond(asked)
    return [replies[start : start + k] for start in range(0, len(replies), k)]


def joined(*hashes: str) -> str:
    """The hashes of several models' weights as one text, each once."""
    return "+".join(dict.fromkeys(filter(None, hashes)))
