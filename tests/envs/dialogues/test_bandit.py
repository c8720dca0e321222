"""Bandit: luck that belongs to the machine and its count, and chances that come out."""

from __future__ import annotations

import pytest

from palaestra.envs import Problem, sample_problem
from palaestra.envs.dialogues import Bandit

NAMES = ["Amber", "Basil", "Cedar"]
PROBLEM = Problem("?", {"names": NAMES, "chances": [0.0, 0.5, 1.0], "luck": 12345, "turns": 4}, 1)


@pytest.mark.parametrize(
    ("action", "seen", "verdict"),
    [
        ("play[Amber]", "Amber paid 0 times of 5.", None),
        ("play[cedar]", "Cedar paid 5 times of 5.", None),
        ("play[Dahlia]", "There is no Dahlia: there are Amber, Basil, Cedar.", None),
        ("pull Amber", "That is no action", None),
        ("answer[Cedar]", "Cedar it is.", "right: Cedar is the best"),
        ("answer[Basil]", "Cedar was better.", "wrong: Cedar is better than Basil"),
        ("answer[Amber, Basil, Cedar]", "There is no", None),
    ],
)
def test_bandit_replies(action: str, seen: str, verdict: str | None) -> None:
    turn = Bandit().turn(PROBLEM, Bandit().begin(PROBLEM), action)
    assert seen in turn.observation
    assert (None if turn.verdict is None else f"{turn.verdict.status}: {turn.verdict.reason}") == verdict


def test_no_answer_in_time_is_wrong() -> None:
    *_, turn = Bandit().play(PROBLEM, ["play[Cedar]"] * 4)
    assert turn.verdict is not None
    assert turn.verdict.reason == "no answer in 4 turns"


def test_luck_depends_on_machine_and_count_and_not_on_the_order() -> None:
    one = [turn.observation for turn in Bandit().play(PROBLEM, ["play[Basil]", "play[Amber]", "play[Basil]"])]
    two = [turn.observation for turn in Bandit().play(PROBLEM, ["play[Cedar]", "play[Basil]", "play[Basil]"])]
    assert (one[0], one[2]) == (two[1], two[2])


@pytest.mark.parametrize("chance", [0.1, 0.5, 0.85])
def test_machines_pay_by_their_chance(chance: float) -> None:
    wins = 0
    for luck in range(200):
        problem = Problem("?", {"names": NAMES, "chances": [chance, 0.0, 1.0], "luck": luck, "turns": 60}, 1)
        state = Bandit().begin(problem)
        for _ in range(10):
            state = Bandit().turn(problem, state, "play[Amber]").state
        wins += sum(state[1])
    assert wins / 10_000 == pytest.approx(chance, abs=0.02)


def test_the_best_is_unique_and_its_lead_shrinks_with_difficulty() -> None:
    leads = []
    for level in (1, 10):
        gaps = []
        for seed in range(100):
            *_, second, best = sorted(sample_problem(Bandit(), seed, level).reference["chances"])
            gaps.append(best - second)
        leads.append(min(gaps))
    assert leads[0] > leads[1] > 0.1
