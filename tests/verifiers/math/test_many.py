"""Many answers at once: the verdicts of one by one, whatever the workers and the load."""

from __future__ import annotations

import threading
from fractions import Fraction

import pytest

from benchmarks.math_pairs import pairs
from palaestra.verifiers import GoldError, MathPolicy, MathVerifier
from palaestra.verifiers.math import many
from palaestra.verifiers.math.many import verify_many

KINDS = [
    *(("5", "5"), ("6", "5"), ("1,000", "1000"), ("0.333", r"\frac{1}{3}"), (r"\sqrt{8}", r"2\sqrt{2}")),
    *(("x^2+2x+1", "(x+1)^2"), (r"\frac{x^2-1}{x-1}", "x+1"), ("x=5", "5"), ("1=5", "5"), ("", "5"), ("\ud800\0", "5")),
    *(("9**9**9**9", "5"), ("7" * 70_000, "5"), ("2^{x+1}", "2*2^x"), (r"\frac{1}{0}", "5"), (r"50\%", r"\frac12")),
]
PAIRS = [(rf"so \boxed{{{answer}}}", gold) for answer, gold in KINDS * 3] + [("no box", "5")]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("policy", [MathPolicy(), MathPolicy(percent="number", tolerance=Fraction(1, 1000))])
def test_the_verdicts_are_those_of_one_by_one(policy: MathPolicy, workers: int) -> None:
    verifier = MathVerifier(policy)
    assert verifier.verify_many(PAIRS, workers) == [verifier.verify(*pair) for pair in PAIRS]


def test_pairs_of_every_kind_are_judged_rightly() -> None:
    made = list(pairs(600, seed=7))
    verdicts = verify_many([(rf"\boxed{{{pair.answer}}}", pair.gold) for pair in made])
    assert [pair for pair, verdict in zip(made, verdicts, strict=True) if verdict.right != pair.same] == []


def test_no_pairs_no_verdicts() -> None:
    assert verify_many([]) == []


def test_a_bad_gold_raises_as_it_does_alone() -> None:
    with pytest.raises(GoldError):
        verify_many([*PAIRS, (r"\boxed{5}", r"\frac{")])


def test_callers_do_not_disturb_each_other() -> None:
    expected = verify_many(PAIRS)
    seen: list[bool] = []
    threads = [threading.Thread(target=lambda: seen.append(verify_many(PAIRS) == expected)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 4


def test_what_a_worker_cannot_finish_is_judged_here(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = verify_many(PAIRS)
    broken = many.Workers("palaestra.verifiers.math.many:missing")
    monkeypatch.setattr(many, "_workers", lambda count: broken)
    assert verify_many(PAIRS) == expected


def test_a_policy_survives_the_way_to_a_worker() -> None:
    policy = MathPolicy(rules=("whole", "boxed"), assignment=False, tolerance=Fraction(1, 3))
    assert many._read(many._write(policy)) == policy
