"""CLoud: a judge that writes a critique and then scores, against one that scores at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from palaestra.agents.engine import Sampling
from palaestra.agents.evaluator import BestOfN, Scorer, add_value_head, new_evaluator
from palaestra.agents.judges import CRITIQUE, CritiqueJudge, encoded, load_judge, save_judge
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.pretrained import load_model, load_policy
from palaestra.arena.evaluate import held_out
from palaestra.arena.measure import by_problem
from palaestra.arena.rollout import rollout
from palaestra.arena.worth import ordered
from palaestra.episodes import EpisodeStore, choices, views
from palaestra.episodes.views import Row, followed
from palaestra.trainers.critiques import LANGUAGE_WEIGHT, marks, train_cloud
from palaestra.trainers.forward import forward_critique
from palaestra.trainers.losses import NLL, BradleyTerry, Joint
from palaestra.trainers.recipe import load_recipe
from palaestra.trainers.reward_model import EVALUATORS, Told, fit, quiet, train_evaluator

from . import runs
from .play import share
from .sign import Arm, Claim, Measured, Place, Sign

RECIPE = "signs/cloud"
KNOWN, HARDER = (2,), (3,)  # levels: how many sums
PROBLEMS, SAMPLES = {1: 40, 4: 200}, 6  # learned from
EPOCHS, RATE, BATCH = 6, 1e-3, 32
BEST_OF = 16
TEMPERATURE = 1.3  # of the answers: the policy slips where it knows better


def _policy(place: Place) -> PolicyLLM:
    sampling = Sampling(temperature=TEMPERATURE, max_tokens=load_recipe(RECIPE).max_answer_tokens)
    return load_policy(runs.warm(place, RECIPE), sampling, "warm")


def _rows(place: Place, split: str, levels: tuple[int, ...], problems: int) -> list[Row]:
    """The start's answers to problems, each of their steps judged; sampled once a seed."""
    recipe, policy = load_recipe(RECIPE), _policy(place)
    jobs = held_out(recipe.env_id, recipe.env_kwargs, levels, problems, place.seed + 1, SAMPLES)
    jobs = [replace(job, env_kwargs={**job.env_kwargs, "split": split}) for job in jobs]
    levelled = "-".join(map(str, levels))
    name = f"cloud-{split}-{levelled}-{problems}-{runs.warm(place, RECIPE).parents[2].name}"

    def make(folder: Path) -> None:
        EpisodeStore(folder / "answers").append(list(rollout(policy, jobs, {"phase": "evolve"})), "answers")

    episodes = EpisodeStore(share(place, name, make) / "answers").named("answers")
    return views.groups(episodes, decode=policy.chat.text).rows


def _train(place: Place) -> list[Row]:
    return choices.decided(_rows(place, "train", KNOWN, PROBLEMS[place.sizes.longer])).rows


def _dealt(place: Place, rows: list[Row]) -> list[Row]:
    """The verdicts on steps and answers, dealt out at random."""
    rng = np.random.default_rng(place.seed)
    given = [row.token_rewards for row in rows]
    pool = np.concatenate([one[~np.isnan(one)] for one in given if one is not None])
    rng.shuffle(pool)
    dealt, order = [], rng.permutation(len(rows))
    for row, one, other in zip(rows, given, order, strict=True):
        if one is not None:
            judged = ~np.isnan(one)
            one = one.copy()
            one[judged], pool = pool[: judged.sum()], pool[judged.sum() :]
        dealt.append(replace(row, token_rewards=one, reward=rows[other].reward))
    return dealt


def _tokens(place: Place, rows: list[Row]) -> tuple[int, int]:
    """What CLoud goes through in an epoch of each stage, critiques as long as the oracle's; and pairs without them."""
    tokenizer = load_model(runs.warm(place, RECIPE))[1]
    pairs = choices.opposed(rows).rows
    asked = len(encoded(tokenizer, CRITIQUE)) + 1
    long = sum(len(row.ids) + asked + len(encoded(tokenizer, marks(row))) for row in [*rows, *pairs])
    return long, sum(len(row.ids) for row in pairs)


Judged = Callable[[Place], tuple[Scorer, int]]


def _critic(name: str, on_policy: bool = True, dealt: bool = False) -> Judged:
    def judged(place: Place) -> tuple[Scorer, int]:
        rows = _dealt(place, _train(place)) if dealt else _train(place)

        def train() -> Scorer:
            start, options = load_model(runs.warm(place, RECIPE)), {"epochs": EPOCHS, "learning_rate": RATE}
            taught = train_cloud if on_policy else _off_policy
            return taught(*start, rows, quiet, batch_size=BATCH, seed=place.seed, **options)

        return _made(place, name, train), EPOCHS * _tokens(place, rows)[0]

    return judged


def _off_policy(model: Any, tokenizer: Any, rows: list[Row], told: Told, **options: Any) -> CritiqueJudge:
    """As ``train_cloud``, but pairs are scored behind the oracle's critiques, not behind the model's own."""
    asked, end = encoded(tokenizer, CRITIQUE), [tokenizer.eos_token_id]

    def shown(rows: list[Row]) -> list[Row]:
        return [followed(row, asked, [*encoded(tokenizer, marks(row)), *end]) for row in rows]

    fit(model, shown(rows), NLL(), told, **options)
    add_value_head(model)
    scored = Joint(BradleyTerry(), NLL(), LANGUAGE_WEIGHT)
    fit(model, shown(choices.opposed(rows).rows), scored, told, read=forward_critique, **options)
    return CritiqueJudge(model, tokenizer)


def _classic(place: Place) -> tuple[Scorer, int]:
    """As many epochs as make it no fewer tokens than CLoud's two stages."""
    rows = _train(place)
    long, short = _tokens(place, rows)
    epochs = math.ceil(EPOCHS * long / short)

    def train() -> Scorer:
        judge = new_evaluator(runs.warm(place, RECIPE))
        options = {"epochs": epochs, "batch_size": BATCH, "learning_rate": RATE, "seed": place.seed}
        train_evaluator(judge, rows, lambda row: [], EVALUATORS["bradley_terry"], **options)
        return judge

    return _made(place, "classic", train), epochs * short


def _made(place: Place, name: str, train: Callable[[], Scorer]) -> Scorer:
    """A judge that is trained once a seed."""
    whole = f"cloud-{name}-{place.sizes.name}-{runs.warm(place, RECIPE).parents[2].name}"
    return load_judge(share(place, whole, lambda folder: save_judge(train(), folder / "judge") and None) / "judge")


def _pairs(judged: Judged) -> Arm:
    """By problem, the share of pairs in the right order, of longer problems than the judge learned from."""

    def arm(place: Place) -> Measured:
        judge, tokens = judged(place)
        harder = ordered(judge, _rows(place, "test", HARDER, place.sizes.problems))
        known = ordered(judge, _rows(place, "test", KNOWN, place.sizes.problems // 2))
        told = {"pairs of known lengths": float(np.mean([share for share, _ in known.values()]))}
        return Measured({name: share for name, (share, _) in harder.items()}, tokens, told)

    return arm


def _best(judged: Judged) -> Arm:
    """Of 16 answers to a longer problem the judge's favourite."""

    def arm(place: Place) -> Measured:
        judge, tokens = judged(place)
        recipe = runs.changed(RECIPE, {"evaluation": {"difficulties": list(HARDER)}})
        place = replace(place, sizes=replace(place.sizes, problems=place.sizes.problems // 2))
        return Measured(by_problem(runs.answers(place, BestOfN(_policy(place), judge, BEST_OF), recipe)), tokens)

    return arm


SIGN = Sign(
    name="cloud",
    block=7,
    title="A critique before the score",
    paper="CLoud, arXiv 2408.11791",
    substrate=(
        "ChainArith with sums modulo 5; a nano model that writes its steps, at temperature 1.3, where it slips. "
        "Judges begin with its weights and learn from its answers to problems of two sums; they judge its answers to "
        "problems of three. Equal: the size, the answers, and the tokens that are learned from; the classic head goes "
        "through as many epochs as make it no fewer."
    ),
    measure=(
        "by problem, the share of pairs of a right and a wrong answer that are in the right order; of the arms with "
        "best of 16, problems whose favourite answer is right"
    ),
    recipes=(RECIPE,),
    arms={
        "critique": _pairs(_critic("critique")),
        "classic": _pairs(_classic),
        "off_policy": _pairs(_critic("off", on_policy=False)),
        "verdicts_at_random": _pairs(_critic("dealt", dealt=True)),
        "critique_best_of_16": _best(_critic("critique")),
        "classic_best_of_16": _best(_classic),
    },
    claims=(
        Claim("critique", "classic", "a critique before the score orders more pairs rightly", smoke=False),
        Claim("critique", "off_policy", "its own critiques teach it better than the oracle's", smoke=False),
        Claim(
            "critique_best_of_16", "classic_best_of_16", "its favourite of 16 answers is more often right", smoke=False
        ),
        Claim(
            "verdicts_at_random", "classic", "critiques of random verdicts do better than a classic head", above=False
        ),
    ),
    chosen=(
        "on seed 100: first levels 2 and 3 to learn from and 4 to judge, at temperatures of 1 and 1.3 and learning "
        "rates of 1e-3 and 3e-3, where all judges were at chance on level 4; then level 2 and 3, with more answers."
    ),
    departs="the critique is a word for each line and one for the whole; the oracle is the task itself.",
)
