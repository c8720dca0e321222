"""Games by name: registered, and made with their knobs."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import gymnasium

from palaestra.envs.opponents import register_opponents
from palaestra.envs.registration import (
    UnknownEnvironment,
    check_knobs,
    load_adapted,
    load_module,
    load_plugins,
    qualified,
    with_knobs,
)

from .environment import GameEnv
from .game import AnyGame, Game

ENV_KNOBS = frozenset(inspect.signature(GameEnv).parameters) - {"game"}

T = TypeVar("T", bound=type[AnyGame])

_games: dict[str, type[AnyGame]] = {}  # by id


def register_game(id: str) -> Callable[[T], T]:
    """Class decorator: give a game its id, and a Gymnasium id against the random player, which every game has.

    The same qualified name again, as module reload does, replaces the class.

    Raises:
        ValueError: the id belongs to another class, or to an environment that is no game.
        TypeError: the class is no Game, or one that cannot be hashed.
    """

    def decorate(cls: T) -> T:
        if not (isinstance(cls, type) and issubclass(cls, Game)):
            raise TypeError(f"@register_game({id!r}) decorates a subclass of palaestra.envs.games.Game, not {cls!r}")
        if cls.__hash__ is None:
            raise TypeError(f"{qualified(cls)} cannot be hashed, as games are: make it a @dataclass(frozen=True)")
        known = _games.get(id)
        if known is not None and qualified(known) != qualified(cls):
            raise ValueError(f"the id {id!r} belongs to {qualified(known)}: choose another for {qualified(cls)}")
        if known is None and id in gymnasium.registry:
            raise ValueError(f"the id {id!r} belongs to an environment that is no game: choose another")
        cls.id = id
        _games[id] = cls
        register_opponents(id, ("random",), cls.__module__)  # others of ``scripted``'s: ``register_against``
        return cls

    return decorate


def game_class(id: str) -> type[AnyGame]:
    """The class registered as ``id``, looking into plugins when it is not known yet.

    As with ``gymnasium.make``, "module:id" imports the module first.

    Raises:
        UnknownEnvironment: no such module or id; the message names the nearest.
    """
    module, colon, id = id.rpartition(":")
    if colon:
        load_module(module, id)
    if id not in _games and id not in gymnasium.registry:  # what Gymnasium knows is no game
        load_plugins()
        load_adapted(id)
    if id not in _games:
        near = difflib.get_close_matches(id, _games, n=3, cutoff=0.4)
        hint = f"nearest: {', '.join(near)}" if near else f"there are: {', '.join(sorted(_games))}"
        raise UnknownEnvironment(f"no game {id!r} ({hint})")
    return _games[id]


def make_game(id: str, **knobs: Any) -> GameEnv:
    """The environment of a game; ``knobs`` are the environment's and the game's.

    Raises:
        UnknownEnvironment: no such id; the message names the nearest.
        UnknownKnob: the game has no such parameter; the message names the nearest.
        WrongKnob: a parameter is of the wrong kind.
    """
    cls = game_class(id)
    check_knobs(id, knobs, inspect.signature(cls).parameters.keys() | ENV_KNOBS)
    game = with_knobs(cls, {name: value for name, value in knobs.items() if name not in ENV_KNOBS})
    return GameEnv(game, **{name: value for name, value in knobs.items() if name in ENV_KNOBS})


def game_ids() -> list[str]:
    """Every registered id, sorted."""
    return sorted(_games)
