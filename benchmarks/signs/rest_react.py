"""ReST meets ReAct: an agent that searches and reads, imitating its own trajectories, the likeliest steps kept."""

from __future__ import annotations

from functools import partial
from typing import Any

from palaestra.trainers.recipe import load_recipe

from . import runs
from .sign import Claim, Measured, Place, Sign

RECIPE = "systems/rest_react"
PROBLEMS = {"smoke": 16, "claim": 64}  # of a generation, two trajectories each


def _pilot(place: Place) -> Measured:
    return runs.answered(place, runs.warm(place, RECIPE), load_recipe(RECIPE), spends=False)


def _arm(place: Place, generations: int, **changes: Any) -> Measured:
    """Held-out questions answered rightly after so many generations; tokens: sampled and learned from."""
    evolve = {"rounds": generations, "problems": PROBLEMS[place.sizes.name], **changes}
    stages = ({"rounds": 1},) * generations
    folder = runs.evolved(place, RECIPE, runs.warm(place, RECIPE), {"evolve": evolve, "stages": stages})
    return runs.answered(place, folder, load_recipe(RECIPE))


SIGN = Sign(
    name="rest_react",
    block=2,
    title="An agent that imitates its own searches",
    paper="ReST meets ReAct, arXiv 2312.10003",
    substrate="Lookup, in letters: search a person, read the page, read that of the friend, answer with a fact; pages "
    "tell two facts that were not asked for. A nano model that was shown the way imitates its own trajectories, no "
    "answer looked at, and each generation begins anew from the pilot. Ranked and unranked are equally many "
    "trajectories (128 a generation, 32 at smoke size); ranking takes the likeliest of four actions each turn, and "
    "samples four times as many tokens for it.",
    measure="held-out questions that one sampled dialogue answers",
    recipes=(RECIPE,),
    arms={
        "pilot": _pilot,
        "generation_1": partial(_arm, generations=1),
        "generation_2": partial(_arm, generations=2),
        "unranked": partial(_arm, generations=2, sampler=None),
    },
    claims=(
        Claim("generation_1", "pilot", "the first generation is better than the pilot", smoke=False),
        Claim("generation_2", "generation_1", "the second is better than the first", smoke=False),
        Claim("generation_2", "unranked", "ranked steps teach more than as many unranked ones", smoke=False),
        Claim("unranked", "pilot", "unranked trajectories teach as well", above=False),
    ),
    chosen="On seeds 100 to 102, how long the way is shown: after 28 to 60 rounds 8 to 90 % of the questions are "
    "right, and seeds jump from little to much at rounds of their own. On seed 100, 128 and "
    "256 trajectories a generation, 12 to 24 updates at rates of 0.0005 and 0.001, and a rate that falls over both "
    "generations or over each anew. With the settings taken the three seeds went from 90, 68 and 82 % to 91, 72 and "
    "88 % and then to 89, 69 and 86 %. Seeds 0 to 2 had been played before, after 50 rounds, from which they came out "
    "at 10 to 12 % and learned nothing.",
    departs="Trajectories that end without an answer stay in; no self-checks of an answer; no smaller model is taught.",
)
