"""The policy's replies carry all that a trainer needs, and an engine that breaks its promise is found out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from torch import Tensor

from palaestra.agents.agent import Dialogue, Message
from palaestra.agents.chat import ChatFormat
from palaestra.agents.engine import Completion, EngineError, Sampling, TokenIds
from palaestra.agents.nano import nano_tokenizer
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.transformers_engine import TransformersEngine


class Canned:
    """An engine that returns what it was given."""

    def __init__(self, *completions: Completion) -> None:
        self.completions = list(completions)
        self.asked: list[Sampling] = []

    def generate(self, prompts: Sequence[TokenIds], sampling: Sampling) -> list[Completion]:
        self.asked.append(sampling)
        return self.completions

    def load(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        pass


def ask(*completions: Completion, seeds: Sequence[int] = (3,)) -> tuple[Canned, PolicyLLM, list[Dialogue]]:
    engine = Canned(*completions)
    policy = PolicyLLM(engine, ChatFormat(nano_tokenizer()), Sampling(temperature=0.5, max_tokens=9))
    return engine, policy, [Dialogue((Message("user", "Q"),), seed) for seed in seeds]


def test_a_reply_holds_ids_text_and_cost() -> None:
    tokenizer = nano_tokenizer()
    ids = (*tokenizer.encode("é!", add_special_tokens=False), tokenizer.eos_token_id)
    completion = Completion(tuple(ids), (-1.0,) * len(ids), "stop", 4)
    engine, policy, dialogues = ask(completion)
    (reply,) = policy.respond(dialogues)
    assert reply.text == "é!"
    assert reply.completions == (completion,)
    assert reply.prompt_ids == ChatFormat(tokenizer).prompt([Message("user", "Q")])
    assert (reply.cost.tokens_in, reply.cost.tokens_out) == (len(reply.prompt_ids), len(ids))
    assert reply.sampling.temperature == 0.5
    assert engine.asked == [Sampling(temperature=0.5, max_tokens=9, seeds=(3,))]


@pytest.mark.parametrize(
    ("completions", "told"),
    [
        ([Completion((), (), "length", 0)], "no tokens"),
        ([Completion((1, 2), (-1.0,), "stop", 0)], "log-probabilities"),
        ([Completion((1, 2), (-1.0, float("nan")), "stop", 0)], "no numbers"),
        ([], "0 completions for 1 prompts"),
    ],
)
def test_a_broken_engine_is_told(completions: list[Completion], told: str) -> None:
    _, policy, dialogues = ask(*completions)
    with pytest.raises(EngineError, match=told):
        policy.respond(dialogues)


def test_prompts_with_more_room_go_on_apart_where_the_longest_would_exceed_the_context() -> None:
    class Counts(Canned):
        context = 10

        def generate(self, prompts: Sequence[TokenIds], sampling: Sampling) -> list[Completion]:
            self.asked.append(sampling)
            assert max(map(len, prompts)) + sampling.max_tokens <= self.context
            return [Completion((prompt[0],), (-1.0,), "length", 0) for prompt in prompts]

    engine = Counts()
    policy = PolicyLLM(engine, ChatFormat(nano_tokenizer()), Sampling())
    prompts = [[1] * 9, [2] * 2, [3] * 8, [4] * 3]
    made = policy.go_on(prompts, [1, 7, 2, 7], Sampling(seeds=(11, 12, 13, 14)))
    assert [one.token_ids for one in made] == [(1,), (2,), (3,), (4,)]
    assert sorted((asked.max_tokens, asked.seeds) for asked in engine.asked) == [(1, (11,)), (2, (13,)), (7, (12, 14))]
    policy.go_on([[1] * 3, [2] * 2], [6, 7], Sampling())
    assert engine.asked[-1].max_tokens == 7


def test_each_dialogue_is_answered_with_its_own_seed(engine: TransformersEngine) -> None:
    policy = PolicyLLM(engine, ChatFormat(nano_tokenizer()), Sampling(max_tokens=8))
    _, _, dialogues = ask(seeds=(1, 2, 1))
    first, second, third = policy.respond(dialogues)
    assert first == third
    assert first.text != second.text
    assert policy.respond(dialogues[1:2])[0].text == second.text
