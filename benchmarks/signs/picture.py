"""The signs as a picture: a line for each claim, the difference with its interval and that of every seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .board import ClaimRow
from .sign import Sign

WIDTH, LINE, MARGIN = 10.5, 0.27, 1.3  # inches: of the picture, of a claim, above and below
COLOURS = {
    "shown": "tab:green",
    "not shown": "tab:red",
    "control, fails as it must": "tab:gray",
    "control, does not fail": "tab:orange",
}


def draw(rows: Sequence[tuple[Sign, ClaimRow]], file: Path) -> None:
    """Write the picture of the claims that were played, in their order."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(WIDTH, LINE * len(rows) + MARGIN))
    for kind, colour in COLOURS.items():
        lines = [line for line, (_, row) in enumerate(rows) if kind_of(row) == kind]
        found = [rows[line][1].found for line in lines]
        errors = [[one.gap - one.low for one in found], [one.high - one.gap for one in found]]
        axis.errorbar([one.gap for one in found], lines, xerr=errors, fmt="o", color=colour, ms=5, label=kind)
        seeds = [(gap, line) for line in lines for gap in rows[line][1].each]
        axis.plot(*zip(*seeds, strict=True), "|", color=colour, ms=8, alpha=0.7) if seeds else None
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_yticks(range(len(rows)), [f"{sign.name}: {row.claim.says}" for sign, row in rows], fontsize=8)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlabel("difference of scores, 95 % interval; a stroke for each seed")
    axis.grid(alpha=0.25)
    figure.legend(loc="lower center", ncols=len(COLOURS), fontsize=9, frameon=False)
    figure.tight_layout(rect=(0, 0.6 / (LINE * len(rows) + MARGIN), 1, 1))
    figure.savefig(file, dpi=90, metadata={"Software": None})
    plt.close(figure)


def kind_of(row: ClaimRow) -> str:
    """A claim or a control, and what came of it: a key of COLOURS."""
    if row.claim.above:
        return "shown" if row.shown else "not shown"
    return "control, fails as it must" if row.shown else "control, does not fail"
