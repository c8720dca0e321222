"""Data sources: what of a round is learned from, as functions from the round to a view."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from typing import Protocol

import numpy as np

from palaestra.episodes import Episode, choices
from palaestra.episodes.views import Row, View


class Round(Protocol):
    """A round that was played.

    number: of it, from 0. episodes: all of it. rows: its sampled answers in groups, as judged.
    """

    number: int
    episodes: Sequence[Episode]
    rows: list[Row]

    def demonstrations(self) -> list[Row]:
        """The oracle's answers to the round's problems."""

    def likeliest(self) -> list[Row]:
        """The policy's likeliest answer to each of them."""

    def hinted(self, groups: Sequence[str]) -> list[Row]:
        """Answers to the problems of these groups, sampled with the answer as a hint, behind prompts without it."""

    def implicit_rewards(self, rows: Sequence[Row]) -> list[float]:
        """Σ log π - Σ log ref of each row, ref the policy as evolution began."""

    def earlier(self, number: int) -> list[Row]:
        """The sampled answers of another round, as judged then."""


Source = Callable[[Round], View]


def answers(round: Round) -> View:
    """Every answer."""
    return View(round.rows)


def of(select: Callable[[list[Row]], View]) -> Source:
    """What a choice among a round's answers keeps."""

    @wraps(select)
    def source(round: Round) -> View:
        return select(round.rows)

    return source


def real_and_generated(round: Round) -> View:
    """A pair for each group: the oracle's demonstration, preferred to an own sample (SPIN; arXiv 2401.01335)."""
    return choices.real_and_generated(round.demonstrations(), round.rows)


def against_likeliest(round: Round) -> View:
    """Every answer beside the reward of the policy's likeliest to the same problem (ReMax; arXiv 2310.10505)."""
    return choices.against(round.rows, round.likeliest())


def rationalised(round: Round) -> View:
    """Right answers; where there is none, a right one that was given a hint, without it (STaR; arXiv 2203.14465)."""
    solved = choices.solved(round.rows)
    open_groups = {row.group_id for row in round.rows} - {row.group_id for row in solved.rows}
    hinted = choices.solved(round.hinted(sorted(open_groups)))
    return View([*solved.rows, *hinted.rows], solved.dropped)


def right_and_wrong(round: Round) -> View:
    """Every decided answer: the right ones are imitated, all are foretold (AlphaMath; arXiv 2405.03553)."""
    return View([replace(row, weight=float(row.reward >= 1)) for row in round.rows if not math.isnan(row.reward)])


OFFLINE_ROUNDS = 2  # whose pairs, by verdict, are DICE's offline data
ALPHAS = np.linspace(0, 1, 1001)  # lengths' prices that are tried


def bootstrapped(round: Round) -> View:
    """Pairs by implicit reward less a price of length; pairs by verdict of the first rounds (DICE; 2406.09760)."""
    if round.number < OFFLINE_ROUNDS:
        return choices.best_and_worst(round.rows)
    own = choices.length_regularised(round.rows, round.implicit_rewards(round.rows), ALPHAS)
    replayed = choices.best_and_worst(round.earlier(round.number % OFFLINE_ROUNDS)).rows
    return View([*own.rows, *replayed[: len(own.rows)]], own.dropped)
