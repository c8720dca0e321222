"""Random choices cut from words of a generator."""

from __future__ import annotations

from collections import Counter

import numpy as np

from palaestra.envs.tasks.draws import below, order_of, shuffled, text, throws


def test_each_number_below_takes_every_value_alike_and_apart_from_its_neighbour() -> None:
    rng = np.random.default_rng(0)
    pairs = Counter(tuple(below(rng, 3, 5)) for _ in range(15_000))
    assert pairs.keys() == {(i, j) for i in range(3) for j in range(5)}
    assert all(880 < seen < 1120 for seen in pairs.values())  # 1000 each; the deviation is 31


def test_throws_take_every_value_alike() -> None:
    faces = throws(np.random.default_rng(1), 60_000, 6)
    assert Counter(faces).keys() == set(range(6))
    assert all(9_650 < seen < 10_350 for seen in Counter(faces).values())  # the deviation is 91


def test_shuffled_takes_every_order_alike_and_leaves_the_items_alone() -> None:
    rng, items = np.random.default_rng(2), ["a", "b", "c"]
    orders = Counter(tuple(shuffled(rng, items)) for _ in range(6_000))
    assert len(orders) == 6
    assert all(880 < seen < 1120 for seen in orders.values())
    assert items == ["a", "b", "c"]


def test_an_order_is_that_in_which_items_are_shuffled() -> None:
    assert [order_of(np.random.default_rng(seed), 9) for seed in range(5)] == [
        shuffled(np.random.default_rng(seed), range(9)) for seed in range(5)
    ]


def test_a_text_takes_each_place_of_its_letters_alike() -> None:
    cells = text(np.random.default_rng(3), 40_000, "0012")
    assert len(cells) == 40_000
    assert Counter(cells).keys() == set("012")
    assert all(9_560 < Counter(cells)[letter] * share < 10_440 for letter, share in (("0", 0.5), ("1", 1), ("2", 1)))


def test_choices_follow_from_the_state_of_the_generator_and_move_it_on() -> None:
    first, second = np.random.default_rng(4), np.random.default_rng(4)
    drawn = [
        (below(rng, 9, 9), throws(rng, 5, 10), shuffled(rng, "abcde"), text(rng, 9, "xyz")) for rng in (first, second)
    ]
    assert drawn[0] == drawn[1]
    assert throws(first, 20, 10) != throws(first, 20, 10)
