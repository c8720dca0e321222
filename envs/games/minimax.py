"""Perfect play by full search, for small games of perfect information."""

from __future__ import annotations

from typing import Any

import numpy as np

from .game import AnyGame

MAX_STATES = 1 << 20


class GameTooLarge(ValueError):
    """The search would remember more than ``MAX_STATES`` states."""


class Minimax:
    """Values of the states of a zero-sum game for two without hidden parts; as a player it plays a best action.

    Every state is searched once and remembered. Among equally good actions it draws one.

    Raises:
        ValueError: the game is of another kind.
    """

    def __init__(self, game: AnyGame) -> None:
        if game.hidden or not game.zero_sum or len(game.players) != 2:
            raise ValueError(f"minimax plays zero-sum games of two players without hidden parts, not {game}")
        self.game = game
        self._values: dict[Any, float] = {}

    def __call__(self, game: AnyGame, view: Any, rng: np.random.Generator) -> str:
        if game != self.game:
            raise ValueError(f"this player knows {self.game}, not {game}")
        best = self.best(view)
        return game.action_text(best[int(rng.random() * len(best))])

    def best(self, state: Any) -> list[Any]:
        """The actions of the highest value."""
        values = {action: self._after(state, action) for action in self.game.legal(state)}
        highest = max(values.values())
        return [action for action, value in values.items() if value == highest]

    def value(self, state: Any) -> float:
        """What the player whose turn it is gets when both play on perfectly.

        Raises:
            GameTooLarge: the game has too many states.
        """
        known = self._values.get(state)
        if known is not None:
            return known
        best = self.game.lowest
        for action in self.game.legal(state):
            best = max(best, self._after(state, action))
            if best >= self.game.highest:
                break
        if len(self._values) >= MAX_STATES:
            raise GameTooLarge(f"{self.game} has more than {MAX_STATES} states")
        self._values[state] = best
        return best

    def _after(self, state: Any, action: Any) -> float:
        """What an action is worth to the player who takes it."""
        game, player = self.game, self.game.player(state)
        after = game.act(state, action)
        if game.terminal(after):
            return game.returns(after)[player]
        return self.value(after) if game.player(after) == player else -self.value(after)
