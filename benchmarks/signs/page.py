"""The page of the signs: first each claim and whether it was shown, then each sign with its arms."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from pathlib import Path

from palaestra.arena.run_folder import write_whole

from .board import ArmRow, ClaimRow, arm_row, claim_row
from .picture import draw
from .sign import Claim, Sign, Sizes

HEAD = """\
# Signs

What the papers of the systems this project began with say must come out, tried on small substrates: each against the
baseline that its paper is held against, with what is equal between them, and with a control that must fail. Written by
`make signs` (`python -m benchmarks.signs RUNS --out docs/signs.md`), every figure from the runs' logs. What was not
shown stays in.

How to read it:

- A claim is *shown* where one arm's score is above the other's in every seed, and the 95 % interval of the difference
  (paired bootstrap over the problems of all seeds) lies above 0. A *control* is one that must not be above: it fails as
  it must where that interval does not lie above 0.
- Settings were chosen on other seeds than those reported here, as each sign says; with them the seeds reported were
  played once. Where they had been played before with other settings, the sign says that too.
- Nothing here says how a system does at its paper's size.
"""


def write_page(runs: Path, out: Path, signs: Iterable[Sign], sizes: Sizes) -> None:
    """The page of what has been played."""
    listed = sorted(signs, key=lambda sign: sign.block)
    rows = [(sign, claim, claim_row(runs, sign, claim)) for sign in listed for claim in sign.claims]
    played = [(sign, row) for sign, _, row in rows if row is not None]
    picture = []
    if played:
        draw(played, out.with_suffix(".png"))
        picture = [f"![Each claim's difference, with its interval and every seed's]({out.stem}.png)\n"]
    size = f"Size: {sizes.name}, {sizes.problems} held-out problems where a sign says nothing else. {_count(played)}\n"
    parts = [HEAD, _filled(size) + "\n", *picture, *_summary(rows), *(_section(runs, sign) for sign in listed)]
    write_whole(out, "\n".join(parts))


def _count(played: list[tuple[Sign, ClaimRow]]) -> str:
    """How many claims were shown, and how many controls fail, in a sentence."""
    claims = [row for _, row in played if row.claim.above]
    controls = [row for _, row in played if not row.claim.above]
    shown, failing = sum(row.shown for row in claims), sum(row.shown for row in controls)
    return f"{shown} of {len(claims)} claims are shown; {failing} of {len(controls)} controls fail, as they must."


def _summary(rows: list[tuple[Sign, Claim, ClaimRow | None]]) -> list[str]:
    lines = ["| sign | what must come out | difference | by seed | |", "| --- | --- | --- | --- | --- |"]
    for sign, claim, row in rows:
        said = claim.says if claim.above else f"{claim.says} (control)"
        lines.append(f"| [{sign.title}](#{_anchor(sign)}) | {said} | {_gap(row)} |")
    return [*lines, ""]


def _gap(row: ClaimRow | None) -> str:
    if row is None:
        return "- | - | not run yet"
    found = row.found
    each = ", ".join(f"{100 * gap:+.1f}" for gap in row.each)
    return f"{100 * found.gap:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f}) | {each} | {_verdict(row)}"


def _verdict(row: ClaimRow) -> str:
    if row.claim.above:
        return "**shown**" if row.shown else "not shown"
    return "fails, as it must" if row.shown else "**does not fail**"


def _section(runs: Path, sign: Sign) -> str:
    rows = [row for arm in sign.arms if (row := arm_row(runs, sign, arm)) is not None]
    told = list(dict.fromkeys(name for row in rows for name in row.told))
    heads = ["arm", "score", "tokens", *told, "seeds"]
    table = ["| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
    said = [
        f"{sign.paper}. {sign.substrate}",
        f"Score: {sign.measure}.",
        f"Settings: {sign.chosen}",
        *([f"Departures: {sign.departs}"] if sign.departs else []),
        *([f"Recipes: {', '.join(f'`{name}`' for name in sign.recipes)}."] if sign.recipes else []),
    ]
    return "\n".join(
        [f"## {sign.title}\n", *(_filled(line) + "\n" for line in said), *table, *(_arm(row, told) for row in rows), ""]
    )


def _arm(row: ArmRow, told: list[str]) -> str:
    score = f"{100 * row.value:.1f} ({100 * row.low:.1f}–{100 * row.high:.1f})"
    tokens = f"{row.tokens:,.0f}" if row.tokens else "-"
    others = [_figure(row.told[name]) if name in row.told else "-" for name in told]
    return "| " + " | ".join([f"`{row.name}`", score, tokens, *others, str(row.seeds)]) + " |"


def _figure(value: float) -> str:
    """Three digits of a small figure, a large one whole."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _anchor(sign: Sign) -> str:
    kept = "".join(letter for letter in sign.title.lower() if letter.isalnum() or letter in " -")
    return kept.replace(" ", "-")


def _filled(text: str) -> str:
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)
