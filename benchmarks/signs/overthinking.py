"""Overthinking: a model that solves each problem several times over is taught to stop sooner."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

from palaestra.agents.chat import ChatFormat
from palaestra.agents.checkpoint import save_checkpoint
from palaestra.agents.engine import Sampling
from palaestra.agents.pretrained import load_model, load_policy
from palaestra.agents.scripted import OracleAgent
from palaestra.arena.environments import Environments
from palaestra.arena.evaluate import problem_key
from palaestra.arena.measures import Solution, outcome_efficiency, process_efficiency, solutions
from palaestra.arena.rollout import rollout
from palaestra.arena.run_folder import write_whole
from palaestra.episodes import Episode, EpisodeStore, choices, shortening, views
from palaestra.episodes.views import Row
from palaestra.trainers.losses import NLL, SimPO
from palaestra.trainers.recipe import Recipe, load_recipe
from palaestra.trainers.reward_model import fit
from palaestra.trainers.rounds import new_job
from palaestra.verifiers import Status, Verdict

from . import runs
from .play import share
from .sign import Claim, Measured, Place, Sign

RECIPE = "signs/overthinking"
SAMPLES = 10  # answers to a problem, of which shorter ones are made
LESS, POINT = 0.3, 0.01  # fewer tokens by this share, at least; less accuracy by this much, at most
LONG_RATE, SHORT_RATE, BATCH = 2e-3, 1.5e-4, 32
EPOCHS = 4  # over pairs
Views = Callable[[Sequence[Episode], Sequence[Row], ChatFormat], list[Row]]


def _cut(keep: shortening.Keep, episodes: Sequence[Episode], rows: Sequence[Row], chat: ChatFormat) -> list[Row]:
    with Environments() as environments:

        def judge(episode: Episode, text: str) -> Verdict:
            task = environments.task(episode.env_id, episode.env_kwargs, episode.seed)
            verdict: Verdict = task.verify(episode.problem, text)
            return verdict

        short = shortening.shortened(episodes, judge, chat.text, [chat.end], keep)
    return shortening.shortened_and_longest(short.rows, rows).rows


def _in_any_order(rows: Sequence[Row]) -> views.View:
    """A pair for each group: its first right answer, preferred to its second: lengths say nothing here."""
    right = choices.by_group(choices.solved(rows).rows).values()
    pairs = [(replace(group[0], label=1), replace(group[1], label=-1)) for group in right if len(group) > 1]
    return views.View([row for pair in pairs for row in pair])


def _of(choose: Callable[[Sequence[Row]], views.View]) -> Views:
    return lambda episodes, rows, chat: choose(rows).rows


# What each policy learns from the long thinker's answers.
LEARNED: dict[str, Views] = {
    "shortest": _of(choices.shortest_and_longest),
    "imitated": _of(choices.shortest),
    "first": partial(_cut, shortening.first_right),
    "reflection": partial(_cut, shortening.first_right_and_reflection),
    "diverse": partial(_cut, shortening.greedily_diverse),
    "any": _of(_in_any_order),
}


def _long_thinker(place: Place) -> Path:
    """The folder of a model that solves in lines, and was then shown long answers."""
    recipe, start = load_recipe(RECIPE), runs.warm(place, RECIPE)

    def make(folder: Path) -> None:
        model, tokenizer = load_model(start)
        levels, count = recipe.warm_start.difficulties, 1024
        jobs = [new_job(_seeded(recipe, place), "long", 0, n, 0, levels[n % len(levels)]) for n in range(count)]
        shown = views.sft(rollout(OracleAgent({"long": 1.0}), jobs, {}, 32), ChatFormat(tokenizer).example).rows
        fit(
            model,
            shown,
            NLL(),
            epochs=2 + 2 * place.sizes.longer,
            batch_size=BATCH,
            learning_rate=LONG_RATE,
            seed=place.seed,
        )
        save_checkpoint(folder, "policy", model, tokenizer)

    return share(place, "overthinking-thinker", make) / "policy"


def _seeded(recipe: Recipe, place: Place) -> Recipe:
    return runs.changed(recipe, {"seed": place.seed})


def _sampling(recipe: Recipe) -> Sampling:
    return Sampling(temperature=recipe.temperature, max_tokens=recipe.max_answer_tokens)


def _sampled(place: Place) -> list[Episode]:
    """The long thinker's answers to problems of the train split, ten to each: all that the policies learn from."""
    recipe, long = load_recipe(RECIPE), _long_thinker(place)

    def make(folder: Path) -> None:
        levels = recipe.warm_start.difficulties
        jobs = [
            new_job(_seeded(recipe, place), "evolve", 0, problem, number, levels[problem % len(levels)])
            for problem in range(24 * (1 + place.sizes.longer))
            for number in range(SAMPLES)
        ]
        episodes = sorted(rollout(load_policy(long, _sampling(recipe), "long"), jobs), key=lambda one: one.id)
        EpisodeStore(folder / "episodes").append(episodes, "sampled")

    store = EpisodeStore(share(place, "overthinking-sampled", make) / "episodes")
    return store.named("sampled")


def _figures(place: Place, policy: str) -> dict[str, Any]:
    """What a policy came to on problems held out, by problem, and what it took: made once, read by its arms."""

    def make(folder: Path) -> None:
        recipe = load_recipe(RECIPE)
        tokens, agent_folder = (0, _long_thinker(place)) if policy == "long" else _taught(place, policy, folder)
        held = Place(place.runs, folder, place.seed, place.sizes)
        agent = load_policy(agent_folder, _sampling(recipe), policy)
        episodes = runs.answers(held, agent, recipe, samples=2)
        write_whole(folder / "figures.json", json.dumps({"tokens": tokens, **_measured(episodes)}))

    made = share(place, f"overthinking-{policy}", make)
    figures: dict[str, Any] = json.loads((made / "figures.json").read_text())
    return figures


def _taught(place: Place, policy: str, folder: Path) -> tuple[int, Path]:
    """The tokens that were sampled and learned from, and the folder of the policy."""
    episodes = _sampled(place)
    model, tokenizer = load_model(_long_thinker(place))
    chat, answers = ChatFormat(tokenizer), views.groups(episodes).rows
    rows = LEARNED[policy](episodes, answers, chat)
    each, epochs = runs.read(rows), EPOCHS
    if policy == "imitated":  # as many tokens as the preference for the same answers, or more
        epochs = math.ceil(EPOCHS * runs.read(LEARNED["shortest"](episodes, answers, chat)) / each)
    objective = NLL() if policy == "imitated" else SimPO(beta=2.0, gamma=1.0)
    fit(model, rows, objective, epochs=epochs, batch_size=BATCH, learning_rate=SHORT_RATE, seed=place.seed)
    sampled = sum(episode.cost.tokens_out for episode in episodes)
    return sampled + epochs * each, save_checkpoint(folder, "policy", model, tokenizer)


def _measured(episodes: Sequence[Episode]) -> dict[str, Any]:
    """By problem, over its answers: tokens, accuracy, xi_O; over all: what is told beside."""
    groups: dict[str, list[Episode]] = {}
    for episode in episodes:
        groups.setdefault(problem_key(episode), []).append(episode)
    with Environments() as environments:
        parts = {key: [_solutions(environments, episode) for episode in group] for key, group in groups.items()}
    right = {key: mean(map(_right, group)) for key, group in groups.items()}
    hardest = max(episode.reset_options["difficulty"] for episode in episodes)
    hard = [_right(episode) for episode in episodes if episode.reset_options["difficulty"] == hardest]
    every = [one for group in parts.values() for one in group]
    tokens = {key: mean(episode.cost.tokens_out for episode in group) for key, group in groups.items()}
    told = {
        "tokens an answer": mean(tokens.values()),
        "solutions an answer": mean(map(len, every)),
        "right, %": 100 * mean(right.values()),
        "right on the harder half, %": 100 * mean(hard),
        "xi_O, %": 100 * outcome_efficiency(every),
        "xi_P, %": 100 * process_efficiency(every),
    }
    efficient = {key: outcome_efficiency(group) for key, group in parts.items()}
    return {"spent": tokens, "right": right, "efficient": efficient, "told": told}


def _right(episode: Episode) -> float:
    return float(all(outcome.status is Status.RIGHT for outcome in episode.outcome.values()))


def _solutions(environments: Environments, episode: Episode) -> list[Solution]:
    (turn,) = episode.turns
    task = environments.task(episode.env_id, episode.env_kwargs, episode.seed)
    if not turn.text.strip():
        return [Solution(1, Status.WRONG, ())]

    def verify(text: str) -> Verdict:
        verdict: Verdict = task.verify(episode.problem, text)
        return verdict

    return solutions(turn.text, turn.solution_spans, verify, len, shortening.words)


def _arm(policy: str, measure: str, place: Place, off: float = 0.0) -> Measured:
    figures = _figures(place, policy)
    scores: Mapping[str, float] = figures.get(measure, {})
    if measure == "spared":  # the share of the long thinker's mean that an answer does without
        usual = mean(_figures(place, "long")["spent"].values())
        scores = {key: 1 - spent / usual for key, spent in figures["spent"].items()}
    return Measured({key: score + off for key, score in scores.items()}, figures["tokens"], figures["told"])


SIGN = Sign(
    name="overthinking",
    block=17,
    title="Shorter answers made of long ones",
    paper="Do not think that much for 2+3, arXiv 2412.21187",
    substrate="ChainArith of one and two sums modulo 5, a nano model that writes lines, and was then shown answers of "
    "one to five solutions, the first in lines, the others in lines or the answer alone. Ten of its answers to each of "
    "120 problems are all that every policy learns from, off-line. Preferences are learned by SimPO against the "
    "longest right answer: for the shortest right answer (`shortest`), for the shortest that is cut behind its first "
    "right solution (`first`), behind its second (`reflection`), or to solutions of new kinds (`diverse`). `imitated` "
    "imitates the same answers as `shortest`, with as many tokens or more. `any` prefers the first right answer "
    "sampled to the second, whatever their lengths.",
    measure="`spared`: tokens that an answer does without, as a share of the long thinker's mean; `right`: accuracy; "
    "`xi_O`: the share of the answer that its first right solution took. `long, 30 % off` and `long, a point off` are "
    "the long thinker's own figures moved by that much, which is what is to be beaten",
    recipes=(RECIPE,),
    arms={
        **{f"{policy}, spared": partial(_arm, policy, "spared") for policy in LEARNED},
        "long, 30 % off": partial(_arm, "long", "spared", off=LESS),
        "reflection, xi_O": partial(_arm, "reflection", "efficient"),
        "long, xi_O": partial(_arm, "long", "efficient"),
        "reflection, right": partial(_arm, "reflection", "right"),
        "long, a point off": partial(_arm, "long", "right", off=-POINT),
    },
    claims=(
        Claim("reflection, spared", "long, 30 % off", "first right solution and reflection: over 30 % fewer tokens"),
        Claim("reflection, xi_O", "long, xi_O", "more of an answer is needed (xi_O)"),
        Claim("reflection, right", "long, a point off", "less than a point of accuracy is lost"),
        Claim(
            "shortest, spared",
            "imitated, spared",
            "SimPO shortens more than imitation of the same answers",
            smoke=False,
        ),
        Claim("first, spared", "reflection, spared", "without reflection answers are shorter still", smoke=False),
        Claim("any, spared", "long, 30 % off", "preferring right answers of any length spares as much", above=False),
    ),
    chosen="on seed 100: how the long thinker is shown (all long from the start; ever more of them; and, chosen, lines "
    "first and then some thousand long answers), and the rate of what follows (3e-4, at which accuracy fell, 1.5e-4).",
    departs="a token of xi_O is a character; a solution is of another kind when its text differs.",
)
