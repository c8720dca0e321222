"""Perplexity-based pruning: a band of a small reference's perplexities is learned from, against all of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from statistics import mean

import numpy as np

from palaestra.agents.pretrained import load_model
from palaestra.arena.evaluate import held_out, reward
from palaestra.arena.rollout import rollout
from palaestra.episodes.filters import BANDS, by_perplexity, own_perplexities
from palaestra.episodes.views import Row
from palaestra.trainers.batch import pack
from palaestra.trainers.recipe import load_recipe
from palaestra.trainers.reference import logprobs_under

from . import studying
from .play import share
from .runs import warm
from .sign import Claim, Measured, Place, Sign

RECIPE = "signs/perplexity"
SMALL = {"model": {"hidden": 32}}  # the reference
ROWS = 2048  # of the data that is pruned; half as many, drawn alike, are the reference's
TOKENS = 40_000  # that the policy learns from, times the size's ``longer``
REFERENCE = 100_000  # that the reference learns from
PROBLEMS = 8  # that the duplicates repeat
RATE = 1.0e-3
DEV = 200  # problems on which a band is chosen, in no data
KINDS = ("clean", "duplicate", "noise")
# Shares of each kind: in one the least likely rows are noise, in the other there is none and most are said again.
DATA = {"noisy": (0.5, 0.25, 0.25), "repetitive": (0.25, 0.75, 0.0)}


def mixed(place: Place, data: str, size: int, series: int) -> list[tuple[str, Row]]:
    """Rows and the kind of each, drawn anew for each ``series`` but for the few problems that duplicates repeat."""
    recipe = load_recipe(RECIPE)
    encode = studying.encode_of(_start(place))
    counts = [round(share * size) for share in DATA[data]]
    shown = studying.demonstrations(recipe, 1000 * place.seed + series, counts[0] + counts[2], encode)
    easy = studying.demonstrations(recipe, 1000 * place.seed, PROBLEMS, encode)
    clean, other = shown[: counts[0]], shown[counts[0] :]
    rows = [("clean", row) for row in clean]
    rows += [("duplicate", easy[number % PROBLEMS]) for number in range(counts[1])]
    rng = np.random.default_rng([place.seed, series])
    rows += [("noise", row) for row in scrambled(other, rng)]
    order = rng.permutation(len(rows))
    return [rows[index] for index in order]


def scrambled(rows: Sequence[Row], rng: np.random.Generator) -> list[Row]:
    """Each row with the tokens of its answer, all but the end, in a drawn order."""
    made = []
    for row in rows:
        ids, first = row.ids.copy(), int(row.action.argmax())
        ids[first:-1] = rng.permutation(ids[first:-1])
        made.append(replace(row, ids=ids))
    return made


def _start(place: Place, small: bool = False) -> Path:
    return warm(place, RECIPE, SMALL if small else None)


def perplexities(model: Path, rows: Sequence[Row]) -> list[float]:
    """Of each row's answer, as the policy of a folder finds it."""
    batch = pack(rows)
    read = logprobs_under(load_model(model)[0], batch, 8192).split(batch.lengths().tolist())
    return own_perplexities([replace(row, logprobs=one.numpy()) for row, one in zip(rows, read, strict=True)])


@lru_cache(maxsize=len(DATA))
def scored(place: Place, data: str) -> list[tuple[str, Row, float]]:
    """The data that is pruned: kind, row, and its perplexity under a reference that learned from other data alike."""

    def make(folder: Path) -> None:
        rows = [row for _, row in mixed(place, data, ROWS // 2, 1)]
        start = _start(place, small=True)
        studying.study(folder, start, rows, REFERENCE, seed=place.seed, learning_rate=RATE)

    reference = studying.studied_in(share(place, f"perplexity-reference-{data}", make))
    rows = mixed(place, data, ROWS, 2)
    found = perplexities(reference.folder, [row for _, row in rows])
    return [(kind, row, one) for (kind, row), one in zip(rows, found, strict=True)]


def kept(place: Place, data: str, band: str) -> list[tuple[str, Row]]:
    """What is left of the data: a band's half of it, a half drawn at random, or all."""
    found = scored(replace(place, folder=place.runs), data)
    if band == "all":
        return [(kind, row) for kind, row, _ in found]
    if band == "random":
        drawn = np.random.default_rng([place.seed, 3]).permutation(len(found))[: len(found) // 2]
        return [found[index][:2] for index in sorted(drawn)]
    known = {id(row): kind for kind, row, _ in found}  # the same row may be there twice, of the same kind
    view = by_perplexity([row for _, row, _ in found], [one for _, _, one in found], band)
    return [(known[id(row)], row) for row in view.rows]


def learned(place: Place, data: str, band: str) -> tuple[studying.Studied, dict[str, float]]:
    """The policy after so many tokens of what is left, made once; and the shares of each kind in that."""
    tokens, left = TOKENS * place.sizes.longer, kept(place, data, band)

    def make(folder: Path) -> None:
        rows, reach = [row for _, row in left], band in ("all", "random")
        studying.study(folder, _start(place), rows, tokens, seed=place.seed, learning_rate=RATE, reach=reach)

    kinds = {kind: mean(kind == one for one, _ in left) for kind in KINDS}
    return studying.studied_in(share(place, f"perplexity-{data}-{band}-{tokens}", make)), kinds


def _band(place: Place, data: str, band: str) -> Measured:
    studied, kinds = learned(place, data, band)
    return studying.measured(place, studied, load_recipe(RECIPE), kinds)


def _chosen(place: Place, data: str) -> Measured:
    """The band whose policy solves most problems of a series that is neither learned from nor asked in the end."""
    found = {band: _on_others(place, learned(place, data, band)[0]) for band in BANDS}
    told = _band(place, data, max(BANDS, key=found.__getitem__))
    return replace(told, told={**told.told, **{f"{band}, on others": value for band, value in found.items()}})


def _on_others(place: Place, studied: studying.Studied) -> float:
    recipe = load_recipe(RECIPE)
    where = recipe.env_id, recipe.env_kwargs
    exam = rollout(studying.STEPS, held_out(*where, recipe.evaluation.difficulties, place.sizes.problems))
    asked = {one.turns[0].observation for one in exam}
    jobs = held_out(*where, recipe.evaluation.difficulties[-1:], DEV, seed=1)  # levels below have few problems
    others = [
        one for one in rollout(studying.policy(studied.folder, recipe), jobs) if one.turns[0].observation not in asked
    ]
    return mean(map(reward, others))


def _unlearned(place: Place) -> Measured:
    return studying.measured(place, studying.Studied(_start(place), 0, 0), load_recipe(RECIPE))


ARMS = {"start": _unlearned}
ARMS |= {f"{data}: {band}": partial(_band, data=data, band=band) for data in DATA for band in (*BANDS, "all", "random")}
ARMS |= {f"{data}: chosen": partial(_chosen, data=data) for data in DATA}

SIGN = Sign(
    name="perplexity",
    block=6,
    title="Data pruned by a small reference's perplexity",
    paper="Perplexed by Perplexity, arXiv 2405.20541",
    substrate=(
        "ChainArith with sums modulo 5, levels 2 and 3. Two sets of 2,048 demonstrations: in `noisy` a quarter "
        "are eight problems said again and again and a quarter are solutions with their tokens in a drawn order; "
        "in `repetitive` three quarters are those eight problems, and nothing is noise. A reference of half the "
        "policy's width learns from 1,024 other rows mixed alike, and half of the set is kept: its low, medium or "
        "high band, or a random half. Equal: the tokens that the policy's updates go through, prompts and all "
        "passes counted; all and random never have less."
    ),
    measure="held-out problems that one sampled answer solves",
    recipes=(RECIPE,),
    arms=ARMS,
    claims=(
        Claim("noisy: chosen", "noisy: all", "with noise, the band chosen on other problems beats all of the data"),
        Claim("noisy: medium", "noisy: random", "with noise, the medium band beats a random half"),
        Claim("noisy: medium", "noisy: high", "with noise, the medium band beats the high one"),
        Claim("noisy: medium", "noisy: low", "with noise, the medium band beats the low one", smoke=False),
        Claim("repetitive: chosen", "repetitive: all", "with repetition alone, the band chosen beats all", smoke=False),
        Claim(
            "repetitive: high",
            "repetitive: random",
            "with repetition alone, the high band beats a random half",
            smoke=False,
        ),
        Claim("noisy: random", "noisy: all", "with noise, a random half beats all of the data", above=False),
        Claim("repetitive: random", "repetitive: all", "with repetition alone, a random half beats all", above=False),
    ),
    chosen=(
        "on seeds 100 and 101. Noise was first the solutions of other problems, which so weak a reference does "
        "not tell from right ones; then levels 1 and 2, whose problems are so few that none is new; then "
        "repetition in half of `repetitive`, where the high band was 5 points and 0 points above all of the data."
    ),
    departs=(
        "the policy begins from a short warm start, not from nothing; of a row the answer's perplexity counts, "
        "given the question; the band is chosen on problems of level 3 that are neither learned from nor asked in "
        "the end, each band's policy having learned in full."
    ),
)
