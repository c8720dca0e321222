from __future__ import annotations

import numpy as np
import pytest

from palaestra.envs import ChainArith, Task, make, sample_problem
from palaestra.envs.tasks import InstructionFollowing, WriteFunction
from palaestra.envs.wrappers import FormatReward, Stepwise
from palaestra.verifiers import Status


@pytest.mark.parametrize(
    ("response", "score", "status"),
    [
        ("<think>so</think><answer>\\boxed{GOLD}</answer>", 1.0, Status.RIGHT),
        ("<think>so</think>\n<answer>\\boxed{-1}</answer>\n", 0.2, Status.WRONG),
        ("\\boxed{GOLD}", 0.8, Status.RIGHT),
        ("<think>\\boxed{GOLD}</think><answer>none</answer>", 0.2, Status.WRONG),
        ("<answer>\\boxed{GOLD}</answer><think>so</think>", 0.8, Status.RIGHT),
        ("<think>so</think> then <answer>\\boxed{GOLD}</answer>", 0.8, Status.RIGHT),
        ("", 0.0, Status.WRONG),
    ],
)
def test_answer_and_form_are_paid_for_separately(response: str, score: float, status: Status) -> None:
    task = FormatReward(ChainArith(), weight=0.2)
    problem = sample_problem(task, 0, 3)
    assert "<think>" in problem.prompt
    verdict = task.verify(problem, response.replace("GOLD", str(problem.meta["values"]["d"])))
    assert verdict.score == pytest.approx(score)
    assert verdict.status is status
    parts = verdict.evidence["parts"]
    assert 0.8 * parts["answer"]["score"] + 0.2 * parts["form"]["score"] == pytest.approx(score)
    assert parts["form"]["reason"]


def test_the_form_may_be_one_box() -> None:
    env = make("palaestra/FormatReward-v0", form="box", weight=0.5)
    gold = env.reset(seed=1)[1]["problem"].meta["values"]["b"]
    _, reward, _, _, info = env.step(f"\\boxed{{{gold}}}, or \\boxed{{{gold}}}")
    assert reward == 0.5
    assert info["verdict"].evidence["parts"]["form"]["reason"] == "expected one box, got 2"


@pytest.mark.parametrize("task", [ChainArith(), WriteFunction(), InstructionFollowing()], ids=lambda task: task.id)
def test_the_oracle_keeps_the_form_line_by_line_too(task: Task) -> None:
    """Where the answer is complete the text ends: nothing may be due behind it."""
    stepwise = Stepwise(FormatReward(task), lines=64)
    problem = sample_problem(stepwise, 0, 2)
    (*_, (_, last)) = stepwise.demonstrate(problem, np.random.default_rng(0))
    assert last.verdict is not None
    assert last.verdict.score == 1.0


def test_the_ceiling_says_that_form_can_be_had_for_nothing() -> None:
    assert FormatReward(ChainArith(), weight=0.2).ceiling == pytest.approx(0.2 + 0.8 * ChainArith().ceiling)


def test_settings_are_checked() -> None:
    with pytest.raises(ValueError, match="'tags' or 'box', not 'yaml'"):
        FormatReward(form="yaml")
    with pytest.raises(ValueError, match="below 1"):
        FormatReward(weight=1.0)
