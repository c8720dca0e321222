"""Bin packing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..quoting import quoted
from ..verdict import Verdict
from .answer import Rules, judge, read_assignment
from .instance import freeze, integer, names


@dataclass(frozen=True, slots=True)
class BinPacking:
    """Put every item in a bin so that no bin holds more than the capacity and at most ``bins`` are used.

    sizes: name to size. partial: a wrong answer's score is the fraction of bins used that are kept within the capacity,
    the number of bins being one rule more.

    The answer assigns every item a bin, under any name (``answer.read_assignment``): ``a=1, b=2, c=1``.

    Raises:
        ValueError: an item does not fit in a bin, or all together not in ``bins``.
    """

    sizes: Mapping[str, int]
    capacity: int
    bins: int
    partial: bool = False

    def __post_init__(self) -> None:
        integer(self.capacity, "capacity", 1)
        integer(self.bins, "bins", 1)
        sizes = dict(zip(names(self.sizes, "sizes"), self.sizes.values(), strict=True))
        for name, size in sizes.items():
            integer(size, f"the size of {name}", 0, self.capacity)
        if not sizes or sum(sizes.values()) > self.bins * self.capacity:
            raise ValueError(f"sizes of {sum(sizes.values())} in all do not fit in {self.bins} bins of {self.capacity}")
        freeze(self, sizes=sizes)

    def verify(self, response: str) -> Verdict:
        return judge(response, lambda text: read_assignment(text, tuple(self.sizes)), self._rules, self.partial)

    def _rules(self, bin_of: dict[str, str]) -> Rules:
        loads: dict[str, int] = {}
        for item, size in self.sizes.items():
            loads[bin_of[item]] = loads.get(bin_of[item], 0) + size
        yield None if len(loads) <= self.bins else f"{len(loads)} bins are used, more than {self.bins}"
        for name, load in loads.items():
            yield None if load <= self.capacity else f"bin {quoted(name)} holds {load}, more than {self.capacity}"
