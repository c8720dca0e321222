"""The table of algorithms as a page that people read."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

from palaestra.episodes.sources import Source
from palaestra.trainers.algorithms import ALGORITHMS, Algorithm

HEAD = """# Objectives

The rows of `trainers/algorithms.py`, written by `palaestra objectives --out docs/objectives.md`. Take one by its name:
`palaestra evolve --set evolve.algorithm=dpo`; change its options by theirs: `evolve.objective.beta=0.3`,
`evolve.advantage.scale=none`. A round samples groups of answers to its problems; the table says which of them are
learned from, how they are scored, and by which loss.

With `evolve.replay='{rounds: 4, share: 0.2}'` a fifth of the rows is what the same would have taken from the last four
rounds, as the log has them: for imitation, preferences and offline algorithms. The others learn from what the policy of
now sampled, and refuse it, as they refuse `evolve.start=base`, which begins each round from the weights that evolution
began with.
"""
COLUMNS = ("name", "loss and options", "learns from", "scored by", "reference", "source", "test")


def page() -> str:
    """The whole page, as Markdown."""
    parts = [HEAD]
    for group in dict.fromkeys(row.group for row in ALGORITHMS.values()):
        rows = [_cells(name, row) for name, row in ALGORITHMS.items() if row.group == group]
        lines = [_line(COLUMNS), _line(["---"] * len(COLUMNS)), *map(_line, rows)]
        parts.append(f"## {group.capitalize()}\n\n" + "\n".join(lines) + "\n")
    parts.append("## Losses and credit\n\n" + "\n".join(_losses()))
    return "\n".join(parts)


def _cells(name: str, row: Algorithm) -> list[str]:
    scored = []
    if row.advantage is not None:
        scored.append(f"baseline {row.advantage.baseline}, scale {row.advantage.scale}")
    if row.credit is not None:
        scored.append(_named(row.credit))
    if row.critic is not None:
        scored.append(f"a critic{' on the same backbone' if row.critic.shared else ''}: {_named(row.critic.objective)}")
    if row.judge is not None:
        scored.append(f"a judge: {_named(row.judge.objective)} on {_first_line(row.judge.source)}")
    against = {"start": "the policy as evolution began", "round": "the policy as the round began"}[row.reference]
    return [
        f"`{name}`",
        _named(row.objective),
        learns_from(row),
        "; ".join(scored) or "-",
        against if row.objective.reads_reference else "-",
        row.paper,
        f"[{row.tested.rsplit('/', 1)[1]}](../{row.tested})",
    ]


def learns_from(row: Algorithm) -> str:
    """In a few words, the rows that an algorithm learns from."""
    return _first_line(row.source)


def _first_line(source: Source) -> str:
    return (inspect.getdoc(source) or "").partition("\n")[0].rstrip(".")


def _named(options: Any) -> str:
    """A dataclass of options by its name, and the options that say something."""
    said = ", ".join(f"{key} {value}" for key, value in dataclasses.asdict(options).items() if _tells(value))
    return f"{type(options).__name__}{f' ({said})' if said else ''}"


def _losses() -> list[str]:
    parts = [part for row in ALGORITHMS.values() for part in (row.objective, row.credit) if part is not None]
    parts += [row.critic.objective for row in ALGORITHMS.values() if row.critic is not None]
    parts += [row.judge.objective for row in ALGORITHMS.values() if row.judge is not None]
    kinds = {type(part).__name__: type(part) for part in parts}
    return [f"**{name}**\n\n```text\n{inspect.getdoc(kind)}\n```\n" for name, kind in sorted(kinds.items())]


def _tells(value: object) -> bool:
    return value is not None and value is not False and value != 0


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
