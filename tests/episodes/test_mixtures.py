"""Mixtures hold their shares, keep groups whole, and are drawn again alike."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.episodes.mixtures import mixture, with_replay
from palaestra.episodes.views import Row


def rows(count: int, env: str, group: int = 1) -> list[Row]:
    """``count`` rows, ``group`` of them to a problem."""
    none = np.zeros(1)
    return [
        Row(none.astype(np.int64), none > 0, none.astype(np.float32), 1.0, f"{env}{k}", f"{k // group}", env, "r")
        for k in range(count)
    ]


def counts(mixed: list[Row]) -> dict[str, int]:
    return {env: sum(row.env_id == env for row in mixed) for env in sorted({row.env_id for row in mixed})}


def test_shares_are_held() -> None:
    sources = {"a": rows(100, "a"), "b": rows(100, "b")}
    view = mixture(sources, {"a": 3, "b": 1}, size=40)
    assert counts(view.rows) == {"a": 30, "b": 10}
    assert view.dropped == {"a: not drawn": 70, "b: not drawn": 90}
    assert counts(mixture(sources, {"a": 3, "b": 1}).rows) == {"a": 99, "b": 33}
    assert [row.env_id for row in view.rows] != sorted(row.env_id for row in view.rows)


def test_the_seed_is_all_that_the_draw_depends_on() -> None:
    def drawn(seed: int) -> list[str]:
        sources = {"a": rows(50, "a"), "b": rows(50, "b")}
        return [row.episode_id for row in mixture(sources, {"a": 1, "b": 1}, 20, seed).rows]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert len(set(drawn(1))) == 20


def test_shares_that_cannot_be_held_are_refused() -> None:
    sources = {"a": rows(9, "a"), "b": rows(100, "b")}
    with pytest.raises(ValueError, match="18 is the most"):
        mixture(sources, {"a": 1, "b": 1}, size=20)
    for shares in ({"a": 1.0}, {"a": 1.0, "b": 0.0}, {"a": 1.0, "c": 1.0}):
        with pytest.raises(ValueError, match="positive share"):
            mixture(sources, shares)
    with pytest.raises(ValueError, match=r"in \[0, 1\), not 1"):
        with_replay(rows(1, "a"), [], share=1)


def test_old_rows_make_up_their_share_of_the_whole() -> None:
    view = with_replay(rows(80, "new"), rows(100, "old"), share=0.2)
    assert counts(view.rows) == {"new": 80, "old": 20}
    assert view.dropped == {"past: not drawn": 80}
    assert counts(with_replay(rows(80, "new"), rows(5, "old"), share=0.2).rows) == {"new": 80, "old": 5}
    assert counts(with_replay(rows(80, "new"), rows(5, "old"), share=0).rows) == {"new": 80}


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 6), st.floats(0.1, 10), st.integers(0, 2**31))
def test_groups_stay_whole_and_every_row_is_kept_or_counted(a: int, b: int, size: int, share: float, seed: int) -> None:
    sources = {"a": rows(a, "a", size), "b": rows(b, "b", size)}
    replayed = with_replay(sources["a"], sources["b"], share / 11, seed)
    for view in (mixture(sources, {"a": share, "b": 1.0}, seed=seed), replayed):
        assert len(view.rows) + sum(view.dropped.values()) == a + b
        runs = [(key, len(list(run))) for key, run in groupby(view.rows, lambda row: (row.env_id, row.group_id))]
        assert len({key for key, _ in runs}) == len(runs)
        for (env, group), length in runs:
            assert length == sum(row.group_id == group for row in sources[env])
