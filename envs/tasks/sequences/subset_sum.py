"""Choose numbers that add up to a target."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, right, wrong

from .listing import NoList, boxed, boxed_integers


@register("palaestra/SubsetSum-v0")
@dataclass(frozen=True)
class SubsetSum(Task):
    """Difficulty raises how many numbers there are (5 to 14) and, by a factor of two a level, how large they may be.

    The target is the sum of a hidden subset; any choice with that sum is right, each number used at most as often as
    it is given. Numbers grow with 2^n, so that few other subsets hit the target.
    One of the 21 problems of Karp, Reducibility among combinatorial problems, 1972.
    """

    tags: ClassVar[tuple[str, ...]] = ("sequences", "search")
    ceiling = 0.01
    wordings = (
        "Which of the numbers {numbers} add up to {target}? Use each at most once. "
        "Answer in \\boxed{{}} with the chosen numbers.",
        "A scale shows {target}. On it are some of the weights {numbers}, each of which is there only once. "
        "Name weights that can be on it, in \\boxed{{}}, separated by commas.",
        "Target: {target}\nNumbers: {numbers}\nChoose numbers from the list whose sum is the target, "
        "none more often than it is listed. Answer in \\boxed{{}} as a list.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n = 4 + difficulty
        largest = 15 * 2**difficulty
        uniforms = rng.random(2 * n + 1).tolist()
        numbers = [1 + int(u * largest) for u in uniforms[:n]]
        size = 2 + int(uniforms[-1] * (n - 3))
        chosen = sorted(range(n), key=uniforms[n : 2 * n].__getitem__)[:size]
        subset = [numbers[k] for k in sorted(chosen)]
        target = sum(subset)
        fields = {"numbers": ", ".join(map(str, numbers)), "target": str(target)}
        return self.ask(rng, {"numbers": numbers, "target": target}, difficulty, fields, {"subset": subset})

    def verify(self, problem: Problem, response: str) -> Verdict:
        try:
            chosen = boxed_integers(response)
        except NoList as reason:
            return wrong(str(reason))
        if excess := Counter(chosen) - Counter(problem.reference["numbers"]):
            return wrong(f"{next(iter(excess))} is not at hand, or not so often", answer=chosen)
        total, target = sum(chosen), problem.reference["target"]
        if total != target:
            return wrong(f"the sum is {total}, not {target}", answer=chosen)
        return right(f"the sum is {target}", answer=chosen)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        subset = problem.meta["subset"]
        totals = list(accumulate(subset))
        lines = [
            f"{before} + {number} = {after}"
            for before, number, after in zip(totals, subset[1:], totals[1:], strict=False)
        ]
        return "\n".join([*lines, boxed(subset)])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """From the largest number to the smallest, each that still fits."""
        rest, taken = problem.reference["target"], []
        for number in sorted(problem.reference["numbers"], reverse=True):
            if number <= rest:
                rest -= number
                taken.append(number)
        return boxed(taken)
