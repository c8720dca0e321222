"""Graph families: what is asked has an answer, any right answer counts, networkx agrees with every optimum."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from palaestra.envs import Problem, Task, sample_problem
from palaestra.envs.tasks.graphs.graph_colouring import GraphColouring
from palaestra.envs.tasks.graphs.pointer_chasing import PointerChasing
from palaestra.envs.tasks.graphs.reachability import Reachability
from palaestra.envs.tasks.graphs.shortest_path import ShortestPath
from palaestra.envs.tasks.graphs.spanning_tree import SpanningTree
from palaestra.envs.tasks.graphs.topological_order import TopologicalOrder

SQUARE = {"A-B": 1, "A-C": 2, "B-D": 3, "C-D": 2, "A-D": 5}  # A-B-D and A-C-D are both shortest
PROBLEMS: dict[Task, Problem] = {
    ShortestPath(): Problem("", {"weights": SQUARE, "source": "A", "target": "D", "length": 4}, 1),
    SpanningTree(): Problem("", {"weights": {**SQUARE, "B-C": 2}, "vertices": 4, "weight": 5}, 1),
    GraphColouring(): Problem("", {"vertices": 4, "edges": ["A-B", "A-C", "B-C", "C-D"]}, 1),
    TopologicalOrder(): Problem("", {"vertices": 4, "edges": ["B -> A", "B -> C", "C -> D"]}, 1),
    Reachability(): Problem("", {"edges": ["A -> B", "B -> C", "D -> A"], "source": "A", "reachable": ["B", "C"]}, 1),
}


def problems(task: Task, seeds: int = 15) -> list[Problem]:
    return [sample_problem(task, seed, level) for level in task.difficulties for seed in range(seeds)]


@pytest.mark.parametrize(
    ("task", "answer"),
    [
        (ShortestPath(), "A -> B -> D"),
        (ShortestPath(), "A, C, D"),
        (ShortestPath(), r"A \to C \to D"),
        (SpanningTree(), "A-B, A-C, C-D"),
        (SpanningTree(), "(B, A), (B, C), (D, C)"),
        (GraphColouring(), "A: 1, B: 2, C: 3, D: 1"),
        (GraphColouring(), "A: red, B: blue, C: green, D: blue"),
        (TopologicalOrder(), "B, C, D, A"),
        (TopologicalOrder(), "[B, A, C, D]"),
        (Reachability(), "C, B"),
        (Reachability(), "A, B, C"),
    ],
)
def test_any_right_answer_counts(task: Task, answer: str) -> None:
    verdict = task.verify(PROBLEMS[task], f"\\boxed{{{answer}}}")
    assert verdict.right, verdict.reason


@pytest.mark.parametrize(
    ("task", "answer", "reason"),
    [
        (ShortestPath(), "A -> D", "a path of length 5; the shortest has 4"),
        (ShortestPath(), "A -> B -> C -> D", "no edge joins B and C"),
        (ShortestPath(), "B -> D", "does not lead from A to D"),
        (ShortestPath(), "A -> B -> A -> C -> D", "length 6"),
        (SpanningTree(), "A-B, A-C, A-D", "weight 8; 5 is possible"),
        (SpanningTree(), "A-B, A-C, B-C", "B-C closes a cycle"),
        (SpanningTree(), "A-B, A-B, A-C, C-D", "A-B closes a cycle"),
        (SpanningTree(), "A-B, C-D", "2 edges do not join 4 vertices"),
        (SpanningTree(), "A-B, A-C, A-X", "A-X is no edge"),
        (GraphColouring(), "A: 1, B: 2, C: 1, D: 3", "A and C are joined"),
        (GraphColouring(), "A: 1, B: 2, C: 3", "D has no colour"),
        (GraphColouring(), "A: 1, B: 2, C: 3, D: 4", "4 colours are used"),
        (GraphColouring(), "A: 1, B: 2, C: 3, D: 1, E: 1", "no vertex"),
        (TopologicalOrder(), "B, D, C, A", "D stands before C"),
        (TopologicalOrder(), "B, C, D", "A is missing"),
        (TopologicalOrder(), "B, C, D, A, B", "B stands twice"),
        (TopologicalOrder(), "B, C, D, A, E", "no vertex"),
        (Reachability(), "B", "C can be reached"),
        (Reachability(), "B, C, D", "D cannot be reached"),
    ],
)
def test_the_reason_says_what_is_wrong(task: Task, answer: str, reason: str) -> None:
    verdict = task.verify(PROBLEMS[task], f"\\boxed{{{answer}}}")
    assert not verdict.right
    assert reason in verdict.reason


def weighted(problem: Problem) -> nx.Graph:
    graph = nx.Graph()
    for edge, weight in problem.reference["weights"].items():
        graph.add_edge(*edge.split("-"), weight=weight)
    return graph


def test_lengths_of_shortest_paths_are_those_of_networkx() -> None:
    for problem in problems(ShortestPath()):
        reference = problem.reference
        ends = reference["source"], reference["target"]
        assert nx.shortest_path_length(weighted(problem), *ends, weight="weight") == reference["length"]
        for path in list(nx.all_shortest_paths(weighted(problem), *ends, weight="weight"))[:3]:
            assert ShortestPath().verify(problem, f"\\boxed{{{' -> '.join(path)}}}").right


def test_weights_of_spanning_trees_are_those_of_networkx() -> None:
    for problem in problems(SpanningTree()):
        tree = nx.minimum_spanning_tree(weighted(problem), algorithm="prim")
        assert tree.size(weight="weight") == problem.reference["weight"]
        assert len(tree) == problem.reference["vertices"]
        answer = ", ".join(f"{a}-{b}" for a, b in tree.edges)
        assert SpanningTree().verify(problem, f"\\boxed{{{answer}}}").right


def test_graphs_to_colour_have_as_many_edges_as_their_difficulty_says() -> None:
    for problem in problems(GraphColouring()):
        edges = problem.reference["edges"]
        assert len(set(edges)) == len(edges) == 2 * (6 + problem.difficulty) - 2 + problem.difficulty // 2
        assert {vertex for edge in edges for vertex in edge.split("-")} == {*problem.meta["colouring"]}


def test_every_order_that_networkx_finds_is_right_and_its_reverse_is_wrong() -> None:
    for problem in problems(TopologicalOrder()):
        graph = nx.DiGraph([edge.split(" -> ") for edge in problem.reference["edges"]])
        graph.add_nodes_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: problem.reference["vertices"]])
        order = list(nx.topological_sort(graph))
        assert TopologicalOrder().verify(problem, f"\\boxed{{{', '.join(order)}}}").right
        assert not TopologicalOrder().verify(problem, f"\\boxed{{{', '.join(reversed(order))}}}").right


def test_what_can_be_reached_is_what_networkx_reaches() -> None:
    for problem in problems(Reachability()):
        graph = nx.DiGraph([edge.split(" -> ") for edge in problem.reference["edges"]])
        reachable = nx.descendants(graph, problem.reference["source"])
        assert sorted(reachable) == problem.reference["reachable"]
        assert len(reachable) >= 3


def test_the_prompt_shows_the_graph_that_the_verifier_reads() -> None:
    for problem in problems(ShortestPath(), 2):
        assert ", ".join(f"{e} {w}" for e, w in problem.reference["weights"].items()) in problem.prompt
    for task in (GraphColouring(), TopologicalOrder(), Reachability()):
        for problem in problems(task, 2):
            assert ", ".join(problem.reference["edges"]) in problem.prompt


WALK = Problem(
    "", ["D", "B"], 2, {"fields": {"arrows": "AD; BC; CA; DB", "start": "A", "times": "twice"}, "wording": 0}
)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("\\boxed{B}", "the end of the walk"),
        ("it ends at \\boxed{ b }", "the end of the walk"),
        ("\\boxed{D}", "expected B, got D"),
        ("\\boxed{D -> B}", "2 vertices: the walk ends at one"),
        ("", "no answer found"),
    ],
)
def test_a_walk_ends_at_one_vertex(answer: str, reason: str) -> None:
    verdict = PointerChasing().verify(WALK, answer)
    assert (verdict.reason, verdict.right) == (reason, reason == "the end of the walk")


def test_walks_are_on_one_cycle_longer_than_they_are() -> None:
    for problem in problems(PointerChasing()):
        arrows = dict(problem.meta["fields"]["arrows"].split("; "))
        graph = nx.DiGraph(list(arrows.items()))
        assert len(nx.find_cycle(graph)) == len(graph) == problem.difficulty + 8
        at = problem.meta["fields"]["start"]
        walk = [at := arrows[at] for _ in range(problem.difficulty)]
        assert walk == problem.reference


def test_each_vertex_of_a_walk_is_judged_and_the_way_back_is_a_walk() -> None:
    task = PointerChasing()
    lines = "so\nAD\nDC\n\\boxed{B}\nBC"
    assert [v.status for v in task.steps(WALK, lines)] == ["undecided", "right", "wrong", "right", "undecided"]
    back = task.invert(WALK)
    assert back is not None
    assert "followed twice, to B. Where was the start?" in back.prompt
    assert back.reference == ["D", "A"]
    assert task.solve(back, np.random.default_rng(0)) == "DB\nAD\n\\boxed{A}"
    assert task.invert(back) is None
    assert "Who had it first?" in task.reword(back, 1).prompt
