"""Negotiation: split a pool of items whose values only their owner knows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from typing import ClassVar, NamedTuple

import numpy as np

from .game import Game
from .registration import register_game

ITEMS = ("book", "hat", "ball", "lamp")
TOTAL = 10  # worth of the pool to each player
MAX_COUNT = 3  # of one kind
ACCEPT: tuple[int, ...] = ()
KEEP = re.compile(r"keep( [0-9]){2,4}")

Counts = tuple[int, ...]


class Table(NamedTuple):
    """pool: items of each kind; values: of one item of each kind, to each player, empty when unknown.

    offers: what the player who made it keeps, in turn; accepted: the last one was.
    """

    pool: Counts
    values: tuple[Counts, Counts]
    offers: tuple[Counts, ...] = ()
    accepted: bool = False


@register_game("palaestra/Negotiation-v0")
@dataclass(frozen=True)
class Negotiation(Game[Table, Counts]):
    """Two players make offers in turn until one is accepted; each gets what the own share is worth to that player.

    kinds: of items, 2 to 4. rounds: offers of each player, 1 to 10; without an agreement after them both get nothing.
    The pool is worth 10 to each player, but an item may be worth more to one: then some split is good for both.
    After M. Lewis et al., "Deal or no deal?", 2017. An action is what the player keeps, or () to accept.
    """

    tags: ClassVar[tuple[str, ...]] = ("games", "bargaining", "hidden information", "general-sum")
    zero_sum: ClassVar[bool] = False
    hidden: ClassVar[bool] = True
    lowest = 0.0
    kinds: int = 3
    rounds: int = 5

    def __post_init__(self) -> None:
        if not 2 <= self.kinds <= len(ITEMS):
            raise ValueError(f"kinds is from 2 to {len(ITEMS)}, not {self.kinds}")
        if not 1 <= self.rounds <= 10:
            raise ValueError(f"rounds is from 1 to 10, not {self.rounds}")

    @property
    def max_length(self) -> int:
        return 2 * self.rounds

    @property
    def rules(self) -> str:
        names = [f"{item}s" for item in ITEMS[: self.kinds]]
        example = " ".join("210"[k % 3] for k in range(self.kinds))
        return (
            f"Negotiation. Two players split a pool of {', '.join(names[:-1])} and {names[-1]}. The whole pool is "
            f"worth {TOTAL} to each of them, but an item may be worth more to one than to the other, and a player "
            "knows only the own values. In turn, player_0 first, a player accepts the other's last offer or offers a "
            f"split by saying how many of each kind to keep (the other gets the rest). Each player has {self.rounds} "
            "turns; without an agreement both get nothing. The return is the worth of the own share, divided by "
            f"{TOTAL}. An action is accept, or an offer such as keep {example}: the numbers of {', '.join(names[:-1])} "
            f"and {names[-1]} to keep."
        )

    def initial(self, rng: np.random.Generator) -> Table:
        pools = _pools(self.kinds)
        u, v, w = rng.random(3).tolist()
        pool = pools[int(u * len(pools))]
        values = _values(pool)
        return Table(pool, (values[int(v * len(values))], values[int(w * len(values))]))

    def player(self, state: Table) -> int:
        return (len(state.offers) + state.accepted) & 1

    def legal(self, state: Table) -> tuple[Counts, ...]:
        splits = _splits(state.pool)
        return (ACCEPT, *splits) if state.offers else splits

    def act(self, state: Table, action: Counts) -> Table:
        if action == ACCEPT:
            return Table(state.pool, state.values, state.offers, True)
        return Table(state.pool, state.values, (*state.offers, action))

    def terminal(self, state: Table) -> bool:
        return state.accepted or len(state.offers) == 2 * self.rounds

    def returns(self, state: Table) -> tuple[float, ...]:
        if not state.accepted:
            return (0.0, 0.0)
        keeper = (len(state.offers) - 1) & 1
        kept = state.offers[-1]
        rest = tuple(n - k for n, k in zip(state.pool, kept, strict=True))
        shares = (kept, rest) if keeper == 0 else (rest, kept)
        first, second = (worth(share, values) / TOTAL for share, values in zip(shares, state.values, strict=True))
        return (first, second)

    def show(self, state: Table) -> str:
        lines = [f"Pool: {_counted(state.pool)}."]
        for k, values in enumerate(state.values):
            if values:
                told = ", ".join(f"a {item} {value}" for item, value in zip(ITEMS, values, strict=False))
                lines.append(f"Values to player_{k}: {told}.")
        for k, kept in enumerate(state.offers):
            rest = tuple(n - m for n, m in zip(state.pool, kept, strict=True))
            lines.append(f"Turn {k + 1}: player_{k & 1} keeps {_counted(kept)}; the other gets {_counted(rest)}.")
        if state.accepted:
            lines.append(f"player_{len(state.offers) & 1} accepts.")
        elif len(state.offers) < 2 * self.rounds:
            left = 2 * self.rounds - len(state.offers)
            lines.append(f"Turns left, this one included: {left}.")
        else:
            lines.append("There is no agreement.")
        return "\n".join(lines)

    def action_text(self, action: Counts) -> str:
        return _text(action)

    def read(self, text: str) -> Counts | None:
        if text == "accept":
            return ACCEPT
        if not KEEP.fullmatch(text):
            return None
        kept = tuple(map(int, text.split()[1:]))
        return kept if len(kept) == self.kinds else None

    def why(self, state: Table, action: Counts) -> str:
        if action == ACCEPT:
            return "there is no offer yet to accept"
        return f"the pool holds {_counted(state.pool)}"

    def seen(self, state: Table, player: int) -> Table:
        values = (state.values[0], ()) if player == 0 else ((), state.values[1])
        return Table(state.pool, values, state.offers, state.accepted)

    def resample(self, state: Table, player: int, rng: np.random.Generator) -> Table:
        every = _values(state.pool)
        drawn = every[int(rng.random() * len(every))]
        values = (state.values[0], drawn) if player == 0 else (drawn, state.values[1])
        return state._replace(values=values)


def worth(share: Counts, values: Counts) -> int:
    """What a share is worth to a player of these values."""
    return sum(n * value for n, value in zip(share, values, strict=True))


@cache
def _pools(kinds: int) -> tuple[Counts, ...]:
    """Pools with something to split and with values enough to differ."""
    every = product(range(1, MAX_COUNT + 1), repeat=kinds)
    return tuple(pool for pool in every if sum(pool) > kinds and len(_values(pool)) > 2)


@cache
def _values(pool: Counts) -> tuple[Counts, ...]:
    """The values that make the pool worth TOTAL."""
    found: list[tuple[Counts, int]] = [((), TOTAL)]  # with what is left for the other kinds
    for n in pool:
        found = [((*values, v), left - n * v) for values, left in found for v in range(left // n + 1)]
    return tuple(values for values, left in found if left == 0)


@cache
def _splits(pool: Counts) -> tuple[Counts, ...]:
    return tuple(product(*(range(n + 1) for n in pool)))


@cache
def _text(action: Counts) -> str:
    return f"keep {' '.join(map(str, action))}" if action else "accept"


@lru_cache(maxsize=1 << 12)
def _counted(counts: Counts) -> str:
    return ", ".join(f"{n} {item}{'' if n == 1 else 's'}" for n, item in zip(counts, ITEMS, strict=False))
