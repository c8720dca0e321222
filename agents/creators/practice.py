"""What to practise next: the problems whose outcome is least certain."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from .rewards import uncertainty

K = TypeVar("K", bound=Hashable)
DECAY = 0.9  # of what was counted, with every new result: a reasoner that learns makes it stale


@dataclass(slots=True)
class Record:
    """Results of one problem, older ones worth less: the weighted numbers of right answers and of tries."""

    right: float = 0.0
    tries: float = 0.0

    @property
    def worth(self) -> float:
        """Expected 4p(1 - p)."""
        return uncertainty(self.right, self.tries)


class Practice(Generic[K]):
    """Problems by key, and how certain their outcome is; draws those that are worth most.

    A key may stand for anything that is practised: a problem, a family, a difficulty. decay: of older results.
    left_out: results that were nan, which say nothing, and of keys that are not practised.
    """

    def __init__(self, keys: Iterable[K], decay: float = DECAY) -> None:
        if not 0 < decay <= 1:
            raise ValueError(f"decay is in (0, 1], not {decay:g}")
        self.records = {key: Record() for key in keys}
        self.decay = decay
        self.left_out = 0
        if not self.records:
            raise ValueError("nothing to practise: give one key at least")

    def update(self, key: K, score: float) -> None:
        """Count a result in [0, 1].

        Raises:
            ValueError: it is outside.
        """
        record = self.records.get(key)
        if record is None or math.isnan(score):
            self.left_out += 1
            return
        if not 0 <= score <= 1:
            raise ValueError(f"a result is in [0, 1], not {score:g}")
        record.right = self.decay * record.right + score
        record.tries = self.decay * record.tries + 1

    def worth(self, key: K) -> float:
        """How much there is to be learned from it: its expected 4p(1 - p)."""
        return self.records[key].worth

    def choose(self, n: int, seed: int, sharpness: float = 2.0) -> list[K]:
        """n keys, each as often as ``worth ** sharpness`` says: 0 draws all alike, large numbers only the best.

        Without putting back as long as there are enough, so that a batch is of different problems. The same results and
        seed choose the same keys.

        Raises:
            ValueError: n is below 1.
        """
        if n < 1:
            raise ValueError(f"choose 1 or more, not {n}")
        keys = list(self.records)
        weights = np.array([record.worth**sharpness for record in self.records.values()])
        rng = np.random.default_rng(seed)
        drawn = rng.choice(len(keys), size=n, replace=n > len(keys), p=weights / weights.sum())
        return [keys[index] for index in drawn.tolist()]
