"""Sessions: each client plays episodes of an environment of its own, and asks and is told in plain data."""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias

import gymnasium

from palaestra.envs.spaces import UnicodeText

MAX_SESSIONS = 64
IDLE_SECONDS = 1800.0
MAX_SEED = (1 << 63) - 1
MAX_NAME_CHARS = 255  # of an episode's id, which the client may choose
TOLD = ("difficulty", "family", "legal_actions", "seat", "seed")  # of info: the rest may hold the answer

Data: TypeAlias = dict[str, Any]
TextEnv: TypeAlias = gymnasium.Env[str, str]


class Refused(Exception):
    """A request that is not granted: the HTTP status, OpenEnv's code for it, and one line that says why."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Session:
    """One client's environment and the episode under way.

    What is told of an episode: observations, rewards, and of ``info`` the fields in ``TOLD`` and the verdict's status.
    Neither the problem's reference nor the verdict's reason, which may quote it, leaves this process.
    """

    def __init__(self, env: TextEnv, held: bool = False) -> None:
        self.id = uuid.uuid4().hex
        self.env = env
        self.held = held  # by a connection, which is its only user
        self.lock = threading.Lock()
        self.used = time.monotonic()
        self.over: bool | None = None  # None before the first reset
        self._episode: str | None = None
        self._steps = 0
        self._told: Data = {}

    def reset(self, asked: Mapping[str, Any]) -> Data:
        """Begin an episode; ``asked`` may hold seed, difficulty and episode_id. Raises Refused."""
        _only(asked, "reset", "seed", "difficulty", "episode_id")
        seed, difficulty, episode = (asked.get(name) for name in ("seed", "difficulty", "episode_id"))
        if seed is not None and (type(seed) is not int or not 0 <= seed <= MAX_SEED):
            raise _invalid(f"seed is an integer from 0 to 2**63 - 1, not {_short(seed)}")
        if difficulty is not None and type(difficulty) is not int:
            raise _invalid(f"difficulty is an integer, not {_short(difficulty)}")
        if episode is not None and not (isinstance(episode, str) and len(episode) <= MAX_NAME_CHARS):
            raise _invalid(f"episode_id is a string of at most {MAX_NAME_CHARS} characters")
        with self.lock:
            self.used = time.monotonic()
            try:
                observation, info = self.env.reset(
                    seed=seed, options=None if difficulty is None else {"difficulty": difficulty}
                )
            except ValueError as error:  # such as a difficulty that the task does not have
                raise _invalid(" ".join(str(error).split())) from error
            self._episode, self._steps, self.over = episode or uuid.uuid4().hex, 0, False
            return self._tell(observation, None, info)

    def step(self, action: Mapping[str, Any]) -> Data:
        """Take one action, ``{"text": ...}``. Raises Refused."""
        _only(action, "an action", "text", "metadata")
        text = action.get("text")
        if not isinstance(text, str):
            raise _invalid(f'an action is {{"text": "..."}}, with a string, not {_short(text)}')
        with self.lock:
            self.used = time.monotonic()
            if self.over is not False:
                why = "no episode has begun" if self.over is None else "the episode has ended"
                raise Refused(HTTPStatus.CONFLICT, "EXECUTION_ERROR", f"{why}: reset before the next step")
            observation, reward, terminated, truncated, info = self.env.step(text)
            self.over, self._steps = bool(terminated or truncated), self._steps + 1
            self.used = time.monotonic()
            return self._tell(observation, float(reward), info)

    def state(self) -> Data:
        """Where the episode stands."""
        with self.lock:
            self.used = time.monotonic()
            told = {name: value for name, value in self._told.items() if name != "legal_actions"}
            return {"episode_id": self._episode, "step_count": self._steps, "done": bool(self.over), **told}

    def close(self) -> None:
        with self.lock:
            self.env.close()

    def _tell(self, observation: str, reward: float | None, info: Mapping[str, Any]) -> Data:
        self._told = {name: info[name] for name in TOLD if _plain(info.get(name))}
        if "verdict" in info:
            self._told["verdict"] = str(info["verdict"].status)
            if math.isnan(info["verdict"].score):
                reward = None  # the verifier failed, not the answer
        metadata = {"session_id": self.id, **self._told}
        seen = {"text": str(observation), "metadata": metadata}
        return {"observation": seen, "reward": reward, "done": bool(self.over), "metadata": metadata}


class Sessions:
    """The sessions that are open, at most ``limit``; who asks for nothing for ``idle`` seconds loses his.

    make: the environment of a new session.
    """

    def __init__(self, make: Callable[[], TextEnv], limit: int = MAX_SESSIONS, idle: float = IDLE_SECONDS) -> None:
        if limit < 1:
            raise ValueError(f"there is room for one session or more, not {limit}")
        if not 0 < idle < math.inf:
            raise ValueError(f"a session may be idle for a number of seconds above 0, not {idle}")
        self.limit = limit
        self.idle = idle
        self._make = make
        self._open: dict[str, Session] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._open)

    def open(self, held: bool = False) -> Session:
        """A new session. Where there is no room, one whose episode has ended makes room; else raises Refused."""
        with self._lock:
            leaving = self._expired()
            if len(self._open) >= self.limit:
                ended = (one for one in self._open.values() if one.over and not one.held and not one.lock.locked())
                oldest = min(ended, key=lambda one: one.used, default=None)
                if oldest is None:
                    message = f"all {self.limit} sessions are in use: close one, or try again later"
                    raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "CAPACITY_REACHED", message)
                leaving.append(self._open.pop(oldest.id))
            session = Session(self._make(), held)
            self._open[session.id] = session
        for one in leaving:
            one.close()
        return session

    def find(self, id: object) -> Session:
        """The session of an id. Raises Refused."""
        if not isinstance(id, str):
            raise _invalid("name the session: session_id, as /reset gives it in metadata")
        with self._lock:
            leaving = self._expired()
            session = self._open.get(id)
        for one in leaving:
            one.close()
        if session is None:
            message = f"no session {_short(id)}: it was closed, has expired or never was; reset without session_id"
            raise Refused(HTTPStatus.NOT_FOUND, "SESSION_ERROR", message)
        return session

    def close(self, id: str) -> None:
        """End a session, if it is still open."""
        with self._lock:
            session = self._open.pop(id, None)
        if session is not None:
            session.close()

    def close_all(self) -> None:
        """End every session but those in the middle of a step."""
        with self._lock:
            idle = [self._open.pop(one.id) for one in list(self._open.values()) if not one.lock.locked()]
        for one in idle:
            one.close()

    def _expired(self) -> list[Session]:
        """Take out those that have been idle for too long."""
        latest = time.monotonic() - self.idle
        old = [one.id for one in self._open.values() if one.used < latest and not one.lock.locked()]
        return [self._open.pop(id) for id in old]


def check_text(env: TextEnv) -> TextEnv:
    """The environment, if observations and actions are texts.

    Raises:
        ValueError: they are not.
    """
    for space in (env.observation_space, env.action_space):
        if not isinstance(space, (UnicodeText, gymnasium.spaces.Text)):
            name = env.spec.id if env.spec else env
            raise ValueError(f"{name} does not speak text ({space}): only environments of text can be served")
    return env


def _only(given: Mapping[str, Any], what: str, *known: str) -> None:
    unknown = sorted(given.keys() - set(known))
    if unknown:
        raise _invalid(f"{what} has no field {_short(unknown[0])}: it knows {', '.join(known)}")


def _invalid(message: str) -> Refused:
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "VALIDATION_ERROR", message)


def _plain(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, (str, int))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
