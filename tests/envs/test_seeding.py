"""Generators that are seeded by a text give what any PCG64 with that state gives."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from palaestra.envs import seeding
from palaestra.envs.seeding import TextSeeded, reseed

KEYS = ["", "a", "palaestra/ChainArith-v0|train|3|7", "\N{GREEK SMALL LETTER PI}" * 100]


def drawn(rng: np.random.Generator) -> list[object]:
    raw = rng.bit_generator.random_raw(3).tolist()
    return [*raw, rng.random(), rng.integers(10, size=5).tolist(), rng.bit_generator.state]


@pytest.mark.parametrize("key", KEYS)
def test_the_fast_way_gives_the_same_stream_as_numpys_own_setter(key: str) -> None:
    fast, plain = TextSeeded(), np.random.Generator(np.random.PCG64())
    assert fast.memory is not None, "numpy keeps the state of PCG64 otherwise than it did"
    for rng in (fast, plain):
        rng.integers(2, size=3, dtype=np.uint32)  # half of a word is left over, which belongs to the old state
        reseed(rng, key)
    assert drawn(fast) == drawn(plain)
    reseed(fast, key)
    again = fast.random()
    reseed(plain, key)
    assert again == plain.random()


def test_it_is_not_used_where_numpy_keeps_its_state_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = TextSeeded(5)
    reseed(expected, "a")
    monkeypatch.setattr(seeding, "KNOWN", {"state": 1, "inc": 3})
    monkeypatch.setattr(seeding, "STATE_BYTES", 24)
    other = TextSeeded(5)
    assert other.memory is None
    monkeypatch.undo()
    reseed(other, "a")
    assert drawn(other) == drawn(expected)


def test_a_new_one_starts_where_its_seed_says() -> None:
    assert drawn(TextSeeded(3)) == drawn(np.random.Generator(np.random.PCG64(3)))
    assert TextSeeded().random() != TextSeeded().random()


def test_copies_are_independent() -> None:
    rng = TextSeeded(3)
    reseed(rng, "a")
    before = rng.bit_generator.state
    for twin in (copy.deepcopy(rng), pickle.loads(pickle.dumps(rng))):
        assert twin.bit_generator.state == before
        reseed(twin, "b")
        assert rng.bit_generator.state == before
