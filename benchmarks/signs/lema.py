"""LeMa: corrections of the model's own mistakes, learned beside right answers, against right answers alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

from palaestra.arena.environments import Environments
from palaestra.episodes.corrections import corrections
from palaestra.episodes.views import Row, behind
from palaestra.trainers.recipe import load_recipe

from . import studying
from .runs import read, warm
from .sign import Claim, Measured, Place, Sign

RECIPE = "signs/chains"
PROBLEMS, SAMPLES = 64, 8  # of training; answers to each, whose mistakes are corrected
TOKENS = 30_000  # times the size's ``longer``
RATE = 1.0e-3


def sources(place: Place) -> tuple[list[Row], list[Row]]:
    """A right answer to each problem of the set, and as many corrections of the policy's own answers or fewer."""
    recipe, start = load_recipe(RECIPE), warm(place, RECIPE)
    encode = studying.encode_of(start)
    right = studying.demonstrations(recipe, place.seed, PROBLEMS, encode)
    own = studying.answered_set(recipe, place.seed, studying.policy(start, recipe), PROBLEMS, SAMPLES)
    with Environments() as environments:
        fixed = corrections(own, lambda one: environments.task(one.env_id, one.env_kwargs, one.seed), encode)
    return right, spread(fixed.rows, len(right))


def spread(rows: Sequence[Row], most: int) -> list[Row]:
    """The first row of each problem, then the second of each, and so on, up to so many."""
    seen: Counter[str] = Counter()
    turns = []
    for row in rows:
        turns.append(seen[row.group_id])
        seen[row.group_id] += 1
    return [rows[index] for index in sorted(range(len(rows)), key=turns.__getitem__)[:most]]


def dealt(rows: Sequence[Row]) -> list[Row]:
    """Each row's prompt with what was said to the one before it."""
    return [behind(row.prompt, rows[index - 1]) for index, row in enumerate(rows)]


def _arm(place: Place, kind: str) -> Measured:
    right, fixed = sources(place)
    recipe, start, tokens = load_recipe(RECIPE), warm(place, RECIPE), TOKENS * place.sizes.longer
    if kind == "start":
        return studying.measured(place, studying.Studied(start, 0, 0), recipe)
    if kind == "as often":  # as many passes over the right answers as beside the corrections
        tokens = tokens * read(right) // read([*right, *fixed])
    beside = {"corrections": fixed, "shuffled": dealt(fixed)}.get(kind, [])
    reach = not beside
    rows = [*right, *beside]
    studied = studying.study(place.folder, start, rows, tokens, seed=place.seed, learning_rate=RATE, reach=reach)
    return studying.measured(place, studied, recipe, {"corrections": len(beside)})


ARMS = {kind: partial(_arm, kind=kind) for kind in ("start", "corrections", "alone", "shuffled", "as often")}

SIGN = Sign(
    name="lema",
    block=4,
    title="Corrections of mistakes, learned beside right answers",
    paper="LeMa, arXiv 2310.20689",
    substrate=(
        "ChainArith with sums modulo 5, levels 2 and 3, a nano model after a short warm start; 64 training "
        "problems, gone through again and again. Right answers are the oracle's; a correction names the first "
        "wrong line of an answer of the start's own, says why, and goes on from there. Equal: the tokens that "
        "updates go through, prompts and all passes counted; right answers alone never have less. As often: right "
        "answers alone, for the passes over them that the corrections leave, so with fewer tokens."
    ),
    measure="held-out problems that one sampled answer solves",
    recipes=(RECIPE,),
    arms=ARMS,
    claims=(
        Claim("corrections", "alone", "corrections beside right answers beat right answers alone", smoke=False),
        Claim("corrections", "shuffled", "corrections beat those of other mistakes", smoke=False),
        Claim("shuffled", "alone", "corrections of other mistakes beat right answers alone", above=False),
    ),
    chosen=(
        "on seed 100. Tried: sets of 16, 32, 64 and 128 problems, starts from 9 % to 60 %, 0.4 to 1.5 corrections "
        "for each right answer, 150,000 to 1,000,000 tokens, right answers of the model's own in place of the "
        "oracle's, a shorter wording of what is asked, a start that knew corrections already. Corrections were 2 "
        "to 18 points below right answers alone; with the shorter wording once 2 above, and so were shuffled "
        "ones, within noise."
    ),
    departs="the oracle corrects; it solves a problem in one way, so that a correction holds no other.",
    seeds=5,
)
