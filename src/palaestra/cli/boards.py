"""``palaestra leaderboard``: runs side by side, here and on wandb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from .app import UserError, app, console

if TYPE_CHECKING:
    from palaestra.arena.leaderboard import Board


@app.command
def leaderboard(runs: Positional[tuple[Path, ...]], out: Path | None = None) -> None:
    """Show the agents of one run or of several on one board.

    Args:
        runs: folders of finished runs, or of what `palaestra evaluate --save` wrote.
        out: a folder to write the common leaderboard.html, .json and .parquet to.
    """
    from palaestra.arena.leaderboard import terminal_board, write_leaderboard

    if not runs:
        raise UserError("name one run folder or more, such as runs/quickstart-20260101-120000")
    board = board_of(runs)
    for part in terminal_board(board):
        console.print(part)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        subtitle = f"{', '.join(board.environments)}: {', '.join(folder.name for folder in runs)}."
        page = write_leaderboard(
            board.rows, out, "Leaderboard", subtitle, comparisons=board.comparisons, games=board.games
        )
        console.print(str(page), highlight=False, soft_wrap=True)


def board_of(runs: Sequence[Path]) -> Board:
    """What the runs' leaderboards say together; of several runs, agents are named after theirs."""
    from palaestra.arena.leaderboard import Board, read_board
    from palaestra.arena.run_folder import RunFolder

    boards = []
    for folder in runs:
        board = read_board(RunFolder.open(folder).path)
        if not board.rows and not board.games:
            raise UserError(f"{folder} has no leaderboard yet: finish it with `palaestra evolve --resume {folder}`")
        boards.append(_named(board, folder.name) if len(runs) > 1 else board)
    return Board(
        [row for board in boards for row in board.rows],
        [one for board in boards for one in board.comparisons],
        [game for board in boards for game in board.games],
    )


def _named(board: Board, run: str) -> Board:
    from palaestra.arena.leaderboard import Board

    rows = [replace(row, agent=f"{run}: {row.agent}") for row in board.rows]
    found = [replace(one, one=f"{run}: {one.one}", other=f"{run}: {one.other}") for one in board.comparisons]
    return Board(rows, found, [replace(game, game=f"{run}: {game.game}") for game in board.games])
