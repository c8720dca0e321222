"""Which seed comes next, for games of ours and of others."""

from __future__ import annotations

import pytest

from palaestra.envs.adapters.textarena import TextArenaEnv
from palaestra.envs.games import make_game
from palaestra.envs.games.text_aec import TextAEC


def tables() -> list[TextAEC]:
    return [make_game("palaestra/Nim-v0"), TextArenaEnv("Nim-v0")]


def seeds(env: TextAEC, first: int | None, count: int = 4) -> list[int | None]:
    env.reset(seed=first)
    found = [env.seed]
    for _ in range(count):
        env.reset()
        found.append(env.seed)
    return found


def test_unseeded_resets_go_on_with_the_stream_of_the_last_seed() -> None:
    for env, twin in zip(tables(), tables(), strict=True):
        stream = seeds(env, 3)
        assert stream[0] == 3
        assert len({*stream}) == len(stream)
        assert not {*stream[1:]} & {*seeds(twin, 4)}
        assert seeds(twin, 3) == stream


def test_a_stream_without_a_seed_is_drawn() -> None:
    assert not {*seeds(tables()[0], None)} & {*seeds(tables()[0], None)}


@pytest.mark.parametrize("seed", [-1, 1.0, "1"])
def test_a_refused_seed_leaves_the_stream_where_it_was(seed: object) -> None:
    for env, twin in zip(tables(), tables(), strict=True):
        env.reset(seed=3)
        with pytest.raises(ValueError, match="integer of 0 or more"):
            env.reset(seed=seed)
        env.reset()
        assert env.seed == seeds(twin, 3)[1]
