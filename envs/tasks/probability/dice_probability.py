"""The exact probability of what several dice show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, ClassVar, TypeAlias

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.envs.tasks.calculus.closed_form import judge_number
from palaestra.verifiers import Verdict

Event: TypeAlias = list[Any]  # [kind, number, ...]; see favourable
KINDS = ("sum is", "sum at least", "highest", "lowest", "several")
CONDITIONAL = 7  # the difficulty from which something is known of the roll


@register("palaestra/DiceProbability-v0")
@dataclass(frozen=True)
class DiceProbability(Task):
    """Difficulty raises how many dice there are (2 to 6), of 4 to 16 sides; from 7 on something is known of the roll.

    The answer is the exact probability of a sum, of the highest or lowest die, or of several dice showing much, as a
    fraction or anything else of that value. Dice may have different numbers of sides.
    """

    tags: ClassVar[tuple[str, ...]] = ("probability", "dice")
    ceiling = 0.06
    wordings: ClassVar[tuple[str, ...]] = (
        "Fair dice with these numbers of sides are rolled once, each numbered from 1: {sides}. {given}What is the "
        "probability that {event}? Answer with an exact fraction in \\boxed{{}}.",
        "Someone rolls {count} fair dice. Their faces are numbered from 1 up, and the numbers of faces are {sides}. "
        "{given}Find the exact probability that {event}, as a fraction in \\boxed{{}}.",
        "Independent whole numbers are drawn uniformly, one from 1 to n for each n in the list {sides}; call them "
        "dice. {given}How likely is it that {event}? Give a fraction, \\boxed{{p/q}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        count = 2 + (difficulty - 1) * 2 // 5 + (difficulty == 10)
        while True:
            uniforms = iter(rng.random(count + 8).tolist())
            sides = sorted(4 + int(next(uniforms) * 13) for _ in range(count))
            cap = 3 + int(next(uniforms) * (sides[-1] - 3)) if difficulty >= CONDITIONAL else None
            possible = _possible(sides, cap)
            event = _draw(uniforms, possible)
            ways, total = favourable(possible, event), prod(possible)
            if 0 < ways < total:
                break
        answer = Fraction(ways, total)
        fields = {
            "sides": ", ".join(map(str, sides)),
            "count": str(count),
            "given": "" if cap is None else f"It is known that no die shows more than {cap}. ",
            "event": _text(event),
        }
        return self.ask(rng, str(answer), difficulty, fields, {"sides": sides, "cap": cap, "event": event})

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge_number(response, Fraction(problem.reference))

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        possible, event = _possible(problem.meta["sides"], problem.meta["cap"]), problem.meta["event"]
        ways, total = favourable(possible, event), prod(possible)
        lines = [f"faces that are possible: {', '.join(map(str, possible))}, so {total} equally likely rolls"]
        if event[0].startswith("sum"):
            lines += [f"{k} dice, ways to each sum: {_sums_text(possible[:k])}" for k in range(2, len(possible) + 1)]
        elif event[0] == "several":
            lines += [f"{s} faces: {max(s - event[1] + 1, 0)} of them are {event[1]} or more" for s in possible]
        else:
            beyond = list(event)
            beyond[1] += -1 if event[0] == "highest" else 1
            lines.append(f"the rolls that reach {event[1]}, less those that reach {beyond[1]}")
        lines.append(f"{ways} of {total} rolls are favourable")
        return "\n".join([*lines, f"\\boxed{{{Fraction(ways, total)}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Considers two of the dice only, and nothing that is known of them."""
        two = problem.meta["sides"][:2]
        return f"\\boxed{{{Fraction(favourable(two, problem.meta['event']), prod(two))}}}"


def favourable(sides: Sequence[int], event: Event) -> int:
    """How many rolls of dice with so many sides belong to the event."""
    kind: str = event[0]
    k: int = event[1]
    if kind == "highest":
        return prod(min(s, k) for s in sides) - prod(min(s, k - 1) for s in sides)
    if kind == "lowest":
        return prod(max(s - k + 1, 0) for s in sides) - prod(max(s - k, 0) for s in sides)
    if kind == "several":
        ways = [1]  # by the number of dice that show k or more
        for s in sides:
            high = max(s - k + 1, 0)
            ways = [a * (s - high) + b * high for a, b in zip([*ways, 0], [0, *ways], strict=True)]
        return sum(ways[event[2] :])
    ways = sums(sides)
    low = k - len(sides)
    return sum(ways[low : low + 1] if kind == "sum is" else ways[low:]) if low >= 0 else 0


def sums(sides: Sequence[int]) -> list[int]:
    """How many rolls have each sum, from the least one (as many as there are dice)."""
    ways = [1]
    for s in sides:
        window, new = 0, []
        for i in range(len(ways) + s - 1):
            window += ways[i] if i < len(ways) else 0
            window -= ways[i - s] if i >= s else 0
            new.append(window)
        ways = new
    return ways


def _possible(sides: Sequence[int], cap: int | None) -> list[int]:
    """The faces left on each die when none shows more than ``cap``: they stay equally likely."""
    return [s if cap is None else min(s, cap) for s in sides]


def _draw(uniforms: Iterator[float], sides: Sequence[int]) -> Event:
    kind = KINDS[int(next(uniforms) * len(KINDS))]
    u = next(uniforms)
    if kind == "highest":
        return [kind, 2 + int(u * (max(sides) - 1))]
    if kind == "lowest":
        return [kind, 1 + int(u * (min(sides) - 1))]
    if kind == "several":
        return [kind, 2 + int(u * (min(sides) - 1)), 1 + int(next(uniforms) * len(sides))]
    least = len(sides)
    return [kind, least + int((0.1 + 0.8 * u) * (sum(sides) - least + 1))]


def _text(event: Event) -> str:
    kind, k = event[0], event[1]
    if kind == "several":
        n = event[2]
        return f"at least {n} {'die shows' if n == 1 else 'dice show'} {k} or more"
    return {
        "sum is": f"the sum is exactly {k}",
        "sum at least": f"the sum is at least {k}",
        "highest": f"the highest number shown is exactly {k}",
        "lowest": f"the lowest number shown is exactly {k}",
    }[kind]


def _sums_text(sides: Sequence[int]) -> str:
    return ", ".join(f"{len(sides) + i}: {ways}" for i, ways in enumerate(sums(sides)))
