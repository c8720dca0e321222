"""Games against their scripted players, known to Gymnasium before any game is imported."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import gymnasium

ENTRY_POINT = "palaestra.envs.games.against:make_against"

EVERY_GAME = ("random", "greedy")
OPPONENTS = {  # of each game that comes with the package
    "ConnectFour": EVERY_GAME,
    "Debate": EVERY_GAME,
    "IteratedPrisonersDilemma": (*EVERY_GAME, "cooperate", "tit_for_tat", "grim"),
    "KuhnPoker": (*EVERY_GAME, "optimal"),
    "LeducPoker": (*EVERY_GAME, "optimal"),
    "LiarsDice": EVERY_GAME,
    "Negotiation": EVERY_GAME,
    "Nim": (*EVERY_GAME, "optimal"),
    "Othello": EVERY_GAME,
    "ProposerSolver": (*EVERY_GAME, "optimal"),
    "RockPaperScissors": (*EVERY_GAME, "optimal"),
    "Taboo": EVERY_GAME,
    "TicTacToe": (*EVERY_GAME, "optimal"),
}


def id_against(game_id: str, opponent: str) -> str:
    """The Gymnasium id of a game against this player: palaestra/Nim-vs-random-v0."""
    name, dash, version = game_id.rpartition("-v")
    return f"{name or game_id}-vs-{opponent.replace('_', '-')}" + (f"-v{version}" if dash else "")


def is_game(id: str) -> bool:
    """Whether a game of this id is known, imported or not: each has an id against the random player."""
    spec = gymnasium.registry.get(id_against(id, EVERY_GAME[0]))
    return spec is not None and spec.kwargs.get("game", "").rpartition(":")[2] == id


def register_opponents(game_id: str, opponents: Iterable[str], module: str = "") -> None:
    """Give a game a Gymnasium id against each of these players.

    module: that registers the game, where it is none of the package: by it other processes find the game of the spec,
        if it is one that can be imported.
    """
    game = f"{module}:{game_id}" if module in sys.modules else game_id
    for opponent in opponents:
        against = id_against(game_id, opponent)
        if against not in gymnasium.registry:
            gymnasium.register(against, ENTRY_POINT, kwargs={"game": game, "opponent": opponent})


for _name, _opponents in OPPONENTS.items():
    register_opponents(f"palaestra/{_name}-v0", _opponents)
