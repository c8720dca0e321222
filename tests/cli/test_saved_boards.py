"""What `evaluate --save` keeps of the board that its folder held."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from palaestra.arena.leaderboard import read_board

CHAIN, GCD = "palaestra/ChainArith-v0", "palaestra/GcdLcm-v0"
Save = Callable[..., str]


@pytest.fixture
def save(palaestra_process: Callable[..., Any], tmp_path: Path) -> Save:
    """``save("oracle", "--problems", 9)`` measures into the one folder; gives what was printed."""

    def run(*arguments: object) -> str:
        code, said = palaestra_process("evaluate", *arguments, "--save", tmp_path).wait()
        assert code == 0, said
        return str(said)

    return run


def test_agents_measured_one_by_one_stand_where_they_would_together(save: Save, tmp_path: Path) -> None:
    save("oracle", "--problems", 20)
    one_by_one = save("random", "--problems", 20)
    board = read_board(tmp_path)
    assert sorted(row.agent for row in board.rows) == ["oracle", "random"]
    assert len(board.comparisons) == 1
    assert save("oracle", "random", "--problems", 20) == one_by_one
    assert read_board(tmp_path).comparisons == board.comparisons


def test_other_environments_and_games_stay(save: Save, tmp_path: Path) -> None:
    save("oracle", "random", "--problems", 20, "--env", GCD)
    save("random", "--env", "palaestra/Nim-v0", "--knobs", "piles=[2]", "--rounds", 1)
    said = save("oracle", "--problems", 5, "--env", CHAIN)
    board = read_board(tmp_path)
    assert {(row.agent, row.env_id) for row in board.rows} == {("oracle", GCD), ("random", GCD), ("oracle", CHAIN)}
    assert (len(board.comparisons), len(board.games)) == (1, 1)
    assert "2 environments" in said
    assert "went from the board" not in said


@pytest.mark.parametrize("other", [("--problems", 30), ("--difficulties", 2), ("--knobs", "modulus=7")])
def test_who_was_asked_other_problems_is_told_to_go(save: Save, tmp_path: Path, other: tuple[object, ...]) -> None:
    save("oracle", "--problems", 20)
    said = save("random", "--problems", 20, *other)
    assert [row.agent for row in read_board(tmp_path).rows] == ["random"]
    assert f"oracle was asked other problems of {CHAIN} and went from the board" in said


def test_contests_of_one_game_are_told_apart_by_their_knobs(save: Save, tmp_path: Path) -> None:
    games = [f"{{id: palaestra/TicTacToe-v0, size: {size}}}" for size in (2, 3)]
    save("random", "--env", *games, "--rounds", 1)
    titles = [f'palaestra/TicTacToe-v0 {{"size": {size}}}' for size in (2, 3)]
    assert [game.game for game in read_board(tmp_path).games] == titles


def test_a_contest_that_is_held_anew_tells_who_was_in_the_last_one(
    save: Save, finished_run: Path, tmp_path: Path
) -> None:
    game = ("--env", "palaestra/Nim-v0", "--knobs", "piles=[2]", "--rounds", 1, "--max-tokens", 4)
    save(finished_run / "agents" / "warm", *game)
    said = save(finished_run / "agents" / "evolved", *game)
    assert "warm played an earlier contest of palaestra/Nim-v0, which went from the board" in said
    assert len(read_board(tmp_path).games) == 1
