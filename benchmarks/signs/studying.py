"""A finite set of training problems, and a policy that learns rows made of it for so many tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palaestra.agents.agent import Agent
from palaestra.agents.chat import ChatFormat
from palaestra.agents.checkpoint import save_checkpoint
from palaestra.agents.engine import Sampling
from palaestra.agents.pretrained import load_model, load_policy
from palaestra.agents.scripted import OracleAgent
from palaestra.arena.measure import by_problem
from palaestra.arena.rollout import rollout
from palaestra.arena.run_folder import write_whole
from palaestra.episodes import Episode, views
from palaestra.episodes.views import Encode, Row
from palaestra.trainers.batch import pack
from palaestra.trainers.losses import NLL
from palaestra.trainers.optimise import Schedule, adamw, update
from palaestra.trainers.recipe import Recipe
from palaestra.trainers.rounds import new_job

from . import runs
from .sign import Measured, Place

STEPS = OracleAgent({"steps": 1.0})
POLICY, STUDIED = "policy", "studied.json"


@dataclass(frozen=True, slots=True)
class Studied:
    """A policy that learned.

    tokens: that its updates went through, prompts and all passes counted. passes: over the rows.
    """

    folder: Path
    tokens: int
    passes: float


def answered_set(recipe: Recipe, seed: int, agent: Agent, problems: int, samples: int = 1) -> list[Episode]:
    """An agent's answers to the seed's training problems, at the levels of the warm start: the same for every agent."""
    levels = recipe.warm_start.difficulties
    seeded = runs.changed(recipe, {"seed": seed})
    jobs = [
        new_job(seeded, "set", 0, problem, sample, levels[problem % len(levels)])
        for problem in range(problems)
        for sample in range(samples)
    ]
    return sorted(rollout(agent, jobs, {"phase": "set"}), key=lambda episode: episode.id)


def policy(folder: Path, recipe: Recipe) -> Agent:
    """The policy of a folder, sampling as the recipe does."""
    return load_policy(folder, Sampling(temperature=recipe.temperature, max_tokens=recipe.max_answer_tokens), "policy")


def encode_of(start: Path) -> Encode:
    """Ids of demonstrations, as the policy of a folder reads them."""
    return ChatFormat(load_model(start)[1]).example


def demonstrations(recipe: Recipe, seed: int, problems: int, encode: Encode) -> list[Row]:
    """The oracle's solution to each problem of the set."""
    return views.sft(answered_set(recipe, seed, STEPS, problems), encode).rows


def study(
    folder: Path,
    start: Path,
    rows: Sequence[Row],
    tokens: int,
    *,
    seed: int,
    learning_rate: float,
    batch_size: int = 32,
    reach: bool = False,
) -> Studied:
    """Go through the rows in a drawn order, pass after pass, by NLL, until so many tokens have been read.

    The rate falls with the tokens as a cosine. reach: the last batch takes the tokens to the number given, or just
    beyond it; else the batch that would go beyond is left away. So a baseline that reaches has never less than others.
    """
    model, tokenizer = load_model(start)
    optimizer, schedule = adamw(model), Schedule(learning_rate, warmup=tokens // 50, total=tokens)
    rng, used, seen = np.random.default_rng([seed, len(rows)]), 0, 0
    order: list[int] = []
    while used < tokens:
        while len(order) < batch_size:
            order += rng.permutation(len(rows)).tolist()
        batch = pack([rows[index] for index in order[:batch_size]])
        if used + len(batch) > tokens and not reach:
            break
        update(model, optimizer, batch, NLL(), learning_rate=schedule(used))
        order, used, seen = order[batch_size:], used + len(batch), seen + batch_size
    save_checkpoint(folder, POLICY, model, tokenizer)
    told = Studied(folder / POLICY, used, seen / len(rows))
    write_whole(folder / STUDIED, json.dumps({"tokens": told.tokens, "passes": told.passes}) + "\n")
    return told


def studied_in(folder: Path) -> Studied:
    """What ``study`` left in a folder."""
    return Studied(folder / POLICY, **json.loads((folder / STUDIED).read_text()))


def measured(place: Place, studied: Studied, recipe: Recipe, told: Mapping[str, float] | None = None) -> Measured:
    """What the policy that studied solves of the held-out problems, by one sampled answer each."""
    episodes = runs.answers(place, policy(studied.folder, recipe), recipe)
    length = float(np.mean([episode.cost.tokens_out for episode in episodes]))
    return Measured(
        by_problem(episodes), studied.tokens, {"passes": studied.passes, "answer tokens": length, **(told or {})}
    )
