"""Flip one bit a turn until a row of bits is the desired one (Andrychowicz et al., arXiv:1707.01495, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.dialogue import State, Turn, last_action
from palaestra.envs.goals import GoalDialogue, Goals
from palaestra.envs.registration import register
from palaestra.envs.task import Problem
from palaestra.verifiers import right
from palaestra.verifiers.math.number import read_number
from palaestra.verifiers.quoting import quoted

MOST_BITS = 50
SEEN = 8  # bits that the weak player compares


@register("palaestra/BitFlip-v0")
@dataclass(frozen=True)
class BitFlip(GoalDialogue):
    """Difficulty raises how many bits there are (8 to 44).

    bits: how many, whatever the difficulty.

    An action flips one bit, counted from 1 at the left: ``flip[3]``. The dialogue is won when all bits are as desired;
    there are as many turns as bits. The reward says nothing on the way there, which is what makes 40 bits hard for an
    agent that learns from rewards alone, and hindsight useful.
    """

    bits: int | None = None
    tags: ClassVar[tuple[str, ...]] = ("dialogue", "goals", "exploration")
    ceiling = 0.1
    wordings: ClassVar[tuple[str, ...]] = (
        "The bits are {start}.\nMake them {goal}.\nIn each of at most {turns} turns, flip one of them: flip[1] flips "
        "the first from the left, flip[{turns}] the last.",
        "A row of {turns} lamps, 1 for on and 0 for off, shows {start}. It should show {goal}. Each turn you press one "
        "switch, flip[k] for the k-th lamp from the left, and see the row again. You may press {turns} times.",
        "State: {start}\nGoal:  {goal}\nAction: flip[k], k from 1 to {turns}, inverts bit k from the left\n"
        "Turns: {turns}",
    )

    def __post_init__(self) -> None:
        if self.bits is not None and not 8 <= self.bits <= MOST_BITS:
            raise ValueError(f"bits is None or from 8 to {MOST_BITS}, not {self.bits}")

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n = self.bits or 4 + 4 * difficulty
        start, goal = rng.integers(1 << n, size=2).tolist()
        if start == goal:
            goal ^= 1
        fields = {"start": f"{start:0{n}b}", "goal": f"{goal:0{n}b}", "turns": str(n)}
        return self.ask(rng, {"start": fields["start"], "goal": fields["goal"], "turns": n}, difficulty, fields)

    def begin(self, problem: Problem) -> State:
        return problem.reference["start"]

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        """State: the bits."""
        bits: str = state
        found = last_action(action, "flip")
        if found is None:
            return Turn(f"That is no action: write flip[k]. The bits are {bits}.", bits)
        k = read_number(found[1])
        if not isinstance(k, int) or not 1 <= k <= len(bits):
            return Turn(
                f"There is no bit {quoted(found[1], 20)}: k is from 1 to {len(bits)}. The bits are {bits}.", bits
            )
        bits = bits[: k - 1] + ("1" if bits[k - 1] == "0" else "0") + bits[k:]
        if bits == problem.reference["goal"]:
            return Turn(f"The bits are {bits}, as they should be.", bits, right("all bits are as desired"))
        return Turn(f"The bits are {bits}.", bits)

    def act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        return self._flip(problem, state, len(state))

    def weak_act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Compares the first eight bits only, and tries anything when those agree."""
        return self._flip(problem, state, SEEN) or f"flip[{1 + int(rng.integers(len(state)))}]"

    def _flip(self, problem: Problem, state: State, seen: int) -> str:
        pairs = zip(state[:seen], problem.reference["goal"][:seen], strict=True)
        wrong = next((k for k, (bit, wanted) in enumerate(pairs, start=1) if bit != wanted), None)
        return "" if wrong is None else f"flip[{wrong}]"

    def achieved(self, problem: Problem, state: State) -> str:
        return str(state)

    def encode(self, goals: Sequence[str]) -> Goals:
        return np.array([[int(bit) for bit in goal] for goal in goals], dtype=np.int64)
