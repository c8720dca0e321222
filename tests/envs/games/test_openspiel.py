"""The rules, move by move, against OpenSpiel's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyspiel
import pytest

from palaestra.envs.games import ConnectFour, Game, KuhnPoker, LeducPoker, LiarsDice, Nim, Othello, TicTacToe
from palaestra.envs.games.rock_paper_scissors import RockPaperScissors


class Peer(NamedTuple):
    game: Game[Any, Any]
    theirs: str
    chance: Callable[[Any], Sequence[int]] = lambda state: ()  # OpenSpiel's chance actions that deal our first state
    action: Callable[[Any], int] = lambda action: int(action)


def suited(state: Any) -> list[int]:
    """Leduc's cards with suits: the second of a rank is the other one."""
    dealt: list[int] = []
    for rank in state.cards:
        card = 2 * (rank - 1)
        dealt.append(card + (card in dealt))
    return dealt


def faces(state: Any) -> list[int]:
    return [die - 1 for dice in state.dice for die in dice]


def nim(*piles: int, misere: bool = True) -> Peer:
    theirs = f"nim(pile_sizes={';'.join(map(str, piles))},is_misere={misere})"
    return Peer(Nim(piles, misere), theirs, action=lambda take: (take[1] - 1) * len(piles) + take[0])


PEERS = {
    "tic_tac_toe": Peer(TicTacToe(), "tic_tac_toe"),
    "connect_four": Peer(ConnectFour(), "connect_four"),
    "connect_four 5x4, 3 in a row": Peer(ConnectFour(5, 4, 3), "connect_four(rows=5,columns=4,x_in_row=3)"),
    "nim": nim(1, 3, 5, 7),
    "nim, last wins": nim(3, 4, 5, misere=False),
    "othello": Peer(Othello(), "othello"),
    "kuhn_poker": Peer(KuhnPoker(), "kuhn_poker", lambda state: [card - 1 for card in state.cards]),
    "leduc_poker": Peer(LeducPoker(), "leduc_poker", suited),
    "liars_dice": Peer(LiarsDice(), "liars_dice", faces),
    "liars_dice, 2 dice": Peer(LiarsDice(dice=2, sides=4), "liars_dice(numdice=2,dice_sides=4)", faces),
}


def agree(peer: Peer, theirs: Any, rng: np.random.Generator) -> None:
    """Play one random game on both sides."""
    game = peer.game
    ours, their = game.initial(rng), theirs.new_initial_state()
    chance = iter(peer.chance(ours))
    while True:
        while their.is_chance_node():
            their.apply_action(next(chance))
        assert game.terminal(ours) == their.is_terminal()
        if their.is_terminal():
            assert game.returns(ours) == tuple(their.returns())
            return
        assert game.player(ours) == their.current_player()
        legal = game.legal(ours)
        assert sorted(map(peer.action, legal)) == their.legal_actions()
        action = legal[int(rng.random() * len(legal))]
        ours = game.act(ours, action)
        their.apply_action(peer.action(action))


@pytest.mark.parametrize("name", PEERS)
def test_random_games_agree(name: str) -> None:
    peer = PEERS[name]
    theirs, rng = pyspiel.load_game(peer.theirs), np.random.default_rng(1)
    for _ in range(200):
        agree(peer, theirs, rng)


@pytest.mark.long
@pytest.mark.parametrize("name", PEERS)
def test_ten_thousand_random_games_agree(name: str) -> None:
    peer = PEERS[name]
    theirs, rng = pyspiel.load_game(peer.theirs), np.random.default_rng(2)
    for _ in range(10_000):
        agree(peer, theirs, rng)


def test_the_payoffs_of_rock_paper_scissors_agree() -> None:
    theirs, game = pyspiel.load_game("matrix_rps"), RockPaperScissors()
    for first in range(3):
        for second in range(3):
            state = game.act(game.act(game.initial(np.random.default_rng(0)), first), second)
            joint = theirs.new_initial_state()
            joint.apply_actions([first, second])
            assert game.returns(state) == tuple(joint.returns())
