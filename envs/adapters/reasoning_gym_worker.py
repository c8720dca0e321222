"""The side of the reasoning-gym adapter that runs in a worker: makes items and calls the library's scorers on answers.

Several of its scorers hand the answer to ``eval`` or to SymPy's parser, which evaluates it as Python. Before the first
answer both are replaced, in this process: by ``ast.literal_eval``, and by a parser that refuses all but arithmetic.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import math
import random
import re
import signal
import sys
import time
from functools import cache, lru_cache
from typing import Any

import numpy as np

from palaestra.verifiers.optional import require

factory: Any = require("reasoning_gym", "reasoning-gym").factory
sympy: Any = require("sympy", "reasoning-gym")

EVALUATING = ("string_insertion", "spiral_matrix", "binary_matrix")  # their modules call ``eval`` on the answer
COMPOSED = frozenset({"composite"})  # no family of problems of its own
MAX_OPEN = 64  # data sets kept, some with the files that they read
BLIND_SECONDS = 2.0  # for a scorer in a survey
BLIND_ITEM_SECONDS = 30.0  # for an item in a survey
LEAST = 20  # items in a survey
TRIES = 20  # items drawn for one that can be written down
MAX_EXPRESSION = 4000  # characters
SAFE = re.compile(r"[A-Za-z0-9_\s+\-*/^().,]*")
NAME = re.compile(r"[A-Za-z_]\w*")
ANGLES = ("sin", "cos", "tan", "cot", "sec", "csc")
INVERSES = ("asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh")
FUNCTIONS = frozenset({*ANGLES, *INVERSES, "exp", "log", "ln", "sqrt", "Abs", "abs", "pi", "erf"})
ANSWERS = ("example_answer", "possible_answer", "example_correct_answer")  # metadata, where ``answer`` is None


class Unwritable(ValueError):
    """An item holds something that is no plain data."""


def names() -> list[tuple[str, int, str]]:
    """Every data set: its name, how many levels it has (1 where it has no curriculum that works), its category."""
    found = []
    for name, (dataset, _) in sorted(factory.DATASETS.items()):
        if name not in COMPOSED:
            found.append((name, max(1, _levels(name)), dataset.__module__.split(".")[1]))
    return found


@cache
def _levels(name: str) -> int:
    """How many levels its curriculum has before the first, if any, whose settings its own check refuses; 0 for none."""
    if not factory.has_curriculum(name):
        return 0
    count = max(len(one.levels) for one in factory.create_curriculum(name).attributes.values())
    for level in range(1, count + 1):
        settings = _graded(name, level, 0)
        try:
            getattr(settings, "validate", bool)()
        except (AssertionError, ValueError):
            return level - 1
    return count


def sample(name: str, level: int, seed: int) -> tuple[str, str, str | None]:
    """Item 0 of the data set of this seed and level, as the text of a Python literal; its question; an answer to it.

    The library's generators also draw from the global generators of ``random`` and NumPy: these are seeded too. Some
    give up on some seeds: then the item is that of another seed.
    """
    for attempt in range(TRIES):
        own = seed if attempt == 0 else _derived(seed, attempt)
        random.seed(own)
        np.random.seed(own)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                item = _plain(_seeded(name, level, own)[0])
            return repr(item), item["question"], _answer(item)
        except MemoryError:
            raise
        except Exception as error:
            failure = error
    raise failure


def score(name: str, level: int, item: str, answer: str) -> float:
    """What the library's scorer gives ``answer``; 0 where it raises, or is not finite."""
    _guard()
    entry = ast.literal_eval(item)
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            value = float(_scorer(name, level).score_answer(answer, entry))
        except MemoryError:
            raise
        except Exception:  # many raise on text that they do not expect
            return 0.0
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0


def blind(name: str, level: int, count: int, seconds: float) -> tuple[int, float | None, str, float]:
    """What the audit's cheats earn on ``count`` items, with as many others to learn answers from.

    On fewer items, but ``LEAST``, where ``seconds`` of processor time are not enough to make them. Returns how many;
    the share of items whose own answer is right, None where none has one; the best policy; the share that it gets
    right. All in one call, since ten thousand calls take longer than their work.
    """
    from palaestra.envs.cheats import cheats  # here, since workers start often, and few are asked for this
    from palaestra.envs.task import Problem

    from .reasoning_gym import FORM, final_answer, formed

    items: list[tuple[str, str, str | None]] = []
    end = time.process_time() + seconds
    while len(items) < 2 * count and (len(items) < 2 * LEAST or time.process_time() < end):
        signal.setitimer(signal.ITIMER_REAL, BLIND_ITEM_SECONDS)  # some make an item for ever: then another is made
        items.append(sample(name, level, _derived(len(items), level)))
        signal.setitimer(signal.ITIMER_REAL, 0)
    asked, others = items[: len(items) // 2], items[len(items) // 2 :]
    own = [_paid(name, level, item, answer) for item, _, answer in asked if answer]
    problems = [Problem(question + FORM, None, level) for _, question, _ in asked]
    earned = {
        cheat.name: sum(
            _paid(name, level, item, final_answer(response) or "")
            for (item, _, _), response in zip(asked, cheat.responses, strict=True)
        )
        for cheat in cheats(problems, [formed(answer) for _, _, answer in others if answer])
    }
    best = max(earned, key=lambda policy: earned[policy])
    return len(asked), (sum(own) / len(own) if own else None), best, earned[best] / len(asked)


def _paid(name: str, level: int, item: str, answer: str) -> bool:
    from .reasoning_gym import MAX_ANSWER, RIGHT_FROM

    if not 0 < len(answer) <= MAX_ANSWER:
        return False
    signal.setitimer(signal.ITIMER_REAL, BLIND_SECONDS)
    try:
        return score(name, level, item, answer) >= RIGHT_FROM
    except TimeoutError:
        return False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _stop(*_: object) -> None:
    raise TimeoutError


def serve(request: str, *arguments: Any) -> Any:
    """What the worker calls: one of the functions above by name."""
    signal.signal(signal.SIGALRM, _stop)
    functions: dict[str, Any] = {"names": names, "sample": sample, "score": score, "blind": blind}
    return functions[request](*arguments)


@lru_cache(maxsize=MAX_OPEN)
def _scorer(name: str, level: int) -> Any:
    return _dataset(name, level, 0)


def _seeded(name: str, level: int, seed: int) -> Any:
    """A data set of this seed. Those with a curriculum look at their seed for each item alone, and so are kept."""
    if not factory.has_curriculum(name):
        return _dataset(name, level, seed)
    dataset = _scorer(name, level)
    dataset.seed = dataset.config.seed = seed
    return dataset


def _dataset(name: str, level: int, seed: int) -> Any:
    return factory.DATASETS[name][0](_settings(name, level, seed))


def _settings(name: str, level: int, seed: int) -> Any:
    if _levels(name):
        return _graded(name, level, seed)
    return factory.DATASETS[name][1](seed=seed, size=1)


def _graded(name: str, level: int, seed: int) -> Any:
    curriculum = factory.create_curriculum(name)
    curriculum.set_global_level(level - 1)
    return curriculum.generate_configuration({"seed": seed, "size": 1})


def _answer(item: dict[str, Any]) -> str | None:
    answer = item["answer"]
    if answer is None:
        answer = next((item["metadata"][key] for key in ANSWERS if item["metadata"].get(key) is not None), None)
    return answer if isinstance(answer, str) else None


def _plain(value: Any) -> Any:
    """``value`` in Python's own types, so that its ``repr`` reads back as the same."""
    if isinstance(value, np.generic):
        value = value.item()
    kind = type(value)
    if kind in (str, int, bool, bytes, type(None)) or (kind is float and math.isfinite(value)):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict):
        return {_plain(key): _plain(one) for key, one in value.items()}
    if isinstance(value, set) and value:
        return {_plain(one) for one in value}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if kind in (list, tuple):
        return kind(_plain(one) for one in value)
    raise Unwritable(kind.__name__)


@cache
def _guard() -> None:
    """Take evaluation of answers as Python away from the scorers."""
    for module in ("algorithmic." + name for name in EVALUATING):
        vars(sys.modules[f"reasoning_gym.{module}"])["eval"] = ast.literal_eval
    vars(sys.modules["reasoning_gym.games.n_queens"])["eval"] = ast.literal_eval
    parse = sympy.parse_expr

    def arithmetic(text: str, *arguments: Any, **options: Any) -> Any:
        if len(text) > MAX_EXPRESSION or not SAFE.fullmatch(text) or re.search(r"\.\s*[A-Za-z_]", text):
            raise ValueError("no arithmetic expression")
        for name in NAME.findall(text):
            if len(name) > 1 and name not in FUNCTIONS:
                raise ValueError(f"no name of an arithmetic expression: {name}")
        return parse(text, *arguments, **options)

    sympy.parse_expr = arithmetic
    for name in ("countdown", "puzzle24"):
        vars(sys.modules[f"reasoning_gym.games.{name}"])["parse_expr"] = arithmetic


def _derived(seed: int, attempt: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}|{attempt}".encode(), digest_size=4).digest(), "big")
