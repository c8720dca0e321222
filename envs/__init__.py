"""What there is to reason about: tasks as Gymnasium environments. Importing this package registers its tasks."""

from .curriculum import Curriculum, SuccessCurriculum
from .reasoning import ReasoningEnv, Snapshot
from .registration import UnknownEnvironment, UnknownKnob, load_plugins, make, make_task, register, task_ids
from .spaces import TextObs, UnicodeText
from .task import SOLUTION_DELIMITER, OracleMissing, Problem, SplitExhausted, Task, sample_problem, split_of
from .tasks import ChainArith, Countdown, KnightsAndKnaves, LinearEquations

__all__ = [
    "SOLUTION_DELIMITER",
    "ChainArith",
    "Countdown",
    "Curriculum",
    "KnightsAndKnaves",
    "LinearEquations",
    "OracleMissing",
    "Problem",
    "ReasoningEnv",
    "Snapshot",
    "SplitExhausted",
    "SuccessCurriculum",
    "Task",
    "TextObs",
    "UnicodeText",
    "UnknownEnvironment",
    "UnknownKnob",
    "load_plugins",
    "make",
    "make_task",
    "register",
    "sample_problem",
    "split_of",
    "task_ids",
]
