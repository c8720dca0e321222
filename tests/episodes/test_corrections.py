"""What is written about answers is true, and its prompts are new while sampled ids stay."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palaestra.envs.task import Problem, Task, sample_problem
from palaestra.envs.tasks.chain_arith import ChainArith
from palaestra.episodes import Actor, Episode, Outcome, Turn
from palaestra.episodes.corrections import WAIT, corrections, critiques, journeys, rewrites, turned_round
from palaestra.episodes.views import Row, View
from palaestra.verifiers import Status, Verdict, right

TASK = ChainArith(modulus=10)
PROBLEM = Problem(
    "Modulo 10: a=3; b=a+4; c=b*3. What is c? Answer in \\boxed{}.",
    1,
    2,
    {"values": {"a": 3, "b": 7, "c": 1}, "fields": {"given": "a=3; b=a+4; c=b*3", "asked": "c"}, "wording": 0},
)
GOOD = "b=3+4=7\nc=7*3=1\n\\boxed{1}"
SAMPLED = (7, 8, 9)


def encode(observation: str, answer: str) -> tuple[list[int], list[int]]:
    return [*map(ord, observation), 1], [*map(ord, answer), 0]


def answered(
    text: str, task: Task = TASK, problem: Problem = PROBLEM, name: str = "e", sampled: bool = True
) -> Episode:
    verdict = task.verify(problem, text)
    ids = SAMPLED if sampled else ()
    turn = Turn("r", problem.prompt, text, 0.0, ids and (5,), ids, tuple(-0.5 for _ in ids), verdicts=(verdict,))
    outcome = {"r": Outcome(verdict.score, verdict.status, verdict.reason)}
    return Episode(name, "e", {}, {}, 0, "g", {"r": Actor("a")}, (turn,), outcome, True, False, problem=problem)


def given_task(episode: Episode) -> Task:
    return TASK


def texts(row: Row) -> tuple[str, str]:
    prompt, answer = row.ids[~row.action].tolist(), row.ids[row.action].tolist()
    return "".join(map(chr, prompt[:-1])), "".join(map(chr, answer[:-1]))


def test_a_correction_names_the_first_wrong_line_and_goes_on_from_there() -> None:
    wrong = "b=3+4=7\nc=7*3=2\n\\boxed{2}"
    view = corrections([answered(wrong)], given_task, encode)
    (row,) = view.rows
    prompt, told = texts(row)
    assert PROBLEM.prompt in prompt
    assert wrong in prompt
    assert told == "Line 2 is wrong: c is not 2.\nc=7*3=1\n\\boxed{1}"
    assert (row.reward, row.weight) == (1.0, 1.0)


def test_a_journey_sees_its_error_and_goes_on_rightly() -> None:
    view = journeys([answered("b=3+4=7\nc=7*3=2\n\\boxed{2}"), answered(GOOD)], given_task, encode)
    (row,) = view.rows
    assert texts(row) == (PROBLEM.prompt, f"b=3+4=7\nc=7*3=2\n{WAIT}\nc=7*3=1\n\\boxed{{1}}")
    assert view.dropped == {"not wrong": 1}


@pytest.mark.parametrize("temperature", [0.7, 0.0])
def test_what_is_written_about_an_answer_shares_its_temperature(temperature: float) -> None:
    """A batch has one; what was sampled greedily has none that a batch could have."""
    made = []
    for text in ("b=3+4=7\nc=7*3=2\n\\boxed{2}", GOOD):
        one = answered(text)
        made.append(replace(one, turns=(replace(one.turns[0], temperature=temperature),)))
    rows = [row for view in (corrections, journeys, rewrites) for row in view(made, given_task, encode).rows]
    backward = turned_round(made, given_task, encode).rows[1:]
    assert {row.temperature for row in (*rows, *backward)} == {temperature or 1.0}
    assert len(rows) == 4


def test_a_critique_says_what_the_task_says() -> None:
    view = critiques([answered("Let us see.\nb=3+4=7\n\\boxed{7}"), answered(GOOD)], given_task, encode)
    bad, good = (texts(row)[1].split("\n") for row in view.rows)
    assert [line.partition(":")[0] for line in bad] == ["Line 2 is right", "Line 3 is wrong", "The answer is wrong."]
    assert bad[1] == "Line 3 is wrong: expected 1, got '7'."
    assert good[-1] == "The answer is right."


def test_a_right_answer_makes_three_rows_of_a_third() -> None:
    view = turned_round([answered(GOOD)], given_task, encode)
    forward, asked, backward = view.rows
    assert forward.ids.tolist() == [5, *SAMPLED]
    prompt, question = texts(asked)
    assert prompt.startswith(PROBLEM.prompt)
    assert question == "Modulo 10: b=a+4; c=b*3; c=1. What is a? Answer in \\boxed{}."
    assert texts(backward)[0] == question
    assert texts(backward)[1].endswith("a=3\n\\boxed{3}")
    tokens = [int(row.action.sum()) for row in view.rows]
    assert len(set(tokens)) > 1, "else the weights tell nothing"
    thirds = [row.weight * count / sum(tokens) for row, count in zip(view.rows, tokens, strict=True)]
    assert thirds == pytest.approx([1 / 3] * 3)
    assert len({row.group_id for row in view.rows}) == 1
    (again, _, _) = turned_round([answered(GOOD, sampled=False)], given_task, encode).rows
    assert texts(again) == (PROBLEM.prompt, GOOD)


class Liar(ChainArith):
    """Its oracle is wrong."""

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return "\\boxed{5}"


class Mumbler(ChainArith):
    """Its oracle says nothing that could be wrong."""

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return "Who knows?"


class Sloven(ChainArith):
    """Its oracle is right for a wrong reason."""

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        return f"b=9\n\\boxed{{{problem.reference}}}"


class Silent(ChainArith):
    """Without an oracle, line verdicts or a way back."""

    solve = Task.solve
    invert = Task.invert

    def steps(self, problem: Problem, response: str) -> list[Verdict]:
        return []


class Halting(Silent):
    """Inverts, but cannot answer; judges lines, all as right."""

    invert = ChainArith.invert

    def steps(self, problem: Problem, response: str) -> list[Verdict]:
        return [right("") for _ in response.splitlines()]


BAD = "b=8\n\\boxed{4}"


@pytest.mark.parametrize(
    ("view", "task", "text", "told"),
    [
        (corrections, ChainArith(10), GOOD, "not wrong"),
        (corrections, Liar(10), BAD, "the oracle's continuation is not right"),
        (corrections, Mumbler(10), BAD, "the oracle's continuation is not right"),
        (corrections, Sloven(10), BAD, "the oracle's continuation is not right"),
        (corrections, Silent(10), BAD, "its lines were not judged one by one"),
        (corrections, Halting(10), BAD, "no line was judged wrong"),
        (critiques, Silent(10), BAD, "its lines were not judged one by one"),
        (turned_round, ChainArith(10), BAD, "not right"),
        (turned_round, Liar(10), GOOD, "the backward answer is not right"),
        (turned_round, Silent(10), GOOD, "no backward question"),
        (turned_round, Halting(10), GOOD, "no oracle"),
    ],
)
def test_what_cannot_be_written_is_counted(view: Callable[..., View], task: Task, text: str, told: str) -> None:
    made = view([answered(text)], lambda episode: task, encode)
    assert (made.rows, made.dropped) == ([], {told: 1})


@pytest.mark.parametrize("view", [corrections, critiques, turned_round])
def test_undecided_answers_and_dialogues_are_left_out(view: Callable[..., View]) -> None:
    one = answered(GOOD)
    undecided = Outcome(math.nan, Status.UNDECIDED)
    fields = {name: getattr(one, name) for name in Episode.__dataclass_fields__}
    log = [Episode(**{**fields, "outcome": {"r": undecided}}), Episode(**{**fields, "turns": one.turns * 2})]
    made = view(log, given_task, encode)
    assert (made.rows, made.dropped) == ([], {"undecided": 1, "no problem, or not one turn": 1})


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), slips=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), max_size=3))
def test_corrections_are_right_and_every_answer_is_kept_or_counted(seed: int, slips: list[tuple[int, int]]) -> None:
    problem = sample_problem(TASK, seed, 4)
    lines = TASK.solve(problem, np.random.default_rng(0)).split("\n")
    answers = ["\n".join(lines)]
    for where, by in slips:
        spoilt = list(lines)
        line = spoilt[where % len(lines)]
        last = max(k for k, letter in enumerate(line) if letter.isdigit())
        spoilt[where % len(lines)] = f"{line[:last]}{(int(line[last]) + by) % 10}{line[last + 1 :]}"
        answers.append("\n".join(spoilt))
    log = [answered(text, problem=problem, name=f"{k}") for k, text in enumerate(answers)]
    for view, each in ((corrections, 1), (critiques, 1), (turned_round, 3)):
        one, two = (view(log, given_task, encode) for _ in range(2))  # type: ignore[operator]
        assert len(one.rows) / each + sum(one.dropped.values()) == len(log)
        assert [row.ids.tolist() for row in one.rows] == [row.ids.tolist() for row in two.rows]
    for row in corrections(log, given_task, encode).rows:
        named, *tail = texts(row)[1].split("\n")
        first = int(named.split()[1])
        answer = answers[int(row.episode_id)].split("\n")
        assert answer[: first - 1] == lines[: first - 1]
        assert answer[first - 1] != lines[first - 1]
        assert TASK.verify(problem, "\n".join([*answer[: first - 1], *tail])).right
