"""AlphaMath: policy and value on one backbone, learned from verdicts alone; the value steers a beam of steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from palaestra.agents.agent import Agent
from palaestra.agents.engine import Sampling
from palaestra.agents.evaluator import load_evaluator
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.pretrained import load_policy
from palaestra.agents.search.agents import TreeSearch
from palaestra.agents.search.beam import StepBeam
from palaestra.agents.search.text import Prefix, Value, lines, stopping_at_lines
from palaestra.agents.search.values import value_head
from palaestra.agents.search.world import Valued
from palaestra.agents.self_consistency import SelfConsistency
from palaestra.arena.measure import by_problem
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Episode
from palaestra.trainers.recipe import load_recipe

from . import runs
from .play import share
from .sign import Claim, Measured, Place, Sign

RECIPE = "signs/alphamath"
TEMPERATURE = 0.6  # of steps and votes, as the paper's; greedy is near 0
GREEDY = 0.01


def _start(place: Place) -> Path:
    return runs.warm(place, RECIPE)


def _trained(place: Place, **changes: Any) -> Path:
    """The policy with its value head after the recipe's rounds, which arms share."""
    start = _start(place)
    name = "-".join(["alphamath", *(f"{key}-{value}" for key, value in changes.items()), start.parents[2].name])

    def make(folder: Path) -> None:
        runs.evolved(replace(place, folder=folder), RECIPE, start, {"evolve": changes})

    return share(place, name, make) / "agents" / "evolved"


def _policy(folder: Path, temperature: float) -> PolicyLLM:
    most = load_recipe(RECIPE).max_answer_tokens
    return load_policy(folder, Sampling(temperature=temperature, max_tokens=most), folder.name)


def _measured(place: Place, agent: Agent) -> Measured:
    """tokens: sampled for the answers."""
    episodes = runs.answers(place, agent, load_recipe(RECIPE))
    return Measured(by_problem(episodes), sum(episode.cost.tokens_out for episode in episodes))


def _greedy(place: Place, **changes: Any) -> Measured:
    return _measured(place, _policy(_trained(place, **changes), GREEDY))


def _greedy_before(place: Place) -> Measured:
    return _measured(place, _policy(_start(place), GREEDY))


def _beam(place: Place, value: Value | None = None) -> Measured:
    value = value or value_head(load_evaluator(_trained(place)))
    world = lines(stopping_at_lines(_policy(_trained(place), TEMPERATURE)), value)
    return _measured(place, TreeSearch(world, StepBeam(1, 5)))


def noise(prefixes: Sequence[Prefix]) -> list[Valued]:
    seeds = (derive_seed("noise", one.dialogue.seed, *one.action_ids) for one in prefixes)
    return [Valued(float(np.random.default_rng(seed).random())) for seed in seeds]


def _vote(place: Place) -> Measured:
    """The majority of 5 answers, or of as many more as the beam's tokens pay for."""
    policy = _policy(_trained(place), TEMPERATURE)
    recipe = load_recipe(RECIPE)
    each = mean(one.cost.tokens_out for one in runs.answers(place, policy, recipe, name="one"))
    beam = TreeSearch(lines(stopping_at_lines(policy), value_head(load_evaluator(_trained(place)))), StepBeam(1, 5))
    paid = mean(one.cost.tokens_out for one in runs.answers(place, beam, recipe, name="beam"))
    k = max(5, math.ceil(1.05 * paid / each))
    found = _measured(place, SelfConsistency(policy, k))
    return Measured(found.scores, found.tokens, {"k": k})


def _ordering(place: Place, **changes: Any) -> Measured:
    """For each right answer of the start's, the share of its wrong ones that are foretold less half-way: AUC."""
    sampled = runs.answers(place, _policy(_start(place), 1.0), load_recipe(RECIPE), samples=2, name="of the start")
    tokens = load_evaluator(_trained(place, **changes)).tokens(*zip(*map(_ids, sampled), strict=True))
    halves = [values[len(values) // 2] for values in tokens]
    right = [next(iter(one.outcome.values())).reward >= 1 for one in sampled]
    wrong = np.array([half for half, is_right in zip(halves, right, strict=True) if not is_right])
    known = zip(sampled, halves, right, strict=True)
    return Measured({one.id: float(np.mean(wrong < half)) for one, half, is_right in known if is_right})


def _ids(episode: Episode) -> tuple[tuple[int, ...], tuple[int, ...]]:
    turn = episode.turns[0]
    return turn.prompt_ids, turn.action_ids


SIGN = Sign(
    name="alphamath",
    block=12,
    title="A value on the policy's backbone steers a beam",
    paper="AlphaMath, arXiv 2405.03553",
    substrate=(
        "ChainArith with sums modulo 5, two or three of them; a nano model that answers at once as often as in steps. "
        "Three rounds of sampled answers; then one greedy answer, SBS(1, 5) by the value at temperature 0.6, and the "
        "majority of so many answers at 0.6, 5 at least, that they have as many tokens as the beam and 5 % more."
    ),
    measure=(
        "held-out problems solved; of the arms with value, of each right answer of the start's to a held-out problem, "
        "the share of its wrong ones that are foretold less half-way: their mean is the AUC"
    ),
    recipes=(RECIPE,),
    arms={
        "start": _greedy_before,
        "greedy": _greedy,
        "verdicts_at_random": partial(_greedy, control="shuffled"),
        "sbs": _beam,
        "sbs_at_random": partial(_beam, value=noise),
        "majority": _vote,
        "value_first": partial(_ordering, rounds=1),
        "value_last": _ordering,
        "value_at_random": partial(_ordering, control="shuffled"),
    },
    claims=(
        Claim("greedy", "start", "greedy answers are right more often after the rounds"),
        Claim("greedy", "verdicts_at_random", "more often than after rounds of shuffled verdicts", smoke=False),
        Claim("verdicts_at_random", "start", "shuffled verdicts help, too", above=False, smoke=False),
        Claim("sbs", "sbs_at_random", "the value steers the beam better than noise does", smoke=False),
        Claim("sbs", "greedy", "SBS(1, 5) is above one greedy answer", smoke=False),
        Claim("sbs", "majority", "SBS(1, 5) is above the majority at equal tokens", smoke=False),
        Claim("value_last", "value_first", "the value tells right from wrong better after more rounds", smoke=False),
        Claim("value_last", "value_at_random", "and better than one of shuffled verdicts", smoke=False),
        Claim("sbs_at_random", "greedy", "a beam steered by noise is above one greedy answer", above=False),
    ),
    chosen=(
        "on seed 100, of five starts (steps alone, or mixed with answers at once), learning rates of 3e-4, 5e-4 and "
        "1e-3, value coefficients of 0.1, 0.5, 1 and 2 and 3 to 16 rounds; on seeds 101 and 102, temperatures of 0.3, "
        "0.6 and 1 of beam and votes; on seed 102, 192 problems and 16 updates a round. In none of these was the beam "
        "above the greedy answer and the votes of the same policy. On seed 101 rounds of shuffled "
        "verdicts helped, too: imitating its own answers, right or not, moves the policy from answers at once to "
        "steps, since the loss is a mean over tokens and steps have more of them."
    ),
    departs=(
        "answers are sampled, not found by tree search, and the value foretells the outcome at every token; its "
        "coefficient is 2, not 0.1, which here left it untrained."
    ),
)
