"""What a sign is: arms that are played, and which of them must come out above which."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

Scores: TypeAlias = Mapping[str, float]  # by problem, as ``arena.evaluate.problem_key`` names it


@dataclass(frozen=True, slots=True)
class Sizes:
    """problems: held out, of each arm. longer: times the smallest training that shows anything; each arm's own."""

    name: str
    problems: int
    longer: int


SMOKE = Sizes("smoke", problems=100, longer=1)
CLAIM = Sizes("claim", problems=400, longer=4)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an arm is played. runs: the folder of all; folder: the arm's own, for this seed, which is there and empty.

    What several arms of a seed need (a warm start, trees) is made once by ``share``.
    """

    runs: Path
    folder: Path
    seed: int
    sizes: Sizes


@dataclass(frozen=True, slots=True)
class Measured:
    """What one arm came to with one seed.

    scores: by problem. tokens: what is to be equal between the arms of a claim, as the sign says; 0: not counted.
    told: other figures, by name.
    """

    scores: Scores
    tokens: int = 0
    told: Mapping[str, float] = field(default_factory=dict)


Arm: TypeAlias = Callable[[Place], Measured]


@dataclass(frozen=True, slots=True)
class Claim:
    """``one`` comes out above ``other``, or, of a control that must fail, does not.

    smoke: whether it is to be seen at smoke size with one seed, as the test of the sign asks.
    """

    one: str
    other: str
    says: str
    above: bool = True
    smoke: bool = True


@dataclass(frozen=True, slots=True)
class Sign:
    """What a system's paper says must come out, on the small substrate that stands for it.

    block: the number of the system in the list that the project began with. substrate: environment, model and what is
    held equal, in a sentence or two. measure: what a score is. recipes: the shipped recipes that the arms are made of.
    chosen: how settings were chosen, and on which seeds: never on those reported. departs: where from the paper.
    """

    name: str
    block: int
    title: str
    paper: str
    substrate: str
    measure: str
    arms: Mapping[str, Arm]
    claims: tuple[Claim, ...]
    chosen: str
    recipes: tuple[str, ...] = ()
    departs: str = ""
    seeds: int = 3
