"""The rows of the board: each strategy of an environment beside a vote that pays as many tokens."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

from palaestra.arena.evaluate import problem_key, votes_of
from palaestra.arena.intervals import interval
from palaestra.arena.measure import by_problem, corrected
from palaestra.arena.measures import majority_at_k
from palaestra.arena.significance import Comparison, compare
from palaestra.episodes import Episode, EpisodeStore
from palaestra.verifiers import extract_answer

from ..systems.scores import Mean
from .plan import POOL, Contender, Place, Sizes, contenders
from .play import SUMMARY, is_done

Scores = Mapping[str, float]  # by problem


@dataclass(frozen=True, slots=True)
class Price:
    """What a problem cost, in the mean: tokens written, tokens read, verdicts and programs run."""

    written: float
    read: float
    calls: float


@dataclass(frozen=True, slots=True)
class Pool:
    """The plain agent's answers: what stands in the box of each (None: nothing), and which of these are right.

    price: of one answer.
    """

    drawn: Mapping[str, tuple[Sequence[str | None], set[str]]]
    price: Price

    @property
    def most(self) -> int:
        """How many answers there are to each problem."""
        return min(len(answers) for answers, _ in self.drawn.values())

    def affordable(self, written: float) -> float:
        """How many answers so many tokens pay for; not whole, at least one, at most all that were drawn."""
        return min(float(self.most), max(1.0, written / self.price.written))

    def expected(self, k: float) -> Scores:
        """The chance that the majority of k answers is right, over all draws; between whole k as far as k is.

        (1 - f) majority@floor(k) + f majority@ceil(k), f = k - floor(k): an agent that draws one more so often pays, in
        the mean, for k answers.
        """
        low, high = math.floor(k), math.ceil(k)
        share = k - low
        return {
            key: (1 - share) * majority_at_k(*answers, low) + share * majority_at_k(*answers, high)
            for key, answers in self.drawn.items()
        }

    def first(self, n: int) -> Scores:
        """1 where the majority of the first n answers is right, the first of equals (``SelfConsistency``)."""
        return {key: _majority(answers[:n], right) for key, (answers, right) in self.drawn.items()}


def _majority(answers: Sequence[str | None], right: set[str]) -> float:
    named = [answer for answer in answers if answer is not None]
    return float(bool(named) and max(named, key=named.count) in right)


@dataclass(frozen=True, slots=True)
class Row:
    """A strategy in an environment.

    answers: of the vote beside it, as many as its tokens pay for. gap: the strategy less that vote's chance, problem by
    problem. sign: the strategy beside one such vote as it was drawn, each problem right or wrong, corrected for the
    table. amiss: what the strategy counted, and ``unread`` of its answers.
    """

    contender: Contender
    right: Mean
    price: Price
    answers: float
    vote: Mean
    gap: Comparison
    sign: Comparison
    amiss: Mapping[str, int]

    def pays(self, pool: Pool) -> float:
        """The strategy's tokens as a multiple of what the vote beside it wrote."""
        return self.price.written / (self.answers * pool.price.written)

    @property
    def behind(self) -> bool:
        """Whether the interval of its difference lies below nothing.

        The bootstrap of a strategy that solved none knows of no luck: there Wilson's interval must lie below the vote.
        """
        return self.gap.high < 0 and (self.right.value > 0 or self.right.high < self.vote.value)

    @property
    def ahead(self) -> bool:
        """The same above; of one that solved all Wilson's interval must lie above the vote."""
        return self.gap.low > 0 and (self.right.value < 1 or self.right.low > self.vote.value)


def rows_of(place: Place, runs: Path, sizes: Sizes) -> tuple[Pool, list[Row]] | None:
    """The pool of a place and its strategies that were played, the best first; None where no pool was drawn."""
    if not is_done(runs / place.name / POOL):
        return None
    pool = pool_of(_episodes(runs / place.name / POOL))
    found = [
        row_of(place, one, _episodes(folder), pool, _counted(folder))
        for one in contenders(sizes.shots)
        if is_done(folder := runs / place.name / one.name)
    ]
    signs = corrected([row.sign for row in found])
    told = [replace(row, sign=sign) for row, sign in zip(found, signs, strict=True)]
    return pool, sorted(told, key=lambda row: -row.right.value)


def pool_of(episodes: Sequence[Episode]) -> Pool:
    """The plain agent's answers, by problem, in the order in which they were drawn."""
    groups: dict[str, list[Episode]] = {}
    for one in sorted(episodes, key=lambda one: one.id):
        groups.setdefault(problem_key(one), []).append(one)
    return Pool({key: votes_of(group) for key, group in groups.items()}, price_of(episodes))


def row_of(
    place: Place, contender: Contender, episodes: Sequence[Episode], pool: Pool, amiss: Mapping[str, int]
) -> Row:
    """A strategy's episodes beside the vote that their tokens pay for."""
    scores, price = by_problem(episodes), price_of(episodes)
    answers = pool.affordable(price.written)
    expected = pool.expected(answers)
    return Row(
        *(contender, estimate(scores), price, answers, estimate(expected)),
        gap=compare(place.name, contender.name, POOL, scores, expected),
        sign=compare(place.name, contender.name, POOL, scores, pool.first(round(answers))),
        amiss={**unread(episodes), **amiss},
    )


def unread(episodes: Sequence[Episode]) -> dict[str, int]:
    """How many last answers were cut off at the longest a call may be, and in how many no answer stands."""
    last = [one.turns[-1] for one in episodes]
    found = {
        "cut at the limit": sum(turn.finish_reason == "length" for turn in last),
        "without an answer": sum(extract_answer(turn.text) is None for turn in last),
    }
    return {what: count for what, count in found.items() if count}


def estimate(scores: Scores) -> Mean:
    """Wilson's interval where every score is 0 or 1, else the bootstrap over problems."""
    values = list(scores.values())

    return Mean(mean(values), *interval(values))


def price_of(episodes: Sequence[Episode]) -> Price:
    """What an episode cost, in the mean."""
    costs = [one.cost for one in episodes]
    return Price(
        mean(one.tokens_out for one in costs),
        mean(one.tokens_in for one in costs),
        mean(one.verifier_calls for one in costs),
    )


def _episodes(folder: Path) -> list[Episode]:
    return list(EpisodeStore(folder / "episodes").read())


def _counted(folder: Path) -> dict[str, int]:
    layers = json.loads((folder / SUMMARY).read_text())["counted"].values()
    return {what: count for counts in layers for what, count in counts.items() if count}
