from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations, permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palaestra.verifiers import Status
from palaestra.verifiers.graphs import (
    ColouringVerifier,
    EulerianVerifier,
    FlowValueVerifier,
    FlowVerifier,
    Graph,
    HamiltonianVerifier,
    IsomorphismVerifier,
    MatchingVerifier,
    PathVerifier,
    SpanningTreeVerifier,
    TopologicalOrderVerifier,
    TourVerifier,
    VertexSetVerifier,
)

ROADS = Graph([("A", "B", 1), ("B", "C", 1.5), ("A", "C", 3), ("C", "D", 1), ("B", "D", 2.5)])
TOWNS = Graph([*ROADS.edges, ("A", "D", 9)])
STEPS = Graph([("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")], directed=True)
PIPES = Graph([("s", "a", 3), ("s", "b", 2), ("a", "b", 5), ("a", "t", 2), ("b", "t", 2.5)], directed=True)
SQUARE = Graph([(1, 2), (2, 3), (3, 4), (4, 1)])
HOUSE = Graph([("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("d", "e"), ("e", "c")])
PATH = PathVerifier(ROADS, "A", "D")
FLOW = FlowVerifier(PIPES, "s", "t")
ALL: list[Any] = [
    PATH,
    PathVerifier(ROADS, "A", "D", shortest=False),
    HamiltonianVerifier(ROADS),
    HamiltonianVerifier(SQUARE, cycle=True),
    TourVerifier(TOWNS, 7.5),
    EulerianVerifier(HOUSE),
    EulerianVerifier(SQUARE, cycle=True),
    TopologicalOrderVerifier(STEPS),
    VertexSetVerifier(HOUSE, "vertex cover"),
    VertexSetVerifier(HOUSE, "independent set"),
    VertexSetVerifier(HOUSE, "clique"),
    MatchingVerifier(ROADS),
    MatchingVerifier(ROADS, "weight"),
    SpanningTreeVerifier(ROADS),
    ColouringVerifier(HOUSE, 3),
    IsomorphismVerifier(SQUARE, Graph([("a", "c"), ("c", "b"), ("b", "d"), ("d", "a")])),
    FLOW,
    FlowValueVerifier(PIPES, "s", "t"),
    ColouringVerifier(SQUARE, 2, given={"1": "red"}),
]
RIGHT: list[tuple[Any, list[str]]] = [
    (ALL[0], ["A -> B -> C -> D", "[A, B, D]"]),
    (ALL[1], ["A C D", r"so \boxed{A \to C \to B \to D}"]),
    (ALL[2], ["A B C D", "D C A B"]),
    (ALL[3], ["1 2 3 4", "3, 2, 1, 4, 3"]),
    (ALL[4], ["A B D C", "A -> C -> D -> B -> A"]),
    (ALL[5], ["d a b c d e c", "c-e-d-c-b-a-d"]),
    (ALL[6], ["1 2 3 4 1"]),
    (ALL[7], ["a, b, c, d", "a, c, b, d"]),
    (ALL[8], ["{a, c, d}", "b, d, c"]),
    (ALL[9], ["{a, e}", "{b, e}", "a c", "b d"]),
    (ALL[10], ["c d e"]),
    (ALL[11], ["(A, B), (C, D)", "A-C, D-B"]),
    (ALL[12], ["(A, C), (B, D)"]),
    (ALL[13], ["A-B, B-C, C-D", "(C, B), (D, C), (B, A)"]),
    (ALL[14], ["a: red, b: blue, c: red, d: blue, e: green", '{"a": "1", "b": "2", "c": "1", "d": "2", "e": "3"}']),
    (ALL[15], ["1: a, 2: c, 3: b, 4: d", "1->b 2->d 3->a 4->c"]),
    (ALL[16], ["s->a: 2.5, s->b: 2, a->b: 0.5, a->t: 2, b->t: 2.5",
               "(s,a): 3, (s,b): 1.5, (a,b): 1, (a,t): 2, (b,t): 5/2"]),
    (ALL[17], ["4.5", "The answer is 9/2."]),
    (ALL[18], ["1: red, 2: green, 3: red, 4: green", "1=red; 2=blue; 3=red; 4=blue"]),
]  # fmt: skip
WRONG: list[tuple[Any, str, str]] = [
    (ALL[0], "A C D", "a path of length 4; the shortest has 3.5"),
    (ALL[0], "A D", "there is no edge from A to D"),
    (ALL[0], "B C D", "the path does not lead from A to D"),
    (ALL[1], "A B C A C D", "A stands twice"),
    (ALL[1], "A B X D", "X is no node"),
    (ALL[1], "[]", "the path does not lead from A to D"),
    (ALL[2], "A B C", "D is missing"),
    (ALL[2], "C A D B", "there is no edge from A to D"),
    (ALL[3], "1 2 3", "4 is missing"),
    (ALL[3], "1 2 4 3", "there is no edge from 2 to 4"),
    (ALL[4], "A B C", "D is missing"),
    (ALL[4], "A D C B", "a tour of length 12.5; 7.5 is possible"),
    (ALL[5], "a b c d e c", "1 edges are not walked"),
    (ALL[5], "d a b c d e c d", "the edge c-d is walked twice"),
    (ALL[6], "1 2 3 4", "the walk starts at 1 and ends at 4"),
    (ALL[7], "a, d, b, c", "d stands before b"),
    (ALL[7], "a, b, d", "c is missing"),
    (ALL[8], "a b c d", "the vertex cover has size 4; 3 is possible"),
    (ALL[8], "a, b, d", "the edge e-c is not covered"),
    (ALL[9], "a", "the independent set has size 1; 2 is possible"),
    (ALL[9], "a b", "there is an edge a-b"),
    (ALL[10], "a b", "the clique has size 2; 3 is possible"),
    (ALL[10], "a b c", "there is no edge a-c"),
    (ALL[10], "c d d", "d stands twice"),
    (ALL[11], "(A, B)", "a matching of size 1; 2 is possible"),
    (ALL[11], "(A, B), (B, C)", "B is matched twice"),
    (ALL[11], "(A, D)", "A-D is no edge"),
    (ALL[11], "(A, B), (B, A)", "the edge B-A stands twice"),
    (ALL[12], "(A, B), (C, D)", "a matching of weight 2; 5.5 is possible"),
    (ALL[13], "A-B, B-C, B-D", "a spanning tree of weight 5; 3.5 is possible"),
    (ALL[13], "A-B, B-C, C-A", "the edge C-A closes a cycle"),
    (ALL[13], "A-B, B-C", "2 edges do not join 4 nodes"),
    (ALL[14], "a: 1, b: 2, c: 1, d: 2, e: 2", "d and e are joined and both 2"),
    (ALL[14], "a: 1, b: 2, c: 3, d: 4, e: 5", "5 colours are used; at most 3 may be"),
    (ALL[14], "a: 1, b: 2, c: 1, d: 2", "e has no value"),
    (ALL[15], "1: a, 2: b, 3: c, 4: d", "1-2 is an edge, and a-b is not"),
    (ALL[15], "1: a, 2: c, 3: a, 4: c", "a stands twice"),
    (ALL[16], "(s,a): 4, (a,t): 4", "s-a carries 4; its capacity is 3"),
    (ALL[16], "(s,a): 2, (a,b): 1", "a receives 1 more than it sends"),
    (ALL[16], "(s,a): 2, (a,t): 2", "a flow of value 2; 4.5 is possible"),
    (ALL[16], "(a,s): 1", "a-s is no edge"),
    (ALL[16], "(s,a): -1", "s-a carries -1; its capacity is 3"),
    (ALL[17], "4", "expected 4.5, got 4"),
    (ALL[18], "1: green, 2: red, 3: green, 4: red", "1 is green, but red is given"),
    (ALL[18], "1: red, 2: red, 3: green, 4: green", "1 and 2 are joined and both red"),
]


@pytest.mark.parametrize(
    ("question", "answer"), [(question, answer) for question, answers in RIGHT for answer in answers]
)
def test_every_solution_is_right(question: Any, answer: str) -> None:
    verdict = question.verify(answer)
    assert verdict.right, verdict.reason


@pytest.mark.parametrize(("question", "answer", "reason"), WRONG)
def test_a_broken_rule_is_named(question: Any, answer: str, reason: str) -> None:
    verdict = question.verify(answer)
    assert verdict.status is Status.WRONG
    assert verdict.reason == reason


HOSTILE = ["", " ", "\ud800", "\x00", "(" * 100_000, "A -> " * 9_000, "A" * 3_000_000, r"\boxed{" * 1_000,
           "9" * 40_000, "(s,a): " + "9" * 40_000, "A: " * 10_000, "[]", "None", "import os",
           "a: a" + ", a: a" * 5_000, "```\n```"]  # fmt: skip


@pytest.mark.parametrize("question", ALL, ids=lambda question: type(question).__name__)
def test_hostile_answers_are_wrong(question: Any) -> None:
    for answer in HOSTILE:
        verdict = question.verify(answer)
        assert verdict.status is Status.WRONG
        assert verdict.reason.isprintable()
        assert len(verdict.reason) < 250


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Graph([("a", "a")]), "loop"),
        (lambda: Graph([("a", "b"), ("b", "a")]), "twice"),
        (lambda: Graph([("a", "b", float("nan"))]), "finite"),
        (lambda: Graph([("a", "b c")]), "letters, digits"),
        (lambda: Graph([("a",)]), "pair of nodes"),
        (lambda: Graph([]), "1 to 2000 nodes"),
        (lambda: PathVerifier(ROADS, "A", "X"), "no node"),
        (lambda: PathVerifier(ROADS, "A", "A"), "twice"),
        (lambda: PathVerifier(STEPS, "d", "a"), "no path"),
        (lambda: PathVerifier(Graph([("a", "b", -1)]), "a", "b"), "negative"),
        (lambda: HamiltonianVerifier(Graph([("a", "b")]), cycle=True), "too few nodes"),
        (lambda: TourVerifier(ROADS, float("inf")), "finite"),
        (lambda: EulerianVerifier(HOUSE, cycle=True), "no Eulerian cycle"),
        (lambda: EulerianVerifier(Graph([("a", "b"), ("c", "d")])), "no Eulerian path"),
        (lambda: TopologicalOrderVerifier(SQUARE), "directed"),
        (lambda: TopologicalOrderVerifier(Graph([(1, 2), (2, 1)], directed=True)), "cycle"),
        (lambda: VertexSetVerifier(HOUSE, "clique", 4), "the best has 3"),
        (lambda: VertexSetVerifier(HOUSE, "vertex cover", 2), "the best has 3"),
        (lambda: VertexSetVerifier(Graph([], nodes=range(61)), "clique"), "give the size"),
        (lambda: VertexSetVerifier(STEPS, "clique"), "undirected"),
        (lambda: MatchingVerifier(Graph([], nodes="ab")), "with an edge"),
        (lambda: SpanningTreeVerifier(Graph([("a", "b")], nodes="abc")), "connected"),
        (lambda: ColouringVerifier(HOUSE, 0), "colours"),
        (lambda: ColouringVerifier(HOUSE, 3, given={"f": "red"}), "no node 'f'"),
        (lambda: IsomorphismVerifier(HOUSE, SQUARE), "not isomorphic"),
        (lambda: FlowVerifier(ROADS, "A", "D"), "directed"),
        (lambda: FlowVerifier(Graph([("a", "b", -1)], directed=True), "a", "b"), "negative"),
    ],
)
def test_a_broken_problem_is_refused_when_it_is_made(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_weights_are_exact_decimals() -> None:
    sums = Graph([("a", "b", 0.1), ("b", "c", 0.2), ("a", "c", 0.3), ("c", "d", 0)])
    assert PathVerifier(sums, "a", "d").optimum == Fraction(3, 10)
    assert PathVerifier(sums, "a", "d").verify("a b c d").right
    assert PathVerifier(sums, "a", "d").verify("a c d").right


def test_nodes_without_edges_count() -> None:
    lonely = Graph([("a", "b")], nodes=["c"])
    assert ColouringVerifier(lonely, 2).verify("a: 1, b: 2").reason == "c has no value"
    assert VertexSetVerifier(lonely, "independent set").size == 2
    assert EulerianVerifier(lonely).verify("a b").right


GRAPHS = st.sets(st.sampled_from([*combinations("abcdef", 2)]), min_size=4).map(
    lambda edges: Graph([(*edge, 1 + (ord(edge[0]) * ord(edge[1])) % 7 / 4) for edge in sorted(edges)], nodes="abcdef")
)


@settings(max_examples=25, deadline=None)
@given(GRAPHS)
def test_the_optima_agree_with_trying_everything(graph: Graph) -> None:
    edges = [(first, second) for first, second, _ in graph.edges]
    subsets = [{*nodes} for size in range(7) for nodes in combinations(graph.nodes, size)]
    cover = min(len(chosen) for chosen in subsets if all(chosen & {*edge} for edge in edges))
    clique = max(len(chosen) for chosen in subsets if all(pair in graph.weights for pair in permutations(chosen, 2)))
    assert VertexSetVerifier(graph, "vertex cover").size == cover
    assert VertexSetVerifier(graph, "independent set").size == 6 - cover
    assert VertexSetVerifier(graph, "clique").size == clique
    matchings = [
        chosen
        for size in range(1, 4)
        for chosen in combinations(edges, size)
        if len({node for edge in chosen for node in edge}) == 2 * size
    ]
    assert MatchingVerifier(graph).optimum == max(map(len, matchings))
    heaviest = max(sum((graph.weights[edge] for edge in chosen), Fraction(0)) for chosen in matchings)
    assert MatchingVerifier(graph, "weight").optimum == heaviest
