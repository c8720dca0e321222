from __future__ import annotations

import pickle
import warnings
from collections import Counter
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from palaestra.agents.scripted import RandomAgent
from palaestra.arena.replay import replay
from palaestra.arena.rollout import Job, rollout
from palaestra.envs import make
from palaestra.envs.curriculum import Curriculum, SuccessCurriculum
from palaestra.envs.games import Nim
from palaestra.envs.wrappers import Mixture, make_mixture

CHAIN, COUNTDOWN, NIM = "palaestra/ChainArith-v0", "palaestra/Countdown-v0", Nim.id.replace("-v0", "-vs-random-v0")
TOOL = "palaestra/ToolUse-v0"
MEMBERS: list[Any] = [{"env": CHAIN, "weight": 3}, {"env": COUNTDOWN, "knobs": {"numbers": 4}}]


def test_families_come_by_weight_and_by_seed_alone() -> None:
    env = make_mixture(MEMBERS)
    families = [env.reset(seed=seed)[1]["family"] for seed in range(2000)]
    assert 0.7 < Counter(families)[CHAIN] / 2000 < 0.8
    other = make_mixture(MEMBERS)
    assert [other.reset(seed=seed)[1]["family"] for seed in reversed(range(50))] == families[49::-1]


def test_one_text_is_no_list_of_members() -> None:
    with pytest.raises(ValueError, match="envs is a list, such as"):
        make_mixture("[palaestra/ChainArith-v0]")


def test_the_oracle_levels_and_split_are_the_familys() -> None:
    env = make_mixture([CHAIN, NIM, {"env": COUNTDOWN, "knobs": {"split": "train"}}], split="test")
    assert env.difficulties == range(1, 11)
    assert [m.unwrapped.split for m in env.members.values()] == ["test", "test", "train"]
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.oracle(np.random.default_rng(0))
    for seed in range(20):
        _, info = env.reset(seed=seed)
        assert info["family"] == NIM or env.task_of(seed) == env.task
        *_, verdict = env.step(env.oracle(np.random.default_rng(0)))
        assert info["family"] == NIM or verdict["verdict"].right


def test_an_episode_is_the_one_its_family_plays_alone() -> None:
    env = make_mixture(MEMBERS)
    for seed in range(20):
        observation, info = env.reset(seed=seed, options={"difficulty": 3})
        alone = make(info["family"], **({"numbers": 4} if info["family"] == COUNTDOWN else {}))
        expected, expected_info = alone.reset(seed=seed, options={"difficulty": 3})
        assert (observation, info["problem"]) == (expected, expected_info["problem"])
        assert env.task == alone.task
        mixed, single = env.step("\\boxed{1}"), alone.step("\\boxed{1}")
        assert mixed[:4] == single[:4]
        assert mixed[4] == {**single[4], "family": info["family"], "seed": seed}


def test_the_stream_goes_on_through_families_and_a_snapshot() -> None:
    env, other = make_mixture([CHAIN, COUNTDOWN, NIM, TOOL]), make_mixture([CHAIN, COUNTDOWN, NIM, TOOL])
    env.reset(seed=0)
    seen = set()
    for _ in range(40):
        _, info = env.reset()
        other.restore(pickle.loads(pickle.dumps(env.snapshot())))
        assert other.family == env.family == info["family"]
        seen.add(env.family)
        assert env.step("1") == other.step("1")
        if env.family == TOOL:
            with pytest.raises(gymnasium.error.ResetNeeded):
                other.step("1")
    assert len(seen) == 4
    other.restore(env.snapshot())
    assert [other.reset()[0] for _ in range(5)] == [env.reset()[0] for _ in range(5)]


def test_gymnasium_finds_nothing_to_warn_of_and_logs_replay() -> None:
    kwargs: dict[str, Any] = {"envs": [*MEMBERS, TOOL]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make("palaestra/Mixture-v0", **kwargs)
        assert type(env) is Mixture
        check_env(env)
        with pytest.raises(gymnasium.error.ResetNeeded):
            gymnasium.make("palaestra/Mixture-v0", **kwargs).step("1")
    jobs = [Job(str(seed), "palaestra/Mixture-v0", kwargs, seed, "") for seed in range(12)]
    episodes = list(rollout(RandomAgent(), jobs))
    assert len(episodes) == 12
    assert not any(differences for _, differences in replay(episodes))


def test_each_family_has_a_level_of_its_own() -> None:
    controllers = {CHAIN: SuccessCurriculum(window=2), COUNTDOWN: SuccessCurriculum(window=2, start=5)}
    env = Curriculum(make_mixture([CHAIN, COUNTDOWN]), controllers)
    levels: dict[str, list[int]] = {CHAIN: [], COUNTDOWN: []}
    for seed in range(16):
        _, info = env.reset(seed=seed)
        levels[info["family"]].append(info["difficulty"])
        problem = info["problem"]
        env.step(f"\\boxed{{{problem.reference}}}" if info["family"] == CHAIN else "wrong")
    assert levels[CHAIN][:6] == [1, 1, 2, 2, 3, 3]
    assert levels[COUNTDOWN][:6] == [5, 5, 4, 4, 3, 3]
    _, info = env.reset(seed=0, options={"difficulty": 9})
    assert info["difficulty"] == 9


def test_bad_members_and_options_are_named() -> None:
    with pytest.raises(ValueError, match="two members"):
        make_mixture([CHAIN, CHAIN])
    twice = make_mixture([CHAIN, {"env": CHAIN, "knobs": {"modulus": 7}, "family": "modular"}])
    assert {twice.reset(seed=seed)[1]["family"] for seed in range(20)} == {CHAIN, "modular"}
    with pytest.raises(ValueError, match="not env, wieght"):
        make_mixture([{"env": CHAIN, "wieght": 2}])
    with pytest.raises(ValueError, match="no families has a weight"):
        make_mixture([])
    with pytest.raises(ValueError, match="weight above 0"):
        make_mixture([{"env": CHAIN, "weight": 0}])
    with pytest.raises(ValueError, match="there is none of"):
        make_mixture([CHAIN]).reset(seed=0, options={"difficulty": {COUNTDOWN: 3}})
    with pytest.raises(ValueError, match="is not one of"):
        make_mixture([COUNTDOWN]).restore(make_mixture([CHAIN]).snapshot())
    with pytest.raises(ValueError, match="a NoneType cannot be restored"):
        make_mixture([CHAIN]).restore(None)  # type: ignore[arg-type]  # the error is the point
