"""A round as its modules made it: drafts, answers, opinions, repairs; and how well each module did."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean

from palaestra.arena.evaluate import reward
from palaestra.arena.intervals import interval
from palaestra.episodes import Episode
from palaestra.episodes.views import Row


@dataclass(frozen=True)
class Record:
    """What one round's modules did. Everything is found by the id of an answer, or by the group of its problem.

    drafts: an episode for each problem that the creator wrote, of role "creator", its outcome its own reward. Empty
        where a rule chose the problems. rows: of the drafts, "creator", and of answers and repairs by their slots.
    answers: the reasoner's episodes. scores: by id, the evaluator's chance that an answer is right; shown: that it was
        a demonstration, where the evaluator tells these. repairs: by the answer's id, what was made of it.
    demonstrations: the oracle's answers to the same problems, as rows.
    critiques: by id, what an evaluator that writes them said of an answer or a repair, as ids.
    older: the rounds before it that are learned from again.
    words: ids of what an evaluator is asked and says. evaluates: whether a model does.
    """

    number: int
    drafts: Sequence[Episode]
    answers: Sequence[Episode]
    rows: Mapping[str, list[Row]]
    scores: Mapping[str, float]
    repairs: Mapping[str, Episode]
    shown: Mapping[str, float] = field(default_factory=dict)
    demonstrations: Sequence[Row] = ()
    words: Mapping[str, Sequence[int]] = field(default_factory=dict)
    critiques: Mapping[str, Sequence[int]] = field(default_factory=dict)
    evaluates: bool = False
    older: Sequence[Record] = ()

    @cached_property
    def right(self) -> dict[str, float]:
        """Reward of every answer and repair, by its id."""
        return {one.id: reward(one) for one in (*self.answers, *self.repairs.values())}

    @cached_property
    def groups(self) -> dict[str, list[Episode]]:
        """The answers by problem."""
        found: dict[str, list[Episode]] = {}
        for one in self.answers:
            found.setdefault(one.group_id, []).append(one)
        return found

    def success(self, slot: str, group: str) -> float:
        """How well a module did on one problem, in [0, 1]; nan without a decided answer."""
        values = [SUCCESS[slot](self, one) for one in self.groups.get(group, ())]
        return _mean(values)

    def final(self, group: str) -> float:
        """Whether what the modules together answer is right: the evaluator's favourite, repaired where it is doubted.

        With no model that evaluates, it is the first answer; then every answer is put to the post-processor. What the
        evaluator gives no score (nan) stands below all others, and is doubted.
        """
        told = {one.id: self.scores[one.id] if self.evaluates else math.nan for one in self.groups[group]}
        best = max(self.groups[group], key=lambda one: -math.inf if math.isnan(told[one.id]) else told[one.id])
        doubted = not told[best.id] >= 0.5
        return self.right[self.repairs[best.id].id if doubted and best.id in self.repairs else best.id]

    def figures(self) -> dict[str, float]:
        """Accuracy of all modules together, with its interval over problems, and of each by itself."""
        finals = [value for group in self.groups if not math.isnan(value := self.final(group))]
        low, high = interval(finals)
        found = {"accuracy": _mean(finals), "low": low, "high": high, "problems": float(len(finals))}
        found |= {slot: _mean([SUCCESS[slot](self, one) for one in self.answers]) for slot in SUCCESS}
        if self.drafts:
            found["creator"] = _mean([float(one.outcome["creator"].reward > 0) for one in self.drafts])
        return found


def _agrees(record: Record, one: Episode) -> float:
    """Whether the evaluator says of an answer what the verifier does; nan where either says nothing."""
    told, right = record.scores[one.id], record.right[one.id]
    return math.nan if math.isnan(told + right) else float((told >= 0.5) == (right >= 0.5))


def _repaired(record: Record, one: Episode) -> float:
    return record.right[record.repairs[one.id].id if one.id in record.repairs else one.id]


# How well each module did on one answer. The creator is judged by its drafts.
SUCCESS: dict[str, Callable[[Record, Episode], float]] = {
    "reasoner": lambda record, one: record.right[one.id],
    "evaluator": _agrees,
    "post_processor": _repaired,
}


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return fmean(known) if known else math.nan
