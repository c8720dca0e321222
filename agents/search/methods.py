"""Searches by name, as the command line and recipes write them."""

from __future__ import annotations

from collections.abc import Callable

from .beam import StepBeam
from .best_first import AStar
from .games import moves
from .mcts import MCTS, global_leaf
from .thoughts import BreadthFirst, DepthFirst
from .world import Method

MOVES = "moves"  # in games
METHODS: dict[str, Callable[..., Method]] = {
    "sbs": StepBeam,
    "mcts": lambda simulations=40, children=5: MCTS(simulations, children),
    "mcts_g": lambda simulations=40: MCTS(simulations, find=global_leaf, evaluate_children=True, commit=False),
    "bfs": BreadthFirst,
    "dfs": DepthFirst,
    "astar": lambda samples=5, expansions=100: AStar(samples, expansions=expansions),
    MOVES: moves,
}


def is_for_games(text: str) -> bool:
    """Whether a search is for moves of games, not for parts of an answer."""
    return text.partition(":")[0] == MOVES


def method_named(text: str) -> Method:
    """``sbs:3,5`` is ``StepBeam(3, 5)``, ``mcts:40`` is ``MCTS(40)``, ``dfs`` is ``DepthFirst()``.

    Of ``mcts`` and ``astar`` the second number is how many children a node has, and after how many expansions it ends.

    Raises:
        ValueError: no such search, or it is not made of these numbers.
    """
    name, _, numbers = text.partition(":")
    if name not in METHODS:
        raise ValueError(f"a search is one of {', '.join(METHODS)}, as in sbs:3,5; not {text!r}")
    try:
        return METHODS[name](*(int(number) for number in numbers.split(",") if number))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{text!r} is no search: {error}") from error
