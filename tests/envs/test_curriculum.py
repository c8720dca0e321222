from __future__ import annotations

import json
import math
import random

import gymnasium
import numpy as np
import pytest

from palaestra.envs import make, make_task, sample_problem
from palaestra.envs.curriculum import Curriculum, FamilyCurricula, SuccessCurriculum


def test_the_level_rises_with_success_and_falls_with_failure() -> None:
    controller = SuccessCurriculum(window=10)
    for k in range(10):
        assert controller.level == 1
        controller.update(1, float(k >= 2))  # 8 of 10
    assert controller.level == 2
    for k in range(9):
        controller.update(2, float(k < 2))
    assert controller.level == 2  # the window is not full yet
    controller.update(2, 0.0)  # 2 of 10 is not below 0.2
    assert controller.level == 2
    controller.update(2, 0.0)  # the first success leaves the window
    assert controller.level == 1


def test_the_window_moves() -> None:
    controller = SuccessCurriculum(window=10)
    for success in [0.0] * 5 + [1.0] * 7:
        controller.update(1, success)
    assert controller.level == 1
    controller.update(1, 1.0)
    assert controller.level == 2


def test_levels_end_where_the_task_does() -> None:
    controller = SuccessCurriculum(range(2, 4), window=1)
    controller.update(2, 0.0)
    assert controller.level == 2
    for _ in range(3):
        controller.update(controller.level, 1.0)
    assert controller.level == 3


def test_late_and_undecided_results_do_not_count() -> None:
    controller = SuccessCurriculum(window=1, start=2)
    controller.update(1, 1.0)
    controller.update(2, math.nan)
    assert controller.level == 2


def test_a_proposed_problem_is_asked_and_counts_at_its_own_level() -> None:
    controller = SuccessCurriculum(window=1)
    env = Curriculum(make("palaestra/ChainArith-v0"), controller)
    task = make_task("palaestra/ChainArith-v0")
    problem = sample_problem(task, 0, 2)
    _, info = env.reset(options={"problem": task.notation(problem)})
    assert (info["problem"].difficulty, info["difficulty"]) == (2, 2)
    env.step(task.solve(problem, np.random.default_rng(0)))
    assert controller.level == 1  # a result of another level than the controller's


def test_state_goes_through_json_and_continues_exactly() -> None:
    rng = random.Random(0)
    results = [rng.random() < 0.7 for _ in range(400)]
    one, two = SuccessCurriculum(window=8), SuccessCurriculum(window=8)
    for success in results[:203]:
        one.update(one.level, success)
    two.load_state_dict(json.loads(json.dumps(one.state_dict())))
    for success in results[203:]:
        for controller in (one, two):
            controller.update(controller.level, success)
    assert one.state_dict() == two.state_dict()
    assert one.level > 1


def test_families_have_levels_and_windows_of_their_own() -> None:
    one, two = (FamilyCurricula(lambda: SuccessCurriculum(range(1, 4), window=2)) for _ in range(2))
    for success in (1.0, 1.0, 1.0):
        one.of("easy").update(one.of("easy").level, success)
        one.of("hard").update(one.of("hard").level, 0.0)
    assert one.levels() == {"easy": 2, "hard": 1}
    two.load_state_dict(json.loads(json.dumps(one.state_dict())))
    two.of("easy").update(2, 1.0)  # the second result at this level: the first came with the state
    assert two.levels() == {"easy": 3, "hard": 1}


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="lower_at"):
        SuccessCurriculum(raise_at=0.1)
    with pytest.raises(ValueError, match="window"):
        SuccessCurriculum(window=0)
    with pytest.raises(ValueError, match="levels are 1 to 10, not 11"):
        SuccessCurriculum(start=11)
    with pytest.raises(ValueError, match="not 0"):
        SuccessCurriculum().load_state_dict({"level": 0, "results": []})


def test_the_wrapper_asks_at_the_controllers_level_and_reports_back() -> None:
    controller = SuccessCurriculum(window=2)
    env = Curriculum(gymnasium.make("palaestra/ChainArith-v0"), controller)
    for expected in (1, 1, 2, 2, 3):
        _, info = env.reset(seed=expected)
        assert info["difficulty"] == expected
        env.step(f"\\boxed{{{info['problem'].reference}}}")
    _, info = env.reset(options={"difficulty": 7})
    assert info["difficulty"] == 7
    env.step("wrong")
    assert controller.state_dict() == {"level": 3, "results": [1.0]}


def test_the_wrapper_keeps_the_seed_rules() -> None:
    env = Curriculum(make("palaestra/ChainArith-v0"), SuccessCurriculum(start=4))
    assert env.reset(seed=1)[0] == make("palaestra/ChainArith-v0", difficulty=4).reset(seed=1)[0]
