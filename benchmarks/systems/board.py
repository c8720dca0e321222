"""The rows of the board: each system of a place beside its baselines and its control, over the seeds played."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

from palaestra.arena.measure import corrected
from palaestra.arena.significance import Comparison
from palaestra.trainers.recipe import load_recipe, shipped_recipes

from . import scores as read
from .plan import IMITATION, SHUFFLED, START, VOTE, Place, algorithms
from .play import is_done
from .scores import Mean, mean_of, paired

# What algorithms learn from beside the verdicts on sampled answers, which the control leaves as it is.
BESIDE = {
    "sft": "the oracle's answers",
    "spin": "the oracle's answers",
    "star": "answers given a hint",
    "autoprm": "verdicts on lines",
    "lema": "the oracle's corrections",
    "journey": "the oracle's corrections",
    "rlmec": "the oracle's edits",
    "revthink": "the task's backward questions",
    "hindsight": "the goals that were reached",
}
SEARCHES = {
    **{"verdict": "verdicts in its search", "head": "verdicts in its search", "steps": "verdicts on lines"},
    "likelihood": "what its search takes by likelihood",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A system at a place. seeds: those played; sampled, learned: tokens, seconds: means over them.

    imitation: after as many tokens as the system sampled and learned from; None where that was not measured.
    vote: of as many answers (``answers``, mean over seeds) as these tokens pay for.
    beats: the system beside that imitation, rises: the control beside the warm start, corrected for all of the place.
    together: what all of its modules solve, before and after, where there are several.
    """

    system: str
    seeds: tuple[int, ...]
    before: Mean
    after: Mean
    sampled: float
    learned: float
    seconds: float
    imitation: Mean | None = None
    beats: Comparison | None = None
    vote: Mean | None = None
    answers: float = 0
    control: Mean | None = None
    rises: Comparison | None = None
    together: tuple[float, float] | None = None

    @property
    def gain(self) -> float:
        """How much better it became."""
        return self.after.value - self.before.value


def rows_of(place: Place, runs: Path, seeds: Sequence[int]) -> list[Row]:
    """The systems that were played at a place, the largest gain first."""
    found = [row for system in place.systems if (row := _row(place, system, runs, seeds)) is not None]
    beats = iter(corrected([row.beats for row in found if row.beats is not None]))
    rises = iter(corrected([row.rises for row in found if row.rises is not None]))
    told = [replace(row, beats=row.beats and next(beats), rises=row.rises and next(rises)) for row in found]
    return sorted(told, key=lambda row: -row.gain)


def _row(place: Place, system: str, runs: Path, seeds: Sequence[int]) -> Row | None:
    cells = {seed: runs / place.name / f"seed{seed}" / system for seed in seeds}
    played = {seed: folder for seed, folder in cells.items() if is_done(folder)}
    if not played:
        return None
    before = {seed: read.scores(folder, "warm") for seed, folder in played.items()}
    after = {seed: read.scores(folder, "evolved") for seed, folder in played.items()}
    spent = [read.tokens(folder) for folder in played.values()]
    worked = [one for folder in played.values() if (one := read.together(folder)) is not None]
    row = Row(
        *(system, tuple(played), mean_of(before), mean_of(after)),
        sampled=mean(one for one, _ in spent),
        learned=mean(one for _, one in spent),
        seconds=mean(map(read.seconds, played.values())),
        together=(mean(one for one, _ in worked), mean(one for _, one in worked)) if worked else None,
    )
    return _with_control(_with_vote(_with_imitation(row, place, played, after), played), place, played, before)


def _with_imitation(row: Row, place: Place, played: dict[int, Path], after: dict[int, read.Scores]) -> Row:
    found = {
        seed: at
        for seed, folder in played.items()
        if is_done(folder.with_name(IMITATION))
        and (at := read.imitated_at(folder.with_name(IMITATION), sum(read.tokens(folder)))) is not None
    }
    if not found:
        return row
    beats = paired(place.name, row.system, IMITATION, {seed: after[seed] for seed in found}, found)
    return replace(row, imitation=mean_of(found), beats=beats)


def _with_vote(row: Row, played: dict[int, Path]) -> Row:
    drawn = {seed: folder.with_name(VOTE) for seed, folder in played.items() if is_done(folder.with_name(VOTE))}
    if not drawn:
        return row
    answers = {seed: read.votes_in(drawn[seed]).affordable(sum(read.tokens(played[seed]))) for seed in drawn}
    voted = {seed: read.votes_in(folder).of(answers[seed]) for seed, folder in drawn.items()}
    return replace(row, vote=mean_of(voted), answers=mean(answers.values()))


def _with_control(row: Row, place: Place, played: dict[int, Path], before: dict[int, read.Scores]) -> Row:
    cells = {seed: folder.with_name(row.system + SHUFFLED) for seed, folder in played.items()}
    found = {seed: read.scores(folder, "evolved") for seed, folder in cells.items() if is_done(folder)}
    if not found:
        return row
    rises = paired(place.name, SHUFFLED, START, found, {seed: before[seed] for seed in found})
    return replace(row, control=mean_of(found), rises=rises)


def source(system: str) -> tuple[str, str]:
    """The system's name and its paper, as the head of its recipe says."""
    text = shipped_recipes()[f"systems/{system}"].read_text()
    said = " ".join(line.removeprefix("# ") for line in text.splitlines() if line.startswith("#"))
    found = re.match(r"(.*?) \([^)]*?arXiv ([\d.]+)\)", said)
    assert found is not None, f"the recipe of {system} begins with its name and (arXiv ...)"
    return found[1], found[2]


def beside_verdicts(system: str) -> list[str]:
    """What a system learns from that the control does not shuffle."""
    recipe = load_recipe(f"systems/{system}")
    pattern, stages = recipe.pattern(), range(max(1, len(recipe.stages)))
    starts = [sum(stage["rounds"] for stage in recipe.stages[:number]) for number in stages]
    samplers = [one for start in starts if (one := recipe.at(start)[0].evolve.sampler) is not None]
    told = [BESIDE[name] for name in sorted(algorithms(recipe)) if name in BESIDE]
    told += [SEARCHES[one.value] for one in samplers if one.search and one.value in SEARCHES]
    told += ["verdicts in the choice of a temperature" for one in samplers if one.temperatures]
    if pattern is not None:
        told += ["the validity of its problems"] * ("creator" in pattern.evolved)
        told += ["verdicts that teach its evaluator"] * ("evaluator" in pattern.evolved)
    return list(dict.fromkeys(told))
