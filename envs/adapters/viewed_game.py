"""What the adapters of other people's games share: their positions as texts and views, their actions as words."""

from __future__ import annotations

import difflib
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from palaestra.envs.games.game import QUOTED_CHARS, Game
from palaestra.envs.registration import UnknownEnvironment

MAX_ACTION_CHARS = 400


class Unplayable(ValueError):
    """The library has the game, but it cannot be played here; the message says why."""


class View(NamedTuple):
    """What one player may know of a position; ``legal`` is empty when it is another's turn."""

    text: str
    turn: int
    legal: tuple[str, ...]
    over: bool


class ViewedGame(Game[Any, str]):
    """A game whose rules are a library's: subclass it with what the library knows of a position.

    A state is a position, of the subclass's own type, or what one player may know of it, a ``View``. An action is the
    library's text of it, in lower case.
    """

    @abstractmethod
    def turn(self, position: Any) -> int:
        """Whose turn it is."""

    @abstractmethod
    def menu(self, position: Any) -> Mapping[str, int]:
        """The legal actions, numbers by text; empty at the end."""

    @abstractmethod
    def over(self, position: Any) -> bool:
        """Whether the game is over."""

    @abstractmethod
    def paid(self, position: Any) -> tuple[float, ...]:
        """The returns at the end."""

    @abstractmethod
    def told(self, position: Any, player: int | None) -> str:
        """What a player may know, in text; everything for None."""

    def player(self, state: Any) -> int:
        return state.turn if isinstance(state, View) else self.turn(state)

    def legal(self, state: Any) -> tuple[str, ...]:
        return state.legal if isinstance(state, View) else tuple(self.menu(state))

    def terminal(self, state: Any) -> bool:
        return state.over if isinstance(state, View) else self.over(state)

    def returns(self, state: Any) -> tuple[float, ...]:
        return self.paid(whole(state))

    def show(self, state: Any) -> str:
        return state.text if isinstance(state, View) else self.told(state, None)

    def seen(self, state: Any, player: int) -> View:
        if isinstance(state, View):
            return state
        turn = self.turn(state)
        return View(self.told(state, player), turn, tuple(self.menu(state)) if turn == player else (), self.over(state))

    def action_text(self, action: str) -> str:
        return action

    def read(self, text: str) -> str | None:
        return text if 0 < len(text) <= MAX_ACTION_CHARS else None

    def why(self, state: Any, action: str) -> str:
        quoted = action if len(action) <= QUOTED_CHARS else action[:QUOTED_CHARS] + "…"
        return f"{quoted!r} is no legal action here"


def whole(state: Any) -> Any:
    """``state``, which is a position.

    Raises:
        TypeError: it is a view.
    """
    if isinstance(state, View):
        raise TypeError("a view is no position: it does not hold what its player may not know")
    return state


def known_name(id: str, namespace: str, names: Iterable[str], suffix: str = "-v0") -> str:
    """The library's name in an id of the adapter's namespace.

    Raises:
        UnknownEnvironment: no such name; the message names the nearest.
    """
    known = list(names)
    name = id.removeprefix(f"{namespace}/").removesuffix(suffix)
    if id != f"{namespace}/{name}{suffix}" or name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        raise UnknownEnvironment(f"no game {id!r} (nearest: {', '.join(f'{namespace}/{n}{suffix}' for n in near)})")
    return name
