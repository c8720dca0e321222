"""InstructionFollowing: whatever is asked together can be followed, and it is said in the prompt what is checked."""

from __future__ import annotations

from collections import Counter

import numpy as np

from palaestra.envs.task import Problem, sample_problem
from palaestra.envs.tasks.instructions.instruction_following import COUNTS, InstructionFollowing
from palaestra.envs.tasks.instructions.wishes import WISHES
from palaestra.verifiers.instructions import INSTRUCTIONS

RNG = np.random.default_rng(0)
TASK = InstructionFollowing()


def test_the_oracle_follows_every_combination() -> None:
    seen: Counter[str] = Counter()
    for difficulty in TASK.difficulties:
        for seed in range(200):
            problem = sample_problem(TASK, seed, difficulty)
            verdict = TASK.verify(problem, TASK.solve(problem, RNG))
            assert verdict.right, (verdict.reason, problem.reference)
            kinds = [record["instruction"] for record in problem.reference]
            assert len(set(kinds)) == len(kinds) == COUNTS[difficulty - 1]
            assert any(wish.exacting for wish in WISHES if wish.kind in kinds)
            seen.update(kinds)
    assert seen.keys() == INSTRUCTIONS.keys() - {"Language", "Choice"}


def test_the_prompt_tells_every_parameter() -> None:
    for seed in range(100):
        problem = sample_problem(TASK, seed, 10)
        for record in problem.reference:
            for name, value in record.items():
                if name not in ("instruction", "relation", "paragraph"):
                    told = value if isinstance(value, list) else [value]
                    assert all(str(part) in problem.prompt for part in told), (record, problem.prompt)


def test_the_reason_names_the_instruction_that_is_broken() -> None:
    records = [
        {"instruction": "Sentences", "relation": "exactly", "count": 2},
        {"instruction": "Keywords", "words": ["lantern"]},
    ]
    problem = Problem("", records, 2)
    assert TASK.verify(problem, "A lantern burns. It is bright.").right
    assert TASK.verify(problem, "A lantern burns.").reason == "Sentences: 1 sentences, not exactly 2"
    assert TASK.verify(problem, "A candle burns. It is bright.").reason == "Keywords: the word lantern is missing"


def test_the_prompt_itself_is_no_answer() -> None:
    problems = [sample_problem(TASK, seed, difficulty) for difficulty in (1, 2, 5) for seed in range(100)]
    assert sum(TASK.verify(problem, problem.prompt).right for problem in problems) <= 0.05 * len(problems)
