"""Measuring water with jugs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..quoting import quoted
from ..verdict import Verdict
from .answer import AnswerError, Rules, judge, read_moves
from .instance import freeze, integer, integers

_MOVE = re.compile(r"(fill|empty) ([0-9]{1,3})|pour ([0-9]{1,3})(?: ?-> ?| to | into | )([0-9]{1,3})")


@dataclass(frozen=True, slots=True)
class WaterJugs:
    """Fill, empty and pour until some jug holds the target.

    capacities: of the jugs 1, 2, ...; all are empty at first. Pouring stops when one is empty or the other is full.
    target: the amount that some jug is to hold after the last move.
    at_most: the most moves that count as a solution; None for any number within ``answer.MAX_MOVES``.

    The answer is the list of moves, one a line or between commas: ``fill 1``, ``empty 2``, ``pour 1 2`` (or ``1->2``,
    ``1 to 2``, ``1 into 2``).

    Raises:
        ValueError: a capacity is below 1, there is no jug, or no jug can hold the target.
    """

    capacities: Sequence[int]
    target: int
    at_most: int | None = None

    def __post_init__(self) -> None:
        capacities = integers(self.capacities, "capacities", 1)
        integer(self.target, "target", 0, max(capacities, default=-1))
        if self.at_most is not None:
            integer(self.at_most, "at_most", 0)
        freeze(self, capacities=capacities)

    def verify(self, response: str) -> Verdict:
        return judge(response, self._read, self._rules)

    def _read(self, text: str) -> list[tuple[str, int, int]]:
        moves = []
        for number, move in enumerate(read_moves(text), 1):
            match = _MOVE.fullmatch(move.lower())
            if match is None:
                raise AnswerError(f"move {number}, '{quoted(move)}', is not of the form fill 1, empty 1 or pour 1 2")
            action, jug, source, sink = match.groups()
            jugs = (int(jug or source), int(jug or sink))
            if not all(1 <= j <= len(self.capacities) for j in jugs):
                raise AnswerError(f"move {number} uses a jug that does not exist")
            moves.append((action or "pour", jugs[0] - 1, jugs[1] - 1))
        return moves

    def _rules(self, moves: list[tuple[str, int, int]]) -> Rules:
        if self.at_most is not None:
            yield f"{len(moves)} moves, more than {self.at_most}" if len(moves) > self.at_most else None
        amounts = [0] * len(self.capacities)
        for number, (action, a, b) in enumerate(moves, 1):
            if action == "pour":
                if a == b:
                    yield f"move {number} pours jug {a + 1} into itself"
                poured = min(amounts[a], self.capacities[b] - amounts[b])
                amounts[a] -= poured
                amounts[b] += poured
            else:
                amounts[a] = self.capacities[a] if action == "fill" else 0
        listed = ", ".join(map(str, amounts))
        yield None if self.target in amounts else f"the jugs end with {listed}, none with {self.target}"
