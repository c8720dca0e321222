"""Wrappers: environments made of other environments. Importing registers those that have an id.

All but ``Mixture`` and ``relabel`` are tasks made of a task, so that they nest: ``Stepwise(Distract(Countdown()))``.
"""

from __future__ import annotations

from palaestra.envs.registration import defer

from .mixture import Mixture, make_mixture
from .relabel import Relabelled, relabel

MODULES = {  # of each class; imported when it is asked for
    "Distract": "distract",
    "FormatReward": "format_reward",
    "Inverse": "inverse",
    "Rephrase": "rephrase",
    "SecondLook": "second_look",
    "Stepwise": "stepwise",
    "TokenBudget": "token_budget",
    "ToolUse": "tool_use",
}
__all__ = ["Mixture", "Relabelled", "make_mixture", "relabel", *MODULES]
__getattr__ = defer(__name__, MODULES)
