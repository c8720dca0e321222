"""One short-sighted rule for each game: what a beginner would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import comb
from typing import Any

import numpy as np

from .connect_four import ConnectFour
from .debate import Debate, partisan
from .game import AnyGame
from .iterated_prisoners_dilemma import IteratedPrisonersDilemma
from .kuhn_poker import KuhnPoker
from .leduc_poker import CALL, FOLD, RAISE, LeducPoker
from .liars_dice import LiarsDice
from .negotiation import ACCEPT, TOTAL, Negotiation, worth
from .nim import Nim
from .othello import Othello, flips
from .proposer_solver import ProposerSolver, hurried
from .rock_paper_scissors import RockPaperScissors
from .taboo import Taboo, by_hints
from .tic_tac_toe import TicTacToe

CONCEDED = 0.5  # share of the pool's worth that is asked for in the end


def greedy(game: AnyGame, view: Any, rng: np.random.Generator) -> str:
    """Play by the rule of the game's class.

    Raises:
        LookupError: there is no rule for this class.
    """
    rule = RULES.get(type(game))
    if rule is None:
        raise LookupError(f"no greedy player for {type(game).__name__}: add a rule to envs/games/greedy.py")
    return game.action_text(rule(game, view, rng))


def look_ahead(game: AnyGame, state: Any, liking: Callable[[Any], float]) -> Any:
    """Win at once, else let the other not win at once, else what one likes most; perfect information, two players."""
    player = game.player(state)

    def outlook(action: Any) -> float:
        after = game.act(state, action)
        if game.terminal(after):
            return game.returns(after)[player]
        replies = (game.act(after, reply) for reply in game.legal(after))
        lost = any(game.terminal(end) and game.returns(end)[player] < 0 for end in replies)
        return -0.5 if lost else 0.0

    return max(game.legal(state), key=lambda action: (outlook(action), liking(action)))


def _tic_tac_toe(game: TicTacToe, view: Any, rng: np.random.Generator) -> int:
    middle = (game.size - 1) / 2
    return int(look_ahead(game, view, lambda a: -abs(a // game.size - middle) - abs(a % game.size - middle)))


def _connect_four(game: ConnectFour, view: Any, rng: np.random.Generator) -> int:
    return int(look_ahead(game, view, lambda column: -abs(column - (game.columns - 1) / 2)))


def _nim(game: Nim, view: Any, rng: np.random.Generator) -> tuple[int, int]:
    taken: tuple[int, int] = look_ahead(game, view, lambda action: float(action[1]))
    return taken


def _othello(game: Othello, view: Any, rng: np.random.Generator) -> int:
    """Turn over as many discs as possible."""
    legal = game.legal(view)
    if legal[0] == game.size**2:
        return legal[0]
    return max(legal, key=lambda cell: flips(view.mover, view.other, 1 << cell, game.size).bit_count())


def _kuhn(game: KuhnPoker, view: Any, rng: np.random.Generator) -> int:
    """Bet on a card above the middle."""
    return int(2 * max(view.cards) > game.cards + 1)


def _leduc(game: LeducPoker, view: Any, rng: np.random.Generator) -> int:
    """Raise on a pair or the highest card, fold the lowest to a raise."""
    card, public = view.cards[view.turn], view.cards[2]
    legal = game.legal(view)
    if card in (public, game.ranks):
        return RAISE if RAISE in legal else CALL
    return FOLD if card == 1 and FOLD in legal else CALL


def _liars_dice(game: LiarsDice, view: Any, rng: np.random.Generator) -> int:
    """Call a bid that holds by less than an even chance, else make the bid that holds by the highest."""
    own = view.dice[game.player(view)]
    unseen = (game.seats - 1) * game.dice
    legal = game.legal(view)
    liar = game.seats * game.dice * game.sides

    def holds(bid: int) -> float:
        count, face = bid // game.sides + 1, bid % game.sides + 1
        fit = 1 / game.sides if face == game.sides else 2 / game.sides
        missing = count - sum(die in (face, game.sides) for die in own)
        return sum(comb(unseen, k) * fit**k * (1 - fit) ** (unseen - k) for k in range(max(missing, 0), unseen + 1))

    bids = [bid for bid in legal if bid != liar]
    if view.bids and (not bids or holds(view.bids[-1]) < 0.5):
        return liar
    return max(bids, key=holds)


def _rock_paper_scissors(game: RockPaperScissors, view: Any, rng: np.random.Generator) -> int:
    """Beat what the other has chosen most often."""
    player = game.player(view)
    seen = Counter(choices[1 - player] for choices in view.rounds)
    return (seen.most_common(1)[0][0] + 1) % 3 if seen else 0


def _prisoners_dilemma(game: IteratedPrisonersDilemma, view: Any, rng: np.random.Generator) -> int:
    """Defect, which pays more in every single round."""
    return 1


def _negotiation(game: Negotiation, view: Any, rng: np.random.Generator) -> tuple[int, ...]:
    """Ask for everything at first and for less each turn; accept what is worth as much; keep no more than asked for."""
    values = view.values[game.player(view)]
    turn, last = len(view.offers), 2 * game.rounds - 1
    wanted = TOTAL * (1 - (1 - CONCEDED) * turn / last)
    if view.offers:
        offered = worth(tuple(n - k for n, k in zip(view.pool, view.offers[-1], strict=True)), values)
        if offered >= wanted or turn == last:
            return ACCEPT
    enough = [kept for kept in game.legal(view) if kept != ACCEPT and worth(kept, values) >= wanted]
    return min(enough, key=lambda kept: (sum(kept), worth(kept, values)))


RULES: dict[type[AnyGame], Callable[[Any, Any, np.random.Generator], Any]] = {
    TicTacToe: _tic_tac_toe,
    ConnectFour: _connect_four,
    Nim: _nim,
    Othello: _othello,
    KuhnPoker: _kuhn,
    LeducPoker: _leduc,
    LiarsDice: _liars_dice,
    RockPaperScissors: _rock_paper_scissors,
    IteratedPrisonersDilemma: _prisoners_dilemma,
    Negotiation: _negotiation,
    Taboo: by_hints,
    ProposerSolver: hurried,
    Debate: partisan,
}
