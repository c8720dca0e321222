r"""What counts as the same answer, task by task."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args, get_origin, get_type_hints

from ..extract import RULES, Rule

MAX_SEPARATOR = 16  # characters


@dataclass(frozen=True, slots=True)
class MathPolicy:
    r"""What counts as the answer, and as the same answer. The defaults accept one reading only.

    ``docs/math_verifier.md`` has a row with examples for each field.

    rules: where the answer is looked for; the first rule that finds one wins. Add ``"whole"`` to take a response
        without a mark as the answer: ``"42"``.
    assignment: accept ``x = 5`` or ``x \in S`` where the gold is ``5`` or ``S``. The name must be that of a gold
        ``x = 5``, if it has one. Equations without unknowns, ``1=5`` or ``2+3=5``, are refused whatever the gold.
    percent: ``"fraction"`` reads ``50\%`` as 1/2, ``"number"`` as 50; never both.
    tolerance: the largest difference between two real numbers that still counts as equal: ``Fraction(1, 1000)``
        accepts 0.333 for 1/3. It holds for the parts of tuples, sets, intervals and matrices too.
    relative_tolerance: the same as a share of the larger of the two sizes.
    order: ``"any"`` lets the items of ``1, 2`` and ``[1, 2]`` come in any order. Tuples keep theirs, sets have none.
    repeats: ``"ignored"`` takes ``\{1,1,2\}`` for ``\{1,2\}``.
    brackets: ``"any"`` takes ``(1,2)``, ``[1,2]``, ``\{1,2\}``, ``1, 2`` and a vector of 1 and 2 for one another.
    ends: ``"any"`` takes ``(1,2]`` for ``[1,2]``.
    inequalities: ``"intervals"`` takes ``1<x<2`` for ``(1,2)``.
    units: ``"optional"`` takes ``10`` for ``10\text{ km}`` and the reverse, never ``10\text{ miles}``.
    log: the base of ``\log`` without one. With ``"unknown"`` only what holds for every base is equal.
    dates: ``"mdy"`` and ``"dmy"`` read ``1/5/2024`` as a date; ``"named"`` only ``January 5, 2024`` and ``2024-01-05``.
    separator: a text that divides the acceptable answers in a gold: ``"0.5 ;; one half"`` with ``";;"``.
    slow: ask math-verify, in a worker process, what the methods here leave open.

    Raises:
        ValueError: a value outside these, or two that exclude each other.
    """

    rules: tuple[Rule, ...] = RULES
    assignment: bool = True
    percent: Literal["fraction", "number"] = "fraction"
    tolerance: Fraction = Fraction(0)
    relative_tolerance: Fraction = Fraction(0)
    order: Literal["written", "any"] = "written"
    repeats: Literal["counted", "ignored"] = "counted"
    brackets: Literal["same", "any"] = "same"
    ends: Literal["exact", "any"] = "exact"
    inequalities: Literal["relations", "intervals"] = "relations"
    units: Literal["required", "optional"] = "required"
    log: Literal["unknown", "10", "e"] = "unknown"
    dates: Literal["named", "mdy", "dmy"] = "named"
    separator: str | None = None
    slow: bool = True

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is one of {', '.join(choices)}, not {getattr(self, name)!r}")
        if not self.rules or len(set(self.rules)) < len(self.rules) or not set(self.rules) <= set(get_args(Rule)):
            raise ValueError(f"rules are one or more of {', '.join(get_args(Rule))}, each once, not {self.rules!r}")
        for name in ("tolerance", "relative_tolerance"):
            value = getattr(self, name)
            if not isinstance(value, int | Fraction) or value < 0:
                raise ValueError(f"{name} is a Fraction of at least 0, not {value!r}")
        if self.relative_tolerance >= 1:
            raise ValueError("relative_tolerance is below 1")
        if self.tolerance and self.relative_tolerance:
            raise ValueError("choose one of tolerance and relative_tolerance")
        if self.separator is not None and not 0 < len(self.separator.strip()) <= MAX_SEPARATOR:
            raise ValueError(f"separator is a text of 1 to {MAX_SEPARATOR} characters, not {self.separator!r}")

    def __hash__(self) -> int:
        """Of a few fields only, to be quick: golds are looked up by text and policy at each check."""
        return hash((self.rules, self.percent, self.units, self.order))


_CHOICES: dict[str, tuple[str, ...]] = {
    name: get_args(hint) for name, hint in get_type_hints(MathPolicy).items() if get_origin(hint) is Literal
}
DEFAULT = MathPolicy()
