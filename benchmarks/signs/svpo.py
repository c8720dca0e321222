"""SVPO: pairs of steps of search trees against pairs of whole solutions of the same trees, and a value that ranks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from transformers import PreTrainedModel

from palaestra.agents.engine import Sampling
from palaestra.agents.evaluator import Evaluator, new_evaluator
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.pretrained import load_model, load_policy
from palaestra.agents.search.agents import TreeSearch
from palaestra.agents.search.mcts import MCTS
from palaestra.agents.search.text import lines, solutions, stopping_at_lines
from palaestra.agents.search.values import Rollouts, nothing_known
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.arena.evaluate import held_out
from palaestra.arena.measure import by_problem
from palaestra.arena.rollout import Job, rollout
from palaestra.episodes import Episode, EpisodeStore, choices, sources, steps, views
from palaestra.episodes.searched import searched_pairs, searched_values
from palaestra.episodes.views import Row
from palaestra.trainers.batch import pack
from palaestra.trainers.forward import forward_values
from palaestra.trainers.losses import DPO, StepValue
from palaestra.trainers.recipe import load_recipe
from palaestra.trainers.reference import logprobs_under
from palaestra.trainers.reward_model import fit

from . import runs
from .play import share
from .sign import Arm, Claim, Measured, Place, Sign

RECIPE = "signs/svpo"
SEARCH = MCTS(24, 4, commit=False)
TREES = 100  # of problems to learn from, times longer; half as many are held out
GAP = 0.3  # in Q, of steps that are compared
RATE, VALUE_RATE, BETA = 2e-4, 5e-4, 0.1
EPOCHS = {1: 8, 4: 4}  # over the pairs; the more of them there are, the fewer
RANKING = StepValue(ranking=1.0, margin=0.2)


def _policy(folder: Path) -> PolicyLLM:
    recipe = load_recipe(RECIPE)
    return load_policy(folder, Sampling(temperature=1.0, max_tokens=recipe.max_answer_tokens), folder.name)


def _trees(place: Place, split: str) -> list[Episode]:
    """Trees of the start's own steps on problems of a split, grown once a seed: their ends are judged."""
    start, recipe = runs.warm(place, RECIPE), load_recipe(RECIPE)
    count = TREES * place.sizes.longer // (1 if split == "train" else 2)

    def make(folder: Path) -> None:
        policy = _policy(start)
        value = Rollouts(solutions(policy, nothing_known, peek=True), n=2)
        search = TreeSearch(lines(stopping_at_lines(policy), value, peek=True), SEARCH)
        jobs = [_job(job, split) for job in held_out(recipe.env_id, recipe.env_kwargs, (2, 3), count, place.seed + 1)]
        EpisodeStore(folder / "trees").append(list(rollout(search, jobs, {"phase": "evolve"})), "trees")

    return EpisodeStore(share(place, f"svpo-{split}-{count}-{start.parents[2].name}", make) / "trees").named("trees")


def _job(job: Job, split: str) -> Job:
    return replace(job, env_kwargs={**job.env_kwargs, "split": split})


def _step_pairs(place: Place, split: str = "train") -> list[Row]:
    """Better and worse steps behind the same steps; the row's reward is the step's Q in [0, 1]."""
    rows = searched_pairs(_trees(place, split), gap=GAP).rows
    return [sources.valued_at_end(replace(row, reward=(row.reward + 1) / 2)) for row in rows]


def _solution_pairs(place: Place) -> list[Row]:
    """Right and wrong solutions that are paths of the same tree, as many pairs of each as there are."""
    end = load_model(runs.warm(place, RECIPE))[1].eos_token_id
    paths = [one for one in searched_values(_trees(place, "train")).rows if int(one.row.ids[-1]) == end]
    rows = [replace(one.row, reward=float(one.values[-1] > 0), episode_id=f"{n}") for n, one in enumerate(paths)]
    return choices.opposed(rows).rows


def _epochs(place: Place) -> int:
    return EPOCHS[place.sizes.longer]


def _tuned(place: Place, name: str, rows: list[Row], epochs: int) -> PreTrainedModel:
    """The start after DPO on pairs, the start itself the reference; made once a seed."""
    start = runs.warm(place, RECIPE)

    def make(folder: Path) -> None:
        model, tokenizer = load_model(start)
        options = {"epochs": epochs, "learning_rate": RATE, "seed": place.seed}
        fit(model, rows, DPO(BETA), reference=load_model(start)[0], **options)
        model.save_pretrained(folder / "model")
        tokenizer.save_pretrained(folder / "model")

    return load_model(share(place, f"svpo-{name}-{place.sizes.name}-{start.parents[2].name}", make) / "model")[0]


def _by_steps(place: Place) -> tuple[PreTrainedModel, int, int]:
    """Model, tokens learned from, pairs."""
    rows = _step_pairs(place)
    return _tuned(place, "steps", rows, _epochs(place)), _epochs(place) * runs.read(rows), len(rows) // 2


def _by_solutions(place: Place) -> tuple[PreTrainedModel, int, int]:
    """As many epochs as make it no fewer tokens than the steps'."""
    rows = _solution_pairs(place)
    epochs = math.ceil(_epochs(place) * runs.read(_step_pairs(place)) / runs.read(rows))
    return _tuned(place, "solutions", rows, epochs), epochs * runs.read(rows), len(rows) // 2


def _by_chance(place: Place) -> tuple[PreTrainedModel, int, int]:
    """Pairs of steps, of which either may be called the better."""
    rows = _dealt(place, _step_pairs(place))
    return _tuned(place, "chance", rows, _epochs(place)), _epochs(place) * runs.read(rows), len(rows) // 2


def _dealt(place: Place, rows: list[Row]) -> list[Row]:
    """Pairs whose labels and values are swapped in half of them."""
    rng, dealt = np.random.default_rng(place.seed), list[Row]()
    for one, other in zip(rows[::2], rows[1::2], strict=True):
        if rng.random() < 0.5:
            one, other = (_like(one, other), _like(other, one))
        dealt += [one, other] if one.label > 0 else [other, one]
    return dealt


def _like(row: Row, other: Row) -> Row:
    """The row with what the other is worth."""
    return sources.valued_at_end(replace(row, label=other.label, reward=other.reward))


Trained = Callable[[Place], tuple[PreTrainedModel, int, int]]


def _start(place: Place) -> tuple[PreTrainedModel, int, int]:
    return load_model(runs.warm(place, RECIPE))[0], 0, 0


def _answered(trained: Trained) -> Arm:
    def arm(place: Place) -> Measured:
        model, tokens, pairs = trained(place)
        policy = _policy(runs.warm(place, RECIPE))
        agent = PolicyLLM(TransformersEngine(model, policy.engine.eos_ids), policy.chat, policy.sampling, policy.actor)
        episodes = runs.answers(place, agent, load_recipe(RECIPE))
        return Measured(by_problem(episodes), tokens, {"pairs": pairs})

    return arm


def _kept(trained: Trained) -> Arm:
    def arm(place: Place) -> Measured:
        model, tokens, _ = trained(place)
        rows = _right_prefixes(place)
        batch = pack(rows)
        gained = logprobs_under(model, batch, 8192) - logprobs_under(_start(place)[0], batch, 8192)
        lengths = [int(row.action.sum()) for row in rows]
        parts = gained[batch.action_mask].split(lengths)
        scores = {row.episode_id: float(part.mean()) for row, part in zip(rows, parts, strict=True)}
        return Measured(scores, tokens)

    return arm


def _right_prefixes(place: Place) -> list[Row]:
    """Right held-out answers of the start, up to their last line."""
    policy = _policy(runs.warm(place, RECIPE))
    episodes = runs.answers(place, policy, load_recipe(RECIPE), samples=2, name="of the start")
    ends, _ = steps.logged_steps(episodes, policy.chat.text)
    right = choices.solved(views.groups(episodes, decode=policy.chat.text).rows).rows
    return [sources.until(row, int(ends(row)[-2])) for row in right if len(ends(row)) > 1]


def _value(place: Place, rows: list[Row], loss: StepValue) -> Measured:
    """Of held-out pairs of steps, whether the value ranks them as their Q does."""
    judge: Evaluator = new_evaluator(runs.warm(place, RECIPE))
    fit(judge.model, rows, loss, read=forward_values, epochs=_epochs(place), learning_rate=VALUE_RATE, seed=place.seed)
    pairs = _step_pairs(place, "test")
    first = [int(row.action.argmax()) for row in pairs]
    halves = [(row.ids[:n].tolist(), row.ids[n:].tolist()) for row, n in zip(pairs, first, strict=True)]
    scores = judge.score(*zip(*halves, strict=True))
    ranked = {row.group_id: float(a > b) for row, a, b in zip(pairs[::2], scores[::2], scores[1::2], strict=True)}
    return Measured(ranked, _epochs(place) * runs.read(rows), {"pairs": len(rows) // 2})


SIGN = Sign(
    name="svpo",
    block=13,
    title="Pairs of steps against pairs of solutions",
    paper="SVPO, arXiv 2406.10858",
    substrate=(
        "ChainArith with sums modulo 5, two or three of them; a nano model that answers at once as often as in steps. "
        "Search trees (24 simulations, 4 children) of the start's steps, whose leaves are worth the verdicts of two "
        "answers that go on from there; pairs of steps that differ by 0.3 or more in Q, against right and wrong "
        "solutions of the same trees. Equal: the trees, and the tokens that are learned from; the solutions have at "
        "least as many."
    ),
    measure=(
        "of start, steps, solutions and steps_by_chance, held-out problems that one sampled answer solves; of the arms "
        "with kept, nats a token that the start's right held-out answers gained, their last line left out; of the arms "
        "of the value, pairs of steps of held-out trees that it ranks as Q does"
    ),
    recipes=(RECIPE,),
    arms={
        "start": _answered(_start),
        "steps": _answered(_by_steps),
        "solutions": _answered(_by_solutions),
        "steps_by_chance": _answered(_by_chance),
        "steps_kept": _kept(_by_steps),
        "solutions_kept": _kept(_by_solutions),
        "ranking": lambda place: _value(place, _step_pairs(place), RANKING),
        "squares": lambda place: _value(place, _step_pairs(place), StepValue()),
        "ranking_by_chance": lambda place: _value(place, _dealt(place, _step_pairs(place)), RANKING),
    },
    claims=(
        Claim("steps", "start", "pairs of steps make more answers right"),
        Claim("steps", "solutions", "more so than pairs of solutions at equal tokens", smoke=False),
        Claim("steps_by_chance", "start", "pairs dealt at random do, too", above=False),
        Claim(
            "steps_kept",
            "solutions_kept",
            "right beginnings lose less of their likelihood than by pairs of solutions",
            smoke=False,
        ),
        Claim("ranking", "squares", "a margin beside squares ranks steps better", smoke=False),
        Claim(
            "ranking_by_chance", "squares", "a value of pairs dealt at random ranks better than squares", above=False
        ),
    ),
    chosen=(
        "on seed 100, of learning rates 1e-4, 2e-4, 3e-4, 5e-4 and 1e-3 of the policy and 5e-4, 1e-3 and 3e-3 of the "
        "value. At 5e-4 solutions were ahead of steps by 6 points; at 1e-3 squares were ahead of the "
        "margin. At the smallest size, with 16 passes, solutions were ahead on seeds 100 and 101. A first start that "
        "only wrote steps left too few pairs."
    ),
    departs=(
        "policy and value learn apart, each from the start's weights, so that each loss is compared alone; weights of "
        "the value's two losses are ours, 1 and a margin of 0.2."
    ),
)
