"""Program of thoughts: the value of a program is the answer; what fails is told and counted."""

from __future__ import annotations

from typing import Any

import pytest

from palaestra.agents.self_consistency import SelfConsistency
from palaestra.agents.strategies.asking import counted
from palaestra.agents.strategies.program_of_thought import ProgramOfThought
from palaestra.episodes import Cost
from palaestra.verifiers.sandbox import SandboxError


def block(program: str) -> str:
    return f"Here:\n```python\n{program}\n```"


@pytest.mark.parametrize(
    ("program", "value"),
    [
        ("ans = 12345678 * 87654321", "1082152022374638"),
        ("ans = 6 / 2", "3"),
        ("ans = 0.1 + 0.2", "0.3"),
        ("ans = sum([0.1] * 30)", "3"),
        ("ans = 7 / 3", "7/3"),
        ("ans = -22.2 / 3", "-7.4"),
        ("ans = 2 ** 0.5", "1.4142135623730951"),
        ("ans = 123456789012.7", "123456789012.7"),
        ("ans = 2.0 ** 70", "1180591620717411303424"),
        ("ans = float('inf')", "inf"),
        ("from fractions import Fraction\nans = Fraction(1, 3) * 2", "2/3"),
        ("def f(n):\n    return n * n\nprint('so')\nprint(f(9))", "81"),
        ("def main():\n    print(7)\n\nif __name__ == '__main__':\n    main()", "7"),
    ],
)
def test_the_value_of_the_program_is_the_answer(program: str, value: str, told: Any, asks: Any) -> None:
    (reply,) = ProgramOfThought(told(lambda text, one: block(program))).respond(asks("?"))
    assert reply.text == f"\\boxed{{{value}}}"
    assert reply.cost == Cost(5, 2, verifier_calls=1)
    assert (reply.meta["program"], reply.meta["source"], reply.meta["derived"]) == ("ok", program, True)


@pytest.mark.parametrize(
    ("said", "status", "calls", "error"),
    [
        ("The answer is 5.", "no program", 0, ""),
        ("```python\nans = 5", "no program", 0, ""),
        (block("ans = 1 // 0"), "error", 1, "ZeroDivisionError"),
        (block("x = 5"), "no value", 1, "neither ans nor anything printed"),
        (block("ans = '9' * 5000"), "no value", 1, "too long"),
        (block("while True: pass"), "timeout", 1, ""),
        (block("def"), "error", 1, "SyntaxError"),
    ],
)
def test_a_program_that_fails_is_told_and_counted(
    said: str, status: str, calls: int, error: str, told: Any, asks: Any
) -> None:
    agent = ProgramOfThought(told(lambda text, one: said))
    (reply,) = agent.respond(asks("?"))
    assert (reply.text, reply.meta["program"]) == (said, status)
    assert error in reply.meta.get("error", "")
    assert reply.cost == Cost(5, 2, verifier_calls=calls)
    assert counted(agent) == {"ProgramOfThought": {status: 1}}


def test_a_sandbox_that_fails_is_not_the_program_s_fault(told: Any, asks: Any) -> None:
    class Broken:
        def call(self, *args: Any, **given: Any) -> Any:
            raise SandboxError("no namespaces here")

    agent = ProgramOfThought(told(lambda text, one: block("ans = 1")), sandbox=Broken())  # type: ignore[arg-type]
    (reply,) = agent.respond(asks("?"))
    assert reply.meta == {"program": "sandbox failed", "error": "no namespaces here"}


def test_values_vote(told: Any, asks: Any) -> None:
    """Block 16: self-consistency over programs votes on what they compute, however they compute it."""
    programs = ["ans = 2 + 2", "ans = 1 // 0", "print(2 * 2)", "ans = 5"]
    agent = SelfConsistency(ProgramOfThought(told(lambda text, one: block(programs.pop(0)))), 4)
    (reply,) = agent.respond(asks("?"))
    assert (reply.text, reply.meta["votes"]) == ("\\boxed{4}", 2)
    assert reply.cost == Cost(20, 8, verifier_calls=4)
    assert counted(agent) == {"ProgramOfThought": {"error": 1, "ok": 3}}


def test_no_token_of_a_program_gets_the_verdict_of_its_answer_s_line(told: Any) -> None:
    from palaestra.arena.replay import replay
    from palaestra.arena.rollout import Job, rollout
    from palaestra.episodes.steps import logged_steps
    from palaestra.episodes.views import groups

    jobs = [Job(f"{n}", "palaestra/Arithmetic-v0", {}, 1, "g", agent_seed=n) for n in range(2)]
    episodes = list(rollout(ProgramOfThought(told(lambda text, one: block("ans = 1"))), jobs))
    assert all(len(one.turns[0].step_verdicts) == 1 for one in episodes)  # the log keeps them
    view = groups(episodes, decode=lambda ids: "x" * 40 * len(ids))
    assert all(row.token_rewards is not None and (row.token_rewards != row.token_rewards).all() for row in view.rows)
    ends, judged = logged_steps(episodes, lambda ids: "x" * 40 * len(ids))
    assert [(ends(row), list(judged(row))) for row in view.rows] == [([], []), ([], [])]
    assert not [difference for _, differences in replay(episodes) for difference in differences]
