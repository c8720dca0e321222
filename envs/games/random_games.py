"""Random games with everything logged: by them one sees whether two environments are the same."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from palaestra.envs.elsewhere import ask_elsewhere

from .environment import GameEnv
from .game import AnyGame
from .registration import make_game

REFUSED_SHARE = 0.2  # of the answers of ``any_answer``


def random_game(env: GameEnv, seed: int) -> Iterator[tuple[Any, ...]]:
    """A random game of legal actions: what everyone saw before each and what it was, and in the end the look of it.

    Where actions are free text, they are such as the game makes up.
    """
    rng = random.Random(seed)
    env.reset(seed=seed)
    while not any(env.terminations.values()):
        action = some_action(env, rng)
        yield env.agent_selection, *map(env.observe, env.agents), action
        env.step(action)
    yield tuple(env.rewards.values()), look(env)


def whole_game(env: GameEnv, seed: int) -> list[tuple[Any, ...]]:
    """``random_game`` as a list."""
    return list(random_game(env, seed))


def look(env: GameEnv) -> dict[str, Any]:
    """All that one can see of an environment."""
    books = ("agents", "rewards", "_cumulative_rewards", "terminations", "truncations", "infos", "seed")
    told = {name: copy.deepcopy(getattr(env, name)) for name in books}
    texts = [env.observe(agent) for agent in env.possible_agents]
    return {**told, "texts": texts, "selected": env.agent_selection, "snapshot": env.snapshot()}


def any_answer(env: GameEnv, rng: random.Random) -> str | None:
    """A legal action, now and then garbage, None where an agent leaves."""
    if env.terminations[env.agent_selection]:
        return None
    return "" if rng.random() < REFUSED_SHARE else some_action(env, rng)


def some_action(env: GameEnv, rng: random.Random) -> str:
    """A legal action; of a game in free text, one that it makes up."""
    texts: tuple[str, ...] = env.infos[env.agent_selection]["legal_actions"]
    return rng.choice(texts) if texts else _made_up(env.game, env.view(), rng)


def some_move(game: AnyGame, state: Any, rng: random.Random) -> Any:
    """The same, as ``Game.act`` takes it."""
    legal = list(game.legal(state))
    return rng.choice(legal) if legal else game.parse(state, _made_up(game, view_of(game, state), rng))


def view_of(game: AnyGame, state: Any) -> Any:
    """The state as the player whose turn it is may know it."""
    return game.seen(state, game.player(state))


def _made_up(game: AnyGame, view: Any, rng: random.Random) -> str:
    return game.sample(view, np.random.default_rng(rng.getrandbits(63)))


def positions(game: AnyGame, seeds: Iterable[int], last: bool = False) -> Iterator[tuple[Any, random.Random]]:
    """The positions of random games, the terminal one only if ``last``."""
    for seed in seeds:
        rng, env = random.Random(seed), GameEnv(game)
        env.reset(seed=seed)
        state = env.snapshot().state
        while not game.terminal(state):
            yield state, rng
            state = game.act(state, some_move(game, state, rng))
        if last:
            yield state, rng


def same_elsewhere(games: Sequence[AnyGame], seeds: Sequence[int]) -> None:
    """Play registered games in two other processes of other hash seeds.

    Raises:
        AssertionError: some game differs there.
    """
    order = [(type(game).__module__, game.id, _knobs(game)) for game in games]
    try:
        elsewhere = ask_elsewhere("palaestra.envs.games.random_games:played", order, list(seeds))
    except RuntimeError as error:
        raise AssertionError(str(error)) from None
    for there in elsewhere:
        for game, theirs in zip(games, there, strict=True):
            if _fingerprint(game, seeds) != theirs:
                raise AssertionError(f"{game.id} of the same seed differs in another process")


def _fingerprint(game: AnyGame, seeds: Sequence[int]) -> str:
    return repr([whole_game(GameEnv(game), seed) for seed in seeds])


def played(games: Sequence[tuple[str, str, dict[str, Any]]], seeds: Sequence[int]) -> list[str]:
    """What ``same_elsewhere`` compares, of games that are given by module, id and knobs."""
    for module, _, _ in games:
        importlib.import_module(module)
    return [_fingerprint(make_game(id, **knobs).game, seeds) for _, id, knobs in games]


def _knobs(game: AnyGame) -> dict[str, Any]:
    """The game's parameters, where it is a dataclass."""
    if not dataclasses.is_dataclass(game):
        return {}
    return {f.name: getattr(game, f.name) for f in dataclasses.fields(game) if f.init}
