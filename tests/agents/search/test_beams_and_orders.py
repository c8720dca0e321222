"""Beams, breadth first, depth first and A*: in which order they look, and what they settle on."""

from __future__ import annotations

import math
from typing import Any

import pytest

from palaestra.agents.search.beam import StepBeam
from palaestra.agents.search.best_first import AStar, log_prior
from palaestra.agents.search.mcts import MCTS
from palaestra.agents.search.methods import method_named
from palaestra.agents.search.thoughts import BreadthFirst, DepthFirst
from palaestra.agents.search.tree import Proposal, Tree
from palaestra.agents.search.world import Method, Proposed, Valued, run

BINARY = {"": {"0": 0.5, "1": 0.5}, "0": {"00": 0.5, "01": 0.5}, "1": {"10": 0.5, "11": 0.5}}


def searched(world: Any, method: Method) -> Tree:
    (tree,) = run(world, method, [""], [0])
    return tree


def test_a_constant_value_orders_beams_by_index(world_of: Any) -> None:
    world = world_of(BINARY, {})
    assert searched(world, StepBeam(beams=1, samples=2)).answer.action == "00"
    assert world.expanded == ["", "0"]
    world = world_of({"": dict.fromkeys("dacb", 0.25), **{x: {x + "!": 1.0} for x in "abcd"}}, {})
    searched(world, StepBeam(beams=3, samples=4))
    assert world.expanded == ["", "d", "a", "c"]


def test_an_end_that_was_not_kept_is_no_answer(world_of: Any) -> None:
    children = {"": {"a": 0.5, "end": 0.5}, "a": {"aa": 1.0}}
    assert searched(world_of(children, {}), StepBeam(1, 2)).answer.action == "aa"
    assert searched(world_of(children, {"a": 0.9, "end": 0.8, "aa": 0.1}), StepBeam(1, 2)).answer.action == "aa"


def test_a_beam_follows_the_value_of_the_next_states(world_of: Any) -> None:
    values = {"0": 0.1, "1": 0.2, "10": 0.9, "11": 0.3, "00": 1.0}
    world = world_of(BINARY, values)
    assert searched(world, StepBeam(beams=1, samples=2)).answer.action == "10"
    assert searched(world, StepBeam(beams=2, samples=2)).answer.action == "00"
    assert searched(world, StepBeam(beams=1, samples=1)).answer.action == "00"  # the first sample, whatever its value


def test_what_has_ended_narrows_the_beam(world_of: Any) -> None:
    children = {
        "": {"end": 0.4, "a": 0.3, "b": 0.3},
        "a": {"aa": 0.5, "ab": 0.5},
        "aa": {"aaa": 1.0},
        "ab": {"aba": 1.0},
    }
    world = world_of(children, {"end": 0.9, "a": 0.8, "b": 0.7, "aa": 0.5, "ab": 0.4, "aaa": 1.0, "aba": 2.0})
    assert searched(world, StepBeam(beams=2, samples=3)).answer.action == "aaa"
    assert world.expanded == ["", "a", "aa"]


def test_the_best_of_what_has_ended_is_the_answer_not_the_last(world_of: Any) -> None:
    children = {"": {"end": 0.5, "a": 0.5}, "a": {"aa": 1.0}}
    tree = searched(world_of(children, {"end": 0.9, "a": 0.8, "aa": 0.1}), StepBeam(beams=2, samples=2))
    assert tree.answer.action == "end"


def test_a_diverse_beam_takes_another_action_over_the_same_again() -> None:
    class Same:
        """Two parents whose children have the same actions."""

        def expand(self, requests: Any) -> Any:
            ends = [len(request.state) == 1 for request in requests]
            return [
                Proposed([Proposal(x, request.state + x, end) for x in "xy"])
                for request, end in zip(requests, ends, strict=True)
            ]

        def evaluate(self, states: Any) -> Any:
            values = {"x": 0.9, "y": 0.8, "xx": 0.9, "yx": 0.85, "xy": 0.8, "yy": 0.1}
            return [Valued(values[state]) for state in states]

    ranked = {}
    for diversity in (0.0, 0.2):
        beam = StepBeam(beams=2, samples=2, diversity=diversity)
        tree = searched(Same(), beam)
        ranked[diversity] = [node.state for node in beam.best([n for n in tree.nodes if n.terminal], 2)]
    assert ranked == {0.0: ["xx", "yx"], 0.2: ["xx", "xy"]}


def test_breadth_first_prunes_by_threshold_and_breadth(world_of: Any) -> None:
    names = {"": {"a": 0.3, "b": 0.3, "c": 0.4}, "a": {"a1": 1.0}, "b": {"b1": 1.0}, "c": {"c1": 1.0}}
    values = {"a": 0.2, "b": 0.6, "c": 0.7, "a1": 1.0, "b1": 0.5, "c1": 0.4}
    for breadth, threshold, expanded, answer in (
        (3, -math.inf, ["", "c", "b", "a"], "a1"),
        (3, 0.5, ["", "c", "b"], "b1"),
        (1, -math.inf, ["", "c"], "c1"),
        (3, 0.8, [""], ""),
    ):
        world = world_of(names, values)
        tree = searched(world, BreadthFirst(breadth, 3, threshold))
        assert (world.expanded, tree.answer.action) == (expanded, answer)


def test_breadth_first_ends_at_its_depth(world_of: Any) -> None:
    world = world_of({"": {"a": 1.0}, "a": {"b": 1.0}, "b": {"c": 1.0}}, {})
    assert searched(world, BreadthFirst(depth=2)).answer.action == "b"


def test_depth_first_turns_back_from_what_is_pruned(world_of: Any) -> None:
    values = {"0": 0.9, "1": 0.5, "00": 0.1, "01": 0.2, "10": 0.7, "11": 0.8}
    world = world_of(BINARY, values)
    tree = searched(world, DepthFirst(thoughts=2, threshold=0.3))
    assert world.expanded == ["", "0", "1"]
    assert tree.answer.action == "11"


def test_depth_first_stops_with_an_answer_that_is_good_enough(world_of: Any) -> None:
    values = {"0": 0.9, "1": 0.5, "00": 0.1, "01": 0.2, "10": 0.7, "11": 0.8}
    for enough, expanded, answer in ((-math.inf, ["", "0"], "01"), (0.6, ["", "0", "1"], "11")):
        world = world_of(BINARY, values)
        tree = searched(world, DepthFirst(thoughts=2, enough=enough))
        assert (world.expanded, tree.answer.action) == (expanded, answer)


def test_depth_first_keeps_to_its_budget(world_of: Any) -> None:
    world = world_of(BINARY, {"00": 0.5, "01": 0.1})
    tree = searched(world, DepthFirst(thoughts=2, enough=1.0, expansions=2))
    assert world.expanded == ["", "0"]
    assert tree.answer.action == "00"


PATHS = {"": {"a": 0.6, "b": 0.4}, "a": {"ax": 0.2, "ay": 0.2}, "b": {"bx": 0.9}, "ax": {"axx": 0.1}}


def test_a_star_finds_the_likeliest_path_with_an_admissible_heuristic(world_of: Any) -> None:
    blind = world_of(PATHS, {})  # h = 0 never says too little: uniform-cost search
    assert searched(blind, AStar()).answer.action == "bx"  # 0.36, though a alone is likelier than b
    assert blind.expanded == ["", "a", "b"]
    known = world_of(PATHS, {"a": math.log(0.2), "b": math.log(0.9), "ax": math.log(0.1)})
    assert searched(known, AStar()).answer.action == "bx"
    assert known.expanded == ["", "b"]  # what h knows need not be looked into


def test_a_star_weighs_whole_paths_not_last_steps(world_of: Any) -> None:
    world = world_of({"": {"a": 0.6, "b": 0.4}, "a": {"ax": 0.5}, "ax": {"axx": 0.9}, "b": {"bx": 0.9}}, {})
    assert searched(world, AStar()).answer.action == "bx"  # 0.36 against 0.27
    assert world.expanded == ["", "a", "b"]


def test_a_star_with_no_weight_or_little_time(world_of: Any) -> None:
    world = world_of(PATHS, {"a": -100.0})
    searched(world, AStar(weight=0.0))
    assert world.expanded == ["", "a", "b"]
    assert searched(world_of(PATHS, {}), AStar(expansions=1)).answer.action == "a"
    assert searched(world_of(PATHS, {}), AStar(expansions=2)).answer.action == "ay"


def test_out_of_time_a_star_gives_the_end_of_the_best_promise(world_of: Any) -> None:
    world = world_of({"": {"unlikely": 1e-6, "a": 0.9}, "a": {"likely": 0.3, "on": 0.9}, "on": {"onward": 0.9}}, {})
    assert searched(world, AStar(expansions=2)).answer.action == "likely"


def test_gains_add_up(world_of: Any) -> None:
    tree = searched(world_of(PATHS, {}), AStar())
    assert sum(log_prior(node) for node in tree.answer.ancestry()) == pytest.approx(math.log(0.36))


def test_a_search_by_name_takes_its_numbers_and_no_more() -> None:
    assert method_named("astar:3,6") == AStar(3, expansions=6)
    assert method_named("mcts:4,3") == MCTS(4, 3)
    assert method_named("dfs:3,0,1,6") == DepthFirst(3, 0, 1, expansions=6)
    for text in ("astar:3,6,1", "mcts:4,3,1", "mcts_g:3,4"):  # what follows is no number
        with pytest.raises(ValueError, match="is no search"):
            method_named(text)


def test_nonsense_is_refused() -> None:
    for make in (lambda: StepBeam(0), lambda: BreadthFirst(0), lambda: DepthFirst(0), lambda: AStar(0)):
        with pytest.raises(ValueError, match="1 or more"):
            make()
