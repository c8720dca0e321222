"""Balls drawn from an urn without replacement: the exact probability of a composition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Any, ClassVar, TypeAlias

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.envs.tasks.calculus.closed_form import judge_number
from palaestra.verifiers import Verdict

COLOURS = ("red", "blue", "green", "white", "black", "yellow")
RELATIONS = ("exactly", "at least", "at most")

Condition: TypeAlias = list[Any]  # [relation, number, colour]


@register("palaestra/UrnProbability-v0")
@dataclass(frozen=True)
class UrnProbability(Task):
    """Difficulty raises how many colours there are (2 to 5), how many balls are drawn and how many conditions hold.

    The answer is the exact probability, as a fraction or anything else of that value: by the multivariate
    hypergeometric distribution, a product of binomial coefficients summed over the compositions that meet every
    condition.
    """

    tags: ClassVar[tuple[str, ...]] = ("probability", "combinatorics")
    ceiling = 0.04
    wordings: ClassVar[tuple[str, ...]] = (
        "An urn holds {balls} balls. {draws} of them are drawn at random without replacement. What is the probability "
        "that {event} among those drawn? Answer with an exact fraction in \\boxed{{}}.",
        "{draws} balls are taken blindly from a bag, all at once. The bag contained {balls} balls. Find the exact "
        "probability that {event} in the hand, as \\boxed{{p/q}}.",
        "Contents of a box: {balls} balls. Someone draws {draws} times and never puts a ball back. How likely is it "
        "that in the end {event} among the balls drawn? Give a fraction in \\boxed{{}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        count = 2 + difficulty // 3
        while True:
            uniforms = iter(rng.random(20).tolist())
            pool = list(COLOURS)
            colours = [pool.pop(int(next(uniforms) * len(pool))) for _ in range(count)]
            urn = {colour: 2 + int(next(uniforms) * 8) for colour in colours}
            draws = 2 + difficulty // 2 + int(next(uniforms) * 2)
            event = [_condition(uniforms, colour, draws) for colour in colours[: 1 + difficulty // 3]]
            ways, total = favourable(urn, draws, event), comb(sum(urn.values()), draws)
            if 0 < ways < total:
                break
        balls = [f"{k} {colour}" for colour, k in urn.items()]
        fields = {
            "balls": f"{', '.join(balls[:-1])} and {balls[-1]}",
            "draws": str(draws),
            "event": " and ".join(f"{how} {n} {'is' if n == 1 else 'are'} {colour}" for how, n, colour in event),
        }
        meta = {"urn": urn, "draws": draws, "event": event}
        return self.ask(rng, str(Fraction(ways, total)), difficulty, fields, meta)

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge_number(response, Fraction(problem.reference))

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Ways to fill the hand, colour by colour: entry k counts hands of k balls."""
        urn, draws, event = (problem.meta[key] for key in ("urn", "draws", "event"))
        lines, hands = [], [1] + [0] * draws
        for colour, balls in urn.items():
            hands = _with_colour(hands, balls, allowed(event, colour, draws))
            lines.append(f"with {colour}, hands of 0 to {draws} balls: {', '.join(map(str, hands))}")
        total = comb(sum(urn.values()), draws)
        lines.append(f"{hands[draws]} of {total} hands are favourable")
        return "\n".join([*lines, f"\\boxed{{{problem.reference}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Heeds the first condition only."""
        urn, draws, event = (problem.meta[key] for key in ("urn", "draws", "event"))
        total = comb(sum(urn.values()), draws)
        return f"\\boxed{{{Fraction(favourable(urn, draws, event[:1]), total)}}}"


def favourable(urn: Mapping[str, int], draws: int, event: Sequence[Condition]) -> int:
    """How many hands of so many balls meet every condition."""
    hands = [1] + [0] * draws
    for colour, balls in urn.items():
        hands = _with_colour(hands, balls, allowed(event, colour, draws))
    return hands[draws]


def allowed(event: Sequence[Condition], colour: str, draws: int) -> range:
    """The numbers of balls of one colour that the event permits."""
    for relation, n, name in event:
        if name == colour:
            return {"exactly": range(n, n + 1), "at least": range(n, draws + 1), "at most": range(n + 1)}[relation]
    return range(draws + 1)


def _with_colour(hands: Sequence[int], balls: int, numbers: range) -> list[int]:
    """Ways to hands of each size after another colour is added (a product of polynomials)."""
    ways = [comb(balls, k) for k in numbers]
    size = len(hands)
    new = [0] * size
    for have, count in enumerate(hands):
        if count:
            for k, chosen in zip(numbers, ways, strict=True):
                if have + k < size:
                    new[have + k] += count * chosen
    return new


def _condition(uniforms: Iterator[float], colour: str, draws: int) -> Condition:
    relation = RELATIONS[int(next(uniforms) * 3)]
    return [relation, int(next(uniforms) * min(draws, 3)) + (relation == "at least"), colour]
