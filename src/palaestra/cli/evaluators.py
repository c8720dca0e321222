"""``palaestra reward-model``: a model that scores answers, from a log of judged ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

from .app import UserError, app, console

if TYPE_CHECKING:
    from rich.table import Table

    from palaestra.arena.display import Display
    from palaestra.trainers.reward_model import Worth


@app.command(name="reward-model")
def reward_model(
    log: Positional[Path],
    to: Path,
    kind: Literal["bradley_terry", "outcome", "value"] = "bradley_terry",
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
        kind: bradley_terry (pairs), outcome (right or wrong) or value (the outcome, foretold at each token).
        start: the policy whose weights it begins with; a run's own evolved agent without it.
        epochs: passes over the answers.
        batch_size: answers a step.
        learning_rate: the highest; it goes down by a cosine.
        seed: of the order in which answers are learned from.
        control: "shuffled" deals the verdicts out at random: what is learned then is worth nothing.
        lora_rank: of an adapter that learns, with the head, in place of the policy's weights; 0 for none.
    """
    import numpy as np

    from palaestra.agents.adapters import is_adapter
    from palaestra.agents.evaluator import new_evaluator
    from palaestra.arena.display import open_display
    from palaestra.episodes import EpisodeStore
    from palaestra.trainers.checkpoint import save_checkpoint
    from palaestra.trainers.evolve import CONTROLS
    from palaestra.trainers.reward_model import EVALUATORS, judged_answers, split, train_evaluator, worth

    if to.exists():
        raise UserError(f"{to} is there already: name a new folder")
    policy = start or log / "agents" / "evolved"
    if not (policy / "config.json").is_file() and not is_adapter(policy):
        raise UserError(f"{policy} holds no model: name the policy to begin with, --start FOLDER")
    episodes = EpisodeStore(log / "episodes" if (log / "episodes").is_dir() else log)
    train, held_out = split(judged_answers(episodes.read()))
    evaluator = new_evaluator(policy, lora_rank=lora_rank)
    display = open_display()
    try:
        train_evaluator(
            evaluator,
            CONTROLS[control](train, np.random.default_rng(seed)),
            EVALUATORS[kind],
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            seed=seed,
            told=_told(display),
        )
    finally:
        display.close()
    save_checkpoint(to.parent, to.name, evaluator.model, evaluator.tokenizer, None)
    console.print(_table(worth(evaluator, held_out)))


def _told(display: Display) -> Callable[[int, int, dict[str, float]], None]:
    """Shows each step on the display."""

    def told(step: int, steps: int, metrics: dict[str, float]) -> None:
        if step == 1:
            display.phase("train", steps)
        display.advance(metrics)

    return told


def _table(found: Worth) -> Table:
    """What an evaluator is worth, for people."""
    from rich.table import Table

    table = Table("held out", "pairs in order", "95 %", "favourite", "mean answer", "best answer")
    interval = f"{100 * found.low:.1f} to {100 * found.high:.1f}"
    shares = (f"{100 * value:.1f} %" for value in (found.best, found.mean, found.most))
    table.add_row(str(found.problems), f"{100 * found.ordered:.1f} %", interval, *shares)
    return table
