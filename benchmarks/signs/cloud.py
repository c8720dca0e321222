"""CLoud: a judge that writes a critique and then scores, against one that scores at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
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
from palaestra.envs import Task
from palaestra.episodes import Episode, EpisodeStore, choices, views
from palaestra.episodes.views import Row, followed
from palaestra.trainers.critiques import LANGUAGE_WEIGHT, train_cloud
from palaestra.trainers.forward import forward_critique
from palaestra.trainers.losses import NLL, BradleyTerry, Joint
from palaestra.trainers.recipe import load_recipe
from palaestra.trainers.reward_model import EVALUATORS, Told, fit, quiet, train_evaluator
from palaestra.verifiers import extract_answer

from . import runs
from .play import ahead, share
from .sign import Arm, Claim, Measured, Place, Sign

RECIPE = "signs/cloud"
LENGTHS = {"two sums": 2, "three sums": 3}
LEVELS = tuple(LENGTHS.values())
PROBLEMS, SAMPLES = {1: 100, 4: 1400}, 6  # learned from
EPOCHS, RATE, BATCH = 6, 1e-3, 32
BEST_OF = 16
AT_ONCE = {"rounds": 60, "habits": {"direct": 1.0, "steps": 0.0}}


def _at_once(place: Place) -> Path:
    """The folder of who answers at once. The judges begin with the weights of another, who writes steps."""
    return runs.warm(place, RECIPE, {"warm_start": AT_ONCE})


def _answerer(place: Place) -> PolicyLLM:
    sampling = Sampling(temperature=1.0, max_tokens=load_recipe(RECIPE).max_answer_tokens)
    return load_policy(_at_once(place), sampling, "warm")


def _answers(place: Place, split: str, problems: int, levels: Sequence[int] = LEVELS) -> list[Episode]:
    """The answerer's answers to problems, sampled once a seed."""
    recipe, policy = load_recipe(RECIPE), _answerer(place)
    jobs = held_out(recipe.env_id, recipe.env_kwargs, levels, problems, place.seed + 1, SAMPLES)
    jobs = [replace(job, env_kwargs={**job.env_kwargs, "split": split}) for job in jobs]
    levelled = "-".join(map(str, levels))
    name = f"cloud-{split}-{levelled}-{problems}-{_at_once(place).parents[2].name}"

    def make(folder: Path) -> None:
        EpisodeStore(folder / "answers").append(list(rollout(policy, jobs, {"phase": "evolve"})), "answers")

    return list(EpisodeStore(share(place, name, make) / "answers").named("answers"))


def _rows(place: Place, split: str, problems: int, levels: Sequence[int] = LEVELS) -> list[Row]:
    """These answers as rows."""
    return views.groups(_answers(place, split, problems, levels), decode=_answerer(place).chat.text).rows


Critique = Callable[[Row], str]


def _oracle(place: Place) -> Critique:
    """The oracle's critique of an answer that is learned from: the lines that lead to it, what it says, then right or
    wrong."""
    answers = _answers(place, "train", PROBLEMS[place.sizes.longer])
    lines = {one.id: [*_solved(one).splitlines()[:-1], f"said {_said(one)}"] for one in answers}
    return lambda row: " ".join([*lines[row.episode_id], "right" if row.reward > 0.5 else "wrong"])


def _said(answer: Episode) -> str:
    found = extract_answer(answer.turns[0].text)
    return found.text if found is not None else "nothing"


def _solved(episode: Episode) -> str:
    """The task's own solution of the problem of an episode."""
    assert episode.problem is not None
    task: Task = gymnasium.make(episode.env_id, **episode.env_kwargs).get_wrapper_attr("task")
    return task.solve(episode.problem, np.random.default_rng(0))


def _train(place: Place) -> list[Row]:
    """The answers that stand in pairs, so that as many are wrong as are right."""
    rows = choices.decided(_rows(place, "train", PROBLEMS[place.sizes.longer])).rows
    paired = {row.episode_id for row in choices.opposed(rows).rows}
    return [row for row in rows if row.episode_id in paired]


def _dealt(place: Place, rows: list[Row]) -> list[Row]:
    """The verdicts, dealt out at random."""
    order = np.random.default_rng(place.seed).permutation(len(rows))
    return [replace(row, reward=rows[other].reward) for row, other in zip(rows, order, strict=True)]


def _tokens(place: Place, rows: list[Row]) -> tuple[int, int]:
    """What CLoud goes through in an epoch of each stage, critiques as long as the oracle's; and pairs without them."""
    tokenizer, critique = load_model(runs.warm(place, RECIPE))[1], _oracle(place)
    pairs = choices.opposed(rows).rows
    asked = len(encoded(tokenizer, CRITIQUE)) + 1
    long = sum(len(row.ids) + asked + len(encoded(tokenizer, critique(row))) for row in [*rows, *pairs])
    return long, sum(len(row.ids) for row in pairs)


Judged = Callable[[Place], tuple[Scorer, int]]


def _critic(name: str, on_policy: bool = True, dealt: bool = False) -> Judged:
    def judged(place: Place) -> tuple[Scorer, int]:
        rows = _dealt(place, _train(place)) if dealt else _train(place)

        def train() -> Scorer:
            start, options = load_model(runs.warm(place, RECIPE)), {"epochs": EPOCHS, "learning_rate": RATE}
            taught = train_cloud if on_policy else _off_policy
            return taught(*start, rows, quiet, critique=_oracle(place), batch_size=BATCH, seed=place.seed, **options)

        return _made(place, name, train), EPOCHS * _tokens(place, rows)[0]

    return judged


def _off_policy(
    model: Any, tokenizer: Any, rows: list[Row], told: Told, critique: Critique, **options: Any
) -> CritiqueJudge:
    """As ``train_cloud``, but pairs are scored behind the oracle's critiques, not behind the model's own."""
    asked, end = encoded(tokenizer, CRITIQUE), [tokenizer.eos_token_id]

    def shown(rows: list[Row]) -> list[Row]:
        return [followed(row, asked, [*encoded(tokenizer, critique(row)), *end]) for row in rows]

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
    starts = "-".join(start.parents[2].name for start in (runs.warm(place, RECIPE), _at_once(place)))
    whole = f"cloud-{name}-{place.sizes.name}-{starts}"
    return load_judge(share(place, whole, lambda folder: save_judge(train(), folder / "judge") and None) / "judge")


def _pairs(judged: Judged, length: str) -> Arm:
    """By problem, the share of pairs in the right order."""

    def arm(place: Place) -> Measured:
        judge, tokens = judged(place)
        shares = ordered(judge, _rows(place, "test", place.sizes.problems, (LENGTHS[length],)))
        return Measured({name: share for (name, _), (share, _) in shares.items()}, tokens)

    return arm


def _best(judged: Judged) -> Arm:
    """Of 16 answers to a problem of three sums the judge's favourite."""

    def arm(place: Place) -> Measured:
        judge, tokens = judged(place)
        recipe = runs.changed(RECIPE, {"evaluation": {"difficulties": [LENGTHS["three sums"]]}})
        place = replace(place, sizes=replace(place.sizes, problems=place.sizes.problems // 2))
        return Measured(by_problem(runs.answers(place, BestOfN(_answerer(place), judge, BEST_OF), recipe)), tokens)

    return arm


def _gap(length: str) -> Arm:
    return lambda place: ahead(place, f"critique: {length}", f"classic: {length}")


JUDGES: dict[str, Judged] = {
    "critique": _critic("critique"),
    "classic": _classic,
    "off_policy": _critic("off", on_policy=False),
    "verdicts_at_random": _critic("dealt", dealt=True),
}
ARMS = {f"{name}: three sums": _pairs(judged, "three sums") for name, judged in JUDGES.items()}
ARMS |= {f"{name}: two sums": _pairs(JUDGES[name], "two sums") for name in ("critique", "classic")}
ARMS |= {f"gap: {length}": _gap(length) for length in LENGTHS}
ARMS |= {f"{name}: best of 16": _best(JUDGES[name]) for name in ("critique", "classic")}

SIGN = Sign(
    name="cloud",
    block=7,
    title="A critique before the score",
    paper="CLoud, arXiv 2408.11791",
    substrate=(
        "ChainArith of two and three sums modulo 5. A nano model answers at once, and is right about as often as "
        "chance is. Judges begin with the weights of another, which writes steps, and learn from pairs of a right and "
        "a wrong answer; they judge answers to other problems of both lengths. The oracle's critique is the lines "
        "that lead to the answer, what was said, and right or wrong. Equal: the size, the answers, and the tokens "
        "that are learned from; the classic head goes through as many epochs as make it no fewer. `off_policy` is "
        "scored behind the oracle's critiques as it learns, behind its own as it judges."
    ),
    measure=(
        "by problem, the share of pairs of a right and a wrong answer that are in the right order; best of 16: "
        "problems of three sums whose favourite answer is right; gap: critique less classic"
    ),
    recipes=(RECIPE,),
    arms=ARMS,
    claims=(
        Claim(
            "critique: three sums",
            "classic: three sums",
            "a critique before the score orders more pairs rightly",
            smoke=False,
        ),
        Claim("gap: three sums", "gap: two sums", "the gap grows with the length", smoke=False),
        Claim(
            "critique: three sums",
            "off_policy: three sums",
            "its own critiques teach it better than the oracle's",
            smoke=False,
        ),
        Claim(
            "critique: best of 16",
            "classic: best of 16",
            "its favourite of 16 answers is more often right",
            smoke=False,
        ),
        Claim(
            "verdicts_at_random: three sums",
            "classic: three sums",
            "critiques of random verdicts do better than a classic head",
            above=False,
        ),
    ),
    chosen=(
        "first, on seed 100, worked answers, at temperatures of 1 to 1.3, of two and three sums to learn from and "
        "three or four to judge; critiques of a word for each line, of its value and a word, of the line and a word; "
        "all answers, or those that stand in pairs. A critique was from 6 points below a classic head to 18 above it, "
        "which reads off a worked line whether it is right. Then answers at once; on seeds 100 to 102, of 300, 700 "
        "and 1,400 problems: after fewer a judge had not always learned to hold answer and lines against each other. "
        "Seeds 0 to 2 had been played before, with worked answers, and 0 and 1 with 700 problems, when seed 1 had not "
        "learned."
    ),
    departs=(
        "the paper's critiques speak of worked answers, these of answers without lines; the oracle is the task itself."
    ),
)
