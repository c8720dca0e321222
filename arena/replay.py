"""Replay: play a log again, action by action, and name everything that does not come out the same."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from palaestra.envs.games import make_game
from palaestra.envs.task import Problem
from palaestra.episodes import Episode
from palaestra.verifiers import Verdict

from .environments import Environments
from .matches import Table
from .outgrown import OUTGROWN
from .rollout import MAX_TURNS, ROLE, goal_of, outcome_of


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the log says and replaying does not."""

    episode_id: str
    what: str
    logged: str
    replayed: str

    def __str__(self) -> str:
        return f"{self.episode_id}: {self.what} is {self.logged} in the log and {self.replayed} on replay"


def replay(episodes: Iterable[Episode]) -> Iterator[tuple[Episode, list[Difference]]]:
    """Reset each episode's environment with its seed, feed it the logged actions, judge again and compare.

    Yields every episode with its differences: in observations, problems, rewards, verdicts, step verdicts, ends, goals
    and outcomes; of a match also in whose turn it was and what was refused. An environment that cannot be made or that
    raises is a difference too.
    """
    with Environments() as environments, Environments(make_game) as tables:
        for episode in episodes:
            played, compare = (environments, _compare) if ROLE in episode.outcome else (tables, _compare_match)
            try:
                env = played.take(episode.env_id, episode.env_kwargs)
                differences = list(compare(env, episode))
                played.give_back(env)
            except Exception as error:
                broken = f"{type(error).__name__}: {error}"
                differences = [Difference(episode.id, "the environment", "playable", broken)]
            yield episode, differences


def _compare(env: Any, episode: Episode) -> Iterator[Difference]:
    def differ(what: str, logged: Any, replayed: Any) -> Iterator[Difference]:
        if not _same(logged, replayed):
            yield Difference(episode.id, what, _short(logged), _short(replayed))

    observation, info = env.reset(seed=episode.seed, options=dict(episode.reset_options) or None)
    problem = info.get("problem")
    yield from differ("the problem", _plain(episode.problem), _plain(problem))
    terminated = truncated = False
    total, verdict = 0.0, None
    for number, turn in enumerate(episode.turns):
        if terminated or truncated:
            yield Difference(episode.id, f"turn {number}", "played", "after the end")
            return
        yield from differ(f"observation {number}", turn.observation, str(observation))
        observation, reward, terminated, truncated, info = env.step(turn.text)
        verdict = info.get("verdict")
        total += float(reward)
        yield from differ(f"reward {number}", turn.reward, float(reward))
        judged = () if verdict is None else (verdict,)
        yield from differ(f"verdict {number}", _verdicts(turn.verdicts), _verdicts(judged))
        task = getattr(env.unwrapped, "task", None)
        if task is not None and problem is not None:
            steps = tuple(task.steps(problem, turn.text))
            yield from differ(f"step verdicts {number}", _verdicts(turn.step_verdicts), _verdicts(steps))
    cut = len(episode.turns) >= MAX_TURNS or any(OUTGROWN in turn.meta for turn in episode.turns[-1:])
    truncated = truncated or (not terminated and cut)
    yield from differ("terminated", episode.terminated, terminated)
    yield from differ("truncated", episode.truncated, truncated)
    yield from differ("the goal", episode.goal, goal_of(info))
    logged, outcome = episode.outcome[ROLE], outcome_of(total, verdict, truncated)
    yield from differ("the outcome's reward", logged.reward, outcome.reward)
    yield from differ("the outcome's status", logged.status.value, outcome.status.value)
    yield from differ("the outcome's reason", logged.reason, outcome.reason)


def _compare_match(env: Any, episode: Episode) -> Iterator[Difference]:
    def differ(what: str, logged: Any, replayed: Any) -> Iterator[Difference]:
        if not _same(logged, replayed):
            yield Difference(episode.id, what, _short(logged), _short(replayed))

    table, refusals = Table(env, episode.seed), list[str]()
    for number, turn in enumerate(episode.turns):
        if table.over:
            yield Difference(episode.id, f"turn {number}", "played", "after the end")
            return
        yield from differ(f"role {number}", turn.role, table.role)
        yield from differ(f"observation {number}", turn.observation, str(env.observe(table.role)))
        reward, refused = table.answer(turn.text)
        yield from differ(f"reward {number}", turn.reward, reward)
        refusals.append(refused)
    if not table.over and any(OUTGROWN in turn.meta for turn in episode.turns[-1:]):
        table.cut_off()
    for role in table.roles:  # what was forfeit is known when the match is over, which need not be with that answer
        own = [number for number, turn in enumerate(episode.turns) if turn.role == role]
        if forfeit := table.forfeit(role, sum(bool(refusals[number]) for number in own)):
            refusals[own[-1]] = forfeit
    for number, (turn, refused) in enumerate(zip(episode.turns, refusals, strict=True)):
        yield from differ(f"refusal {number}", turn.meta.get("illegal", ""), refused)
    yield from differ("terminated", episode.terminated, table.terminated)
    yield from differ("truncated", episode.truncated, table.truncated)
    for role, outcome in table.outcomes().items():
        logged = episode.outcome[role]
        yield from differ(f"{role}'s reward", logged.reward, outcome.reward)
        yield from differ(f"{role}'s status", logged.status.value, outcome.status.value)
        yield from differ(f"{role}'s reason", logged.reason, outcome.reason)
        last = next((turn for turn in reversed(episode.turns) if turn.role == role), None)
        if last is not None:
            judged = (verdict,) if (verdict := table.verdict(role)) is not None else ()
            yield from differ(f"{role}'s verdict", _verdicts(last.verdicts), _verdicts(judged))


def _verdicts(verdicts: tuple[Verdict, ...]) -> list[tuple[float | None, str, str]]:
    return [(None if math.isnan(v.score) else v.score, v.status.value, v.reason) for v in verdicts]


def _plain(problem: Problem | None) -> Any:
    """As the log holds it: JSON knows lists, not tuples."""
    if problem is None:
        return None
    return [problem.prompt, json.loads(json.dumps(problem.reference)), problem.difficulty]


def _same(logged: Any, replayed: Any) -> bool:
    if isinstance(logged, float) and isinstance(replayed, float) and math.isnan(logged):
        return math.isnan(replayed)
    return bool(logged == replayed)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
