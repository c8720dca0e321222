"""Conformance kit for turns of free text, and for texts that are refused."""

from __future__ import annotations

import random
import time
from typing import Any

from palaestra.envs.audit import MAX_SECONDS

from .environment import MAX_OBSERVATION_CHARS
from .game import AnyGame, Illegal
from .random_games import some_move, view_of

SAMPLES = 5  # actions that a game in free text makes up, a turn


def made_up(game: AnyGame, state: Any, rng: random.Random) -> int:
    """Of a turn of free text: what the game makes up is accepted, and accepted again as it was the first time."""
    view = view_of(game, state)
    _require("\n" not in game.described(state) != "", "a turn of free text is not described in one line")
    _require(game.described(view) == game.described(state), "what an action is depends on a hidden part")
    for _ in range(SAMPLES):
        action = some_move(game, state, rng)
        _require(not isinstance(action, Illegal), f"an action that the game makes up is refused: {action!r}")
        again = game.parse(state, game.action_text(action))
        _require(again == action, f"the action {action!r} is {again!r} when it is read again")
        game.act(state, action)
    return SAMPLES


def harmless(game: AnyGame, state: Any, text: str) -> bool:
    """Whether the text is taken as an action; then it can be stored and shown, else the reason is the view's alone."""
    start = time.process_time()
    found, seen = game.parse(state, text), game.parse(view_of(game, state), text)
    _require(found == seen, f"whether {text[:40]!r} is an action depends on a hidden part")
    if isinstance(found, Illegal):
        refused(game, state, text)
        return False
    after = game.act(state, found)
    for player in range(len(game.players)):
        shown = game.observe(after, player)
        shown.encode()  # which fails on what is no text
        _require(len(shown) <= MAX_OBSERVATION_CHARS, f"{text[:40]!r} makes a text of {len(shown)} characters")
    _require(time.process_time() - start <= MAX_SECONDS, f"{text[:40]!r} takes more than {MAX_SECONDS} s")
    return True


def refused(game: AnyGame, state: Any, text: str) -> None:
    """The text is no action, and the reason is one line."""
    found = game.parse(state, text)
    _require(isinstance(found, Illegal), f"{text[:40]!r} is taken for the action {found!r}")
    _require(0 < len(found) <= 200 and "\n" not in found, f"{text[:40]!r} is refused without a reason in one line")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)
