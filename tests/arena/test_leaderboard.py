"""The leaderboard ranks, escapes and survives the way to the disk and back."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from rich.console import Console

from palaestra.arena.evaluate import Evaluation
from palaestra.arena.leaderboard import ranked, read_leaderboard, terminal_table, write_leaderboard

ROW = Evaluation("b", "palaestra/ChainArith-v0", 0.5, 0.4, 0.6, 100, 0, 12.0, 12.0, 0.0, "beef")
ROWS = [
    replace(ROW, agent="worst", score=0.1, low=0.05, high=0.2),
    replace(ROW, agent="nobody knows", score=math.nan, low=0.0, high=1.0, n=0, undecided=3),
    replace(ROW, agent="<script>alert('é')</script>", score=0.9, low=0.8, high=0.95, undecided=2),
    ROW,
]


class Cells(HTMLParser):
    """The text of each first cell, and every tag that the page opens."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def test_the_best_comes_first_and_the_unjudged_last() -> None:
    assert [row.agent[:7] for row in ranked(ROWS)] == ["<script", "b", "worst", "nobody "]


def test_the_page_is_ranked_and_its_names_are_escaped(tmp_path: Path) -> None:
    page = write_leaderboard(ROWS, tmp_path, "T & <co>", "sub", "curves.png").read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "T &amp; &lt;co&gt;" in page
    order = [page.index(name) for name in ("&lt;script&gt;", "<td>b<br>", "<td>worst", "<td>nobody")]
    assert order == sorted(order)
    assert Cells(page).tags.count("tr") == 5
    assert 'src="curves.png"' in page
    assert not re.search(r"https?://", page)  # it needs nothing from elsewhere
    assert "90.0%" in page


def test_the_rows_come_back(tmp_path: Path) -> None:
    assert read_leaderboard(tmp_path) == []
    write_leaderboard([ROW, ROWS[0]], tmp_path, "t", "s")
    assert read_leaderboard(tmp_path) == [ROW, ROWS[0]]
    write_leaderboard(ROWS, tmp_path, "t", "s")
    assert math.isnan(read_leaderboard(tmp_path)[-1].score)


def test_the_terminal_shows_names_as_they_are() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(terminal_table([replace(ROW, agent="[bold]mine[/bold]"), *ROWS], title="B"))
    shown = console.export_text()
    assert "[bold]mine[/bold]" in shown
    assert shown.index("<script>") < shown.index("worst") < shown.index("nobody")
    assert "100 (2 undecided)" in shown
    assert "40.0% – 60.0%" in shown
