"""The states of a dialogue, each an example of its own: what was seen so far, and what was done there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from .record import Episode, Turn
from .views import Row, View, rows_of


def states(episodes: Iterable[Episode], reject: Callable[[Turn], bool] | None = None) -> View:
    """A row for each sampled turn of each dialogue that came to its end: past actions as prompt, the next as target.

    State-wise fine-tuning (ReST meets ReAct; arXiv:2312.10003): how it ended is not asked, so undecided dialogues are
    here too, with reward nan. A dialogue with a turn that ``reject`` is true of is left out whole, since a turn that
    is only not learned would still be read by those after it. ``dropped`` counts dialogues and roles.
    """
    rows: list[Row] = []
    dropped: Counter[str] = Counter()
    for episode in episodes:
        for role in episode.outcome:
            turns = [turn for turn in episode.turns if turn.role == role]
            if not episode.terminated:
                dropped["cut off"] += 1
            elif not turns or not all(turn.action_ids for turn in turns):
                dropped["no sampled tokens"] += 1
            elif reject is not None and any(map(reject, turns)):
                dropped["a turn was rejected"] += 1
            else:
                rows += [rows_of(episode, role, [turn])[0] for turn in turns]
    return View(rows, dropped)
