"""The picture of a run: how accuracy, reward, entropy, length and speed went, round by round."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .patterns.learners import SLOTS

PANELS = (
    ("reward", "reward (training problems)"),
    ("entropy", "entropy (nats a token)"),
    ("length", "length (tokens an answer)"),
    ("tokens_per_second", "tokens sampled a second"),
)

EACH = ("score/", "exploitability")  # of a game: the score against each scripted player, what a best response wins
OF_MODULES = tuple(f"round/{module}" for module in SLOTS)  # how well each module did in a round


def draw_curves(metrics: Sequence[dict[str, Any]], path: Path, title: str) -> Path:
    """Draw ``metrics.jsonl`` rows to a PNG: held-out accuracy with its 95 % interval on top, the rest below."""
    found = [(label, points) for name, label in PANELS if (points := _points(metrics, name))]
    below = math.ceil(len(found) / 2)
    figure = Figure(figsize=(10, 7.5), layout="constrained")
    grid = figure.add_gridspec(1 + below, 2, height_ratios=(1.5, *[1] * below))
    accuracy = figure.add_subplot(grid[0, :])
    _accuracy(accuracy, metrics)
    accuracy.set_title(title, loc="left")
    for place, (label, points) in enumerate(found):
        alone = place == len(found) - 1 and place % 2 == 0
        axes = figure.add_subplot(grid[1 + place // 2, :] if alone else grid[1 + place // 2, place % 2])
        axes.plot(*zip(*points, strict=True), color="#4c86c6", linewidth=1.3)
        axes.set_ylabel(label)
        _phases(axes, metrics)
    _phases(accuracy, metrics)
    figure.savefig(path, dpi=110)
    return path


def _points(metrics: Sequence[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    """Steps and values of a metric; where several modules learn, the reasoner's."""
    own = [name, f"reasoner_{name}"]
    return [(row["step"], next(row[key] for key in own if key in row)) for row in metrics if not {*own}.isdisjoint(row)]


def _accuracy(axes: Axes, metrics: Sequence[dict[str, Any]]) -> None:
    rows = [row for row in metrics if "accuracy" in row]
    steps = [row["step"] for row in rows]
    axes.fill_between(steps, [row["low"] for row in rows], [row["high"] for row in rows], color="#4c86c6", alpha=0.25)
    axes.plot(steps, [row["accuracy"] for row in rows], color="#16324f", marker="o", markersize=4)
    players = dict.fromkeys(name for row in rows for name in row if name.startswith(EACH))
    modules = [name for name in OF_MODULES if any(name in row for row in metrics)]
    for name in (*players, *modules):
        label = name.removeprefix("score/").removeprefix("round/").replace("_", " ")
        axes.plot(*zip(*_points(metrics, name), strict=True), linewidth=1, label=label)
    if players or modules:
        title = "against, or" if players else "modules, by round"
        axes.legend(title=title, loc="upper left", fontsize="small")
    axes.set_ylim(0, 1)
    axes.set_ylabel("held-out accuracy")
    axes.set_xlabel("round")
    axes.grid(alpha=0.3)


def _phases(axes: Axes, metrics: Sequence[dict[str, Any]]) -> None:
    """A line where the warm start ends and evolution begins."""
    warm = [row["step"] for row in metrics if row.get("phase") == "warm"]
    if warm:
        axes.axvline(max(warm), color="#9aa7b4", linestyle="--", linewidth=1)
