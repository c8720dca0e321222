"""The leaderboard as a page: one HTML file with its data, drawings and script in it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from .leaderboard import Board, Overall, overall, parts_told, percent, ranked, remarks

SHOWN_PLAYERS = 40  # of a win matrix
SHOWN_COMPARISONS = 400

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1c2430; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
.wide { overflow-x: auto; max-height: 46rem; overflow-y: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .4rem .65rem; text-align: right; border-bottom: 1px solid #dde3ea; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
th { color: #51606f; font-weight: 600; position: sticky; top: 0; background: #fff; z-index: 1; }
.sortable th { cursor: pointer; }
.bar { position: relative; width: 10rem; height: 1.1rem; background: #edf1f5; border-radius: 3px; }
.bar i { position: absolute; top: 0; bottom: 0; left: 0; background: #4c86c6; border-radius: 3px; }
.bar b { position: absolute; top: .48rem; height: 2px; background: #16324f; }
.matrix td, .matrix th { padding: .3rem .5rem; font-variant-numeric: tabular-nums; }
.note { background: #fff4e0; border-left: 3px solid #d99a2b; padding: .3rem .7rem; margin: .4rem 0; }
small { color: #51606f; }
img, svg { max-width: 100%; }
svg text { font: 12px system-ui, sans-serif; fill: #51606f; }
select { font: inherit; }
</style>
<h1>{{ title }}</h1>
<p>{{ subtitle }}</p>
{% for line in remarks %}<p class="note">{{ line }}</p>
{% endfor %}
{% if rows %}<div class="wide"><table class="sortable"><thead><tr>{% for name in columns %}<th>{{ name }}</th>
{%- endfor %}</tr></thead><tbody>
{% for row in rows %}<tr><td>{{ row.agent }}<br><small>{{ row.hash }}</small></td><td data-value="{{ row.value }}">
{{- row.bar }}</td>{% for cell in row.cells %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table></div>{% endif %}
{% if front %}<h2>Score against cost</h2>{{ front }}{% endif %}
{% if data %}<h2>By environment</h2><p><select id="env"></select> <small id="shown"></small></p>
<div class="wide"><table id="bars"></table></div>
<script id="data" type="application/json">{{ data }}</script>{% endif %}
{% for game in games %}<h2>{{ game.name }}: matches</h2>{% for note in game.notes %}<p class="note">{{ note }}</p>
{% endfor %}<div class="wide"><table class="sortable"><thead><tr>{% for name in game.columns %}<th>{{ name }}</th>
{%- endfor %}</tr></thead><tbody>{% for row in game.rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table></div>
<p><small>Share of points that the agent of a row took from that of a column.</small></p>
<div class="wide"><table class="matrix"><thead><tr><th></th>{% for name in game.names %}<th>{{ name }}</th>{% endfor %}
</tr></thead><tbody>{% for row in game.matrix %}<tr><td>{{ row.name }}</td>{% for cell in row.cells %}
{{- cell }}{% endfor %}</tr>{% endfor %}</tbody></table></div>{% endfor %}
{% if comparisons %}<h2>Beside the best of each environment</h2><div class="wide"><table class="sortable"><thead><tr>
{%- for name in compared %}<th>{{ name }}</th>{% endfor %}</tr></thead><tbody>{% for row in comparisons %}<tr>
{%- for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</tbody></table></div>{% endif %}
{% if picture %}<img src="{{ picture }}" alt="Accuracy, reward, entropy, length and speed by round">{% endif %}
<p><small>Score: mean verdict on held-out problems, the same for every agent of an environment. Interval: 95 %, Wilson
for right and wrong, bootstrap otherwise; of a mean over environments, their errors added. Tokens: generated an answer,
all votes counted. Length: tokens of the answer given. Worse: environments in which the agent is told apart from the
best.
{% if parts %}Repair: share of wrong first answers that were put right; harm: of right ones that were spoiled.
ξ_O: share of an answer's text up to the end of its first right solution; ξ_P: share of it in solutions not said before
(arXiv:2412.21187).{% endif %}
</small></p>
<script>
const value = cell => { const text = cell.dataset.value ?? cell.textContent.trim(), number = parseFloat(text);
  return isNaN(number) ? text : number; };
document.querySelectorAll(".sortable").forEach(table => table.querySelectorAll("th").forEach((head, column) =>
  head.addEventListener("click", () => {
    const body = table.tBodies[0], down = head.dataset.down = head.dataset.down ? "" : "1";
    const order = (a, b) => typeof a === typeof b ? (a > b) - (a < b) : typeof a === "string" ? -1 : 1;
    [...body.rows].sort((a, b) => order(value(a.cells[column]), value(b.cells[column])) * (down ? -1 : 1))
      .forEach(row => body.append(row));
  })));
const held = document.getElementById("data");
if (held) {
  const data = JSON.parse(held.textContent), pick = document.getElementById("env");
  data.environments.forEach((name, index) => pick.add(new Option(name, index)));
  const draw = () => {
    const rows = data.scores[pick.value], table = document.getElementById("bars");
    document.getElementById("shown").textContent = rows.length + " agents";
    table.replaceChildren(...rows.map(([agent, score, low, high]) => {
      const row = document.createElement("tr"), name = row.insertCell(), drawn = row.insertCell();
      name.textContent = data.agents[agent];
      drawn.innerHTML = `<div class="bar" style="width:30rem"><i style="width:${score / 10}%"></i>` +
        `<b style="left:${low / 10}%;width:${(high - low) / 10}%"></b></div>`;
      row.insertCell().textContent = (score / 10).toFixed(1) + "% (" + (low / 10).toFixed(1) + " – "
        + (high / 10).toFixed(1) + ")";
      return row;
    }));
  };
  pick.addEventListener("change", draw);
  draw();
}
</script></html>
"""
COLUMNS = ("agent", "", "score", "95 % interval", "problems", "undecided", "tokens", "length", "cut off", "seconds")
ACROSS = ("agent", "", "mean", "95 % interval", "environments", "worse", "tokens", "seconds", "verifier calls")
RATED = ("agent", "rating", "95 % interval", "Elo", "points", "matches")
COMPARED = ("agent", "environment", "best", "gap", "95 % interval", "won", "lost", "problems", "p", "p by Holm")


def page(board: Board, title: str, subtitle: str, picture: str | None = None) -> str:
    """The page of a board, whole."""
    template = Environment(autoescape=True).from_string(PAGE)
    several = len(board.environments) > 1
    agents = overall(board)
    k = max((row.k for row in board.rows), default=1)
    columns = (
        ACROSS if several else (*COLUMNS, *((f"pass@{k}", f"majority@{k}") if k > 1 else ()), *parts_told(board.rows))
    )
    found = sorted(board.comparisons, key=lambda one: one.adjusted)[:SHOWN_COMPARISONS]
    return template.render(
        title=title,
        subtitle=subtitle,
        remarks=[line for line in remarks(board) if not any(line.startswith(f"{game.game}: ") for game in board.games)],
        columns=columns,
        parts=not several and parts_told(board.rows),
        rows=_across(agents) if several else _rows(board, k),
        front=_front(agents),
        data=_data(board, agents) if several else "",
        games=[_game(game) for game in board.games],
        compared=COMPARED,
        comparisons=[_compared(one) for one in found],
        picture=picture,
    )


def pareto(costs: Sequence[float], scores: Sequence[float]) -> list[int]:
    """Indices of those that nobody beats at the same cost or less, cheapest first."""
    front, best = [], -math.inf
    for index in sorted(range(len(costs)), key=lambda index: (costs[index], -scores[index])):
        if scores[index] > best:
            front.append(index)
            best = scores[index]
    return front


def _rows(board: Board, k: int) -> list[dict[str, Any]]:
    """The rows of a board of one environment."""
    parts = parts_told(board.rows).values()
    return [
        _row(
            row,
            str(row.problems or row.n),
            str(row.undecided),
            f"{row.tokens:.1f}",
            f"{row.length:.1f}",
            percent(row.truncated),
            _seconds(row.seconds),
            *((percent(row.pass_at_k), percent(row.majority_at_k)) if k > 1 else ()),
            *(percent(getattr(row, field)) for field in parts),
        )
        for row in ranked(board.rows)
    ]


def _across(agents: Sequence[Overall]) -> list[dict[str, Any]]:
    return [
        _row(
            row,
            f"{row.environments} of {row.of}",
            str(row.worse),
            f"{row.tokens:.1f}",
            _seconds(row.seconds),
            "–" if math.isnan(row.verifier_calls) else f"{row.verifier_calls:.1f}",
        )
        for row in agents
    ]


def _row(row: Any, *cells: str) -> dict[str, Any]:
    told = (percent(row.score), f"{percent(row.low)} – {percent(row.high)}", *cells)
    value = -1.0 if math.isnan(row.score) else round(row.score, 6)
    bar = _bar(row.score, row.low, row.high)
    return {"agent": row.agent, "hash": row.weights_hash[:8], "value": value, "bar": bar, "cells": told}


def _bar(score: float, low: float, high: float) -> Markup:
    """A score as a bar, with its interval as a line on it."""
    filled = 0.0 if math.isnan(score) else score
    return Markup(
        f'<div class="bar"><i style="width:{100 * filled:.1f}%"></i>'
        f'<b style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></b></div>'
    )


def _front(agents: Sequence[Overall]) -> Markup:
    """Score against tokens an answer (a logarithmic axis), where several agents have both; the Pareto front drawn."""
    shown = [row for row in agents if not math.isnan(row.score) and row.tokens > 0]
    if len(shown) < 2:
        return Markup("")
    width, height, left, bottom = 900, 380, 56, 40
    low, high = (math.log10(edge([row.tokens for row in shown])) for edge in (min, max))
    low, high = low - 0.05, high + 0.05

    def place(row: Overall) -> tuple[float, float]:
        x = left + (math.log10(row.tokens) - low) / (high - low) * (width - left - 150)
        return round(x, 1), round(height - bottom - row.score * (height - bottom - 20), 1)

    front = [shown[index] for index in pareto([row.tokens for row in shown], [row.score for row in shown])]
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="Score against tokens an answer">']
    for tenth in range(0, 11, 2):
        y = height - bottom - tenth / 10 * (height - bottom - 20)
        parts.append(f'<path d="M{left} {y:.1f}H{width - 140}" stroke="#dde3ea"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{tenth * 10}%</text>')
    for tokens in _ticks(low, high):
        x = left + (math.log10(tokens) - low) / (high - low) * (width - left - 150)
        parts.append(f'<text x="{x:.1f}" y="{height - bottom + 18}" text-anchor="middle">{tokens:g}</text>')
    parts.append(
        f'<text x="{(left + width - 150) / 2:.0f}" y="{height - 4}" text-anchor="middle">tokens an answer</text>'
    )
    points = " ".join(f"{x},{y}" for x, y in map(place, front))
    parts.append(f'<polyline points="{points}" fill="none" stroke="#d9762b" stroke-width="2"/>')
    for row in [*(row for row in shown if row not in front), *front]:
        x, y = place(row)
        colour = "#d9762b" if row in front else "#4c86c6"
        parts.append(f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"><title>{escape(row.agent)}</title></circle>')
    written: list[tuple[float, float]] = []
    for row in reversed(front):  # the best first; a name that would stand on another is left to its point's title
        x, y = place(row)
        if all(abs(x - other) > 160 or abs(y - beside) > 13 for other, beside in written):
            parts.append(f'<text x="{x + 7}" y="{y - 6}">{escape(row.agent[:24])}</text>')
            written.append((x, y))
    return Markup("\n".join([*parts, "</svg>"]))


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between two powers of ten."""
    steps = [step * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for step in (1, 2, 5)]
    return [step for step in steps if low <= math.log10(step) <= high]


def _data(board: Board, agents: Sequence[Overall]) -> Markup:
    """Scores by environment in thousandths, for the page's script; no text of it can end the script."""
    place = {row.agent: index for index, row in enumerate(agents)}
    scores: dict[str, list[list[int]]] = {name: [] for name in sorted(board.environments)}
    for row in ranked(board.rows):
        if row.n:
            scores[row.env_id].append([place[row.agent], *(round(1000 * x) for x in (row.score, row.low, row.high))])
    told = {"environments": list(scores), "agents": list(place), "scores": list(scores.values())}
    return Markup(json.dumps(told, separators=(",", ":")).replace("<", "\\u003c"))


def _game(game: Any) -> dict[str, Any]:
    ratings = {row.agent: row for row in game.ratings}
    rows = []
    for index, name in enumerate(game.names):
        row = ratings.get(name)
        rated = ("–", "–") if row is None else (f"{row.rating:.0f}", f"{row.low:.0f} – {row.high:.0f}")
        elo = f"{game.elo[name]:.0f}" if name in game.elo else "–"
        shown = name + (" (anchor)" if name in game.anchors else "")
        rows.append((shown, *rated, elo, f"{sum(game.wins[index]):g}", str(sum(game.played[index]))))
    names = game.names[:SHOWN_PLAYERS]
    matrix = [
        {"name": name, "cells": [_share(game.wins[i][j], game.played[i][j]) for j in range(len(names))]}
        for i, name in enumerate(names)
    ]
    return {
        "name": game.game,
        "notes": game.notes,
        "columns": RATED,
        "rows": rows,
        "names": names,
        "matrix": matrix,
    }


def _share(won: float, played: int) -> Markup:
    """A cell of the win matrix: blue where the row is the stronger, orange where it is the weaker."""
    if not played:
        return Markup("<td></td>")
    share = won / played
    colour = "76,134,198" if share >= 0.5 else "217,118,43"
    return Markup(f'<td style="background:rgba({colour},{abs(share - 0.5):.2f})">{100 * share:.0f}</td>')


def _compared(one: Any) -> tuple[str, ...]:
    gap = f"{100 * one.gap:+.1f}"
    interval = f"{100 * one.low:+.1f} – {100 * one.high:+.1f}"
    counts = (str(one.wins), str(one.losses), str(one.problems))
    return one.one, one.env_id, one.other, gap, interval, *counts, f"{one.p:.2g}", f"{one.adjusted:.2g}"


def _seconds(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3g}"
