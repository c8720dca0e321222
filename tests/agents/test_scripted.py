"""Oracles write as their habits say and are always right; the random agent repeats itself for a seed."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest

from palaestra.agents.agent import Dialogue, Message
from palaestra.agents.scripted import OracleAgent, RandomAgent
from palaestra.envs import SOLUTION_DELIMITER, OracleMissing, Problem, make_task, sample_problem
from palaestra.envs.seeding import derive_seed

TASKS = [f"palaestra/{name}-v0" for name in ("ChainArith", "Countdown", "KnightsAndKnaves", "LinearEquations")]
HABITS = {"direct": 0.4, "steps": 0.3, "check": 0.2, "long": 0.1}


def dialogues(task_id: str, n: int) -> list[Dialogue]:
    task = make_task(task_id)
    problems = [sample_problem(task, seed, 1 + seed % 5) for seed in range(n)]
    return [
        Dialogue((Message("user", p.prompt),), derive_seed(i), p, partial(task.solve, p))
        for i, p in enumerate(problems)
    ]


@pytest.mark.parametrize("task_id", TASKS)
@pytest.mark.parametrize("habit", HABITS)
def test_every_habit_is_right_on_every_task(task_id: str, habit: str) -> None:
    task = make_task(task_id)
    asked = dialogues(task_id, 25)
    for dialogue, reply in zip(asked, OracleAgent({habit: 1}).respond(asked), strict=True):
        assert dialogue.problem is not None
        assert task.verify(dialogue.problem, reply.text).right
        assert reply.meta == {"habit": habit}
        assert reply.completions == ()


def test_habits_come_by_their_weights_and_are_what_they_say() -> None:
    asked = dialogues(TASKS[0], 400)
    replies = OracleAgent(HABITS).respond(asked)
    counts = Counter(reply.meta["habit"] for reply in replies)
    assert {habit: pytest.approx(400 * weight, abs=45) for habit, weight in HABITS.items()} == counts
    for reply in replies:
        lines = reply.text.split("\n")
        if reply.meta["habit"] == "direct":
            assert len(lines) == 1
        elif reply.meta["habit"] == "check":
            middle = lines.index(SOLUTION_DELIMITER)
            assert lines[:middle] == lines[middle + 1 :]
        elif reply.meta["habit"] == "steps":
            assert SOLUTION_DELIMITER not in lines


def test_a_long_answer_holds_one_to_five_solutions_the_first_in_lines() -> None:
    found: Counter[tuple[int, int]] = Counter()  # solutions, and those of them that are the answer alone
    for reply in OracleAgent({"long": 1.0}).respond(dialogues(TASKS[0], 400)):
        first, *more = reply.text.split(f"\n{SOLUTION_DELIMITER}\n")
        assert set(more) <= {first, first.rsplit("\n", 1)[-1]}
        assert len(first.splitlines()) > 1
        found[1 + len(more), sum(one != first for one in more)] += 1
    for count in range(1, 6):
        assert sum(times for (held, _), times in found.items() if held == count) == pytest.approx(80, abs=30)
    assert {alone for _, alone in found} == {0, 1, 2, 3, 4}


def test_an_oracle_repeats_itself_for_a_seed_in_any_order() -> None:
    asked = dialogues(TASKS[1], 20)
    oracle = OracleAgent(HABITS)
    forward = oracle.respond(asked)
    assert oracle.respond(asked[::-1])[::-1] == forward
    assert OracleAgent(HABITS).respond(asked) == forward


@pytest.mark.parametrize("habits", [{"direkt": 1.0}, {"direct": -1.0, "steps": 2.0}, {"steps": 0.0}, {}])
def test_impossible_habits_are_refused(habits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="non-negative weights of direct, steps, check, long"):
        OracleAgent(habits)


def test_an_environment_without_an_oracle_cannot_be_demonstrated() -> None:
    with pytest.raises(OracleMissing, match="nothing of it can be demonstrated"):
        OracleAgent().respond([Dialogue((Message("user", "Q"),))])


def test_the_random_agent_repeats_itself_for_a_seed_and_reads_nothing() -> None:
    one = [Dialogue((Message("user", "A"),), seed) for seed in range(200)]
    other = [Dialogue((Message("user", "B"),), seed, Problem("B", 1, 1)) for seed in range(200)]
    texts = [reply.text for reply in RandomAgent().respond(one)]
    assert texts == [reply.text for reply in RandomAgent().respond(other)]
    assert 60 < sum(text.startswith("\\boxed{") for text in texts) < 140
    assert len(set(texts)) > 100
