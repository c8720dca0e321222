"""Agents that say what they are told, and a small real policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from palaestra.agents.agent import Dialogue, Message, Reply
from palaestra.agents.chat import ChatFormat
from palaestra.agents.engine import Completion, Sampling
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.episodes import Actor, Cost


class Told:
    """Answers as ``answer`` does: from the last message and the dialogue. Each reply costs 5 tokens in and 2 out."""

    actor = Actor("told", "abc")

    def __init__(self, answer: Callable[[str, Dialogue], str]) -> None:
        self.answer = answer
        self.asked: list[Dialogue] = []

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        self.asked += dialogues
        return [
            Reply(
                self.answer(one.messages[-1].content, one),
                (Completion((7, 8), (-0.5, -0.5), "stop", 0),),
                prompt_ids=(1, 2, 3, 4, 5),
                cost=Cost(5, 2),
            )
            for one in dialogues
        ]


@pytest.fixture
def told() -> type[Told]:
    return Told


@pytest.fixture
def policy() -> PolicyLLM:
    tokenizer = nano_tokenizer()
    model = nano_model(tokenizer, hidden=32, layers=2, heads=2, seed=1)
    engine = TransformersEngine(model, [tokenizer.eos_token_id])
    return PolicyLLM(engine, ChatFormat(tokenizer), Sampling(max_tokens=12), Actor("nano", "abc"))


@pytest.fixture
def asks() -> Callable[..., list[Dialogue]]:
    """``asks("Q", ...)``: a dialogue for each question, with seeds 0, 1 and so on."""

    def dialogues(*questions: str, **given: Any) -> list[Dialogue]:
        return [Dialogue((Message("user", text),), seed, **given) for seed, text in enumerate(questions)]

    return dialogues
