from __future__ import annotations

import math
import pickle
from typing import Any

import gymnasium
import numpy as np
import pytest

from palaestra.envs import Problem, ReasoningEnv, SplitExhausted, Task, make, make_task, sample_problem, task_ids
from palaestra.envs.games import make_game
from palaestra.envs.registration import make_any
from palaestra.envs.task import split_of
from palaestra.verifiers import Status, Verdict, right, undecided

OWN = [
    "palaestra/ChainArith-v0",
    "palaestra/Countdown-v0",
    "palaestra/KnightsAndKnaves-v0",
    "palaestra/LinearEquations-v0",
]


class Undecidable(Task):
    """A task whose verifier never decides."""

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        return Problem(f"{rng.integers(10**9)}", None, difficulty)

    def verify(self, problem: Problem, response: str) -> Verdict:
        return undecided("the reference is broken")


def sample_any(task: Task) -> Problem:
    return task.sample(np.random.default_rng(0), 1)


def test_an_episode_asks_once_judges_once_and_ends() -> None:
    env = make("palaestra/ChainArith-v0", difficulty=2)
    prompt, info = env.reset(seed=5)
    problem = info["problem"]
    assert prompt == problem.prompt
    assert (info["difficulty"], info["seed"]) == (2, 5)
    observation, reward, terminated, truncated, info = env.step(f"\\boxed{{{problem.reference}}}")
    assert (observation, reward, terminated, truncated) == ("", 1.0, True, False)
    assert info["verdict"].right
    assert info["problem"] is problem


@pytest.mark.parametrize("wording", ["50 % of {a} and {b}, in {{}}", "{a:>5}|{b!r}", "{b[0]} %(a)s {a}"])
def test_wordings_are_filled_in_as_str_format_does(wording: str) -> None:
    class Worded(Task):
        wordings = (wording,)

        def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
            return self.ask(rng, 1, difficulty, {"a": "7 %s", "b": "é{}"})

        def verify(self, problem: Problem, response: str) -> Verdict:
            return right("any answer")

    assert sample_any(Worded()).prompt == wording.format(a="7 %s", b="é{}")


def test_seeded_resets_repeat_and_unseeded_ones_go_on() -> None:
    one, two = make("palaestra/ChainArith-v0"), make("palaestra/ChainArith-v0")
    first = [one.reset(seed=1)[0], *(one.reset()[0] for _ in range(5))]
    two.reset(seed=99)
    assert [two.reset(seed=1)[0], *(two.reset()[0] for _ in range(5))] == first
    assert len(set(first)) > 3
    assert one.np_random_seed == 1


def test_an_environment_never_seeded_draws_fresh_problems() -> None:
    prompts = {make("palaestra/LinearEquations-v0", difficulty=9).reset()[0] for _ in range(3)}
    assert len(prompts) == 3


def test_a_stream_of_another_kind_of_generator_is_replaced_on_reset() -> None:
    env = make("palaestra/ChainArith-v0")
    env.np_random = np.random.Generator(np.random.MT19937(0))
    assert env.reset(seed=1)[0] == make("palaestra/ChainArith-v0").reset(seed=1)[0]


def test_neighbouring_seeds_levels_and_splits_share_nothing() -> None:
    cases = [(seed, level, split) for seed in range(50) for level in (9, 10) for split in ("train", "test")]
    assert len({sample_problem(Undecidable(), *case).prompt for case in cases}) == len(cases)


@pytest.mark.parametrize("id", OWN)
def test_splits_are_disjoint_and_known_by_the_problem(id: str) -> None:
    task = make_task(id)
    for split in ("train", "test"):
        assert all(split_of(task, sample_problem(task, s, 2, split)) == split for s in range(30))


def test_a_difficulty_too_small_for_two_splits_says_so() -> None:
    class Single(Undecidable):
        def identity(self, problem: Problem) -> str:
            return "always the same"

    present = split_of(Single(), sample_any(Single()))
    absent = "train" if present == "test" else "test"
    with pytest.raises(SplitExhausted, match="too few problems"):
        sample_problem(Single(), 0, 1, absent)


@pytest.mark.parametrize(
    ("response", "reason"),
    [("\\boxed{1}" * 100, "200 are allowed"), ("\ud800 \\boxed{1}", "lone surrogates"), ("x" * 201, "201 characters")],
)
def test_answers_past_the_bounds_are_wrong_with_a_reason(response: str, reason: str) -> None:
    env = make("palaestra/ChainArith-v0", max_answer_chars=200)
    env.reset(seed=1)
    _, reward, terminated, _, info = env.step(response)
    assert (reward, terminated, info["verdict"].status) == (0.0, True, Status.WRONG)
    assert reason in info["verdict"].reason


def test_an_undecided_verdict_is_a_finite_reward_and_says_so() -> None:
    env = ReasoningEnv(Undecidable())
    env.reset(seed=0)
    _, reward, _, _, info = env.step("anything")
    assert reward == 0.0
    assert info["verdict"].status is Status.UNDECIDED
    assert math.isnan(info["verdict"].score)


def test_misuse_is_refused_with_a_clear_error() -> None:
    env = make("palaestra/ChainArith-v0")
    with pytest.raises(gymnasium.error.ResetNeeded, match="reset"):
        env.step("1")
    env.reset(seed=0)
    with pytest.raises(TypeError, match="string, not int"):
        env.step(1)  # type: ignore[arg-type]
    env.step("1")
    with pytest.raises(gymnasium.error.ResetNeeded, match="one answer"):
        env.step("1")
    with pytest.raises(ValueError, match="seed"):
        env.reset(seed=-1)
    with pytest.raises(ValueError, match="difficulties 1 to 10, not 11"):
        env.reset(options={"difficulty": 11})
    with pytest.raises(ValueError, match="'level'"):
        env.reset(options={"level": 1})
    with pytest.raises(ValueError, match="max_prompt_chars"):
        make("palaestra/ChainArith-v0", max_prompt_chars=10).reset(seed=0)
    for wrong in ({"split": "dev"}, {"difficulty": 0}, {"render_mode": "human"}):
        with pytest.raises(ValueError, match=str(*wrong.values())):
            make("palaestra/ChainArith-v0", **wrong)


def test_a_level_that_only_equals_an_integer_asks_no_other_problem() -> None:
    with pytest.raises(ValueError, match=r"difficulties 1 to 10, not 2\.0"):
        make("palaestra/GcdLcm-v0", difficulty=2.0)
    asked = {difficulty: make("palaestra/GcdLcm-v0", difficulty=difficulty).reset(seed=3) for difficulty in (1, 2)}
    for level, same in ((1, True), (2, np.int64(2))):
        prompt, info = make("palaestra/GcdLcm-v0", difficulty=same).reset(seed=3)
        assert (prompt, info) == asked[level]
        assert type(info["difficulty"]) is int


def test_restore_continues_exactly_even_in_another_environment() -> None:
    env, other = make("palaestra/Countdown-v0"), make("palaestra/Countdown-v0")
    env.reset(seed=3, options={"difficulty": 4})
    state = pickle.loads(pickle.dumps(env.snapshot()))
    after = [env.step("\\boxed{1}"), *(env.reset() for _ in range(3))]
    other.restore(state)
    assert [other.step("\\boxed{1}"), *(other.reset() for _ in range(3))] == after
    env.restore(state)
    assert [env.step("\\boxed{1}"), *(env.reset() for _ in range(3))] == after


def test_a_snapshot_after_the_answer_still_needs_a_reset() -> None:
    env = make("palaestra/Countdown-v0")
    env.reset(seed=3)
    env.step("")
    state = env.snapshot()
    env.reset()
    env.restore(state)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step("")


@pytest.mark.parametrize("other", [("palaestra/Countdown-v0", {}), ("palaestra/ChainArith-v0", {"modulus": 7})])
def test_restoring_the_snapshot_of_another_task_is_refused(other: tuple[str, dict[str, int]]) -> None:
    with pytest.raises(ValueError, match="cannot be restored"):
        make("palaestra/ChainArith-v0").restore(make(other[0], **other[1]).snapshot())


@pytest.mark.parametrize(
    "id", ["ChainArith-v0", "PythonTool-v0", "Stepwise-v0", "TicTacToe-v0", "TicTacToe-vs-random-v0", "Debate-v0"]
)
def test_what_is_no_snapshot_is_refused_by_environments_of_every_kind(id: str) -> None:
    env: Any = (
        make_game(f"palaestra/{id}") if id in ("TicTacToe-v0", "Debate-v0") else make_any(f"palaestra/{id}").unwrapped
    )
    kinds = (env.snapshot(), make("palaestra/ChainArith-v0").snapshot(), make_game("palaestra/TicTacToe-v0").snapshot())
    for state in (None, "a snapshot", *(kind for kind in kinds if type(kind) is not type(env.snapshot()))):
        with pytest.raises(ValueError, match="cannot be restored into"):
            env.restore(state)


def test_ansi_shows_prompt_answer_and_verdict() -> None:
    env = make("palaestra/ChainArith-v0", render_mode="ansi")
    prompt, _ = env.reset(seed=1)
    assert env.render() == prompt
    env.step("no idea")
    assert env.render() == f"{prompt}\nno idea\nwrong: no \\boxed answer"


def test_task_ids_hold_the_own_tasks() -> None:
    assert set(OWN) <= set(task_ids())


def test_reward_is_the_score() -> None:
    class Half(Undecidable):
        def verify(self, problem: Problem, response: str) -> Verdict:
            return Verdict(0.5, Status.WRONG, "half of it") if response else right("all of it")

    env = ReasoningEnv(Half())
    env.reset(seed=0)
    assert env.step("x")[1] == 0.5


class Careless(Task):
    """Gives what its author forgot to make."""

    id = "tests/Careless-v0"

    def __init__(self, forgotten: str) -> None:
        self.forgotten = forgotten

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        prompt: Any = None if self.forgotten == "prompt" else str(rng.integers(10**6))
        return Problem(prompt, "a", difficulty)

    def verify(self, problem: Problem, response: str) -> Any:
        return None

    def solve(self, problem: Problem, rng: np.random.Generator) -> Any:
        return None


def test_what_a_task_forgot_to_give_is_told() -> None:
    with pytest.raises(TypeError, match="tests/Careless-v0: sample gives a Problem whose prompt is a string"):
        ReasoningEnv(Careless("prompt")).reset(seed=0)
    env = ReasoningEnv(Careless("verdict"))
    env.reset(seed=0)
    with pytest.raises(TypeError, match="tests/Careless-v0: solve gives a string, not None"):
        env.oracle(np.random.default_rng(0))
    with pytest.raises(TypeError, match=r"tests/Careless-v0: verify gives a Verdict, as right.* do, not None"):
        env.step("a")
