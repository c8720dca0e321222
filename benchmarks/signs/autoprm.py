"""AutoPRM: expert iteration by verdicts on sub-answers, against expert iteration by verdicts on answers."""

from __future__ import annotations

from functools import partial
from typing import Any

from palaestra.trainers.recipe import Recipe

from ..systems.scores import tokens as spent
from . import runs, studying
from .play import ahead
from .sign import Claim, Measured, Place, Sign

RECIPE = "signs/autoprm"
ROUNDS = 5  # as in the paper
PRACTISED = {1: {"problems": 16, "updates": 4}, 4: {"problems": 128, "updates": 16}}  # in a round, by size
LENGTHS = {"short": 2, "long": 4}  # lines of the chains that are learned from and asked
# Answers to a problem: as many as take the tokens that four answers take of four candidates for each line, or more.
SAMPLES = {"short": 32, "long": 48}
FEW = 16  # answers to a problem that are learned from as they come


def labelled(length: str, labels: str) -> dict[str, Any]:
    """What of evolution is changed: verdicts on lines are the recipe's own."""
    return {
        "process": {},
        "outcome": {"algorithm": "rft", "sampler": None, "samples": SAMPLES[length]},
        "chance": {"algorithm": "unlabelled", "sampler": None, "samples": FEW},
    }[labels]


def recipe_of(length: str) -> Recipe:
    level = LENGTHS[length]
    return runs.changed(RECIPE, {"evaluation": {"difficulties": [level]}})


def _evolved(place: Place, length: str, labels: str) -> Measured:
    level = LENGTHS[length]
    evolve = {"rounds": ROUNDS, "start_difficulty": level, "top_difficulty": level}
    evolve |= {**PRACTISED[place.sizes.longer], **labelled(length, labels)}
    folder = runs.evolved(place, RECIPE, runs.warm(place, RECIPE), {"evolve": evolve})
    found = runs.answered(place, folder, recipe_of(length))
    sampled, learned = spent(place.folder)
    return Measured(found.scores, sampled, {"tokens learned from": learned})


def _start(place: Place, length: str) -> Measured:
    recipe = recipe_of(length)
    return studying.measured(place, studying.Studied(runs.warm(place, RECIPE), 0, 0), recipe)


def _gain(place: Place, length: str) -> Measured:
    """What verdicts on lines bring beyond those on answers."""
    return ahead(place, f"{length}: process", f"{length}: outcome")


ARMS = {f"{length}: start": partial(_start, length=length) for length in LENGTHS}
ARMS |= {
    f"{length}: {labels}": partial(_evolved, length=length, labels=labels)
    for length, labels in (
        ("long", "process"),
        ("long", "outcome"),
        ("long", "chance"),
        ("short", "process"),
        ("short", "outcome"),
    )
}
ARMS |= {f"{length}: gain": partial(_gain, length=length) for length in LENGTHS}

SIGN = Sign(
    name="autoprm",
    block=20,
    title="Verdicts on sub-answers in expert iteration",
    paper="AutoPRM, arXiv 2402.11452",
    substrate=(
        "ChainArith with sums modulo 5, a nano model after a short warm start; chains of two lines (short) and of "
        "four (long), learned and asked apart. Each line is a sub-question, and the task knows its answer. Five "
        "rounds of 128 problems and 16 updates each (at smoke size 16 and 4). By verdicts on lines, four answers to a "
        "problem, each line one of four candidates; by verdicts on answers, 32 or 48 answers, of which the right ones "
        "are imitated. Equal: the tokens sampled, all candidates counted; verdicts on answers never have less, and "
        "more tokens are learned from by them."
    ),
    measure="held-out problems that one sampled answer solves; of a gain, the difference of two such shares",
    recipes=(RECIPE,),
    arms=ARMS,
    claims=(
        Claim(
            "long: process", "long: outcome", "on long chains, verdicts on lines beat verdicts on answers", smoke=False
        ),
        Claim(
            "short: process",
            "short: outcome",
            "on short chains, verdicts on lines beat verdicts on answers",
            smoke=False,
        ),
        Claim("long: gain", "short: gain", "the gain grows with the length of the chain", smoke=False),
        Claim("long: chance", "long: start", "answers imitated as they come beat the start", above=False),
    ),
    chosen=(
        "on seeds 100 and 101: warm starts of 60, 75 and 80 rounds, rates of 0.0005 and 0.001; then on seed 100 rounds "
        "of 48 and 128 problems with 12, 16 and 48 updates, rates of 0.001 and 0.002. With 16 problems and four "
        "updates nothing was learned by either, and seeds 0 to 2 had been played so before. Malformed lines counted as "
        "right at first, and the policy learned to write them; they no longer do."
    ),
    departs=(
        "lines stand for sub-questions and nothing decomposes; the task's verdicts stand for the verifier, while "
        "candidates are chosen and when they are imitated; one answer is sampled in the end, without a verifier. "
        "The granularity of sub-questions and context-guided decoding were not tried."
    ),
)
