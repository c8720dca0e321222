"""Steps are worth what comes of them, and pairs differ where they say they do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.envs.task import sample_problem
from palaestra.envs.tasks.chain_arith import ChainArith
from palaestra.episodes import Actor, Episode, Outcome, Turn
from palaestra.episodes.steps import (
    common,
    ends_behind,
    first_errors,
    logged_steps,
    sibling_steps,
    siblings,
    step_values,
)
from palaestra.episodes.views import Row, View, groups
from palaestra.verifiers import Status, Verdict, right, undecided, wrong

NAN = float("nan")
PROMPT = [1, 2]
ends = ends_behind([0])


def row(steps: str, reward: float, name: str = "", group: str = "g") -> Row:
    """An answer of steps ended by token 0; a letter is a token."""
    answer = [0 if letter == "." else ord(letter) for letter in steps]
    ids = np.array([*PROMPT, *answer])
    action = np.arange(len(ids)) >= len(PROMPT)
    logprobs = np.where(action, np.float32(-0.5), np.float32(0))
    return Row(ids, action, logprobs, reward, name or steps, group, "e", "r")


def letters(one: Row, learned: bool = False) -> str:
    ids = one.ids[one.action] if learned else one.ids[len(PROMPT) :]
    return "".join("." if i == 0 else chr(i) for i in ids.tolist())


def judge(one: Row) -> list[Verdict]:
    """A step that holds an x is wrong, one that holds a ? undecided."""
    steps = [step for step in letters(one).split(".") if step]
    return [wrong("x") if "x" in step else undecided("?") if "?" in step else right("fine") for step in steps]


def shown(view: View) -> list[tuple[str, str, int]]:
    return [(letters(one), letters(one, learned=True), one.label) for one in view.rows]


def test_a_prefix_is_worth_the_mean_of_what_came_of_it() -> None:
    rows = [row("a.b.", 1), row("a.c.", 0, "1"), row("a.c.", 1, "2"), row("d", 0), row("a.b.", NAN)]
    view = step_values(rows, ends)
    assert view.dropped == {"undecided": 1}
    found = {one.row.episode_id: (one.ends.tolist(), one.values.tolist(), one.visits.tolist()) for one in view.rows}
    assert found["a.b."] == ([4, 6], [pytest.approx(2 / 3), 1.0], [3, 1])
    assert found["1"] == found["2"] == ([4, 6], [pytest.approx(2 / 3), 0.5], [3, 2])
    assert found["d"] == ([3], [0.0], [1])


def test_answers_to_other_problems_are_not_averaged() -> None:
    view = step_values([row("a.", 1), row("a.", 0, group="h")], ends)
    assert [one.values.tolist() for one in view.rows] == [[1.0], [0.0]]


def test_sibling_steps_follow_one_prefix_and_differ_in_value() -> None:
    rows = [row("a.b.", 1), row("a.c.", 0, "1"), row("a.d.", 0.9), row("e.", 0.6), row("a.b.", NAN)]
    view = sibling_steps(rows, ends)
    assert shown(view) == [("a.b.", "b.", 1), ("a.c.", "c.", -1)]
    assert [one.reward for one in view.rows] == [1, 0]
    assert {one.group_id for one in view.rows} == {"g#0"}
    assert (view.rows[0].logprobs != 0).tolist() == view.rows[0].action.tolist()
    assert view.dropped == {"no step beside it is 0.3 better or worse": 2, "neither the best nor the worst": 1}
    assert sibling_steps(rows, ends, visits=2).rows == []


def test_siblings_have_one_parent_and_learn_where_they_part() -> None:
    rows = [row("a.b.", 1), row("a.c.", 0), row("q.", 1), row("a.d.", 0), row("z.", 0.5)]
    parents = {"a.b.": "p", "a.c.": "p", "q.": None, "z.": "other"}
    view = siblings(rows, parents)
    assert shown(view) == [("a.b.", "b.", 1), ("a.c.", "c.", -1)]
    assert len(view.rows) + sum(view.dropped.values()) == len(rows)
    assert view.dropped["no parent"] == 2
    beginning = siblings([row("a.", 0), row("a.b.", 1)], {"a.": "p", "a.b.": "p"})
    assert (beginning.rows, beginning.dropped) == ([], {"one is the beginning of the other": 2})


def test_a_first_error_is_paired_with_what_a_right_answer_did_there() -> None:
    rows = [row("ab.cx.dx.", 0), row("ab.ce.f.", 1), row("ab.?.f.", 1), row("zz.", 1)]
    view = first_errors(rows, ends, judge)
    assert shown(view) == [("ab.ce.", "e.", 1), ("ab.cx.", "x.", -1)]
    assert view.dropped == {"right": 3}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([row("a.x.", 0), row("b.c.", 1)], "no right answer goes the same way up to the error"),
        ([row("a.x.", 0), row("a.c.", 0.5)], "no right answer goes the same way up to the error"),
        ([row("a.x.", 0), row("a.x.", 1)], "no right answer goes the same way up to the error"),
        ([row("a.x.", 0), row("a.", 1)], "the right answer has no right step there"),
        ([row("a.x.", 0), row("a.xx.", 1)], "the right answer has no right step there"),
        ([row("a.x.", 0), row("a.xx.b.", 1)], "the right answer has no right step there"),
        ([row("a.?.", 0), row("a.c.", 1)], "no step was judged wrong"),
        ([row("a..x.", 0), row("a.c.", 1)], "its steps were not judged one by one"),
        ([row("a.x.", NAN), row("a.c.", 1)], "undecided"),
    ],
)
def test_errors_without_a_counterpart_are_counted(rows: list[Row], told: str) -> None:
    view = first_errors(rows, ends, judge)
    assert view.rows == []
    assert view.dropped[told] == 1


ANSWERS = st.lists(
    st.tuples(st.text("abx?.", min_size=1, max_size=8), st.sampled_from([0.0, 1.0, NAN])), min_size=1, max_size=8
)


@given(ANSWERS)
def test_every_answer_is_in_a_pair_or_counted(answers: Sequence[tuple[str, float]]) -> None:
    rows = [row(steps, reward, f"{k}") for k, (steps, reward) in enumerate(answers)]
    view = first_errors(rows, ends, judge)
    assert len(view.rows) / 2 + sum(view.dropped.values()) == len(rows)
    for chosen, rejected in zip(view.rows[::2], view.rows[1::2], strict=True):
        assert (chosen.reward, rejected.reward) == (1, 0)
        parted = common(chosen, rejected)
        for one in (chosen, rejected):
            assert np.flatnonzero(one.action)[0] == parted
    pairs = sibling_steps(rows, ends)
    steps = {(one.ids[:end].tobytes()) for one in rows if not math.isnan(one.reward) for end in ends(one)}
    assert len(pairs.rows) + sum(pairs.dropped.values()) == len(steps)
    for one in (*step_values(rows, ends).rows, *step_values(rows[::-1], ends).rows):
        assert ((one.values >= 0) & (one.values <= 1)).all()


def test_steps_of_the_log_are_those_the_environment_judged() -> None:
    task = ChainArith(modulus=10)
    problem = sample_problem(task, 3, 3)
    good = task.solve(problem, np.random.default_rng(0))
    lines = good.split("\n")
    bad = "\n".join([lines[0], lines[1][:-1] + str((int(lines[1][-1]) + 1) % 10), *lines[2:-1], "\\boxed{11}"])

    def episode(name: str, text: str, reward: float) -> Episode:
        spans = tuple((text.index(line), text.index(line) + len(line)) for line in text.split("\n"))
        ids = (*map(ord, text), 0)
        turn = Turn("r", "?", text, reward, (1, 2), ids, (-0.5,) * len(ids), finish_reason="stop", step_spans=spans)
        turn = replace(turn, step_verdicts=tuple(task.steps(problem, text)))
        outcome = {"r": Outcome(reward, Status.RIGHT if reward else Status.WRONG)}
        return Episode(name, "e", {}, {}, 0, "g", {"r": Actor("a")}, (turn,), outcome, True, False, problem=problem)

    log = [episode("good", good, 1.0), episode("bad", bad, 0.0)]
    (turn,) = log[0].turns
    forced = replace(turn, meta={"forced": [[0, turn.step_spans[0][1] + 1]]})  # the first line was put there
    put_in = replace(log[0], turns=(forced,))
    row = groups([put_in, log[1]]).rows[0]
    ends, told = logged_steps([put_in], lambda ids: "".join(chr(i) for i in ids if i))
    assert ends(row) == [2 + end for _, end in turn.step_spans[1:]]
    assert told(row) == list(turn.step_verdicts[1:])
    where, verdicts = logged_steps(log, lambda ids: "".join(chr(i) for i in ids if i))
    view = first_errors(groups(log).rows, where, verdicts)
    told = ["".join(map(chr, one.ids[2:].tolist())) for one in view.rows]
    assert told == [f"{lines[0]}\n{lines[1]}", "\n".join(bad.split("\n")[:2])]
    assert [one.action.sum() for one in view.rows] == [1, 1]
    values = step_values(groups(log).rows, where).rows
    assert [one.values.tolist()[:2] for one in values] == [[0.5, 1.0], [0.5, 0.0]]
    forked = replace(groups(log).rows[0], action=np.zeros(len(good) + 3, np.bool_))
    with pytest.raises(ValueError, match="not whole in its row"):
        where(forked)
