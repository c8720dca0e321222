"""A longest increasing subsequence."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, right, wrong

from .listing import NoList, boxed, boxed_integers


@register("palaestra/LongestIncreasing-v0")
@dataclass(frozen=True)
class LongestIncreasing(Task):
    """Difficulty raises the length of the sequence (8 to 26).

    The answer is a subsequence: numbers of the sequence in their order, not necessarily neighbours, each larger than
    the one before it. Any of the greatest length is right.
    Schensted, Longest increasing and decreasing subsequences, 1961.
    """

    tags: ClassVar[tuple[str, ...]] = ("sequences", "optimisation")
    wordings = (
        "Find a longest increasing subsequence of {numbers}. Its numbers keep their order but need not be neighbours. "
        "Answer in \\boxed{{}} with the numbers.",
        "{numbers}\nCross out as few of these numbers as possible so that what is left grows from left to right. "
        "Answer in \\boxed{{}} with the numbers that are left.",
        "Cards with these numbers are dealt one by one: {numbers}. You may keep a card only if it is higher than every "
        "card that you have kept so far. Which cards do you keep to have as many as possible in the end? "
        "Answer in \\boxed{{}} in the order dealt.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        numbers = (10 + rng.permutation(90)[: 6 + 2 * difficulty]).tolist()
        tails: list[int] = []  # the least last number of an increasing subsequence of each length
        for number in numbers:
            place = bisect_left(tails, number)
            tails[place : place + 1] = [number]
        reference = {"numbers": numbers, "length": len(tails)}
        return self.ask(rng, reference, difficulty, {"numbers": ", ".join(map(str, numbers))})

    def verify(self, problem: Problem, response: str) -> Verdict:
        try:
            chosen = boxed_integers(response)
        except NoList as reason:
            return wrong(str(reason))
        numbers, longest = problem.reference["numbers"], problem.reference["length"]
        place = -1
        for number in chosen:
            if number not in numbers:
                return wrong(f"{number} is not in the sequence", answer=chosen)
            here = numbers.index(number)
            if place >= 0 and number <= numbers[place]:
                return wrong(f"{number} is not larger than {numbers[place]}", answer=chosen)
            if here < place:
                return wrong(f"{number} stands before {numbers[place]} in the sequence", answer=chosen)
            place = here
        if len(chosen) < longest:
            return wrong(f"{len(chosen)} numbers; {longest} are possible", answer=chosen)
        return right(f"{longest} increasing numbers", answer=chosen)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """For each number a longest increasing subsequence that ends with it, then the longest of them."""
        best: dict[int, list[int]] = {}
        lines = []
        for number in problem.reference["numbers"]:
            before = max((found for last, found in best.items() if last < number), key=len, default=[])
            best[number] = [*before, number]
            lines.append(f"to {number}: {len(before) + 1}" + (f", after {before[-1]}" if before else ""))
        return "\n".join([*lines, boxed(max(best.values(), key=len))])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """From each place take every number that is larger than the last one taken; the longest of these."""
        numbers = problem.reference["numbers"]
        found = []
        for start in range(len(numbers)):
            taken = [numbers[start]]
            for number in numbers[start + 1 :]:
                if number > taken[-1]:
                    taken.append(number)
            found.append(taken)
        return boxed(max(found, key=len))
