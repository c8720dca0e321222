"""Subset sum, knapsack and set cover: choose some of what is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..quoting import quoted
from ..verdict import Verdict
from .answer import Rules, judge, read_integers, read_names
from .instance import freeze, integer, integers, names


@dataclass(frozen=True, slots=True)
class SubsetSum:
    """Choose one or more of the numbers, each as often as it is given at most, with sum ``target``.

    The answer lists the numbers chosen: ``3, 5, 8``.

    Raises:
        ValueError: the numbers or the target are not whole.
    """

    numbers: Sequence[int]
    target: int

    def __post_init__(self) -> None:
        integer(self.target, "target")
        freeze(self, numbers=integers(self.numbers, "numbers"))

    def verify(self, response: str) -> Verdict:
        return judge(response, read_integers, self._rules)

    def _rules(self, chosen: list[int]) -> Rules:
        extra = Counter(chosen) - Counter(self.numbers)
        yield None if chosen else "no number is chosen"
        yield f"{min(extra)} is chosen more often than it is given" if extra else None
        yield None if sum(chosen) == self.target else f"the sum is {sum(chosen)}, not {self.target}"


@dataclass(frozen=True, slots=True)
class Knapsack:
    """Choose items, each once at most, within the capacity and worth ``at_least``.

    items: name to (weight, value). at_least: the value that counts as solved: the optimum, when one is asked for.

    The answer lists the names chosen.

    Raises:
        ValueError: a weight or value is negative, or all items together are not worth ``at_least``.
    """

    items: Mapping[str, tuple[int, int]]
    capacity: int
    at_least: int

    def __post_init__(self) -> None:
        checked = names(self.items, "items")
        items = {}
        for name, pair in zip(checked, self.items.values(), strict=True):
            items[name] = integers(pair, f"weight and value of {name}", 0)
            if len(items[name]) != 2:
                raise ValueError(f"{name} has a weight and a value, not {len(items[name])} numbers")
        integer(self.capacity, "capacity", 0)
        integer(self.at_least, "at_least", 1, sum(item[1] for item in items.values()))
        freeze(self, items=items)

    def verify(self, response: str) -> Verdict:
        return judge(response, read_names, self._rules)

    def _rules(self, chosen: list[str]) -> Rules:
        yield _chosen_once(chosen, self.items)
        items = [self.items[name] for name in chosen if name in self.items]
        weight, value = sum(item[0] for item in items), sum(item[1] for item in items)
        yield None if weight <= self.capacity else f"the weight is {weight}, above {self.capacity}"
        yield None if value >= self.at_least else f"the value is {value}, below {self.at_least}"


@dataclass(frozen=True, slots=True)
class SetCover:
    """Choose at most ``at_most`` of the named sets so that every element is in one of them.

    The answer lists the names of the sets chosen.

    Raises:
        ValueError: all sets together leave an element out, or ``at_most`` is below 1.
    """

    elements: Sequence[str | int]
    sets: Mapping[str, Sequence[str | int]]
    at_most: int

    def __post_init__(self) -> None:
        elements, checked = names(self.elements, "elements"), names(self.sets, "sets")
        members = (names(members, "a set") for members in self.sets.values())
        sets = dict(zip(checked, members, strict=True))
        if left := [element for element in elements if not any(element in members for members in sets.values())]:
            raise ValueError(f"{left[0]} is in no set")
        integer(self.at_most, "at_most", 1)
        freeze(self, elements=elements, sets=sets)

    def verify(self, response: str) -> Verdict:
        return judge(response, read_names, self._rules)

    def _rules(self, chosen: list[str]) -> Rules:
        yield _chosen_once(chosen, self.sets)
        yield None if len(chosen) <= self.at_most else f"{len(chosen)} sets are chosen, more than {self.at_most}"
        covered = {element for name in chosen if name in self.sets for element in self.sets[name]}
        left = [element for element in self.elements if element not in covered]
        yield f"{left[0]} is not covered" if left else None


def _chosen_once(chosen: list[str], offered: Mapping[str, object]) -> str | None:
    if unknown := [name for name in chosen if name not in offered]:
        return f"'{quoted(unknown[0])}' is not to be chosen from"
    return None if len(set(chosen)) == len(chosen) else f"{Counter(chosen).most_common(1)[0][0]} is chosen twice"
