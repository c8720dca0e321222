"""HER on text: dialogues that missed their number, imitated as answers to the number that they reached."""

from __future__ import annotations

from functools import partial
from typing import Any

from palaestra.episodes import EpisodeStore
from palaestra.trainers.recipe import load_recipe

from ..systems.scores import tokens as spent
from . import runs
from .sign import Claim, Measured, Place, Sign

RECIPE = "signs/her"
ROUNDS = {"smoke": 20, "claim": 40}  # of evolution


def _arm(place: Place, **changes: Any) -> Measured:
    """Held-out numbers reached, after rounds of evolution; tokens: steps in the environment that they took."""
    start = runs.warm(place, RECIPE)
    folder = runs.evolved(place, RECIPE, start, {"evolve": {"rounds": ROUNDS[place.sizes.name], **changes}})
    solved = runs.answered(place, folder, load_recipe(RECIPE))
    store = EpisodeStore(place.folder / "episodes")
    steps = sum(len(one.turns) for file in store.files() if "-evolve-" in file.name for one in store.read(file))
    sampled, learned = spent(place.folder)
    return Measured(solved.scores, steps, {"tokens sampled": sampled, "tokens learned from": learned})


SIGN = Sign(
    name="her",
    block=5,
    title="Hindsight in text: expressions for a number",
    paper="Hindsight experience replay, arXiv 1707.01495; as instruction relabelling, arXiv 2302.05206",
    substrate=(
        "GoalExpression: bring a number to another by adding and taking away three given ones, a move a turn. A nano "
        "model that knows how a move is written reaches about one goal in twenty. Equal are the episodes: 64 in each "
        "of 40 rounds (20 at smoke size); tokens here are steps in the environment."
    ),
    measure="held-out problems whose number one sampled dialogue reaches",
    recipes=(RECIPE,),
    arms={
        "relabelled": _arm,
        "successes": partial(_arm, algorithm="rft"),
        "not_relabelled": partial(_arm, algorithm="unlabelled"),
    },
    claims=(
        Claim("relabelled", "successes", "relabelled dialogues teach more than the successes alone"),
        Claim("relabelled", "not_relabelled", "relabelled, dialogues teach more than as they were"),
        Claim("not_relabelled", "successes", "imitating all dialogues as they were helps", above=False),
    ),
    chosen=(
        "On seed 100: with products and without (with them 6,000 dialogues taught nothing); 15 rounds of 128 "
        "dialogues with 4 updates and 60 of 64 with 3, at rates of 0.001 and 0.002; warm starts of 12 and 16 rounds. "
        "40 rounds of 64 are what a few minutes hold. The same settings in all arms. They were chosen while a warm "
        "start showed each turn of a dialogue by itself; since it shows what was said before as well, the arms were "
        "played anew and nothing was chosen again."
    ),
    departs="The goal is the last one that was reached; imitation takes the place of off-policy reinforcement.",
)
