"""Recipes of self-play that take a second or two, and what is read of their runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from palaestra.agents.pretrained import load_model, weights_hash
from palaestra.arena.run_folder import RunFolder, read_json_lines

Play = Callable[..., RunFolder]
Recipes = Callable[..., dict[str, Any]]
TIMES = ("time", "seconds", "overhead", "tokens_per_second")
BRIEF = {"tell_rules": False, "list_legal": False, "illegal_retries": 0}
PULL = {"kl_coefficient": 0.1, "kl_estimator": "k2", "kl_placement": "loss"}
KUHN = {"environment": "palaestra/KuhnPoker-v0", "evolve": {"algorithm": "role_baseline"}}
GAME = {"id": "palaestra/TicTacToe-v0", "size": 2, **BRIEF}  # who begins wins with the second mark


def recipe_of(tiny_recipe: Recipes, **changes: Any) -> dict[str, Any]:
    """Self-play of a second or two: the model hardly knows a legal move, so that most matches are soon forfeit."""
    evolve = {"algorithm": "role_baseline", "rounds": 4, "problems": 4, "samples": 4}
    league = {"opponents": "uniform", "anchors": ["greedy"], "snapshot_every": 2}
    given = {"environment": GAME, "self_play": league, "evolve": evolve, **changes}
    evolve = {"top_difficulty": 1, **given.pop("evolve")}  # games have no levels
    return {**tiny_recipe(name="play", evolve=evolve, max_answer_tokens=3), **given}


def weights_hash_of(folder: Path) -> str:
    return weights_hash(load_model(folder)[0])


def metrics(run: RunFolder) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in TIMES} for row in read_json_lines(run.metrics)]
