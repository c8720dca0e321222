"""Forward-backward consistency: does the backward question, with this answer given, lead back to what was given?

The inverse question of RevThink (arXiv:2411.19865), used to check an answer as FOBAR does (arXiv:2308.07758).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from functools import reduce
from operator import add

from palaestra.agents.agent import Agent, Dialogue, Message
from palaestra.envs.seeding import derive_seed
from palaestra.envs.task import Problem, Task
from palaestra.episodes import Cost
from palaestra.verifiers import extract_answer

from .assessment import Answer, Assessment, Grain, refuse, spans_of
from .executed import task_of


def claimed(problem: Problem, answer: str) -> Problem | None:
    """The problem as if this were its answer; None where an answer of one text or number does not make a reference."""
    if isinstance(problem.reference, bool) or not isinstance(problem.reference, int | str):
        return None
    if isinstance(problem.reference, str):
        return replace_reference(problem, answer)
    try:
        return replace_reference(problem, int(answer.rpartition("=")[2]))
    except ValueError:
        return None


def replace_reference(problem: Problem, reference: int | str) -> Problem:
    """The problem with another reference."""
    return Problem(problem.prompt, reference, problem.difficulty, problem.meta)


class ForwardBackward:
    """The share of ``samples`` answers to the backward question that find again what the question gave.

    ``Task.invert`` puts it with the answer that is judged in the place of the right one, so that nothing tells which is
    right; what is to be found again stands in the question. 0 for a reply without an answer; nan where the task has no
    backward question for it. The cost is that of asking. counts: "no backward question".

    claim: makes the problem whose answer is the judged one; the default knows numbers and texts.
    """

    grains: tuple[Grain, ...] = ("answer",)

    def __init__(
        self,
        agent: Agent,
        samples: int = 1,
        task: Task | None = None,
        claim: Callable[[Problem, str], Problem | None] = claimed,
    ) -> None:
        if samples < 1:
            raise ValueError(f"forward-backward consistency needs samples of 1 or more, not {samples}")
        self.agent, self.samples, self.task, self.claim = agent, samples, task, claim
        self.counts: Counter[str] = Counter()

    @property
    def weights_hash(self) -> str:
        """Of the agent that is asked."""
        return self.agent.actor.weights_hash

    def assess(self, answers: Sequence[Answer], grain: Grain = "answer") -> list[Assessment]:
        refuse(self, grain)
        backward = [self._backward(answer) for answer in answers]
        asked = [
            Dialogue((Message("user", problem.prompt),), derive_seed(answer.dialogue.seed, "backward", index))
            for answer, problem in zip(answers, backward, strict=True)
            if isinstance(problem, Problem)
            for index in range(self.samples)
        ]
        replies = iter(self.agent.respond(asked) if asked else [])
        made = []
        for answer, problem in zip(answers, backward, strict=True):
            spans = spans_of(answer.reply, grain)
            if not isinstance(problem, Problem):
                made.append(Assessment((problem,), spans))
                continue
            task, _ = task_of(answer, self.task)
            said = [next(replies) for _ in range(self.samples)]
            scores = [task.verify(problem, reply.text).score for reply in said]
            decided = [score for score in scores if not math.isnan(score)]
            cost = reduce(add, (reply.cost for reply in said), Cost(verifier_calls=self.samples))
            made.append(Assessment((sum(decided) / len(decided) if decided else math.nan,), spans, cost))
        return made

    def _backward(self, answer: Answer) -> Problem | float:
        """The backward question, or the score of an answer that has none."""
        found = extract_answer(answer.reply.text)
        if found is None:
            return 0.0
        task, problem = task_of(answer, self.task)
        forward = self.claim(problem, found.text)
        backward = task.invert(forward) if forward is not None else None
        self.counts["no backward question"] += backward is None
        return math.nan if backward is None else backward
