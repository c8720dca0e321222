from __future__ import annotations

import pickle

import numpy as np

from palaestra.envs import Countdown, make, sample_problem
from palaestra.envs.dialogue import DialogueEnv
from palaestra.envs.tasks.programs.write_function import WriteFunction
from palaestra.envs.wrappers import ToolUse


def code(source: str) -> str:
    return f"Let me see.\n```python\n{source}\n```"


def test_names_live_on_from_block_to_block_and_across_a_restore() -> None:
    env, other = make("palaestra/ToolUse-v0"), make("palaestra/ToolUse-v0")
    problem = env.reset(seed=0)[1]["problem"]
    assert env.step(code("x = 20\nprint('once')"))[:3] == ("once", 0.0, False)
    assert env.step(code("x += 1\nx"))[0] == "21"
    other.restore(pickle.loads(pickle.dumps(env.snapshot())))
    for each in (env, other):
        assert each.step(code("2 * x"))[0] == "42"
    assert env.step(code("1 / 0"))[0] == "ZeroDivisionError: division by zero"
    _, reward, ended, _, info = env.step(f"\\boxed{{{problem.meta['values']['b']}}}")
    assert (reward, ended, info["verdict"].right) == (1.0, True, True)


def test_a_program_finds_the_answer_of_any_task() -> None:
    env = DialogueEnv(ToolUse(Countdown(numbers=3)))
    problem = env.reset(seed=0, options={"difficulty": 3})[1]["problem"]
    numbers, target = (problem.reference["reference"][name] for name in ("numbers", "target"))
    search = (
        "from itertools import permutations, product\n"
        f"for a, b, c in permutations({numbers}):\n"
        "    for p, q in product('+-*/', repeat=2):\n"
        "        for text in (f'({a}{p}{b}){q}{c}', f'{a}{p}({b}{q}{c})'):\n"
        "            try:\n"
        f"                if eval(text) == {target}: found = text\n"
        "            except ZeroDivisionError: pass\n"
        "print(found)"
    )
    found = env.step(code(search))[0]
    assert env.step(f"\\boxed{{{found}}}")[1] == 1.0


def test_messages_that_only_run_code_use_up_the_turns() -> None:
    env = make("palaestra/ToolUse-v0", turns=2)
    assert "2 messages" in env.reset(seed=0)[0]
    assert not env.step(code("1"))[2]
    _, reward, ended, _, info = env.step(code("2"))
    assert (reward, ended, info["verdict"].reason) == (0.0, True, "no answer in 2 turns")


def test_an_answer_that_is_a_program_follows_its_mark() -> None:
    task = ToolUse(WriteFunction())
    problem = sample_problem(task, 0, 1)
    solution = WriteFunction().solve(task.bare(problem), np.random.default_rng(0))
    assert task.turn(problem, (), solution).verdict is None
    turn = task.turn(problem, (), f"{code('1')}\nFinal answer:\n{solution}")
    assert turn.verdict is not None
    assert turn.verdict.right
    assert task.act(problem, (), "", np.random.default_rng(0)) == f"Final answer:\n{solution}"
