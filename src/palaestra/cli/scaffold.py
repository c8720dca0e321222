"""A small package with a working task in it, for whoever begins one."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from .app import UserError

TASK = '''"""{title}: say here in a line what is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs import Problem, Task, register
from palaestra.verifiers import Verdict, last_boxed, right, wrong

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@register("{namespace}/{title}-v0")
@dataclass(frozen=True)
class {title}(Task):
    """Write a word backwards: difficulty d asks for d + 3 letters.

    letters: the word is made of the first so many letters of the alphabet.
    """

    letters: int = 26
    tags: ClassVar[tuple[str, ...]] = ("strings",)
    wordings: ClassVar[tuple[str, ...]] = (
        "Write {{word}} backwards. Answer in \\\\boxed{{{{}}}}.",
        "Read from its end, what is the word {{word}}? Put it in \\\\boxed{{{{}}}}.",
        "The word is {{word}}. Give its letters, last one first, in \\\\boxed{{{{}}}}.",
    )
    ceiling = 0.01  # what an answer that does not depend on the question may earn on average

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        word = "".join(LETTERS[k] for k in rng.integers(self.letters, size=difficulty + 3).tolist())
        return self.ask(rng, word[::-1], difficulty, {{"word": word}})

    def verify(self, problem: Problem, response: str) -> Verdict:
        answer = last_boxed(response)
        if answer is None:
            return wrong("no \\\\boxed answer")
        return right("the word") if answer.strip() == problem.reference else wrong(f"another word: {{answer[:40]!a}}")

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return f"\\\\boxed{{{{{{problem.reference}}}}}}"

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Loses what is beyond six letters."""
        return f"\\\\boxed{{{{{{problem.reference[:6]}}}}}}"
'''

TEST = '''"""{title}: what is right is paid, nothing else is."""

from palaestra.envs import sample_problem
from palaestra.envs.testing import check_task

from {module} import {title}


def test_it_conforms() -> None:
    report = check_task({title}())
    assert report.ok, str(report)


def test_a_word_forwards_is_wrong() -> None:
    problem = sample_problem({title}(), seed=0, difficulty=3)
    assert not {title}().verify(problem, f"\\\\boxed{{{{{{problem.reference[::-1]}}}}}}").right
'''

PROJECT = """[project]
name = "{package}"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["palaestra"]

[project.entry-points."palaestra.envs"]
{module} = "{module}"

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[tool.hatch.build.targets.wheel]
only-include = ["{module}.py"]
"""


@dataclass(frozen=True, slots=True)
class Scaffold:
    """What was made: the folder, the module in it and the environment's id."""

    folder: Path
    module: str
    id: str


def scaffold(name: str, parent: Path) -> Scaffold:
    """Make the folder of a package ``name`` in ``parent``.

    Raises:
        UserError: the name makes no Python name, or one that is taken, or the folder is there already.
    """
    words = re.findall(r"[a-zA-Z][a-z0-9]*|[0-9]+", name)
    module = "_".join(words).lower()
    if not re.fullmatch(r"[\w-]+", name, re.ASCII) or not module.isidentifier() or keyword.iskeyword(module):
        raise UserError(f"{name!r} makes no name of a Python module: choose one such as reverse-words")
    found = find_spec(module)
    if found is not None and found.origin:  # a folder of that name has none
        raise UserError(f"a Python module is called {module} already, and would be found first: choose another name")
    title = "".join(word[0].upper() + word[1:] for word in words)
    folder = parent / module.replace("_", "-")
    if folder.exists():
        raise UserError(f"{folder} is there already: choose another name, or another --folder")
    fields = {"title": title, "module": module, "package": folder.name, "namespace": "my"}
    (folder / "tests").mkdir(parents=True)
    (folder / f"{module}.py").write_text(TASK.format(**fields))
    (folder / "tests" / f"test_{module}.py").write_text(TEST.format(**fields))
    (folder / "pyproject.toml").write_text(PROJECT.format(**fields))
    return Scaffold(folder, module, f"my/{title}-v0")
