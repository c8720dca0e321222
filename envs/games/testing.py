"""Conformance kit for games: whether rules, table and texts keep what players, logs and ratings rely on."""

from __future__ import annotations

import contextlib
import copy
import io
import pickle
import random
import tempfile
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from pettingzoo.test import api_test, parallel_api_test, seed_test
from pettingzoo.utils import aec_to_parallel, turn_based_aec_to_parallel

from palaestra.envs.cheats import HOSTILE, injections
from palaestra.envs.spaces import UnicodeText
from palaestra.envs.subject import NotApplicable
from palaestra.envs.testing import MAX_SNAPSHOT, Report, Row

from .environment import GameEnv
from .game import MAX_ANSWER_CHARS, AnyGame, BrokenRules
from .hidden_testing import hidden_parts
from .random_games import (
    any_answer,
    look,
    positions,
    random_game,
    same_elsewhere,
    some_action,
    some_move,
    whole_game,
)
from .registration import game_class, make_game
from .text_testing import harmless, made_up, refused

ADVICE = (  # what PettingZoo says of every environment of other spaces than Box and Discrete
    "Observation is not a NumPy array",
    "Observation space for each agent probably should be",
    "Action space for each agent probably should be",
)
GARBAGE = (
    "",
    " ",
    "\\boxed{",
    "\\boxed{}",
    "I resign.",
    "\ud800",
    "9" * 5000,
    "-1",
    "none",
    "\uff50\uff41\uff53\uff53",
    "\\boxed{\\boxed{",
    "{}",
)
API_CYCLES = 50
MOST_MOVES = 10_000  # of legal moves at random: a game that they do not end is taken to have no end


def check_game(id: str, seeds: Sequence[int] = range(5), **knobs: Any) -> Report:
    """Try every rule on a registered game with these knobs, the user's own included.

    A check that raises has failed, with the error as its detail.
    """
    game = make_game(id, **knobs).game
    try:
        endless = _endless(game, seeds)
    except BrokenRules as fault:
        return Report(id, (Row("every turn has a player and actions", False, str(fault)),))
    if endless is not None:  # the other rules are tried on whole games
        return Report(id, (Row("games end", False, endless),))
    rows = []
    for name, check in CHECKS.items():
        try:
            rows.append(Row(name, True, check(game, list(seeds)) or ""))
        except NotApplicable as reason:
            rows.append(Row(name, None, str(reason)))
        except (Exception, SystemExit) as error:
            kind = "" if type(error) is AssertionError else f"{type(error).__name__}: "
            rows.append(Row(name, False, f"{kind}{error}".replace("\n", " ")[:300]))
    return Report(id, tuple(rows))


def _endless(game: AnyGame, seeds: Sequence[int]) -> str | None:
    """What is amiss where games that are played at random have no end; other errors are for the other rules to meet.

    Raises:
        BrokenRules: a turn is nobody's, or nothing can be done in it.
    """
    try:
        for seed in seeds:
            env, rng = GameEnv(game), random.Random(seed)
            env.reset(seed=seed)
            moves = 0
            while not any(env.terminations.values()):
                if moves == MOST_MOVES:
                    return f"{moves:,} legal moves did not end the game of seed {seed}: let terminal be true at last"
                env.step(some_action(env, rng))
                moves += 1
    except BrokenRules:
        raise
    except (Exception, SystemExit):
        return None
    return None


def _pettingzoo(game: AnyGame, seeds: list[int]) -> str:
    tried = ["api_test", "seed_test", "parallel_api_test"]
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("always")
        for make in (GameEnv, _legal_env):  # random texts forfeit soon, legal actions play to the end
            api_test(make(game), num_cycles=API_CYCLES)
            seed_test(partial(make, game), num_cycles=API_CYCLES)
            parallel_api_test(turn_based_aec_to_parallel(make(game)), num_cycles=API_CYCLES)
            if game.simultaneous:
                parallel_api_test(aec_to_parallel(make(game, illegal_retries=0)), num_cycles=API_CYCLES)
    if game.simultaneous:
        tried.append("aec_to_parallel")
    others = [str(w.message) for w in caught if not str(w.message).startswith(ADVICE)]
    _require(not others, f"PettingZoo warns: {others[:1]}")
    return ", ".join(tried)


def _declared(game: AnyGame, seeds: list[int]) -> str:
    _require(game.tags[:1] == ("games",), f"the first tag is 'games', not {game.tags[:1]}")
    _require(len(set(game.players)) == len(game.players) >= 2, "players are two or more, each of another name")
    _require(not (game.simultaneous and not game.form), "players who choose at once have no free text")
    _require(game.lowest < game.highest, f"returns from {game.lowest} to {game.highest}")
    return f"{len(game.players)} players, returns from {game.lowest:g} to {game.highest:g}"


def _instances(game: AnyGame, seeds: list[int]) -> None:
    first = [whole_game(GameEnv(game), seed) for seed in seeds]
    again = [whole_game(GameEnv(copy.deepcopy(game)), seed) for seed in reversed(seeds)]
    _require(first == again[::-1], "another instance plays another game of the same seed")
    env = GameEnv(game)
    _require(
        [whole_game(env, seed) for seed in seeds] == first, "a used environment plays another game of the same seed"
    )


def _interleaved(game: AnyGame, seeds: list[int]) -> None:
    alone = [whole_game(GameEnv(game), seed) for seed in seeds]
    state, legacy = random.getstate(), np.random.get_state()
    try:
        envs = [GameEnv(game) for _ in seeds]
        games = [random_game(env, seed) for env, seed in zip(envs, seeds, strict=True)]
        logs: list[list[Any]] = [[] for _ in seeds]
        running = True
        while running:  # a move of each in turn
            running = False
            for k, moves in enumerate(games):
                random.seed(k)
                np.random.seed(k)
                event = next(moves, None)
                if event is not None:
                    logs[k].append(event)
                    running = True
    finally:
        random.setstate(state)
        np.random.set_state(legacy)
    _require(logs == alone, "games played at the same time differ from those played alone")


def _processes(game: AnyGame, seeds: list[int]) -> str:
    cls = type(game)
    if game_class(game.id) is not cls or cls.__module__ == "__main__" or "<locals>" in cls.__qualname__:
        raise NotApplicable("the class cannot be imported by another process")
    same_elsewhere([game], seeds)
    return "2 processes, 2 hash seeds"


def _stream(game: AnyGame, seeds: list[int]) -> None:
    first, second = GameEnv(game), GameEnv(game)
    for env in (first, second):
        env.reset(seed=seeds[0])
    following = []
    for _ in range(5):
        first.reset()
        second.reset()
        _require(look(first) == look(second), "reset() after the same seed deals other games")
        following.append(first.seed)
    _require(len(set(following)) == 5, "reset() deals the same game again")


def _snapshots(game: AnyGame, seeds: list[int]) -> str:
    """At every step of a game with refused answers: another environment restored there sees and plays the same."""
    largest = 0
    for seed in seeds:
        env, twin = GameEnv(game), GameEnv(game)
        rng = random.Random(seed)
        env.reset(seed=seed)
        while env.agents:
            data = pickle.dumps(env.snapshot())
            largest = max(largest, len(data))
            twin.restore(pickle.loads(data))  # our own bytes, of a line ago
            _require(look(env) == look(twin), "an environment looks otherwise after restore")
            action = any_answer(env, rng)
            env.step(action)
            twin.step(action)
            _require(look(env) == look(twin), "the step after restore differs")
            twin.reset(seed=seed + 1)
        twin.restore(env.snapshot())
        env.reset()
        twin.reset()
        _require(look(env) == look(twin), "the game after restore differs")
    _require(largest <= MAX_SNAPSHOT, f"a snapshot of {largest} bytes")
    return f"{largest} bytes at most"


def _legal(game: AnyGame, seeds: list[int]) -> str:
    count = 0
    for state, rng in positions(game, seeds):
        seat = game.player(state)
        _require(isinstance(seat, (int, np.integer)), f"player gives {seat!r}, which is no integer")
        legal = list(game.legal(state))
        if not legal:
            count += made_up(game, state, rng)
            continue
        texts = [game.action_text(action) for action in legal]
        _require(len(set(texts)) == len(texts) == len(set(legal)), "two legal actions read the same")
        for action, text in zip(legal, texts, strict=True):
            for form in (text, f"So I choose \\boxed{{{text}}}.", f"\\boxed{{{text.upper()}}}"):
                _require(game.parse(state, form) == action, f"the legal action {text!r} is refused as {form!r}")
            game.act(state, action)
        if len(texts) > 1:
            pair = f"{texts[0]} or {texts[1]}"
            refused(game, state, pair)
            refused(game, state, f"\\boxed{{{pair}}}")
        refused(game, state, f"I choose {texts[0]}")
        count += len(legal)
    return f"{count} legal actions"


def _refuses(game: AnyGame, seeds: list[int]) -> str:
    """Where actions are free text, garbage may be one: then it must do no harm."""
    taken = 0
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "executed")
        hostile = [*HOSTILE.values(), *injections(str(target)).values()]
        for state, _ in positions(game, seeds[:2]):
            free = not game.legal(state)
            everything = game.show(state).split("\n")  # what a player may not know, said by chance
            for text in (*GARBAGE, *hostile, *everything) if free else GARBAGE:
                if not (free and text.strip()):
                    refused(game, state, text)
                else:
                    taken += harmless(game, state, text)
        _require(not target.exists(), "an answer was executed as code")
    return f"{taken} taken as free text" if taken else ""


def _forfeits(game: AnyGame, seeds: list[int]) -> None:
    for retries in (0, 2):
        env = GameEnv(game, illegal_retries=retries)
        env.reset(seed=seeds[0])
        loser = env.agent_selection
        for k in range(retries + 1):
            _require(env.agent_selection == loser and not any(env.terminations.values()), "a forfeit comes too early")
            env.step("")
            told = env.infos[loser].get("illegal", "")
            _require(k == retries or (bool(told) and told in env.observe(loser)), "the reason is not told")
        while not any(env.terminations.values()):
            env.step(some_action(env, random.Random(0)))
        _require(env.rewards[loser] == game.lowest, f"who forfeits gets {env.rewards[loser]}, not {game.lowest}")
        _require(env.infos[loser]["verdict"].score == 0.0, "the verdict of a forfeit is not 0")
        _require(env.infos[loser]["illegal_actions"] == retries + 1, "illegal actions are miscounted")


def _ends(game: AnyGame, seeds: list[int]) -> str:
    lengths = []
    for seed in range(10 * len(seeds)):
        env = GameEnv(game)
        log = whole_game(env, seed)
        lengths.append(len(log) - 1)
        returns = log[-1][0]
        _require(len(log) - 1 <= game.max_length, f"a game of {len(log) - 1} actions, max_length is {game.max_length}")
        for value in returns:
            _require(isinstance(value, float), f"a return of {value!r}")
            _require(game.lowest <= value <= game.highest, f"a return of {value}")
        _require(not game.zero_sum or abs(sum(returns)) < 1e-9, f"returns of a zero-sum game are {returns}")
    return f"{min(lengths)} to {max(lengths)} actions, max_length {game.max_length}"


def _pure(game: AnyGame, seeds: list[int]) -> None:
    for state, rng in positions(game, seeds):
        before = pickle.dumps(state)
        action = some_move(game, state, rng)
        after = game.act(state, action)
        _require(pickle.dumps(state) == before, "an action changes the state it is taken in")
        _require(hash(after) == hash(game.act(pickle.loads(before), action)), "the same action gives another state")
        _require(game.act(state, action) == after != state, "an action changes nothing")


def _bad_input(game: AnyGame, seeds: list[int]) -> None:
    env = GameEnv(game)
    _raises(gymnasium.error.ResetNeeded, lambda: env.step("1"), "step before reset")
    _raises(gymnasium.error.ResetNeeded, lambda: env.observe(game.players[0]), "observe before reset")
    wrong: Any
    for wrong in (-1, 1.5, "1"):
        _raises(ValueError, partial(env.reset, seed=wrong), f"a seed of {wrong!r}")
    env.reset(seed=0)
    for wrong in (None, 1, b"1"):
        _raises(TypeError, partial(env.step, wrong), f"an action of {wrong!r}")
    _raises(ValueError, lambda: env.observe("nobody"), "an unknown agent")
    foreign = env.snapshot()._replace(family="another game")
    _raises(ValueError, lambda: env.restore(foreign), "another environment's snapshot")
    wrong = None
    _raises(ValueError, lambda: env.restore(wrong), "no snapshot")
    while not any(env.terminations.values()):
        env.step(some_action(env, random.Random(0)))
    _raises(ValueError, lambda: env.step("1"), "an action after the end")
    while env.agents:
        env.step(None)
    _raises(gymnasium.error.ResetNeeded, lambda: env.step(None), "step after all have left")


CHECKS: dict[str, Callable[[AnyGame, list[int]], str | None]] = {
    "declarations": _declared,
    "PettingZoo's tests, no warning": _pettingzoo,
    "same seed, another instance": _instances,
    "same seed, interleaved": _interleaved,
    "same seed, other processes": _processes,
    "reset() goes on with the stream": _stream,
    "snapshot and restore, every step": _snapshots,
    "legal actions are accepted, in one way": _legal,
    "garbage is refused with a reason": _refuses,
    "illegal answers forfeit as declared": _forfeits,
    "games end, returns in range": _ends,
    "hidden parts do not show": hidden_parts,
    "states are immutable": _pure,
    "bad input": _bad_input,
}


class LegalTexts(UnicodeText):
    """An action space that samples the legal actions of whose turn it is."""

    env: GameEnv

    def sample(self, mask: None = None, probability: None = None) -> str:
        env = self.env
        if not env.agents or env.terminations[env.agent_selection]:
            return ""
        return some_action(env, random.Random(int(self.np_random.integers(1 << 62))))


def _legal_env(game: AnyGame, **knobs: Any) -> GameEnv:
    env = GameEnv(game, render_mode="ansi", **knobs)
    for agent in env.possible_agents:
        env.action_spaces[agent] = space = LegalTexts(MAX_ANSWER_CHARS)
        space.env = env
    return env


def _raises(kind: type[Exception], call: Callable[[], Any], what: str) -> None:
    try:
        call()
    except kind as error:
        _require(bool(str(error)), f"{what} raises {kind.__name__} without a message")
    except Exception as error:
        raise AssertionError(f"{what} raises {type(error).__name__}, not {kind.__name__}") from error
    else:
        raise AssertionError(f"{what} is accepted")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)
