"""Derivatives of growing expressions: polynomials, products, powers, quotients, and functions of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict

from .closed_form import judge_function
from .polynomials import draw, slope, text

ATOM = re.compile(r"\w+|\\(?:sin|cos|ln)\([^()]*\)|\([^()]*\)\^\{\d+\}|e\^\{(?:[^{}]|\{\d+\})*\}")  # needs no brackets
Tree: TypeAlias = list[Any]  # [kind, ...]: poly coefficients | product a b | quotient a b | power a n | function a
FUNCTIONS = ("sin", "cos", "exp", "ln")


@register("palaestra/Derivative-v0")
@dataclass(frozen=True)
class Derivative(Task):
    """Differentiate; any expression that is the same function is right, simplified or not, if that can be proved; for a
    polynomial, if it is not thrice as long as need be.

    Difficulty 1 and 2: polynomials; 3: a product; 4: a power; 5: a quotient; from 6 on the chain rule with sin, cos,
    exp and ln, alone, in products and in quotients. The backward question gives the derivative of a polynomial and its
    value at 0.
    """

    ceiling = 0.01
    tags: ClassVar[tuple[str, ...]] = ("calculus", "symbolic")
    wordings: ClassVar[tuple[str, ...]] = (
        "Differentiate f(x) = {f} with respect to x. Answer with f'(x) in \\boxed{{}}.",
        "What is the slope of the curve y = {f} at the point with abscissa x? Give an expression in x in \\boxed{{}}.",
        "At time x a particle is at the position {f} on a line. Write its velocity at time x as a function of x: "
        "\\boxed{{expression}}.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        tree = _draw(iter(rng.random(30).tolist()), difficulty)
        return self.ask(rng, derivative(tree), difficulty, {"f": written(tree)}, {"tree": tree})

    def verify(self, problem: Problem, response: str) -> Verdict:
        return judge_function(response, problem.reference)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The derivative of each part, the innermost first."""
        if "tree" not in problem.meta:
            return f"integrate each term and add f(0)\n\\boxed{{{problem.reference}}}"
        lines = [f"({written(part)})' = {derivative(part)}" for part in _parts(problem.meta["tree"])]
        return "\n".join([*lines, f"\\boxed{{{problem.reference}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Differentiates products and quotients part by part and forgets inner derivatives."""
        return f"\\boxed{{{_naive(problem.meta['tree'])}}}"

    def invert(self, problem: Problem) -> Problem | None:
        tree = problem.meta.get("tree", [None])
        if tree[0] != "poly":
            return None
        prompt = (
            f"A polynomial f satisfies f'(x) = {problem.reference} and f(0) = {tree[1][0]}. What is f(x)? "
            "Answer in \\boxed{}."
        )
        return Problem(prompt, text(tree[1]), problem.difficulty)


def _draw(uniforms: Iterator[float], difficulty: int) -> Tree:
    def between(low: int, high: int) -> int:
        return low + int(next(uniforms) * (high - low + 1))

    def poly(low: int, high: int, bound: int = 9) -> Tree:
        return ["poly", draw(uniforms, between(low, high), bound)]

    def function(low: int, high: int) -> Tree:
        name, inner = FUNCTIONS[between(0, 3)], poly(low, high, 6)
        coefficients = inner[1]
        if len(coefficients) == 2 and abs(coefficients[1]) == 1:
            coefficients[1] *= between(2, 6)  # else exp would be its own derivative
        if name == "ln":
            coefficients[:] = map(abs, coefficients)  # defined for positive x at least
        return [name, inner]

    match difficulty:
        case 1:
            return poly(2, 3)
        case 2:
            return poly(4, 6, 12)
        case 3:
            return ["product", poly(1, 2), poly(2, 2)]
        case 4:
            return ["power", poly(1, 2), between(3, 7)]
        case 5:
            return ["quotient", poly(1, 2), poly(1, 2)]
        case 6:
            return function(2, 3)
        case 7:
            return ["product", poly(1, 2), function(1, 2)]
        case 8:
            return ["quotient", function(1, 2), poly(2, 2)]
        case 9:
            return ["product", ["power", poly(1, 2), between(3, 7)], function(2, 2)]
        case _:
            return ["quotient", ["product", poly(1, 2), function(1, 2)], ["power", poly(1, 2), between(2, 4)]]


def written(tree: Tree) -> str:
    """The expression in LaTeX."""
    kind = tree[0]
    if kind == "poly":
        return text(tree[1])
    if kind == "product":
        return _times(written(tree[1]), written(tree[2]))
    if kind == "quotient":
        return f"\\frac{{{written(tree[1])}}}{{{written(tree[2])}}}"
    if kind == "power":
        return _power(written(tree[1]), tree[2])
    return f"e^{{{written(tree[1])}}}" if kind == "exp" else f"\\{kind}({written(tree[1])})"


def derivative(tree: Tree) -> str:
    """The derivative in LaTeX, by the rules and simplified only where a factor is 0 or 1."""
    kind, a = tree[0], tree[1]
    if kind == "poly":
        return text(slope(a))
    if kind == "power":
        return _times(str(tree[2]), _power(written(a), tree[2] - 1), derivative(a))
    if kind == "product":
        b = tree[2]
        return f"{_times(derivative(a), written(b))} + {_times(written(a), derivative(b))}"
    if kind == "quotient":
        b = tree[2]
        top = f"{_times(derivative(a), written(b))} - {_times(written(a), derivative(b))}"
        squared = _power(written(b[1]), 2 * b[2]) if b[0] == "power" else _power(written(b), 2)
        return f"\\frac{{{top}}}{{{squared}}}"
    return f"\\frac{{{derivative(a)}}}{{{written(a)}}}" if kind == "ln" else _times(derivative(a), _outer(tree))


def _outer(tree: Tree) -> str:
    """The derivative of the function by its argument."""
    inner = written(tree[1])
    return {
        "sin": f"\\cos({inner})",
        "cos": f"-\\sin({inner})",
        "exp": f"e^{{{inner}}}",
        "ln": f"\\frac{{1}}{{{inner}}}",
    }[tree[0]]


def _naive(tree: Tree) -> str:
    kind = tree[0]
    if kind == "poly":
        return derivative(tree)
    if kind == "power":
        return _times(str(tree[2]), _power(written(tree[1]), tree[2] - 1))
    if kind == "product":
        return _times(_naive(tree[1]), _naive(tree[2]))
    return f"\\frac{{{_naive(tree[1])}}}{{{_naive(tree[2])}}}" if kind == "quotient" else _outer(tree)


def _parts(tree: Tree) -> Iterator[Tree]:
    for child in tree[1:]:
        if tree[0] != "poly" and isinstance(child, list):
            yield from _parts(child)
    yield tree


def _times(*factors: str) -> str:
    if "0" in factors:
        return "0"
    kept = [factor if ATOM.fullmatch(factor) else f"({factor})" for factor in factors if factor != "1"]
    return " \\cdot ".join(kept) if len(kept) > 1 else kept[0] if kept else "1"


def _power(base: str, exponent: int) -> str:
    return base if exponent == 1 else f"{base}^{{{exponent}}}" if base == "x" else f"({base})^{{{exponent}}}"
