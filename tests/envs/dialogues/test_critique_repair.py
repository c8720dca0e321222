"""CritiqueRepair: the reward is the change that a critique brings about, harm included."""

from __future__ import annotations

import pytest

from palaestra.envs import Problem, make, make_task, sample_problem
from palaestra.envs.dialogue import reward_of
from palaestra.envs.dialogues import CritiqueRepair
from palaestra.envs.dialogues.critique_repair import faults, scripted
from palaestra.verifiers import Status

DRAFT = "1. 3 + 4 = 8\n2. 20 * 9 = 170\n3. 5 - 7 = -2\n4. 6 * 6 = 36"
PROBLEM = Problem(
    "?",
    {"sums": ["3 + 4", "20 * 9", "5 - 7", "6 * 6"], "gold": [7, 180, -2, 36], "draft": DRAFT, "turns": 3},
    1,
)


@pytest.mark.parametrize(
    ("critiques", "rewards", "end"),
    [
        (["line 1 is wrong: 7\nline 2 is wrong: 180"], [0.5], "right: no mistake is left"),
        (["line 1 is wrong"], [0.25], None),
        (["Line 2 is wrong."], [0.0], None),  # the author cannot calculate that by himself
        (["line 3 is wrong"], [-0.25], None),  # it was right
        (["line 4 is wrong: 37", "line 4 is wrong: 36"], [-0.25, 0.25], None),
        (["line 1 is wrong, line 2 is wrong, line 3 is wrong, line 4 is wrong"], [-0.25], None),
        (["looks good"], [0.0], None),
        (["outline 1 is wrong"], [0.0], None),
        (["line 1 is wrong: 7", "accept[]"], [0.25, 0.0], "wrong: 1 of 4 lines are wrong, the first is line 2"),
        (["", "", ""], [0.0, 0.0, 0.0], "wrong: 2 of 4 lines are wrong, the first is line 1"),
        (["accept[]"], [0.0], "wrong: 2 of 4 lines are wrong"),
    ],
)
def test_rewards_are_the_changes(critiques: list[str], rewards: list[float], end: str | None) -> None:
    turns = list(CritiqueRepair().play(PROBLEM, critiques))
    assert [reward_of(turn) for turn in turns] == rewards
    verdict = turns[-1].verdict
    assert (None if verdict is None else f"{verdict.status}: {verdict.reason}"[: len(end or "")]) == end


def test_a_worksheet_that_stays_wrong_scores_its_share_but_earns_the_change() -> None:
    *_, turn = CritiqueRepair().play(PROBLEM, ["", "", "line 1 is wrong: 7"])
    assert turn.verdict is not None
    assert (turn.verdict.status, turn.verdict.score, turn.reward) == (Status.WRONG, 0.75, 0.25)


def test_the_scripted_solver_changes_what_it_is_told_and_nothing_else() -> None:
    assert scripted("", DRAFT, "all fine") == DRAFT
    assert scripted("", DRAFT, "line 2 is wrong: -5") == DRAFT.replace("170", "-5")
    assert scripted("", DRAFT, "line 9 is wrong: 5") == DRAFT


def test_a_solver_of_ones_own_is_passed_in() -> None:
    seen = []

    def solver(task: str, draft: str, critique: str) -> str:
        seen.append((task, draft, critique))
        return "I corrected all of it:\n 1. 3 + 4 = 7\n2. 20 * 9 = 180\n3. 5 - 7 = -2 \n4. 6 * 6 = 36\nDone."

    env = make("palaestra/CritiqueRepair-v0", solver=solver)
    problem = env.reset(seed=1)[1]["problem"]
    env.step("please check")
    assert seen == [(problem.prompt, problem.reference["draft"], "please check")]
    (turn,) = CritiqueRepair(solver).play(PROBLEM, ["please check"])
    assert turn.verdict is not None
    assert turn.verdict.right
    assert turn.reward == 0.5


def test_a_solver_that_fails_is_undecided_and_one_that_drops_lines_is_wrong() -> None:
    def broken(task: str, draft: str, critique: str) -> str:
        raise RuntimeError("no such model")

    (turn,) = CritiqueRepair(broken).play(PROBLEM, ["x"])
    assert turn.verdict is not None
    assert turn.verdict.status is Status.UNDECIDED
    assert "no such model" in turn.verdict.reason
    assert reward_of(turn) == 0.0
    (turn,) = CritiqueRepair(lambda task, draft, critique: "1. 3 + 4 = 7").play(PROBLEM, ["x"])
    assert turn.reward == -0.25


def test_every_worksheet_has_a_mistake() -> None:
    task = make_task("palaestra/CritiqueRepair-v0")
    for seed in range(200):
        problem = sample_problem(task, seed, 1 + seed % 10)
        wrong = faults(problem, problem.reference["draft"])
        assert 1 <= len(wrong) <= len(problem.reference["gold"])
        values = [eval_sum(text) for text in problem.reference["sums"]]
        assert values == problem.reference["gold"]


def eval_sum(text: str) -> int:
    a, op, b = text.split()
    return {"+": int(a) + int(b), "-": int(a) - int(b), "*": int(a) * int(b)}[op]


def test_a_worksheet_is_as_long_and_as_large_as_asked_and_terse_where_asked() -> None:
    task = CritiqueRepair(lines=2, largest=4, terse=True)
    for seed in range(50):
        problem = sample_problem(task, seed, 7)
        assert problem.prompt == problem.reference["draft"]
        numbers = [int(number) for text in problem.reference["sums"] for number in text.split() if number.isdigit()]
        assert len(numbers) == 4
        assert set(numbers) <= {2, 3, 4}


@pytest.mark.parametrize("knobs", [{"lines": 0}, {"lines": 21}, {"largest": 2}, {"largest": 1000}])
def test_worksheets_beyond_bounds_are_refused(knobs: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(knobs))} is None or from"):
        CritiqueRepair(**knobs)
