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
import sys
from collections import Counter
from functools import cache, lru_cache
from typing import Any

import numpy as np

from palaestra.verifiers.optional import require

factory: Any = require("reasoning_gym", "reasoning-gym").factory
sympy: Any = require("sympy", "reasoning-gym")

EVALUATING = ("string_insertion", "spiral_matrix", "binary_matrix")  # their modules call ``eval`` on the answer
COMPOSED = frozenset({"composite"})  # no family of problems of its own
MAX_OPEN = 64  # data sets kept, some with the files that they read
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
    """Every data set: its name, how many levels it has (1 where it has no curriculum), its category."""
    found = []
    for name, (dataset, _) in sorted(factory.DATASETS.items()):
        if name not in COMPOSED:
            found.append((name, _levels(name), dataset.__module__.split(".")[1]))
    return found


def _levels(name: str) -> int:
    """How many levels its curriculum has before the first, if any, whose settings its own check refuses."""
    if not factory.has_curriculum(name):
        return 1
    count = max(len(one.levels) for one in factory.create_curriculum(name).attributes.values())
    for level in range(1, count + 1):
        settings = _settings(name, level, 0)
        try:
            getattr(settings, "validate", bool)()
        except (AssertionError, ValueError):
            return max(level - 1, 1)
    return count


def sample(name: str, level: int, seed: int) -> tuple[str, str, str | None]:
    """Item 0 of the data set of this seed and level, as the text of a Python literal; its question; an answer to it.

    The library's generators also draw from the global generators of ``random`` and NumPy: these are seeded too.
    """
    for attempt in range(TRIES):
        own = seed if attempt == 0 else _derived(seed, attempt)
        random.seed(own)
        np.random.seed(own)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Unwritable):
            item = _plain(_seeded(name, level, own)[0])
            return repr(item), item["question"], _answer(item)
    raise Unwritable(f"{TRIES} items of {name} that are no plain data")


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


def blind(name: str, level: int, count: int, guesses: list[str]) -> tuple[float | None, float, list[tuple[str, float]]]:
    """What answers without a look at the question earn on items 0 to ``count`` - 1, with as many others to learn from.

    The share of items whose own answer is right; the share of those that pay something to words, or to the answer
    among words; for each guess, and each of the answers that are most frequent among the others, how often it is right.
    """
    items = [sample(name, level, seed) for seed in range(2 * count)]
    asked, others = items[:count], [answer for _, _, answer in items[count:] if answer]
    constants = [*guesses, *(answer for answer, _ in Counter(others).most_common(3))]
    own = [score(name, level, item, answer) >= 1 for item, _, answer in asked if answer]
    partial = [
        any(0 < score(name, level, item, words) < 1 for words in (guesses[-1], f"The answer is {answer}."))
        for item, _, answer in asked
    ]
    shares = [(one, sum(score(name, level, item, one) >= 1 for item, _, _ in asked) / count) for one in constants]
    if others:
        right = [score(name, level, item, others[k % len(others)]) >= 1 for k, (item, _, _) in enumerate(asked)]
        shares.append(("another item's answer", sum(right) / count))
    return (sum(own) / len(own) if own else None), sum(partial) / count, shares


def serve(request: str, *arguments: Any) -> Any:
    """What the worker calls: one of the functions above by name."""
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
    settings = {"seed": seed, "size": 1}
    if not factory.has_curriculum(name):
        return factory.DATASETS[name][1](**settings)
    curriculum = factory.create_curriculum(name)
    curriculum.set_global_level(level - 1)
    return curriculum.generate_configuration(settings)


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
