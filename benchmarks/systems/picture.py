"""Cost against score: a panel for each environment, the systems as points, the baselines as lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .board import Row
from .plan import IMITATION, VOTE, Place
from .play import is_done
from .scores import Mean, imitated, mean_of, votes_in

THIN = {"markersize": 4, "elinewidth": 0.5}


def draw(tables: Sequence[tuple[Place, Sequence[Row]]], runs: Path, seeds: Sequence[int], file: Path) -> None:
    """Write the picture of the places' rows."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(tables), figsize=(7.5 * len(tables), 6), squeeze=False)
    for axis, (place, rows) in zip(axes.flat, tables, strict=True):
        _systems(axis, rows)
        _baselines(axis, runs / place.name, seeds)
        axis.set(title=place.name, xscale="log", xlabel="tokens, sampled and learned from", ylim=(0, 1))
        axis.set_ylabel("right, held-out problems")
        axis.grid(alpha=0.3)
        axis.legend(loc="lower right", fontsize=8)
    figure.tight_layout()
    figure.savefig(file, dpi=90, metadata={"Software": None})
    plt.close(figure)


def _systems(axis: Any, rows: Sequence[Row]) -> None:
    for number, row in enumerate(rows):
        spent = row.sampled + row.learned
        label = "system" if number == 0 else "_"
        axis.errorbar(
            [spent], [row.after.value], yerr=_errors(row.after), label=label, fmt="o", color="tab:blue", **THIN
        )
        axis.annotate(row.system, (spent, row.after.value), (3, 2), textcoords="offset points", fontsize=7)
    controls = [(row.sampled + row.learned, row.control) for row in rows if row.control is not None]
    for number, (spent, one) in enumerate(controls):
        label = "its control, verdicts shuffled" if number == 0 else "_"
        axis.errorbar([spent], [one.value], yerr=_errors(one), label=label, fmt="x", color="tab:red", alpha=0.5, **THIN)


def _errors(one: Mean) -> list[list[float]]:
    return [[max(0.0, one.value - one.low)], [max(0.0, one.high - one.value)]]


def _baselines(axis: Any, folder: Path, seeds: Sequence[int]) -> None:
    """The imitation's curve, the vote's, and the start's line, each the mean over the seeds that have it."""
    here = {name: [folder / f"seed{seed}" / name for seed in seeds] for name in (IMITATION, VOTE)}
    done = {name: [one for one in each if is_done(one)] for name, each in here.items()}
    if curves := [imitated(one) for one in done[IMITATION]]:
        points = [[point for point, _ in curve] for curve in curves]
        values = [mean_of({k: curve[n][1] for k, curve in enumerate(curves)}).value for n in range(len(curves[0]))]
        axis.plot(_means(points), values, color="tab:green", linewidth=1, label="imitation continued")
    if drawn := [votes_in(one) for one in done[VOTE]]:
        counts = [n for n in (1, 2, 4, 8, 16, 32, 64, 128) if n <= min(one.most for one in drawn)]
        spent = [[n * one.length * len(one.drawn) for n in counts] for one in drawn]
        values = [mean_of({k: one.of(n) for k, one in enumerate(drawn)}).value for n in counts]
        axis.plot(_means(spent), values, "--", color="tab:orange", linewidth=1, label="vote of 1, 2, 4, ...")
        axis.axhline(values[0], color="grey", linewidth=0.5, label="warm start")


def _means(each: Sequence[Sequence[float]]) -> list[float]:
    return [sum(column) / len(column) for column in zip(*each, strict=True)]
