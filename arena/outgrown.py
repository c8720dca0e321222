"""Dialogues that outgrow a model's context: they are cut off, and the others go on."""

from __future__ import annotations

from collections.abc import Sequence

from palaestra.agents.agent import Agent, Dialogue, Reply
from palaestra.agents.engine import Outgrown

OUTGROWN = "outgrown"  # in the meta of the turn behind which the agent had no room for another


def replies_where_there_is_room(
    agent: Agent, dialogues: Sequence[Dialogue], begun: Sequence[bool]
) -> list[Reply | None]:
    """A reply to each dialogue, in order; None to one that has outgrown the agent's model, or what is made around it.

    An agent that has no room for one dialogue says so of the whole batch, which is then asked again in halves.

    begun: whether each dialogue has a turn behind it already.

    Raises:
        Outgrown: there is no room for the first turn of one.
    """
    try:
        return list(agent.respond(dialogues))
    except Outgrown:
        if len(dialogues) == 1 and begun[0]:
            return [None]
        if len(dialogues) == 1:
            raise
    half = len(dialogues) // 2
    first = replies_where_there_is_room(agent, dialogues[:half], begun[:half])
    return first + replies_where_there_is_room(agent, dialogues[half:], begun[half:])
