"""Ways through a town that has to be known by heart: what a street leads to, and what leads there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

PLACES = "abcdefghijklmnopqrst"
BACK = {"N": "S", "S": "N", "E": "W", "W": "E"}


@register("signs/Streets-v0")
@dataclass(frozen=True)
class Streets(Task):
    """As many streets as the difficulty says, one after the other: where do they lead? The question does not say.

    town: its number, which has drawn where from each place a street leads N and one E; S and W lead back. None: each
        problem lies in a town of its own, so that nobody knows.
    one_way: every street is gone in one direction only, which the town's number has drawn, too.
    """

    town: int | None = None
    one_way: bool = False
    difficulties: ClassVar[range] = range(1, 7)
    wordings: ClassVar[tuple[str, ...]] = ("From {start} go {way}. Where? Answer in \\boxed{{}}.",)

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        town = int(rng.integers(1 << 30)) if self.town is None else self.town
        way = list[str]()
        start = here = PLACES[int(rng.integers(len(PLACES)))]
        while len(way) < difficulty:
            ahead = [each for each in _open(town, here, self.one_way) if not way or each != BACK[way[-1]]]
            if not ahead:  # a dead end
                return self.sample(rng, difficulty)
            way.append(ahead[int(rng.integers(len(ahead)))])
            here = _streets(town)[way[-1]][here]
        return self._asked(town, start, way)

    def verify(self, problem: Problem, response: str) -> Verdict:
        return right("the place") if last_boxed(response) == problem.reference else wrong("not the place")

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        stops, way = problem.meta["stops"], problem.meta["way"]
        lines = [f"{here}{go}={there}" for here, go, there in zip(stops, way, stops[1:], strict=False)]
        return "\n".join([*lines, f"\\boxed{{{problem.reference}}}"])

    def invert(self, problem: Problem) -> Problem:
        """The way back from where this one leads."""
        way = [BACK[direction] for direction in reversed(problem.meta["way"])]
        return self._asked(problem.meta["town"], problem.reference, way)

    def _asked(self, town: int, start: str, way: Sequence[str]) -> Problem:
        streets, stops = _streets(town), [start]
        for direction in way:
            stops.append(streets[direction][stops[-1]])
        fields = {"start": start, "way": " ".join(way)}
        meta: dict[str, Any] = {"town": town, "way": list(way), "stops": stops}
        return self.ask(np.random.default_rng(0), stops[-1], len(way), fields, meta)


def _open(town: int, here: str, one_way: bool) -> list[str]:
    """The directions that may be gone from a place."""
    if not one_way:
        return list(BACK)
    streets, drawn = _streets(town), np.random.default_rng([town, 1]).random((2, len(PLACES))) < 0.5
    ends = {go: here if go in "NE" else streets[go][here] for go in BACK}  # where each street begins
    return [go for go in BACK if drawn[int(go in "EW"), PLACES.index(ends[go])] == (go in "NE")]


@lru_cache(maxsize=64)
def _streets(town: int) -> dict[str, dict[str, str]]:
    """Where each direction leads from each place."""
    rng, leads = np.random.default_rng(town), dict[str, dict[str, str]]()
    for there, back in ("NS", "EW"):
        ends = [PLACES[index] for index in rng.permutation(len(PLACES))]
        leads[there] = dict(zip(PLACES, ends, strict=True))
        leads[back] = dict(zip(ends, PLACES, strict=True))
    return leads
