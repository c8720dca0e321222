"""Self-debugging: an agent tries its program on the tests that the question shows, and mends it by what it is told.

Chen et al., arXiv:2304.05128. Hidden tests are the environment's and are never looked at: tests are read out of the
question's own text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from palaestra.agents.agent import Agent, Dialogue, Reply, named
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Actor, Cost
from palaestra.verifiers import Status, Verdict

from .asking import behind
from .visible_tests import Visible, failing, tests_shown, trace, tried

FIX = "The code above is wrong. Please fix it, and answer with the whole of it in a ```python block."
EXPLAIN = "Explain the code above line by line, and say what it does that it was not asked to do. Do not fix it yet."
MAX_TOLD = 2000  # characters of what a test says


class Failed(NamedTuple):
    """A program that fails: the answer it is in, the tests that it was put to, and what came of them."""

    answer: str
    tests: list[Visible]
    verdict: Verdict


Feedback = Callable[[Failed], str]


def simple(failed: Failed) -> str:
    """That it is wrong."""
    return FIX


def unit_test(failed: Failed) -> str:
    """Which test fails, with what was expected and what came out."""
    return f"The code above fails a test. {failed.verdict.reason[:MAX_TOLD]}\n{FIX}"


def traced(failed: Failed) -> str:
    """The failing test, and what the program does in it line by line: the run itself, where the paper has the model
    imagine it."""
    test = next(failing(failed.tests, failed.verdict), None)
    steps = trace(test, failed.answer) if test else ""
    run = f"This is what it does there, counted from the line of its def:\n{steps[:MAX_TOLD]}\n" if steps else ""
    return f"The code above fails a test. {failed.verdict.reason[:MAX_TOLD]}\n{run}{FIX}"


@dataclass(slots=True)
class _Case:
    """One dialogue under way: best is the reply that passes the largest share so far, the first of equals."""

    dialogue: Dialogue
    tests: list[Visible]
    reply: Reply
    best: Reply
    share: float = -1.0
    cost: Cost = field(default_factory=Cost)
    tries: int = 0
    ended: str = ""


class SelfDebugging:
    """Wraps an agent that writes Python: it is told how its program fails the visible tests, and writes it again.

    turns: programs, at most, the first one included. feedback: ``simple``, ``unit_test`` or ``traced``. explain: before
    it mends the program the agent explains it, line by line (rubber duck).
    Ends when all visible tests pass, when turns are used up, when the sandbox cannot tell, or at once when the question
    shows no test. The reply is the program that passes most of them. The cost holds everything that was said, and a
    verifier call for each program tried. meta: ``debugged``, how often it was told; ``ended``, why it stopped.
    """

    def __init__(self, agent: Agent, feedback: Feedback = unit_test, turns: int = 4, explain: bool = False) -> None:
        if turns < 1:
            raise ValueError(f"turns are 1 or more, not {turns}")
        self.agent, self.feedback, self.turns, self.explain = agent, feedback, turns, explain

    @property
    def actor(self) -> Actor:
        kind = f"{self.feedback.__name__}{'+explain' if self.explain else ''}"
        return named(self.agent, f"debug({kind},{self.turns})")

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        replies = self.agent.respond(dialogues)
        cases = [
            _Case(one, tests_shown(one), reply, reply, cost=reply.cost)
            for one, reply in zip(dialogues, replies, strict=True)
        ]
        while going := [(case, told) for case in cases if (told := self._tried(case)) is not None]:
            asked = [behind(case.dialogue, case.reply, told, _seed(case, "debug")) for case, told in going]
            if self.explain:
                asked = self._explained([case for case, _ in going], asked)
            for (case, _), dialogue, reply in zip(going, asked, self.agent.respond(asked), strict=True):
                case.dialogue, case.reply, case.cost = dialogue, reply, case.cost + reply.cost
        return [
            replace(case.best, cost=case.cost, meta={**case.best.meta, "debugged": case.tries - 1, "ended": case.ended})
            for case in cases
        ]

    def _tried(self, case: _Case) -> str | None:
        """What is to be told of the case's last program; None when the case has ended."""
        if case.ended:
            return None
        case.tries += 1
        if not case.tests:
            case.ended = "no visible test"
            return None
        verdict = tried(case.tests, case.reply.text)
        case.cost += Cost(verifier_calls=1)
        if verdict.status is not Status.UNDECIDED and verdict.score > case.share:
            case.best, case.share = case.reply, verdict.score
        if verdict.status is Status.UNDECIDED:
            case.ended = "the sandbox cannot tell"
        elif verdict.right:
            case.ended = "all visible tests pass"
        elif case.tries >= self.turns:
            case.ended = "turns used up"
        return None if case.ended else self.feedback(Failed(case.reply.text, case.tests, verdict))

    def _explained(self, cases: Sequence[_Case], asked: Sequence[Dialogue]) -> list[Dialogue]:
        """The same questions, with the agent's explanation of its program before them."""
        first = [behind(case.dialogue, case.reply, EXPLAIN, _seed(case, "explain")) for case in cases]
        said = self.agent.respond(first)
        for case, reply in zip(cases, said, strict=True):
            case.cost += reply.cost
        rows = zip(first, said, asked, strict=True)
        return [behind(dialogue, reply, one.messages[-1].content, one.seed) for dialogue, reply, one in rows]


def _seed(case: _Case, what: str) -> int:
    return derive_seed(case.dialogue.seed, what, case.tries)
