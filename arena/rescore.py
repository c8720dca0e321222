"""Rescore: judge a log's answers again with today's verifiers, and tell which verdicts changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from palaestra.envs.dialogue import Dialogue
from palaestra.envs.task import Task
from palaestra.episodes import Episode, Turn
from palaestra.verifiers import Verdict, wrong

from .environments import Environments

Faults: TypeAlias = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Change:
    """An answer that is judged otherwise today: another status, or a score that differs."""

    episode_id: str
    turn: int
    text: str
    logged: Verdict
    today: Verdict

    def __str__(self) -> str:
        return (
            f"{self.episode_id}, turn {self.turn}: {self.logged.status} ({self.logged.reason}) is now "
            f"{self.today.status} ({self.today.reason})"
        )


@dataclass(frozen=True, slots=True)
class Rescored:
    """An episode judged again. verdicts: how many of it could be; ``fault``: why they could not."""

    episode: Episode
    verdicts: int
    changes: tuple[Change, ...]
    fault: str = ""


def rescore(episodes: Iterable[Episode]) -> Iterator[Rescored]:
    """Judge each logged answer to its logged problem anew, playing nothing.

    So it tells what a change of the *verifier* does; ``replay`` also proves that the environment asks the same
    problems. An episode whose environment cannot be made, is no task, or logged no problem, is a fault.
    """
    with Environments() as environments:
        for episode in episodes:
            try:
                env = environments.take(episode.env_id, episode.env_kwargs)
                judged = list(_judge(_task(env.unwrapped, episode), episode, _faults(env.unwrapped)))
                environments.give_back(env)
            except (Exception, SystemExit) as error:
                yield Rescored(episode, 0, (), f"{type(error).__name__}: {error}")
                continue
            changes = tuple(change for change in judged if _differs(change.logged, change.today))
            yield Rescored(episode, len(judged), changes)


def _task(env: Any, episode: Episode) -> Any:
    """The task that the episode was of: in a mixture, the seed says which."""
    return env.task_of(episode.seed) if hasattr(env, "task_of") else getattr(env, "task", None)


def _faults(env: Any) -> Faults:
    """Why the environment judges a response wrong by itself, as one that is too long."""
    found: Faults = getattr(env, "fault", lambda response: None)
    return found


def _judge(task: Any, episode: Episode, faults: Faults) -> Iterator[Change]:
    if task is None or episode.problem is None:
        raise LookupError(f"{episode.env_id} is no task with a logged problem, so its answers cannot be judged alone")
    for number, turn in enumerate(episode.turns):
        for logged in _last(turn):
            yield Change(episode.id, number, turn.text, logged, _verdict(task, episode, number, faults))


def _verdict(task: Task, episode: Episode, number: int, faults: Faults) -> Verdict:
    """Today's verdict on a turn: of a dialogue, after the turns before it."""
    assert episode.problem is not None
    texts = [turn.text for turn in episode.turns[: number + 1]]
    if (fault := faults(texts[-1])) is not None:
        return wrong(fault)
    if not isinstance(task, Dialogue):
        return task.verify(episode.problem, texts[-1])
    turns = list(task.play(episode.problem, texts))
    verdict = turns[-1].verdict if len(turns) == len(texts) else None
    return wrong("no verdict in this turn") if verdict is None else verdict


def _last(turn: Turn) -> tuple[Verdict, ...]:
    """The verdict on the turn's whole text; none when it was not judged."""
    return turn.verdicts[-1:]


def _differs(logged: Verdict, today: Verdict) -> bool:
    both_undecided = logged.score != logged.score and today.score != today.score
    return logged.status is not today.status or not (both_undecided or logged.score == today.score)
