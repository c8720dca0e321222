"""Problems from a file or from the Hugging Face hub, each judged by the verifier that fits its kind of answer."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import OracleMissing, Problem, Task
from palaestra.verifiers import ChoiceVerifier, MathVerifier, ShortTextVerifier, Verdict

from .dataset_rows import SOLVED, TYPES, Row, read_rows

HOW = {
    "math": "Answer in \\boxed{}.",
    "choice": "Answer in \\boxed{} with the letter of the right option.",
    "text": "Answer in \\boxed{} with as few words as possible.",
    "code": "Answer with the Python code in a ```python block.",
}
EXAMPLE = "path='problems.jsonl'"


@register("palaestra/Dataset-v0")
@dataclass(frozen=True)
class Dataset(Task):
    """Rows of a data set, drawn by seed. Reading them checks every gold answer; a bad one is an error at once.

    path: a file (.jsonl, .json, .parquet), or a data set's name on the Hugging Face hub (``pip install datasets``).
    question, answer: the columns, where they are not told by their names.
    type: of the answers: math, choice, text or code; told by the columns where it is not given.
    hub_config, hub_split: which part of a data set on the hub to read; the whole split "train" by default.

    The layouts of GSM8K, MATH, AIME, HumanEval, MBPP, MMLU and ARC are recognised; MATH's levels are the difficulties
    (one without rows has those of the level below), other data sets have difficulty 1 only. An environment's train and
    test split are, as for every task, disjoint by a hash of the question, or of the column ``identity`` where there is
    one: rows that put the same problem in other words have the same identity. A data set's own test rows are read with
    ``hub_split``, or from their own file.

    Raises:
        ValueError: no path, no such file or column, or a row that cannot be used: the message has its number and field.
        MissingLibrary: ``datasets`` is needed and not installed.
    """

    path: str = ""
    question: str = ""
    answer: str = ""
    type: str = ""
    hub_config: str = ""
    hub_split: str = ""
    tags: ClassVar[tuple[str, ...]] = ("dataset",)
    wordings: ClassVar[tuple[str, ...]] = ("{question}\n\n{how}", "{how}\n\n{question}", "Question: {question}\n{how}")
    _rows: ClassVar[dict[int, list[Row]]]  # by difficulty, set on the instance; no knob

    def __post_init__(self) -> None:
        if not self.path:
            raise ValueError(f"Dataset needs a file or a data set's name: make({self.id!r}, {EXAMPLE})")
        if self.type and self.type not in TYPES:
            raise ValueError(f"type is one of {', '.join(TYPES)}, not {self.type!r}")
        rows: dict[int, list[Row]] = {}
        for row in read_rows(self.path, self.question, self.answer, self.type, self.hub_config, self.hub_split):
            rows.setdefault(row.difficulty, []).append(row)
        for level in range(min(rows), max(rows)):
            rows.setdefault(level + 1, rows[level])
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "difficulties", range(min(rows), max(rows) + 1))

    @property
    def ceiling(self) -> float:
        """The share of the most frequent gold answer, at the worst difficulty: what a constant earns."""
        return max(
            Counter(str(row.reference["gold"]) for row in rows).most_common(1)[0][1] / len(rows)
            for rows in self._rows.values()
        )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        rows = self._rows.get(difficulty)
        if rows is None:
            raise ValueError(f"{self.path} has no row of difficulty {difficulty}")
        row = rows[int(rng.random() * len(rows))]
        fields = {"question": row.question, "how": HOW[row.reference["type"]]}
        meta = {"row": row.number, "solution": row.solution, "identity": row.identity}
        return self.ask(rng, row.reference, difficulty, fields, meta)

    def identity(self, problem: Problem) -> str:
        return str(problem.meta["identity"] or super().identity(problem))

    def verify(self, problem: Problem, response: str) -> Verdict:
        reference = problem.reference
        gold = reference["gold"]
        match reference["type"]:
            case "math":
                return MathVerifier().verify(response, gold)
            case "choice":
                return ChoiceVerifier(gold, tuple(reference["options"])).verify(response)
            case "text":
                return ShortTextVerifier(tuple(gold)).verify(response)
        return _run(reference, response)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """The row's own solution, where it has one, and its gold answer."""
        solution, reference = problem.meta["solution"], problem.reference
        if reference["type"] == "code":
            if not solution:
                raise OracleMissing(f"row {problem.meta['row']} of {self.path} has no solution")
            return f"```python\n{solution.strip(chr(10))}\n```"
        gold = reference["gold"]
        boxed = f"\\boxed{{{gold[0] if isinstance(gold, list) else gold}}}"
        return f"{solution.strip()}\n{boxed}".lstrip()

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        raise OracleMissing("a data set has no weak solver")


def _run(reference: dict[str, Any], response: str) -> Verdict:
    """Judge code by a data set's assertions, in the sandbox."""
    from palaestra.verifiers.code import Call, CodeVerifier  # here, as it takes long to import

    before, after = reference["before"], reference["after"]
    verifier = CodeVerifier([Call(SOLVED, returns=True)], whole=True, before=before, after=after)
    verdict = verifier.verify(response)
    kept = {key: value for key, value in verdict.evidence.items() if key in ("passed", "tests", "failed")}
    return dataclasses.replace(verdict, evidence=kept)  # without seconds and bytes, which differ from run to run
