"""Two agents are told apart as often as they should be, and no oftener."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from palaestra.arena.significance import compare, holm, paired_bootstrap, sign_test


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (5, 5), (9, 1), (1, 9), (30, 12), (300, 251)])
def test_the_sign_test_is_the_exact_binomial_one(wins: int, losses: int) -> None:
    expected = binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    assert sign_test(wins, losses) == pytest.approx(expected)


def test_holm_corrects_as_he_says() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_of_many_equal_agents_few_boards_name_one_as_worse() -> None:
    """Uncorrected, two boards in three of these would."""
    rng = np.random.default_rng(0)
    boards = 0
    for _ in range(200):
        ps = [sign_test(wins, 60 - wins) for wins in rng.binomial(60, 0.5, size=20).tolist()]
        boards += min(holm(ps)) < 0.05
    assert boards <= 16  # 5 % of 200 are 10


def test_problems_are_paired_so_that_their_difficulty_does_not_count() -> None:
    rng = np.random.default_rng(1)
    hard = rng.random(200)
    ones = {str(i): float(value) for i, value in enumerate(hard)}
    others = {str(i): float(value) - 0.02 for i, value in enumerate(hard)}
    found = compare("e", "a", "b", ones, {**others, "elsewhere": 1.0, "undecided": math.nan})
    assert (found.problems, found.wins, found.losses) == (200, 200, 0)
    assert found.low == pytest.approx(0.02)
    assert found.high == pytest.approx(0.02)
    assert found.p < 1e-50
    with pytest.raises(ValueError, match="no decided problem of e in common"):
        compare("e", "a", "b", ones, {"elsewhere": 1.0})


def test_the_bootstrap_interval_holds_its_level() -> None:
    rng = np.random.default_rng(2)
    held = 0
    for seed in range(200):
        low, high = paired_bootstrap(rng.choice([-1.0, 0.0, 1.0], p=[0.2, 0.5, 0.3], size=150), seed)
        held += low <= 0.1 <= high
    assert 181 <= held <= 199  # 190 expected
