"""What a verifier decides about one answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """RIGHT and WRONG speak of the answer; UNDECIDED says that the verifier itself could not decide."""

    RIGHT = "right"
    WRONG = "wrong"
    UNDECIDED = "undecided"


_RIGHT, _WRONG, _UNDECIDED = Status  # reading an enum's attribute takes as long as a small function call


@dataclass(frozen=True, slots=True, init=False)
class Verdict:
    """A verifier's judgement of one answer.

    score: in [0, 1]; nan exactly when ``status`` is UNDECIDED, so that it can never be summed as a reward unnoticed.
    reason: one line that a person can read, such as ``test 3: expected 7, got 9``.
    evidence: JSON-able facts behind the verdict (extracted answer, failing test, seconds).

    Raises:
        ValueError: the score is outside [0, 1], or is nan for a decided status, or is a number for UNDECIDED; the
            status is none, nor the word for one.
    """

    score: float
    status: Status
    reason: str
    evidence: Mapping[str, Any]

    def __init__(self, score: float, status: Status, reason: str, evidence: Mapping[str, Any] | None = None) -> None:
        if type(status) is not Status:
            status = Status(status)
        if status is _UNDECIDED:
            if not math.isnan(score):
                raise ValueError(f"an undecided verdict has score nan, not {score}")
        elif not 0.0 <= score <= 1.0:
            raise ValueError(f"a decided verdict scores in [0, 1], not {score}")
        _set_score(self, score)
        _set_status(self, status)
        _set_reason(self, reason)
        _set_evidence(self, {} if evidence is None else evidence)

    def __eq__(self, other: object) -> bool:
        """Equal in every field, where nan equals nan (two undecided verdicts can agree)."""
        if not isinstance(other, Verdict):
            return NotImplemented
        same_score = self.score == other.score or (math.isnan(self.score) and math.isnan(other.score))
        return same_score and (self.status, self.reason, self.evidence) == (other.status, other.reason, other.evidence)

    __hash__ = None  # type: ignore[assignment]  # evidence is a mapping

    @property
    def right(self) -> bool:
        return self.status is _RIGHT


# The slots' own setters take half the time of a frozen dataclass's generated __init__, and every episode makes one.
_set_score, _set_status, _set_reason, _set_evidence = (
    getattr(Verdict, name).__set__ for name in ("score", "status", "reason", "evidence")
)


def right(reason: str, **evidence: Any) -> Verdict:
    """The answer is right: score 1."""
    return Verdict(1.0, _RIGHT, reason, evidence)


def wrong(reason: str, score: float = 0.0, **evidence: Any) -> Verdict:
    """The answer is wrong, perhaps with partial credit below 1."""
    return Verdict(score, _WRONG, reason, evidence)


def undecided(reason: str, **evidence: Any) -> Verdict:
    """The verifier failed, not the answer: never a reward, a baseline or an accuracy."""
    return Verdict(math.nan, _UNDECIDED, reason, evidence)
