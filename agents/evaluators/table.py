"""Evaluators by name, as the command line writes them; those that have to be trained are folders."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from palaestra.agents.agent import Agent
from palaestra.agents.strategies.asking import innermost, policy_under

from .agreement import Agreement
from .assessment import Assessor
from .ensemble import Ensemble
from .forward_backward import ForwardBackward
from .perplexity import Perplexity
from .self_evaluation import SelfEvaluation
from .tested import Tested

if TYPE_CHECKING:
    from palaestra.agents.evaluator import Scorer

EVALUATORS: dict[str, Callable[[Agent], Assessor]] = {  # each made for the agent whose answers it is to judge
    "agreement": lambda agent: Agreement(),
    "perplexity": lambda agent: Perplexity(policy_under(agent, "perplexity")),
    "self_evaluation": lambda agent: SelfEvaluation(policy_under(agent, "self-evaluation")),
    "forward_backward": lambda agent: ForwardBackward(innermost(agent)),
    "visible_tests": lambda agent: Tested(),
}


def evaluator_named(text: str, agent: Agent) -> Assessor | Scorer:
    """``agreement``, ``agreement+self_evaluation`` (the mean of both), or the folder of a trained judge.

    Raises:
        ValueError: neither; the nearest name is told.
        MissingModel: the folder holds no model.
    """
    names = text.split("+")
    if all(name in EVALUATORS for name in names):
        members = [EVALUATORS[name](agent) for name in names]
        return members[0] if len(members) == 1 else Ensemble(members)
    if not os.path.isdir(text):
        known = ", ".join(EVALUATORS)
        near = [close for name in names for close in difflib.get_close_matches(name, EVALUATORS, n=1, cutoff=0.5)]
        meant = f"did you mean {near[0]!r}?" if near else f"known: {known}"
        raise ValueError(f"{text!r} is no folder of a judge, and no evaluator ({meant})")
    from palaestra.agents.judges import load_judge

    return load_judge(text)
