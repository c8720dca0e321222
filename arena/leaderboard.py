"""The leaderboard: agents side by side, in the terminal, as a page and as data."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from .board_table import BoardTable
from .evaluate import Evaluation
from .ratings import Rating
from .run_folder import write_whole
from .significance import Comparison, corrected
from .tournament import Standings

FILE = "leaderboard.json"
SHOWN_AGENTS = 50  # in a terminal; the page has them all
SHOWN_ENVIRONMENTS = 5  # in columns of their own
PARTS = {  # of answers: titles and fields of an Evaluation
    "repair": "repair",
    "harm": "harm",
    "ξ_O": "outcome_efficiency",
    "ξ_P": "process_efficiency",
}


class BrokenBoard(ValueError):
    """A leaderboard that cannot be read; the message names it."""


@dataclass(frozen=True, slots=True)
class Board:
    """What is known of some agents: their scores in environments, who differs from the best, their games."""

    rows: Sequence[Evaluation] = ()
    comparisons: Sequence[Comparison] = ()
    games: Sequence[Standings] = ()

    @property
    def environments(self) -> list[str]:
        return list(dict.fromkeys(row.env_id for row in self.rows))


@dataclass(frozen=True, slots=True)
class Overall:
    """An agent over all environments of a board: the mean of its scores there, each environment counting alike.

    low, high: 95 % interval, the half widths of the environments' own added as independent errors are. environments: in
    how many it was measured, of ``of``. tokens, seconds, verifier_calls: means over them. worse: in how many it is told
    apart from the best there. seen: of its problems, those that were trained on.
    """

    agent: str
    score: float
    low: float
    high: float
    environments: int
    of: int
    tokens: float
    seconds: float
    verifier_calls: float
    worse: int
    seen: int
    weights_hash: str


def overall(board: Board) -> list[Overall]:
    """Each agent in one row, best first; those not measured everywhere behind those that were."""
    of = len(board.environments)
    worse: dict[str, int] = {}
    for comparison in board.comparisons:
        worse[comparison.one] = worse.get(comparison.one, 0) + (comparison.differs and comparison.gap < 0)
    agents: dict[str, list[Evaluation]] = {}
    for row in board.rows:
        agents.setdefault(row.agent, []).append(row)
    found = [_overall(agent, rows, of, worse.get(agent, 0)) for agent, rows in agents.items()]
    return sorted(found, key=lambda row: (-row.environments, -row.score if row.environments else 2.0))


def _overall(agent: str, rows: Sequence[Evaluation], of: int, worse: int) -> Overall:
    known = [row for row in rows if row.n]
    score = _mean([row.score for row in known])
    half = math.sqrt(sum(((row.high - row.low) / 2) ** 2 for row in known)) / max(1, len(known))
    low, high = max(0.0, score - half), min(1.0, score + half)
    if len(known) == 1:  # as it is there, not made even
        low, high = known[0].low, known[0].high
    return Overall(
        agent,
        score,
        low,
        high,
        environments=len(known),
        of=of,
        tokens=_mean([row.tokens for row in rows]),
        seconds=_mean([row.seconds for row in rows]),
        verifier_calls=_mean([row.verifier_calls for row in rows]),
        worse=worse,
        seen=sum(row.seen for row in rows),
        weights_hash=rows[0].weights_hash,
    )


def ranked(rows: Sequence[Evaluation]) -> list[Evaluation]:
    """Best first; an agent without a decided episode last."""
    return sorted(rows, key=lambda row: -row.score if row.n else 2.0)


def terminal_table(rows: Sequence[Evaluation], title: str = "Leaderboard") -> Table:
    """The rows of one environment, best first, as a rich table."""
    k = max((row.k for row in rows), default=1)
    several = (f"pass@{k}", f"majority@{k}") if k > 1 else ()
    parts = parts_told(rows)
    table = BoardTable(title, (*reversed(parts), "length", *reversed(several), "problems", "tokens", "95 % interval"))
    for name in ("score", "95 % interval", "problems", *several, *parts, "tokens", "length"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in ranked(rows)[:SHOWN_AGENTS]:
        n = f"{row.problems or row.n}" + (f" ({row.undecided} undecided)" if row.undecided else "")
        cells = [percent(row.score), f"{percent(row.low)} – {percent(row.high)}", n]
        cells += [percent(row.pass_at_k), percent(row.majority_at_k)] if k > 1 else []
        cells += [percent(getattr(row, field)) for field in parts.values()]
        table.add_row(escape(row.agent), *cells, f"{row.tokens:.1f}", f"{row.length:.1f}")
    return table


def parts_told(rows: Sequence[Evaluation]) -> dict[str, str]:
    """Titles and fields of those columns on parts of answers in which some agent has a figure."""
    return {title: field for title, field in PARTS.items() if any(getattr(row, field) >= 0 for row in rows)}


def terminal_board(board: Board) -> Iterator[Table | Text]:
    """The board for a terminal: scores, games, and what a reader must know."""
    environments = board.environments
    if len(environments) == 1:
        yield terminal_table(board.rows, f"{environments[0]}, held-out problems")
    elif environments:
        yield _terminal_overall(board)
    for game in board.games:
        yield terminal_standings(game)
    for line in remarks(board):
        yield Text(line)


def _terminal_overall(board: Board) -> Table:
    environments = board.environments
    columns = environments if len(environments) <= SHOWN_ENVIRONMENTS else []
    dispensable = (*reversed(columns), "tokens", "95 % interval")
    table = BoardTable(f"{len(environments)} environments, held-out problems", dispensable)
    for name in ("mean", "95 % interval", *columns, "tokens"):
        table.add_column(escape(name), justify="right", overflow="fold", no_wrap=name not in columns)
    scores = {(row.agent, row.env_id): row.score for row in board.rows}
    for row in overall(board)[:SHOWN_AGENTS]:
        missing = f" ({row.environments} of {row.of})" if row.environments < row.of else ""
        own = [percent(scores.get((row.agent, name), math.nan)) for name in columns]
        cells = (percent(row.score) + missing, f"{percent(row.low)} – {percent(row.high)}", *own, f"{row.tokens:.1f}")
        table.add_row(escape(row.agent), *cells)
    return table


def terminal_standings(game: Standings) -> Table:
    """A game's ratings with the points of each agent, as a rich table."""
    table = BoardTable(f"{game.game}, matches", ("Elo", "matches", "points", "95 % interval"))
    for name in ("rating", "95 % interval", "Elo", "points", "matches"):
        table.add_column(name, justify="right", no_wrap=True)
    ratings = {row.agent: row for row in game.ratings}
    for index, name in list(enumerate(game.names))[:SHOWN_AGENTS]:
        row = ratings.get(name)
        rated = ("–", "–") if row is None else (f"{row.rating:.0f}", f"{row.low:.0f} – {row.high:.0f}")
        elo = f"{game.elo[name]:.0f}" if name in game.elo else "–"
        anchor = " (anchor)" if name in game.anchors else ""
        points = f"{sum(game.wins[index]):g}"
        table.add_row(escape(name) + anchor, *rated, elo, points, str(sum(game.played[index])))
    return table


def remarks(board: Board) -> Iterator[str]:
    """What a reader of the figures must know: who was trained on what was asked, who answered in several ways, who is
    told apart, games' notes."""
    for row in board.rows:
        if row.seen:
            yield f"CONTAMINATED: {row.seen} of {row.problems} problems of {row.env_id} were in training of {row.agent}"
    ways: dict[str, set[str]] = {}
    for row in board.rows:
        ways.setdefault(row.agent, set()).add(row.settings)
    for agent in (name for name, several in ways.items() if len(several - {""}) > 1):
        yield f"{agent} answered by other settings in some environments than in others, such as its temperature"
    if board.comparisons:
        told = sum(one.differs for one in board.comparisons)
        yield (
            f"{told} of {len(board.comparisons)} comparisons with the best of an environment tell the two apart "
            "(sign test on the same problems, 5 %, Holm)"
        )
    for game in board.games:
        yield from (f"{game.game}: {note}" for note in game.notes)


def merged(boards: Sequence[Board]) -> Board:
    """Several boards as one: agents asked different problems of an environment are not ranked together.

    The environment then stands there once for each set of problems, with their number and their hash. Comparisons are
    corrected anew, for all of them.
    """
    rows = [row for board in boards for row in board.rows]
    sets: dict[str, set[str]] = {}
    for row in rows:
        sets.setdefault(row.env_id, set()).add(row.asked)
    named = {
        (row.agent, row.env_id): f"{row.env_id} ({_counted(row)}, {row.asked or 'unknown'})"
        for row in rows
        if len(sets[row.env_id]) > 1
    }
    found = [one for board in boards for one in board.comparisons]
    return Board(
        [replace(row, env_id=named.get((row.agent, row.env_id), row.env_id)) for row in rows],
        corrected([replace(one, env_id=named.get((one.one, one.env_id), one.env_id)) for one in found]),
        [game for board in boards for game in board.games],
    )


def _counted(row: Evaluation) -> str:
    return f"{row.problems} problems" if row.problems else f"{row.n + row.undecided} matches"


def write_leaderboard(
    rows: Sequence[Evaluation],
    folder: Path,
    title: str,
    subtitle: str,
    picture: str | None = None,
    comparisons: Sequence[Comparison] = (),
    games: Sequence[Standings] = (),
) -> Path:
    """Write leaderboard.json, leaderboard.parquet and leaderboard.html, a page that needs but itself and its picture.

    The Parquet file holds the rows; without any there is none.
    Returns the page.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from .leaderboard_page import page

    board = Board(ranked(rows), comparisons, games)
    parts = [(field.name, getattr(board, field.name)) for field in dataclasses.fields(board)]
    lines = (f' "{name}": [\n' + ",\n".join(map(_json, part)) + "\n ]" for name, part in parts)
    write_whole(folder / FILE, "{\n" + ",\n".join(lines) + "\n}\n")
    table = folder / "leaderboard.parquet"
    if not rows:
        table.unlink(missing_ok=True)  # of a board that was here before
    else:
        aside = folder / ".leaderboard.parquet.tmp"
        columns = {
            field.name: [getattr(row, field.name) for row in board.rows] for field in dataclasses.fields(Evaluation)
        }
        pq.write_table(pa.table(columns), aside, compression="zstd")
        aside.replace(table)
    write_whole(folder / "leaderboard.html", page(board, title, subtitle, picture))
    return folder / "leaderboard.html"


def read_board(folder: Path) -> Board:
    """The board that ``write_leaderboard`` wrote; an empty one when it has not.

    Raises:
        BrokenBoard: the file is none of ours.
    """
    file = folder / FILE
    if not file.is_file():
        return Board()
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(told, list):  # rows alone: of a run before there were games
            told = {"rows": told}
        games = [
            Standings(**{**game, "ratings": [typed(Rating, row) for row in game["ratings"]]})
            for game in told.get("games", ())
        ]
        comparisons = [typed(Comparison, row) for row in told.get("comparisons", ())]
        return Board([typed(Evaluation, row) for row in told["rows"]], comparisons, games)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BrokenBoard(f"{file} is no leaderboard of ours: {error}") from error


def read_leaderboard(folder: Path) -> list[Evaluation]:
    """The rows that ``write_leaderboard`` wrote; none when it has not. Raises as ``read_board`` does."""
    return list(read_board(folder).rows)


def percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{100 * value:.1f}%"


def typed(kind: Any, row: dict[str, Any]) -> Any:
    """A dataclass of JSON's values: null stands for nan."""
    empty = [name for name, value in row.items() if value is None]
    if empty:
        floats = _floats(kind)
        row = row | {name: math.nan for name in empty if name in floats}
    return kind(**row)


@cache
def _floats(kind: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(kind) if field.type == "float"}


def _json(row: Any) -> str:
    """A row as JSON, which knows no nan, on a line of its own."""
    told = asdict(row) if isinstance(row, Standings) else {name: getattr(row, name) for name in row.__slots__}
    plain = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in told.items()
    }
    return json.dumps(plain)


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
