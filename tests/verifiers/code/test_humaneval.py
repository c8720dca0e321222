from __future__ import annotations

import dataclasses

from palaestra.verifiers import Status, Verdict
from palaestra.verifiers.code.humaneval import HumanEvalProblem, humaneval
from palaestra.verifiers.sandbox import Limits

PROBLEMS = list(humaneval())


def judged(problem: HumanEvalProblem, response: str) -> Verdict:
    """Its verdict, with patience for a busy machine."""
    return dataclasses.replace(problem.verifier(), limits=Limits(seconds=60.0)).verify(response)


def solution(problem: HumanEvalProblem) -> str:
    """The whole function, as a model would write it."""
    return f"Sure:\n```python\n{problem.prompt}{problem.canonical}\n```\nThis passes."


def test_every_canonical_solution_is_right() -> None:
    assert len(PROBLEMS) == 164
    verdicts = {problem.task_id: judged(problem, problem.canonical) for problem in PROBLEMS}
    assert {name: verdict.reason for name, verdict in verdicts.items() if not verdict.right} == {}


def test_every_emptied_body_is_wrong() -> None:
    verdicts = {problem.task_id: judged(problem, "    pass\n") for problem in PROBLEMS}
    assert {name: verdict.reason for name, verdict in verdicts.items() if verdict.status is not Status.WRONG} == {}


def test_a_fenced_function_is_judged_too() -> None:
    problem, other = PROBLEMS[:2]
    assert judged(problem, solution(problem)).right
    assert not judged(problem, solution(other)).right
    assert judged(problem, "I cannot do this.").status is Status.WRONG


def test_leaving_early_and_printing_is_wrong() -> None:
    for body in ("    return None\nimport os\nos._exit(0)\n", "    pass\nprint('passed')\nraise SystemExit(0)\n"):
        assert judged(PROBLEMS[0], body).status is Status.WRONG
