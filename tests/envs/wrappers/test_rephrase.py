from __future__ import annotations

import pytest

from palaestra.envs import ChainArith, sample_problem
from palaestra.envs.tasks.numbers.arithmetic import Arithmetic
from palaestra.envs.wrappers import Inverse, Rephrase


def test_the_problem_is_the_same_in_every_wording() -> None:
    count = len(Arithmetic.wordings)
    for seed in range(10):
        problems = [sample_problem(Rephrase(Arithmetic(), wording=k), seed, 4) for k in range(count)]
        assert len({p.prompt for p in problems}) == count
        assert [p.meta["wording"] for p in problems] == list(range(count))
        drawn = sample_problem(Rephrase(Arithmetic()), seed, 4)
        assert drawn in problems
        assert all((p.reference, p.meta["fields"]) == (drawn.reference, drawn.meta["fields"]) for p in problems)


def test_a_drawn_wording_is_another_one_and_not_always_the_next() -> None:
    task = Rephrase(Arithmetic())
    shifts = set()
    for seed in range(40):
        problem = sample_problem(Arithmetic(), seed, 3)
        drawn = task.dress(problem).meta["wording"]
        assert drawn == task.dress(problem).meta["wording"] != problem.meta["wording"]
        shifts.add((drawn - problem.meta["wording"]) % len(Arithmetic.wordings))
    assert len(shifts) == len(Arithmetic.wordings) - 1


def test_wordings_that_are_not_to_be_had_are_refused() -> None:
    with pytest.raises(ValueError, match="one way only"):
        Rephrase(Inverse(ChainArith()))
    with pytest.raises(ValueError, match="None or from 0 to"):
        Rephrase(Arithmetic(), wording=99)
