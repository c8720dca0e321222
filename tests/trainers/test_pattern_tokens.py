"""What the modules of a pattern sample counts as the run's, in its log or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from palaestra.agents.checkpoint import load_state, progress
from palaestra.agents.judges import CritiqueJudge


def test_the_critiques_of_an_evaluator_count_as_sampled(
    play_run: Callable[..., Any], tiny_recipe: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    written, write = list[int](), CritiqueJudge.write

    def heard(*arguments: Any, **given: Any) -> Any:
        critiques = write(*arguments, **given)
        written.extend(map(len, critiques))
        return critiques

    monkeypatch.setattr(CritiqueJudge, "write", heard)
    others = {"creator": "rule", "reasoner": "evolved", "post_processor": "rule"}
    modules = {**others, "evaluator": {"mark": "evolved", "module": "critic"}, "strategy": "independent", "gate": 6}
    evolve = {"rounds": 1, "problems": 4, "samples": 4, "algorithm": "rloo", "top_difficulty": 1}
    made = tiny_recipe(modules=modules, evolve=evolve)
    *_, last = progress(play_run({**made, "max_answer_tokens": 6}).checkpoints)
    assert load_state(last)["clock"]["tokens_sampled"] > sum(written) > 0
