"""Hindsight for Q-learning: rows of bits that plain Q-learning never brings to their goal."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch

from .dqn import Setting, play, train
from .sign import Claim, Measured, Place, Sign

LONG, SHORT, FEW = 25, 12, 8  # bits: of the claim, of the smoke size, and few enough for plain Q-learning
EPISODES = 800  # times ``longer``


def _arm(place: Place, **changes: Any) -> Measured:
    """The greedy policy on held-out goals, by problem; tokens: steps in the environment."""
    torch.set_num_threads(1)
    bits = SHORT if place.sizes.longer == 1 else LONG
    scores, steps = _solved(place, bits, changes)
    few = _solved(place, FEW, changes)[0] if place.sizes.longer > 1 else {}
    told = {f"{FEW} bits": 100 * float(np.mean(list(few.values())))} if few else {}
    return Measured(scores, steps, told)


def _solved(place: Place, bits: int, changes: dict[str, Any]) -> tuple[dict[str, float], int]:
    learned = train(Setting(bits, EPISODES * place.sizes.longer, **changes), place.seed)
    rng = np.random.default_rng(place.seed)
    played = play(learned.network, bits, range(place.sizes.problems), "test", 0.0, rng)
    won = [float((states[-1] == goal).all()) for states, _, goal in played]
    return {f"{bits} bits, seed {seed}": score for seed, score in enumerate(won)}, learned.steps


SIGN = Sign(
    name="her_bits",
    block=5,
    title="Hindsight experience replay: rows of bits",
    paper="Hindsight experience replay, arXiv 1707.01495, section 3.1",
    substrate=(
        f"BitFlip with {LONG} bits, as many turns, and no reward but at the goal. Deep Q-learning, a network with one "
        f"hidden layer of 256; {EPISODES * 4:,} episodes and 8,000 updates of 128 transitions in every arm. Equal are "
        "the episodes; tokens here are steps in the environment, of which the baselines take more, as their episodes "
        f"do not end early. At smoke size: {SHORT} bits and {EPISODES} episodes."
    ),
    measure="held-out goals that the greedy policy reaches",
    arms={"hindsight": _arm, "plain": partial(_arm, copies=0), "random_goals": partial(_arm, strategy="random")},
    claims=(
        Claim("hindsight", "plain", "hindsight solves 25 bits, where plain Q-learning does not"),
        Claim("hindsight", "random_goals", "the goal must be one that the episode achieved later"),
        Claim("random_goals", "plain", "relabelling with goals of other episodes helps", above=False),
    ),
    chosen=(
        "On seed 100: of 8, 12 and 25 bits; what a cycle leaves of the target network of 0.95 and 0.8, exploration of "
        "0.1 and 0.2, batches of 128 and 256, discount of 0.95 and 0.98. The same settings in all arms. Shuffling the "
        "relabelled rewards was tried as the control first: it reached 45 % of goals of 12 bits and 3 % of 25, and was "
        "given up for random goals, which are the paper's own worst strategy."
    ),
    departs=(
        "A reward of -1 for each step before the goal, as in the paper; the episode ends at the goal. Plain Q-learning "
        f"is shown to learn where it can: with {FEW} bits."
    ),
)
