"""Algorithms compared at equal samples: the same warm start, rounds, problems and rate, three seeds, and a control.

``python -m benchmarks.objectives RUNS`` makes the runs that the folder RUNS lacks, two at a time with a thread each,
and writes RUNS/objectives.md and RUNS/objectives.png. They take about an hour on two cores.
``python -m benchmarks.objectives RUNS smoke`` makes 16 rounds of every algorithm, one seed: RUNS/smoke.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean
from typing import Any

from palaestra.arena.leaderboard import read_leaderboard
from palaestra.arena.run_folder import read_json_lines
from palaestra.trainers.algorithms import ALGORITHMS

SEEDS = (0, 1, 2)
COMPARED = (
    *("grpo", "dr_grpo", "dapo", "gspo", "cispo", "reinforce++", "rloo"),
    *("dpo", "ipo", "simpo", "kto", "nca", "rft"),
)
CONTROLS = ("grpo-shuffled", "dpo-shuffled")  # the same with the verdicts dealt out at random
ROUNDS = 40
SMOKE_ROUNDS = 16
WARM = ("evolve.rounds=0", "evaluation.problems=20", "evaluation.self_consistency=1")
EVOLVE = ("warm_start.rounds=0", "evaluation.every=8", "evaluation.self_consistency=1")


def run(folder: Path, *changes: str) -> Path:
    """The finished run in ``folder``, made if it is not there."""
    finished = list(folder.glob("*/summary.json"))
    if not finished:
        command = [sys.executable, "-m", "palaestra", "evolve", "--runs", str(folder), "--threads", "1", "--no-wandb"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run([*command, "--set", *changes], check=True, env=environment, stderr=subprocess.DEVNULL)
        finished = list(folder.glob("*/summary.json"))
    return finished[0].parent


def evolved(runs: Path, name: str, seed: int, rounds: int = ROUNDS) -> Path:
    warm = run(runs / f"warm{seed}", f"seed={seed}", *WARM) / "agents" / "warm"
    algorithm, _, control = name.partition("-")
    choice = (f"evolve.algorithm={algorithm}", f"evolve.control={control or 'none'}", f"evolve.rounds={rounds}")
    folder = runs / (f"{name}-{seed}" if rounds == ROUNDS else f"{name}-{seed}-{rounds}")
    return run(folder, f"seed={seed}", f"model={{path: {warm}}}", *EVOLVE, *choice)


def figures(run: Path) -> dict[str, Any]:
    """What a run came to: accuracy and tokens before and after, samples, and accuracy by round."""
    board = {row.agent: row for row in read_leaderboard(run)}
    rows = read_json_lines(run / "metrics.jsonl")
    played = [row["episodes"] for row in rows if "episodes" in row]
    return {
        "before": board["warm"].score,
        "after": board["evolved"].score,
        "interval": (board["evolved"].low, board["evolved"].high),
        "length": board["evolved"].length,
        "samples": sum(played),
        "curve": [(row["step"], row["accuracy"]) for row in rows if "accuracy" in row],
    }


def table(found: dict[str, list[dict[str, Any]]]) -> str:
    """Markdown, the best mean first."""
    head = ["algorithm", *(f"seed {seed}" for seed in SEEDS), "mean", "tokens an answer", "answers sampled"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    before = [f"{100 * one['before']:.1f} %" for one in found["grpo"]]
    lines.append(
        f"| *before* | {' | '.join(before)} | {100 * mean(one['before'] for one in found['grpo']):.1f} % | | |"
    )
    for name, each in sorted(found.items(), key=lambda item: -mean(one["after"] for one in item[1])):
        after = [f"{100 * one['after']:.1f} %" for one in each]
        rest = f"{100 * mean(one['after'] for one in each):.1f} % | {mean(one['length'] for one in each):.1f}"
        lines.append(f"| `{name}` | {' | '.join(after)} | {rest} | {mean(one['samples'] for one in each):,.0f} |")
    return "\n".join(lines) + "\n"


def draw(found: dict[str, list[dict[str, Any]]], file: Path) -> None:
    """Held-out accuracy by round, each algorithm's mean over seeds, the seeds' range behind it."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(3, 5, figsize=(15, 7.5), sharex=True, sharey=True)
    for axis, (name, each) in zip(axes.flat, found.items(), strict=False):
        curves = [dict(one["curve"]) for one in each]
        steps = sorted(set.intersection(*map(set, curves)))
        values = [[curve[step] for curve in curves] for step in steps]
        axis.fill_between(steps, [min(at) for at in values], [max(at) for at in values], alpha=0.25)
        axis.plot(steps, [mean(at) for at in values], marker="o", markersize=3)
        axis.set_title(name)
        axis.set_ylim(0, 1)
        axis.grid(alpha=0.3)
    figure.supxlabel("round")
    figure.supylabel("held-out accuracy")
    figure.tight_layout()
    figure.savefig(file, dpi=70)


def smoke(runs: Path) -> None:
    """Whether each objective for the reasoner improves on its start, and what that took."""
    names = [name for name, row in ALGORITHMS.items() if row.group != "offline"]
    lines = ["| algorithm | start | 8 rounds | 16 rounds | 95 % interval | answers sampled |", "|---" * 6 + "|"]
    for name in names:
        one = figures(evolved(runs, name, 0, SMOKE_ROUNDS))
        between = [100 * accuracy for _, accuracy in one["curve"]][1]
        low, high = one["interval"]
        after = f"{100 * one['after']:.1f} % | {100 * low:.1f}–{100 * high:.1f}"
        row = f"| `{name}` | {100 * one['before']:.1f} % | {between:.1f} % | {after} | {one['samples']:,} |"
        print(row, flush=True)
        lines.append(row)
    (runs / "smoke.md").write_text("\n".join(lines) + "\n")


def main(runs: Path) -> None:
    names = [(name, seed) for name in (*COMPARED, *CONTROLS) for seed in SEEDS]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda seed: run(runs / f"warm{seed}", f"seed={seed}", *WARM), SEEDS))
        folders = list(pool.map(lambda pair: evolved(runs, *pair), names))
    found: dict[str, list[dict[str, Any]]] = {}
    for (name, _), folder in zip(names, folders, strict=True):
        found.setdefault(name, []).append(figures(folder))
    (runs / "objectives.md").write_text(table(found))
    (runs / "objectives.json").write_text(json.dumps(found, indent=1))
    draw(found, runs / "objectives.png")
    print(table(found))


if __name__ == "__main__":
    (smoke if sys.argv[2:] == ["smoke"] else main)(Path(sys.argv[1]))
