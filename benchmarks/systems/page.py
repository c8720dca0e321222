"""The board as a page that people read, and its picture: nothing on it is typed by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import reduce
from pathlib import Path

from palaestra.arena.run_folder import write_whole

from .board import Row, beside_verdicts, rows_of, source
from .picture import draw
from .plan import START, VOTE, Cell, Place, cells, has_verdicts, places
from .play import error_of, is_done
from .recipes import Sizes, start
from .scores import Mean, mean_of, votes_in

HEAD = """# Systems beside baselines at equal tokens

Published systems, as the recipes `systems/NAME` make them of this project's parts ([patterns.md](patterns.md) says what
each is and where it departs from its paper), each beside three baselines. Losers are left in. Written by `make results`
(`python -m benchmarks.systems RUNS --out docs/systems.md`), every figure from the runs' logs.

SIZES

How to read it:

- *Right* is the share of the held-out problems that one sampled answer of the reasoner alone solves, before and after
  (an evaluator or repairer that evolves beside it does not help here; *all modules* has what they solve together).
- A system's *tokens* are those that it sampled in training, all modules', searches' and probes' (not
  critiques, which are not in the log), and those that its updates went through, prompts included, every pass counted.
  Evaluation is not in them, nor is the warm start, which all share.
- *Imitation* goes on from the same warm start with more of its demonstrations, at a constant rate, until its updates
  have gone through as many tokens as the system sampled and learned from together, or the next more that it was
  measured at: some more, a quarter at most where that is above FIRST, never less. Demonstrations cost it nothing.
- *Vote* is the best of N of the warm start: the majority of N answers to each held-out problem, N as many as the
  system's tokens pay for on this one exam, 8 at least and VOTES at most. So what is equal is the sum of tokens once the
  exam is over: the system spent them before it, and pays one answer a problem from then on; the vote pays again every
  time. Nor is the system given a vote of its own.
- *Shuffled* is the same run with each round's rewards dealt out at random: it must not improve. It is told where it
  does, beside its own start, and *not shuffled* says what else the system learns from, which a control leaves as it is.
  Where that is all, there is no control.
- Intervals are of 95 %: with one seed over the problems, with more the bootstrap over the seeds' means. *Beats
  imitation* is by both one's answers to the same problems (sign test, two-sided, Holm's correction for the table, 5 %).
- All settings are the shipped recipes', chosen for running, not for winning: no rate was tuned for any of them but
  `her`, `rest_react`, `rl4f` and `spag`, which had learned nothing; their worlds, rates and rounds were chosen on other
  seeds than those here. Nothing here says how a system does at its paper's size.
"""
COLUMNS = (
    *("system", "source", "right", "tokens: sampled + learned", "imitation", "beats imitation"),
    *("vote of N", "shuffled", "not shuffled", "all modules", "seeds"),
)


def write_page(runs: Path, out: Path, sizes: Sizes, seeds: Sequence[int]) -> None:
    """The page, and beside it its picture, of the cells that were played."""
    tables = [(place, rows_of(place, runs, seeds)) for place in places()]
    out.parent.mkdir(parents=True, exist_ok=True)
    picture = out.with_suffix(".png")
    drawn = [(place, rows) for place, rows in tables if place.shared and rows]
    if drawn:
        draw(drawn, picture)
    told = {"SIZES": _told(runs, sizes), "VOTES": str(sizes.votes), "FIRST": f"{sizes.longer * sizes.first_point:,}"}
    parts = [reduce(lambda text, name: text.replace(name, told[name]), told, HEAD)]
    if drawn:
        parts.append(f"![Each system beside its baselines, with what it cost]({picture.name})\n")
    parts += [_section(place, rows, runs, seeds, sizes) for place, rows in tables if place.shared]
    parts += [_own(tables, runs, seeds), _waiting(runs, seeds)]
    write_whole(out, "\n".join(parts))


def _told(runs: Path, sizes: Sizes) -> str:
    times = f", {sizes.longer} times the recipes' rounds" if sizes.longer > 1 else ", the recipes' own rounds"
    said = f"Sizes: {sizes.problems} held-out problems{times}, a nano model."
    found = sorted(runs.glob(f"*/seed*/{START}/environment.json"))
    if not found:
        return f"{said} No run is there yet."
    hardware = sorted({json.loads(file.read_text())["hardware"] for file in found})
    return f"{said} Hardware: {'; '.join(hardware)}, 1 thread."


def _section(place: Place, rows: list[Row], runs: Path, seeds: Sequence[int], sizes: Sizes) -> str:
    parts = [f"## {place.name}\n", _setting(place, sizes), _start(place, runs, seeds)]
    if rows:
        parts.append(_table(rows))
    if place.left_out:
        parts.append("Left out here: " + "; ".join(f"`{name}` ({why})" for name, why in place.left_out.items()) + ".\n")
    return "\n".join(parts)


def _setting(place: Place, sizes: Sizes) -> str:
    """What is asked, and the warm start."""
    recipe = start(Cell(place, 0, START), sizes)
    given = {**recipe.env_kwargs, **recipe.env_kwargs.get("knobs", {})}
    knobs = ", ".join(f"{name} {value}" for name, value in given.items() if name != "knobs")
    warm, levels = recipe.warm_start, " and ".join(map(str, recipe.evaluation.difficulties))
    told = f"warm start of {warm.rounds} rounds of {warm.problems} demonstrations"
    return f"`{recipe.env_id}` ({knobs}), levels {levels}; {told}.\n"


def _start(place: Place, runs: Path, seeds: Sequence[int]) -> str:
    """What the vote of 8 makes of the warm start."""
    cells = {seed: runs / place.name / f"seed{seed}" / VOTE for seed in seeds}
    drawn = {seed: votes_in(folder) for seed, folder in cells.items() if is_done(folder)}
    if not drawn:
        return "No baseline was run here yet.\n"
    few, most = ({seed: one.of(n(one)) for seed, one in drawn.items()} for n in (lambda one: 8, lambda one: one.most))
    return f"The warm start with a vote of 8: {_mean(mean_of(few))}; with a vote of all: {_mean(mean_of(most))}.\n"


def _own(tables: Sequence[tuple[Place, list[Row]]], runs: Path, seeds: Sequence[int]) -> str:
    """The systems with a start of their own."""
    rows = [row for place, found in tables if not place.shared for row in found]
    names = ", ".join(f"`{place.name}`" for place, _ in tables if not place.shared)
    text = (
        f"## With a start of their own\n\n{names} are shown something else in the warm start, or play elsewhere: each "
        "has its own start, imitation (of games: scripted players) and control, and no row is to be read beside "
        "another. Dialogues are counted by how they end (`rl4f`: the change in the share of right lines), a game by "
        "its matches with scripted players, a draw a half.\n"
    )
    return text + ("\n" + _table(rows) if rows else "\nNone was run yet.\n")


def _table(rows: Sequence[Row]) -> str:
    lines = [list(COLUMNS), ["---"] * len(COLUMNS), *(_cells(row) for row in rows)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _cells(row: Row) -> list[str]:
    name, paper = source(row.system)
    return [
        f"`{row.system}`",
        f"{name}, [{paper}](https://arxiv.org/abs/{paper})",
        f"{100 * row.before.value:.1f} → {_mean(row.after)}",
        f"{row.sampled:,.0f} + {row.learned:,.0f}",
        "-" if row.imitation is None else _mean(row.imitation),
        _sign(row),
        "-" if row.vote is None else f"{_mean(row.vote)}, N = {row.answers:.0f}",
        _control(row),
        ", ".join(beside_verdicts(row.system)) or "-",
        "-" if row.together is None else f"{100 * row.together[0]:.1f} → {100 * row.together[1]:.1f}",
        str(len(row.seeds)),
    ]


def _sign(row: Row) -> str:
    if row.beats is None:
        return "-"
    if not row.beats.differs:
        return f"not told apart ({100 * row.beats.gap:+.1f})"
    return f"{'**yes**' if row.beats.gap > 0 else 'no, worse'} ({100 * row.beats.gap:+.1f})"


def _control(row: Row) -> str:
    if not has_verdicts(row.system):
        return "no rewards to shuffle"
    if row.control is None:
        return "not run yet"
    rises = row.rises is not None and row.rises.differs and row.rises.gap > 0
    return _mean(row.control) + (" **improves**" if rises else "")


def _mean(one: Mean) -> str:
    return f"{100 * one.value:.1f} ({100 * one.low:.1f}–{100 * one.high:.1f})"


def _waiting(runs: Path, seeds: Sequence[int]) -> str:
    """What was not run, and what failed."""
    planned = list(cells(seeds))
    open_ = [cell for cell in planned if not is_done(runs / cell.folder)]
    failed = [f"- `{cell.folder}`: {error}" for cell in open_ if (error := error_of(runs / cell.folder))]
    text = f"## Not run yet\n\n{len(planned) - len(open_)} of {len(planned)} cells are done."
    groups = [f"{cell.place.name}, seed {cell.seed}" for cell in planned]
    waiting: dict[str, list[str]] = {}
    for cell, group in zip(planned, groups, strict=True):
        if cell in open_:
            waiting.setdefault(group, []).append(cell.name)
    whole = [group for group, names in waiting.items() if len(names) == groups.count(group)]
    text += f"\n\n- Whole: {'; '.join(whole)}" if whole else "\n"
    for group in (name for name in waiting if name not in whole):
        text += f"\n- {group}: " + ", ".join(f"`{name}`" for name in waiting[group])
    return text + "\n" + ("\nFailed:\n\n" + "\n".join(failed) + "\n" if failed else "")
