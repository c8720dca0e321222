"""What the arms of a sign came to, over seeds, and whether each claim is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from palaestra.arena.intervals import bootstrap, interval
from palaestra.arena.significance import Comparison, compare

from .play import measured
from .sign import Claim, Measured, Sign


@dataclass(frozen=True, slots=True)
class ArmRow:
    """An arm over its seeds.

    value, low, high: the mean of its scores and its 95 % interval, over one seed's problems, or over several
    seeds' means. tokens, told: means over seeds.
    """

    name: str
    seeds: int
    value: float
    low: float
    high: float
    tokens: float
    told: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A claim beside what was found: problem by problem within each seed. each: the gap of every seed."""

    claim: Claim
    found: Comparison
    each: tuple[float, ...]

    @property
    def shown(self) -> bool:
        """Above: the gap's interval lies above 0, and every seed's gap does. A control: its interval does not."""
        higher = self.found.low > 0
        return higher and min(self.each) > 0 if self.claim.above else not higher


def arm_row(runs: Path, sign: Sign, arm: str) -> ArmRow | None:
    """None where the arm has not been played."""
    found = list(measured(runs, sign, arm).values())
    if not found:
        return None
    means = [mean(one.scores.values()) for one in found]
    low, high = interval(list(found[0].scores.values())) if len(found) == 1 else bootstrap(means)
    told = {name: mean(one.told[name] for one in found if name in one.told) for name in _names(found)}
    return ArmRow(arm, len(found), mean(means), low, high, mean(one.tokens for one in found), told)


def _names(found: list[Measured]) -> list[str]:
    return list(dict.fromkeys(name for one in found for name in one.told))


def claim_row(runs: Path, sign: Sign, claim: Claim) -> ClaimRow | None:
    """None where no seed has both arms."""
    ones, others = measured(runs, sign, claim.one), measured(runs, sign, claim.other)
    both = sorted(ones.keys() & others.keys())
    if not both:
        return None
    each = [gap(ones[seed], others[seed]) for seed in both]
    found = compare(sign.name, claim.one, claim.other, _flat(ones, both), _flat(others, both))
    return ClaimRow(claim, found, tuple(each))


def gap(one: Measured, other: Measured) -> float:
    """The mean of one's scores less the other's, over the problems that both have."""
    shared = one.scores.keys() & other.scores.keys()
    return mean(one.scores[key] - other.scores[key] for key in shared)


def _flat(side: Mapping[int, Measured], seeds: list[int]) -> dict[str, float]:
    return {f"{seed} {key}": value for seed in seeds for key, value in side[seed].scores.items()}
