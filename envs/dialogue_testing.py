"""Conformance kit for dialogues: the checks of ``testing`` that turns make different."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
import pickle
import warnings
from collections.abc import Callable

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import check_env

from palaestra.verifiers import Status

from .audit import MAX_SECONDS, audit, fastest, levels
from .blind import Blind, some_play
from .cheats import ATTACKS, CHEATS, HOSTILE
from .dialogue import LONGEST, Dialogue, DialogueEnv, State, Turn, reward_of
from .registration import make
from .subject import NotApplicable, Subject
from .task import Problem, sample_problem
from .testing import MAX_SNAPSHOT, _knobs, _require

FEW = 5  # problems a level, where each is played in several ways
CHEAT_PROBLEMS = 150  # a level, on which cheats are tried, each in two ways
COSTLY_PROBLEMS = 30  # the same where turns are costly
HOSTILE_PROBLEMS = 10  # a level, on which attacks are tried
WEAK_GAMES = 120  # a level
SIGMAS = 3.0  # by which the weak player must do better at the lowest level than at the highest

Play = list[tuple[str, Turn]]


def _gymnasium(subject: Subject) -> str:
    task, seeds = subject.task, subject.seeds
    env = task.environment(task)
    if task.id:
        spec = gymnasium.spec(task.id)
        env.spec = dataclasses.replace(spec, kwargs={**spec.kwargs, **_knobs(task)})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env, skip_render_check=not task.id)
    _require(not caught, f"check_env warns: {caught[0].message if caught else ''}")
    env.action_space.seed(0)
    longest = 0
    for seed, level in itertools.product(seeds[:FEW], levels(task)):
        observation, info = env.reset(seed=seed, options={"difficulty": level})
        limit = task.max_turns(info["problem"])
        _require(1 <= limit <= LONGEST, f"{limit} turns: from 1 to {LONGEST} are allowed")
        ended, number = False, 0
        while not ended:
            _require(observation in env.observation_space, "an observation outside of the space")
            observation, reward, ended, truncated, info = env.step(env.action_space.sample())
            number += 1
            _require(not truncated and number <= limit, f"the dialogue goes on after turn {number} of {limit}")
            _require(isinstance(reward, float) and -1.0 <= reward <= 1.0, f"a reward of {reward!r}")
            _require(("verdict" in info) is ended, "a verdict comes with the end, and only then")
        longest = max(longest, number)
    return f"up to {longest} turns"


def _interleaved(subject: Subject) -> None:
    task, seeds = subject.task, subject.seeds
    env, other = task.environment(task), make("palaestra/ChainArith-v0")
    for problem_seed in seeds[:FEW]:
        problem = env.reset(seed=problem_seed)[1]["problem"]
        for action, turn in some_play(task, problem):
            other.reset(seed=problem_seed)
            other.step("\\boxed{1}")
            seen, reward, ended, _, info = env.step(action)
            _require(
                (seen, reward, ended, info.get("verdict"))
                == (turn.observation, reward_of(turn), turn.verdict is not None, turn.verdict),
                f"with another environment in between it answers otherwise for seed {problem_seed}",
            )


def _snapshots(subject: Subject) -> str:
    task, seeds = subject.task, subject.seeds
    env, other = DialogueEnv(task), DialogueEnv(task)
    largest = 0
    for seed, level in itertools.product(seeds[:2], levels(task)):
        problem = env.reset(seed=seed, options={"difficulty": level})[1]["problem"]
        for action, _ in some_play(task, problem):
            data = pickle.dumps(env.snapshot())
            largest = max(largest, len(data))
            for tried in ("", action):
                other.restore(pickle.loads(data))  # our own bytes, of a line ago
                expected = other.step(tried)
                other.restore(pickle.loads(data))
                _require(other.step(tried) == expected, "a step after restore differs from itself")
            _require(env.step(action) == expected, "the step after restore differs")
        for _ in range(2):
            _require(env.reset() == other.reset(), "the problems after restore differ")
        if not env.step("")[2]:
            other.restore(env.snapshot())
            _require(_silent_end(env) == _silent_end(other), "the turns that are left after restore differ")
    _require(largest <= MAX_SNAPSHOT, f"a snapshot of {largest} bytes")
    return f"{largest} bytes at most"


def _silent_end(env: DialogueEnv) -> list[tuple[str, float, bool]]:
    """What an agent hears that says nothing any more."""
    heard = [env.step("")[:3]]
    while not heard[-1][2]:
        heard.append(env.step("")[:3])
    return [(str(seen), reward, ended) for seen, reward, ended in heard]


def _oracle(subject: Subject) -> str:
    task = subject.task
    lengths = []
    for number, problem in enumerate(subject.at_every_level):
        play = _oracle_play(task, problem, number)
        verdict = play[-1][1].verdict
        _require(verdict is not None and verdict.right and verdict.score == 1.0, f"{problem.prompt[:80]!r}: {verdict}")
        lengths.append(len(play))
    return f"in {np.mean(lengths):.1f} turns, {max(lengths)} at most"


def _next(subject: Subject) -> None:
    task, seeds = subject.task, subject.seeds
    rng = np.random.default_rng(0)
    for problem in Subject(task, seeds[:2]).problems:
        actions: list[str] = []
        verdict = None
        while verdict is None:
            actions.append(task.next(problem, actions, rng))
            verdict = list(task.play(problem, actions))[-1].verdict
        _require(verdict.right, f"the oracle that reads its actions again loses: {verdict.reason}")


def _weak(subject: Subject) -> str:
    task = subject.task
    rng = np.random.default_rng(0)
    low, high = task.difficulties[0], task.difficulties[-1]
    if low == high:
        raise NotApplicable("the task has one difficulty")
    rates = []
    for level in (low, high):
        ends = [
            list(task.demonstrate(sample_problem(task, seed, level), rng, weak=True))[-1][1].verdict
            for seed in range(WEAK_GAMES)
        ]
        rates.append(float(np.mean([verdict is not None and verdict.right for verdict in ends])))
    easy, hard = rates
    error = max((easy * (1 - easy) + hard * (1 - hard)) / WEAK_GAMES, 1e-9) ** 0.5
    found = f"{easy:.0%} at level {low}, {hard:.0%} at level {high}"
    _require(easy - hard > SIGMAS * error, f"a weak player is right on {found}")
    return found


def _pure(subject: Subject) -> None:
    task, seeds = subject.task, subject.seeds
    for problem in Subject(task, seeds[:FEW]).problems:
        untouched = copy.deepcopy(problem)
        play = some_play(task, problem)
        states: list[State] = [task.begin(problem), *(turn.state for _, turn in play)]
        _require(list(task.play(untouched, [a for a, _ in play])) == [t for _, t in play], "played again it differs")
        for number in reversed(range(len(play))):
            action, turn = play[number]
            state = states[number]
            saved = json.dumps(state)
            _require(task.take(problem, state, number, action) == turn, "the same action led elsewhere")
            again = task.take(problem, json.loads(saved), number, action)
            _require(json.dumps(state) == saved, "a turn changes the state it was given")
            _require(
                (again.observation, again.verdict, again.reward) == (turn.observation, turn.verdict, turn.reward),
                "a state read back from JSON goes on otherwise",
            )
        _require(problem == untouched, "a turn changes the problem")


def _silence(subject: Subject) -> None:
    task, seeds = subject.task, subject.seeds
    for problem in Subject(task, seeds[:FEW]).problems:
        turns = list(task.play(problem, [""] * LONGEST))
        verdict = turns[-1].verdict
        _require(len(turns) <= task.max_turns(problem), "silence lasts longer than the turns")
        _require(verdict is not None and verdict.status is Status.WRONG, f"silence ends with {verdict}")


def _cheating(subject: Subject) -> str:
    task = subject.task
    count = COSTLY_PROBLEMS if task.costly else CHEAT_PROBLEMS
    found = audit(Blind(task), count, CHEATS).rows
    for row in found:
        _require(not row.fault, f"on {row.policy}: {row.fault}")
        _require(
            row.mean <= row.allowed,
            f"{row.policy[:60]} earns {row.mean:.3f} at difficulty {row.difficulty}, the ceiling is {task.ceiling:.3f}",
        )
    best = max(found, key=lambda row: row.mean)
    winner = best.policy[:40] if best.mean else "every cheat"
    return f"{winner} earns {best.mean:.3f}, the ceiling is {task.ceiling:.3f}"


def _hostility(subject: Subject) -> str:
    task, seeds = subject.task, subject.seeds
    slowest = 0.0
    for opening in (0, 1, -1):
        found = audit(Blind(task, opening), problems=HOSTILE_PROBLEMS, kinds=ATTACKS)
        _require(not found.executed, "an action was executed as code")
        for row in found.rows:
            _require(not row.fault, f"on {row.policy}: {row.fault}")
            if not opening:
                _require(row.mean <= row.allowed, f"{row.policy} earns {row.mean:.3f}")
        slowest = max(slowest, *(row.slowest for row in found.rows))
    for problem in Subject(task, seeds[:1]).problems:
        state = task.begin(problem)
        for text in HOSTILE.values():
            turn, seconds = fastest(task.turn, problem, state, text)
            slowest = max(slowest, seconds)
            _require(len(turn.observation) <= 1 << 14, "an observation that grows with the action")
    _require(slowest <= MAX_SECONDS, f"{slowest:.1f} s for a dialogue of hostile actions")
    return f"slowest dialogue {1000 * slowest:.0f} ms"


def _rewards(subject: Subject) -> None:
    task = subject.task
    for problem in subject.problems:
        play = some_play(task, problem)
        rewards = [reward_of(turn) for _, turn in play]
        _require(all(isinstance(r, float) and -1.0 <= r <= 1.0 for r in rewards), f"rewards of {rewards}")
        verdict, earned = play[-1][1].verdict, sum(rewards)
        end = "won" if verdict is not None and verdict.right else "lost"
        _require((earned > 0.0 or end == "lost") and earned <= 1.0 + 1e-9, f"a dialogue {end} earns {earned}")


CHECKS: dict[str, Callable[[Subject], str | None]] = {
    "gymnasium check_env, no warning": _gymnasium,
    "same seed, interleaved": _interleaved,
    "snapshot and restore": _snapshots,
    "oracle scores 1": _oracle,
    "oracle goes on from actions": _next,
    "difficulty matters to a weak solver": _weak,
    "turns are pure functions": _pure,
    "silence ends, and is wrong": _silence,
    "cheats stay below the ceiling": _cheating,
    "hostile answers get a verdict": _hostility,
    "rewards are finite, in [0, 1]": _rewards,
}


def transcript(task: Dialogue, problem: Problem) -> str:
    """What the oracle and the environment say, the same in every process."""
    return json.dumps([(action, turn.observation) for action, turn in some_play(task, problem)])


def _oracle_play(task: Dialogue, problem: Problem, seed: int = 0) -> Play:
    """Raises OracleMissing where there is none."""
    return list(task.demonstrate(problem, np.random.default_rng(seed)))
