"""What the board says in words: where a strategy loses to the vote that writes as much, and where it wins."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

from .board import Pool, Row
from .plan import Place

SAME = 0.05  # a vote within this share of a strategy's tokens writes as many


def beyond(row: Row, pool: Pool) -> bool:
    """Whether the strategy wrote more than all answers that were drawn."""
    return row.pays(pool) > 1 + SAME


def equal(row: Row, pool: Pool) -> bool:
    """Whether strategy and vote wrote as many tokens."""
    return abs(row.pays(pool) - 1) <= SAME


def by_chance(place: Place) -> str:
    """What a blind guess gets."""
    return f"a blind guess is right in {100 * place.chance:.0f} %" if place.chance else "a guess is next to never right"


def lost(row: Row) -> str:
    """The difference in points with its interval; bold where that leaves nothing out on one side."""
    mark = "**" if row.behind or row.ahead else ""
    gap = row.gap
    return f"{mark}{100 * gap.gap:+.1f}{mark} ({100 * gap.low:+.1f} to {100 * gap.high:+.1f})"


def summary(tables: Sequence[tuple[Place, Pool, Sequence[Row]]]) -> list[str]:
    """Plain sentences, one line each: all environments together, then each."""
    every = [row for _, _, rows in tables for row in rows]
    less, more = sum(row.gap.gap < 0 for row in every), sum(row.gap.gap > 0 for row in every)
    behind, ahead = sum(row.behind for row in every), sum(row.ahead for row in every)
    sure = [row for row in every if row.sign.differs]
    whole = (
        f"{len(every)} comparisons: the strategy has less than the vote that writes as much in {less}, more in {more}. "
        f"The interval of the difference lies below 0 in {behind}, above it in {ahead}. "
        f"Told apart by the sign test, corrected: {sum(row.sign.gap < 0 for row in sure)} lost, "
        f"{sum(row.sign.gap > 0 for row in sure)} won."
    )
    return [
        filled(f"{whole} {_shown(tables)}".strip()) + "\n",
        *(filled(_at(place, pool, rows), "  ") for place, pool, rows in tables),
    ]


def _shown(tables: Sequence[tuple[Place, Pool, Sequence[Row]]]) -> str:
    """Where the examples alone are worth more than the plain agent, whose vote is then not the highest there is."""
    pairs = [(row, pool) for _, pool, rows in tables for row in rows if row.contender.name == "few_shot"]
    above = sum(row.right.value > _mean(pool, 1) for row, pool in pairs)
    if not above:
        return ""
    return (
        f"`few_shot`, which does not ask for the answer alone, has more than one plain answer in {above} of "
        f"{len(pairs)} environments: a vote of its answers may stand higher than the one here."
    )


def _at(place: Place, pool: Pool, rows: Sequence[Row]) -> str:
    """One environment's line."""
    losing, winning = _named(rows, lambda row: row.behind), _named(rows, lambda row: row.ahead)
    level = [f"`{row.contender.name}`" for row in rows if not row.behind and not row.ahead]
    said = [f"Loses to the vote: {losing or 'none'}.", f"Wins: {winning or 'none'}."]
    said.append(f"Not told apart by the interval: {', '.join(level) or 'none'}.")
    one, every = _mean(pool, 1), _mean(pool, pool.most)
    best = rows[0]
    said.append(
        f"The best is `{best.contender.name}` with {100 * best.right.value:.1f} %, where one plain answer has "
        f"{100 * one:.1f} % and the vote of {pool.most} {100 * every:.1f} %."
    )
    if place.chance:
        under = [row for row in rows if row.right.value < place.chance]
        said.append(f"Below a blind guess ({100 * place.chance:.0f} %) are {len(under)} of {len(rows)}.")
    return f"- **{place.name}**. " + " ".join(said)


def _named(rows: Sequence[Row], which: Callable[[Row], bool]) -> str:
    """These strategies, the largest difference first, with it, and whether the sign test tells them apart too."""
    found = sorted((row for row in rows if which(row)), key=lambda row: -abs(row.gap.gap))
    return ", ".join(f"`{row.contender.name}` ({_points(row)})" for row in found)


def _points(row: Row) -> str:
    sure = ", p < 0.05" if row.sign.differs else ""
    return f"{100 * row.gap.gap:+.1f}, K = {row.answers:.1f}{sure}"


def filled(text: str, indent: str = "") -> str:
    """In lines of the page's width."""
    return textwrap.fill(text, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _mean(pool: Pool, k: int) -> float:
    scores = pool.expected(k)
    return sum(scores.values()) / len(scores)
