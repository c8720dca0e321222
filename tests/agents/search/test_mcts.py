"""Monte-Carlo tree search by hand: exact visits and values, what is left out, and when it stops."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from palaestra.agents.search.mcts import MCTS, global_leaf
from palaestra.agents.search.scores import PUCT, UCT, BelowParent, Constant, Widening, max_child, robust_child
from palaestra.agents.search.tree import Node, Proposal, Tree
from palaestra.agents.search.world import run
from palaestra.envs.seeding import derive_seed

HAND = {
    "root": {"a": 0.6, "b": 0.4},
    "a": {"a1": 0.5, "a2": 0.5},
    "b": {"b1": 1.0},
    "a2": {"a21": 1.0},
}
VALUES = {"a": 0.2, "b": 0.5, "a1": -1.0, "a2": 0.1, "b1": 1.0, "a21": 0.25}
SEARCH = MCTS(simulations=1, children=2, score=PUCT(c=1.0), commit=False)


def grown(world: Any, search: MCTS) -> Tree:
    (tree,) = run(world, search, ["root"], [0])
    return tree


def figures(tree: Tree) -> dict[str, tuple[int, float]]:
    """Visits and summed values of every node that has been visited."""
    return {node.action or "root": (node.visits, round(node.total, 12)) for node in tree.nodes if node.visits}


def test_the_seeds_of_a_nodes_samples_are_hashes_of_tree_node_and_number() -> None:
    tree = Tree.rooted("root", 5)
    tree.root.asked = 2
    seeds = tree.sample_seeds(tree.root, 3)
    assert list(seeds) == [derive_seed(5, 0, number) for number in (2, 3, 4)]
    assert (len(seeds), seeds[1]) == (3, derive_seed(5, 0, 3))


@pytest.mark.parametrize(
    ("simulations", "expected"),
    [
        (1, {"root": (1, 0.0)}),
        (2, {"root": (3, -0.8), "a": (2, -0.8), "a1": (1, -1.0)}),
        (3, {"root": (5, 0.7), "a": (2, -0.8), "a1": (1, -1.0), "b": (2, 1.5), "b1": (1, 1.0)}),
        (
            4,
            {
                **{"root": (7, 1.05), "a": (4, -0.45), "a1": (1, -1.0), "b": (2, 1.5), "b1": (1, 1.0)},
                **{"a2": (2, 0.35), "a21": (1, 0.25)},
            },
        ),
    ],
)
def test_puct_on_a_tree_by_hand(world_of: Any, simulations: int, expected: dict[str, tuple[int, float]]) -> None:
    tree = grown(world_of(HAND, VALUES), replace(SEARCH, simulations=simulations))
    assert figures(tree) == expected


def test_puct_scores_by_hand(world_of: Any) -> None:
    tree = grown(world_of(HAND, VALUES), replace(SEARCH, simulations=2))
    a, b = tree.root.children
    assert PUCT(c=1.0)(a) == pytest.approx(-0.4 + 0.6 * math.sqrt(3) / 3)
    assert PUCT(c=1.0)(b) == pytest.approx(0.4 * math.sqrt(3))
    assert PUCT(c=1.0, urgency=Constant(-0.5))(b) == pytest.approx(0.4 * math.sqrt(3) - 0.5)
    assert PUCT(c=1.0, urgency=BelowParent(0.2))(b) == pytest.approx(0.4 * math.sqrt(3) - 0.8 / 3 - 0.2)


def test_uct_scores_by_hand() -> None:
    root = Node(0, Proposal("", None), visits=10, total=5.0)
    often = Node(1, Proposal("often", None), root, visits=4, total=3.0)
    assert UCT()(often) == pytest.approx(0.75 + 2 * math.sqrt(0.5) * math.sqrt(2 * math.log(10) / 4))
    assert UCT()(Node(2, Proposal("never", None), root)) == math.inf


def test_an_exhausted_tree_is_no_longer_searched(world_of: Any) -> None:
    world = world_of(HAND, VALUES)
    tree = grown(world, replace(SEARCH, simulations=1000))
    assert world.expanded == ["root", "a", "b", "a2"]
    assert all(node.closed for node in tree.nodes)
    assert tree.answer.action == "b1"


def test_terminals_are_backed_up_once_and_never_expanded(world_of: Any) -> None:
    tree = grown(world_of(HAND, VALUES), replace(SEARCH, simulations=1000))
    assert [node.visits for node in tree.nodes if node.terminal] == [1, 1, 1]


def test_a_terminal_that_may_be_visited_again_is(world_of: Any) -> None:
    search = replace(SEARCH, simulations=12, revisit_terminals=True)
    tree = grown(world_of({"root": {"x": 0.5, "y": 0.5}}, {"x": -1.0, "y": 1.0}), search)
    x, y = tree.root.children
    assert (x.visits, y.visits) == (1, 12)  # one each when made, and the other eleven simulations
    assert tree.root.visits == 14


def test_what_the_world_knows_is_not_estimated(world_of: Any) -> None:
    world = world_of(HAND, VALUES, known=["a1", "b1", "a21"])
    tree = grown(world, replace(SEARCH, simulations=1000))
    assert figures(tree)["root"] == (7, 1.05)


def test_max_and_robust_moves_differ_where_terminals_are_left_out(world_of: Any) -> None:
    root = grown(world_of(HAND, VALUES), replace(SEARCH, simulations=1000)).root
    assert max_child(root) is root.children[1]
    assert robust_child(root) is root.children[0]


def test_equal_scores_go_to_the_first(world_of: Any) -> None:
    world = world_of({"root": {"a": 0.5, "b": 0.5}, "a": {"c": 1.0}, "b": {"d": 1.0}}, {})
    grown(world, replace(SEARCH, simulations=2))
    assert world.expanded == ["root", "a"]


def test_a_committed_search_moves_until_it_ends(world_of: Any) -> None:
    world = world_of(HAND, VALUES)
    tree = grown(world, replace(SEARCH, simulations=2, commit=True))
    # Two simulations look below a only, at Q -0.4; b, not looked into, stands at minus infinity.
    assert tree.answer.action == "a21"
    assert world.expanded == ["root", "a", "a2"]


def test_a_dead_end_is_closed(world_of: Any) -> None:
    world = world_of({"root": {"a": 1.0, "b": 0.5}, "a": {}, "b": {"c": 1.0}}, {})
    tree = grown(world, replace(SEARCH, simulations=50))
    assert tree.root.closed
    assert tree.answer.action == "c"


def test_widening_adds_a_child_at_a_time_and_evaluates_it(world_of: Any) -> None:
    names = dict.fromkeys("abcdefghij", 0.1)
    world = world_of({"root": names, **{name: {f"{name}1": 1.0} for name in names}}, {})
    search = replace(SEARCH, children=10, score=UCT(), widening=Widening(1.0, 0.5))
    for simulations, children in ((1, 1), (3, 1), (4, 2), (9, 3), (16, 4)):
        tree = grown(world, replace(search, simulations=simulations))
        assert len(tree.root.children) == min(children, math.isqrt(tree.root.visits)), simulations
        assert all(child.visits for child in tree.root.children)


def test_widening_goes_on_past_a_first_child_that_is_an_end(world_of: Any) -> None:
    world = world_of({"root": {"end": 0.5, "a": 0.5}, "a": {"a-end": 0.5, "won": 0.5}}, {"won": 1.0})
    tree = grown(world, replace(SEARCH, simulations=20, children=2, widening=Widening(), commit=False))
    assert tree.root.closed
    assert tree.answer.action == "won"


def test_virtual_loss_sends_parallel_leaves_apart(world_of: Any) -> None:
    wide = {"root": {"a": 0.4, "b": 0.3, "c": 0.3}, "a": {"a1": 1.0, "a2": 1.0}, "b": {"b1": 1.0}, "c": {"c1": 1.0}}
    world = world_of(wide, {})
    tree = grown(world, replace(SEARCH, simulations=4, children=3, parallel=3))
    assert world.expanded == ["root", "a", "b", "c"]  # the root alone, then three leaves as one batch
    assert world.calls[2] == ("expand", 3)
    assert all(node.waiting == 0 and not node.expanding for node in tree.nodes)


def test_virtual_loss_counts_as_a_lost_visit() -> None:
    root = Node(0, Proposal("", None), visits=4, total=2.0, waiting=1)
    child = Node(1, Proposal("x", None, prior=0.5), root, visits=2, total=1.0, waiting=1)
    assert PUCT(c=1.0)(child) == pytest.approx((1.0 - 1.0) / 3 + 0.5 * math.sqrt(5) / 4)
    assert PUCT(c=1.0, virtual_loss=0.0)(child) == pytest.approx(1.0 / 3 + 0.5 * math.sqrt(5) / 4)


def test_a_global_search_takes_the_best_leaf_of_the_whole_tree(world_of: Any) -> None:
    # a looks better than b, but both of its children are worse than c: going down from the root leads below a.
    children = {"root": {"a": 0.3, "b": 0.4, "c": 0.3}, "a": {"a1": 0.5, "a2": 0.5}, "b": {"b1": 1.0}, "c": {"c1": 1.0}}
    children |= {"a1": {"a11": 1.0}, "a2": {"a21": 1.0}}
    values = {"a": 1.0, "b": 0.3, "c": 0.6, "a1": 0.5, "a2": 0.4}
    order = {}
    for find in (SEARCH.find, global_leaf):
        world = world_of(children, values)
        search = replace(SEARCH, simulations=3, children=3, score=PUCT(c=0.0), evaluate_children=True, find=find)
        grown(world, search)
        order[find] = world.expanded
    assert order[SEARCH.find] == ["root", "a", "a1"]
    assert order[global_leaf] == ["root", "a", "c"]


def test_equal_actions_of_siblings_are_one_child() -> None:
    tree = Tree.rooted("s")
    added = tree.attach(tree.root, [Proposal("x", 1), Proposal("x", 2), Proposal("y", 3)])
    assert [(node.id, node.action, node.state) for node in added] == [(1, "x", 1), (2, "y", 3)]
    assert tree.attach(tree.root, [Proposal("y", 4)]) == []


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        MCTS(simulations=0)
