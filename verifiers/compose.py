r"""Several verdicts on one response made one.

A part is any callable from a response to a verdict. Parts are given by keyword, or by position and then named 1, 2, …::

    judge = weighted(answer=(0.9, ChoiceVerifier("B").verify), format=(0.1, one_box), decisive="answer")
    judge(r"... \boxed{B}")

Every verdict carries ``evidence["parts"]``: by name, each part's score (None when undecided), status, reason, evidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from .verdict import Status, Verdict, right, undecided, wrong

Check: TypeAlias = Callable[[str], Verdict]


@dataclass(frozen=True, slots=True)
class AllOf:
    """See ``all_of``."""

    parts: Mapping[str, Check]

    def __call__(self, response: str) -> Verdict:
        verdicts = {name: check(response) for name, check in self.parts.items()}
        for status, made in ((Status.WRONG, wrong), (Status.UNDECIDED, undecided)):
            for name, verdict in verdicts.items():
                if verdict.status is status:
                    return made(f"{name}: {verdict.reason}", **_parts(verdicts))
        return right("; ".join(f"{name}: {verdict.reason}" for name, verdict in verdicts.items()), **_parts(verdicts))


@dataclass(frozen=True, slots=True)
class Weighted:
    """See ``weighted``."""

    parts: Mapping[str, tuple[float, Check]]
    decisive: str | None

    def __call__(self, response: str) -> Verdict:
        verdicts = {name: check(response) for name, (_, check) in self.parts.items()}
        counted = {name: verdict for name, verdict in verdicts.items() if self.parts[name][0] or name == self.decisive}
        for name, verdict in counted.items():
            if verdict.status is Status.UNDECIDED:
                return undecided(f"{name}: {verdict.reason}", **_parts(verdicts))
        gained = math.fsum(self.parts[name][0] * verdict.score for name, verdict in counted.items())
        score = gained / math.fsum(weight for weight, _ in self.parts.values())  # 1 exactly when every part has 1
        deciding = counted if self.decisive is None else {self.decisive: counted[self.decisive]}
        status = Status.RIGHT if all(verdict.right for verdict in deciding.values()) else Status.WRONG
        reason = "; ".join(f"{name} {verdict.score:.3g}: {verdict.reason}" for name, verdict in counted.items())
        return Verdict(score, status, reason, _parts(verdicts))


@dataclass(frozen=True, slots=True)
class FirstDecided:
    """See ``first_decided``."""

    parts: Mapping[str, Check]

    def __call__(self, response: str) -> Verdict:
        verdicts: dict[str, Verdict] = {}
        for name, check in self.parts.items():
            verdict = verdicts[name] = check(response)
            if verdict.status is not Status.UNDECIDED:
                return Verdict(verdict.score, verdict.status, f"{name}: {verdict.reason}", _parts(verdicts))
        return undecided(
            "; ".join(f"{name}: {verdict.reason}" for name, verdict in verdicts.items()), **_parts(verdicts)
        )


def all_of(*checks: Check, **named: Check) -> AllOf:
    """RIGHT when every part is RIGHT, with score 1; else 0, with no partial credit.

    One WRONG part settles it, whatever is undecided: WRONG, score 0. With no WRONG part, one UNDECIDED part makes the
    whole UNDECIDED. Every part is run; the reason is that of the first part which settled it.

    Raises:
        ValueError: there is no part.
    """
    return AllOf(_named(checks, named))


def weighted(*, decisive: str | None = None, **parts: tuple[float, Check]) -> Weighted:
    """The mean of the parts' scores, each part given as ``name=(weight, check)``.

    RIGHT when the part called ``decisive`` is; when none is named, when every part of weight above 0 is. So a right
    answer in bad form may be RIGHT with score 0.9: accuracy counts the status, a reward the score. A part of weight 0
    is only reported. UNDECIDED when a part of weight above 0, or the decisive part, is: the others never settle a mean.

    Raises:
        ValueError: no weight is above 0, a weight is negative or not finite, or no part is called ``decisive``.
    """
    weights = [weight for weight, _ in parts.values()]
    total = math.fsum(weights)
    if not (weights and min(weights) >= 0 and 0 < total < math.inf):
        raise ValueError(f"weights are finite, none below 0 and one at least above 0, not {weights}")
    if decisive is not None and decisive not in parts:
        raise ValueError(f"decisive={decisive!r} names no part: there are {', '.join(parts)}")
    return Weighted(parts, decisive)


def first_decided(*checks: Check, **named: Check) -> FirstDecided:
    """The verdict of the first part that is not UNDECIDED; UNDECIDED when every part is.

    Later parts are not run: put the cheap and certain before the slow, and a learned judge last.

    Raises:
        ValueError: there is no part.
    """
    return FirstDecided(_named(checks, named))


def _named(checks: Iterable[Check], named: Mapping[str, Check]) -> dict[str, Check]:
    parts = {str(number): check for number, check in enumerate(checks, 1)} | dict(named)
    if not parts:
        raise ValueError("name one part at least")
    return parts


def _parts(verdicts: Mapping[str, Verdict]) -> dict[str, Any]:
    """The evidence of a whole."""
    return {"parts": {name: _record(verdict) for name, verdict in verdicts.items()}}


def _record(verdict: Verdict) -> dict[str, Any]:
    score = None if math.isnan(verdict.score) else verdict.score
    return {"score": score, "status": str(verdict.status), "reason": verdict.reason, "evidence": dict(verdict.evidence)}
