"""reasoning-gym's own data sets as tasks of this package."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from palaestra.envs import catalog
from palaestra.envs.adapters import reasoning_gym as adapter
from palaestra.envs.adapters.reasoning_gym import Exploitable, ReasoningGymTask, load
from palaestra.envs.adapters.reasoning_gym_faults import EXPLOITABLE
from palaestra.envs.adapters.reasoning_gym_survey import Finding, ceiling_of, survey, write
from palaestra.envs.cheats import injections
from palaestra.envs.registration import UnknownEnvironment, make, make_task
from palaestra.envs.subject import Subject
from palaestra.envs.task import Problem, sample_problem
from palaestra.envs.testing import CHECKS
from palaestra.verifiers import Status
from palaestra.verifiers.optional import MissingLibrary
from palaestra.verifiers.workers import Ending, Outcome

SOME = ("chain_sum", "countdown", "spiral_matrix", "maze", "knights_knaves", "tower_of_hanoi", "word_ladder", "gcd")
EVALUATING = (
    *("string_insertion", "spiral_matrix", "binary_matrix", "n_queens", "countdown", "puzzle24"),
    *("polynomial_multiplication", "simple_integration", "intermediate_integration"),
)
RNG = np.random.default_rng(0)


def task(name: str, **knobs: bool) -> ReasoningGymTask:
    found = make_task(f"reasoning_gym/{name}-v0", **knobs)
    assert isinstance(found, ReasoningGymTask)
    return found


@pytest.mark.parametrize("name", SOME)
def test_the_items_own_answer_is_right_and_prose_is_not(name: str) -> None:
    one = task(name)
    for seed in range(3):
        problem = sample_problem(one, seed, 1)
        assert one.verify(problem, f"So: {one.solve(problem, RNG)}").right
        for response in ("", "\\boxed{}", "I do not know.", "\\boxed{I do not know.}", problem.reference["answer"]):
            assert one.verify(problem, response).score == 0.0


@pytest.mark.parametrize("check", ["same seed, another instance", "same seed, interleaved", "problems survive JSON"])
def test_the_kits_checks_of_seeds_pass(check: str) -> None:
    for name in ("isomorphic_strings", "list_functions", "pool_matrix"):  # hash order, and global generators
        CHECKS[check](Subject(task(name), [0, 1]))


def test_another_process_with_another_hash_seed_asks_the_same() -> None:
    code = (
        "from palaestra.envs.registration import make\n"
        "for name in ('isomorphic_strings', 'ransom_note'):\n"
        "    print(make(f'reasoning_gym/{name}-v0').reset(seed=4)[0])"
    )
    there = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True, text=True
    )
    prompts = [str(make(f"reasoning_gym/{name}-v0").reset(seed=4)[0]) for name in ("isomorphic_strings", "ransom_note")]
    assert there.stdout == "".join(f"{prompt}\n" for prompt in prompts), there.stderr


def test_neighbouring_seeds_share_nothing_and_the_callers_generator_is_left_alone() -> None:
    random.seed(1)
    state = random.getstate()
    one = task("chain_sum")
    prompts = [sample_problem(one, seed, 5).prompt for seed in range(40)]
    assert len(set(prompts)) == 40
    assert random.getstate() == state
    assert "reasoning_gym" not in sys.modules


def test_difficulties_are_the_curriculums_levels() -> None:
    one = task("chain_sum")
    assert one.difficulties == range(1, 12)
    hard = [sample_problem(one, seed, 11).prompt for seed in range(20)]
    easy = [sample_problem(one, seed, 1).prompt for seed in range(20)]
    assert sum(map(len, hard)) > 1.2 * sum(map(len, easy))
    assert task("acre").difficulties == range(1, 2)  # which has none
    assert task("caesar_cipher").difficulties == range(1, 3)  # whose later levels its own settings refuse


@pytest.mark.parametrize("name", EVALUATING)
def test_no_answer_is_executed(name: str, tmp_path: Path) -> None:
    one = task(name, allow_exploitable=True)
    problem = sample_problem(one, 0, 1)
    target = tmp_path / "executed"
    for answer in injections(str(target)).values():
        assert not one.verify(problem, answer).right
    assert not target.exists()


def test_code_without_quotes_is_not_executed_either(tmp_path: Path) -> None:
    """SymPy's parser knows Python's built-in functions; a path can be spelt with chr."""
    target = tmp_path / "executed"
    path = "+".join(f"chr({ord(c)})" for c in str(target))
    one = task("countdown")
    one.verify(sample_problem(one, 0, 1), f"\\boxed{{open({path}, chr(119))}}")
    assert not target.exists()


def test_a_power_tower_is_stopped_and_the_next_answer_judged() -> None:
    one = task("countdown")
    problem = sample_problem(one, 0, 1)
    verdict = one.verify(problem, "\\boxed{9**9**9**9}")
    assert verdict.status is Status.WRONG
    assert one.verify(problem, one.solve(problem, RNG)).right


def test_a_dead_worker_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    one = task("gcd")
    problem = sample_problem(one, 0, 1)
    monkeypatch.setattr(adapter, "_call", lambda *_: Outcome(Ending.DIED, reason="the worker was killed"))
    verdict = one.verify(problem, "\\boxed{1}")
    assert verdict.status is Status.UNDECIDED
    assert math.isnan(verdict.score)


def test_exploitable_data_sets_are_refused_unless_asked_for() -> None:
    for name in EXPLOITABLE:
        with pytest.raises(Exploitable, match=f"reasoning_gym/{name}-v0: .*allow_exploitable=True"):
            task(name)
    one = task("puzzle24", allow_exploitable=True)
    assert one.ceiling == 1.0
    assert one.verify(sample_problem(one, 0, 1), "\\boxed{4*3*2*1}").right  # the reason why


def test_partial_credit_is_paid_only_when_asked_for() -> None:
    problem = sample_problem(task("gcd"), 0, 1)
    padded = f"\\boxed{{The answer is {problem.reference['answer']}.}}"
    assert task("gcd").verify(problem, padded).score == 0.0
    assert 0 < task("gcd", partial_credit=True).verify(problem, padded).score < 1


def test_answers_with_open_braces_go_between_tags() -> None:
    one = task("gcd")
    braces = Problem("", {"item": "", "level": 1, "answer": "}{"}, 1)
    assert one.solve(braces, RNG) == "<answer>}{</answer>"
    problem = sample_problem(one, 0, 1)
    assert one.verify(problem, f"\\boxed{{0}} <answer> {problem.reference['answer']} </answer>").right


def test_where_items_have_no_answer_one_of_their_solutions_serves() -> None:
    one = task("graph_color")
    problem = sample_problem(one, 0, 1)
    assert problem.reference["answer"] is None or one.verify(problem, one.solve(problem, RNG)).right


def test_a_spec_that_went_through_json_makes_the_same_environment() -> None:
    load("reasoning_gym/gcd-v0")
    spec = gymnasium.envs.registration.EnvSpec.from_json(gymnasium.spec("reasoning_gym/gcd-v0").to_json())
    assert gymnasium.make(spec).reset(seed=1)[0] == make("reasoning_gym/gcd-v0").reset(seed=1)[0]
    json.dumps(sample_problem(task("gcd"), 0, 1).reference)


def test_unknown_names_and_a_missing_library_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownEnvironment, match="nearest: reasoning_gym/chain_sum-v0"):
        make("reasoning_gym/chainsum-v0")
    with pytest.raises(UnknownEnvironment, match="no data set 'reasoning_gym/gcd'"):
        make("reasoning_gym/gcd")
    problem = sample_problem(task("gcd"), 0, 1)
    monkeypatch.setattr(adapter, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    with pytest.raises(MissingLibrary, match=r"pip install 'palaestra\[reasoning-gym\]'"):
        task("gcd").verify(problem, "\\boxed{1}")


def test_the_survey_finds_what_pays_without_a_look_at_the_question() -> None:
    good, bad = survey(["chain_sum", "game_of_life_halting"], problems=10)
    assert good.oracle == 1.0
    assert good.earned < 0.5
    assert good.earned < good.ceiling < 1.0
    assert not good.refused
    assert bad.earned == 1.0
    assert "any text" in bad.refused
    assert "earns 1.00" in str(bad)


def test_ceilings_are_kept_with_how_they_were_measured(tmp_path: Path) -> None:
    path = tmp_path / "ceilings.json"
    write([Finding("a", 80, policy="constant 1", earned=0.5, level=2, ceiling=0.6)], path)
    write([Finding("b", refused="pays for all"), Finding("c", fault="no items"), Finding("d", 30, ceiling=0.1)], path)
    kept = json.loads(path.read_text())
    a = {"ceiling": 0.6, "policy": "constant 1", "earned": 0.5, "level": 2, "problems": 80}
    assert kept["data_sets"] == {
        "a": a,
        "d": {"ceiling": 0.1, "policy": "every cheat", "earned": 0.0, "level": 0, "problems": 30},
    }
    assert "survey" in kept["how"]


@pytest.mark.parametrize(("earned", "ceiling"), [(0.0, 0.05), (0.5, 0.6), (1.0, 1.0)])
def test_a_ceiling_is_what_was_earned_with_a_margin_for_chance(earned: float, ceiling: float) -> None:
    assert ceiling_of(earned, 100) == pytest.approx(ceiling, abs=0.011)


def test_a_ceiling_that_was_not_measured_is_no_promise() -> None:
    measured = json.loads(adapter.CEILINGS.read_text())["data_sets"]
    assert all(facts["earned"] < facts["ceiling"] <= 1 and facts["problems"] >= 20 for facts in measured.values())
    assert task("gcd").ceiling == measured["gcd"]["ceiling"]
    assert task("coin_flip", allow_exploitable=True).ceiling == 1.0


@pytest.mark.long
@pytest.mark.parametrize("name", ["chain_sum", "gcd", "maze"])
def test_a_few_pass_the_whole_kit(name: str) -> None:
    report = catalog.check(f"reasoning_gym/{name}-v0", range(2))
    assert report.ok, str(report)


def test_one_that_is_refused_has_a_report_that_says_why() -> None:
    report = catalog.check("reasoning_gym/puzzle24-v0", range(2))
    assert not report.ok
    assert "4*3*2*1" in str(report)
