"""How searches ask: each is a generator of questions about one problem; those of all problems are put as one batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from palaestra.episodes import Cost

from .tree import Node, Proposal, Seeds, Tree


@dataclass(frozen=True, slots=True)
class Request:
    """Propose actions at ``state``: a sample a seed. start: how many were asked for there before."""

    state: Any
    seeds: tuple[int, ...] | Seeds
    start: int = 0


class Proposed(NamedTuple):
    """What a request is answered with: at most as many proposals as seeds, and what they cost."""

    proposals: Sequence[Proposal]
    cost: Cost = Cost()


class Valued(NamedTuple):
    """What a state is worth, and what finding out cost."""

    value: float
    cost: Cost = Cost()


class World(Protocol):
    """What is searched in. Answers depend on the state and the seeds alone, never on the rest of the batch."""

    def expand(self, requests: Sequence[Request]) -> list[Proposed]:
        """Actions at states that have not ended. An empty answer is a dead end."""

    def evaluate(self, states: Sequence[Any]) -> list[Valued]:
        """Estimates, in one range for all states. They may not come from the verifier unless the agent may peek.

        nan says that nobody knows: such a state is taken to be worth what the nearest known one above it is, else 0.
        """


class Expand(NamedTuple):
    """Nodes to be expanded, and how many children to ask for at each."""

    nodes: Sequence[Node]
    counts: Sequence[int]


class Evaluate(NamedTuple):
    """Nodes whose ``value`` is to be set."""

    nodes: Sequence[Node]


# What a search for one problem yields; it is sent the new children of the nodes asked about, or nothing for values.
Asking: TypeAlias = Generator[Expand | Evaluate, list[list[Node]], None]
Method: TypeAlias = Callable[[Tree], Asking]


def run(world: World, method: Method, roots: Sequence[Any], seeds: Sequence[int]) -> list[Tree]:
    """Search from every root at once. A tree is the one that its root and seed alone would give.

    Searches go on in step: in each round the expansions that all of them ask for are one call of the world, and so are
    the evaluations.
    """
    trees = [Tree.rooted(root, seed) for root, seed in zip(roots, seeds, strict=True)]
    searches = [method(tree) for tree in trees]
    asked = {index: question for index, search in enumerate(searches) if (question := next(search, None)) is not None}
    while asked:
        answers = {**_expand(world, trees, asked), **_evaluate(world, trees, asked)}
        following = {}
        for index in asked:
            try:
                following[index] = searches[index].send(answers[index])
            except StopIteration:
                continue
        asked = following
    return trees


def _expand(world: World, trees: Sequence[Tree], asked: dict[int, Expand | Evaluate]) -> dict[int, list[list[Node]]]:
    pairs = [
        (index, node, count)
        for index, question in asked.items()
        if isinstance(question, Expand)
        for node, count in zip(question.nodes, question.counts, strict=True)
    ]
    requests = [Request(node.state, trees[index].sample_seeds(node, count), node.asked) for index, node, count in pairs]
    answers: dict[int, list[list[Node]]] = {i: [] for i, question in asked.items() if isinstance(question, Expand)}
    if not requests:
        return answers
    for (index, node, count), proposed in zip(pairs, world.expand(requests), strict=True):
        node.asked += count
        answers[index].append(trees[index].attach(node, proposed.proposals))
        trees[index].cost += proposed.cost
    return answers


def _evaluate(world: World, trees: Sequence[Tree], asked: dict[int, Expand | Evaluate]) -> dict[int, list[list[Node]]]:
    answers: dict[int, list[list[Node]]] = {i: [] for i, question in asked.items() if isinstance(question, Evaluate)}
    pairs = [(i, node) for i in answers for node in asked[i].nodes if node.value is None]
    for _, node in pairs:
        given = node.proposal.value
        node.value = None if given is None or math.isnan(given) else given
    unknown = [(index, node) for index, node in pairs if node.value is None]
    if unknown:
        for (index, node), valued in zip(unknown, world.evaluate([node.state for _, node in unknown]), strict=True):
            node.value = valued.value
            trees[index].cost += valued.cost
            if math.isnan(valued.value):  # which would spoil every mean above it
                node.value = next((above.value for above in list(node.ancestry())[1:] if above.value is not None), 0.0)
                trees[index].nans += 1
    return answers
