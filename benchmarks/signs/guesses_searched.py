"""AlphaMath's beam where a step is a guess that is worked out: does what a value learns of verdicts alone steer it?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from palaestra.agents.agent import Agent
from palaestra.agents.chat import ChatFormat
from palaestra.agents.checkpoint import save_checkpoint
from palaestra.agents.engine import Sampling
from palaestra.agents.evaluator import load_evaluator, new_evaluator
from palaestra.agents.opening import ModelSpec, open_model
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.pretrained import load_policy
from palaestra.agents.search.agents import TreeSearch
from palaestra.agents.search.beam import StepBeam
from palaestra.agents.search.text import Value, lines, stopping_at_lines
from palaestra.agents.search.values import value_head
from palaestra.agents.self_consistency import SelfConsistency
from palaestra.arena.measure import by_problem
from palaestra.arena.rollout import Job, rollout
from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import sample_problem
from palaestra.episodes import views
from palaestra.episodes.views import Row
from palaestra.trainers.losses import NLL
from palaestra.trainers.reward_model import EVALUATORS, fit, train_evaluator

from .alphamath import noise
from .play import measured_in, share
from .runs import answers_of
from .shown import shown
from .sign import Claim, Measured, Place, Sign
from .unknowns import Unknowns

EQUATIONS = 2
MODEL = ModelSpec(hidden=64, layers=2, heads=4, device="cpu")
SHOWN, BATCH, RATE = 16384, 16, 3e-3  # problems that guesses are shown of
PROBLEMS, SAMPLES = 512, 16  # that the value learns from; as many times more problems as the size is longer
EPOCHS, VALUE_BATCH, VALUE_RATE = 6, 32, 1e-3
LONGEST = 48  # tokens of an answer
GREEDY = 0.01


def guessing(place: Place) -> Path:
    """A model that was shown guesses at random, worked out as they should be: it can tell what a guess makes."""

    def make(folder: Path) -> None:
        model, tokenizer = open_model(MODEL, place.seed, folder / "base")
        task, seed = Unknowns(), derive_seed("guesses shown", place.seed)
        rng = np.random.default_rng(seed)
        problems = [sample_problem(task, derive_seed(seed, n), EQUATIONS, "train") for n in range(SHOWN)]
        said = [task.worked_out(one, lambda *_: int(rng.integers(task.modulus))) for one in problems]
        rows = shown(ChatFormat(tokenizer), [[(one.prompt, text)] for one, text in zip(problems, said, strict=True)])
        fit(model, rows, NLL(), epochs=1, batch_size=BATCH, learning_rate=RATE, seed=place.seed)
        save_checkpoint(folder, "policy", model, tokenizer)

    return share(place, "guesses-start", make) / "policy"


def policy_of(folder: Path, temperature: float = 1.0) -> PolicyLLM:
    """The policy in a folder, writing as many tokens as an answer may have."""
    return load_policy(folder, Sampling(temperature=temperature, max_tokens=LONGEST), "policy")


def _job(place: Place, problem: int, sample: int) -> Job:
    group = f"learned from/{problem:05d}"
    return Job(
        id=f"{group}/{sample:03d}",
        env_id=Unknowns.id,
        env_kwargs={"split": "train"},
        seed=derive_seed("learned from", place.seed, problem),
        group_id=group,
        reset_options={"difficulty": EQUATIONS},
        agent_seed=derive_seed("learned from", place.seed, problem, sample),
    )


def judged(place: Place, problems: int) -> list[tuple[list[Row], list[Row]]]:
    """Of the first policy's answers to each training problem, the wrong ones and the right ones."""
    jobs = [_job(place, problem, sample) for problem in range(problems) for sample in range(SAMPLES)]
    groups: dict[str, tuple[list[Row], list[Row]]] = {}
    answers = rollout(policy_of(guessing(place)), jobs, {"phase": "set"})
    for row in views.each(sorted(answers, key=lambda one: one.id)).rows:
        groups.setdefault(row.group_id, ([], []))[row.reward >= 1].append(row)
    return list(groups.values())


def dealt(place: Place, rows: Sequence[Row]) -> list[Row]:
    """The same answers with each other's rewards, at random."""
    order = np.random.default_rng(place.seed).permutation(len(rows))
    return [replace(row, reward=rows[index].reward) for row, index in zip(rows, order, strict=True)]


def _learned_from(place: Place) -> list[Row]:
    """The policy's right answers to training problems, and as many wrong ones to the same: AlphaMath keeps alike."""
    groups = judged(place, PROBLEMS * place.sizes.longer)
    return [row for wrongs, rights in groups for row in (*rights, *wrongs[: len(rights)])]


def _value(place: Place, verdicts: str) -> Value:
    """What the value foretells that learned from the verdicts "told", or "dealt" among the answers at random."""

    def make(folder: Path) -> None:
        rows = _learned_from(place)
        for name, learned in {"told": rows, "dealt": dealt(place, rows)}.items():
            _foretelling(place, learned, folder / name)

    return value_head(load_evaluator(share(place, "guesses-values", make) / verdicts))


def _foretelling(place: Place, rows: list[Row], folder: Path) -> None:
    evaluator = new_evaluator(guessing(place))
    options = {"epochs": EPOCHS, "batch_size": VALUE_BATCH, "learning_rate": VALUE_RATE, "seed": place.seed}
    train_evaluator(evaluator, rows, lambda row: [], EVALUATORS["value"], **options)
    evaluator.model.save_pretrained(folder)
    evaluator.tokenizer.save_pretrained(folder)


def _measured(place: Place, agent: Agent, told: dict[str, float] | None = None, name: str = "held-out") -> Measured:
    """tokens: sampled for the answers."""
    episodes = answers_of(place, agent, Unknowns.id, {}, (EQUATIONS,), name=name)
    return Measured(by_problem(episodes), sum(one.cost.tokens_out for one in episodes), told or {})


def greedy(place: Place, folder: Path) -> Measured:
    """One greedy answer of the policy in a folder."""
    return _measured(place, policy_of(folder, GREEDY))


def beam(place: Place, folder: Path, value: Value) -> Measured:
    """The same policy's SBS(1, 5) by a value."""
    return _measured(place, TreeSearch(lines(stopping_at_lines(policy_of(folder)), value), StepBeam(1, 5)))


def vote(place: Place, folder: Path) -> Measured:
    """The majority of 5 of its answers, or of as many more as the beam's tokens pay for."""
    paid = measured_in(place.folder.parent / "sbs")  # played before
    assert paid is not None
    k = max(5, math.ceil(1.05 * paid.tokens / _measured(place, policy_of(folder), name="one").tokens))
    return _measured(place, SelfConsistency(policy_of(folder), k), {"k": k})


def _beam(place: Place, value: Callable[[Place], Value]) -> Measured:
    return beam(place, guessing(place), value(place))


CLAIMS = (
    Claim("sbs", "greedy", "SBS(1, 5) is above one greedy answer"),
    Claim("sbs", "majority", "SBS(1, 5) is above the majority at equal tokens"),
    Claim("sbs", "sbs_at_random", "the value steers the beam better than noise does"),
    Claim("sbs_of_dealt_verdicts", "greedy", "a value of verdicts dealt at random steers it, too", above=False),
)

SIGN = Sign(
    name="guesses_searched",
    block=12,
    title="A value steers a beam of guesses",
    paper="AlphaMath, arXiv 2405.03553",
    substrate=(
        "Two equations modulo 5, the second with the unknown of the first (`7a+3=2; 4b+a=1`). A nano model is shown "
        "guesses drawn at random and worked out rightly (`a=4: 3+3=1-2=4`: what a guess makes, less what it should "
        "make), so it sees by how much a guess errs and finds none better than chance. A value on a backbone of its "
        "own learns from verdicts on its answers to 2,048 problems (512 at smoke size). Then one greedy answer, "
        "SBS(1, 5) by the value at temperature 1, and the majority of so many answers, 5 at least, that they have as "
        "many tokens as the beam and 5 % more. Of five guesses a line, one is right in two of three lines: a beam that "
        "never chose wrongly would solve 45 %."
    ),
    measure="held-out problems solved",
    arms={
        "greedy": lambda place: greedy(place, guessing(place)),
        "sbs": partial(_beam, value=partial(_value, verdicts="told")),
        "sbs_at_random": partial(_beam, value=lambda place: noise),
        "sbs_of_dealt_verdicts": partial(_beam, value=partial(_value, verdicts="dealt")),
        "majority": lambda place: vote(place, guessing(place)),
    },
    claims=CLAIMS,
    chosen=(
        "on seeds 100 to 102: how many problems guesses are shown of, and how many the value learns from. Of 8,192, "
        "the policy had not learned to work its guesses out (on seed 101, 30 % of its sums were wrong), and values "
        "learned nothing, or late and suddenly; of 16,384 it had (no sum was wrong there), and values of 512 and 1,024 "
        "problems steer alike. Seeds 0 to 2 had been played before with 8,192 problems "
        "shown, lines that end with what a guess should make (`1/2`) and values of 8,192 problems: their beams solved "
        "3, 44 and 17 %."
    ),
    departs=(
        "the policy does not learn (another sign has policy and value on one backbone), and by how much a "
        "guess errs stands in each line, as an interpreter would say; answers are sampled, not found by tree search. "
        "Right and wrong answers are kept alike, as in the paper: of all answers, one in 25 right, values of policies "
        "that erred in their sums learned nothing."
    ),
)
