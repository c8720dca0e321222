"""Random choices for small problems, cut from the 64-bit words of a generator.

A word is several times cheaper than a number from a Generator's methods, and holds many small choices. They are taken
from it as digits of mixed radix, so their joint bias is below the product of the sizes divided by 2**64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def below(rng: np.random.Generator, *sizes: int) -> list[int]:
    """One number below each of ``sizes``, all from one word: their product stays far below 2**64, say 2**50."""
    word = rng.bit_generator.random_raw()
    numbers = []
    for size in sizes:
        word, number = divmod(word, size)
        numbers.append(number)
    return numbers


def throws(rng: np.random.Generator, count: int, size: int) -> list[int]:
    """``count`` numbers below ``size``, a word each."""
    numbers: list[int] = (rng.bit_generator.random_raw(count) % size).tolist()
    return numbers


def order_of(rng: np.random.Generator, count: int) -> list[int]:
    """The numbers below ``count`` in random order, by a word each."""
    order: list[int] = rng.bit_generator.random_raw(count).argsort().tolist()
    return order


def shuffled(rng: np.random.Generator, items: Sequence[T]) -> list[T]:
    """The items in random order, by a word each."""
    return [items[k] for k in rng.bit_generator.random_raw(len(items)).argsort().tolist()]


def text(rng: np.random.Generator, length: int, letters: str) -> str:
    """``length`` of the ASCII ``letters``, a word each; one that is given twice is twice as likely."""
    places = (rng.bit_generator.random_raw(length) % len(letters)).astype(np.uint8)
    return str(places.tobytes().translate(letters.encode().ljust(256)), "ascii")
