"""``palaestra replay | rescore | tree``: what a log proves, and what it says."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tyro.conf import Positional

from .app import UserError, app, console, typed

if TYPE_CHECKING:
    from palaestra.arena.rescore import Change
    from palaestra.episodes import EpisodeStore

Item = TypeVar("Item")


@app.command
def replay(run: Positional[Path], show: int = 20) -> None:
    """Prove a log: reset each environment, feed it the logged actions, judge again. Exit code 1 on a difference.

    Args:
        run: a run's folder, or a folder of episode files.
        show: how many differences to print.
    """
    from palaestra.arena.replay import replay as play_again

    found = []
    count = 0
    for _, differences in _progress(play_again(_log(run).read()), "replaying"):
        count += 1
        found += differences
    for difference in found[:show]:
        console.print(str(difference), markup=False, highlight=False, soft_wrap=True)
    if found:
        console.print(f"{count} episodes replayed, {len(found)} differences", highlight=False)
        sys.exit(1)
    console.print(f"{count} episodes replayed: every observation, reward and verdict is the same", highlight=False)


@app.command
def rescore(run: Positional[Path], show: int = 20) -> None:
    """Judge a log's answers again with today's verifiers. Exit code 1 when a verdict changed or could not be given.

    Args:
        run: a run's folder, or a folder of episode files.
        show: how many changes to print.
    """
    from palaestra.arena.rescore import rescore as judge_again

    changes: list[Change] = []
    faults = []
    verdicts = 0
    for rescored in _progress(judge_again(_log(run).read()), "rescoring"):
        verdicts += rescored.verdicts
        changes += rescored.changes
        if rescored.fault:
            faults.append(f"{rescored.episode.id}: {rescored.fault}")
    for line in [*faults[:show], *map(str, changes[:show])]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    kinds = Counter(f"{change.logged.status} -> {change.today.status}" for change in changes)
    for kind, count in kinds.most_common():
        console.print(f"{count:>8}  {kind}", highlight=False)
    unjudged = f", {len(faults)} episodes not judged" if faults else ""
    console.print(f"{verdicts} verdicts given again, {len(changes)} changed{unjudged}", highlight=False)
    if changes or faults:
        sys.exit(1)


@app.command
def tree(run: Positional[Path], episode: Positional[str] = "", out: Path | None = None) -> None:
    """Draw the trees of an episode whose agent searched.

    Args:
        run: a run's folder, or a folder of episode files.
        episode: its id, as held-out/00003; without it, the ids of those that have a tree are listed.
        out: a page to write, as tree.html.
    """
    from palaestra.arena.tree_page import terminal_trees, write_tree_page
    from palaestra.episodes.trees import trees

    searched = [one for one in _progress(_log(run).read(), "reading") if next(trees(one), None) is not None]
    if not searched:
        raise UserError(
            f"no agent searched in {run}: log one with `palaestra evaluate MODEL --search sbs:3,5 --save TO`"
        )
    if not episode:
        for one in searched:
            agents = ", ".join(actor.agent_id for actor in one.roles.values())
            console.print(f"{one.id}  {agents}", markup=False, highlight=False, soft_wrap=True)
        return
    found = [one for one in searched if one.id == episode]
    if not found:
        raise UserError(f"no episode {episode!r} with a tree: `palaestra tree {typed(run)}` lists those that have one")
    for one in found:
        for drawn in terminal_trees(one):
            console.print(drawn)
    if out is not None:
        console.print(str(write_tree_page(found, out)), highlight=False)


def _log(path: Path) -> EpisodeStore:
    """The episodes of a run, or of a folder of them; there are some. A run's own are those in episodes/, no others."""
    from palaestra.arena.run_folder import RunFolder
    from palaestra.episodes import EpisodeStore

    store = EpisodeStore(path)
    if (path / "episodes").is_dir() or not store.files():
        store = RunFolder.open(path).episodes
    if len(store) == 0:
        raise UserError(f"{path} holds no episodes: `palaestra evolve` and `palaestra collect` log some")
    return store


def _progress(items: Iterable[Item], doing: str) -> Iterator[Item]:
    """The items, with their number so far on the screen."""
    with console.status(doing) as status:
        for number, item in enumerate(items, 1):
            if number % 500 == 0:
                status.update(f"{doing}: {number:,} episodes")
            yield item
