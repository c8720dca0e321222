"""What holds of every search on any tree."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palaestra.agents.search.beam import StepBeam
from palaestra.agents.search.best_first import AStar
from palaestra.agents.search.mcts import MCTS, global_leaf
from palaestra.agents.search.scores import PUCT, UCT, Widening, robust_child
from palaestra.agents.search.thoughts import BreadthFirst, DepthFirst
from palaestra.agents.search.tree import Proposal, Tree
from palaestra.agents.search.world import Method, Proposed, Request, Valued, run
from palaestra.episodes import Cost

MCTS_KINDS = (
    MCTS(12, 3),
    MCTS(12, 3, score=UCT(), move=robust_child, parallel=4),
    MCTS(12, 3, widening=Widening(1.5, 0.5), parallel=2),
    MCTS(12, 3, evaluate_children=True, find=global_leaf),
    MCTS(12, 3, revisit_terminals=True, parallel=3, commit=False),
)
METHODS = (*MCTS_KINDS, StepBeam(2, 3), StepBeam(3, 2, 0.5), BreadthFirst(2, 3, -0.5), DepthFirst(3, -0.5), AStar(3))


def named(method: Any) -> str:
    return type(method).__name__


class SeededWorld:
    """A tree that its seeds alone make: samples are letters, of which equals are one child; some end, some are dead."""

    def __init__(self, depth: int = 4) -> None:
        self.depth = depth
        self.batches: list[int] = []

    def expand(self, requests: Any) -> list[Proposed]:
        self.batches.append(len(requests))
        return [Proposed([self._draw(request, seed) for seed in request.seeds], Cost(1, 2)) for request in requests]

    def _draw(self, request: Request, seed: int) -> Proposal:
        assert not request.state.endswith("."), "a terminal is never expanded"
        rng = np.random.default_rng(seed)
        letter = "abc"[int(rng.integers(3))]
        end = len(request.state) >= self.depth - 1 or rng.random() < 0.2
        value = float(rng.uniform(-1, 1)) if end and rng.random() < 0.5 else None
        return Proposal(letter, request.state + letter + "." * end, end, float(rng.uniform(0.1, 1)), value)

    def evaluate(self, states: Any) -> list[Valued]:
        return [Valued(float(np.random.default_rng(list(state.encode())).uniform(-1, 1))) for state in states]


def told(tree: Tree) -> Any:
    return tree.rows(), tree.answer.id, tree.cost


@pytest.mark.parametrize("method", METHODS, ids=named)
@given(seed=st.integers(0, 2**32), problems=st.integers(1, 6))
@settings(max_examples=15, deadline=None)
def test_a_batch_is_searched_as_each_alone(method: Method, seed: int, problems: int) -> None:
    world, seeds = SeededWorld(), range(seed, seed + problems)
    together = run(world, method, [""] * problems, seeds)
    assert world.batches[0] == problems
    assert [told(tree) for tree in together] == [told(run(SeededWorld(), method, [""], [one])[0]) for one in seeds]


@pytest.mark.parametrize("method", METHODS, ids=named)
def test_another_seed_is_another_tree(method: Method) -> None:
    trees = run(SeededWorld(), method, [""] * 5, range(5))
    assert len({str(tree.rows()) for tree in trees}) == 5


@pytest.mark.parametrize("search", MCTS_KINDS, ids=named)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_visits_add_up_and_values_stay_in_range(search: MCTS, seed: int) -> None:
    (tree,) = run(SeededWorld(), search, [""], [seed])
    for node in tree.nodes:
        below = sum(child.visits for child in node.children)
        assert node.waiting == 0
        assert not node.expanding
        assert len(node.children) <= search.children
        if node.terminal:
            assert not node.children
            assert search.revisit_terminals or node.visits == 1
        else:
            assert node.visits == (below + 1 if node.visits else 0)
        if node.visits:
            own = node.value * node.visits if node.terminal else node.value
            assert node.total == pytest.approx(own + sum(child.total for child in node.children))
            assert -1 - 1e-9 <= node.q <= 1 + 1e-9
        if node.closed and not node.terminal:
            assert all(child.closed for child in node.children)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_enough_simulations_exhaust_a_tree_and_find_its_best_end(seed: int) -> None:
    (tree,) = run(SeededWorld(3), MCTS(500, 3, score=PUCT(), commit=False), [""], [seed])
    assert tree.root.closed
    ends = [node for node in tree.nodes if node.terminal]
    assert tree.answer.terminal or not ends
    assert all(end.value <= tree.answer.value for end in ends)


def test_uct_comes_to_prefer_the_better_arm_and_tries_the_worse_one_less_than_chance() -> None:
    class Arms:
        """Two ends; their values are known."""

        def expand(self, requests: Any) -> list[Proposed]:
            ends = [Proposal("good", "good", True, value=0.8), Proposal("bad", "bad", True, value=0.2)]
            return [Proposed(ends) for _ in requests]

        def evaluate(self, states: Any) -> list[Valued]:
            return [Valued(0.0) for _ in states]

    search = MCTS(400, 2, score=UCT(), move=robust_child, revisit_terminals=True, commit=False)
    (tree,) = run(Arms(), search, [""], [0])
    good, bad = tree.root.children
    assert robust_child(tree.root) is good
    assert bad.visits < 0.3 * good.visits


class Forgetful(SeededWorld):
    """Knows nothing of every second state, and says nan of every end that it knows."""

    def _draw(self, request: Request, seed: int) -> Proposal:
        proposal = super()._draw(request, seed)
        return proposal if proposal.value is None else replace(proposal, value=math.nan)

    def evaluate(self, states: Any) -> list[Valued]:
        known = super().evaluate(states)
        return [Valued(math.nan) if sum(map(ord, state)) % 2 else one for state, one in zip(states, known, strict=True)]


@pytest.mark.parametrize("method", METHODS, ids=named)
def test_values_that_are_nan_spoil_no_mean_and_are_told_of(method: Method) -> None:
    trees = run(Forgetful(), method, ["", "", ""], [1, 2, 3])
    assert sum(tree.nans for tree in trees) > 0
    for tree in trees:
        assert all(node.value is None or math.isfinite(node.value) for node in tree.nodes)
        assert all(math.isfinite(node.q) for node in tree.nodes if node.visits)
        meta = tree.rows()[0].get("meta", {})
        assert meta == ({"nan values": tree.nans} if tree.nans else {})


class Nothing(SeededWorld):
    """Has nothing to propose."""

    def expand(self, requests: Any) -> list[Proposed]:
        return [Proposed([]) for _ in requests]


@pytest.mark.parametrize("method", METHODS, ids=named)
def test_a_search_without_any_candidate_ends_at_its_root(method: Method) -> None:
    for tree in run(Nothing(), method, ["", ""], [1, 2]):
        assert tree.answer is tree.root
        assert len(tree.nodes) == 1


class Endless(SeededWorld):
    """No state ever ends."""

    def _draw(self, request: Request, seed: int) -> Proposal:
        letter = "abc"[seed % 3]
        return Proposal(letter, request.state + letter, prior=0.5)


SHORT = [replace(one, moves=5) if isinstance(one, MCTS) else one for one in METHODS]


@pytest.mark.parametrize(
    "method", [replace(one, depth=20) if isinstance(one, StepBeam) else one for one in SHORT], ids=named
)
def test_a_tree_without_an_end_is_bounded(method: Method) -> None:
    (tree,) = run(Endless(), method, [""], [1])
    assert not tree.answer.terminal
    assert len(tree.nodes) < 2000
