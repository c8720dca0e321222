"""Decoding strategies on a small real model: first tokens, margins, budgets and what is put into its mouth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from palaestra.agents.clock import Clock, TimedEngine
from palaestra.agents.engine import Completion, Sampling, TokenIds
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.strategies.asking import counted
from palaestra.agents.strategies.budget_forcing import BudgetForcing
from palaestra.agents.strategies.cot_decoding import CoTDecoding
from palaestra.agents.strategies.inside import probabilities
from palaestra.agents.strategies.prompted import direct
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.episodes import Cost


def with_engine(policy: PolicyLLM, engine: Any) -> PolicyLLM:
    return PolicyLLM(engine, policy.chat, policy.sampling, policy.actor)


class Writes:
    """An engine around a real model that writes a text of its own behind each prompt, and then ends."""

    def __init__(self, policy: PolicyLLM, *texts: str, end: bool = True) -> None:
        self.model = policy.engine.model  # type: ignore[attr-defined]
        self.eos_ids = policy.engine.eos_ids  # type: ignore[attr-defined]
        self.chat, self.texts, self.end = policy.chat, list(texts), end
        self.prompts: list[TokenIds] = []
        self.asked: list[int] = []

    def generate(self, prompts: Sequence[TokenIds], sampling: Sampling) -> list[Completion]:
        self.prompts += prompts
        self.asked += [sampling.max_tokens] * len(prompts)
        return [self._write(sampling.max_tokens) for _ in prompts]

    def _write(self, room: int) -> Completion:
        text = self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]
        ids = [*self.chat.tokenizer.encode(text, add_special_tokens=False), *([self.chat.end] if self.end else [])]
        reason = "stop" if len(ids) <= room and self.end else "length"
        return Completion(tuple(ids[:room]), (-1.0,) * len(ids[:room]), reason, 0)  # type: ignore[arg-type]

    def load(self, weights: Any, version: int) -> None:
        """Nothing is learned."""


def test_branches_begin_with_the_likeliest_tokens_and_go_on_greedily(policy: PolicyLLM, asks: Any) -> None:
    agent = CoTDecoding(policy, 3)
    prompt = policy.chat.prompt(asks("1+1?")[0].messages)
    branches = agent._branches([prompt])
    first = probabilities(agent.model, prompt, ())[0]
    assert [one.completion.token_ids[0] for one in branches] == first.topk(3).indices.tolist()
    greedy = replace(policy.sampling, temperature=0.0)
    assert branches[0].completion.token_ids == policy.generate([prompt], greedy)[0].token_ids
    for one in branches:
        ids = one.completion.token_ids
        logprobs = probabilities(agent.model, prompt, ids)[:-1].gather(1, torch.tensor(ids)[:, None]).squeeze(1)
        assert one.completion.logprobs == pytest.approx(logprobs.tolist(), abs=1e-4)
        assert len(ids) <= policy.sampling.max_tokens


def test_an_engine_around_another_ends_branches_where_that_one_does(policy: PolicyLLM, asks: Any) -> None:
    model, prompt = policy.engine.model, policy.chat.prompt(asks("1+1?")[0].messages)  # type: ignore[attr-defined]
    first = int(probabilities(model, prompt, ())[0].argmax())
    engine = TransformersEngine(model, [policy.chat.end, first])
    engine.load((), 3)
    (branch,) = CoTDecoding(with_engine(policy, TimedEngine(engine, Clock())), 1)._branches([prompt])
    assert (branch.completion.token_ids, branch.completion.finish_reason) == ((first,), "stop")
    assert branch.completion.weights_version == 3


def test_the_margin_is_that_of_the_answer_s_tokens(policy: PolicyLLM, asks: Any) -> None:
    texts = ["a \\boxed{41}", "so \\boxed{7}.", "nothing", "\\boxed{41"]
    agent = CoTDecoding(with_engine(policy, Writes(policy, *texts)), 4)
    agent.policy.sampling = replace(policy.sampling, max_tokens=40)
    prompt = policy.chat.prompt(asks("1+1?")[0].messages)
    branches = agent._branches([prompt])
    for one, answer in zip(branches[:2], ("41", "7"), strict=True):
        ids, chat = one.completion.token_ids, policy.chat
        start = next(n for n in range(len(ids)) if chat.text(ids[: n + 1]).endswith("{" + answer[0]))
        every = probabilities(agent.model, prompt, ids)[start : start + len(answer)].exp().topk(2).values
        assert one.margin == pytest.approx(float((every[:, 0] - every[:, 1]).mean()), abs=1e-6)
        assert one.cost == Cost(2 * len(prompt) + start + len(answer), len(ids))
    assert math.isnan(branches[2].margin)
    assert math.isnan(branches[3].margin)
    agent.counts.clear()
    (engine,) = [agent.policy.engine]
    engine.texts = list(texts)  # type: ignore[attr-defined]
    (reply,) = agent.respond(asks("1+1?"))
    best = max(branches[:2], key=lambda one: one.margin)
    assert reply.completions == (best.completion,)
    assert reply.meta == {"margin": pytest.approx(best.margin), "branch": branches.index(best), "of": 4}
    assert reply.cost == sum((one.cost for one in branches), Cost(len(prompt)))  # and the pass for the first tokens
    assert counted(agent) == {"CoTDecoding": {"no answer": 2}}


def test_without_any_answer_the_greedy_branch_stands(policy: PolicyLLM, asks: Any) -> None:
    agent = CoTDecoding(policy, 3)
    (reply,) = agent.respond(asks("1+1?"))
    assert (reply.meta["branch"], reply.meta["margin"]) == (0, None)
    assert reply.sampling.temperature == 0


def test_around_another_agent_it_branches_behind_that_agent_s_prompt(policy: PolicyLLM, asks: Any) -> None:
    (plain,) = direct(policy).respond(asks("1+1?"))
    (reply,) = CoTDecoding(direct(policy), 2).respond(asks("1+1?"))
    assert reply.prompt_ids == plain.prompt_ids
    (inside,) = direct(CoTDecoding(policy, 2)).respond(asks("1+1?"))
    assert inside.completions == reply.completions
    assert reply.cost == inside.cost + plain.cost


def test_an_early_end_is_taken_away_and_waited_at(policy: PolicyLLM, asks: Any) -> None:
    engine = Writes(policy, "so 5", "no, 6")
    agent = BudgetForcing(with_engine(policy, engine), budget=40, waits=1, answer=8)
    (reply,) = agent.respond(asks("1+1?"))
    assert reply.text == "so 5\nWaitno, 6"
    ids = reply.completions[0].token_ids
    ((start, end),) = reply.meta["forced"]
    assert policy.chat.text(ids[start:end]) == "\nWait"
    assert policy.chat.end not in ids[:-1]
    assert reply.completions[0].logprobs[start:end] == (0.0,) * (end - start)
    assert reply.completions[0].finish_reason == "stop"
    assert engine.prompts[1] == reply.prompt_ids + ids[:end]  # behind the very tokens
    said = len(ids) - (end - start)
    assert reply.cost == Cost(2 * len(reply.prompt_ids) + end, said + 1)  # and the end that was taken away
    assert counted(agent) == {"BudgetForcing": {"cut": 0, "waited": 1}}


@pytest.mark.parametrize("budget", [3, 12, 30])
def test_a_thought_without_end_is_cut_and_asked_for_the_answer(budget: int, policy: PolicyLLM, asks: Any) -> None:
    agent = BudgetForcing(with_engine(policy, Writes(policy, "and so on " * 9, end=False)), budget, 2, answer=5)
    (reply,) = agent.respond(asks("1+1?"))
    final = len(policy.chat.tokenizer.encode("\nFinal answer:"))
    assert len(reply.completions[0].token_ids) == budget + final + 5
    assert reply.completions[0].finish_reason == "length"
    assert reply.meta["forced"] == [[budget, budget + final]]
    assert reply.text[budget : budget + final] == "\nFinal answer:"
    assert counted(agent) == {"BudgetForcing": {"cut": 1, "waited": 0}}


def test_a_real_model_stays_within_its_budget(policy: PolicyLLM, asks: Any) -> None:
    agent = BudgetForcing(policy, 20, 3, 4)
    together = agent.respond(asks("1+1?", "a longer question?", "?"))
    for index, reply in enumerate(together):
        assert len(reply.completions[0].token_ids) <= 20 + 14 + 4
        alone = agent.respond([asks("1+1?", "a longer question?", "?")[index]])[0]
        assert alone.completions[0].token_ids == reply.completions[0].token_ids  # whoever else is asked
        assert len(reply.completions[0].logprobs) == len(reply.completions[0].token_ids)


def test_what_cannot_be_done_is_refused(policy: PolicyLLM, told: Any, asks: Any) -> None:
    for make in (CoTDecoding, BudgetForcing):
        with pytest.raises(ValueError, match="needs a model of this process, not told"):
            make(told(lambda text, one: "hm"))

    class Elsewhere:
        def generate(self, prompts: Any, sampling: Any) -> Any:
            raise AssertionError

        def load(self, weights: Any, version: int) -> None:
            raise AssertionError

    with pytest.raises(ValueError, match="Elsewhere holds no model here"):
        CoTDecoding(with_engine(policy, Elsewhere()))
    with pytest.raises(ValueError, match="k of 1 or more"):
        CoTDecoding(policy, 0)
    with pytest.raises(ValueError, match="more than the model knows"):
        CoTDecoding(policy, 10_000)
    with pytest.raises(ValueError, match="1 or more"):
        BudgetForcing(policy, 0)
