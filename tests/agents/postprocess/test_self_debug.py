"""Programs are mended by the tests that the question shows, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import pytest

from palaestra.agents.agent import Dialogue, Message
from palaestra.agents.postprocess.self_debug import SelfDebugging, simple, traced, unit_test
from palaestra.agents.postprocess.visible_tests import MAX_TESTS, Visible, trace, tried, visible_tests
from palaestra.arena.rollout import Job, rollout

Ask = Callable[..., Dialogue]
QUESTION = "Write double(x).\nassert double(2) == 4\ndouble(3) returns 6.\n>>> double(-1)\n-2\n"


def program(body: str) -> str:
    return f"```python\ndef double(x):\n    return {body}\n```"


def last(dialogue: Dialogue) -> str:
    return dialogue.messages[-1].content


def test_tests_are_read_out_of_the_question() -> None:
    assert visible_tests(QUESTION) == [
        Visible("double", (2,), 4),
        Visible("double", (3,), 6),
        Visible("double", (-1,), -2),
    ]
    assert visible_tests("f([1, 2], 'a') == {'a': [1]}") == [Visible("f", ([1, 2], "a"), {"a": [1]})]
    told = 'assert f(1) == "a, b", "f(1) is to be a, b"'
    assert visible_tests(told) == [Visible("f", (1,), "a, b")]
    assert visible_tests("f(1) == 2\nf(1) == 2") == [Visible("f", (1,), 2)]


@pytest.mark.parametrize(
    "text",
    [
        "x == 3",
        "f(y) == 3",
        "f(1) == g(2)",
        "f.g(1) == 2",
        "f(k=1) == 2",
        "f(1) == __import__('os')",
        "f(" + "[" * 900 + ") == 1",
        "f(1" + "0" * 5000 + ") == 1",
        "f(1) ==",
        ">>> f(1)",
        "f(1) == float('nan')",
    ],
)
def test_what_is_no_test_is_none(text: str) -> None:
    assert visible_tests(text) == []


def test_so_many_tests_and_no_more() -> None:
    assert len(visible_tests("\n".join(f"f({n}) == 1" for n in range(99)))) == MAX_TESTS


@pytest.mark.parametrize("feedback", [simple, unit_test, traced])
def test_a_program_is_mended(feedback: Any, ruled: Any, ask: Ask) -> None:
    agent = ruled(lambda d: program("x * x") if len(d.messages) == 1 else program("x * 2"))
    (reply,) = SelfDebugging(agent, feedback).respond([ask(QUESTION)])
    assert reply.text == program("x * 2")
    assert reply.meta == {"debugged": 1, "ended": "all visible tests pass"}
    assert reply.cost.verifier_calls == 2
    told = last(agent.batches[1][0])
    assert ("double(3)" in told or "double(-1)" in told) is (feedback is not simple)
    assert ("line 2: x = " in told) is (feedback is traced)


def test_the_program_is_explained_first(ruled: Any, ask: Ask) -> None:
    agent = ruled(lambda d: "it squares" if "Explain" in last(d) else program("x * " + "x2"[len(d.messages) > 1]))
    (reply,) = SelfDebugging(agent, unit_test, explain=True).respond([ask(QUESTION)])
    assert reply.meta["ended"] == "all visible tests pass"
    assert [message.role for message in agent.batches[2][0].messages] == ["user", "assistant"] * 2 + ["user"]
    assert agent.batches[2][0].messages[3].content == "it squares"


def test_turns_are_bounded_and_the_best_program_is_given(ruled: Any, ask: Ask) -> None:
    bodies = iter(["1", "4", "x * x", "None"])  # of three tests none, one, one and none pass
    agent = ruled(lambda d: program(next(bodies)))
    (reply,) = SelfDebugging(agent, turns=4).respond([ask(QUESTION)])
    assert reply.text == program("4")
    assert reply.meta == {"debugged": 3, "ended": "turns used up"}
    assert len(agent.batches) == 4


def test_without_a_visible_test_nothing_is_tried(ruled: Any, ask: Ask) -> None:
    agent = ruled(lambda d: program("x"))
    (reply,) = SelfDebugging(agent).respond([ask("Write double(x).")])
    assert reply.meta == {"debugged": 0, "ended": "no visible test"}
    assert reply.cost.verifier_calls == 0
    assert len(agent.batches) == 1


def test_dialogues_are_one_batch_and_end_each_on_its_own(ruled: Any, ask: Ask) -> None:
    agent = ruled(lambda d: program("x * 2") if d.seed == 1 or len(d.messages) > 1 else "no code")
    replies = SelfDebugging(agent).respond([ask(QUESTION, 0), ask(QUESTION, 1), ask("?", 2)])
    assert [reply.meta["debugged"] for reply in replies] == [1, 0, 0]
    assert [len(batch) for batch in agent.batches] == [3, 1]


def test_a_trace_ends_where_the_program_does_not() -> None:
    endless = trace(Visible("f", (1,), 1), "```python\ndef f(x):\n    while True:\n        x += 1\n```")
    assert endless.splitlines()[-1] == "and so on, without end in sight"
    assert len(endless) < 5000
    assert "ZeroDivisionError" in trace(Visible("f", (1,), 1), "```python\ndef f(x):\n    return x / 0\n```")
    assert trace(Visible("g", (1,), 1), "```python\ndef f(x):\n    return x\n```") == ""
    assert trace(Visible("f", (1,), 1), "no code") == ""


def test_a_program_that_does_not_end_fails_its_tests() -> None:
    verdict = tried(visible_tests(QUESTION), "```python\ndef double(x):\n    while True: pass\n```")
    assert verdict.score == 0.0


def test_hidden_tests_stay_hidden(ruled: Any) -> None:
    """A program that has learned the shown results by heart passes what is visible, and fails what is not."""

    def by_heart(dialogue: Dialogue) -> str:
        known = {repr(list(test.args[0])): test.returns for test in visible_tests(dialogue.messages[0].content)}
        return f"```python\ndef f(xs):\n    return {known!r}.get(repr(xs), [])\n```"

    agent = SelfDebugging(ruled(by_heart))
    (episode,) = rollout(agent, [Job("a", "palaestra/SelfDebug-v0", {}, 3, "g", {"difficulty": 2})])
    assert episode.turns[0].meta["ended"] == "all visible tests pass"
    assert episode.outcome["reasoner"].reward == 0.0


def test_the_environments_own_question_shows_its_tests() -> None:
    for name, count in (("SelfDebug", 3), ("WriteFunction", 2)):
        env = gymnasium.make(f"palaestra/{name}-v0", difficulty=2)
        for seed in range(6):
            observation, _ = env.reset(seed=seed)
            assert len(visible_tests(str(Message("user", observation).content))) == count
