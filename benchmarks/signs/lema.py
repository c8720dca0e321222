"""LeMa: corrections of the model's own mistakes, learned beside right answers, against right answers alone."""

from __future__ import annotations

from typing import Any

from palaestra.trainers.recipe import load_recipe

from . import runs
from .sign import Claim, Measured, Place, Sign

RECIPE = "systems/lema"


def _mixed(place: Place, **changes: Any) -> Measured:
    rounds = 4 * place.sizes.longer
    start = runs.warm(place, RECIPE)
    return runs.answered(
        place, runs.evolved(place, RECIPE, start, {"evolve": {"rounds": rounds, **changes}}), load_recipe(RECIPE)
    )


def _corrections(place: Place) -> Measured:
    return _mixed(place)


def _alone(place: Place) -> Measured:
    return _mixed(place, algorithm="sft")


SIGN = Sign(
    name="lema",
    block=4,
    title="Corrections of mistakes, learned beside right answers",
    paper="LeMa, arXiv 2310.20689",
    substrate="ChainArith with sums modulo 5, a nano model.",
    measure="held-out problems that one sampled answer solves",
    recipes=(RECIPE,),
    arms={"corrections": _corrections, "alone": _alone},
    claims=(Claim("corrections", "alone", "corrections help at equal tokens"),),
    chosen="not yet",
)
