"""What a list looks like after some steps of a sorting algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, right, wrong

from .listing import NoList, boxed, boxed_integers

ALGORITHMS = {
    "bubble sort": (
        "Each step goes once through the whole list from left to right and swaps neighbours whenever the left one is "
        "larger than the right one."
    ),
    "insertion sort": (
        "Step i takes the number at position i + 1 and moves it to the left past every larger number, so that the "
        "first i + 1 numbers are in order."
    ),
    "selection sort": (
        "Step i finds the smallest of the numbers from position i to the end and swaps it with the one at position i."
    ),
}


@register("palaestra/SortBySteps-v0")
@dataclass(frozen=True)
class SortBySteps(Task):
    """Difficulty raises the length of the list (5 to 14) and the number of steps (1 or 2 to 6 or 7).

    algorithm: bubble sort, insertion sort or selection sort; any of them when None.

    The answer is the whole list after the last step, which is neither sorted yet nor what it was a step before.
    Knuth, The Art of Computer Programming, volume 3, 5.2.
    """

    algorithm: str | None = None
    tags: ClassVar[tuple[str, ...]] = ("sequences", "algorithms")
    wordings = (
        "Sort the list {numbers} in increasing order by {algorithm}. {rule} Positions count from 1. "
        "What is the list after step {steps}? Answer in \\boxed{{}} with all its numbers.",
        "{algorithm}, increasing. {rule} (Positions count from 1.)\nInput: {numbers}\nSteps: {steps}\n"
        "Write the resulting list in \\boxed{{}}.",
        "Someone sorts {numbers} from the smallest to the largest, but stops after {steps} of the steps of "
        "{algorithm}. {rule} The leftmost position is 1. How does the list stand then? Answer in \\boxed{{}}.",
    )

    def __post_init__(self) -> None:
        if self.algorithm is not None and self.algorithm not in ALGORITHMS:
            raise ValueError(f"algorithm is None or one of {', '.join(ALGORITHMS)}, not {self.algorithm!r}")

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n = 4 + difficulty
        while True:
            numbers = (10 + rng.permutation(90)[:n]).tolist()
            u, v = rng.random(2).tolist()
            algorithm = self.algorithm or list(ALGORITHMS)[int(u * len(ALGORITHMS))]
            steps = 1 + difficulty // 2 + int(v * 2)
            states = _states(algorithm, numbers, steps)
            if states[-1] != states[-2] and states[-1] != sorted(numbers):
                break
        fields = {
            "numbers": ", ".join(map(str, numbers)),
            "algorithm": algorithm,
            "rule": ALGORITHMS[algorithm],
            "steps": str(steps),
        }
        return self.ask(rng, {"result": states[-1]}, difficulty, fields, {"states": states})

    def verify(self, problem: Problem, response: str) -> Verdict:
        try:
            numbers = boxed_integers(response)
        except NoList as reason:
            return wrong(str(reason))
        expected = problem.reference["result"]
        if len(numbers) != len(expected):
            return wrong(f"{len(numbers)} numbers instead of {len(expected)}", answer=numbers)
        for position, (given, found) in enumerate(zip(expected, numbers, strict=True), 1):
            if given != found:
                return wrong(f"position {position} holds {given}, not {found}", answer=numbers)
        return right("the list after the last step", answer=numbers)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        states = problem.meta["states"]
        lines = [f"step {k}: {', '.join(map(str, state))}" for k, state in enumerate(states[1:], 1)]
        return "\n".join([*lines, boxed(states[-1])])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """One step only."""
        return boxed(problem.meta["states"][1])


def _states(algorithm: str, numbers: list[int], steps: int) -> list[list[int]]:
    """The list before the first step and after each."""
    states = [numbers]
    for k in range(steps):
        numbers = list(numbers)
        if algorithm == "bubble sort":
            for i in range(len(numbers) - 1):
                if numbers[i] > numbers[i + 1]:
                    numbers[i], numbers[i + 1] = numbers[i + 1], numbers[i]
        elif algorithm == "insertion sort":
            numbers[: k + 2] = sorted(numbers[: k + 2])
        else:
            i = numbers.index(min(numbers[k:]), k)
            numbers[k], numbers[i] = numbers[i], numbers[k]
        states.append(numbers)
    return states
