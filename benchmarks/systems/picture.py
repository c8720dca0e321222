"""The board as a picture: a panel for each environment, a line for each system, its baselines as marks beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .board import Row
from .plan import Place
from .scores import Mean

WIDTH, LINE, MARGIN = 5.6, 0.27, 1.6  # inches: of a panel, of a system, above and below
# What stands beside a system: its attribute in a row, label, mark and colour.
BESIDE = (
    ("vote", "vote of N, at equal tokens", "D", "tab:orange"),
    ("imitation", "imitation continued, at equal tokens", "s", "tab:green"),
    ("control", "the system's control, rewards shuffled", "x", "tab:red"),
)


def draw(tables: Sequence[tuple[Place, Sequence[Row]]], file: Path) -> None:
    """Write the picture of the places' rows, in their order."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    height = LINE * max(len(rows) for _, rows in tables) + MARGIN
    figure, axes = plt.subplots(1, len(tables), figsize=(WIDTH * len(tables), height), squeeze=False)
    for axis, (place, rows) in zip(axes.flat, tables, strict=True):
        _panel(axis, rows)
        axis.set(title=place.name, xlim=(0, 1), xlabel="right, held-out problems")
    marks, names = axes.flat[0].get_legend_handles_labels()
    figure.legend(marks, names, loc="lower center", ncols=3, fontsize=9, frameon=False)
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    figure.savefig(file, dpi=90, metadata={"Software": None})
    plt.close(figure)


def _panel(axis: Any, rows: Sequence[Row]) -> None:
    """The first row on top, with intervals of 95 %; a system's name with the tokens that it took."""
    lines = range(len(rows))
    for name, label, mark, colour in BESIDE:
        found = [(getattr(row, name).value, line) for line, row in zip(lines, rows, strict=True) if getattr(row, name)]
        axis.plot(*(list(zip(*found, strict=True)) or ((), ())), mark, color=colour, ms=4.5, alpha=0.8, label=label)
    after = [row.after for row in rows]
    axis.errorbar(
        [one.value for one in after], lines, xerr=_errors(after), fmt="o", ms=5, label="system, 95 % interval"
    )
    start = sum(row.before.value for row in rows) / len(rows)
    axis.axvline(start, color="grey", linewidth=0.8, linestyle="--", label="where they all start")
    axis.set_yticks(lines, [f"{row.system}  {_short(row.sampled + row.learned)}" for row in rows], fontsize=8)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.grid(alpha=0.25)


def _errors(means: Sequence[Mean]) -> list[list[float]]:
    """Below and above, (2, means)."""
    return [[max(0.0, one.value - one.low) for one in means], [max(0.0, one.high - one.value) for one in means]]


def _short(tokens: float) -> str:
    return f"{tokens / 1e6:.1f}M" if tokens >= 1e6 else f"{tokens / 1e3:.0f}k"
