"""RevThink: backward questions and their answers, learned beside forward answers, against forward answers alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from palaestra.arena.environments import Environments
from palaestra.episodes.corrections import turned_round
from palaestra.episodes.views import Row
from palaestra.trainers.recipe import load_recipe

from . import studying
from .lema import dealt, read
from .runs import warm
from .sign import Claim, Measured, Place, Sign

RECIPE = "signs/chains"
PROBLEMS = 64  # of training
TOKENS = 30_000  # times the size's ``longer``
RATE = 1.0e-3


def sources(place: Place) -> list[list[Row]]:
    """Of each problem of the set its answer, its backward question, and the answer to that."""
    encode = studying.encode_of(warm(place, RECIPE))
    shown = studying.answered_set(load_recipe(RECIPE), place.seed, studying.STEPS, PROBLEMS)
    with Environments() as environments:
        view = turned_round(shown, lambda one: environments.task(one.env_id, one.env_kwargs, one.seed), encode)
    return [view.rows[task::3] for task in range(3)]


def evenly(*tasks: Sequence[Row]) -> list[Row]:
    """The rows of all tasks, with weights by which each task's mean a token counts alike, as in ``turned_round``."""
    tokens = [sum(int(row.action.sum()) for row in rows) for rows in tasks]
    weights = [sum(tokens) / (len(tasks) * own) for own in tokens]
    return [replace(row, weight=weight) for rows, weight in zip(tasks, weights, strict=True) for row in rows]


def studied(
    place: Place, kind: str, start: Path, tasks: Sequence[Sequence[Row]], tokens: int, rate: float
) -> studying.Studied:
    """What an arm of this kind learns, from the start, of answers, backward questions and the answers to those."""
    forward, asked, backward = tasks
    kinds = {
        "forward": (forward,),
        "as often": (forward,),
        "question": (forward, asked),
        "all": (forward, asked, backward),
        "backward": (backward,),
        "shuffled": (forward, dealt(asked), dealt(backward)),
    }
    if kind == "start":
        return studying.Studied(start, 0, 0)
    if kind == "as often":  # as many passes over the forward answers as beside the two other tasks
        tokens = tokens * read(forward) // read([*forward, *asked, *backward])
    reach, rows = kind in ("forward", "as often"), evenly(*kinds[kind])
    return studying.study(place.folder, start, rows, tokens, seed=place.seed, learning_rate=rate, reach=reach)


def _arm(place: Place, kind: str) -> Measured:
    start, tokens = warm(place, RECIPE), TOKENS * place.sizes.longer
    return studying.measured(place, studied(place, kind, start, sources(place), tokens, RATE), load_recipe(RECIPE))


KINDS = ("start", "forward", "question", "all", "backward", "shuffled", "as often")

SIGN = Sign(
    name="revthink",
    block=15,
    title="Backward questions, learned beside forward answers",
    paper="RevThink, arXiv 2411.19865",
    substrate=(
        "ChainArith with sums modulo 5, levels 2 and 3, a nano model after a short warm start; 64 training "
        "problems, gone through again and again. Backward, the last value is given and the first asked for; the "
        "task makes the question and its one answer. Equal: the tokens that updates go through, prompts and all "
        "passes counted; forward answers alone never have less. As often: forward answers alone, for the passes "
        "over them that all three tasks leave, so with equal examples and fewer tokens."
    ),
    measure="held-out forward problems that one sampled answer solves",
    recipes=(RECIPE,),
    arms={kind: partial(_arm, kind=kind) for kind in KINDS},
    claims=(
        Claim("all", "forward", "all three tasks beat forward answers alone", smoke=False),
        Claim("all", "question", "all three beat forward answers and backward questions", smoke=False),
        Claim("question", "forward", "forward answers and backward questions beat forward answers", smoke=False),
        Claim("backward", "start", "answers to backward questions alone beat the start", smoke=False),
        Claim("all", "shuffled", "all three beat those with other problems' backward parts", smoke=False),
        Claim("shuffled", "forward", "other problems' backward parts beat forward answers alone", above=False),
    ),
    chosen=(
        "on seed 100. Tried: sets of 16 and 64 problems, 150,000 and 600,000 tokens, the answer to the backward "
        "question without that question. All three tasks were 10 and 17 points below forward answers alone, the "
        "backward answer without its question 7 and 10."
    ),
    departs="the task makes what a teacher writes, and certifies it in place of a judge.",
)
