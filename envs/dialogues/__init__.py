"""The dialogues that come with the package, one a file."""

from __future__ import annotations

from palaestra.envs.registration import defer

MODULES = {  # of each class; imported when it is asked for
    "Bandit": "bandit",
    "BitFlip": "bit_flip",
    "CritiqueRepair": "critique_repair",
    "GoalExpression": "goal_expression",
    "GridWorld": "grid_world",
    "Guess20": "guess20",
    "InteractiveProof": "interactive_proof",
    "Lookup": "lookup",
    "Mastermind": "mastermind",
    "PythonTool": "python_tool",
    "SelfDebug": "self_debug",
    "Wordle": "wordle",
}
__all__ = list(MODULES)
__getattr__ = defer(__name__, MODULES)
