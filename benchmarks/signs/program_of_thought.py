"""Program of thoughts: a program that is run, against lines that the model works out itself, as numbers grow."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from palaestra.agents.agent import Agent
from palaestra.agents.chat import ChatFormat
from palaestra.agents.checkpoint import save_checkpoint
from palaestra.agents.engine import Sampling
from palaestra.agents.opening import ModelSpec, open_model
from palaestra.agents.pretrained import load_policy
from palaestra.agents.strategies.program_of_thought import ProgramOfThought
from palaestra.agents.strategies.prompts import read_prompt
from palaestra.arena.evaluate import held_out
from palaestra.arena.measure import by_problem
from palaestra.arena.rollout import rollout
from palaestra.arena.run_folder import write_whole
from palaestra.envs.registration import register
from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import Problem, Task, sample_problem
from palaestra.episodes import Episode, EpisodeStore
from palaestra.trainers.losses import NLL
from palaestra.trainers.reward_model import fit
from palaestra.verifiers import Verdict, last_boxed, right, wrong

from .play import share
from .runs import read
from .shown import shown
from .sign import Claim, Measured, Place, Sign

PROMPT = read_prompt(Path(__file__).with_name("program.1.jinja"))
DIGITS = (1, 2, 3, 4)
TAUGHT = (1, 2, 1, 3, 1, 4)  # digits of the problems shown, in turn: half of them have one
MODEL = ModelSpec(hidden=64, layers=2, heads=4, device="cpu")
SHOWN, BATCH, RATE = 4096, 16, 3e-3  # problems that programs are shown of
LONGEST = 48  # tokens of an answer


@register("signs/LongProduct-v0")
@dataclass(frozen=True)
class LongProduct(Task):
    """A number of as many digits as the difficulty says, times a digit, plus a digit."""

    difficulties: ClassVar[range] = range(1, 7)
    wordings: ClassVar[tuple[str, ...]] = ("{a}*{b}+{c}? Answer in \\boxed{{}}.",)

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        a = int(rng.integers(10 ** (difficulty - 1), 10**difficulty))
        b, c = (int(digit) for digit in rng.integers(2, 10, size=2))
        fields = {"a": str(a), "b": str(b), "c": str(c)}
        return self.ask(rng, a * b + c, difficulty, fields, {"numbers": [a, b, c]})

    def verify(self, problem: Problem, response: str) -> Verdict:
        text = last_boxed(response)
        return right("the value") if text == str(problem.reference) else wrong("not the value")

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        a, b, c = problem.meta["numbers"]
        return f"{a}*{b}={a * b}\n{a * b}+{c}={a * b + c}\n\\boxed{{{a * b + c}}}"


def _program(problem: Problem) -> str:
    a, b, c = problem.meta["numbers"]
    return f"```python\nans = {a}*{b}+{c}\n```"


# What each model is shown of a problem: what is said to it, and what it says.
STYLES: dict[str, Callable[[Problem], tuple[str, str]]] = {
    "programs": lambda problem: (PROMPT.say("ask", question=problem.prompt), _program(problem)),
    "lines": lambda problem: (problem.prompt, LongProduct().solve(problem, np.random.default_rng(0))),
    "unrun": lambda problem: (problem.prompt, f"{_program(problem)}\n\\boxed{{{problem.reference}}}"),
}


def _taught(place: Place, style: str, folder: Path) -> tuple[int, Path]:
    """The tokens that were learned from, and the folder of the model.

    Programs are soon learned; the others are shown as many tokens, or, at claim size, six times as many problems.
    """
    model, tokenizer = open_model(MODEL, place.seed, folder / "base")
    count = SHOWN if style == "programs" else SHOWN * place.sizes.longer * 3 // 2
    task, seed = LongProduct(), derive_seed("shown", place.seed)
    problems = [sample_problem(task, derive_seed(seed, n), TAUGHT[n % len(TAUGHT)], "train") for n in range(count)]
    rows = shown(ChatFormat(tokenizer), [[STYLES[style](problem)] for problem in problems])
    fit(model, rows, NLL(), epochs=1, batch_size=BATCH, learning_rate=RATE, seed=place.seed)
    return read(rows), save_checkpoint(folder, "policy", model, tokenizer)


def _figures(place: Place, style: str) -> dict[str, Any]:
    """What a model came to on problems held out, by digits and problem, and what it took: made once."""

    def make(folder: Path) -> None:
        learned, saved = _taught(place, style, folder)
        agent: Agent = load_policy(saved, Sampling(temperature=0.0, max_tokens=LONGEST), style)
        if style == "programs":
            agent = ProgramOfThought(agent, PROMPT)
        jobs = held_out(LongProduct.id, {}, DIGITS, place.sizes.problems)
        episodes = list(rollout(agent, jobs, {"phase": "held-out"}))
        EpisodeStore(folder / "held-out").append(episodes, "held-out")
        failed = [one.turns[0].meta.get("program", "ok") != "ok" for one in episodes]
        told = {"programs that failed, %": 100 * sum(failed) / len(failed)} if style == "programs" else {}
        write_whole(
            folder / "figures.json", json.dumps({"tokens": learned, "told": told, "right": _by_digits(episodes)})
        )

    made = share(place, f"program_of_thought-{style}", make)
    figures: dict[str, Any] = json.loads((made / "figures.json").read_text())
    return figures


def _by_digits(episodes: list[Episode]) -> dict[str, dict[str, float]]:
    return {
        str(digits): by_problem([one for one in episodes if one.reset_options["difficulty"] == digits])
        for digits in DIGITS
    }


def _arm(style: str, digits: tuple[int, ...], place: Place) -> Measured:
    figures = _figures(place, style)
    scores = {key: score for number in digits for key, score in figures["right"][str(number)].items()}
    by_digits = {
        f"{number} digits, %": 100 * float(np.mean([*one.values()])) for number, one in figures["right"].items()
    }
    return Measured(scores, figures["tokens"], {**by_digits, **figures["told"]})


SIGN = Sign(
    name="program_of_thought",
    block=16,
    title="Programs that are run, against worked lines",
    paper="Program of Thoughts, arXiv 2211.12588",
    substrate="A number of one to four digits, times a digit, plus a digit. A nano model with random weights is shown "
    "programs (`ans = 47*6+5`), which the sandbox runs; another is shown the same work in lines (`47*6=282`, "
    "`282+5=287`), of six times as many problems, since it learns more slowly; half of all problems have one digit. A "
    "third (`unrun`) is shown as many programs as there are lines, each with its value, and tells the value itself.",
    measure="held-out problems that the likeliest answer solves, of one digit or of three and four",
    arms={
        f"{style}, {name}": partial(_arm, style, digits)
        for name, digits in {"3 and 4 digits": (3, 4), "1 digit": (1,)}.items()
        for style in STYLES
    },
    claims=(
        Claim("programs, 3 and 4 digits", "lines, 3 and 4 digits", "with long numbers programs do better"),
        Claim("programs, 1 digit", "lines, 1 digit", "with one digit they do better too", above=False, smoke=False),
        Claim("unrun, 3 and 4 digits", "lines, 3 and 4 digits", "programs that nobody runs do better", above=False),
    ),
    chosen="on seed 100: batches of 64 (nothing was learned) or 16, at equal tokens, where lines had 88 % of "
    "problems with one digit and programs all; on seed 101, for lines alone, half of them with one digit. That lines "
    "see six times as many problems, so that they learn one digit as well, was not tried before the seeds reported.",
)
