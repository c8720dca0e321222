"""Two answers to one question: what each pays, and that the second is what is judged."""

from __future__ import annotations

import pytest

from palaestra.envs import make
from palaestra.envs.wrappers import SecondLook
from palaestra.envs.wrappers.second_look import AGAIN
from palaestra.verifiers import Status, undecided

PLAIN, SHAPED = {}, {"bonus": 2.0, "both": True}


@pytest.mark.parametrize(
    ("knobs", "first", "second", "reward"),
    [
        (PLAIN, False, True, 1.0),
        (PLAIN, True, True, 1.0),
        (PLAIN, True, False, 0.0),
        (SHAPED, False, True, 3.0),  # 1 + 2 (1 - 0) + 0
        (SHAPED, True, True, 2.0),
        (SHAPED, True, False, -1.0),  # 0 + 2 (0 - 1) + 1
        (SHAPED, False, False, 0.0),
    ],
)
def test_the_second_answer_pays_and_with_knobs_the_change_and_the_first_do(
    knobs: dict[str, object], first: bool, second: bool, reward: float
) -> None:
    env = make("palaestra/SecondLook-v0", **knobs)
    problem = env.reset(seed=2)[1]["problem"]
    right, wrong = env.task.act(problem, None, "", None), "\\boxed{no}"  # type: ignore[attr-defined]
    observation, early, ended, _, info = env.step(right if first else wrong)
    assert (observation, early, ended, "verdict" in info) == (AGAIN, 0.0, False, False)
    _, late, ended, _, info = env.step(right if second else wrong)
    assert (late, ended, info["verdict"].right) == (reward, True, second)


def test_the_question_is_the_tasks_own_and_the_first_answer_that_nobody_can_judge_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    env = make("palaestra/SecondLook-v0", knobs={"modulus": 5})
    seen, info = env.reset(seed=3)
    assert seen == make("palaestra/ChainArith-v0", modulus=5).reset(seed=3)[0]
    monkeypatch.setattr(SecondLook, "verify", lambda *given: undecided("the verifier failed"))
    _, _, ended, _, info = env.step("1")
    assert ended
    assert info["verdict"].status is Status.UNDECIDED


def test_a_bonus_below_0_or_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="bonus is a finite number of 0 or more, not -1"):
        SecondLook(bonus=-1)
    with pytest.raises(ValueError, match="finite number of 0 or more, not inf"):
        SecondLook(bonus=float("inf"))
