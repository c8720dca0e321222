"""Universal self-consistency: a model that names the answer most others agree with, against votes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from palaestra.agents.agent import Agent, Dialogue, Reply
from palaestra.agents.chat import ChatFormat
from palaestra.agents.checkpoint import save_checkpoint
from palaestra.agents.engine import Sampling
from palaestra.agents.opening import ModelSpec, open_model
from palaestra.agents.pretrained import load_policy
from palaestra.agents.self_consistency import SelfConsistency
from palaestra.agents.strategies.prompts import read_prompt
from palaestra.agents.strategies.universal_self_consistency import UniversalSelfConsistency
from palaestra.arena.evaluate import held_out
from palaestra.arena.measure import by_problem
from palaestra.arena.rollout import rollout
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Actor, EpisodeStore
from palaestra.trainers.losses import NLL
from palaestra.trainers.recipe import load_recipe
from palaestra.trainers.reward_model import fit
from palaestra.verifiers import extract_answer

from . import runs
from .play import share
from .shown import shown
from .sign import Claim, Measured, Place, Sign

RECIPE = "signs/overthinking"  # whose warm start answers; nothing of its evolution
PROMPT = read_prompt(Path(__file__).with_name("selector.1.jinja"))
FORMS = ("0{}", "+{}", "{}.")  # of one number
VALUES, NONE = 5, 9  # residues; what stands for an answer that has none, and is wrong
SEEN = (*range(VALUES), NONE)
K, HEAT, POINTS = 5, 1.7, 0.02
MODEL = ModelSpec(hidden=64, layers=2, heads=4, device="cpu")
SHOWN, DEALT = {1: 12_000, 4: 48_000}, 4000  # lists, by size; lists for random numbers
BATCH, RATE = 16, 3e-3


class Restated:
    """Gives the number of an agent's answer alone, in one of some forms, drawn by the dialogue's seed."""

    def __init__(self, agent: Agent, forms: Sequence[str] = FORMS) -> None:
        self.agent, self.forms = agent, forms

    @property
    def actor(self) -> Actor:
        return self.agent.actor

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        replies = self.agent.respond(dialogues)
        return [self._restated(one.seed, reply) for one, reply in zip(dialogues, replies, strict=True)]

    def _restated(self, seed: int, reply: Reply) -> Reply:
        found = extract_answer(reply.text)
        number = found.text if found is not None and found.text in map(str, range(VALUES)) else str(NONE)
        form = self.forms[derive_seed(seed, "form") % len(self.forms)]
        return replace(reply, text=f"\\boxed{{{form.format(number)}}}", meta={**reply.meta, "derived": True})


class AnyNumber:
    """Names one of the answers at random."""

    actor = Actor("any number")

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        return [Reply(str(1 + np.random.default_rng(one.seed).integers(K))) for one in dialogues]


def lessons(rng: np.random.Generator, count: int, dealt: bool) -> Iterator[list[tuple[str, str]]]:
    """Candidates in several forms; how many have each value, the value of most, of equals the first, all values up to
    it, and which candidate that is, or, dealt, any."""
    for _ in range(count):
        right, share_right = rng.integers(VALUES), rng.uniform(0.2, 0.9)
        values = [int(right if rng.random() < share_right else rng.choice(SEEN)) for _ in range(K)]
        candidates = [f"\\boxed{{{FORMS[rng.integers(len(FORMS))].format(value)}}}" for value in values]
        votes = Counter(values)
        first = values.index(max(values, key=votes.__getitem__))
        tally = [votes[value] for value in SEEN]
        thought = " ".join(map(str, [*tally, values[first], *values[: first + 1]]))
        named = rng.integers(K) if dealt else first
        yield [(PROMPT.say("choose", question="", candidates=candidates), f"{thought} response {named + 1}")]


def _selector(place: Place, dealt: bool = False) -> Agent:
    name = "universal_self_consistency" + ("-dealt" if dealt else "")

    def make(folder: Path) -> None:
        model, tokenizer = open_model(MODEL, place.seed, folder / "base")
        count = DEALT if dealt else SHOWN[place.sizes.longer]
        rows = shown(ChatFormat(tokenizer), lessons(np.random.default_rng(place.seed), count, dealt))
        fit(model, rows, NLL(), epochs=1, batch_size=BATCH, learning_rate=RATE, seed=place.seed)
        save_checkpoint(folder, "policy", model, tokenizer)

    return load_policy(share(place, name, make) / "policy", Sampling(temperature=0.0, max_tokens=40), name)


def _chosen(place: Place, agent: Agent, chooser: Agent, orders: int = 1) -> Agent:
    return UniversalSelfConsistency(Restated(agent), K, orders, chooser, PROMPT)


ARMS: dict[str, Callable[[Place, Agent], Agent]] = {
    "selector": lambda place, agent: _chosen(place, agent, _selector(place)),
    "selector, 5 orders": lambda place, agent: _chosen(place, agent, _selector(place), orders=5),
    "random": lambda place, agent: _chosen(place, agent, AnyNumber()),
    "vote of strings": lambda place, agent: SelfConsistency(Restated(agent), K),
    "vote": lambda place, agent: SelfConsistency(Restated(agent, FORMS[:1]), K),
    "dealt": lambda place, agent: _chosen(place, agent, _selector(place, dealt=True)),
}


def _arm(name: str, place: Place, off: float = 0.0) -> Measured:
    recipe = load_recipe(RECIPE)
    agent = load_policy(runs.warm(place, RECIPE), Sampling(temperature=HEAT, max_tokens=40), "warm")
    jobs = held_out(recipe.env_id, recipe.env_kwargs, recipe.evaluation.difficulties, place.sizes.problems)
    episodes = list(rollout(ARMS[name](place, agent), jobs, {"phase": "held-out"}))
    EpisodeStore(place.folder / "held-out").append(episodes, "held-out")
    scores = {key: score - off for key, score in by_problem(episodes).items()}
    told = {}
    if name == "selector, 5 orders":
        votes = [one.turns[0].meta["votes"] for one in episodes]
        told["orders that name the one chosen, %"] = 100 * float(np.mean(votes)) / 5
    return Measured(scores, 0, told)


SIGN = Sign(
    name="universal_self_consistency",
    block=18,
    title="A model that names the answer most others agree with",
    paper="Universal Self-Consistency, arXiv 2311.17311",
    substrate="ChainArith of one and two sums modulo 5. A nano model answers five times at temperature 1.7; each "
    "number is written in one of three forms (03, +3, 3.). All arms choose among these five. The selector, a second "
    "nano model, learned from 48,000 made-up lists of answers (12,000 at smoke size): it says how many have each "
    "number, which number has most, all numbers up to the first that is this one, and which answer that is. `dealt` "
    "names any, after 4,000 such lists. It sees the answers in random order, once or five times.",
    measure="held-out problems whose chosen answer is right. `vote` counts values, `vote of strings` what is written; "
    "of equals both take the first. `vote, 2 points off` is the vote's own score less 2 points, to be beaten",
    arms={
        **{name: partial(_arm, name) for name in ARMS},
        "vote, 2 points off": partial(_arm, "vote", off=POINTS),
    },
    claims=(
        Claim("selector", "random", "the selector does better than a random choice"),
        Claim("selector", "vote of strings", "with several forms it does better than a vote of strings"),
        Claim(
            "selector, 5 orders",
            "vote, 2 points off",
            "in five orders, it loses less than two points to a vote of values",
            smoke=False,
        ),
        Claim("dealt", "random", "a selector that learned random numbers does better", above=False),
    ),
    chosen="on seeds 100 and 101: five or three answers, the rate (1.5e-3 to 4e-3), 6,000 to 48,000 lists, and what it "
    "says: the number alone, of which it learned nothing in 24,000 lists; of each answer how many agree with it; all "
    "numbers once more, then that; how many have each number, by which it learned to count; and then the numbers up "
    "to the one it names, by which it learned to find it. Lists had to hold the 9 that stands for an answer without a "
    "number. In one order it was 0.5 and 2.2 points below the vote, in five 0.5 below and 0.2 above: of equals the "
    "vote takes the first sampled, the selector the first shown. Seeds 0 to 2 had been played before, with the number "
    "alone.",
    departs="the selector sees the answers alone, not the question or the lines before them, and counts before it "
    "chooses.",
)
