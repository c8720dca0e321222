"""Close all open brackets: words of the Dyck language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

CLOSING = {"(": ")", "[": "]", "<": ">"}  # braces would end the box
FEWEST = 3  # brackets that are open at the end
CLOSES = 0.42  # share of closing brackets
MEMORY = 12  # characters at the end that the weak solver reads


@register("palaestra/Brackets-v0")
@dataclass(frozen=True)
class Brackets(Task):
    """Difficulty raises the length of the text (8 to 53) and with it how many brackets are open at its end.

    The answer is the shortest text that makes the whole balanced; there is exactly one.
    """

    tags: ClassVar[tuple[str, ...]] = ("strings", "formal languages")
    ceiling = 0.04
    wordings = (
        "What is the shortest way to continue {text} so that all brackets are balanced? "
        "Answer in \\boxed{{}} with only the brackets to be added.",
        "{text}\nThe text above is the beginning of a sequence of properly nested brackets (), [] and <>. "
        "Which closing brackets, in which order, complete it? Write them in \\boxed{{}}.",
        "Every bracket has to be closed by one of its own kind, the one opened last first. "
        "After {text} some are still open. Close them: answer in \\boxed{{}} with what comes next.",
    )

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        uniforms = rng.random(2 * (3 + 5 * difficulty) + FEWEST).tolist()
        kinds = list(CLOSING)
        text = []
        due: list[str] = []  # the closing brackets of those that are open
        for u, v in zip(uniforms[FEWEST::2], uniforms[FEWEST + 1 :: 2], strict=True):
            if due and u < CLOSES:
                text.append(due.pop())
            else:
                text.append(kinds[int(v * 3)])
                due.append(CLOSING[text[-1]])
        for u in uniforms[: max(0, FEWEST - len(due))]:
            text.append(kinds[int(u * 3)])
            due.append(CLOSING[text[-1]])
        return self.ask(rng, {"completion": "".join(reversed(due))}, difficulty, {"text": "".join(text)})

    def verify(self, problem: Problem, response: str) -> Verdict:
        answer = last_boxed(response)
        if answer is None:
            return wrong("no \\boxed answer")
        expected = problem.reference["completion"]
        found = answer.replace(" ", "")
        shown = found[:80]
        for place, (bracket, due) in enumerate(zip(found, expected, strict=False), 1):
            if bracket != due:
                return wrong(f"bracket {place} has to be {due}, not {bracket!a}", answer=shown)
        if len(found) < len(expected):
            return wrong(f"{len(expected) - len(found)} brackets stay open", answer=shown)
        if len(found) > len(expected):
            return wrong(f"everything is closed after {len(expected)} brackets", answer=shown)
        return right("balanced", answer=shown)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """What is open after each bracket."""
        open_: list[str] = []
        lines = []
        for bracket in problem.meta["fields"]["text"]:
            if bracket in CLOSING:
                open_.append(bracket)
            else:
                open_.pop()
            lines.append(f"{bracket} open: {''.join(open_)}".rstrip())
        return "\n".join([*lines, _close(open_)])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Only the end of the text, where a closing bracket may have lost its opening one."""
        open_: list[str] = []
        for bracket in problem.meta["fields"]["text"][-MEMORY:]:
            if bracket in CLOSING:
                open_.append(bracket)
            elif open_:
                open_.pop()
        return _close(open_)


def _close(open_: list[str]) -> str:
    return f"\\boxed{{{''.join(CLOSING[bracket] for bracket in reversed(open_))}}}"
