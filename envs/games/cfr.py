"""Equilibria of games with hidden parts: counterfactual regret minimisation, exact values, best responses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from .game import AnyGame

Strategy = Mapping[Any, Sequence[float]]  # by what the player has seen: a probability for each legal action
Node = tuple[
    int, int, Any
]  # player, number of the information state, children; player is -1 where children is a return


@lru_cache(maxsize=16)
def solve(game: AnyGame, iterations: int = 500) -> Strategy:
    """A strategy for both players close to an equilibrium of a zero-sum game for two that lists its ``deals``.

    CFR+ (O. Tammelin, "Solving large imperfect information games using CFR+", 2014): regrets never fall below 0, the
    average strategy weighs later iterations more, the players are updated in turn.
    """
    if not game.zero_sum or len(game.players) != 2:
        raise ValueError(f"CFR solves zero-sum games of two players, not {game}")
    views: dict[Any, int] = {}
    sizes: list[int] = []
    deals = [(p, _tree(game, deal, views, sizes)) for p, deal in game.deals()]
    regrets = [[0.0] * n for n in sizes]
    totals = [[0.0] * n for n in sizes]
    for iteration in range(1, iterations + 1):
        for learner in (0, 1):
            current = [_match(regret) for regret in regrets]
            gains = [[0.0] * n for n in sizes]
            for p, tree in deals:
                _walk(tree, learner, 1.0, p, float(iteration), current, gains, totals)
            for regret, gain in zip(regrets, gains, strict=True):
                for k, value in enumerate(gain):
                    regret[k] = max(0.0, regret[k] + value)
    return {view: tuple(_match(totals[number])) for view, number in views.items()}


def expected_returns(game: AnyGame, strategies: Sequence[Strategy]) -> tuple[float, ...]:
    """What each player gets on average when player k follows ``strategies[k]``, by enumeration of all games."""
    total = [0.0] * len(game.players)
    states = list(game.deals())
    while states:
        p, state = states.pop()
        if game.terminal(state):
            for k, value in enumerate(game.returns(state)):
                total[k] += p * value
            continue
        player = game.player(state)
        chances = strategies[player][game.seen(state, player)]
        for action, chance in zip(game.legal(state), chances, strict=True):
            if chance:
                states.append((p * chance, game.act(state, action)))
    return tuple(total)


def best_response(game: AnyGame, strategy: Strategy, player: int) -> float:
    """The most that ``player`` can get on average when all others follow ``strategy``."""

    def value(states: list[tuple[float, Any]]) -> float:
        """Of states that the player cannot tell apart, with the weights at which chance and the others lead there."""
        first = states[0][1]
        if game.terminal(first):
            return sum(p * game.returns(state)[player] for p, state in states)
        if game.player(first) == player:
            return max(split([(p, game.act(s, action)) for p, s in states]) for action in game.legal(first))
        after = []
        for p, state in states:
            chances = strategy[game.seen(state, game.player(state))]
            legal = game.legal(state)
            after += [(p * c, game.act(state, a)) for a, c in zip(legal, chances, strict=True) if c]
        return split(after)

    def split(states: list[tuple[float, Any]]) -> float:
        groups = defaultdict(list)
        for p, state in states:
            groups[game.seen(state, player)].append((p, state))
        return sum(map(value, groups.values()))

    return split(list(game.deals()))


def exploitability(game: AnyGame, strategy: Strategy) -> float:
    """What a best response gains against ``strategy``, mean over the two seats; 0 in an equilibrium."""
    return (best_response(game, strategy, 0) + best_response(game, strategy, 1)) / 2


class Mixed:
    """A player who draws actions from a strategy."""

    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy

    def __call__(self, game: AnyGame, view: Any, rng: np.random.Generator) -> str:
        u = rng.random()
        legal = game.legal(view)
        for action, chance in zip(legal, self.strategy[view], strict=True):
            u -= chance
            if u < 0:
                return game.action_text(action)
        return game.action_text(legal[-1])


def _tree(game: AnyGame, state: Any, views: dict[Any, int], sizes: list[int]) -> Node:
    """The games that go on from ``state``, and the numbers of the information states that are met."""
    if game.terminal(state):
        return -1, -1, game.returns(state)[0]
    player = game.player(state)
    view = game.seen(state, player)
    legal = game.legal(state)
    if view not in views:
        views[view] = len(sizes)
        sizes.append(len(legal))
    return player, views[view], [_tree(game, game.act(state, action), views, sizes) for action in legal]


def _match(regret: list[float]) -> list[float]:
    """Regret matching: probabilities in proportion, or all the same when there is none."""
    total = sum(regret)
    return [value / total for value in regret] if total > 0 else [1 / len(regret)] * len(regret)


def _walk(
    node: Node,
    learner: int,
    mine: float,
    others: float,
    weight: float,
    current: list[list[float]],
    gains: list[list[float]],
    totals: list[list[float]],
) -> float:
    """The learner's value of ``node``; adds to its regrets and to its average strategy.

    mine, others: the chance that the learner, and that the other player and the deal, lead here.
    """
    player, number, children = node
    if player < 0:
        value: float = children
        return value if learner == 0 else -value
    chances = current[number]
    if player != learner:
        total = 0.0
        for chance, child in zip(
            chances, children, strict=True
        ):  # of chance 0 too: the average is learnt there as well
            total += chance * _walk(child, learner, mine, others * chance, weight, current, gains, totals)
        return total
    values = []
    for chance, child in zip(chances, children, strict=True):
        values.append(_walk(child, learner, mine * chance, others, weight, current, gains, totals))
    total = sum(chance * value for chance, value in zip(chances, values, strict=True))
    gain, average = gains[number], totals[number]
    for k, value in enumerate(values):
        gain[k] += others * (value - total)
        average[k] += weight * mine * chances[k]
    return total
