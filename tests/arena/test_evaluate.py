"""Agents are measured on the same problems, and what nobody could judge is in no mean."""

from __future__ import annotations

import math
from typing import Any

import pytest

from palaestra.agents.scripted import OracleAgent, RandomAgent
from palaestra.arena.evaluate import evaluate, held_out, summarise
from palaestra.arena.intervals import wilson
from palaestra.arena.rollout import Job, rollout
from palaestra.envs import make_task
from palaestra.envs.task import split_of
from palaestra.episodes import Episode

CHAIN = "palaestra/ChainArith-v0"


def prompts(episodes: list[Episode]) -> list[str]:
    return [episode.turns[0].observation for episode in episodes]


@pytest.mark.parametrize(
    ("env_id", "knobs"),
    [
        ("palaestra/Nim-vs-random-v0", {"drawn": True}),
        ("palaestra/Mixture-v0", {"envs": [CHAIN, "palaestra/Nim-vs-optimal-v0", "palaestra/Guess20-v0"]}),
    ],
)
def test_games_and_mixtures_are_measured_as_tasks_are(env_id: str, knobs: dict[str, Any]) -> None:
    jobs = held_out(env_id, knobs, (1, 2), 30)
    row, episodes = evaluate(OracleAgent(), jobs)
    floor, _ = evaluate(RandomAgent(), jobs)
    assert row.score > 0.9 > 0.1 > floor.score
    assert {episode.env_kwargs["split"] for episode in episodes} == {"test"}
    assert len(set(prompts(episodes))) > 10


def test_every_agent_gets_the_same_held_out_problems() -> None:
    jobs = held_out(CHAIN, {"modulus": 10}, (1, 3), 30)
    oracle, right = evaluate(OracleAgent(), jobs)
    floor, guessed = evaluate(RandomAgent(), jobs, "floor")
    assert prompts(right) == prompts(guessed)
    assert len(set(prompts(right))) > 20
    for index, episode in enumerate(right):
        assert episode.problem is not None
        assert split_of(make_task(CHAIN, modulus=10), episode.problem) == "test"
        assert episode.problem.difficulty == (1, 3)[index % 2]
    assert (oracle.score, oracle.n, (oracle.low, oracle.high)) == (1.0, 30, wilson(30, 30))
    assert (floor.agent, floor.env_id) == ("floor", CHAIN)
    assert floor.score < 0.5


def test_another_seed_asks_other_problems() -> None:
    one, other = (evaluate(RandomAgent(), held_out(CHAIN, {}, (5,), 20, seed))[1] for seed in (0, 1))
    assert not set(prompts(one)) & set(prompts(other))


def test_undecided_episodes_are_counted_and_in_no_mean(counter: Any) -> None:
    jobs = [
        Job(str(i), "tests/Countup-v0", {"ending": "undecided" if i % 4 == 0 else "verdict"}, 1, "g") for i in range(8)
    ]
    row, episodes = evaluate(counter, jobs)
    assert (row.score, row.n, row.undecided) == (1.0, 6, 2)
    assert [episode.id for episode in episodes] == [str(i) for i in range(8)]
    nothing = summarise([episode for episode in episodes if not episode.outcome["reasoner"].decided], "none")
    assert math.isnan(nothing.score)
    assert (nothing.low, nothing.high, nothing.n, nothing.undecided) == (0, 1, 0, 2)


def test_partial_rewards_get_a_bootstrap_interval(saying: Any) -> None:
    jobs = [Job(str(i), "tests/Countup-v0", {}, i, "g") for i in range(40)]
    row, _ = evaluate(saying("1"), jobs)
    assert 0 < row.low < row.score < row.high < 1


def test_nothing_to_evaluate_is_refused() -> None:
    with pytest.raises(ValueError, match="one problem or more"):
        evaluate(RandomAgent(), [])


def test_tokens_count_all_votes_and_length_the_given_answer() -> None:
    from palaestra.agents.chat import ChatFormat
    from palaestra.agents.engine import Sampling
    from palaestra.agents.nano import nano_model, nano_tokenizer
    from palaestra.agents.policy import PolicyLLM
    from palaestra.agents.self_consistency import SelfConsistency
    from palaestra.agents.transformers_engine import TransformersEngine

    tokenizer = nano_tokenizer()
    engine = TransformersEngine(nano_model(tokenizer, hidden=32, layers=1, heads=2))
    policy = PolicyLLM(engine, ChatFormat(tokenizer), Sampling(max_tokens=5))
    jobs = held_out(CHAIN, {}, (1,), 8)
    alone, episodes = evaluate(policy, jobs)
    voted, _ = evaluate(SelfConsistency(policy, 3), jobs)
    assert alone.tokens == alone.length <= 5
    assert voted.tokens > 2.5 * voted.length
    cut_off = [turn.finish_reason == "length" for episode in episodes for turn in episode.turns]
    assert alone.truncated == sum(cut_off) / 8 > 0
    assert next(rollout(policy, jobs)).turns[0].action_ids == episodes[0].turns[0].action_ids
