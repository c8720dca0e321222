"""Advantages against closed forms, and the numeric rules around them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.episodes.advantages import Advantage, RunningMean
from palaestra.episodes.views import Row

GRPO = Advantage("group_mean", "group_std")
RLOO = Advantage("leave_one_out")


def row(reward: float, group: str = "g", episode: str = "x", role: str = "r") -> Row:
    empty = np.zeros(0)
    return Row(empty, empty, empty, reward, episode, group, "e", role)


def rows(*rewards: float, group: str = "g") -> list[Row]:
    return [row(reward, group, f"{group}/{index}") for index, reward in enumerate(rewards)]


def test_leave_one_out_is_the_textbook_example() -> None:
    advantage, _ = RLOO(rows(1, 0, 0, 1))
    np.testing.assert_allclose(advantage, [2 / 3, -2 / 3, -2 / 3, 2 / 3])


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_leave_one_out_is_k_over_k_minus_one_of_the_centred_reward(rewards: list[float]) -> None:
    advantage, _ = RLOO(rows(*rewards))
    centred = np.array(rewards) - np.mean(rewards)
    if max(rewards) - min(rewards) > 1e-6:
        np.testing.assert_allclose(advantage, len(rewards) / (len(rewards) - 1) * centred, atol=1e-12)


def test_group_std_is_the_sample_deviation() -> None:
    advantage, _ = GRPO(rows(1, 0, 0, 0))
    np.testing.assert_allclose(advantage, (np.array([1, 0, 0, 0]) - 0.25) / (0.5 + 1e-4))


def test_batch_std_is_over_all_groups() -> None:
    mixed = [*rows(1, 0, group="a"), *rows(1, 1, 0, group="b")]
    advantage, _ = Advantage("group_mean", "batch_std")(mixed)
    np.testing.assert_allclose(advantage[0], 0.5 / (np.std([1, 0, 1, 1, 0], ddof=1) + 1e-4))


@pytest.mark.parametrize("advantage", [GRPO, RLOO, Advantage("group_mean", "batch_std")])
def test_equal_rewards_give_exactly_no_gradient(advantage: Advantage) -> None:
    values, metrics = advantage([*rows(1, 1, 1, group="a"), *rows(0.3, 0.3 + 5e-7, group="b"), *rows(0, 1, group="c")])
    assert values[:5].tolist() == [0.0] * 5
    assert (values[5:] != 0).all()
    assert metrics["zero_spread_groups"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("advantage", [GRPO, RLOO])
def test_undecided_answers_touch_nobody(advantage: Advantage) -> None:
    values, metrics = advantage(rows(1, math.nan, 0, 0))
    alone, _ = advantage(rows(1, 0, 0))
    np.testing.assert_allclose(values[[0, 2, 3]], alone)
    assert values[1] == 0
    assert metrics["undecided"] == 1
    assert metrics["reward"] == pytest.approx(1 / 3)


def test_rows_forked_from_one_episode_count_once() -> None:
    forked = [row(1, episode="a"), row(1, episode="a"), row(0, episode="b"), row(0, episode="c")]
    values, _ = RLOO(forked)
    np.testing.assert_allclose(values, [1, 1, -0.5, -0.5])


def test_running_mean_is_read_before_it_is_updated_and_corrected_for_its_start() -> None:
    running = RunningMean(alpha=0.5)
    values, _ = Advantage("running_mean")(rows(1, 0, 1), running)
    np.testing.assert_allclose(values, [1, 0 - 1, 1 - (0.25 / 0.75)])


def test_running_mean_keeps_roles_apart_and_survives_a_checkpoint() -> None:
    running = RunningMean()
    Advantage("running_mean")([row(1, role="first"), row(-1, role="second")], running)
    restored = RunningMean()
    restored.load_state_dict(running.state_dict())
    assert restored.read("e/first") == pytest.approx(1)
    assert restored.read("e/second") == pytest.approx(-1)


def test_an_answer_alone_in_its_group_is_left_out_where_answers_are_compared() -> None:
    given = [*rows(1, 0, group="a"), row(1, "b", "b/0"), row(1, "b", "b/0"), row(0, "b", "b/1", role="second")]
    assert GRPO.among(given) == given[:2]
    assert Advantage("none").among(given) == given
    RLOO(RLOO.among(given))


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ValueError, match="two answers"):
        RLOO([*rows(1, group="a"), *rows(0, 1, group="b")])
    with pytest.raises(ValueError, match="scale none"):
        Advantage("leave_one_out", "group_std")
    with pytest.raises(ValueError, match="RunningMean"):
        Advantage("running_mean")(rows(1, 0))
    with pytest.raises(ValueError, match="baseline is one of"):
        Advantage("mean")  # type: ignore[arg-type]


def test_long_answers_are_fined_on_a_ramp() -> None:
    def answer(tokens: int, reward: float) -> Row:
        action = np.arange(tokens + 3) >= 3
        return Row(action, action, action, reward, f"{tokens}", "g", "e", "r")

    given = [answer(tokens, 1.0) for tokens in (5, 12, 14, 18, 20, 25)]
    ramp = Advantage("none", overlong=8, longest=20)
    advantage, metrics = ramp(given)
    np.testing.assert_allclose(advantage, [1, 1, 0.75, 0.25, 0, 0])
    assert metrics["reward"] == 1.0  # what was earned, not what was fined
    centred, told = Advantage("group_mean", overlong=8, longest=20)(given)
    assert told["zero_spread_groups"] == 0  # right answers of different lengths differ now
    np.testing.assert_allclose(centred, advantage - advantage.mean())


def test_of_a_dialogue_the_longest_turn_is_fined_not_all_of_them_together() -> None:
    def dialogue(*turns: int) -> Row:
        action = np.concatenate([np.repeat([False, True], [2, turn]) for turn in turns])
        return Row(action, action, action, 1.0, f"{turns}", "g", "e", "r")

    given = [dialogue(12, 12, 12), dialogue(5, 16), dialogue(3, 20, 1)]
    advantage, _ = Advantage("none", overlong=8, longest=20)(given)
    np.testing.assert_allclose(advantage, [1, 0.5, 0])


@pytest.mark.parametrize("options", [{"overlong": 4}, {"longest": 9}, {"overlong": 9, "longest": 4}, {"overlong": -1}])
def test_a_ramp_needs_its_end(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="overlong"):
        Advantage(**options)  # type: ignore[arg-type]


def test_a_given_baseline_is_the_row_s_own() -> None:
    given = [replace(one, baseline=baseline) for one, baseline in zip(rows(1, 0, 1), (0.25, 0.25, 1.0), strict=True)]
    advantage, _ = Advantage("given")(given)
    assert advantage.tolist() == [0.75, -0.25, 0]
    with pytest.raises(ValueError, match="needs rows with a baseline"):
        Advantage("given")(rows(1, 0))
