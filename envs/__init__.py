"""What there is to reason about: tasks as Gymnasium environments. Importing this package registers its tasks.

The classes of tasks, dialogues and wrappers are attributes too, imported when asked for: ``palaestra.envs.Countdown``.
"""

from typing import Any

from . import dialogues, opponents, tasks, wrappers  # noqa: F401  # the opponents' ids are registered by it
from .curriculum import Curriculum, FamilyCurricula, SuccessCurriculum
from .dialogue import Dialogue, DialogueEnv, Turn
from .goals import GoalDialogue
from .reasoning import ReasoningEnv, Snapshot
from .registration import UnknownEnvironment, UnknownKnob, load_plugins, make, make_task, register, task_ids
from .spaces import TextObs, UnicodeText
from .task import SOLUTION_DELIMITER, OracleMissing, Problem, SplitExhausted, Task, sample_problem, split_of
from .wrappers import Mixture, relabel

__all__ = [
    "SOLUTION_DELIMITER",
    "Curriculum",
    "Dialogue",
    "DialogueEnv",
    "FamilyCurricula",
    "GoalDialogue",
    "Mixture",
    "OracleMissing",
    "Problem",
    "ReasoningEnv",
    "Snapshot",
    "SplitExhausted",
    "SuccessCurriculum",
    "Task",
    "TextObs",
    "Turn",
    "UnicodeText",
    "UnknownEnvironment",
    "UnknownKnob",
    "load_plugins",
    "make",
    "make_task",
    "register",
    "relabel",
    "sample_problem",
    "split_of",
    "task_ids",
]


def __getattr__(name: str) -> Any:
    homes = (package for package in (tasks, dialogues, wrappers) if name in package.MODULES)
    return getattr(next(homes, tasks), name)
