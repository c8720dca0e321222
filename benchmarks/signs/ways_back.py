"""RevThink where answers hold facts that are asked for in both directions: does a way back teach what leads there?"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from palaestra.agents.chat import ChatFormat
from palaestra.agents.checkpoint import save_checkpoint
from palaestra.agents.engine import Sampling
from palaestra.agents.opening import ModelSpec, open_model
from palaestra.agents.pretrained import load_policy
from palaestra.agents.scripted import OracleAgent
from palaestra.arena.measure import by_problem
from palaestra.arena.rollout import Job, rollout
from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import sample_problem
from palaestra.episodes.corrections import turned_round
from palaestra.episodes.views import Row
from palaestra.trainers.losses import NLL
from palaestra.trainers.reward_model import fit

from . import studying
from .play import share
from .revthink import KINDS, studied
from .runs import answers_of
from .shown import shown
from .sign import Claim, Measured, Place, Sign
from .streets import Streets

MODEL = ModelSpec(hidden=64, layers=2, heads=4, device="cpu")
STREETS = (2, 3)  # of a problem
SHOWN, BATCH = 2048, 16  # problems of other towns
PROBLEMS = 192  # of training
TOKENS = {"smoke": 360_000, "claim": 720_000}
RATE = 3e-3
LONGEST = 24  # tokens of an answer


def _start(place: Place) -> Path:
    """A model that was shown ways through other towns: it knows how they are written, and no street."""

    def make(folder: Path) -> None:
        model, tokenizer = open_model(MODEL, place.seed, folder / "base")
        task, seed, rng = Streets(), derive_seed("towns shown", place.seed), np.random.default_rng(0)
        problems = [sample_problem(task, derive_seed(seed, n), STREETS[n % 2], "train") for n in range(SHOWN)]
        rows = shown(ChatFormat(tokenizer), [[(one.prompt, task.solve(one, rng))] for one in problems])
        fit(model, rows, NLL(), epochs=1, batch_size=BATCH, learning_rate=RATE, seed=place.seed)
        save_checkpoint(folder, "policy", model, tokenizer)

    return share(place, "ways-back-start", make) / "policy"


def _sources(place: Place) -> list[list[Row]]:
    """Of each problem of the set its answer, its backward question, and the answer to that."""
    knobs = {"town": place.seed}
    jobs = [
        Job(
            id=f"set/{number:05d}",
            env_id=Streets.id,
            env_kwargs={**knobs, "one_way": True, "split": "train"},
            seed=derive_seed("set", place.seed, number),
            group_id=f"set/{number:05d}",
            reset_options={"difficulty": STREETS[number % len(STREETS)]},
            agent_seed=0,
        )
        for number in range(PROBLEMS)
    ]
    answered = sorted(rollout(OracleAgent(), jobs, {"phase": "set"}), key=lambda one: one.id)
    rows = turned_round(answered, lambda one: Streets(**knobs), studying.encode_of(_start(place))).rows
    return [rows[task::3] for task in range(3)]


def _arm(place: Place, kind: str) -> Measured:
    learned = studied(place, kind, _start(place), _sources(place), TOKENS[place.sizes.name], RATE)
    return _measured(place, learned)


def _measured(place: Place, learned: studying.Studied) -> Measured:
    agent = load_policy(learned.folder, Sampling(temperature=1.0, max_tokens=LONGEST), "policy")
    episodes = answers_of(place, agent, Streets.id, {"town": place.seed}, STREETS)
    return Measured(by_problem(episodes), learned.tokens, {"passes": learned.passes})


SIGN = Sign(
    name="ways_back",
    block=15,
    title="Backward questions, where facts are asked for both ways",
    paper="RevThink, arXiv 2411.19865",
    substrate=(
        "A town of twenty places: from each, streets lead N and E to others, and S and W back. A question gives a "
        "place and a way of two or three streets, but no street (`From d go N E`); an answer goes them one by one "
        "(`dN=k`, `kE=b`). A nano model is shown ways through 2,048 other towns, so it knows how answers are written "
        "and no street; then it learns of 192 training problems, in which each street is gone in one direction only. "
        "Backward, the place is given where the way leads, and the way back. Held-out problems go streets in both "
        "directions. Equal: the tokens that updates go through, prompts and all passes counted; forward answers alone "
        "never have less. As often: forward answers alone, for the passes over them that all three tasks leave."
    ),
    measure="held-out forward problems that one sampled answer solves",
    arms={kind: partial(_arm, kind=kind) for kind in KINDS},
    claims=(
        Claim("all", "forward", "all three tasks beat forward answers alone"),
        Claim("all", "question", "all three beat forward answers and backward questions"),
        Claim("question", "forward", "forward answers and backward questions beat forward answers", smoke=False),
        Claim("backward", "start", "answers to backward questions alone beat the start", smoke=False),
        Claim("all", "shuffled", "all three beat those with other problems' backward parts"),
        Claim("shuffled", "forward", "other problems' backward parts beat forward answers alone", above=False),
    ),
    chosen=(
        "on seed 100. Tried: 24 to 96 problems that go streets either way, in towns of 20 and 60 places: ways were "
        "learned by heart as wholes, and no arm solved more than one in seven; rates of 0.001 and 0.003, and 240,000 "
        "tokens at which all three tasks were 4 points above forward answers alone. With 360,000 they were 40 above; "
        "with 720,000, as taken, 62, and on seeds 101 and 102 48 and 64."
    ),
    departs=(
        "the task makes what a teacher writes, and certifies it in place of a judge. That training problems leave out "
        "one direction of each street is what makes backward answers tell something new; where they tell nothing new "
        "(the sign of chains) they do not help."
    ),
)
