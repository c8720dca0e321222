"""Hindsight: an episode that missed its goal is a success at a goal that it reached (HER; arXiv:1707.01495)."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from palaestra.envs.goals import GoalDialogue, Goals
from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import Problem
from palaestra.verifiers import Status

from .record import Episode, Goal, Outcome, Turn
from .views import Ids, Row, View, rows_of

ComputeReward = Callable[[Goals, Goals], NDArray[np.float64]]  # (achieved, desired) -> rewards; pure, broadcasts
Continue = Callable[[Sequence[Turn]], tuple[Ids, Ids]]  # turns -> prompt ids and action ids of the last of them
Steps = NDArray[np.int64]


def _final(steps: Steps, length: int, rng: np.random.Generator) -> Steps:
    return np.full_like(steps, length - 1)


def _future(steps: Steps, length: int, rng: np.random.Generator) -> Steps:
    return rng.integers(steps, length)


def _episode(steps: Steps, length: int, rng: np.random.Generator) -> Steps:
    return rng.integers(length, size=len(steps))


# Which step's achieved goal becomes the desired one; "random" takes one of any episode instead.
PICKS = {"final": _final, "future": _future, "episode": _episode}
STRATEGIES = (*PICKS, "random")


@dataclass(frozen=True, slots=True)
class Transitions:
    """Relabelled transitions: step (n,) of the episode, the goal (n, g) put in its place, and the reward (n,)."""

    step: Steps
    goal: Goals
    reward: NDArray[np.float64]


def hindsight(
    achieved: Goals,
    compute_reward: ComputeReward,
    strategy: str,
    rng: np.random.Generator,
    copies: int = 4,
    pool: Goals | None = None,
) -> Transitions:
    """``copies`` relabelled transitions for each of an episode's, for a replay buffer.

    achieved: (T, g), the goal that each action *led to*; the one before the first action is not among them.
    strategy: the goal of the last step ("final"), of a step not before the transition ("future", its own included),
        of any step ("episode"), or one of ``pool``, (m, g): what was achieved so far in any episode ("random").
    The reward is ``compute_reward(achieved[step], goal)``.

    Raises:
        ValueError: no transition, an unknown strategy, or "random" without a pool.
    """
    _check(strategy)
    length = len(achieved)
    if length == 0:
        raise ValueError("an episode without a transition cannot be relabelled")
    steps = np.repeat(np.arange(length), copies)
    if strategy != "random":
        goals = achieved[PICKS[strategy](steps, length, rng)]
    elif pool is None or len(pool) == 0:
        raise ValueError('strategy "random" draws from a pool of achieved goals: give one')
    else:
        goals = pool[rng.integers(len(pool), size=len(steps))]
    return Transitions(steps, goals, compute_reward(achieved[steps], goals))


def relabelled(
    episodes: Iterable[Episode],
    task_of: Callable[[Episode], GoalDialogue],
    encode: Continue,
    strategy: str = "final",
    copies: int = 1,
    seed: int = 0,
) -> View:
    """Dialogues as they would have been, had a goal that was achieved been the desired one: ``copies`` draws each.

    The goal is rewritten wherever it was printed: the prompt is that of ``task.with_goal``, and what was seen later
    comes from playing the actions again by the task's pure rules. So the prompt ids are new, from ``encode``; the
    action ids stay as they were sampled, with log-probabilities nan, as under the new prompt nobody knows them. The
    reward is the task's ``compute_reward``. The dialogue stops where the goal is reached first.

    strategy: see ``hindsight``; "future" takes a goal achieved at or after a turn drawn uniformly, and "random" one
    that was achieved in this episode or in those before it, which mostly makes a failure.
    Each draw is a dialogue in the view or is counted in ``dropped``. A row's ``group_id`` names the new problem.

    Raises:
        ValueError: an unknown strategy.
    """
    _check(strategy)
    rows: list[Row] = []
    dropped: Counter[str] = Counter()
    forked = 0
    pools: dict[tuple[str, int], list[str]] = defaultdict(list)
    for episode in episodes:
        task = task_of(episode)
        achieved = _replayed(task, episode)
        if isinstance(achieved, str):
            dropped[achieved] += copies
            continue
        pool = pools[episode.env_id, task.encode(achieved[-1:]).shape[-1]]
        pool += achieved
        rng = np.random.default_rng(derive_seed("relabelled", seed, episode.id))
        drawn: set[str] = set()
        for _ in range(copies):
            goal = _draw(strategy, achieved, pool, rng)
            made = "the goal was drawn twice" if goal in drawn else _with_goal(task, episode, achieved, goal, encode)
            drawn.add(goal)
            if isinstance(made, str):
                dropped[made] += 1
                continue
            (role,) = made.outcome
            pieces = rows_of(made, role, made.turns)
            rows += pieces
            forked += len(pieces) - 1
    return View(rows, dropped, forked)


def _check(strategy: str) -> None:
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy is one of {', '.join(STRATEGIES)}, not {strategy!r}")


def _draw(strategy: str, achieved: Sequence[str], pool: Sequence[str], rng: np.random.Generator) -> str:
    if strategy == "random":
        return pool[int(rng.integers(len(pool)))]
    step = rng.integers(len(achieved), size=1)
    return achieved[int(PICKS[strategy](step, len(achieved), rng)[0])]


def _replayed(task: GoalDialogue, episode: Episode) -> list[str] | str:
    """The goal achieved by each turn, or why the episode cannot be relabelled."""
    problem, turns = episode.problem, episode.turns
    if problem is None or episode.goal is None or not turns:
        return "no goal or no turn"
    if len(episode.outcome) != 1:
        return "several roles"
    if any(not outcome.decided for outcome in episode.outcome.values()):
        return "undecided"
    played = list(task.play(problem, [turn.text for turn in turns]))
    seen = [problem.prompt, *(turn.observation for turn in played[:-1])]
    achieved = [task.achieved(problem, turn.state) for turn in played]
    if seen != [turn.observation for turn in turns] or achieved[-1] != episode.goal.achieved:
        return "the task's rules do not lead to what was logged"
    return achieved


def _with_goal(
    task: GoalDialogue, episode: Episode, achieved: Sequence[str], goal: str, encode: Continue
) -> Episode | str:
    """The episode with another goal, or why there is none."""
    old = episode.problem
    assert old is not None  # since it was replayed
    wanted = task.encode([goal])
    if task.compute_reward(task.encode([task.desired(old), task.achieved(old, task.begin(old))]), wanted).any():
        return "the goal was the desired one, or held before the first action"
    rewards = task.compute_reward(task.encode(achieved), wanted)
    end = int(rewards.argmax()) + 1 if rewards.any() else len(rewards)
    problem = task.with_goal(old, goal)
    seen, over = _observations(task, problem, episode.turns[:end])
    if not over:
        return "the dialogue would have gone on"
    turns: list[Turn] = []
    for turn, observation, reward in zip(episode.turns, seen, rewards, strict=False):
        turns.append(replace(turn, observation=observation, reward=float(reward), verdicts=(), step_verdicts=()))
        prompt_ids, action_ids = map(tuple, encode(turns))
        unknown = (math.nan,) * len(action_ids)
        turns[-1] = replace(turns[-1], prompt_ids=prompt_ids, action_ids=action_ids, logprobs=unknown)
    (role,) = episode.outcome
    status = Status.RIGHT if rewards[end - 1] >= 1 else Status.WRONG
    return replace(
        episode,
        id=f"{episode.id}/{goal}",
        group_id=f"{episode.group_id}/{goal}",
        problem=problem,
        goal=Goal(goal, achieved[end - 1]),
        turns=tuple(turns),
        outcome={role: Outcome(float(rewards[end - 1]), status, "hindsight")},
    )


def _observations(task: GoalDialogue, problem: Problem, turns: Sequence[Turn]) -> tuple[list[str], bool]:
    """What is seen before each turn, and whether the last of them ends the dialogue."""
    played = list(task.play(problem, [turn.text for turn in turns]))
    return [problem.prompt, *(turn.observation for turn in played[:-1])], played[-1].verdict is not None
