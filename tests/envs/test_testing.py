from __future__ import annotations

import dataclasses
import itertools
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from palaestra.envs import ChainArith, Countdown, Problem, ReasoningEnv, Task, make_task
from palaestra.envs.subject import Subject
from palaestra.envs.testing import CHECKS, Report, check_task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

SEEDS = range(6)


def row(report: Report, name: str) -> tuple[bool | None, str]:
    return next((r.passed, r.detail) for r in report.rows if r.name.startswith(name))


def test_an_instance_is_checked_with_its_knobs() -> None:
    report = check_task(ChainArith(modulus=10), SEEDS)
    assert report.ok, str(report)
    assert "0.150" in row(report, "cheats")[1]


class Good(Task):
    """Adds a few numbers; the base of the bad tasks below."""

    wordings = ("{sum}?", "What is {sum}?", "Add: {sum}")

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        numbers = rng.integers(10**6, size=1 + difficulty).tolist()
        return self.ask(rng, sum(numbers), difficulty, {"sum": "+".join(map(str, numbers))})

    def verify(self, problem: Problem, response: str) -> Verdict:
        return right("the sum") if last_boxed(response) == str(problem.reference) else wrong("another number")

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return f"{problem.prompt}\n\\boxed{{{problem.reference}}}"


class Unseeded(Good):
    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        n = random.randrange(10**9)
        return Problem(f"{n}?", n, difficulty)


class Counting(Good):
    count = itertools.count()

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        return Problem(f"{next(self.count)}?", 0, difficulty)


class HashOrdered(Good):
    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        words = {f"word{k}" for k in range(20)}
        return Problem(f"{rng.integers(10**9)} {' '.join(words)}", 1, difficulty)


class PaysForAnything(Good):
    def verify(self, problem: Problem, response: str) -> Verdict:
        return right("well done") if response else wrong("nothing")


class PaysForAnyBox(Good):
    def verify(self, problem: Problem, response: str) -> Verdict:
        return right("found") if f"\\boxed{{{problem.reference}}}" in response else wrong("not found")

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        return Problem(f"{rng.integers(10**9)} mod 50", int(rng.integers(50)), difficulty)

    ceiling = 0.05


class Raises(Good):
    def verify(self, problem: Problem, response: str) -> Verdict:
        return right("equal") if int(last_boxed(response) or 0) == problem.reference else wrong("unequal")


class Evaluates(Good):
    def verify(self, problem: Problem, response: str) -> Verdict:
        try:
            value = eval(last_boxed(response) or "0") if len(response) < 200 and "9*" not in response else 0
        except Exception:
            value = 0
        return right("equal") if value == problem.reference else wrong("unequal")


class Hangs(Good):
    def verify(self, problem: Problem, response: str) -> Verdict:
        while "9**9" in response:
            pass
        return super().verify(problem, response)


class Ends(Good):
    """Takes Python with it."""

    def verify(self, problem: Problem, response: str) -> Verdict:
        raise SystemExit(0)


class Forgets(Good):
    calls = itertools.count()

    def verify(self, problem: Problem, response: str) -> Verdict:
        return wrong(f"attempt {next(self.calls)}")


class Notes(Good):
    """Writes into the problem, once."""

    def verify(self, problem: Problem, response: str) -> Verdict:
        if isinstance(problem.meta, dict):
            problem.meta["judged"] = True
        return super().verify(problem, response)


class Remembers(Good):
    """Keeps the answers to itself, where no log and no snapshot finds them."""

    def __init__(self) -> None:
        self.answers: dict[str, int] = {}

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        problem = super().sample(rng, difficulty)
        self.answers[problem.prompt] = problem.reference
        return dataclasses.replace(problem, reference=None)

    def verify(self, problem: Problem, response: str) -> Verdict:
        answer = self.answers.get(problem.prompt)
        return right("the sum") if last_boxed(response) == str(answer) else wrong("another number")

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return f"\\boxed{{{self.answers[problem.prompt]}}}"


class BadOracle(Good):
    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return "\\boxed{0}"


class BadOracleInBetween(Good):
    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return "\\boxed{0}" if problem.difficulty == 4 else super().solve(problem, rng)


class NotJson(Good):
    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        return Problem(f"{rng.integers(10**9)}?", {1, 2}, difficulty)


class WrongLevel(Good):
    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        return Problem(f"{rng.integers(10**9)}?", 1, 1)


class OneProblem(Good):
    def identity(self, problem: Problem) -> str:
        return "one"


class LevelForShow(Good):
    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        return dataclasses.replace(super().sample(rng, 1), difficulty=difficulty)


class JudgesTheWording(Good):
    def verify(self, problem: Problem, response: str) -> Verdict:
        return super().verify(problem, response) if "Add" in problem.prompt else wrong("not asked like this")


class PaysForCode(Good):
    def verify(self, problem: Problem, response: str) -> Verdict:
        return right("code") if "__import__" in response else wrong("no code")


class TellsNumpy(Good):
    def verify(self, problem: Problem, response: str) -> Verdict:
        verdict = super().verify(problem, response)
        return dataclasses.replace(verdict, evidence={"length": np.int64(len(response))})


@pytest.mark.parametrize(
    ("task", "name", "detail"),
    [
        (PaysForCode, "hostile", "earns 1.000"),
        (Unseeded, "same seed, another instance", "another problem"),
        (Unseeded, "same seed, interleaved", "another problem"),
        (Counting, "same seed, another instance", "another problem"),
        (PaysForAnything, "cheats", "earns 1.000"),
        (PaysForAnyBox, "cheats", "shotgun"),
        (Raises, "hostile", "ValueError"),
        (Evaluates, "hostile", "executed as code"),
        (Ends, "oracle", "SystemExit"),
        (Forgets, "verify is a pure function", "two verdicts"),
        (Notes, "verify is a pure function", "changes the problem"),
        (Remembers, "verify is a pure function", "remembers what it drew"),
        (BadOracle, "oracle", "another number"),
        (BadOracleInBetween, "oracle", "another number"),
        (NotJson, "problems survive JSON", "not JSON serializable"),
        (TellsNumpy, "problems survive JSON", "not JSON serializable"),
        (WrongLevel, "every difficulty", "says that it is of 1"),
        (OneProblem, "splits", "too few problems"),
        (LevelForShow, "difficulty matters", "a weak solver is right on"),
        (JudgesTheWording, "wording", "the verdict depends on the words"),
    ],
)
def test_a_bad_task_is_caught(task: type[Task], name: str, detail: str) -> None:
    passed, found = row(check_task(task(), SEEDS), name)
    assert passed is False, found
    assert detail in found


def test_a_verifier_that_never_returns_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palaestra.envs.audit.GRACE", -1.7)  # 0.3 seconds of patience
    assert row(check_task(Hangs(), SEEDS), "hostile")[0] is False


def test_a_good_task_passes_and_optional_parts_do_not_apply() -> None:
    class Plain(Good):
        solve = Task.solve

    report = check_task(Plain(), SEEDS)
    assert report.ok, str(report)
    for name in ("oracle", "inverse", "same seed, other processes"):
        assert row(report, name)[0] is None


def test_the_report_is_a_plain_table() -> None:
    text = str(check_task(BadOracle(), SEEDS))
    assert text.splitlines()[0] == "BadOracle: NOT ok"
    assert "FAIL  oracle scores 1" in text
    assert "pass  every difficulty" in text


USER_FILE = """
from __future__ import annotations
from palaestra.envs import Problem, Task, register
from palaestra.envs.testing import check_task
from palaestra.verifiers import right, wrong

@register("mine/Words-v0")
class Words(Task):
    ordered = {ordered}

    def sample(self, rng, difficulty):
        words = {{f"word{{k}}" for k in range(20)}}
        words = sorted(words) if self.ordered else list(words)
        n = int(rng.integers(10**9))
        return Problem(f"{{n}}: {{' '.join(words)}}", n, difficulty)

    def verify(self, problem, response):
        return right("same") if response == str(problem.reference) else wrong("other")

if __name__ == "__main__":
    print(check_task("mine/Words-v0", range(3)))
"""


@pytest.mark.parametrize("ordered", [True, False])
def test_hash_order_is_caught_in_a_users_own_file(tmp_path: Path, ordered: bool) -> None:
    (tmp_path / "words.py").write_text(USER_FILE.format(ordered=ordered))
    code = "import words; print(words.check_task('mine/Words-v0', range(3)))"
    out = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    line = next(line for line in out.splitlines() if "other processes" in line)
    assert line.startswith("pass" if ordered else "FAIL"), out
    as_script = subprocess.run([sys.executable, "words.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "n/a   same seed, other processes" in as_script.stdout


def test_cheats_are_tried_once_and_on_as_many_problems_by_few_seeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    monkeypatch.setattr("palaestra.envs.subject.audit", lambda task, count: asked.append(count))
    subject = Subject(Good(), range(6))
    assert subject.audit is subject.audit
    assert asked == [300]


def test_check_env_runs_on_gymnasiums_own_terms() -> None:
    class Unregistered(Countdown):
        id = ""

    assert row(check_task(Unregistered(), SEEDS), "gymnasium")[0] is True
    assert row(check_task(make_task("palaestra/Countdown-v0", numbers=4), SEEDS), "gymnasium")[0] is True


class LenientEnv(ReasoningEnv):
    """Takes numbers for answers, and a step more than there are."""

    def step(self, action: Any) -> Any:
        if self._verdict is not None:
            self._verdict = None
        return super().step(str(action))


def test_an_environment_that_lets_misuse_pass_is_caught() -> None:
    class Lenient(Good):
        environment = LenientEnv

    passed, detail = row(check_task(Lenient(), SEEDS), "bad input")
    assert not passed
    assert detail == "a step after the end is accepted; an action that is no string is accepted"
    assert row(check_task(Good(), SEEDS), "bad input")[0] is True


def test_an_environment_that_trainers_would_wait_for_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Good):
        def verify(self, problem: Problem, response: str) -> Verdict:
            time.sleep(0.21)
            return super().verify(problem, response)

    monkeypatch.setattr("palaestra.envs.testing.TIMED", 2)
    monkeypatch.setattr("palaestra.envs.testing.CHECKS", {"reset and step": CHECKS["reset and step"]})
    passed, detail = row(check_task(Slow(), SEEDS), "reset and step")
    assert not passed
    assert "times reset and step a second" in detail
    assert row(check_task(Good(), SEEDS), "reset and step")[0] is True
