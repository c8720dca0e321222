"""The leaderboard ranks, escapes and survives the way to the disk and back."""

from __future__ import annotations

import io
import json
import math
import re
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from palaestra.arena.evaluate import Evaluation
from palaestra.arena.leaderboard import (
    Board,
    BrokenBoard,
    merged,
    overall,
    ranked,
    read_board,
    read_leaderboard,
    remarks,
    terminal_board,
    terminal_table,
    write_leaderboard,
)
from palaestra.arena.leaderboard_page import pareto
from palaestra.arena.ratings import Match
from palaestra.arena.significance import Comparison
from palaestra.arena.tournament import standings

ROW = Evaluation("b", "palaestra/ChainArith-v0", 0.5, 0.4, 0.6, 100, 0, 12.0, 12.0, 0.0, "beef", 100, 2, 0.7, 0.6, 1, 1)
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


def test_no_rows_of_an_earlier_board_stay_beside_one_of_games_alone(tmp_path: Path) -> None:
    write_leaderboard(ROWS, tmp_path, "t", "s")
    write_leaderboard([], tmp_path, "t", "s", games=[standings("nim", [Match("a", "b", 0.5)], resamples=0)])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["leaderboard.html", "leaderboard.json"]


def test_a_board_says_of_whom_its_mean_is_over_several_ways_to_answer() -> None:
    rows = [replace(ROW, agent=name, env_id=where) for name in ("a", "b", "c") for where in ("x", "y")]
    ways = ["cold", "warm", "cold", "cold", "", "cold"]
    board = Board([replace(row, settings=way) for row, way in zip(rows, ways, strict=True)])
    told = "a answered by other settings in some environments than in others, such as its temperature"
    assert [line for line in remarks(board) if "settings" in line] == [told]


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


def test_a_long_name_is_folded_and_no_figure_is_cut() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    name = "warm+program_of_thought,self_consistency:8,universal_self_consistency:4"
    board = Board([replace(ROW, agent=name), *(replace(ROW, agent=name, env_id=f"e/{'x' * 30}{k}") for k in range(2))])
    console.print(terminal_table([replace(ROW, agent=name)]), *terminal_board(board))
    shown = console.export_text()
    assert "…" not in shown
    assert "40.0% – 60.0%" in shown
    assert "44.2% – 55.8%" in shown
    assert shown.count("warm+progr") == 2  # not a letter a line


def shown_in(width: int, *parts: Any) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(*parts)
    return console.export_text()


def test_a_narrow_terminal_goes_without_the_columns_that_matter_least() -> None:
    parts = {"repair": 0.5, "harm": 0.0, "outcome_efficiency": 0.25, "process_efficiency": 1.0}
    names = ("evolved", "warm", "tiny-20260101-120000: evolved, vote of 8")
    rows = [replace(ROW, agent=name, k=4, tokens=12345.6, score=1.0, high=1.0, **parts) for name in names]
    shown = shown_in(80, terminal_table(rows))
    assert "…" not in shown
    for told in ("evolved ", "warm ", "tiny-20260101-120000:", "40.0% – 100.0%", "12345.6", "pass@4"):
        assert told in shown
    assert "no room for ξ_P, ξ_O, harm, repair, length, majority@4: a wider" in shown
    wide = shown_in(160, terminal_table(rows))
    assert "no room" not in wide
    assert "ξ_P" in wide
    assert "100.0%" in shown_in(24, terminal_table(rows))


def test_the_page_says_what_its_parts_of_answers_are_where_it_shows_any(tmp_path: Path) -> None:
    page = write_leaderboard([replace(ROW, outcome_efficiency=0.25)], tmp_path, "t", "s").read_text()
    assert "ξ_O: share of" in page
    assert "ξ_P" not in write_leaderboard([ROW], tmp_path, "t", "s").read_text()


def test_a_narrow_terminal_shows_the_environments_that_it_has_room_for() -> None:
    rows = [replace(ROW, agent="a" * 40, env_id=f"somewhere/Environment{k}-v0") for k in range(5)]
    shown = shown_in(80, *terminal_board(Board(rows)))
    assert "…" not in shown
    assert "a" * 24 in shown
    assert "no room for somewhere/Environment4-v0" in shown
    assert shown.count("50.0%") == 3  # the mean, and the two environments that fit


MANY = [replace(ROW, env_id=f"e/{env}", score=env / 10, low=env / 10 - 0.05, high=env / 10 + 0.05) for env in (1, 3, 5)]


def test_several_environments_count_alike_and_who_was_not_everywhere_comes_last(tmp_path: Path) -> None:
    partly = replace(ROW, agent="partly", env_id="e/5", score=0.9, low=0.8, high=1.0)
    first, last = overall(Board([*MANY, partly]))
    assert (first.agent, first.environments, first.of, last.agent, last.environments) == ("b", 3, 3, "partly", 1)
    assert first.score == pytest.approx(0.3)
    assert first.high - first.low == pytest.approx(0.1 / math.sqrt(3))  # of three independent errors of that width
    page = write_leaderboard([*MANY, partly], tmp_path, "t", "s").read_text()
    told = json.loads(page.partition('type="application/json">')[2].partition("</script>")[0])
    assert told["environments"] == ["e/1", "e/3", "e/5"]
    assert told["scores"][2] == [[1, 900, 800, 1000], [0, 500, 450, 550]]


def test_agents_that_were_asked_different_problems_are_not_ranked_together() -> None:
    """A problem's hash tells; comparisons of both boards are corrected for one another."""
    close = Comparison("e", "b", "a", -0.1, -0.2, 0.0, 1, 9, 100, p=0.04)
    boards = [
        Board(
            [replace(ROW, agent=f"{run}: {name}", env_id="e", asked=run) for name in "ab"],
            [replace(close, one=f"{run}: b")],
        )
        for run in ("easy", "hard")
    ]
    together = merged(boards)
    assert together.environments == ["e (100 problems, easy)", "e (100 problems, hard)"]
    assert [(one.env_id, one.adjusted) for one in together.comparisons] == [
        (env, 0.08) for env in together.environments
    ]
    assert merged([boards[0], Board([replace(ROW, agent="c", env_id="e", asked="easy")])]).environments == ["e"]


def test_the_front_is_of_those_whom_nobody_beats_at_their_cost() -> None:
    assert pareto([1, 2, 3, 4], [0.1, 0.5, 0.4, 0.6]) == [0, 1, 3]
    assert pareto([2, 2, 1], [0.5, 0.7, 0.7]) == [2]
    assert pareto([], []) == []


def test_a_whole_board_comes_back_with_games_and_comparisons_and_is_shown(tmp_path: Path) -> None:
    game = standings("palaestra/Nim-v0", [Match("a", "<b>", 1.0), Match("a", "<b>", 0.5)], ["a"], resamples=5)
    worse = Comparison(ROW.env_id, "worst", "b", -0.4, -0.5, -0.3, 1, 40, 100, 1e-9, 1e-9)
    seen = [replace(ROW, seen=3, problems=100), ROWS[0]]
    page = write_leaderboard(seen, tmp_path, "t", "s", comparisons=[worse], games=[game]).read_text()
    board = read_board(tmp_path)
    assert (list(board.rows), list(board.comparisons), list(board.games)) == (seen, [worse], [game])
    assert "a (anchor)" in page
    assert "&lt;b&gt;" in page
    assert "<b>:" not in page
    assert pq.read_table(tmp_path / "leaderboard.parquet").column("agent").to_pylist() == ["b", "worst"]
    console = Console(width=140, record=True, file=io.StringIO())
    for part in terminal_board(board):
        console.print(part)
    shown = console.export_text()
    assert "CONTAMINATED: 3 of 100 problems of palaestra/ChainArith-v0 were in training of b" in shown
    assert "1 of 1 comparisons with the best" in shown
    assert "palaestra/Nim-v0, matches" in shown


def test_a_board_without_games_in_its_file_is_read_and_a_broken_one_told(tmp_path: Path) -> None:
    (tmp_path / "leaderboard.json").write_text(json.dumps([asdict(ROW) | {"seconds": None}]).replace("NaN", "null"))
    assert read_leaderboard(tmp_path)[0].agent == "b"
    (tmp_path / "leaderboard.json").write_text("{")
    with pytest.raises(BrokenBoard, match="is no leaderboard of ours"):
        read_board(tmp_path)


def test_a_thousand_agents_in_twenty_environments_fit_on_a_page(tmp_path: Path) -> None:
    rows = [replace(ROW, agent=f"agent-{a}", env_id=f"e/{e}", tokens=1.0 + a) for a in range(1000) for e in range(20)]
    page = write_leaderboard(rows, tmp_path, "t", "s")
    assert page.stat().st_size < 2_000_000
    assert page.read_text().count("<circle") == 1000
