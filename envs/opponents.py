"""Games against their scripted players, known to Gymnasium before any game is imported."""

from __future__ import annotations

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


def register_opponents(game_id: str, opponents: Iterable[str]) -> None:
    """Give a game a Gymnasium id against each of these players: palaestra/Nim-vs-random-v0."""
    name, dash, version = game_id.rpartition("-v")
    for opponent in opponents:
        against = f"{name or game_id}-vs-{opponent.replace('_', '-')}" + (f"-v{version}" if dash else "")
        if against not in gymnasium.registry:
            gymnasium.register(against, ENTRY_POINT, kwargs={"game": game_id, "opponent": opponent})


for _name, _opponents in OPPONENTS.items():
    register_opponents(f"palaestra/{_name}-v0", _opponents)
