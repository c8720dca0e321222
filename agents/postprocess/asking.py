"""How a post-processor asks: behind an answer that was given, or afresh."""

from __future__ import annotations

from dataclasses import replace

from palaestra.agents.agent import Dialogue, Message, Reply


def behind(dialogue: Dialogue, reply: Reply, question: str, seed: int) -> Dialogue:
    """The dialogue with a reply and a question about it; the reply keeps the ids that it was sampled as."""
    ids = reply.completions[0].token_ids if reply.completions else ()
    said = Message("assistant", reply.text, reply.prompt_ids, ids)
    return replace(dialogue, messages=(*dialogue.messages, said, Message("user", question)), seed=seed)


def afresh(dialogue: Dialogue, text: str, seed: int) -> Dialogue:
    """A dialogue of one message, about the same problem."""
    return replace(dialogue, messages=(Message("user", text),), seed=seed)
