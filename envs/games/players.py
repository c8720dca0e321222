"""Scripted players: the anchors of a rating."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, reduce
from operator import xor
from typing import Any, Protocol

import numpy as np

from .cfr import Mixed, Strategy, solve
from .connect_four import ConnectFour
from .game import AnyGame, Illegal
from .greedy import RULES, greedy
from .iterated_prisoners_dilemma import IteratedPrisonersDilemma
from .kuhn_poker import Deal, KuhnPoker
from .leduc_poker import LeducPoker
from .minimax import Minimax
from .nim import Nim
from .othello import Othello
from .proposer_solver import ProposerSolver, oracle
from .rock_paper_scissors import RockPaperScissors
from .taboo import Taboo, careless
from .tic_tac_toe import TicTacToe

SMALL_GRID = 16  # cells; 4 by 4 takes a second


class Player(Protocol):
    """Says an action; ``view`` is the state as ``Game.seen`` shows it to the player whose turn it is."""

    def __call__(self, game: AnyGame, view: Any, rng: np.random.Generator) -> str: ...


def play_game(game: AnyGame, players: Sequence[Player], rng: np.random.Generator) -> tuple[float, ...]:
    """The returns of one game; an answer that is no legal action forfeits it."""
    state = game.initial(rng)
    while not game.terminal(state):
        player = game.player(state)
        action = game.parse(state, players[player](game, game.seen(state, player), rng))
        if isinstance(action, Illegal):
            return game.forfeit(state, (player,))
        state = game.act(state, action)
    return game.returns(state)


def scripted(game: AnyGame) -> dict[str, Player]:
    """The players for a game, by name: "random" always, "greedy" for our own, "optimal" where it is solved."""
    players: dict[str, Player] = {"random": uniform}
    if type(game) in RULES:
        players["greedy"] = greedy
    best = _optimal(game)
    if best is not None:
        players["optimal"] = best
    if isinstance(game, IteratedPrisonersDilemma):
        players |= {"cooperate": cooperate, "tit_for_tat": tit_for_tat, "grim": grim}
    if isinstance(game, Taboo) and game.world:
        players["careless"] = careless
    return players


def strongest(game: AnyGame) -> Player:
    """The best scripted player that there is for a game."""
    players = scripted(game)
    return players.get("optimal") or players.get("greedy") or players["random"]


def uniform(game: AnyGame, view: Any, rng: np.random.Generator) -> str:
    """Any legal action, with equal chances; where actions are free text, one that the game makes up."""
    return game.sample(view, rng)


def nim_sum(game: AnyGame, view: Any, rng: np.random.Generator) -> str:
    """Bouton's strategy for Nim ("Nim, a game with a complete mathematical theory", 1901), which never misses a win.

    Leave piles whose sizes xor to 0; in misere play, once all piles would be of size 1 or 0, an odd number of ones.
    """
    for pile, count in game.legal(view):
        left = [size - count if k == pile else size for k, size in enumerate(view.sizes)]
        balanced = reduce(xor, left) == 0
        if game.misere and max(left) <= 1:  # type: ignore[attr-defined]  # only Nim is given
            balanced = not balanced
        if balanced:
            return game.action_text((pile, count))
    return uniform(game, view, rng)


def kuhn_equilibrium(alpha: float) -> Strategy:
    """The equilibria of three-card Kuhn poker (Kuhn, 1950): one for each ``alpha`` from 0 to 1/3.

    Player 0 bets the 1 with chance alpha and the 3 with 3 alpha, and calls with the 2 by alpha + 1/3.

    Raises:
        ValueError: alpha is outside [0, 1/3].
    """
    if not 0 <= alpha <= 1 / 3:
        raise ValueError(f"alpha is from 0 to 1/3, not {alpha}")
    bets = {  # chance to bet, by history and card
        "": (alpha, 0.0, 3 * alpha),
        "pb": (0.0, alpha + 1 / 3, 1.0),
        "p": (1 / 3, 0.0, 1.0),
        "b": (0.0, 1 / 3, 1.0),
    }
    strategy = {}
    for history, chances in bets.items():
        for card, chance in enumerate(chances, 1):
            cards = (0, card) if len(history) == 1 else (card, 0)
            strategy[Deal(cards, history)] = (1 - chance, chance)
    return strategy


def cooperate(game: AnyGame, view: Any, rng: np.random.Generator) -> str:
    """Cooperate always."""
    return game.action_text(0)


def tit_for_tat(game: AnyGame, view: Any, rng: np.random.Generator) -> str:
    """Cooperate first, then do what the other did last."""
    theirs = view.rounds[1 - game.player(view) :: 2]
    return game.action_text(int(theirs[-1:] == "d"))


def grim(game: AnyGame, view: Any, rng: np.random.Generator) -> str:
    """Cooperate until the other has defected once."""
    theirs = view.rounds[1 - game.player(view) :: 2]
    return game.action_text(int("d" in theirs))


def search(game: AnyGame, view: Any, rng: np.random.Generator) -> str:
    """Play perfectly by full search, done at the first question."""
    return _minimax(game)(game, view, rng)


def equilibrium(game: AnyGame, view: Any, rng: np.random.Generator) -> str:
    """Play the strategy that CFR finds at the first question."""
    return Mixed(solve(game))(game, view, rng)


def _optimal(game: AnyGame) -> Player | None:
    match game:
        case Nim():
            return nim_sum
        case RockPaperScissors():
            return uniform
        case ProposerSolver():
            return oracle
        case KuhnPoker(cards=3):
            return Mixed(kuhn_equilibrium(1 / 6))
        case KuhnPoker() | LeducPoker(ranks=3) | LeducPoker(ranks=4):
            return equilibrium
        case TicTacToe(size=2 | 3) | Othello(size=4):
            return search
        case ConnectFour() if game.rows * game.columns <= SMALL_GRID:
            return search
    return None


@lru_cache(maxsize=16)
def _minimax(game: AnyGame) -> Minimax:
    return Minimax(game)
