"""Conformance kit for what a player may not know."""

from __future__ import annotations

import numpy as np

from palaestra.envs.subject import NotApplicable

from .game import AnyGame, Unresampled
from .random_games import positions


def hidden_parts(game: AnyGame, seeds: list[int]) -> str:
    """What a player may not know is drawn anew: the player's texts and choices stay as they are."""
    draws = np.random.default_rng(0)
    changed, missed = 0, ""
    for state, _ in positions(game, range(4 * len(seeds) if game.hidden else 1), last=True):
        over = game.terminal(state)
        for player in range(len(game.players)):
            try:
                other = game.resample(state, player, draws)
            except Unresampled as reason:
                missed = str(reason)
                continue
            changed += other != state
            _require(game.seen(other, player) == game.seen(state, player), "what a player may know depends on the rest")
            _require(game.observe(other, player) == game.observe(state, player), "a hidden part shows in a text")
            view = game.seen(state, player)
            _require(over == game.terminal(other) == game.terminal(view), "whether the game is over is hidden")
            if over:
                continue
            _require(game.player(view) == game.player(state), "whose turn it is depends on a hidden part")
            if game.player(state) == player:
                legal = list(game.legal(state))
                _require(legal == list(game.legal(other)) == list(game.legal(view)), "legal actions tell a hidden part")
    if not game.hidden:
        _require(not changed, "something is hidden though the game says that nothing is")
        raise NotApplicable("nothing is hidden")
    if missed and not changed:
        raise NotApplicable(missed)
    _require(changed > 0, "nothing is hidden though the game says that something is: define seen and resample")
    return f"{changed} positions with another hidden part"


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)
