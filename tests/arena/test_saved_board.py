"""What stays of a folder's board by the weights that its rows are of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from palaestra.agents.scripted import OracleAgent, RandomAgent
from palaestra.arena.contest import Contest, hold
from palaestra.arena.leaderboard import write_leaderboard
from palaestra.arena.measure import Course, Entrant, measure_all
from palaestra.arena.saved_board import kept

NIM = "palaestra/Nim-v0"
CHAIN, GCD = Course("palaestra/ChainArith-v0", problems=8), Course("palaestra/GcdLcm-v0", problems=8)


def test_an_agent_with_other_weights_keeps_no_row_of_the_old_ones(tmp_path: Path) -> None:
    entrants = [Entrant("a", OracleAgent), Entrant("b", RandomAgent)]
    rows, comparisons = measure_all(entrants, [CHAIN], tmp_path)
    write_leaderboard(rows, tmp_path, "t", "s", comparisons=comparisons)
    before = kept(tmp_path, ["a"], [GCD], [])
    assert (list(before.board.rows), list(before.board.comparisons)) == (rows, comparisons)
    (now,), _ = measure_all(entrants[:1], [GCD], tmp_path)
    board, gone = before.joined([replace(now, weights_hash="new")], [], [])
    assert [(row.agent, row.env_id) for row in board.rows] == [("a", GCD.env_id), ("b", CHAIN.env_id)]
    assert board.comparisons == []
    assert gone == [f"a had other weights in {CHAIN.env_id}: that row went from the board"]


def test_an_agent_with_other_weights_keeps_no_contest_and_a_contest_no_row_of_the_old_ones(tmp_path: Path) -> None:
    rows, _ = measure_all([Entrant("a", RandomAgent)], [CHAIN], tmp_path)
    contest = hold(Contest(NIM, rounds=2), [Entrant("a", RandomAgent)], tmp_path)
    write_leaderboard(rows, tmp_path, "t", "s", games=[contest])
    then = kept(tmp_path, ["a"], [GCD], [])
    same, _ = measure_all([Entrant("a", RandomAgent)], [GCD], tmp_path)
    board, gone = then.joined(same, [], [])
    assert ([row.env_id for row in board.rows], board.games, gone) == ([GCD.env_id, CHAIN.env_id], [contest], [])
    board, gone = then.joined([replace(row, weights_hash="new") for row in same], [], [])
    assert ([row.env_id for row in board.rows], board.games) == ([GCD.env_id], [])
    assert gone[1:] == [f"a had other weights in {NIM}: that contest went from the board"]
    board, gone = kept(tmp_path, ["a"], [], [NIM]).joined([], [], [replace(contest, weights={"a": "new"})])
    assert (board.rows, len(board.games), len(gone)) == ([], 1, 1)


def test_a_row_stays_only_where_the_log_has_its_very_answers(tmp_path: Path) -> None:
    rows, _ = measure_all([Entrant("a b", OracleAgent)], [CHAIN], tmp_path)
    write_leaderboard(rows, tmp_path, "t", "s")
    assert kept(tmp_path, [], [CHAIN], []).scores.keys() == {CHAIN.env_id}
    write_leaderboard([replace(rows[0], score=0.25)], tmp_path, "t", "s")
    assert kept(tmp_path, [], [CHAIN], []).board.rows == []
