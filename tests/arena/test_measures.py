"""Efficiency, distinct answers, pass@k and balance, by hand and by counting."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.arena.measures import (
    Solution,
    balance,
    calibration,
    distinct,
    diversity,
    entropy,
    headroom,
    majority_at_k,
    oracle_gap,
    outcome_efficiency,
    pass_at_k,
    price,
    process_efficiency,
    revision,
    solutions,
)
from palaestra.arena.rollout import solution_spans
from palaestra.episodes import Actor, Cost, Episode, Outcome
from palaestra.verifiers import Status, Verdict, right, undecided, wrong

RIGHT, WRONG, UNDECIDED = Status
# The 13 solutions of "what is 2 + 3?" (arXiv:2412.21187): 901 tokens, all right, the first of 39 tokens, and the
# first ones of 7 perspectives 323 together. How the rest is spread over the solutions does not enter.
NEW = (39, 109, 29, 19, 59, 49, 19)
AGAIN = (78, 100, 120, 90, 110, 80)
THIRTEEN = [
    *(Solution(tokens, RIGHT, f"perspective {kind}") for kind, tokens in enumerate(NEW)),
    *(Solution(tokens, RIGHT, f"perspective {kind}") for kind, tokens in enumerate(AGAIN)),
]


def test_the_thirteen_solutions_of_two_plus_three() -> None:
    assert (len(THIRTEEN), sum(s.tokens for s in THIRTEEN), sum(NEW)) == (13, 901, 323)
    assert outcome_efficiency([THIRTEEN]) == 39 / 901
    assert process_efficiency([THIRTEEN]) == 323 / 901
    shuffled = [THIRTEEN[0], THIRTEEN[7], *THIRTEEN[1:7], *THIRTEEN[8:]]
    assert process_efficiency([shuffled]) == process_efficiency([THIRTEEN])


def test_one_solution_is_as_efficient_as_it_is_right() -> None:
    responses = [[Solution(10, status, 0)] for status in (RIGHT, WRONG, RIGHT, RIGHT)]
    assert outcome_efficiency(responses) == 0.75
    assert process_efficiency(responses) == 1.0


def test_tokens_count_up_to_the_first_right_solution() -> None:
    response = [Solution(10, WRONG, 0), Solution(20, RIGHT, 1), Solution(10, RIGHT, 1)]
    assert outcome_efficiency([response]) == 30 / 40
    assert process_efficiency([response]) == 30 / 40


def test_an_undecided_solution_is_no_failure_and_no_success() -> None:
    unclear = [Solution(10, UNDECIDED, 0), Solution(10, RIGHT, 0)]
    settled = [Solution(10, RIGHT, 0), Solution(10, UNDECIDED, 0)]
    assert outcome_efficiency([unclear, settled]) == 0.5
    assert math.isnan(outcome_efficiency([unclear]))
    assert math.isnan(outcome_efficiency([[Solution(5, WRONG, 0), Solution(5, UNDECIDED, 0)]]))
    assert math.isnan(process_efficiency([]))


def test_a_response_is_cut_where_the_log_says() -> None:
    text = "3+3=6\n\\boxed{6}\nCheck:\n2+3=5\n\\boxed{5}\nCheck:\n2+3=5\n\\boxed{5}"

    def verify(solution: str) -> Verdict:
        return right("yes") if "boxed{5}" in solution else wrong("no")

    found = solutions(text, solution_spans(text), verify, count=len, kind=lambda solution: solution.split("=")[0])
    assert sum(solution.tokens for solution in found) == len(text)
    assert [(s.status, s.kind) for s in found] == [(WRONG, "3+3"), (RIGHT, "2+3"), (RIGHT, "2+3")]
    assert outcome_efficiency([found]) == pytest.approx(46 / 61)
    assert process_efficiency([found]) == pytest.approx(46 / 61)
    dead = solutions(text, solution_spans(text), lambda solution: undecided("dead"), len, len)
    assert math.isnan(outcome_efficiency([dead]))


@given(st.integers(1, 7), st.data())
def test_pass_at_k_is_the_share_of_draws_that_hold_a_right_answer(samples: int, data: st.DataObject) -> None:
    right, k = data.draw(st.integers(0, samples)), data.draw(st.integers(1, samples))
    draws = list(combinations(range(samples), k))
    share = sum(any(one < right for one in draw) for draw in draws) / len(draws)
    assert pass_at_k(samples, right, k) == pytest.approx(share)
    assert headroom(samples, right, k) == pytest.approx(share - right / samples)


def test_pass_at_k_refuses_what_it_cannot_estimate() -> None:
    for samples, hits, k in ((4, 2, 5), (4, 5, 1), (0, 0, 1), (4, 2, 0)):
        with pytest.raises(ValueError, match="pass@k needs"):
            pass_at_k(samples, hits, k)


def test_distinct_answers_are_a_share() -> None:
    assert distinct(["5", "5", "6", "7"]) == 0.75
    assert math.isnan(distinct([]))


def test_balance_wants_enough_different_right_answers_and_few_wrong_ones() -> None:
    assert balance(right=6, distinct_right=4, selected=8, wanted=4) == 0.75
    assert balance(right=6, distinct_right=2, selected=8, wanted=4) == 0.375
    assert balance(right=8, distinct_right=8, selected=8, wanted=4) == 1.0
    assert balance(right=0, distinct_right=0, selected=0, wanted=4) == 0.0
    with pytest.raises(ValueError, match="5 distinct, 4 right"):
        balance(right=4, distinct_right=5, selected=8, wanted=4)


def voted(draw: tuple[str | None, ...], right: set[str]) -> float:
    """The chance that a vote of these answers is right, of equals each as often."""
    votes = Counter(answer for answer in draw if answer is not None)
    first = [answer for answer, count in votes.items() if count == max(votes.values())]
    return sum(answer in right for answer in first) / len(first) if first else 0.0


@given(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=7), st.data())
def test_majority_at_k_is_the_mean_over_all_draws(answers: list[str | None], data: st.DataObject) -> None:
    k, right_ones = data.draw(st.integers(1, len(answers))), data.draw(st.sets(st.sampled_from("abc")))
    draws = list(combinations(answers, k))
    mean = sum(voted(draw, right_ones) for draw in draws) / len(draws)
    assert majority_at_k(answers, right_ones, k) == pytest.approx(mean)
    hit = sum(any(one in right_ones for one in draw) for draw in draws) / len(draws)
    assert oracle_gap(answers, right_ones, k) == pytest.approx(hit - mean)


def test_majority_at_k_refuses_more_than_there_are_and_none_at_all() -> None:
    for answers, k in ((["a"], 2), (["a"], 0), ([], 1)):
        with pytest.raises(ValueError, match="majority@k needs"):
            majority_at_k(answers, {"a"}, k)


def test_entropy_is_that_of_the_answers_shares() -> None:
    assert entropy("aabb") == pytest.approx(math.log(2))
    assert entropy("aaaa") == 0.0
    assert math.isnan(entropy([]))


def test_two_ways_to_one_answer_are_two_derivations() -> None:
    found = diversity(["2+3=5\n\\boxed{5}", "2 + 3 = 5\n\n\\boxed{5}", "3+2=5\n\\boxed{5}", "no idea"])
    assert (found.answers, found.derivations, found.entropy, found.unanswered) == (1 / 3, 3 / 4, 0.0, 1)
    nothing = diversity([])
    assert math.isnan(nothing.answers)
    assert math.isnan(nothing.derivations)


def test_calibration_by_hand() -> None:
    found = calibration([0.9, 0.9, 0.2, 0.2, 1.0], [1, 0, 0, 0, 1], bins=10)
    assert found.ece == pytest.approx((0.8 + 0.4) / 5)  # one of 1.9 at 0.9 and 1.0, none of 0.4 at 0.2
    assert found.brier == pytest.approx((0.01 + 0.81 + 0.04 + 0.04 + 0) / 5)
    assert (found.n, found.left_out) == (5, 0)


def test_calibration_leaves_nan_out_and_says_so() -> None:
    found = calibration([0.5, math.nan, 0.5], [1, 1, math.nan])
    assert (found.n, found.left_out, found.brier) == (1, 2, 0.25)
    assert math.isnan(calibration([math.nan], [1]).ece)
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        calibration([1.5], [1])


def test_revising_repairs_and_harms() -> None:
    found = revision([WRONG, WRONG, RIGHT, RIGHT, RIGHT, UNDECIDED], [RIGHT, WRONG, RIGHT, WRONG, RIGHT, RIGHT])
    assert (found.repair, found.harm) == (1 / 2, 1 / 3)
    assert (found.before, found.after) == (3 / 5, 3 / 5)
    assert (found.n, found.undecided) == (5, 1)
    assert math.isnan(revision([RIGHT], [RIGHT]).repair)


def test_the_price_of_a_right_answer_holds_what_the_wrong_ones_cost() -> None:
    def episode(status: Status, cost: Cost) -> Episode:
        outcome = {"reasoner": Outcome(1.0, status)}
        return Episode("i", "e", {}, {}, 0, "g", {"reasoner": Actor("a")}, (), outcome, True, False, cost=cost)

    log = [episode(RIGHT, Cost(10, 20, 1)), episode(WRONG, Cost(30, 40, 3)), episode(UNDECIDED, Cost(0, 4, 1))]
    found = price(log)
    assert (found.tokens, found.tokens_in, found.verifier_calls) == (64, 40, 5)
    assert (found.right, found.undecided) == (1, 1)
    assert price(log[1:]).tokens == math.inf
    with pytest.raises(ValueError, match="no episode"):
        price([])
