"""River crossings: the farmer's, and that of missionaries and cannibals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..quoting import quoted
from ..verdict import Verdict
from .answer import Rules, judge, read_moves, tidy
from .instance import freeze, integer, known, names

_AND = re.compile(r"[,+&]|\band\b")


@dataclass(frozen=True, slots=True)
class RiverCrossing:
    """Bring everything across in a small boat; some pairs may not be left on a bank without a guard.

    passengers: all, the rowers included; everything starts on the near bank.
    rowers: those who can row; they are the guards too.
    conflicts: pairs that may not share a bank on which no rower is, at any time.
    capacity: of the boat, rowers included.

    The answer is the list of crossings, one a line or between semicolons, first there, then back, and so on; a crossing
    names those in the boat, between ``,``, ``+``, ``&`` or ``and``: ``farmer, goat``.

    Raises:
        ValueError: a rower or a conflict names no passenger, or the capacity is below 1.
    """

    passengers: Sequence[str]
    rowers: Sequence[str]
    conflicts: Sequence[tuple[str, str]]
    capacity: int = 2

    def __post_init__(self) -> None:
        passengers = names(self.passengers, "passengers")
        if unreadable := [name for name in passengers if _read_boat(name) != [name]]:
            raise ValueError(f"{unreadable[0]!r} is not one name in an answer: avoid +, & and 'and'")
        rowers = tuple(known(rower, passengers, "rowers") for rower in self.rowers)
        conflicts = tuple(
            (known(a, passengers, "conflicts"), known(b, passengers, "conflicts")) for a, b in self.conflicts
        )
        integer(self.capacity, "capacity", 1)
        if not rowers:
            raise ValueError("rowers name one passenger or more")
        freeze(self, passengers=passengers, rowers=rowers, conflicts=conflicts)

    def verify(self, response: str) -> Verdict:
        return judge(response, _read_crossings, self._rules)

    def _rules(self, crossings: list[list[str]]) -> Rules:
        near, far = set(self.passengers), set[str]()
        for number, boat in enumerate(crossings, 1):
            here, there = (near, far) if number % 2 else (far, near)
            if breach := self._boat(boat, here):
                yield f"crossing {number}: {breach}"
                return
            here -= set(boat)
            there |= set(boat)
            for bank in (near, far):
                pair = next((pair for pair in self.conflicts if {*pair} <= bank), None)
                if pair and not bank & {*self.rowers}:
                    yield f"crossing {number} leaves {pair[0]} with {pair[1]}"
                    return
        yield f"{min(near)} is left behind" if near else None

    def _boat(self, boat: list[str], here: set[str]) -> str | None:
        """Why these cannot cross."""
        if missing := [passenger for passenger in boat if passenger not in here]:
            return f"{quoted(missing[0])} is not on this bank"
        if len(set(boat)) < len(boat):
            return f"{next(p for p in boat if boat.count(p) > 1)} is named twice"
        if len(boat) > self.capacity:
            return f"{len(boat)} in a boat for {self.capacity}"
        return None if {*boat} & {*self.rowers} else "nobody rows"


@dataclass(frozen=True, slots=True)
class Missionaries:
    """Bring missionaries and cannibals across; where there are missionaries, cannibals never outnumber them.

    The answer is the list of crossings, one a line or between commas, first there, then back, and so on, with a letter
    a person in the boat: ``MC``, ``M``, ``CC``.

    Raises:
        ValueError: there are fewer than one of either, more cannibals, or a boat for nobody.
    """

    missionaries: int = 3
    cannibals: int = 3
    capacity: int = 2

    def __post_init__(self) -> None:
        integer(self.missionaries, "missionaries", 1)
        integer(self.cannibals, "cannibals", 1, self.missionaries)
        integer(self.capacity, "capacity", 1)

    def verify(self, response: str) -> Verdict:
        return judge(response, read_moves, self._rules)

    def _rules(self, crossings: list[str]) -> Rules:
        near, far = [self.missionaries, self.cannibals], [0, 0]
        for number, boat in enumerate(crossings, 1):
            here, there = (near, far) if number % 2 else (far, near)
            load = (boat.count("M"), boat.count("C"))
            if not 1 <= len(boat) <= self.capacity or sum(load) != len(boat):
                yield f"crossing {number}: '{quoted(boat)}' is not from 1 to {self.capacity} letters M and C"
                return
            for kind in (0, 1):
                here[kind] -= load[kind]
                there[kind] += load[kind]
            if min(here) < 0:
                yield f"crossing {number} takes more than there are on this bank"
                return
            if any(0 < bank[0] < bank[1] for bank in (near, far)):
                yield f"after crossing {number} cannibals outnumber missionaries"
                return
        yield f"{near[0]} missionaries and {near[1]} cannibals are left behind" if any(near) else None


def _read_crossings(text: str) -> list[list[str]]:
    return [_read_boat(move) for move in read_moves(text, "\n;")]


def _read_boat(move: str) -> list[str]:
    return [tidy(name) for name in _AND.split(move)]
