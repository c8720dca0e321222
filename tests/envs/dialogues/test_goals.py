"""BitFlip and GoalExpression: goals, rewards on arrays, and hindsight."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from palaestra.envs import Problem, make, sample_problem
from palaestra.envs.dialogue import reward_of
from palaestra.envs.dialogues import BitFlip, GoalExpression
from palaestra.envs.goals import GoalDialogue

BITS = Problem("?", {"start": "00000000", "goal": "00000011", "turns": 8}, 1)
SUM = Problem("?", {"start": 3, "goal": 20, "numbers": [2, 4, 8], "turns": 3}, 1, {"chain": ["* 4", "+ 8"]})
TASKS: tuple[GoalDialogue, ...] = (BitFlip(), GoalExpression())


@pytest.mark.parametrize(
    ("actions", "seen", "won"),
    [
        (["flip[8]"], "The bits are 00000001.", False),
        (["flip[8]", "flip[7]"], "00000011, as they should be", True),
        (["flip[1]", "flip[ 1 ]"], "The bits are 00000000.", False),
        (["flip[9]"], "There is no bit 9", False),
        (["flip[0]"], "There is no bit 0", False),
        (["flip[-1]"], "There is no bit -1", False),
        (["flip[1.5]"], "There is no bit", False),
        (["flip[" + "9" * 200 + "]"], "There is no bit", False),
        (["flip 8"], "That is no action", False),
    ],
)
def test_bits_flip_one_at_a_time(actions: list[str], seen: str, won: bool) -> None:
    *_, turn = BitFlip().play(BITS, actions)
    assert seen in turn.observation
    assert (turn.verdict is not None and turn.verdict.right) is won


@pytest.mark.parametrize(
    ("actions", "seen", "won"),
    [
        (["apply[*4]"], "3 * 4 = 12. The value is 12; left are 2, 8.", False),
        (["apply[* 4]", "apply[+ 8]"], "3 * 4 + 8 = 20, as wanted.", True),
        (["apply[+ 2]", "apply[* 4]"], "(3 + 2) * 4 = 20, as wanted.", True),
        (["apply[+ 4]", "apply[+ 4]"], "There is no number 4 left. The value is 7", False),
        (["apply[- 8]", "apply[* 2]"], "(3 - 8) * 2 = -10.", False),
        (["apply[+ 3]"], "There is no number 3 left", False),
        (["apply[/ 2]"], "That is no move", False),
        (["apply[+ 2 + 4]"], "That is no move", False),
    ],
)
def test_expressions_grow_by_one_operation(actions: list[str], seen: str, won: bool) -> None:
    *_, turn = GoalExpression().play(SUM, actions)
    assert seen in turn.observation
    assert (turn.verdict is not None and turn.verdict.right) is won


def test_values_stay_bounded() -> None:
    problem = Problem("?", {"start": 999, "goal": 1, "numbers": [99, 2], "turns": 2}, 1)
    assert "beyond 9999" in GoalExpression().turn(problem, (999, (99, 2), "999"), "apply[* 99]").observation


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_the_goal_is_never_the_start_and_can_be_reached(task: GoalDialogue) -> None:
    for seed in range(300):
        problem = sample_problem(task, seed, 1 + seed % 10)
        assert task.achieved(problem, task.begin(problem)) != task.desired(problem)
        *_, (_, turn) = task.demonstrate(problem, np.random.default_rng(0))
        assert turn.verdict is not None
        assert turn.verdict.right
        assert task.achieved(problem, turn.state) == task.desired(problem)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_rewards_of_arrays_are_those_of_the_turns(task: GoalDialogue) -> None:
    problem = sample_problem(task, 1, 5)
    turns = [turn for _, turn in task.demonstrate(problem, np.random.default_rng(0))]
    achieved = task.encode([task.achieved(problem, turn.state) for turn in turns])
    desired = task.encode([task.desired(problem)])
    assert task.compute_reward(achieved, desired).tolist() == [reward_of(turn) for turn in turns]
    table = task.compute_reward(achieved[:, None], achieved[None])
    assert table.shape == (len(turns), len(turns))
    assert table.dtype == np.float64
    assert table.diagonal().all()


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_in_hindsight_a_failure_achieved_another_goal(task: GoalDialogue) -> None:
    problem = sample_problem(task, 2, 6)
    first = next(action for action, _ in task.demonstrate(problem, np.random.default_rng(0)))
    (turn,) = task.play(problem, [first])
    assert turn.verdict is None
    other = task.with_goal(problem, task.achieved(problem, turn.state))
    (again,) = task.play(other, [first])
    assert again.verdict is not None
    assert again.verdict.right
    assert problem.meta["fields"]["goal"] in problem.prompt
    assert other.meta["fields"]["goal"] in other.prompt
    assert task.reword(other, 0).prompt == task.reword(task.with_goal(other, task.desired(other)), 0).prompt


def test_goals_are_in_info_at_every_turn() -> None:
    env = make("palaestra/BitFlip-v0", bits=8)
    info = env.reset(seed=0)[1]
    start, goal = info["achieved_goal"], info["desired_goal"]
    assert info["problem"].reference["start"] == start
    info = env.step("flip[1]")[4]
    assert info["desired_goal"] == goal
    assert info["achieved_goal"] == ("1" if start[0] == "0" else "0") + start[1:]


def test_bits_are_from_8_to_50() -> None:
    for bits in (7, 51):
        with pytest.raises(ValueError, match=f"from 8 to 50, not {bits}"):
            BitFlip(bits=bits)
    assert sample_problem(BitFlip(bits=50), 0, 1).reference["turns"] == 50


def test_small_expressions_can_be_won_in_the_ways_brute_force_finds() -> None:
    """Every chain of operations, tried by hand, wins exactly when its value is the goal."""
    wins = 0
    for size in (1, 2, 3):
        for numbers in itertools.permutations((2, 4, 8), size):
            for ops in itertools.product("+-*", repeat=size):
                value, reached = 3, False
                for op, n in zip(ops, numbers, strict=True):
                    value = {"+": value + n, "-": value - n, "*": value * n}[op]
                    reached = reached or value == 20
                actions = [f"apply[{op} {n}]" for op, n in zip(ops, numbers, strict=True)]
                *_, turn = GoalExpression().play(SUM, actions)
                assert (turn.verdict is not None and turn.verdict.right) is reached
                wins += reached
    assert wins > 2


def test_a_terse_expression_tells_the_numbers_and_nothing_else() -> None:
    task = GoalExpression(terse=True, products=False)
    problem = sample_problem(task, 0, 1)
    numbers = ", ".join(map(str, problem.reference["numbers"]))
    assert problem.prompt == f"{problem.reference['start']} to {problem.reference['goal']} by {numbers}"
    assert task.with_goal(problem, "17").prompt == f"{problem.reference['start']} to 17 by {numbers}"
    sum_ = Problem("?", SUM.reference, 1, SUM.meta)
    told = [turn.observation for turn in task.play(sum_, ["apply[* 4]", "apply[+ 4]", "apply[- 2]"])]
    assert told == ["That is no move: write apply[+ 2]. 3 by 2, 4, 8", "7 by 2, 8", "5 by 8"]


def test_without_products_no_problem_is_made_of_one() -> None:
    plain, task = GoalExpression(), GoalExpression(products=False)
    chains = [sample_problem(task, seed, 3).meta["chain"] for seed in range(100)]
    assert {move[0] for chain in chains for move in chain} == set("+-")
    assert "*" in {move[0] for seed in range(100) for move in sample_problem(plain, seed, 3).meta["chain"]}
