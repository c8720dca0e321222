from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from palaestra.envs import Problem, Task, make_task
from palaestra.envs.audit import STUCK, TRIES, Earned, audit, fastest, judge
from palaestra.envs.cheats import ATTACKS, CHEATS
from palaestra.verifiers import Verdict, last_boxed, right, undecided, wrong


class Digit(Task):
    """Asks for a digit that is 7 in four of five problems."""

    difficulties = range(1, 3)

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        answer = 7 if rng.integers(5) else 3
        return Problem(f"{rng.integers(10**9)}?", answer, difficulty)

    def verify(self, problem: Problem, response: str) -> Verdict:
        return right("yes") if last_boxed(response) == str(problem.reference) else wrong("no")

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return f"\\boxed{{{problem.reference}}}"


class Strange(Digit):
    """Undecided, slow, or dead, as the response says."""

    def verify(self, problem: Problem, response: str) -> Verdict:
        if response == "hang":
            time.sleep(60)
        if response == "die":
            os._exit(1)
        if response == "raise":
            raise ValueError("a bug")
        return undecided("no idea") if response == "doubt" else super().verify(problem, response)


def named(rows: tuple[Earned, ...], policy: str) -> Earned:
    return next(row for row in rows if row.policy == policy)


def test_each_kind_of_policy_is_tried_and_none_earns_from_an_own_task() -> None:
    found = audit("palaestra/LinearEquations-v0", 30)
    assert found.ok
    assert {row.kind for row in found.rows} == {*CHEATS, *ATTACKS}


def test_a_constant_that_pays_is_found_and_its_mean_is_the_share_it_wins() -> None:
    found = audit(Digit(), 200)
    best = named(found.rows, "constant \\boxed{7}")
    assert not found.ok
    assert not best.ok
    assert best.mean == pytest.approx(0.8, abs=0.08)
    assert named(found.rows, "nothing").mean == 0


def test_the_ceiling_allows_for_chance_but_not_for_more() -> None:
    class Declared(Digit):
        ceiling = 0.8

    assert audit(Declared(), 200).ok


def test_judging_goes_on_after_an_answer_that_hangs_dies_or_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palaestra.envs.audit.GRACE", -1.5)
    problem = Problem("?", 7, 1)
    responses = ["\\boxed{7}", "hang", "die", "raise", "doubt", "\\boxed{7}"]
    found = list(judge(Strange(), [(problem, response) for response in responses]))
    assert [one.fault for one in found] == [
        "",
        "no verdict within 0 s",
        "the process died",
        "ValueError: a bug",
        "",
        "",
    ]
    assert [one.score for one in found][::5] == [1.0, 1.0]
    assert np.isnan(found[4].score)


class Loads(Digit):
    """Slow at its first look at such an answer, as what imports a library is."""

    loaded = False

    def verify(self, problem: Problem, response: str) -> Verdict:
        if "2" in response and not self.loaded:
            time.sleep(0.6)
            self.loaded = True
        return super().verify(problem, response)


class Slow(Digit):
    difficulties = range(1, 2)

    def verify(self, problem: Problem, response: str) -> Verdict:
        time.sleep(0.6 if response == "\\boxed{2}" else 0)
        return super().verify(problem, response)


def test_a_slow_verifier_is_caught_and_one_that_is_slow_once_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palaestra.envs.audit.MAX_SECONDS", 0.3)
    slow = named(audit(Slow(), 1, ("constant",)).rows, "constant 2")
    assert slow.slowest > 0.3
    assert not slow.ok
    once = named(audit(Loads(), 1, ("constant",)).rows, "constant 2")
    assert once.slowest <= 0.3
    assert not once.fault


def test_what_the_first_verdict_loads_is_not_timed_and_may_take_longer_than_a_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Imports(Digit):
        loaded = False

        def verify(self, problem: Problem, response: str) -> Verdict:
            if response and not self.loaded:
                time.sleep(0.8)
                self.loaded = True
            return super().verify(problem, response)

    monkeypatch.setattr("palaestra.envs.audit.GRACE", -1.5)  # killed after half a second, and begun anew
    problem = Problem("?", 7, 1)
    assert [one.fault for one in judge(Imports(), [(problem, ""), (problem, "\\boxed{7}")])] == ["", ""]


def test_a_verifier_that_hangs_even_at_the_oracles_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hangs(Digit):
        def verify(self, problem: Problem, response: str) -> Verdict:
            time.sleep(60)
            return wrong("late")

    monkeypatch.setattr("palaestra.envs.audit.GRACE", -1.9)
    monkeypatch.setattr("palaestra.envs.audit.WARM_SECONDS", 0.3)
    assert all(one.fault for one in judge(Hangs(), [(Problem("?", 7, 1), "1")] * 9))


def test_the_fastest_of_several_tries_counts_by_the_clock_on_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palaestra.envs.audit.MAX_SECONDS", 0.2)
    waits = [0.4, 0.0]
    assert fastest(lambda: time.sleep(waits.pop(0)))[1] <= 0.2
    assert fastest(time.sleep, 0.3)[1] > 0.2


def test_a_verifier_that_always_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palaestra.envs.audit.GRACE", -1.9)
    found = list(judge(Strange(), [(Problem("?", 7, 1), "hang")] * 50))
    assert [one.fault for one in found[:STUCK]] == ["no verdict within 0 s"] * STUCK
    assert {one.fault for one in found[STUCK:]} == {"not judged, since 3 answers before it took too long"}


def test_a_case_that_hangs_is_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As one does whose process was stopped for a while: here until the last try."""

    class HangsTwice(Digit):
        def verify(self, problem: Problem, response: str) -> Verdict:
            if response == "again":
                with (tmp_path / "tries").open("a") as file:
                    file.write("x")
                if (tmp_path / "tries").stat().st_size < TRIES:
                    time.sleep(60)
            return super().verify(problem, response)

    monkeypatch.setattr("palaestra.envs.audit.GRACE", -1.0)
    assert [one.fault for one in judge(HangsTwice(), [(Problem("?", 7, 1), "again")] * 2)] == ["", ""]


def test_code_that_a_verifier_executes_is_noticed() -> None:
    class Evaluates(Digit):
        def verify(self, problem: Problem, response: str) -> Verdict:
            if "__import__" in response and response.startswith("__import__"):
                Path(response.split("touch ")[1].rstrip("')")).touch()
            return wrong("no")

    found = audit(Evaluates(), 2, ATTACKS)
    assert found.executed
    assert not found.ok


def test_the_worst_difficulty_is_the_one_reported() -> None:
    class PaysWhenHard(Digit):
        def verify(self, problem: Problem, response: str) -> Verdict:
            return right("free") if problem.difficulty == 2 else wrong("no")

    assert named(audit(PaysWhenHard(), 5, ("null",)).rows, "nothing").difficulty == 2


def test_a_registered_id_is_audited_by_name() -> None:
    assert audit(make_task("palaestra/ChainArith-v0"), 5).task == "palaestra/ChainArith-v0"


def test_a_policy_is_shown_where_it_earns_most() -> None:
    class PaysInTheMiddle(Digit):
        difficulties = range(1, 4)

        def verify(self, problem: Problem, response: str) -> Verdict:
            return right("free") if problem.difficulty == 2 else wrong("no")

    nothing = named(audit(PaysInTheMiddle(), 7, ("null",)).rows, "nothing")
    assert (nothing.difficulty, nothing.mean) == (2, 1.0)


class Grid(Digit):
    """Asks for a grid that is the same in four of five problems, or for a program, one line of which is no answer."""

    def __init__(self, around: str) -> None:
        self.around = around

    def verify(self, problem: Problem, response: str) -> Verdict:
        return right("yes") if response == self.solve(problem, np.random.default_rng(0)) else wrong("no")

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return self.around.format(f"1 {problem.reference}\n2 {problem.reference}")


@pytest.mark.parametrize("around", ["\\boxed{{{}}}", "```python\n{}\n```"])
def test_a_constant_answer_of_several_lines_is_found(around: str) -> None:
    found = audit(Grid(around), 100, ["constant"])
    assert max(row.mean for row in found.rows) == pytest.approx(0.8, abs=0.12)
    assert not any("\n" in row.policy for row in found.rows)
