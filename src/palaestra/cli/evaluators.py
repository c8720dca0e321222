"""``palaestra reward-model``: a model that scores answers, from a log of judged ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

from .app import UserError, app, console

if TYPE_CHECKING:
    from rich.table import Table

    from palaestra.agents.evaluator import Scorer
    from palaestra.arena.display import Display
    from palaestra.episodes.steps import Ends
    from palaestra.episodes.views import Row


@app.command(name="reward-model")
def reward_model(
    log: Positional[Path],
    to: Path,
    kind: str = "bradley_terry",
    start: Path | None = None,
    epochs: int = 3,
    batch_size: int = 64,
    learning_rate: float = 3e-4,
    seed: int = 0,
    control: Literal["none", "shuffled"] = "none",
    lora_rank: int = 0,
) -> None:
    """Train a model that scores answers on a log's groups; one problem in five is held out to say what it is worth.

    Use it: palaestra evaluate RUN/agents/evolved --best-of 8 --judge TO

    Args:
        log: a run's folder, or one that `palaestra collect --samples 8` wrote.
        to: a new folder for the model.
        kind: bradley_terry or ties (pairs), outcome, value or expectile (foretold at each token), process (the task's
            verdicts of steps), process_soft, step_value (how answers end that go through a step), process_pairs or
            ranked_value (steps that follow the same steps), generative (says yes or no), cloud (a critique, then a
            score).
        start: the policy whose weights it begins with; a run's own evolved agent without it.
        epochs: passes over the answers.
        batch_size: answers a step.
        learning_rate: the highest; it goes down by a cosine.
        seed: of the order in which answers are learned from.
        control: "shuffled" deals the verdicts out at random: what is learned then is worth nothing.
        lora_rank: of an adapter that learns, with the head, in place of the policy's weights; 0 for none.
    """
    import numpy as np

    from palaestra.agents.checkpoint import save_checkpoint
    from palaestra.agents.judges import mark
    from palaestra.arena.display import open_display
    from palaestra.arena.settings import unknown
    from palaestra.episodes.controls import CONTROLS
    from palaestra.episodes.judged import split
    from palaestra.trainers.critiques import JUDGES, KINDS, train_scorer

    _refuse(kind not in KINDS, unknown("kind", kind, list(KINDS)))
    _refuse(min(epochs, batch_size) < 1, "--epochs and --batch-size take 1 or more")
    _refuse(to.exists(), f"{to} is there already: name a new folder")
    policy = _policy(start or log / "agents" / "evolved")
    rows, ends = _answers(log, policy)
    train, held_out = split(rows)
    dealt = CONTROLS[control](train, np.random.default_rng(seed))
    options = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "seed": seed}
    display = open_display()
    try:
        scorer = train_scorer(kind, policy, dealt, ends, _told(display), lora_rank, **options)
    finally:
        display.close()
    save_checkpoint(to.parent, to.name, scorer.model, scorer.tokenizer)
    mark(to, kind=kind if kind in JUDGES else "scalar")
    console.print(_worth(scorer, held_out))


def _answers(log: Path, policy: Path) -> tuple[list[Row], Ends]:
    from palaestra.agents.chat import ChatFormat
    from palaestra.agents.pretrained import load_model
    from palaestra.episodes import EpisodeStore
    from palaestra.episodes.judged import judged_answers

    episodes = EpisodeStore(log / "episodes" if (log / "episodes").is_dir() else log)
    return judged_answers(episodes.read(), ChatFormat(load_model(policy)[1]).text)


def _refuse(wrong: bool, message: str) -> None:
    if wrong:
        raise UserError(message)


def _policy(folder: Path) -> Path:
    from palaestra.agents.adapters import is_adapter

    holds = (folder / "config.json").is_file() or is_adapter(folder)
    _refuse(not holds, f"{folder} holds no model: name the policy to begin with, --start FOLDER")
    return folder


def _told(display: Display) -> Callable[[int, int, dict[str, float]], None]:
    """Shows each step on the display."""

    def told(step: int, steps: int, metrics: dict[str, float]) -> None:
        if step == 1:
            display.phase("train", steps)
        display.advance(metrics)

    return told


def _worth(scorer: Scorer, held_out: list[Row]) -> Table | str:
    """What an evaluator is worth, for people, or why nobody can say."""
    from rich.table import Table

    from palaestra.arena.worth import worth

    try:
        found = worth(scorer, held_out)
    except ValueError as error:  # it has been trained all the same
        return f"trained, but what it is worth is not known: {error}"
    table = Table("held out", "pairs in order", "95 %", "favourite", "mean answer", "best answer")
    interval = f"{100 * found.low:.1f} to {100 * found.high:.1f}"
    shares = (f"{100 * value:.1f} %" for value in (found.best, found.mean, found.most))
    table.add_row(str(found.problems), f"{100 * found.ordered:.1f} %", interval, *shares)
    return table
