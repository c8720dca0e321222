"""PettingZoo's classic games in text: ``pettingzoo_classic/<name>-v<n>``, made known when such an id is asked for.

Names and versions are PettingZoo's: ``pettingzoo_classic/chess-v6`` is its ``chess_v6``.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from typing import Any, ClassVar, NamedTuple

import numpy as np
from pettingzoo import AECEnv

from palaestra.envs.games.registration import register_game
from palaestra.verifiers.optional import require

from . import pettingzoo_texts
from .pettingzoo_texts import WORDINGS, Said, Wording
from .viewed_game import Unplayable, View, ViewedGame, known_name, whole

NAMESPACE = "pettingzoo_classic"
EXTRA = "pettingzoo-classic"
PACKAGE = "pettingzoo.classic"
MAX_KNOWN = 1 << 9  # positions of which PettingZoo's own environment is kept
SHARED = frozenset({"action_spaces", "observation_spaces", "_env", "game_type", "screen", "clock"})  # never changed
GO_GLOBALS = ("N", "ALL_COORDS", "EMPTY_BOARD", "NEIGHBORS", "DIAGONALS")
LOCK = threading.RLock()  # held while Go's board has its size in global variables


class Position(NamedTuple):
    """game: PettingZoo's module and the parameters. seed: of the reset. history: the actions, by number.

    redeals: after how many actions, for whom and by which seed what is hidden was drawn again.
    """

    game: tuple[str, str]
    seed: int
    history: tuple[int, ...] = ()
    redeals: tuple[tuple[int, int, int], ...] = ()


class Moment(NamedTuple):
    """What is kept of a position; nothing of it changes any more."""

    env: Any
    turn: int
    menu: dict[str, int]
    said: Said
    paid: tuple[float, ...]


@dataclass(frozen=True)
class PettingZooGame(ViewedGame):
    """A classic game of PettingZoo; the players' names and the numbers of actions are its own.

    parameters: of the environment: "board_size=9,komi=5.5".

    Raises:
        Unplayable: the environment does not take the parameters.
    """

    module: ClassVar[str] = ""
    parameters: str = ""

    def __post_init__(self) -> None:
        _first(self._key)

    @property
    def _key(self) -> tuple[str, str]:
        return self.module, self.parameters

    @property
    def _wording(self) -> Wording:
        return WORDINGS[self.module]

    @cached_property
    def _bounds(self) -> tuple[float, float]:
        return self._wording.bounds(_first(self._key))

    @property
    def lowest(self) -> float:
        return self._bounds[0]

    @property
    def highest(self) -> float:
        return self._bounds[1]

    @cached_property
    def players(self) -> tuple[str, ...]:
        return tuple(_first(self._key).possible_agents)

    @cached_property
    def max_length(self) -> int:
        return self._wording.longest(_first(self._key))

    @cached_property
    def rules(self) -> str:
        return pettingzoo_texts.rules(self.module, _first(self._key))

    def initial(self, rng: np.random.Generator) -> Position:
        return Position(self._key, int(rng.integers(1 << 31)))

    def turn(self, position: Position) -> int:
        return _moment(position).turn

    def menu(self, position: Position) -> dict[str, int]:
        return _moment(position).menu

    def over(self, position: Position) -> bool:
        return not _moment(position).menu

    def paid(self, position: Position) -> tuple[float, ...]:
        return _moment(position).paid

    def told(self, position: Position, player: int | None) -> str:
        moment = _moment(position)
        return self._wording.told(moment.env, player, moment.said)

    def act(self, state: Position | View, action: str) -> Position:
        position: Position = whole(state)
        return position._replace(history=(*position.history, _moment(position).menu[action]))

    def resample(self, state: Position | View, player: int, rng: np.random.Generator) -> Position | View:
        """The other players' cards and those to come drawn again; of a round that is open, the other's choice.

        In Hanabi only the cards to come: the player's own hand stays as it is.
        """
        if isinstance(state, View):
            return state
        if self.simultaneous:
            if player == 0 or len(state.history) % 2 == 0:
                return state
            choices = tuple(_moment(state).menu.values())
            return state._replace(history=(*state.history[:-1], choices[int(rng.random() * len(choices))]))
        if self._wording.redeal is None or self.terminal(state):
            return state
        redeal = (len(state.history), player, int(rng.integers(1 << 31)))
        return state._replace(redeals=(*state.redeals, redeal))


def names() -> list[str]:
    """The classic games of the installed PettingZoo, such as "chess-v6"."""
    return [_name(module) for module in WORDINGS if find_spec(f"{PACKAGE}.{module}") is not None]


def load(id: str) -> type[PettingZooGame]:
    """Register the game of ``pettingzoo_classic/<name>-v<n>``.

    Raises:
        UnknownEnvironment: no such game; the message names the nearest.
        MissingLibrary: what it needs is not installed.
    """
    return _game(known_name(id, NAMESPACE, names(), "").replace("-", "_"))


def __getattr__(name: str) -> type[PettingZooGame]:
    """The class of a game, by which pickles and other processes find it."""
    if name not in WORDINGS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _game(name)


@cache
def _game(module: str) -> type[PettingZooGame]:
    _imported(module)
    wording = WORDINGS[module]
    body = {
        "__module__": __name__,
        "__qualname__": module,
        "__doc__": f"PettingZoo's {module}.",
        "module": module,
        "tags": ("games", "pettingzoo"),
        "zero_sum": wording.zero_sum,
        "simultaneous": wording.simultaneous,
        "hidden": wording.simultaneous or wording.redeal is not None,
    }
    cls: type[PettingZooGame] = dataclass(frozen=True)(type(module, (PettingZooGame,), body))
    return register_game(f"{NAMESPACE}/{_name(module)}")(cls)


def _name(module: str) -> str:
    return "-".join(module.rsplit("_", 1))


@cache
def _imported(module: str) -> Any:
    """PettingZoo's module; what its imports print and warn of is not ours to show.

    Raises:
        MissingLibrary: what it needs is not installed.
    """
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for library in ("pygame", *WORDINGS[module].needs):
            require(library, EXTRA)
        return importlib.import_module(f"{PACKAGE}.{module}")


def _made(game: tuple[str, str]) -> Any:
    """PettingZoo's environment, before its first reset."""
    module, parameters = game
    library = _imported(module)
    try:
        given = dict(map(_read, parameters.split(","))) if parameters else {}
        with _own_globals(None), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a space's precision
            return library.raw_env(**given)
    except Exception as error:  # an assertion, a type error or any other
        raise Unplayable(f"PettingZoo does not make {module} with {parameters!r}: {str(error)[:200]}") from error


def _read(text: str) -> tuple[str, int | float | bool | str]:
    name, _, value = text.partition("=")
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return name.strip(), kind(value)
    return name.strip(), {"true": True, "false": False}.get(value.strip().lower(), value.strip())


@cache
def _first(game: tuple[str, str]) -> Any:
    """An environment of the game to be asked for what does not change."""
    env = _made(game)
    with _own_globals(env):
        env.reset(seed=0)
    return env


_known: dict[Position, Moment] = {}


def _moment(position: Position) -> Moment:
    """PettingZoo's environment after the position's history, from that of the position before where it is kept."""
    moment = _known.get(position)
    if moment is None:
        before = _before(position)
        moment = _after(before, _known[before], position) if before in _known else _replayed(position)
        if len(_known) >= MAX_KNOWN:
            _known.clear()
        _known[position] = moment
    return moment


def _before(position: Position) -> Position | None:
    """The position before the last action, if the last thing was an action."""
    redealt = position.redeals and position.redeals[-1][0] == len(position.history)
    return None if redealt or not position.history else position._replace(history=position.history[:-1])


def _after(before: Any, moment: Moment, position: Position) -> Moment:
    env = clone(moment.env)
    return _stepped(position.game, env, moment, position.history[-1])


def _replayed(position: Position) -> Moment:
    game, seed, history, redeals = position
    env = clone(_first(game))
    with _own_globals(env):
        env.reset(seed=seed)
    moment = _noted(game, env, (), (0.0,) * len(env.possible_agents))
    for k in range(len(history) + 1):
        for when, player, draw in redeals:
            redeal = WORDINGS[game[0]].redeal
            if when == k and redeal is not None:
                redeal(env, player, np.random.default_rng(draw))
        if k < len(history):
            moment = _stepped(game, env, moment, history[k])
    return moment


def _stepped(game: tuple[str, str], env: Any, moment: Moment, number: int) -> Moment:
    """After ``env``, in the state of ``moment``, has taken an action."""
    text = next(text for text, one in moment.menu.items() if one == number)
    with _own_globals(env):
        env.step(number)
    rewards = (float(env.rewards[agent]) for agent in env.possible_agents)
    paid = tuple(map(sum, zip(moment.paid, rewards, strict=True)))
    return _noted(game, env, (*moment.said, (moment.turn, text)), paid)


def _noted(game: tuple[str, str], env: Any, said: Said, paid: tuple[float, ...]) -> Moment:
    wording, agent = WORDINGS[game[0]], env.agent_selection
    over = any(env.terminations.values()) or any(env.truncations.values()) or len(said) >= wording.longest(env)
    menu = {} if over else {wording.action(env, number): number for number in _legal(env, agent)}
    return Moment(env, env.possible_agents.index(agent), menu, said, paid)


def _legal(env: Any, agent: str) -> list[int]:
    """The numbers that the action mask leaves; all where there is no mask."""
    observation = env.observe(agent)
    if not isinstance(observation, dict):
        return list(range(int(env.action_space(agent).n)))
    return [int(number) for number in np.flatnonzero(observation["action_mask"])]


def clone(env: Any, known: dict[int, Any] | None = None) -> Any:
    """A copy of one of their environments as it stands: ``copy.deepcopy`` makes it anew, as EzPickle keeps no state."""
    known = {} if known is None else known
    twin = object.__new__(type(env))
    for name, value in vars(env).items():
        if isinstance(value, AECEnv):
            vars(twin)[name] = clone(value, known)
        else:
            vars(twin)[name] = value if name in SHARED else copy.deepcopy(value, known)
    return twin


@contextlib.contextmanager
def _own_globals(env: Any) -> Iterator[None]:
    """Go keeps the size of its board in global variables: give them this game's, then put the others' back."""
    board = importlib.import_module(f"{PACKAGE}.go.go_base")
    with LOCK:
        before = {name: getattr(board, name) for name in GO_GLOBALS}
        size = getattr(env, "_N", None)
        if size is not None and size != board.N:
            vars(board).update(_go_globals(size))
        try:
            yield
        finally:
            vars(board).update(before)


@cache
def _go_globals(size: int) -> dict[str, Any]:
    board = importlib.import_module(f"{PACKAGE}.go.go_base")
    before = {name: getattr(board, name) for name in GO_GLOBALS}
    importlib.import_module(f"{PACKAGE}.go.go").raw_env(board_size=size)
    own = {name: getattr(board, name) for name in GO_GLOBALS}
    vars(board).update(before)
    return own
