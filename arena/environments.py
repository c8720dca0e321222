"""Environments between episodes: made once, used again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from palaestra.envs.registration import UnknownKnob, WrongKnob, make_any
from palaestra.envs.task import Task


def levels(env_id: str, env_kwargs: Mapping[str, Any]) -> range:
    """The difficulties that an environment can be reset at; level 1 alone where it knows none.

    Raises:
        UnknownEnvironment, UnknownKnob: with the nearest name. WrongKnob: a knob of the wrong kind.
        ValueError: it does not keep problems for evaluation apart from those for training; or the arguments say a
            split or a difficulty, which each episode is asked for on its own.
    """
    if "split" in env_kwargs:
        raise ValueError(f"split is no knob of {env_id} here: agents learn from train and are measured on test")
    try:
        env = make_any(env_id, **{"split": "train", **env_kwargs})
    except (UnknownKnob, WrongKnob):
        raise
    except TypeError as error:
        if "split" not in str(error):
            raise
        raise ValueError(f"{env_id} takes no split, so nothing of it is held out from training") from error
    known: range | None = getattr(env.unwrapped, "difficulties", None)
    env.close()
    if known is not None and "difficulty" in env_kwargs:
        asked = "--difficulties, collect --difficulty, or a recipe's difficulties"
        raise ValueError(f"difficulty is no knob of {env_id} here: levels are asked by {asked}")
    return known or range(1, 2)


def cannot(env_id: str, env_kwargs: Mapping[str, Any], what: str) -> bool:
    """Whether an environment is of one task, which leaves what is optional in it (``steps``, ``invert``) as it is."""
    env = make_any(env_id, **{"split": "train", **env_kwargs})
    task = getattr(env.unwrapped, "task", None)
    env.close()
    return isinstance(task, Task) and getattr(type(task), what) is getattr(Task, what)


class Asked(Protocol):
    """What agents are asked in: a course's environment, or a game."""

    @property
    def env_id(self) -> str: ...

    @property
    def env_kwargs(self) -> Mapping[str, Any]: ...


def labels(asked: Sequence[Asked]) -> list[str]:
    """What each is called: its environment, with the knobs where it is there with several.

    Raises:
        ValueError: one is there twice.
    """
    several = Counter(one.env_id for one in asked)
    titles = [one.env_id + (f" {json.dumps(dict(one.env_kwargs))}" if several[one.env_id] > 1 else "") for one in asked]
    if len(set(titles)) < len(titles):
        raise ValueError(f"{max(titles, key=titles.count)} is there twice: name each environment once")
    return titles


class Environments:
    """Those that no episode is using, kept by what they were made from; a context manager that closes them.

    Making one takes longer than playing a short episode in it, so whoever plays round after round keeps one of these.
    """

    def __init__(self, make: Callable[..., Any] | None = None) -> None:
        """make: of an id and arguments; ``make_any`` unless given, ``make_game`` for the tables of games."""
        self._make = make
        self._idle: dict[str, list[Any]] = {}
        self._lent: WeakKeyDictionary[Any, str] = WeakKeyDictionary()

    def take(self, env_id: str, env_kwargs: Mapping[str, Any]) -> Any:
        """One that is idle, else a new one; it is the caller's until it is given back."""
        key = f"{env_id} {sorted(env_kwargs.items())!r}"
        idle = self._idle.setdefault(key, [])
        env = idle.pop() if idle else (self._make or make_any)(env_id, **env_kwargs)
        self._lent[env] = key
        return env

    def give_back(self, env: Any) -> None:
        """Keep one that was taken here for whoever asks for the same id and arguments next."""
        self._idle[self._lent.pop(env)].append(env)

    def task(self, env_id: str, env_kwargs: Mapping[str, Any], seed: int) -> Any:
        """What a seed's episode is of: a ``Task`` or a ``Dialogue``. In a mixture, the seed says of which family."""
        env = self._any(env_id, env_kwargs)
        return env.task_of(seed) if hasattr(env, "task_of") else env.task

    def family(self, env_id: str, env_kwargs: Mapping[str, Any], seed: int) -> str:
        """The family that a seed's episode is of, in a mixture; "" elsewhere."""
        env = self._any(env_id, env_kwargs)
        return env.family_of(seed) if hasattr(env, "family_of") else ""

    def _any(self, env_id: str, env_kwargs: Mapping[str, Any]) -> Any:
        env = self.take(env_id, env_kwargs)
        self.give_back(env)
        return env.unwrapped

    def close(self) -> None:
        """Close all that are idle."""
        while self._idle:
            for env in self._idle.popitem()[1]:
                env.close()

    def __enter__(self) -> Environments:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
