from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from palaestra.envs import Countdown, ReasoningEnv, make, sample_problem
from palaestra.envs.dialogue import DialogueEnv
from palaestra.envs.tasks.grids.game_of_life import GameOfLife
from palaestra.envs.tasks.instructions.instruction_following import InstructionFollowing
from palaestra.envs.tasks.logic.truth_table import TruthTable
from palaestra.envs.wrappers import Stepwise
from palaestra.envs.wrappers.stepwise import MAX_TEXT
from palaestra.verifiers import Status


def test_an_answer_grows_line_by_line_until_its_box() -> None:
    env = make("palaestra/Stepwise-v0")
    problem = env.reset(seed=1, options={"difficulty": 2})[1]["problem"]
    values = problem.meta["values"]
    observation, reward, ended, _, info = env.step(f"\n  b={values['b']}  \nthis line is not taken")
    assert (observation, reward, ended) == (f"  b={values['b']}", 0.0, False)
    assert [verdict.status for verdict in info["steps"]] == [Status.RIGHT]
    observation, reward, ended, _, info = env.step("c=-5")
    assert [verdict.status for verdict in info["steps"]] == [Status.RIGHT, Status.UNDECIDED]
    observation, reward, ended, _, info = env.step(f"\\boxed{{{values['c']}}}")
    assert observation == f"  b={values['b']}\nc=-5\n\\boxed{{{values['c']}}}"
    assert (reward, ended, info["verdict"].right) == (1.0, True, True)


def test_steps_are_judged_with_the_lines_before_them() -> None:
    task = Countdown()
    env = DialogueEnv(Stepwise(task))
    problem = env.reset(seed=0, options={"difficulty": 5})[1]["problem"]
    lines = problem.meta["lines"]
    for line in lines:
        info = env.step(line)[-1]
    assert [verdict.status for verdict in info["steps"]] == [Status.RIGHT] * len(lines)
    assert [v.reason for v in info["steps"]] == [v.reason for v in task.steps(env.task.bare(problem), "\n".join(lines))]  # type: ignore[attr-defined]  # of Stepwise


def test_the_verdict_is_the_tasks_on_the_whole_text() -> None:
    env = DialogueEnv(Stepwise(GameOfLife()))
    problem = env.reset(seed=0)[1]["problem"]
    solution = env.task.solve(problem, np.random.default_rng(0)).splitlines()
    assert len(solution) > 1
    for number, line in enumerate(solution, start=1):
        _, _, ended, _, info = env.step(line)
        assert ended is (number == len(solution))  # a box of several lines ends with its last one
    assert info["verdict"].right


def test_it_ends_with_the_last_line_or_with_silence() -> None:
    env = make("palaestra/Stepwise-v0", lines=3)
    for _ in range(2):
        env.reset(seed=0)
        assert [env.step("hm")[2] for _ in range(3)] == [False, False, True]
    env.reset(seed=0)
    env.step("hm")
    observation, reward, ended, _, info = env.step(" \n ")
    assert (observation, reward, ended, info["verdict"].reason) == ("hm", 0.0, True, "no \\boxed answer")
    env.reset(seed=0)
    assert f"more than {MAX_TEXT} characters" in env.step("x" * (MAX_TEXT + 1))[-1]["verdict"].reason


def test_a_text_without_box_ends_with_silence_and_is_judged() -> None:
    task = Stepwise(InstructionFollowing())
    problem = sample_problem(task, 0, 1)
    play = list(task.demonstrate(problem, np.random.default_rng(0)))
    assert play[-1][0] == ""
    assert play[-1][1].verdict is not None
    assert play[-1][1].verdict.right


def test_a_text_of_paragraphs_can_be_written_line_by_line() -> None:
    task = Stepwise(InstructionFollowing())
    for seed in range(20):
        problem = sample_problem(task, seed, 6)  # every other one wants so many paragraphs
        verdict = list(task.demonstrate(problem, np.random.default_rng(0)))[-1][1].verdict
        assert verdict is not None
        assert verdict.right, verdict.reason
    assert task.turn(problem, "One.", "\n\n\nTwo.\nThree.").state == "One.\n\nTwo."
    assert task.turn(problem, "", "\nOne.").state == "One."


def test_no_empty_line_stands_in_an_answer_that_is_boxed() -> None:
    task = Stepwise(Countdown())
    assert task.turn(sample_problem(task, 0, 1), "1+1=2", "\n\n2+2=4").state == "1+1=2\n2+2=4"


def test_the_oracle_leaves_out_a_solution_that_has_too_many_characters() -> None:
    task = Stepwise(TruthTable(), lines=64)
    *_, (_, turn) = task.demonstrate(sample_problem(task, 0, 10), np.random.default_rng(0))
    assert turn.verdict is not None
    assert turn.verdict.right, turn.verdict.reason


def test_the_oracle_goes_on_from_anyones_lines() -> None:
    task = Stepwise(Countdown(), lines=6)
    for seed in range(10):
        problem = sample_problem(task, seed, 6)
        lines = ["let me see", "1+1=3"]
        turn = None
        while turn is None or turn.verdict is None:
            lines.append(task.next(problem, lines, np.random.default_rng(seed)))
            turn = list(task.play(problem, lines))[-1]
        assert turn.verdict.right
        assert len(lines) == 3


def search(env: ReasoningEnv, depth: int) -> tuple[list[str] | None, int]:
    """Depth-first over the true steps of a countdown, and how many lines were tried."""
    problem: Any = env.snapshot().problem
    inner = problem.reference["reference"]
    tried = 0

    def visit(pool: list[tuple[int, str]], lines: list[str]) -> list[str] | None:
        nonlocal tried
        here = env.snapshot()
        if len(pool) == 1:
            moves = [(f"\\boxed{{{pool[0][1]}}}", pool)]
        else:
            moves = []
            for i, (a, left) in enumerate(pool):
                for j, (b, right) in enumerate(pool):
                    rest = [item for k, item in enumerate(pool) if k not in (i, j)]
                    for op, value in (("+", a + b), ("*", a * b), ("-", a - b)):
                        if i != j and value >= 0 and (i < j or op == "-"):
                            moves.append((f"{a}{op}{b}={value}", [*rest, (value, f"({left}{op}{right})")]))
        for line, then in moves:
            env.restore(here)
            tried += 1
            _, reward, ended, _, _ = env.step(line)
            if reward == 1.0:
                return [*lines, line]
            found = None if ended else visit(then, [*lines, line])
            if found:
                return found
        return None

    return visit([(n, str(n)) for n in inner["numbers"]], []), tried


def test_snapshots_make_a_tree_that_a_search_can_walk() -> None:
    env, again = DialogueEnv(Stepwise(Countdown())), DialogueEnv(Stepwise(Countdown()))
    solved = 0
    for seed in range(6):
        env.reset(seed=seed)
        lines, tried = search(env, 3)
        if lines is None:
            continue  # it needs a division
        solved += tried > len(lines)
        again.reset(seed=seed)
        assert [again.step(line)[1] for line in lines] == [0.0] * (len(lines) - 1) + [1.0]
    assert solved >= 3  # with branches that were left again


def test_the_number_of_lines_is_checked() -> None:
    with pytest.raises(ValueError, match="from 1 to 64, not 65"):
        Stepwise(lines=65)
