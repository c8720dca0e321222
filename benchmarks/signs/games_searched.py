"""A small game as a tree whose values are known: what a search does in it, held against perfect play."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from palaestra.agents.search.games import BothPlayers, GameWorld, Position
from palaestra.agents.search.mcts import MCTS
from palaestra.agents.search.scores import UCT, Score, robust_child
from palaestra.agents.search.tree import Node
from palaestra.agents.search.world import run
from palaestra.envs.games.game import AnyGame
from palaestra.envs.games.minimax import Minimax
from palaestra.envs.seeding import derive_seed

LEAP = 4.0  # more than any two values of [-1, 1] lie apart, whichever player's they are


@dataclass(frozen=True, slots=True)
class EpsilonGreedy:
    """Mostly the child of the highest mean value; any one in a share of the visits. Unvisited children come first."""

    epsilon: float = 0.1

    def __call__(self, child: Node) -> float:
        parent = child.parent
        assert parent is not None
        if not child.visits:
            return float("inf")
        chance, favourite = _drawn(parent.id, parent.visits, len(parent.children))
        if chance < self.epsilon:
            return child.q + LEAP * (child is parent.children[favourite])
        return child.q


@lru_cache(maxsize=1 << 10)
def _drawn(node: int, visits: int, children: int) -> tuple[float, int]:
    """The same for all children of a node at a visit: a number in [0, 1), and one of them."""
    rng = np.random.default_rng([node, visits])
    return float(rng.random()), int(rng.integers(children))


@dataclass(frozen=True, slots=True)
class Tried:
    """chosen: whether the move that a search settled on is a best one.

    regret: what a simulation's first move gave away, on average, of a range of 1.
    """

    chosen: float
    regret: float


def positions(game: AnyGame, count: int, plies: Sequence[int], seed: int) -> list[Any]:
    """Positions of random games after so many moves, in turn, in which some move is worth less than another."""
    found, number = list[Any](), 0
    while len(found) < count:
        rng = np.random.default_rng(derive_seed("position", seed, number))
        state, number = game.initial(rng), number + 1
        for _ in range(plies[len(found) % len(plies)]):
            if not game.terminal(state):
                legal = game.legal(state)
                state = game.act(state, legal[int(rng.integers(len(legal)))])
        if not game.terminal(state) and len(set(worths(game, state).values())) > 1:
            found.append(state)
    return found


def worths(game: AnyGame, state: Any) -> dict[str, float]:
    """What each action is worth to the player who takes it, under perfect play."""
    perfect, worth = _perfect(game), {}
    for action in game.legal(state):
        after = game.act(state, action)
        mover = game.player(state)
        if game.terminal(after):
            value = game.returns(after)[mover]
        else:
            value = perfect.value(after) * (1 if game.player(after) == mover else -1)
        worth[game.action_text(action)] = value
    return worth


PERFECT: dict[AnyGame, Minimax] = {}


def _perfect(game: AnyGame) -> Minimax:
    return PERFECT.setdefault(game, Minimax(game))


def tried(game: AnyGame, state: Any, simulations: int, score: Score, seed: int, told: bool = True) -> Tried:
    """Search at a position and hold what was done against perfect play."""
    player = game.player(state)
    search = MCTS(
        *(simulations, len(game.legal(game.initial(np.random.default_rng(0))))),
        score=BothPlayers(score),
        move=robust_child,
        revisit_terminals=True,
        commit=False,
    )
    (tree,) = run(GameWorld(told), search, [Position(game, state, player, seed)], [seed])
    known, children = worths(game, state), tree.root.children
    best, lost = max(known.values()), 0.0
    for child in children:
        lost += child.visits * (best - known[child.action])
    chosen = robust_child(tree.root)
    assert chosen is not None
    span = game.highest - game.lowest
    return Tried(float(known[chosen.action] == best), lost / (span * sum(child.visits for child in children)))


def uct(cp: float) -> Score:
    """UCT of values in [-1, 1], whose bonus is twice that of [0, 1]."""
    return UCT(2 * cp)
