"""What a folder's board held before: what stays on it when more agents are measured into the folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from palaestra.episodes import EpisodeStore

from .environments import labels
from .evaluate import Evaluation, problem_key, summarise
from .leaderboard import Board, read_board
from .measure import Course, by_problem, logged, slug
from .significance import Comparison, corrected
from .tournament import Standings

AGAIN = "its episodes are still in the log: measure it again with the others"


@dataclass(frozen=True, slots=True)
class Kept:
    """board: what stays. scores: by course, agent and problem, of those that stay. gone: a line for what does not."""

    board: Board = field(default_factory=Board)
    scores: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    gone: Sequence[str] = ()

    def joined(
        self, rows: Sequence[Evaluation], comparisons: Sequence[Comparison], games: Sequence[Standings]
    ) -> tuple[Board, list[str]]:
        """The board with what was measured now, and a line for each of the earlier rows and contests that went.

        An agent that has other weights now keeps nothing of the old ones.
        """
        now = {row.agent: row.weights_hash for row in rows}
        now |= {name: weights for game in games for name, weights in game.weights.items()}
        old = [row for row in self.board.rows if now.get(row.agent, row.weights_hash) != row.weights_hash]
        past = {
            one.game: name for one in self.board.games for name, was in one.weights.items() if now.get(name, was) != was
        }
        stays = [row for row in self.board.rows if row not in old]
        here = {(row.agent, row.env_id) for row in stays}
        found = [one for one in self.board.comparisons if {(one.one, one.env_id), (one.other, one.env_id)} <= here]
        gone = [f"{row.agent} had other weights in {row.env_id}: that row went from the board" for row in old]
        gone += [f"{name} had other weights in {game}: that contest went from the board" for game, name in past.items()]
        games = [*games, *(one for one in self.board.games if one.game not in past)]
        joined = Board([*rows, *stays], corrected([*comparisons, *found]), games)
        return joined, [*self.gone, *gone]


def kept(folder: Path, agents: Sequence[str], courses: Sequence[Course], games: Sequence[str]) -> Kept:
    """What stays of a folder's board when these agents are measured: the rows of other environments, and those of other
    agents whose episodes of the same problems are in the log.

    Raises:
        BrokenBoard: the folder's board cannot be read.
    """
    board, store = read_board(folder), EpisodeStore(folder / "episodes")
    asked = dict(zip(labels(courses), courses, strict=True))
    rows: list[Evaluation] = []
    scores: dict[str, dict[str, dict[str, float]]] = {}
    gone = []
    for row in board.rows:
        if row.env_id not in asked:
            rows.append(row)
        elif row.agent not in agents:
            found = _scores(store, row, asked[row.env_id])
            if found is None:
                gone.append(f"{row.agent} was asked other problems of {row.env_id} and went from the board; {AGAIN}")
            else:
                rows.append(row)
                scores.setdefault(row.env_id, {})[row.agent] = found
    for game in board.games:
        if game.game in games and (others := [name for name in game.names if name not in (*agents, *game.anchors)]):
            gone.append(f"{', '.join(others)} played an earlier contest of {game.game}, which went from the board")
    compared = [one for one in board.comparisons if one.env_id not in asked]
    return Kept(Board(rows, compared, [one for one in board.games if one.game not in games]), scores, gone)


def _scores(store: EpisodeStore, row: Evaluation, course: Course) -> dict[str, float] | None:
    """A row's scores by problem, from the log; None where that has no such row of these problems."""
    jobs = [job for several in course.series().values() for job in several]
    named = re.compile(rf"\d+-({re.escape(slug(row.agent))}-[0-9a-f]+)")
    batches = dict.fromkeys(match[1] for file in store.files() if (match := named.fullmatch(file.stem)))
    for batch in batches:
        found = {one.id: one for one in logged(store, batch) if one.tags.get("agent") == row.agent}
        logged_as = {id: (one.env_id, problem_key(one)) for id, one in found.items()}
        if all(logged_as.get(job.id) == (job.env_id, problem_key(job)) for job in jobs):
            episodes = [found[job.id] for job in jobs]
            again = summarise(episodes, row.agent)
            if _figures(again) == _figures(row):
                return by_problem(episodes)
    return None


def _figures(row: Evaluation) -> tuple[object, ...]:
    return row.n, row.undecided, row.problems, row.k, str(row.score), str(row.tokens), row.weights_hash
