"""Conformance kit for TextArena's games: what players, logs and ratings rely on; the rules themselves are theirs."""

from __future__ import annotations

import contextlib
import io
import pickle
import random
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from pettingzoo.test import api_test, seed_test

from palaestra.envs.cheats import HOSTILE, injections
from palaestra.envs.testing import MADE, Report, Row

from .textarena import TextArenaEnv, Unplayable, make

STEPS = 12  # of each game that is played: its players say the same whatever the game is
API_CYCLES = 10
ANSWERS = ("[{k}] [up] [bet]", "[{k} {k}] [call]", "I say [pass]", "[{k}]", "yes")


def check_textarena(id: str, seeds: Sequence[int] = range(2)) -> Report:
    """Try every rule on a game that the installed TextArena lists. One that does not start has a report that says why.

    Raises:
        UnknownEnvironment: TextArena has no such game; the message names the nearest.
        MissingLibrary: TextArena is not installed.
    """
    try:
        make(id)
    except Unplayable as error:
        return Report(id, (Row(MADE, False, str(error)),))
    rows = []
    for name, check in CHECKS.items():
        try:
            rows.append(Row(name, True, check(id, seeds) or ""))
        except Exception as error:
            kind = "" if type(error) is AssertionError else f"{type(error).__name__}: "
            rows.append(Row(name, False, f"{kind}{error}".replace("\n", " ")[:300]))
    return Report(id, tuple(rows))


def _pettingzoo(id: str, seeds: Sequence[int]) -> str:
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of spaces that are neither boxes nor discrete
        api_test(make(id), num_cycles=API_CYCLES)
        seed_test(partial(make, id), num_cycles=API_CYCLES)
    return "api_test, seed_test"


def _instances(id: str, seeds: Sequence[int]) -> None:
    used = make(id)
    for seed in seeds:
        alone = list(_played(make(id), seed))
        _require(alone == list(_played(make(id), seed)), "another instance plays another game of the same seed")
        _require(alone == list(_played(used, seed)), "a used environment plays another game of the same seed")


def _interleaved(id: str, seeds: Sequence[int]) -> None:
    alone = [list(_played(make(id), seed)) for seed in seeds]
    state, legacy = random.getstate(), np.random.get_state()
    try:
        games = [_played(make(id), seed) for seed in seeds]
        logs: list[list[str]] = [[] for _ in seeds]
        for k in range(STEPS + 1):
            for log, game in zip(logs, games, strict=True):
                random.seed(k)
                np.random.seed(k)
                before = random.getstate()
                log += [told for told in (next(game, None),) if told is not None]
                _require(random.getstate() == before, "a step draws from the caller's generator")
    finally:
        random.setstate(state)
        np.random.set_state(legacy)
    _require(logs == alone, "games played at the same time differ from those played alone")


def _snapshots(id: str, seeds: Sequence[int]) -> str:
    """At every step another environment restored there is told the same, and again after the step."""
    largest = 0
    for seed in seeds:
        env, twin = make(id), make(id)
        env.reset(seed=seed)
        for k in range(STEPS):
            data = pickle.dumps(env.snapshot())
            largest = max(largest, len(data))
            twin.restore(pickle.loads(data))  # our own bytes, of a line ago
            _require(_told(env) == _told(twin), "an environment looks otherwise after restore")
            if _over(env):
                break
            env.step(_answer(k))
            twin.step(_answer(k))
            _require(_told(env) == _told(twin), "the step after restore differs")
            twin.reset(seed=seed + 1)
    return f"{largest} bytes at most"


def _hostile(id: str, seeds: Sequence[int]) -> None:
    """Each hostile answer is a player's first: no exception, no code run, a text at the end."""
    env = make(id)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "executed")
        for text in (*HOSTILE.values(), *injections(str(target)).values()):
            env.reset(seed=seeds[0])
            env.step(text)
            _told(env).encode(errors="surrogatepass")
        _require(not target.exists(), "an answer was executed as code")


CHECKS: dict[str, Callable[[str, Sequence[int]], str | None]] = {
    "PettingZoo's tests": _pettingzoo,
    "same seed, another instance": _instances,
    "same seed, interleaved": _interleaved,
    "snapshot and restore, every step": _snapshots,
    "hostile answers do no harm": _hostile,
}


def _played(env: TextArenaEnv, seed: int) -> Iterator[str]:
    """What all players have been told, before each answer and at the end."""
    env.reset(seed=seed)
    yield _told(env)
    for k in range(STEPS):
        if _over(env):
            return
        env.step(_answer(k))
        yield _told(env)


def _answer(k: int) -> str:
    return ANSWERS[k % len(ANSWERS)].format(k=k % 9)


def _over(env: TextArenaEnv) -> bool:
    return any(env.terminations.values()) or any(env.truncations.values())


def _told(env: TextArenaEnv) -> str:
    """All players' texts, rewards and faults, and whose turn it is."""
    told = [str(env.observe(agent)) for agent in env.possible_agents]
    return "\n".join([*told, str(env.rewards), str(env.infos), env.agent_selection])


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)
