from __future__ import annotations

import math

import numpy as np
import pytest

from palaestra.envs import Problem, make, sample_problem
from palaestra.envs.tasks.chain_arith import ChainArith
from palaestra.envs.wrappers import TokenBudget
from palaestra.verifiers import Status, Verdict, undecided


def double(text: str) -> int:
    """A tokenizer that makes two tokens of every character."""
    return 2 * len(text)


def padded(problem: Problem, length: int) -> str:
    answer = f"\\boxed{{{problem.meta['values']['d']}}}"
    return answer.rjust(length, "x")


def test_an_answer_within_the_limit_is_the_tasks_to_judge() -> None:
    task = TokenBudget(ChainArith(), limit=30)
    problem = sample_problem(task, 0, 3)
    assert problem.prompt.endswith("\nYour whole answer may have 30 characters at most.")
    assert task.verify(problem, padded(problem, 30)).score == 1.0
    over = task.verify(problem, padded(problem, 31))
    assert (over.status, over.score, over.reason) == (Status.WRONG, 0.0, "length 31 is over 30")
    assert over.evidence["length"] == 31
    assert not task.verify(problem, "\\boxed{-1}").right


@pytest.mark.parametrize(("length", "score"), [(30, 1.0), (45, 0.5), (60, 0.0), (99, 0.0)])
def test_the_score_can_be_cut_instead(length: int, score: float) -> None:
    task = TokenBudget(ChainArith(), limit=30, over="cut")
    problem = sample_problem(task, 0, 3)
    verdict = task.verify(problem, padded(problem, length))
    assert (verdict.status, verdict.score) == (Status.RIGHT, score)
    assert not task.verify(problem, "no answer" * 5).right


def test_tokens_are_counted_by_a_function_given_or_named() -> None:
    with pytest.raises(ValueError, match="or 'module:function', not 'math:tokens'"):
        TokenBudget(count="math:tokens")
    task = TokenBudget(ChainArith(), limit=30, count=double)
    problem = sample_problem(task, 0, 3)
    assert problem.prompt.endswith("30 tokens at most.")
    assert task.verify(problem, padded(problem, 15)).right
    assert task.verify(problem, padded(problem, 16)).reason == "length 32 is over 30"
    named = TokenBudget(ChainArith(), limit=2, count="palaestra.envs.wrappers.token_budget:count_words")
    assert named.verify(problem, f"so {padded(problem, 0)}").right
    assert not named.verify(problem, f"and so {padded(problem, 0)}").right


def test_the_oracle_is_brief_when_it_must_be() -> None:
    task = TokenBudget(ChainArith(), limit=20)
    problem = sample_problem(task, 0, 9)
    assert task.solve(problem, np.random.default_rng(0)) == f"\\boxed{{{problem.meta['values']['j']}}}"


class Undecidable(ChainArith):
    def verify(self, problem: Problem, response: str) -> Verdict:
        return undecided("out of order")


def test_undecided_stays_undecided() -> None:
    task = TokenBudget(Undecidable(), limit=2, over="cut")
    assert math.isnan(task.verify(sample_problem(task, 0, 1), "abc").score)


def test_settings_are_checked() -> None:
    with pytest.raises(ValueError, match="limit is at least 1"):
        make("palaestra/TokenBudget-v0", limit=0)
    with pytest.raises(ValueError, match="'wrong' or 'cut'"):
        TokenBudget(over="refused")
