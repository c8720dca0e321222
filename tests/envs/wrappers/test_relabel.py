from __future__ import annotations

import numpy as np
import pytest

from palaestra.envs.dialogue import DialogueEnv, reward_of
from palaestra.envs.dialogues.bit_flip import BitFlip
from palaestra.envs.dialogues.goal_expression import GoalExpression
from palaestra.envs.goals import GoalDialogue
from palaestra.envs.task import Problem
from palaestra.envs.wrappers import relabel


def play(task: GoalDialogue, seed: int) -> tuple[Problem, list[str], list[str]]:
    """A weak player's episode: the problem, the actions, the goals achieved."""
    env = DialogueEnv(task)
    observation, info = env.reset(seed=seed, options={"difficulty": 6})
    rng = np.random.default_rng(seed)
    problem, actions, achieved, ended = info["problem"], [], [], False
    while not ended:
        actions.append(task.weak_act(problem, env.snapshot().state, observation, rng))
        observation, _, ended, _, info = env.step(actions[-1])
        achieved.append(info["achieved_goal"])
    return problem, actions, achieved


@pytest.mark.parametrize("task", [GoalExpression(), BitFlip()])
@pytest.mark.parametrize("strategy", ["final", "every"])
def test_a_relabelled_episode_wins_when_it_is_played(task: GoalDialogue, strategy: str) -> None:
    count = 0
    for seed in range(12):
        problem, actions, achieved = play(task, seed)
        start = task.achieved(problem, task.begin(problem))
        for found in relabel(task, problem, actions, achieved, strategy):
            count += 1
            assert found.goal not in (task.desired(problem), start)
            assert task.desired(found.problem) == found.goal == found.achieved[-1]
            assert found.problem.prompt != problem.prompt
            turns = list(task.play(found.problem, found.actions))
            assert turns[-1].verdict is not None
            assert turns[-1].verdict.right
            assert [reward_of(turn) for turn in turns] == list(found.rewards) == [0.0] * (len(turns) - 1) + [1.0]
    assert count >= 8


def test_every_goal_on_the_way_is_taken_once() -> None:
    task = GoalExpression()
    problem = next(p for p in (play(task, seed)[0] for seed in range(9)) if p.reference["goal"] not in (71, 72, 73))
    start = str(problem.reference["start"])
    achieved = ["71", "71", start, "72", "71", "73"]
    found = list(relabel(task, problem, list("abcdef"), achieved, "every"))
    assert [(one.goal, one.actions) for one in found] == [
        ("71", ("a",)),
        ("72", ("a", "b", "c", "d")),
        ("73", ("a", "b", "c", "d", "e", "f")),
    ]
    assert [one.goal for one in relabel(task, problem, list("abcdef"), achieved)] == ["73"]


def test_nothing_is_made_of_a_success_or_of_standing_still() -> None:
    task = GoalExpression()
    problem, _, _ = play(task, 0)
    start, goal = str(problem.reference["start"]), str(problem.reference["goal"])
    assert list(relabel(task, problem, ["x"], [goal], "every")) == []
    assert list(relabel(task, problem, ["x"], [start])) == []
    assert list(relabel(task, problem, [], [])) == []


def test_records_are_checked() -> None:
    task = GoalExpression()
    problem, _, _ = play(task, 0)
    with pytest.raises(ValueError, match="'final' or 'every'"):
        list(relabel(task, problem, [], [], "future"))
    with pytest.raises(ValueError, match="there are 1 and 0"):
        list(relabel(task, problem, ["x"], []))
