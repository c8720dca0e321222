"""Prove an algebraic identity line by line: from the left side to the right one, one multiplication a line."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from palaestra.envs.dialogue import Dialogue, State, Turn, last_action
from palaestra.envs.registration import register
from palaestra.envs.task import Problem
from palaestra.verifiers import ParseError, TooLarge, Undefined, parse_expression, right
from palaestra.verifiers.quoting import quoted

from .polynomial import (
    NotPolynomial,
    Sum,
    Term,
    canonical,
    collected,
    is_expanded,
    multiplied_out,
    times,
    value,
    written,
)

LETTERS = "xyzabn"
WITNESSES = (2, 3, 5, 7, 11)
EASY = 100  # the largest number that the weak player calculates with


@register("palaestra/InteractiveProof-v0")
@dataclass(frozen=True)
class InteractiveProof(Dialogue):
    """Difficulty raises how many products there are to multiply out (2 to 6) and the numbers in them.

    An action is the next line, ``step[6x + 2(x + 1)]``. A line counts when it equals the one before and is one step
    away: two brackets multiplied with one another, or one with what is beside it, and like terms collected. Others are
    refused, with a place where the values differ or the remark that they jump, and cost a turn. The proof is complete
    at the expanded form.
    """

    tags: ClassVar[tuple[str, ...]] = ("dialogue", "algebra", "proof")
    ceiling = 0.02
    wordings: ClassVar[tuple[str, ...]] = (
        "Prove that\n{left} = {right}\nby rewriting the left side. Each turn write the whole next line as "
        "step[...]. A line multiplies out one bracket at most (times whatever stands before it, or times one other "
        "bracket) and may collect like terms. You have {turns} turns.",
        "Claim: {left} = {right}\nShow it step by step, starting from the left. Every turn is one line, "
        "step[expression], equal to the line before and got from it by a single multiplication of a bracket, after "
        "which like terms may be added up. Turns: {turns}.",
        "Start: {left}\nEnd: {right}\nTransform the start into the end. In one turn you may expand one product with a "
        "bracket and tidy up; send the whole new expression as step[...]. There are {turns} turns, and a wrong or too "
        "long step uses one up.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        products, largest = 1 + (difficulty + 1) // 2, 3 + difficulty
        start, end = _drawn(rng.random(5 * products + 1).tolist(), products, largest, difficulty)
        left, turns = written(start), 2 * products + 2
        fields = {"left": left, "right": written(end), "turns": str(turns)}
        return self.ask(rng, {"start": left, "turns": turns}, difficulty, fields)

    def begin(self, problem: Problem) -> State:
        return problem.reference["start"]

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        """State: the last line that counts, as text."""
        found = last_action(action, "step")
        if found is None or not found[1]:
            return Turn(f"That is no line: write step[...]. The line to go on from is {state}.", state)
        text = found[1]
        try:
            new = _read(text)
        except (ParseError, Undefined, TooLarge, NotPolynomial) as error:
            return Turn(f"{quoted(text)} cannot be read: {quoted(str(error), 60)}.", state)
        old = _read(state)
        if new == old:
            return Turn("That is the line before again, but for order and like terms.", state)
        if refusal := _refusal(old, new):
            return Turn(f"{refusal} Go on from {state}.", state)
        line = written(new)
        if is_expanded(new):
            return Turn(f"{line}: proved.", line, right("proved"))
        return Turn(f"Right: {line}.", line)

    def act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Multiplies out the first bracket that there is."""
        return f"step[{written(next(multiplied_out(_read(state))))}]"

    def weak_act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """The same, but gets no number beyond a hundred right."""
        old = _read(state)
        new = next(multiplied_out(old))
        hard = any(abs(term[0]) > EASY for term in new if term not in old)
        return f"step[{written(new)} + 10]" if hard else f"step[{written(new)}]"


def _refusal(old: Sum, new: Sum) -> str:
    """Why a line does not follow: another value somewhere, or too long a step; empty when it follows."""
    for x in WITNESSES:  # first, since it takes a fraction of the time of trying all steps
        if value(new, x) != value(old, x):
            letter = next(filter(str.isalpha, written(old)))
            return f"Not equal: for {letter} = {x} the line before is {value(old, x)}, this one {value(new, x)}."
    return "" if _is_step(old, new) else "That is no single step: multiply out one bracket at a time."


@lru_cache(maxsize=4096)
def _is_step(old: Sum, new: Sum) -> bool:
    return new in multiplied_out(old)


def _drawn(uniforms: list[float], products: int, largest: int, difficulty: int) -> tuple[Sum, Sum]:
    """A sum of products in one letter, nothing multiplied out, and the same multiplied out."""
    letter = LETTERS[int(uniforms[-1] * len(LETTERS))]
    x: Term = (1, ((letter, 1),), ())
    terms: list[Term] = []
    total = [0, 0, 0]  # coefficients of the square, of the letter, and alone
    for k in range(products):
        kind = uniforms[5 * k]
        a, b, c, d = (
            (1 + int(u % 0.5 * 2 * largest)) * (1 if u < 0.5 else -1) for u in uniforms[5 * k + 1 : 5 * k + 5]
        )
        outer, slope, other = 1, b, a
        if kind < 0.4 and not (k == 0 and difficulty > 1):
            outer, other = 1 + abs(a), 0
        elif kind >= 0.7 and difficulty >= 4:
            outer, slope = 1 + abs(d), 1
        bracket = collected([times((slope, (), ()), x), (c, (), ())])
        if other:
            factors = tuple(sorted((bracket, collected([x, (other, (), ())]))))
            change = (slope, slope * other + c, other * c)
        else:
            factors, change = (bracket,), (0, slope, c)
        terms.append((outer, (), factors))
        total = [n + outer * m for n, m in zip(total, change, strict=True)]
    end = collected([times((total[0], (), ()), times(x, x)), times((total[1], (), ()), x), (total[2], (), ())])
    return collected(terms), end


@lru_cache(maxsize=4096)
def _read(line: str) -> Sum:
    """The expression that a line is; raises as ``parse_expression`` and ``canonical`` do."""
    return canonical(parse_expression(line))
