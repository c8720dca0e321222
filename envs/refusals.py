"""Misuse of an environment, each kind refused with an error of one line that says what is wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import gymnasium

from .reasoning import ReasoningEnv
from .task import Task, sample_problem


def accepted_misuse(task: Task) -> list[str]:
    """What a task's environment lets pass, or refuses with a wrong or an empty error; none when all is well."""
    make: type[ReasoningEnv] = getattr(task, "environment", ReasoningEnv)
    env, fresh, ended = make(task), make(task), make(task)
    for started in (env, ended):
        started.reset(seed=0)
    ended.step("?" * (ended.max_answer_chars + 1))  # which ends any episode
    beyond: Any = task.difficulties[-1] + 1
    wrong: dict[str, Any] = {"no string": 1, "text": "7", "half": 1.5, "one": 1.0, "truth": True, "none": None}
    cases: dict[str, tuple[type[Exception], Callable[[], Any]]] = {
        "a step before reset": (gymnasium.error.ResetNeeded, lambda: fresh.step("")),
        "a step after the end": (gymnasium.error.ResetNeeded, lambda: ended.step("")),
        "an action that is no string": (TypeError, lambda: env.step(wrong["no string"])),
        "a negative seed": (ValueError, lambda: env.reset(seed=-1)),
        "half a seed": (ValueError, lambda: env.reset(seed=wrong["half"])),
        "a truth value for a seed": (ValueError, lambda: env.reset(seed=wrong["truth"])),
        "a seed that is text": (ValueError, lambda: env.reset(seed=wrong["text"])),
        "a difficulty beyond the last": (ValueError, lambda: env.reset(seed=0, options={"difficulty": beyond})),
        "a difficulty that is no integer": (ValueError, lambda: env.reset(options={"difficulty": wrong["one"]})),
        "a difficulty that is text": (ValueError, lambda: env.reset(seed=0, options={"difficulty": wrong["text"]})),
        "an unknown option": (ValueError, lambda: env.reset(seed=0, options={"level": 1})),
        "an unknown split": (ValueError, lambda: make(task, split="dev")),
        "a first difficulty beyond the last": (ValueError, lambda: make(task, difficulty=beyond)),
        "a first difficulty that is no integer": (ValueError, lambda: make(task, difficulty=wrong["one"])),
        "an unknown render mode": (ValueError, lambda: make(task, render_mode="human")),
        "a snapshot of another task": (ValueError, lambda: env.restore(_foreign(env))),
        "no snapshot": (ValueError, lambda: env.restore(wrong["none"])),
        "a problem of no difficulty": (ValueError, lambda: sample_problem(task, 0, beyond)),
    }
    faults = [fault for name, (kind, misuse) in cases.items() if (fault := _fault(name, kind, misuse))]
    env.step("")  # after all that the episode goes on
    return faults


def _foreign(env: ReasoningEnv) -> Any:
    return dataclasses.replace(env.snapshot(), family="another task")


def _fault(name: str, kind: type[Exception], misuse: Callable[[], Any]) -> str:
    """What is wrong with how ``misuse`` is met; empty when nothing is."""
    try:
        misuse()
    except kind as error:
        told = str(error).strip()
        return "" if told and "\n" not in told else f"{name} is refused with {told!r}"
    except Exception as error:
        return f"{name} is met with {type(error).__name__} instead of {kind.__name__}"
    return f"{name} is accepted"
