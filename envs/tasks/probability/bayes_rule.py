"""Which source do the observations come from? Bayes' rule with exact fractions (Bayes and Price, 1763)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.envs.tasks.calculus.closed_form import judge_number
from palaestra.verifiers import Verdict

NAMES = "ABCDE"
LARGEST = 20  # denominator of the rates


class Level(NamedTuple):
    """even: every source is equally likely at first."""

    sources: int
    trials: int
    even: bool


LEVELS = (
    Level(2, 1, True),
    Level(2, 1, False),
    Level(3, 1, False),
    Level(3, 2, False),
    Level(3, 3, False),
    Level(4, 3, False),
    Level(4, 4, False),
    Level(5, 4, False),
    Level(5, 5, False),
    Level(5, 6, False),
)


@register("palaestra/BayesRule-v0")
@dataclass(frozen=True)
class BayesRule(Task):
    """Difficulty raises how many sources there are (2 to 5) and how many independent trials are seen (1 to 6).

    The answer is the exact probability that a given source is the true one after the trials, as a fraction or anything
    else of that value. At difficulty 1 every source is equally likely at first, later they are not.
    """

    tags: ClassVar[tuple[str, ...]] = ("probability", "bayes")
    ceiling = 0.07
    wordings: ClassVar[tuple[str, ...]] = (
        "A bag holds coins of {count} kinds; a coin drawn from it is of each kind with probability {priors}. The "
        "probability of heads is {rates}, by kind. One coin is drawn and tossed. Number of tosses: {trials}; heads "
        "among them: {hits}. What is the probability that the coin is of kind {asked}? Answer with an exact fraction "
        "in \\boxed{{}}.",
        "Parts are made by {count} machines and packed in crates, each filled by one machine. Share of the crates: "
        "{priors}. Share of faulty parts, by machine: {rates}; faults are independent. An inspector opens a crate and "
        "tests some parts at random: faulty {hits}, sound {misses}. How likely is it that machine {asked} filled the "
        "crate? Give the exact fraction in \\boxed{{}}.",
        "Hypotheses and prior probabilities: {priors}. Exactly one is true. Each independent trial succeeds with "
        "probability {rates}, depending on which. Observed: successes {hits}, failures {misses}. Compute the posterior "
        "probability of {asked} exactly, as \\boxed{{p/q}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        level = LEVELS[difficulty - 1]
        n, trials = level.sources, level.trials
        uniforms = rng.random(2 * n + 3).tolist()
        weights = [1 if level.even else 1 + int(u * 5) for u in uniforms[:n]]
        if not level.even and len(set(weights)) == 1:
            weights[0] += 1
        denominator = 6 + int(uniforms[-3] * (LARGEST - 5))
        rates = [1 + int(u * (denominator - 1)) for u in uniforms[n : 2 * n]]
        if rates[0] == rates[1]:
            rates[0] = rates[0] % (denominator - 1) + 1  # some trial tells the sources apart
        hits = int(uniforms[-2] * (trials + 1))
        asked = int(uniforms[-1] * n)
        total = sum(weights)
        joint = joint_weights(weights, rates, denominator, hits, trials - hits)
        fields = {
            "count": str(n),
            "priors": _table([_lowest(w, total) for w in weights]),
            "rates": _table([_lowest(r, denominator) for r in rates]),
            "trials": str(trials),
            "hits": str(hits),
            "misses": str(trials - hits),
            "asked": NAMES[asked],
        }
        data = {
            "weights": weights,
            "rates": rates,
            "denominator": denominator,
            "hits": hits,
            "misses": trials - hits,
            "asked": asked,
        }
        n, d = _lowest(joint[asked], sum(joint))
        return self.ask(rng, f"{n}/{d}", difficulty, fields, data)

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge_number(response, Fraction(problem.reference))

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        data = problem.meta
        hits, misses, total = data["hits"], data["misses"], Fraction(0)
        lines, shares = [], []
        for name, weight, share in zip(NAMES, data["weights"], data["rates"], strict=False):
            prior, rate = Fraction(weight, sum(data["weights"])), Fraction(share, data["denominator"])
            shares.append(prior * rate**hits * (1 - rate) ** misses)
            factors = [f"({prior})", *[f"({rate})"] * hits, *[f"({1 - rate})"] * misses]
            lines.append(f"{name}: {'*'.join(factors)} = {shares[-1]}")
            total += shares[-1]
        posterior = shares[data["asked"]] / total
        lines += [f"sum: {total}", f"({shares[data['asked']]})/({total}) = {posterior}"]
        return "\n".join([*lines, f"\\boxed{{{posterior}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Neglects the base rates."""
        data = problem.meta
        even = [1] * len(data["rates"])
        joint = joint_weights(even, data["rates"], data["denominator"], data["hits"], data["misses"])
        return f"\\boxed{{{joint[data['asked']]}/{sum(joint)}}}"


def joint_weights(weights: Sequence[int], rates: Sequence[int], denominator: int, hits: int, misses: int) -> list[int]:
    """Of each source, its prior times the probability of the trials, all multiplied by one whole number."""
    return [w * r**hits * (denominator - r) ** misses for w, r in zip(weights, rates, strict=True)]


def _lowest(n: int, d: int) -> tuple[int, int]:
    divisor = gcd(n, d)
    return n // divisor, d // divisor


def _table(values: Sequence[tuple[int, int]]) -> str:
    return ", ".join([f"{name} {n}/{d}" for name, (n, d) in zip(NAMES, values, strict=False)])
