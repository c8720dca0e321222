"""The gallery: every environment with an example, as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from .catalog import Card
from .testing import MADE, Report

HEAD = """# Environments

Every environment with a problem at the lowest difficulty, the oracle's answer, and a wrong one with its verdict.
`palaestra envs show ID --difficulty 7` shows more. Written by `palaestra envs gallery`.
"""

TABLE = """# Conformance

What every environment was put to, with what cheating earns and what a weak solver gets right. Written by
`palaestra envs check --all --out docs/conformance.md`.

| environment | checks | best cheat | weak solver |
|---|---|---|---|"""
ADAPTED = """# Adapters' environments

Environments of other libraries, put to the same checks as our own, with fewer seeds. Problems, answers and scoring are
as the library has them; seeds, snapshots, time limits and what becomes of code in answers are the adapter's. Written by
`palaestra envs check {patterns} --seeds {seeds}{skipped} --out FILE`.

{counts}

| environment | | best cheat | what fails, or why it is refused |
|---|---|---|---|"""
WORDS = {"passes": "pass", "fails": "fail", "refused": "do not start, or are refused unless asked for"}
SHOWN = ("cheats stay below the ceiling", "difficulty matters to a weak solver")


def gallery(cards: Iterable[Card]) -> str:
    """The page: a table of contents by field, then an entry each."""
    ordered = sorted(cards, key=lambda card: (_field(card), card.id))
    lines = [HEAD]
    for field, group in groupby(ordered, _field):
        names = ", ".join(f"[{_short(card.id)}](#{_anchor(card)})" for card in group)
        lines.append(f"- **{field}**: {names}")
    for field, group in groupby(ordered, _field):
        lines.append(f"\n## {field}")
        for card in group:
            lines.append(_entry(card))
    return "\n".join(lines) + "\n"


def conformance(reports: Iterable[Report]) -> str:
    """A table of what the conformance kit found, by environment."""
    lines = [TABLE]
    for report in reports:
        rows = {row.name: row for row in report.rows}
        shown = [rows[name].detail if name in rows else "" for name in SHOWN]
        passed = sum(row.passed is True for row in report.rows)
        faults = "; ".join(row.name for row in report.rows if row.passed is False)
        lines.append(f"| {_short(report.task)} | {faults or f'{passed} pass'} | {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def adapters_page(patterns: Sequence[str], reports: Sequence[Report], seeds: int, skipped: Sequence[str] = ()) -> str:
    """The same for other people's environments, with what fails in words. skipped: ids that were left out."""
    words = [_word(report) for report in reports]
    counts = ", ".join(f"{words.count(word)} {meaning}" for word, meaning in WORDS.items() if word in words)
    left_out = f" Left out: {', '.join(skipped)}." if skipped else ""
    command = f" --skip {' '.join(skipped)}" if skipped else ""
    counted = f"{len(reports)} environments: {counts}.{left_out}"
    asked = " ".join(f"'{pattern}'" for pattern in patterns)
    lines = [ADAPTED.format(patterns=asked, seeds=seeds, skipped=command, counts=counted)]
    for word, report in zip(words, reports, strict=True):
        best = next((row.detail for row in report.rows if row.name == SHOWN[0] and row.passed), "")
        faults = [f"{row.name}: {row.detail}" for row in report.rows if row.passed is False and row.name != MADE]
        refused = [row.detail for row in report.rows if row.name == MADE]
        cells = (f"`{report.task}`", word, best, "; ".join(faults or refused))
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join(lines) + "\n"


def _word(report: Report) -> str:
    return "passes" if report.ok else "refused" if report.rows[0].name == MADE else "fails"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _entry(card: Card) -> str:
    knobs = ", ".join(f"`{name}` ({default!r})" for name, default in card.knobs.items()) or "none"
    facts = [f"`{card.id}`, a {card.kind}", f"knobs: {knobs}", f"wordings: {card.wordings}"]
    if card.ceiling is not None:
        facts.append(f"a cheat may earn {card.ceiling:.3g}")
    parts = [f"\n### {_short(card.id)}\n", card.description, "\n" + "; ".join(facts) + ".", _block(card.prompt)]
    for answer, led_to in card.answers:
        parts.append(_block(f"{answer}\n→ {led_to}"))
    return "\n".join(parts)


def _block(text: str) -> str:
    fence = "~~~~" if "```" in text else "```"
    return f"\n{fence}text\n{text}\n{fence}"


def _field(card: Card) -> str:
    return card.tags[0].replace("_", " ") if card.tags else "other"


def _short(id: str) -> str:
    return id.removeprefix("palaestra/")


def _anchor(card: Card) -> str:
    return _short(card.id).lower().replace("/", "").replace(" ", "-")
