"""Follow the one arrow that leaves each vertex, so many times."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.envs.tasks.draws import shuffled
from palaestra.verifiers import Verdict, right, undecided, wrong
from palaestra.verifiers.graphs.answers import AnswerError, Reader, judge

from .drawing import LETTERS

ARROW = re.compile("[A-Z][A-Z]")
PATIENCE = 4  # arrows that the weak solver follows
MAX_VERTICES = 16  # so that letters suffice at level 10


@register("palaestra/PointerChasing-v0")
@dataclass(frozen=True)
class PointerChasing(Task):
    """Difficulty d asks where a walk of d arrows ends, on a cycle of ``vertices`` + d vertices whose order is hidden.

    vertices: 3 to 16. The answer is one letter, and an arrow from A to B is written AB. The arrows are a single cycle,
    longer than the walk, so the end is never the start, every other vertex is as likely, and the backward question
    (``invert``: where did the walk begin?) has one answer too.
    """

    tags: ClassVar[tuple[str, ...]] = ("graphs", "functional_graphs")
    vertices: int = 8
    wordings: ClassVar[tuple[str, ...]] = (
        "XY is an arrow from X to Y: {arrows}. Start at {start} and follow the arrow {times}. Where does it end? "
        "Answer in \\boxed{{}}.",
        "XY means that X passes the ball to Y: {arrows}. {start} has it, and it is passed on {times}. Who has it then? "
        "Answer in \\boxed{{}}.",
        "Arcs: {arrows}. A walk from {start} takes the arc that leaves it, {times}. What is at its end? Write the "
        "letter in \\boxed{{}}.",
    )
    backward: ClassVar[tuple[str, ...]] = (
        "XY is an arrow from X to Y: {arrows}. The arrow was followed {times}, to {end}. Where was the start? "
        "Answer in \\boxed{{}}.",
        "XY means that X passes the ball to Y: {arrows}. It was passed on {times}, and {end} has it. Who had it first? "
        "Answer in \\boxed{{}}.",
        "Arcs: {arrows}. A walk that takes {times} the arc that leaves it ends at {end}. Where did it begin? Write the "
        "letter in \\boxed{{}}.",
    )

    def __post_init__(self) -> None:
        if not 3 <= self.vertices <= MAX_VERTICES:
            raise ValueError(f"vertices is from 3 to {MAX_VERTICES}, not {self.vertices}")

    @property
    def ceiling(self) -> float:
        """At level 1 a letter is right once in ``vertices``."""
        return min(1.0, 1.3 / self.vertices)

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        cycle = shuffled(rng, LETTERS[: self.vertices + difficulty])
        arrows = "; ".join(sorted([a + b for a, b in pairwise([*cycle, cycle[0]])]))
        path = cycle[: difficulty + 1]
        fields = {"arrows": arrows, "start": path[0], "times": _counted(difficulty)}
        return self.ask(rng, path[1:], difficulty, fields)

    def verify(self, problem: Problem, response: str) -> Verdict:
        """``reference`` is the way there, its last vertex the answer."""
        expected: str = problem.reference[-1]
        if response.endswith(f"\\boxed{{{expected}}}"):  # the usual right answer, at a fifth of the cost
            return right("the end of the walk", answer=expected)
        return judge(response, lambda reader: _check(reader, expected))

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Each arrow on the way, a line each."""
        return "\n".join([*_walk(problem), f"\\boxed{{{problem.reference[-1]}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Gives up after a few arrows."""
        return f"\\boxed{{{problem.reference[:PATIENCE][-1]}}}"

    def steps(self, problem: Problem, response: str) -> list[Verdict]:
        """One verdict a line: the k-th arrow written must be the k-th of the walk; other lines say nothing."""
        verdicts: list[Verdict] = []
        left = _walk(problem)
        for line in filter(None, map(str.strip, response.splitlines())):
            if line.startswith("\\boxed"):
                verdicts.append(self.verify(problem, line))
            elif not (left and ARROW.fullmatch(line)):
                verdicts.append(undecided("no arrow of the walk", line=line[:40]))
            else:
                expected = left.pop(0)
                same = line == expected
                verdicts.append(right("on the way", line=line) if same else wrong(f"{line} is not next", line=line))
        return verdicts

    def invert(self, problem: Problem) -> Problem | None:
        """Where did the walk begin? None of a question that is one of these already."""
        fields = problem.meta["fields"]
        if "end" in fields:
            return None
        *between, end = problem.reference
        asked = {"arrows": fields["arrows"], "end": end, "times": fields["times"]}
        prompt = self.backward[problem.meta["wording"]].format(**asked)
        path = [*reversed(between), fields["start"]]
        return Problem(prompt, path, problem.difficulty, {**problem.meta, "fields": asked})

    def reword(self, problem: Problem, wording: int) -> Problem:
        """The same question in another wording of its direction."""
        fields = problem.meta["fields"]
        prompt = (self.backward if "end" in fields else self.wordings)[wording].format(**fields)
        return Problem(prompt, problem.reference, problem.difficulty, {**problem.meta, "wording": wording})


def _walk(problem: Problem) -> list[str]:
    """The arrows from the vertex that is given to the one that is asked for."""
    fields = problem.meta["fields"]
    forward = "start" in fields
    way = [fields["start" if forward else "end"], *problem.reference]
    return [a + b if forward else b + a for a, b in pairwise(way)]


def _check(reader: Reader, expected: str) -> str:
    """
    Raises:
        AnswerError: the answer is another vertex, or not one.
    """
    nodes = reader.nodes()
    if len(nodes) != 1:
        raise AnswerError(f"{len(nodes)} vertices: the walk ends at one")
    if nodes[0].upper() != expected:
        raise AnswerError(f"expected {expected}, got {nodes[0][:40]}")
    return "the end of the walk"


def _counted(steps: int) -> str:
    return {1: "once", 2: "twice"}.get(steps, f"{steps} times")
