"""What evaluators learn from: answers of a log with the verdicts of their steps, and choices among these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from palaestra.envs.seeding import derive_seed

from . import choices, sources, steps, views
from .record import BESIDE, Episode
from .steps import Ends
from .views import Decode, Row, View

HELD_OUT = 5  # one problem of so many is not trained on

Select = Callable[[Sequence[Row], Ends], View]


def whole(select: Callable[[Sequence[Row]], View]) -> Select:
    """A choice among whole answers, for which steps do not matter."""
    return lambda rows, ends: select(rows)


def judged_steps(rows: Sequence[Row], ends: Ends) -> View:
    """Answers of which the task judged a step or more, each step by its verdict."""
    kept = [row for row in rows if row.token_rewards is not None and not np.isnan(row.token_rewards).all()]
    return View(kept, {"no step was judged": len(rows) - len(kept)})


def valued_steps(rows: Sequence[Row], ends: Ends) -> View:
    """Every decided answer, each step by the mean outcome of the answers to the problem that go through it.

    Raises:
        ValueError: outcomes that are no chances, as games have them.
    """
    single = choices.unforked(rows)
    view = steps.step_values(single.rows, ends)
    rewards = [one.row.reward for one in view.rows]
    low, high = min(rewards, default=0.0), max(rewards, default=0.0)
    if low < 0 or high > 1:
        raise ValueError(f"rewards from {low:g} to {high:g} are no chances: compare answers, as by bradley_terry")
    kept = []
    for one in view.rows:
        given = np.full(len(one.row.ids), np.nan, np.float32)
        given[one.ends - 1] = one.values
        kept.append(replace(one.row, token_rewards=given))
    return View(kept, Counter(view.dropped) + Counter(single.dropped))


def sibling_steps(rows: Sequence[Row], ends: Ends) -> View:
    """Pairs of steps that follow the same steps and differ in value, each step by its value."""
    single = choices.unforked(rows)
    view = steps.sibling_steps(single.rows, ends, visits=sources.MIN_VISITS)
    kept = [sources.valued_at_end(row) for row in view.rows]
    return View(kept, Counter(view.dropped) + Counter(single.dropped))


def judged_answers(episodes: Iterable[Episode], decode: Decode) -> tuple[list[Row], Ends]:
    """The groups of sampled answers in a log with the verdicts of their steps, and where their steps end.

    What was answered beside a round's own answers is left out: a hint tells the answer, and greedy ones are no samples.

    Raises:
        ValueError: it has none; the message says what was dropped.
    """
    logged = [episode for episode in episodes if episode.tags.get("phase") != "held-out"]
    sampled = [episode for episode in logged if not episode.id.endswith(BESIDE)]
    view = views.groups(sampled, decode=decode)
    if not view.rows:
        dropped = +Counter({**view.dropped, "given beside a round's own": len(logged) - len(sampled)})
        why = ", ".join(f"{count} x {reason}" for reason, count in dropped.items()) or "no answers"
        raise ValueError(
            f"the log holds no problem that was answered twice ({why}): an evaluator learns from such groups"
        )
    tokens = [episode for episode in sampled if all(turn.action_ids for turn in episode.turns)]
    return view.rows, steps.logged_steps(tokens, decode)[0]


def split(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Rows to train on and rows of held-out problems."""
    out = {name for name in {row.group_id for row in rows} if derive_seed("evaluator", name) % HELD_OUT == 0}
    return [row for row in rows if row.group_id not in out], [row for row in rows if row.group_id in out]
