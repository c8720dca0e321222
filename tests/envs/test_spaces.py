from __future__ import annotations

import pickle
import tracemalloc

import gymnasium
import numpy as np
import pytest

from palaestra.envs import TextObs, UnicodeText, make


def test_membership_is_type_and_length_only() -> None:
    space = UnicodeText(4)
    assert "é漢\0\ud800" in space
    assert TextObs("") in space
    assert "12345" not in space
    assert 5 not in space
    assert b"1" not in space


def test_samples_are_members_seeded_and_not_only_ascii() -> None:
    one, two = UnicodeText(12, seed=3), UnicodeText(12, seed=3)
    samples = [one.sample() for _ in range(100)]
    assert samples == [two.sample() for _ in range(100)]
    assert all(s in one for s in samples)
    assert not "".join(samples).isascii()
    with pytest.raises(ValueError, match="masked"):
        one.sample(mask=(None, None))  # type: ignore[arg-type]  # PettingZoo's text mask


def test_spaces_compare_by_length_and_pickle() -> None:
    assert UnicodeText(5) == UnicodeText(5) != UnicodeText(6)
    assert pickle.loads(pickle.dumps(UnicodeText(5))) == UnicodeText(5)
    assert repr(UnicodeText(5)) == "UnicodeText(5)"
    with pytest.raises(ValueError, match="at least 1"):
        UnicodeText(0)


def test_an_observation_carries_a_dtype_and_is_a_string() -> None:
    assert TextObs("é") == "é"
    assert TextObs("é").dtype == np.dtype(str)
    assert pickle.loads(pickle.dumps(TextObs("é"))).dtype == np.dtype(str)


class Echo(gymnasium.Env[str, str]):
    """Shows what it was told."""

    def __init__(self) -> None:
        self.observation_space = UnicodeText(100)
        self.action_space = UnicodeText(100)

    def reset(
        self, *, seed: int | None = None, options: dict[str, object] | None = None
    ) -> tuple[str, dict[str, object]]:
        super().reset(seed=seed)
        return TextObs("é漢🙂"), {}

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, object]]:
        return TextObs(action), 0.0, False, False, {}


@pytest.mark.parametrize("vector", [gymnasium.vector.SyncVectorEnv, gymnasium.vector.AsyncVectorEnv])
def test_vectors_with_default_arguments_carry_any_unicode(vector: type[gymnasium.vector.VectorEnv]) -> None:
    envs = vector([Echo, Echo])  # type: ignore[call-arg]  # VectorEnv itself takes none
    try:
        observations, _ = envs.reset(seed=0)
        assert observations == ("é漢🙂", "é漢🙂")
        told = ("漢" * 100, "\ud800 and 🙂")
        observations, *_ = envs.step(told)
        assert observations == told
        assert envs.step(("", "short"))[0] == ("", "short")
    finally:
        envs.close()


def test_a_thousand_environments_take_little_memory() -> None:
    tracemalloc.start()
    envs = gymnasium.vector.SyncVectorEnv([lambda: make("palaestra/ChainArith-v0")] * 1000)
    envs.reset(seed=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6
