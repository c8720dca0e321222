"""A world small enough to search by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from palaestra.agents.search.tree import Proposal
from palaestra.agents.search.world import Proposed, Request, Valued
from palaestra.episodes import Cost

Table = Mapping[str, Mapping[str, float]]


class TableWorld:
    """States are names. ``children``: of each state the names of its children with their priors; a state that is not
    among its keys is terminal. ``values``: what each state is worth, 0 where it is not said; ``known``: of which the
    world says so itself.

    One call costs one token in an expansion and one in an evaluation; ``calls`` remembers how many states each was of.
    """

    def __init__(self, children: Table, values: Mapping[str, float], known: Sequence[str] = ()) -> None:
        self.children, self.values, self.known = children, values, set(known)
        self.expanded: list[str] = []
        self.calls: list[tuple[str, int]] = []

    def expand(self, requests: Sequence[Request]) -> list[Proposed]:
        self.calls.append(("expand", len(requests)))
        self.expanded += [request.state for request in requests]
        return [self._proposed(request) for request in requests]

    def _proposed(self, request: Request) -> Proposed:
        names = list(self.children[request.state].items())[request.start : request.start + len(request.seeds)]
        proposals = [
            Proposal(
                action=name,
                state=name,
                terminal=name not in self.children,
                prior=prior,
                value=self.values[name] if name in self.known else None,
            )
            for name, prior in names
        ]
        return Proposed(proposals, Cost(tokens_out=1))

    def evaluate(self, states: Sequence[Any]) -> list[Valued]:
        self.calls.append(("evaluate", len(states)))
        assert not self.known & set(states), "what is known is not to be estimated"
        return [Valued(self.values.get(state, 0.0), Cost(tokens_in=1)) for state in states]


@pytest.fixture
def world_of() -> Callable[..., TableWorld]:
    return TableWorld
