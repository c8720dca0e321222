"""Hindsight: rewards are the task's own, goals are rewritten wherever they were printed, tokens stay as sampled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palaestra.envs.dialogues import BitFlip, GoalExpression
from palaestra.envs.goals import GoalDialogue
from palaestra.envs.task import Problem, sample_problem
from palaestra.episodes import Actor, Episode, Goal, Outcome, Turn
from palaestra.episodes.relabelling import STRATEGIES, hindsight, relabelled
from palaestra.verifiers import Status

ROLE = "reasoner"
BITS = Problem(
    "The bits are 000.\nMake them 110.",
    {"start": "000", "goal": "110", "turns": 3},
    1,
    {"fields": {"start": "000", "goal": "110", "turns": "3"}, "wording": 0},
)
BITS = BitFlip().with_goal(BITS, "110")  # as its first wording puts it
SUM = Problem(
    "",
    {"start": 3, "goal": 20, "numbers": [2, 4, 8], "turns": 3},
    1,
    {
        "chain": ["* 4", "+ 8"],
        "fields": {"numbers": "2, 4, 8", "start": "3", "goal": "20", "turns": "3", "example": "2"},
        "wording": 1,
    },
)
SUM = GoalExpression().with_goal(SUM, "20")


def encode(turns: Sequence[Turn]) -> tuple[list[int], tuple[int, ...]]:
    """Prompt ids by characters, each prompt extending what was read and sampled before."""
    before = [] if len(turns) == 1 else [*turns[-2].prompt_ids, *turns[-2].action_ids]
    return [*before, *map(ord, turns[-1].observation)], turns[-1].action_ids


def log(task: GoalDialogue, problem: Problem, actions: Sequence[str], name: str = "e") -> Episode:
    """The episode that the actions lead to; each is sampled as one token, 9001, 9002, ..."""
    played = list(task.play(problem, actions))
    seen = [problem.prompt, *(turn.observation for turn in played)]
    turns = tuple(
        Turn(ROLE, seen[k], actions[k], 0.0, (1,), (9001 + k,), (-0.5,), finish_reason="stop")
        for k in range(len(played))
    )
    end = played[-1].verdict
    right = end is not None and end.right
    outcome = Outcome(float(right), Status.RIGHT if right else Status.WRONG)
    goal = Goal(task.desired(problem), task.achieved(problem, played[-1].state))
    return Episode(
        name, "e", {}, {}, 0, "g", {ROLE: Actor("a")}, turns, {ROLE: outcome}, True, False, problem=problem, goal=goal
    )


def text(ids: np.ndarray) -> str:
    return "".join(chr(i) if i < 9000 else f"<{i}>" for i in ids.tolist())


@pytest.mark.parametrize("strategy", STRATEGIES)
@settings(max_examples=25)
@given(length=st.integers(1, 6), seed=st.integers(0, 2**31))
def test_relabelled_rewards_are_those_of_the_next_achieved_goal(strategy: str, length: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    achieved, pool = rng.integers(2, size=(length, 2)), rng.integers(2, size=(5, 2))
    compute_reward = BitFlip().compute_reward
    made = hindsight(achieved, compute_reward, strategy, rng, copies=3, pool=pool)
    assert len(made.step) == 3 * length
    assert made.reward.tolist() == compute_reward(achieved[made.step], made.goal).tolist()
    assert made.reward.tolist() == [
        float(list(achieved[t]) == list(g)) for t, g in zip(made.step, made.goal, strict=True)
    ]


def test_an_episode_of_one_step_is_relabelled_with_what_that_step_achieved() -> None:
    for strategy in ("final", "future", "episode"):
        made = hindsight(np.array([[7]]), BitFlip().compute_reward, strategy, np.random.default_rng(0), copies=1)
        assert (made.goal.tolist(), made.reward.tolist()) == ([[7]], [1.0])


def test_strategies_look_where_they_say() -> None:
    achieved = np.arange(5)[:, None]  # the goal that a step achieves is the step's number
    compute_reward, rng = BitFlip().compute_reward, np.random.default_rng(0)
    final = hindsight(achieved, compute_reward, "final", rng)
    assert set(final.goal[:, 0]) == {4}
    future = hindsight(achieved, compute_reward, "future", rng, copies=200)
    for step in range(5):
        assert set(future.goal[future.step == step, 0]) == set(range(step, 5))
    episode = hindsight(achieved, compute_reward, "episode", rng, copies=200)
    assert set(episode.goal[episode.step == 4, 0]) == set(range(5))
    drawn = hindsight(achieved, compute_reward, "random", rng, pool=np.array([[9]]))
    assert set(drawn.goal[:, 0]) == {9}
    assert drawn.reward.max() == 0


def test_what_cannot_be_relabelled_is_refused() -> None:
    compute_reward, rng = BitFlip().compute_reward, np.random.default_rng(0)
    with pytest.raises(ValueError, match="one of final, future, episode, random, not 'last'"):
        hindsight(np.array([[7]]), compute_reward, "last", rng)
    with pytest.raises(ValueError, match="without a transition"):
        hindsight(np.zeros((0, 1), np.int64), compute_reward, "final", rng)
    with pytest.raises(ValueError, match="pool"):
        hindsight(np.array([[7]]), compute_reward, "random", rng)
    with pytest.raises(ValueError, match="not 'last'"):
        relabelled([], lambda episode: BitFlip(), encode, "last")


def test_a_dialogue_of_one_turn_wins_at_what_it_achieved() -> None:
    one = Problem(BITS.prompt, {**BITS.reference, "turns": 1}, 1, BITS.meta)
    view = relabelled([log(BitFlip(), one, ["flip[3]"])], lambda episode: BitFlip(), encode)
    (row,) = view.rows
    assert (row.reward, row.group_id) == (1.0, "g/001")
    assert "Make them 001." in text(row.ids)


def test_the_goal_is_rewritten_wherever_it_was_printed_and_tokens_stay() -> None:
    episode = log(BitFlip(), BITS, ["flip[3]", "flip[1]", "flip[3]"])
    view = relabelled([episode], lambda episode: BitFlip(), encode)
    (row,) = view.rows
    told = text(row.ids)
    assert "Make them 100." in told
    assert "110" not in told
    assert row.ids[row.action].tolist() == [9001, 9002, 9003]
    assert np.isnan(row.logprobs[row.action]).all()
    assert (row.logprobs[~row.action] == 0).all()
    assert view.dropped == {}


def test_a_dialogue_stops_where_the_new_goal_is_reached_first() -> None:
    episode = log(BitFlip(), BITS, ["flip[3]", "flip[2]", "flip[2]"])  # 001, 011, 001
    (row,) = relabelled([episode], lambda episode: BitFlip(), encode).rows
    assert row.ids[row.action].tolist() == [9001]


def test_goals_of_other_episodes_make_failures_of_their_own_reward() -> None:
    others = [log(BitFlip(), BITS, [f"flip[{k}]"] * 3, f"o{k}") for k in (1, 2)]  # these achieve 100 and 010 only
    mine = log(BitFlip(), BITS, ["flip[3]", "flip[1]", "flip[1]"], "mine")  # 001, 101, 001
    view = relabelled([*others, mine], lambda episode: BitFlip(), encode, "random", copies=40)
    rewards = {row.group_id: row.reward for row in view.rows if row.episode_id.startswith("mine/")}
    assert rewards == {"g/001": 1.0, "g/101": 1.0, "g/100": 0.0, "g/010": 0.0}


def test_what_is_left_out_is_told() -> None:
    task = GoalExpression()
    won = log(task, SUM, ["apply[* 4]", "apply[+ 8]"])
    lost = log(task, SUM, ["apply[+ 2]", "apply[- 2]", "apply[+ 2]"])
    undecided = replace(lost, outcome={ROLE: Outcome(math.nan, Status.UNDECIDED)})
    other = replace(lost, turns=(replace(lost.turns[0], observation="Bring it to 20!"), *lost.turns[1:]))
    view = relabelled([won, undecided, other, replace(lost, goal=None)], lambda episode: task, encode, copies=2)
    assert view.rows == []
    assert view.dropped == {
        "the goal was the desired one, or held before the first action": 1,
        "the goal was drawn twice": 1,
        "undecided": 2,
        "the task's rules do not lead to what was logged": 2,
        "no goal or no turn": 2,
    }


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), strategy=st.sampled_from(STRATEGIES), copies=st.integers(1, 4))
def test_every_draw_is_kept_or_counted_and_drawn_again_alike(seed: int, strategy: str, copies: int) -> None:
    task = GoalExpression()
    rng = np.random.default_rng(seed)
    episodes = []
    for k in range(4):
        problem = sample_problem(task, seed + k, 4)
        actions = [f"apply[{rng.choice(list('+-*'))} {n}]" for n in problem.reference["numbers"]]
        episodes.append(log(task, problem, actions, f"{k}"))
    one, two = (relabelled(episodes, lambda episode: task, encode, strategy, copies, seed) for _ in range(2))
    assert len(one.rows) + sum(one.dropped.values()) == 4 * copies
    assert [row.ids.tolist() for row in one.rows] == [row.ids.tolist() for row in two.rows]
    assert one.dropped == two.dropped
    assert all(row.reward in (0.0, 1.0) for row in one.rows)
    if strategy != "random":
        assert all(row.reward == 1.0 for row in one.rows)
