"""The table of algorithms as a page that people read."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

from palaestra.episodes import choices
from palaestra.trainers.algorithms import ALGORITHMS, Algorithm

HEAD = """# Objectives

The rows of `trainers/algorithms.py`, written by `palaestra objectives --out docs/objectives.md`. Take one by its name:
`palaestra evolve --set evolve.algorithm=dpo`; change its options by theirs: `evolve.objective.beta=0.3`,
`evolve.advantage.scale=none`. A round samples groups of answers to its problems; the table says which of them are
learned from, how they are scored, and by which loss.
"""
COLUMNS = ("name", "loss and options", "learns from", "scored by", "reference", "source", "test")


def page() -> str:
    """The whole page, as Markdown."""
    parts = [HEAD]
    for group in dict.fromkeys(row.group for row in ALGORITHMS.values()):
        rows = [_cells(name, row) for name, row in ALGORITHMS.items() if row.group == group]
        lines = [_line(COLUMNS), _line(["---"] * len(COLUMNS)), *map(_line, rows)]
        parts.append(f"## {group.capitalize()}\n\n" + "\n".join(lines) + "\n")
    parts.append("## Losses\n\n" + "\n".join(_losses()))
    return "\n".join(parts)


def _cells(name: str, row: Algorithm) -> list[str]:
    objective: Any = row.objective
    options = ", ".join(f"{key} {value}" for key, value in dataclasses.asdict(objective).items() if _tells(value))
    scored = "its rewards or labels"
    if row.advantage is not None:
        scored = f"baseline {row.advantage.baseline}, scale {row.advantage.scale}"
    against = {"start": "the policy as evolution began", "round": "the policy as the round began"}[row.reference]
    return [
        f"`{name}`",
        f"{type(row.objective).__name__}{f' ({options})' if options else ''}",
        learns_from(row),
        scored if row.advantage or row.select not in (choices.solved, choices.weighted) else "-",
        against if row.objective.reads_reference else "-",
        row.paper,
        f"[{row.tested.rsplit('/', 1)[1]}](../{row.tested})",
    ]


def learns_from(row: Algorithm) -> str:
    """In a few words, the rows that an algorithm learns from."""
    select = choices.real_and_generated if row.demonstrations else choices.against if row.greedy else row.select
    said = inspect.getdoc(select) if select else None
    return said.partition("\n")[0].rstrip(".") if said else "Every answer"


def _losses() -> list[str]:
    kinds = {type(row.objective).__name__: type(row.objective) for row in ALGORITHMS.values()}
    return [f"**{name}**\n\n```text\n{inspect.getdoc(kind)}\n```\n" for name, kind in sorted(kinds.items())]


def _tells(value: object) -> bool:
    return value is not None and value is not False and value != 0


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
