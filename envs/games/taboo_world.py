"""A world for Taboo that a small model can learn: things whose name has a letter for each of their attributes."""

from __future__ import annotations

from functools import cache
from itertools import product

ATTRIBUTES = (("red", "tan", "sky", "jet"), ("big", "wee", "fat", "low"), ("box", "rod", "cup", "orb"))
LETTERS = ("kpdf", "aeiu", "nvzm")  # of the names, for the same
WORLDS = ("all", "train", "test")


@cache
def things(world: str) -> dict[str, tuple[str, ...]]:
    """The attributes of each thing, by its name.

    One in four is kept for "test": every two attributes meet in three things of "train", too. Names are of three
    letters, so that none is a form of another. No attribute is a name.
    """
    found = {}
    for places in product(range(len(LETTERS[0])), repeat=len(LETTERS)):
        kept = sum(places) % len(LETTERS[0]) == 0
        if world == "all" or kept == (world == "test"):
            name = "".join(letters[place] for letters, place in zip(LETTERS, places, strict=True))
            found[name] = tuple(values[place] for values, place in zip(ATTRIBUTES, places, strict=True))
    return found


def named(attributes: dict[int, int]) -> list[str]:
    """The names of the things that have these values, by attribute."""
    fitting = [letters[attributes[which]] if which in attributes else letters for which, letters in enumerate(LETTERS)]
    return ["".join(name) for name in product(*fitting)]


def heard(said: tuple[str, ...]) -> dict[int, int]:
    """The value that each attribute was last said to have; texts that are no attribute are passed over."""
    return {which: values.index(text) for text in said for which, values in enumerate(ATTRIBUTES) if text in values}
