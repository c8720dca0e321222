"""The picture of a run: how accuracy, reward, entropy, length and speed went, round by round."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

PANELS = (
    ("reward", "reward (training problems)"),
    ("entropy", "entropy (nats a token)"),
    ("length", "length (tokens an answer)"),
    ("tokens_per_second", "tokens sampled a second"),
)

EACH = ("score/", "exploitability")  # of a game: the score against each scripted player, what a best response wins


def draw_curves(metrics: Sequence[dict[str, Any]], path: Path, title: str) -> Path:
    """Draw ``metrics.jsonl`` rows to a PNG: held-out accuracy with its 95 % interval on top, the rest below."""
    figure = Figure(figsize=(10, 7.5), layout="constrained")
    grid = figure.add_gridspec(3, 2, height_ratios=(1.5, 1, 1))
    accuracy = figure.add_subplot(grid[0, :])
    _accuracy(accuracy, [row for row in metrics if "accuracy" in row])
    accuracy.set_title(title, loc="left")
    for (name, label), cell in zip(PANELS, (grid[1, 0], grid[1, 1], grid[2, 0], grid[2, 1]), strict=True):
        axes = figure.add_subplot(cell)
        rows = [row for row in metrics if name in row]
        axes.plot([row["step"] for row in rows], [row[name] for row in rows], color="#4c86c6", linewidth=1.3)
        axes.set_ylabel(label)
        _phases(axes, metrics)
    _phases(accuracy, metrics)
    figure.savefig(path, dpi=110)
    return path


def _accuracy(axes: Axes, rows: Sequence[dict[str, Any]]) -> None:
    steps = [row["step"] for row in rows]
    axes.fill_between(steps, [row["low"] for row in rows], [row["high"] for row in rows], color="#4c86c6", alpha=0.25)
    axes.plot(steps, [row["accuracy"] for row in rows], color="#16324f", marker="o", markersize=4)
    for name in dict.fromkeys(name for row in rows for name in row if name.startswith(EACH)):
        found = [row for row in rows if name in row]
        label = name.removeprefix("score/")
        axes.plot([row["step"] for row in found], [row[name] for row in found], linewidth=1, label=label)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(title="against, or", loc="lower right", fontsize="small")
    axes.set_ylim(0, 1)
    axes.set_ylabel("held-out accuracy")
    axes.set_xlabel("round")
    axes.grid(alpha=0.3)


def _phases(axes: Axes, metrics: Sequence[dict[str, Any]]) -> None:
    """A line where the warm start ends and evolution begins."""
    warm = [row["step"] for row in metrics if row.get("phase") == "warm"]
    if warm:
        axes.axvline(max(warm), color="#9aa7b4", linestyle="--", linewidth=1)
