"""How strategies ask: in other words, again behind an answer, and at what cost in all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from palaestra.agents.agent import Agent, Dialogue, Message, Reply
from palaestra.agents.policy import PolicyLLM
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Cost


def question(dialogue: Dialogue) -> str:
    """What the dialogue asks now."""
    return dialogue.messages[-1].content


def reworded(dialogue: Dialogue, content: str) -> Dialogue:
    """The dialogue with another last message."""
    return replace(dialogue, messages=(*dialogue.messages[:-1], Message("user", content)))


def continued(dialogue: Dialogue, reply: Reply, content: str, tag: str) -> Dialogue:
    """The dialogue with an answer and the next question behind it; ``tag`` makes its seed another.

    The answer stands as the tokens that were sampled; one made from them (``meta["derived"]``) as its text.
    """
    sampled = bool(reply.completions) and not reply.meta.get("derived")
    ids = (reply.prompt_ids, reply.completions[0].token_ids) if sampled else ((), ())
    said = Message("assistant", reply.text, *ids)
    seed = derive_seed(dialogue.seed, tag)
    return replace(dialogue, messages=(*dialogue.messages, said, Message("user", content)), seed=seed)


def costing(reply: Reply, cost: Cost, **meta: Any) -> Reply:
    """The reply with a cost in place of its own, and further remarks."""
    return replace(reply, cost=cost, meta={**reply.meta, **meta})


def total(replies: Sequence[Reply]) -> Cost:
    """What all of these cost."""
    return sum((reply.cost for reply in replies), Cost())


def layers(agent: Agent | None) -> Iterator[Agent]:
    """The agent, the one that it wraps, and so on."""
    while agent is not None:
        yield agent
        agent = getattr(agent, "agent", None)


def innermost(agent: Agent) -> Agent:
    """What all strategies of a stack are wrapped around."""
    *_, last = layers(agent)
    return last


def policy_under(agent: Agent, who: str) -> PolicyLLM:
    """The policy at the bottom of a stack.

    Raises:
        ValueError: there is none; ``who`` says that it needs one.
    """
    policy = innermost(agent)
    if not isinstance(policy, PolicyLLM):
        raise ValueError(
            f"{who} works on a model's tokens: it needs a model of this process, not {policy.actor.agent_id}"
        )
    return policy


def counted(agent: Agent) -> dict[str, dict[str, int]]:
    """What the strategies of a stack have counted so far (programs that failed, choices not read), by their names."""
    return {
        type(layer).__name__: dict(sorted(counts.items()))
        for layer in layers(agent)
        if (counts := getattr(layer, "counts", None))
    }
