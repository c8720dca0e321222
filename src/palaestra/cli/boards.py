"""``palaestra leaderboard``: runs side by side, here and on wandb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tyro.conf import Positional

from .app import UserError, app, console, typed

if TYPE_CHECKING:
    from palaestra.arena.leaderboard import Board


@app.command
def leaderboard(
    runs: Positional[tuple[Path, ...]],
    out: Path | None = None,
    wandb: str = "",
    wandb_name: str = "",
    report: bool = False,
) -> None:
    """Show the agents of one run or of several on one board.

    Args:
        runs: folders of finished runs, or of what `palaestra evaluate --save` wrote; with none, and --wandb, all runs
            of the project that have a board.
        out: a folder to write the common leaderboard.html, .json and .parquet to.
        wandb: a project, or ENTITY/PROJECT: the board of these runs goes there, with their agents, recipes and logs as
            artifacts; into OUT/wandb or RUN/wandb, to be sent by `wandb sync`, where nobody has logged in.
        wandb_name: of the board among the project's runs; leaderboard and the time without it.
        report: make a wandb report of the project too (needs wandb-workspaces and a login).
    """
    from palaestra.arena.leaderboard import terminal_board

    if not runs and not wandb:
        raise UserError("name one run folder or more, such as runs/quickstart-20260101-120000")
    if (report or wandb_name) and not wandb:
        raise UserError("--report and --wandb-name are of a wandb project: add --wandb PROJECT")
    if runs:
        board = board_of(runs)
    else:
        from palaestra.arena.wandb_board import project_board

        board = project_board(wandb)
    for part in terminal_board(board):
        console.print(part)
    page = None
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        page = _page(board, runs, out, f"the wandb project {wandb}")
        console.print(str(page), highlight=False, soft_wrap=True)
    if wandb and runs:
        _to_wandb(board, page, runs, wandb, wandb_name)
    if report:
        from palaestra.arena.wandb_board import write_report

        console.print(write_report(wandb, wandb_name or "Leaderboard", [folder.name for folder in runs]))


def _page(board: Board, runs: Sequence[Path], folder: Path, of: str = "") -> Path:
    """The board's page, with its data beside it. of: what it is of where no runs are named."""
    from palaestra.arena.leaderboard import write_leaderboard

    said = ", ".join(run.resolve().name for run in runs) or of
    told = f"{', '.join(board.environments)}: {said}."
    return write_leaderboard(board.rows, folder, "Leaderboard", told, comparisons=board.comparisons, games=board.games)


def _to_wandb(board: Board, page: Path | None, runs: Sequence[Path], project: str, name: str) -> None:
    import time

    from palaestra.arena.tracking import wandb_mode
    from palaestra.arena.wandb_board import log_board

    first, named = runs[0].resolve(), {name: folder for folder, name in _names(runs).items()}
    folder, title = page.parent if page else first, name or time.strftime("leaderboard-%Y%m%d-%H%M%S")
    with TemporaryDirectory(prefix="palaestra-") as aside:
        own = first / "leaderboard.html" if len(named) == 1 else None
        kept = log_board(board, page or own or _page(board, runs, Path(aside)), named, folder, project, title)
    offline = f"wandb, offline: send it with wandb sync {typed(kept)}"
    disabled = "wandb is disabled by WANDB_MODE: nothing was sent or kept"
    done = {"offline": offline, "dryrun": offline, "disabled": disabled}.get(wandb_mode(), f"wandb: {project}")
    console.print(done, markup=False, highlight=False, soft_wrap=True)


def board_of(runs: Sequence[Path]) -> Board:
    """What the runs' leaderboards say together; of several runs, agents are named after theirs.

    Of several, those without a leaderboard are told and left out.
    """
    from palaestra.arena.leaderboard import BrokenBoard, merged
    from palaestra.arena.run_folder import RunError

    boards, names = [], _names(runs)
    for folder in {folder.resolve(): folder for folder in runs}.values():  # a run that is named twice is shown once
        try:
            board = _finished(folder)
        except (UserError, RunError, BrokenBoard) as error:
            if len(names) == 1:
                raise
            console.print(f"left out: {error}", markup=False, highlight=False, soft_wrap=True)
            continue
        boards.append(_named(board, names[folder.resolve()]) if len(names) > 1 else board)
    if not boards:
        raise UserError("none of these folders has a leaderboard: `palaestra evolve` and `evaluate --save` write one")
    return merged(boards)


def _names(runs: Sequence[Path]) -> dict[Path, str]:
    """A name for each run: its folder's, with as many folders above as tell it from the others."""
    folders = list({folder.resolve(): None for folder in runs})
    for depth in range(1, max(len(folder.parts) for folder in folders) + 1):
        names = {folder: "/".join(folder.parts[-depth:]) for folder in folders}
        if len(set(names.values())) == len(folders):
            break
    return names


def _finished(folder: Path) -> Board:
    from palaestra.arena.leaderboard import read_board
    from palaestra.arena.run_folder import RunFolder

    board = read_board(RunFolder.open(folder).path)
    if not board.rows and not board.games:
        raise UserError(f"{folder} has no leaderboard yet: finish it with `palaestra evolve --resume {typed(folder)}`")
    return board


def _named(board: Board, run: str) -> Board:
    from palaestra.arena.leaderboard import Board

    rows = [replace(row, agent=f"{run}: {row.agent}") for row in board.rows]
    found = [replace(one, one=f"{run}: {one.one}", other=f"{run}: {one.other}") for one in board.comparisons]
    return Board(rows, found, [replace(game, game=f"{run}: {game.game}") for game in board.games])
