"""What a benchmark yields: one measured quantity, ours beside a peer's."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from palaestra.arena.run_folder import append_json, git_commit, hardware


@dataclass(frozen=True, slots=True)
class Figure:
    """``ours`` and ``peer`` in ``unit``, each the median of its repeats. ``name`` says what ran, and beside whom."""

    name: str
    ours: float
    peer: float
    unit: str
    higher_is_better: bool = True

    @property
    def ratio(self) -> float:
        """Ours over the peer's: above 1 is better when ``higher_is_better``, below 1 when not."""
        return self.ours / self.peer

    @property
    def better(self) -> bool:
        return self.ratio > 1 if self.higher_is_better else self.ratio < 1


def record(figure: Figure, path: Path) -> None:
    """Append the figure to ``path`` as one JSON row, with the commit and the hardware it was measured on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    row = {**dataclasses.asdict(figure), "ratio": figure.ratio, "commit": git_commit(), "hardware": hardware()}
    append_json(path, row)


def table(figures: Sequence[Figure]) -> Table:
    """The figures for a terminal; those where the peer does better are red."""
    shown = Table(title=f"medians on {hardware()}", title_justify="left")
    shown.add_column("figure")
    for heading in ("ours", "peer", "ratio"):
        shown.add_column(heading, justify="right")
    shown.add_column("unit")
    for figure in figures:
        ratio = f"[{'green' if figure.better else 'red'}]{figure.ratio:.2f}"
        unit = figure.unit if figure.higher_is_better else f"{figure.unit} (less is better)"
        shown.add_row(figure.name, f"{figure.ours:,.0f}", f"{figure.peer:,.0f}", ratio, unit)
    return shown
