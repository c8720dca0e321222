"""The board as a picture: a panel for each environment, a line for each strategy, the vote beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..systems.scores import Mean
from .board import Pool, Row
from .plan import Place

WIDTH, LINE, MARGIN = 5.6, 0.34, 1.6  # inches: of a panel, of a strategy, above and below
APART = 0.16  # of a line, between a strategy and its vote


def draw(tables: Sequence[tuple[Place, Pool, Sequence[Row]]], file: Path) -> None:
    """Write the picture of the places' rows, in their order."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    height = LINE * max(len(rows) for _, _, rows in tables) + MARGIN
    figure, axes = plt.subplots(1, len(tables), figsize=(WIDTH * len(tables), height), squeeze=False)
    right = max(max(row.right.high, row.vote.high) for _, _, rows in tables for row in rows)
    for axis, (place, _, rows) in zip(axes.flat, tables, strict=True):
        _panel(axis, place, rows)
        axis.set(title=place.name, xlim=(0, min(1.0, right + 0.03)), xlabel="right, held-out problems")
    marks, names = axes.flat[-1].get_legend_handles_labels()
    for axis in axes.flat:
        handles = axis.get_legend_handles_labels()
        if len(handles[0]) > len(marks):
            marks, names = handles
    figure.legend(marks, names, loc="lower center", ncols=3, fontsize=9, frameon=False)
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    figure.savefig(file, dpi=90, metadata={"Software": None})
    plt.close(figure)


def _panel(axis: Any, place: Place, rows: Sequence[Row]) -> None:
    """The best on top, with intervals of 95 %; a strategy's name with the tokens that it wrote."""
    lines = range(len(rows))
    _points(axis, [row.right for row in rows], [line - APART for line in lines], "o", "tab:blue", "strategy")
    votes = [row.vote for row in rows]
    _points(axis, votes, [line + APART for line in lines], "D", "tab:orange", "vote of plain answers, equal tokens")
    if place.chance:
        axis.axvline(place.chance, color="grey", linewidth=0.8, linestyle="--", label="a blind guess")
    axis.set_yticks(lines, [f"{row.contender.name}  {row.price.written:.0f}" for row in rows], fontsize=8)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.grid(alpha=0.25)


def _points(axis: Any, found: Sequence[Mean], lines: Sequence[float], mark: str, colour: str, label: str) -> None:
    values = [one.value for one in found]
    errors = [[max(0.0, one.value - one.low) for one in found], [max(0.0, one.high - one.value) for one in found]]
    axis.errorbar(values, lines, xerr=errors, fmt=mark, color=colour, ms=4.5, label=f"{label}, 95 % interval")
