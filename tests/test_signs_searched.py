"""The baseline of the sign of tree search: what epsilon-greedy chooses for either player."""

from __future__ import annotations

import pytest

from benchmarks.signs.games_searched import EpsilonGreedy
from palaestra.agents.search.games import BothPlayers, Position
from palaestra.agents.search.tree import Node, Proposal
from palaestra.envs.games import make_game

GAME = make_game("palaestra/TicTacToe-v0").game
START = GAME.initial(None)
QS = (-1.0, 0.25, 1.0)


def parent(visits: int, player: int) -> Node:
    """Three children whose values lie as far apart as they can, in a search for ``player``, the first one to move."""
    here = Proposal("", Position(GAME, START, player, 0))
    node = Node(7, here, visits=visits)
    node.children = [Node(8 + k, here, node, visits=4, total=4 * q) for k, q in enumerate(QS)]
    return node


def shares(player: int, epsilon: float) -> list[float]:
    """How often each child is chosen over a thousand visits, in a search for ``player``."""
    score = BothPlayers(EpsilonGreedy(epsilon))
    chosen = [max(parent(visits, player).children, key=score).id - 8 for visits in range(1, 1001)]
    return [chosen.count(k) / 1000 for k in range(3)]


@pytest.mark.parametrize(("player", "best"), [(0, 2), (1, 0)])
def test_epsilon_greedy_explores_alike_for_either_player(player: int, best: int) -> None:
    assert shares(player, 0.0)[best] == 1
    assert shares(player, 1.0) == pytest.approx([1 / 3] * 3, abs=0.05)
    assert shares(player, 0.3)[best] == pytest.approx(0.8, abs=0.05)
