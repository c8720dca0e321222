"""Hindsight: a dialogue that missed its goal is a success at the goal that it reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from palaestra.envs.goals import GoalDialogue
from palaestra.envs.task import Problem

STRATEGIES = ("final", "every")


@dataclass(frozen=True, slots=True)
class Relabelled:
    """The problem with another goal, and the actions that reach it with their rewards: 0, and 1 for the last one.

    achieved: what each action has achieved; the last one is ``goal``.
    """

    problem: Problem
    goal: str
    actions: tuple[str, ...]
    achieved: tuple[str, ...]
    rewards: tuple[float, ...]


def relabel(
    task: GoalDialogue, problem: Problem, actions: Sequence[str], achieved: Sequence[str], strategy: str = "final"
) -> Iterator[Relabelled]:
    """What an episode would have been worth had its goal been one that it achieved (arXiv:1707.01495).

    actions, achieved: of each turn; ``achieved`` is ``info["achieved_goal"]`` after it. strategy: the goal achieved at
    the end ("final"), or each goal that was achieved on the way ("every"), in order. Rewards are the task's
    ``compute_reward``, up to the first that is 1, where the dialogue would have ended. Left out are the goal that was
    desired, and goals that hold before the first action, for which the actions deserve nothing.

    A pure function of records: nothing is played. Played in an environment, the actions reach ``goal`` in the new
    problem, as states do not depend on what is desired.

    Raises:
        ValueError: an unknown strategy, or not one goal an action.
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy is {' or '.join(map(repr, STRATEGIES))}, not {strategy!r}")
    if len(achieved) != len(actions):
        raise ValueError(f"each action achieves one goal, but there are {len(actions)} and {len(achieved)}")
    known = [task.desired(problem), task.achieved(problem, task.begin(problem))]
    reached = task.encode(achieved)
    for goal in dict.fromkeys(achieved if strategy == "every" else achieved[-1:]):
        if task.compute_reward(task.encode([goal]), task.encode(known)).any():
            continue
        rewards = task.compute_reward(reached, task.encode([goal])).tolist()
        end = rewards.index(1.0) + 1
        yield Relabelled(
            task.with_goal(problem, goal), goal, tuple(actions[:end]), tuple(achieved[:end]), tuple(rewards[:end])
        )
