"""The leaderboard: agents side by side, in the terminal, as a page and as data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment
from rich.markup import escape
from rich.table import Table

from .evaluate import Evaluation
from .run_folder import write_whole

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #1c2430; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .45rem .7rem; text-align: right; border-bottom: 1px solid #dde3ea; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
th { cursor: pointer; color: #51606f; font-weight: 600; }
.bar { position: relative; width: 10rem; height: 1.1rem; background: #edf1f5; border-radius: 3px; }
.bar i { position: absolute; top: 0; bottom: 0; left: 0; background: #4c86c6; border-radius: 3px; }
.bar b { position: absolute; top: .48rem; height: 2px; background: #16324f; }
small { color: #51606f; }
img { max-width: 100%; margin-top: 1.5rem; }
</style>
<h1>{{ title }}</h1>
<p>{{ subtitle }}</p>
<div class="wide"><table><thead><tr>{% for name in columns %}<th>{{ name }}</th>{% endfor %}</tr></thead><tbody>
{% for row in rows %}<tr>
<td>{{ row.agent }}<br><small>{{ row.weights_hash[:8] }}</small></td>
<td data-value="{{ row.score }}"><div class="bar" title="{{ row.low | percent }} to {{ row.high | percent }}">
<i style="width: {{ row.score | percent }}"></i>
<b style="left: {{ row.low | percent }}; width: {{ row.width | percent }}"></b></div></td>
<td>{{ row.score | percent }}</td><td>{{ row.low | percent }} – {{ row.high | percent }}</td><td>{{ row.n }}</td>
<td>{{ row.undecided }}</td><td>{{ "%.1f" | format(row.tokens) }}</td><td>{{ "%.1f" | format(row.length) }}</td>
<td>{{ row.truncated | percent }}</td>
</tr>{% endfor %}
</tbody></table></div>
{% if picture %}<img src="{{ picture }}" alt="Accuracy, reward, entropy, length and speed by round">{% endif %}
<p><small>Score: mean verdict on held-out problems, the same for every agent. Interval: 95 %, Wilson for right and
wrong, bootstrap otherwise. Tokens: generated an answer, all votes counted. Length: tokens of the answer given.
</small></p>
<script>
document.querySelectorAll("th").forEach((head, column) => head.addEventListener("click", () => {
  const body = document.querySelector("tbody"), down = head.dataset.down = head.dataset.down ? "" : "1";
  const value = row => { const cell = row.cells[column], text = cell.dataset.value ?? cell.textContent.trim();
    const number = parseFloat(text); return isNaN(number) ? text : number; };
  [...body.rows].sort((a, b) => (value(a) > value(b) ? 1 : -1) * (down ? -1 : 1)).forEach(row => body.append(row));
}));
</script></html>
"""
COLUMNS = ("agent", "", "score", "95 % interval", "problems", "undecided", "tokens", "length", "cut off")


def terminal_table(rows: Sequence[Evaluation], title: str = "Leaderboard") -> Table:
    """The rows, best first, as a rich table."""
    table = Table(title=escape(title), title_justify="left")
    table.add_column("agent", no_wrap=True)
    for name in ("score", "95 % interval", "problems", "tokens", "length"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in ranked(rows):
        n = f"{row.n}" + (f" ({row.undecided} undecided)" if row.undecided else "")
        cells = (_percent(row.score), f"{_percent(row.low)} – {_percent(row.high)}", n)
        table.add_row(escape(row.agent), *cells, f"{row.tokens:.1f}", f"{row.length:.1f}")
    return table


def write_leaderboard(
    rows: Sequence[Evaluation], folder: Path, title: str, subtitle: str, picture: str | None = None
) -> Path:
    """Write leaderboard.json and leaderboard.html, a page that needs nothing but itself and its picture."""
    write_whole(folder / "leaderboard.json", json.dumps([asdict(row) for row in ranked(rows)], indent=2) + "\n")
    environment = Environment(autoescape=True)
    environment.filters["percent"] = _percent
    shown: list[dict[str, Any]] = [{**asdict(row), "width": row.high - row.low} for row in ranked(rows)]
    page = environment.from_string(PAGE).render(
        title=title, subtitle=subtitle, columns=COLUMNS, rows=shown, picture=picture
    )
    write_whole(folder / "leaderboard.html", page)
    return folder / "leaderboard.html"


def read_leaderboard(folder: Path) -> list[Evaluation]:
    """The rows that ``write_leaderboard`` wrote; none when it has not."""
    file = folder / "leaderboard.json"
    return [Evaluation(**row) for row in json.loads(file.read_text())] if file.is_file() else []


def ranked(rows: Sequence[Evaluation]) -> list[Evaluation]:
    """Best first; an agent without a decided episode last."""
    return sorted(rows, key=lambda row: -row.score if row.n else 2.0)


def _percent(value: float) -> str:
    return f"{100 * value:.1f}%"
