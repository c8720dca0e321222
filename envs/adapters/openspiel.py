"""OpenSpiel's games in text: ``open_spiel/<name>-v0``, made known when such an id is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import blake2b
from typing import Any, ClassVar, NamedTuple

import numpy as np

from palaestra.envs.games.game import Unresampled
from palaestra.envs.games.registration import register_game
from palaestra.verifiers.optional import require

from .viewed_game import Unplayable, View, ViewedGame, known_name, whole

NAMESPACE = "open_spiel"
MAX_KNOWN = 1 << 12  # positions of which OpenSpiel's own state is kept
RESAMPLES = 100  # other chances tried for one that a player cannot tell from what fell
EXAMPLES = 5
PLAIN = str.maketrans({"{": "(", "}": ")", "\\": "/"})


class Position(NamedTuple):
    """game: OpenSpiel's string. chance: seed of all that chance decides. history: actions, those of chance included."""

    game: str
    chance: int
    history: tuple[int, ...]


@dataclass(frozen=True)
class OpenSpielGame(ViewedGame):
    """A game of OpenSpiel; where its players choose at once, they are asked one after the other.

    parameters: of the game, as OpenSpiel writes them: "rows=5,columns=4".
    An action is OpenSpiel's own text of it, in lower case; " #" and its number follow where two would read the same.

    Raises:
        Unplayable: see there.
    """

    name: ClassVar[str] = ""
    imperfect: ClassVar[bool] = False  # a player does not know all that has happened
    parameters: str = ""

    def __post_init__(self) -> None:
        self._spiel  # noqa: B018  # raises when there is no such game

    @cached_property
    def _spiel(self) -> Any:
        return _load(self._string)

    @property
    def _string(self) -> str:
        return f"{self.name}({self.parameters})" if self.parameters else self.name

    @property
    def lowest(self) -> float:
        return float(self._spiel.min_utility())

    @property
    def highest(self) -> float:
        return float(self._spiel.max_utility())

    @property
    def players(self) -> tuple[str, ...]:
        return tuple(f"player_{k}" for k in range(self._spiel.num_players()))

    @property
    def max_length(self) -> int:
        return int(self._spiel.max_game_length()) * (len(self.players) if _simultaneous(self._string) else 1)

    @cached_property
    def rules(self) -> str:
        """OpenSpiel has no text of a game's rules: its name, its parameters and what actions look like must do."""
        first = self.initial(np.random.default_rng(0))
        examples = ", ".join(self.legal(first)[:EXAMPLES])
        settings = f" with {self.parameters}" if self.parameters else ""
        return (
            f"{self._spiel.get_type().long_name}{settings}, for {len(self.players)} players, as OpenSpiel has it. "
            f"Returns are from {self.lowest:g} to {self.highest:g}. Actions look like these: {examples}."
        )

    def initial(self, rng: np.random.Generator) -> Position:
        return self._settled(Position(self._string, int(rng.integers(1 << 63)), ()), self._spiel.new_initial_state())

    def turn(self, position: Position) -> int:
        return int(_spiel_state(position).current_player())

    def menu(self, position: Position) -> dict[str, int]:
        return _menu(_spiel_state(position))

    def over(self, position: Position) -> bool:
        return bool(_spiel_state(position).is_terminal())

    def paid(self, position: Position) -> tuple[float, ...]:
        return tuple(map(float, _spiel_state(position).returns()))

    def told(self, position: Position, player: int | None) -> str:
        spiel = _spiel_state(position)
        return str(spiel).strip("\n") if player is None else self._told(spiel, player)

    def act(self, state: Position | View, action: str) -> Position:
        position: Position = whole(state)
        spiel = _spiel_state(position)
        number = _menu(spiel)[action]
        child = spiel.clone()
        child.apply_action(number)
        return self._settled(position._replace(history=(*position.history, number)), child)

    def resample(self, state: Position | View, player: int, rng: np.random.Generator) -> Position | View:
        """Chance drawn anew, what has fallen as well as what will; the players' actions stay as they are.

        Where no draw fits, OpenSpiel's own way is taken, if the game has one.

        Raises:
            Unresampled: no other position was found that the player cannot tell from this one.
        """
        if isinstance(state, View) or not self.hidden:
            return state
        if not self.imperfect:  # what has fallen is known to all
            return state._replace(chance=int(rng.integers(1 << 63)))
        view = self.seen(state, player)
        for _ in range(RESAMPLES):
            other = self._replayed(state, int(rng.integers(1 << 63)))
            if other is not None and self.seen(other, player) == view:
                return other
        other = self._resampled(state, player, rng)
        if other is None or self.seen(other, player) != view:
            raise Unresampled(f"{self._string}: no other position was found that player_{player} cannot tell from this")
        return other

    def _resampled(self, state: Position, player: int, rng: np.random.Generator) -> Position | None:
        """As OpenSpiel draws what the player does not know; None where the game does not, or gives this one back."""
        try:
            spiel = _spiel_state(state).resample_from_infostate(player, rng.random)
        except _pyspiel().SpielError:
            return None
        history = tuple(map(int, spiel.history()))
        if history == state.history[: len(history)]:
            return None
        return self._settled(Position(state.game, int(rng.integers(1 << 63)), history), spiel)

    def _replayed(self, state: Position, chance: int) -> Position | None:
        """The same actions of the players with another chance; None where they are not legal then."""
        spiel, theirs = self._spiel.new_initial_state(), self._spiel.new_initial_state()
        position = self._settled(state._replace(chance=chance, history=()), spiel.clone())
        for number in state.history:
            if not theirs.is_chance_node():
                spiel = _spiel_state(position)
                if spiel.is_terminal() or number not in spiel.legal_actions():
                    return None
                child = spiel.clone()
                child.apply_action(number)
                position = self._settled(position._replace(history=(*position.history, number)), child)
            theirs.apply_action(number)
        return position

    def _settled(self, position: Position, spiel: Any) -> Position:
        """The position when chance has decided all that it decides now; ``spiel`` becomes the state of it."""
        history = list(position.history)
        while spiel.is_chance_node():
            number = _drawn(spiel.chance_outcomes(), _uniform(position.chance, len(history)))
            spiel.apply_action(number)
            history.append(number)
        settled = position._replace(history=tuple(history))
        _keep(settled, spiel)
        return settled

    def _told(self, spiel: Any, player: int) -> str:
        kind = self._spiel.get_type()
        texts = []
        if kind.provides_information_state_string and (self.imperfect or not kind.provides_observation_string):
            texts.append(spiel.information_state_string(player).strip("\n"))
        if kind.provides_observation_string:
            texts.append(spiel.observation_string(player).strip("\n"))
        return "\n".join(dict.fromkeys(texts))


def names() -> list[str]:
    """The games of the installed OpenSpiel that can be played here with their default parameters.

    Raises:
        MissingLibrary: OpenSpiel is not installed.
    """
    return [name for name in _pyspiel().registered_names() if _playable(name)]


def load(id: str) -> type[OpenSpielGame]:
    """Register the game of ``open_spiel/<name>-v0``.

    Raises:
        UnknownEnvironment: no such game; the message names the nearest.
        Unplayable: see there.
        MissingLibrary: OpenSpiel is not installed.
    """
    return _game(known_name(id, NAMESPACE, _pyspiel().registered_names()))


def __getattr__(name: str) -> type[OpenSpielGame]:
    """The class of a game, by which pickles and other processes find it."""
    if name.startswith("_") or name not in _pyspiel().registered_names():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _game(name)


@cache
def _game(name: str) -> type[OpenSpielGame]:
    pyspiel = _pyspiel()
    kind = _load(name).get_type() if _loads_alone(name) else _type(name)
    imperfect = kind.information != pyspiel.GameType.Information.PERFECT_INFORMATION or _simultaneous(name)
    body = {
        "__module__": __name__,
        "__qualname__": name,
        "__doc__": f"OpenSpiel's {kind.long_name}.",
        "name": name,
        "tags": ("games", "open_spiel"),
        "zero_sum": kind.utility == pyspiel.GameType.Utility.ZERO_SUM,
        "hidden": imperfect or kind.chance_mode != pyspiel.GameType.ChanceMode.DETERMINISTIC,  # also chance to come
        "imperfect": imperfect,
    }
    cls: type[OpenSpielGame] = dataclass(frozen=True)(type(name, (OpenSpielGame,), body))
    return register_game(f"{NAMESPACE}/{name}-v0")(cls)


@cache
def _load(string: str) -> Any:
    """OpenSpiel's game, its players asked in turns."""
    pyspiel = _pyspiel()
    try:
        game = pyspiel.load_game_as_turn_based(string)
    except Exception as error:  # a RuntimeError or pyspiel's own
        raise Unplayable(f"OpenSpiel does not load {string!r}: {str(error)[:200]}") from error
    kind = game.get_type()
    if kind.dynamics != pyspiel.GameType.Dynamics.SEQUENTIAL:
        raise Unplayable(f"{string} is not played in turns")
    if kind.chance_mode == pyspiel.GameType.ChanceMode.SAMPLED_STOCHASTIC:
        raise Unplayable(f"{string} draws its chance itself, by a generator that has no seed of ours")
    if game.num_players() < 2:
        raise Unplayable(f"{string} is for one player")
    if not (kind.provides_information_state_string or kind.provides_observation_string):
        raise Unplayable(f"{string} has no text of what a player sees")
    if not game.min_utility() < game.max_utility() < float("inf") or game.min_utility() == float("-inf"):
        raise Unplayable(f"{string} has no bounds of its returns")
    return game


def _playable(name: str) -> bool:
    try:
        return _loads_alone(name) and _load(name) is not None
    except Unplayable:
        return False


def _loads_alone(name: str) -> bool:
    """Whether it can be loaded without parameters."""
    return bool(_type(name).default_loadable)


@cache
def _type(name: str) -> Any:
    return next(kind for kind in _pyspiel().registered_games() if kind.short_name == name)


def _simultaneous(string: str) -> bool:
    return bool(_type(string.partition("(")[0]).dynamics == _pyspiel().GameType.Dynamics.SIMULTANEOUS)


def _menu(spiel: Any) -> dict[str, int]:
    """The legal actions of whose turn it is, by text."""
    if spiel.is_terminal():
        return {}
    menu: dict[str, int] = {}
    player, numbers = spiel.current_player(), spiel.legal_actions()
    texts = [" ".join(spiel.action_to_string(player, n).translate(PLAIN).lower().split()) for n in numbers]
    for number, text in zip(numbers, texts, strict=True):
        menu[text if text and texts.count(text) == 1 else f"{text} #{number}".strip()] = int(number)
    return menu


def _drawn(outcomes: list[tuple[int, float]], left: float) -> int:
    """The outcome at ``left``, from 0 to 1, of the probabilities laid end to end; the last if they add up to less."""
    for number, probability in outcomes:
        left -= probability
        if left < 0:
            return int(number)
    return int(outcomes[-1][0])


def _uniform(seed: int, step: int) -> float:
    return (int.from_bytes(blake2b(f"{seed}|{step}".encode(), digest_size=8).digest(), "big") >> 11) / (1 << 53)


_known: dict[tuple[str, tuple[int, ...]], Any] = {}  # OpenSpiel's states, never changed once they are here


def _keep(position: Position, spiel: Any) -> None:
    if len(_known) >= MAX_KNOWN:
        _known.clear()
    _known[position.game, position.history] = spiel


def _spiel_state(position: Position) -> Any:
    """OpenSpiel's state after the position's history."""
    spiel = _known.get((position.game, position.history))
    if spiel is None:
        spiel = _load(position.game).new_initial_state()
        for number in position.history:
            spiel.apply_action(number)
        _keep(position, spiel)
    return spiel


def _pyspiel() -> Any:
    return require("pyspiel", "open-spiel")
