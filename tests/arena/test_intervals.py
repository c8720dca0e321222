"""Intervals against published values, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from palaestra.arena.intervals import bootstrap, interval, wilson


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [  # Newcombe 1998, table I (method 3), and the interval of 8 in 10
        (8, 10, 0.4902, 0.9433),
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
    ],
)
def test_wilson_is_the_published_interval(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_nothing_tried_is_nothing_known() -> None:
    assert wilson(0, 0) == bootstrap([]) == interval([]) == (0, 1)


@pytest.mark.parametrize("p", [0.03, 0.5, 0.9])
def test_wilson_holds_the_truth_about_as_often_as_it_says(p: float) -> None:
    trials = 100
    drawn = np.random.default_rng(0).binomial(trials, p, size=3000)
    intervals = {k: wilson(int(k), trials) for k in np.unique(drawn)}
    held = np.mean([intervals[k][0] <= p <= intervals[k][1] for k in drawn])
    assert 0.93 <= held <= 0.98


def test_the_bootstrap_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    held = [low <= 2 / 3 <= high for low, high in (bootstrap(rng.beta(2, 1, 60), 400) for _ in range(400))]
    assert 0.91 <= np.mean(held) <= 0.98


def test_the_bootstrap_is_near_the_normal_interval_and_repeats_itself() -> None:
    values = np.random.default_rng(1).random(500)
    half = 1.96 * values.std(ddof=1) / 500**0.5
    assert bootstrap(values.tolist()) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.003)
    assert bootstrap(values.tolist()) == bootstrap(values.tolist())


def test_scores_of_right_and_wrong_get_wilson_and_others_the_bootstrap() -> None:
    assert interval([1.0] * 8 + [0.0] * 2) == wilson(8, 10)
    assert interval([0.5, 1.0, 0.0]) == bootstrap([0.5, 1.0, 0.0])
