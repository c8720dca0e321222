"""Strategies by name: one grammar, every pair of them composes, and what does not is told."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from palaestra.agents.policy import PolicyLLM
from palaestra.agents.strategies.asking import layers
from palaestra.agents.strategies.few_shot import Example
from palaestra.agents.strategies.table import STRATEGIES, parse, strategy_named

SMALL = {
    "least_to_most": "least_to_most:1",
    "few_shot": "few_shot:1",
    "self_consistency": "self_consistency:2",
    "universal_self_consistency": "universal_self_consistency:2,2",
    "cot_decoding": "cot_decoding:2",
    "budget_forcing": "budget_forcing:8,1,4",
}
POOL = [Example("0+1?", "1")]


def test_a_stack_is_read_from_the_inside_out(policy: PolicyLLM) -> None:
    agent = strategy_named("budget_forcing:64,2, program_of_thought,self_consistency:8", policy)
    names = [type(layer).__name__ for layer in layers(agent)]
    assert names == ["SelfConsistency", "ProgramOfThought", "BudgetForcing", "PolicyLLM"]
    assert agent.actor.agent_id == "nano+budget_forcing@1:64,2+program_of_thought@1+sc8"
    assert parse("cot_decoding:4,least_to_most") == [("cot_decoding", [4]), ("least_to_most", [])]
    assert strategy_named("", policy) is policy


@pytest.mark.parametrize(("inner", "outer"), list(product(STRATEGIES, STRATEGIES)))
def test_every_strategy_goes_around_every_other(inner: str, outer: str, policy: PolicyLLM, asks: Any) -> None:
    text = f"{SMALL.get(inner, inner)},{SMALL.get(outer, outer)}"
    policy.sampling = replace(policy.sampling, max_tokens=4)
    if STRATEGIES[inner].derives and STRATEGIES[outer].samples:
        with pytest.raises(ValueError, match=f"write it before {inner}"):
            strategy_named(text, policy, POOL)
        return
    agent = strategy_named(text, policy, POOL)
    replies = agent.respond(asks("1+1?", "2+2?"))
    assert len(replies) == 2
    assert all(reply.cost.tokens_in and reply.cost.tokens_out for reply in replies)
    assert [reply.text for reply in agent.respond(asks("1+1?", "2+2?"))] == [reply.text for reply in replies]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("plan_and_solv", "unknown strategy: 'plan_and_solv' .did you mean 'plan_and_solve'"),
        ("xyz", "known: direct, chain_of_thought"),
        ("direct:3", "direct is written direct, not with 1 numbers"),
        ("self_consistency:many", "written self_consistency:K, with whole numbers"),
        ("self_consistency:0", "k of 1 or more"),
        ("cot_decoding:2,3", "written cot_decoding:K, not with 2 numbers"),
        ("few_shot:2", "collect right answers to training problems"),
        ("react,self_consistency:2,budget_forcing:9", "write it before react"),
    ],
)
def test_what_is_no_strategy_is_told(text: str, told: str, policy: PolicyLLM) -> None:
    with pytest.raises(ValueError, match=told):
        strategy_named(text, policy)


def test_each_says_what_it_is_and_where_it_is_from() -> None:
    assert all(one.source and len(one.about) > 20 for one in STRATEGIES.values())
