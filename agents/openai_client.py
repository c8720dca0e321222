"""A client of OpenAI-compatible servers: bounded concurrency, a pace, and attempts again where they may help."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

from .engine import EngineError
from .http_exchange import Address, Json, Refused, ServerFault, Stop, exchange

Item = TypeVar("Item")
Answer = TypeVar("Answer")

FIRST_WAIT = 0.5  # seconds; the range that a wait is drawn from doubles with each attempt
LONGEST_WAIT = 30.0
LONGEST_WORDS = 500  # characters of a server's message that are shown


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Which server, and how it is treated. The key is no part of it: settings are printed and logged.

    url: such as "http://localhost:8000/v1". model: "" for the only one that it serves.
    concurrency: requests under way at once. requests_per_second: evenly spaced, attempts included; 0 for no limit.
    attempts: of one request. timeout: seconds that a stream may be silent. deadline: seconds for one request, all its
    attempts and waits included.
    stream: lets a stuck server be told from a slow one; without it only the deadline does.
    """

    url: str
    model: str = ""
    concurrency: int = 32
    requests_per_second: float = 0.0
    attempts: int = 6
    timeout: float = 120.0
    deadline: float = 600.0
    stream: bool = True

    def __post_init__(self) -> None:
        Address.of(self.url)
        if min(self.concurrency, self.attempts) < 1 or min(self.timeout, self.deadline) <= 0:
            raise ValueError(f"concurrency and attempts are 1 or more, timeout and deadline above 0: {self}")
        if self.requests_per_second < 0:
            raise ValueError(f"requests_per_second is 0 (no limit) or more: {self}")


class OpenAIClient:
    """Asks a server. Threads may share it.

    model: the name that requests give, found at the server when the settings leave it open.
    api_key: OPENAI_API_KEY of the environment without it; it goes into the request's header and nowhere else.
    sleep: waits between attempts; rng: draws how long.
    """

    def __init__(
        self,
        settings: ServerSettings,
        api_key: str | None = None,
        sleep: Callable[[float], None] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        """Raises EngineError when the model is to be found and the server does not answer, or serves another number."""
        self.settings = settings
        self.address = Address.of(settings.url)
        self._key = (os.environ.get("OPENAI_API_KEY", "") if api_key is None else api_key).strip()
        if not (self._key.isascii() and self._key.isprintable()):
            raise EngineError("the API key holds characters that no key has: copy it again")
        self._headers = {"Content-Type": "application/json", "User-Agent": "palaestra"}
        if self._key:
            self._headers["Authorization"] = f"Bearer {self._key}"
        self._sleep = sleep
        self._rng = rng or random.Random()
        self._pace = Pace(settings.requests_per_second)
        self.model = settings.model or self._only_model()

    def __repr__(self) -> str:
        return f"OpenAIClient({self.settings})"

    def map(self, ask: Callable[[Item, Stop], Answer], items: Sequence[Item]) -> list[Answer]:
        """``ask`` each item, as many at once as the settings allow; answers in order. The first error ends all."""
        stop = Stop()
        pool = ThreadPoolExecutor(min(self.settings.concurrency, max(len(items), 1)), thread_name_prefix="openai")
        try:
            futures = [pool.submit(ask, item, stop) for item in items]
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            return [future.result() for future in futures]
        finally:  # an interrupt ends up here too
            stop.set()
            pool.shutdown(cancel_futures=True)

    def ask(
        self, path: str, body: Json | None, read: Callable[[list[Json]], Answer], stop: Stop | None = None
    ) -> Answer:
        """What ``read`` makes of the server's answer to ``body``.

        A fault that may pass (no connection, silence, 429, 5xx, an answer that breaks off or that ``read`` raises
        ServerFault at) is tried again after a random wait of up to ``FIRST_WAIT`` x 2^n seconds ("full jitter", AWS
        Architecture Blog, 2015), and not before the server's Retry-After.

        Raises:
            Refused: the server says no, and why.
            EngineError: attempts or time are used up; the message names the last cause.
        """
        stop = stop if stop is not None else Stop()
        wait_for = self._sleep or stop.wait
        wait_for(self._pace.reserve(time.monotonic()))
        started = time.monotonic()
        deadline = started + self.settings.deadline
        for attempt in range(1, self.settings.attempts + 1):
            try:
                events = exchange(self.address, path, body, self._headers, self.settings.timeout, deadline, stop)
                return read(events)
            except Refused as error:
                raise type(error)(error.status, self._told(path, str(error))) from None
            except ServerFault as error:
                fault = error
            now = time.monotonic()
            pause = fault.wait + self._rng.uniform(0, min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT))
            if stop.is_set() or attempt == self.settings.attempts or now + pause >= deadline:
                break
            wait_for(pause)
            wait_for(self._pace.reserve(time.monotonic()))
        cause = "no whole answer before the deadline" if now >= deadline else str(fault)
        asked = f" (it asks to wait {fault.wait:.0f} s)" if now + fault.wait >= deadline else ""
        given = f"no answer in {attempt} attempts and {now - started:.0f} s, the last time: {cause}{asked}"
        raise EngineError(self._told(path, given))

    def _told(self, path: str, what: str) -> str:
        """A message for people: where, what, and no key, which some servers repeat; cut when the key is out."""
        what = what.replace(self._key, "***") if self._key else what
        return f"{self.address}{path}: {what if len(what) <= LONGEST_WORDS else what[:LONGEST_WORDS] + '...'}"

    def _only_model(self) -> str:
        """The name of the one model that the server has."""
        names = self.ask("/models", None, _model_names)
        if len(names) != 1:
            named = f": {', '.join(names[:20])}" if names else ""
            raise EngineError(f"{self.address} serves {len(names)} models, name one{named}")
        return names[0]


class Pace:
    """Evenly spaced turns: a token bucket that holds one token."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._next = 0.0
        self._lock = Lock()

    def reserve(self, now: float) -> float:
        """Seconds to wait from ``now`` for the next free turn, which is the caller's."""
        with self._lock:
            turn = max(self._next, now)
            self._next = turn + self._gap
            return turn - now


def _model_names(events: list[Json]) -> list[str]:
    try:
        return [str(model["id"]) for model in events[0]["data"]]
    except (KeyError, TypeError):
        raise ServerFault("the answer is not a list of models") from None
