"""RL4F: a critic that learns by how much better its frozen author revises, against critics that do not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from statistics import mean

import numpy as np

from palaestra.agents.agent import Agent, Dialogue, Reply
from palaestra.agents.engine import Sampling
from palaestra.agents.postprocess.critique import ACCEPT
from palaestra.agents.pretrained import load_policy
from palaestra.arena.measure import by_problem
from palaestra.envs.dialogues import CritiqueRepair
from palaestra.envs.dialogues.critique_repair import faults
from palaestra.episodes import Actor, Episode
from palaestra.trainers.recipe import load_recipe

from ..systems.scores import tokens as spent
from . import runs
from .sign import Claim, Measured, Place, Sign

RECIPE = "signs/rl4f"
LARGEST_VALUE = 20  # that the random critic names
ROUNDS = {"smoke": 14, "claim": 20}  # of evolution


class Scripted:
    """A critic without a model: it finds nothing, or, ``random``, gives one line, whichever, any value."""

    def __init__(self, lines: int, random: bool) -> None:
        self.lines, self.random = lines, random
        self.actor = Actor("random critic" if random else "no critic")

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        return [Reply(self._remark(dialogue.seed) if self.random else ACCEPT) for dialogue in dialogues]

    def _remark(self, seed: int) -> str:
        line, value = np.random.default_rng(seed).integers((1, 0), (self.lines + 1, LARGEST_VALUE + 1))
        return f"line {line} is wrong: {value}"


def _learned(place: Place, control: str = "none") -> Measured:
    start = runs.warm(place, RECIPE)
    changes = {"evolve": {"rounds": ROUNDS[place.sizes.name], "control": control}}
    folder = runs.evolved(place, RECIPE, start, changes)
    return _measured(place, _critic(folder), sum(spent(place.folder)))


def _imitated(place: Place) -> Measured:
    return _measured(place, _critic(runs.warm(place, RECIPE)))


def _scripted(place: Place, random: bool) -> Measured:
    return _measured(place, Scripted(int(load_recipe(RECIPE).env_kwargs["lines"]), random))


def _critic(folder: object) -> Agent:
    recipe = load_recipe(RECIPE)
    sampling = Sampling(temperature=recipe.temperature, max_tokens=recipe.max_answer_tokens)
    return load_policy(str(folder), sampling, "critic")


def _measured(place: Place, critic: Agent, tokens: int = 0) -> Measured:
    """By problem, the share of right lines at the end less that at the start; repair and harm in percent of lines."""
    episodes = runs.answers(place, critic, load_recipe(RECIPE))
    known = [_before_and_after(episode) for episode in episodes]
    repaired = mean(len(before - after) / len(before) for before, after, _ in known)
    harmed = mean(len(after - before) / max(1, lines - len(before)) for before, after, lines in known)
    told = {"repaired, %": 100 * repaired, "harmed, %": 100 * harmed}
    return Measured(by_problem(episodes), tokens, told)


def _before_and_after(episode: Episode) -> tuple[set[int], set[int], int]:
    """The wrong lines of the draft and of the last revision, and how many lines there are."""
    problem = episode.problem
    assert problem is not None  # it was asked
    *_, last = CritiqueRepair().play(problem, [turn.text for turn in episode.turns])
    draft = problem.reference["draft"]
    return set(faults(problem, draft)), set(faults(problem, last.state)), len(problem.reference["gold"])


SIGN = Sign(
    name="rl4f",
    block=3,
    title="A critic that learns from the revision",
    paper="RL4F, arXiv 2305.08844",
    substrate=(
        "CritiqueRepair: worksheets of two sums with numbers up to 4, a mistake in one at least. A frozen program is "
        "the author: he believes every remark, calculates a line called wrong anew, and spoils a right one. A nano "
        "model is the critic: it imitates 6,400 critiques, then learns from the revisions of 2,560. Learning from true "
        "and from shuffled rewards takes equally many; the imitated critic is where both start."
    ),
    measure="the share of right lines after the critique, less that before, in points: harm counts against repair",
    recipes=(RECIPE,),
    arms={
        "reinforced": _learned,
        "shuffled": partial(_learned, control="shuffled"),
        "imitated": _imitated,
        "silent": partial(_scripted, random=False),
        "random": partial(_scripted, random=True),
    },
    claims=(
        Claim("reinforced", "imitated", "a critic learns from how its author revises"),
        Claim("imitated", "silent", "an imitated critic is better than none"),
        Claim("silent", "random", "none is better than a random one"),
        Claim("shuffled", "imitated", "shuffled rewards teach as well", above=False),
    ),
    chosen=(
        "On seed 100: worksheets of two and three sums with numbers up to 4 and 6 (of three, 4,000 critiques taught "
        "too little: the imitated critic did harm); PPO for 40 rounds (+22 points, at four times the time), RLOO (+1) "
        "and GRPO (+21) for 15; rates of 0.0005 and 0.001."
    ),
    departs=(
        "The author is a program, not a language model. The baseline is the mean of a worksheet's eight critiques in "
        "place of PPO's learned value: the same clipped ratio for a quarter of the time."
    ),
)
