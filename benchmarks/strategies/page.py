"""The board as a page that people read, and its picture: no figure on it is typed by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from palaestra.agents.search.methods import METHODS
from palaestra.agents.strategies.table import STRATEGIES
from palaestra.arena.run_folder import write_whole

from ..systems.scores import Mean
from .board import Pool, Row, Scores, rows_of
from .picture import draw
from .plan import LEFT_OUT, PLACES, Place, Sizes, cells
from .play import is_done, shown
from .tell import beyond, by_chance, equal, filled, lost, summary

ENVIRONMENT = "environment.json"  # in the folder of the cells
HEAD = """# Strategies beside a vote at equal tokens

Every strategy of [strategies.md](strategies.md) and every search of `palaestra evaluate --search` in three
environments, each beside the plain agent that is given as many tokens: it draws K answers to a problem and the majority
is taken. Losers are left in. Written by `python -m benchmarks.strategies RUNS --out docs/strategies_board.md`, every
figure and sentence from the runs' logs.

SIZES

How to read it:

- *Right* is the share of the held-out problems that the strategy solved, one attempt at each, with its interval of
  95 % (Wilson's). *Tokens* are the mean of a problem: written, all calls together, and read, prompts counted each time
  that they are read. *Calls* are the verifier's: a verdict, and every program that is run.
- All but `direct` and `program_of_thought` stand on the worked examples: without them so small a model hardly ever
  writes its answer where it is read, as `direct` shows; a program's value is put there by the strategy.
- *Vote* is of the plain agent, `PLAIN`: the same examples, the answer alone asked for. ANSWERS of its
  answers to each problem were drawn once. K is the strategy's written tokens divided by those of one such answer, the
  figure is the unbiased estimate of majority@K over all draws of K, between two whole K in proportion. Tokens read
  are not in K; what the vote reads, its prompt K times, stands behind its figure.
- K is never below 1: what writes less than one plain answer stands beside one (*cheaper*). Nor is it above ANSWERS:
  what writes more stands beside the vote of all, which then pays less than it (*dearer*).
- *Difference* is the strategy less the vote, problem by problem, in points, with the paired bootstrap's interval of
  95 %. *p* is of the sign test beside one such vote as it was drawn (its first answers, K rounded), two-sided, with
  Holm's correction for the table. A difference is bold where its interval does not hold 0; of a strategy that
  solved none, where Wilson's interval lies below the vote too.
- A search (`--search`) samples the lines of the one answer that the prompts before it ask for; on the command line it
  goes without prompts. Every line sampled counts as written, kept or not, save what lies beyond an answer's limit. That
  is one call's, for all its lines together. Where a line goes on, what stands before it counts as read again, and so
  does what a judge reads. Without a judge a search goes by likelihood; it looks at no verdict.
- *Counted* are answers cut off at the longest a call may be, answers in which none is found, and what a strategy counts
  itself. What writes at length loses answers to that limit; a higher one would help it, and cost it a larger K.
- PROBLEMS problems tell apart what is far apart: a difference's interval is WIDTH points wide in the mean. What is not
  told apart is not shown to be equal, and of many intervals one in twenty lies off 0 by luck.
- `cot_decoding` goes on greedily behind its first tokens where all others and the vote sample; its gain may be that.
  What chooses by likelihood (`perplexity`, the searches) leans the same way.
- No prompt, number or temperature was tuned for any strategy, and so small a model is not what they were published for.
  The searches' numbers were set by what they cost, in tokens on a few training problems and in time, not by what they
  solve.
"""
COLUMNS = (
    *("strategy", "right", "tokens written", "tokens read", "calls", "K"),
    *("vote of K", "difference", "p", "counted"),
)


def write_page(runs: Path, out: Path, sizes: Sizes) -> None:
    """The page, and beside it its picture, of the cells that were played."""
    boards = [(place, *found) for place in PLACES if (found := rows_of(place, runs, sizes)) is not None]
    tables = [(place, pool, rows) for place, pool, rows in boards if rows]
    out.parent.mkdir(parents=True, exist_ok=True)
    parts = [_head(runs, sizes, [row for _, _, rows in tables for row in rows])]
    if tables:
        picture = out.with_suffix(".png")
        draw(tables, picture)
        parts.append(f"![Each strategy beside the vote that writes as much]({picture.name})\n")
        parts.append("## Where the clever one loses\n\n" + "\n".join(summary(tables)) + "\n")
    parts += [_section(place, pool, rows, sizes) for place, pool, rows in tables]
    parts += [_left_out(), *_waiting(runs, sizes)]
    write_whole(out, "\n".join(parts))


def _head(runs: Path, sizes: Sizes, rows: Sequence[Row]) -> str:
    width = f"{100 * sum(row.gap.high - row.gap.low for row in rows) / len(rows):.0f}" if rows else "?"
    plain = f"few_shot:{sizes.shots},direct"
    told = {"SIZES": _told(runs, sizes), "PLAIN": plain, "ANSWERS": f"{sizes.answers}"}
    text = HEAD
    for word, value in {**told, "PROBLEMS": f"{sizes.problems}", "WIDTH": width}.items():
        text = text.replace(word, value)
    return text


def _told(runs: Path, sizes: Sizes) -> str:
    file = runs / ENVIRONMENT
    hardware = f" Hardware: {json.loads(file.read_text())['hardware']}." if file.is_file() else ""
    return filled(
        f"How it was taken: the model `{sizes.model}` in {sizes.dtype}, temperature {sizes.temperature}, at most "
        f"{sizes.max_tokens} tokens a call; {sizes.problems} held-out problems of each environment, the same for all, "
        f"seed 0; {sizes.shots} training problems with the oracle's answers, the same for all questions, stand before "
        f"each, in an order that every answer draws.{hardware}"
    )


def _section(place: Place, pool: Pool, rows: Sequence[Row], sizes: Sizes) -> str:
    knobs = "".join(f", {name} {value}" for name, value in place.knobs.items())
    one, every = pool.expected(1), pool.expected(pool.most)
    told = [
        f"## {place.name}\n",
        f"`{place.env_id}`, difficulty {place.difficulty}{knobs}; {by_chance(place)}. Shown before each question:\n",
        "```text",
        *(f"{example.question}\n-> {' / '.join(example.answer.splitlines())}" for example in shown(place, sizes.shots)),
        "```\n",
        f"One plain answer is right in {_percent(one)} % and writes {pool.price.written:.0f} tokens; the vote of all "
        f"{pool.most} in {_percent(every)} %.\n",
        _table(rows, pool),
    ]
    return "\n".join(told)


def _percent(scores: Scores) -> str:
    return f"{100 * sum(scores.values()) / len(scores):.1f}"


def _table(rows: Sequence[Row], pool: Pool) -> str:
    lines = [list(COLUMNS), ["---"] * len(COLUMNS), *(_cells(row, pool) for row in rows)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _cells(row: Row, pool: Pool) -> list[str]:
    return [
        f"`{row.contender.written}`",
        _estimate(row.right),
        f"{row.price.written:.0f}",
        f"{row.price.read:.0f}",
        f"{row.price.calls:.1f}",
        f"{row.answers:.1f}" + ("" if equal(row, pool) else " *dearer*" if beyond(row, pool) else " *cheaper*"),
        f"{100 * row.vote.value:.1f} (reads {row.answers * pool.price.read:.0f})",
        lost(row),
        f"{row.sign.adjusted:.2g} ({row.sign.wins} won, {row.sign.losses} lost)",
        ", ".join(f"{count} {what}" for what, count in row.amiss.items()) or "-",
    ]


def _estimate(one: Mean) -> str:
    return f"{100 * one.value:.1f} ({100 * one.low:.1f}–{100 * one.high:.1f})"


def _left_out() -> str:
    named = {name for name in (*STRATEGIES, *METHODS) if name in LEFT_OUT}
    return "## Left out\n\n" + "\n".join(f"- `{name}`: - ({LEFT_OUT[name]})" for name in sorted(named)) + "\n"


def _waiting(runs: Path, sizes: Sizes) -> list[str]:
    """What was not run, where something was not."""
    open_ = [cell.folder for cell in cells(sizes) if not is_done(runs / cell.folder)]
    if not open_:
        return []
    return ["## Not run yet\n\n" + filled(", ".join(f"`{folder}`" for folder in open_)) + "\n"]
