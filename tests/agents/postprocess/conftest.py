"""An agent that answers by rules, remembers what it was asked, and costs what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from palaestra.agents.agent import Dialogue, Message, Reply
from palaestra.episodes import Actor, Cost


class Ruled:
    """``answer`` maps a dialogue to a text, which costs its characters; every prompt costs its characters read."""

    def __init__(self, answer: Callable[[Dialogue], str], name: str = "ruled") -> None:
        self.answer, self.actor = answer, Actor(name, f"{name} weights")
        self.batches: list[list[Dialogue]] = []

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        assert dialogues, "nobody is asked nothing"
        self.batches.append(list(dialogues))
        texts = [self.answer(dialogue) for dialogue in dialogues]
        read = [sum(len(message.content) for message in dialogue.messages) for dialogue in dialogues]
        return [Reply(text, cost=Cost(n, len(text))) for text, n in zip(texts, read, strict=True)]


@pytest.fixture
def ruled() -> type[Ruled]:
    return Ruled


@pytest.fixture
def ask() -> Callable[..., Dialogue]:
    def asked(text: str, seed: int = 0) -> Dialogue:
        return Dialogue((Message("user", text),), seed)

    return asked
