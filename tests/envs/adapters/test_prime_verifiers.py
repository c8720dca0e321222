"""Environments built of verifiers' own classes, met as tasks of this package."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from palaestra.envs.adapters import prime_verifiers as adapter
from palaestra.envs.adapters.prime_verifiers import PrimeDialogue, PrimeTask, Unplayable
from palaestra.envs.blind import some_play
from palaestra.envs.dialogue import DialogueEnv
from palaestra.envs.registration import UnknownEnvironment, make, make_task
from palaestra.envs.subject import Subject
from palaestra.envs.task import OracleMissing, Problem, sample_problem
from palaestra.envs.testing import CHECKS, checks_of
from palaestra.verifiers import Status
from palaestra.verifiers.optional import MissingLibrary
from palaestra.verifiers.workers import Ending, Outcome

RNG = np.random.default_rng(0)

SUMS = """
import signal
import time

import verifiers as vf
from datasets import Dataset


def load_environment(top=9):
    rows = [{"question": f"What is {a} + {b}?", "answer": str(a + b)} for a in range(top) for b in range(top)]
    parser = vf.XMLParser(["answer"])

    async def exact(parser, completion, answer):
        said = parser.parse_answer(completion)
        if said == "loop":
            while True:
                time.sleep(0)
        if said == "die":
            signal.raise_signal(signal.SIGSEGV)
        if said == "raise":
            raise ValueError("what is this")
        return float(said == answer)

    def brief(completion):
        return float(len(completion[-1]["content"]) < 60)

    rubric = vf.Rubric(funcs=[exact, brief], weights=[1.0, 0.5], parser=parser)
    data = Dataset.from_list(rows)
    return vf.SingleTurnEnv(dataset=data, system_prompt="Answer in <answer> tags.", parser=parser, rubric=rubric)
"""

GUESS = """
import random

import verifiers as vf
from datasets import Dataset


class Guess(vf.MultiTurnEnv):
    async def setup_state(self, state):
        state["secret"] = int(state["answer"]) + random.randrange(1000)
        return state

    @vf.stop
    async def found(self, state):
        return state.get("found", False)

    async def env_response(self, messages, state, **_):
        guess = int(messages[-1]["content"])
        if guess == state["secret"]:
            state["found"] = True
            state["final_env_response"] = [{"role": "user", "content": "That is it."}]
            return state["final_env_response"]
        return [{"role": "user", "content": "higher" if guess < state["secret"] else "lower"}]


def load_environment():
    def won(state):
        return float(state.get("found", False))

    rows = [{"question": f"Game {k}: guess my number.", "answer": str(1000 * k)} for k in range(20)]
    return Guess(dataset=Dataset.from_list(rows), rubric=vf.Rubric(funcs=[won]))
"""

REFUSED = '''
import verifiers as vf
from datasets import Dataset


def load_environment(kind="judge"):
    data = Dataset.from_list([{"question": "?", "answer": "!"}])
    if kind == "judge":
        return vf.SingleTurnEnv(dataset=data, rubric=vf.JudgeRubric(judge_client=object()))
    return vf.ToolEnv(dataset=data, tools=[add], max_turns=3)


def add(a: int, b: int) -> int:
    """Add."""
    return a + b
'''


@pytest.fixture(scope="module", autouse=True)
def modules(tmp_path_factory: pytest.TempPathFactory) -> object:
    """The environments as modules on the path, where an installed one would be."""
    folder = tmp_path_factory.mktemp("installed")
    for name, code in {"toy_sums": SUMS, "toy_guess": GUESS, "toy_refused": REFUSED}.items():
        Path(folder, f"{name}.py").write_text(code)
    sys.path.append(str(folder))
    yield
    sys.path.remove(str(folder))


@pytest.fixture
def sums() -> PrimeTask:
    found = make_task("prime_verifiers/toy_sums-v0")
    assert isinstance(found, PrimeTask)
    return found


@pytest.fixture
def guess() -> PrimeDialogue:
    found = make_task("prime_verifiers/toy_guess-v0")
    assert isinstance(found, PrimeDialogue)
    return found


def answer(problem: Problem) -> str:
    found: str = problem.reference["row"]["answer"]
    return found


def test_a_single_turn_environment_is_a_task_scored_by_its_rubric(sums: PrimeTask) -> None:
    problem = sample_problem(sums, 0, 1)
    assert problem.prompt.startswith("Answer in <answer> tags.\n\nWhat is ")
    good = sums.verify(problem, f"<answer>{answer(problem)}</answer>")
    assert good.right
    assert dict(good.evidence) == {"reward": 1.5, "metrics": {"exact": 1.0, "brief": 1.0, "num_turns": 1.0}}
    long = sums.verify(problem, "I think so. " * 9 + f"<answer>{answer(problem)}</answer>")
    assert (long.status, long.score) == (Status.WRONG, pytest.approx(1 / 1.5))
    assert sums.verify(problem, "<answer>no</answer>").score == pytest.approx(0.5 / 1.5)
    assert make_task("prime_verifiers/toy_sums-v0", full_reward=1.0).verify(problem, sums.solve(problem, RNG)).right


def test_it_is_met_through_reset_and_step() -> None:
    env = make("prime_verifiers/toy_sums-v0")
    prompt, _ = env.reset(seed=3)
    a, b = (int(word.strip("?")) for word in prompt.split("What is ")[1].split(" + "))
    _, reward, terminated, _, info = env.step(f"<answer>{a + b}</answer>")
    assert (reward, terminated, info["verdict"].right) == (1.0, True, True)


@pytest.mark.parametrize("check", ["same seed, another instance", "same seed, interleaved", "problems survive JSON"])
def test_the_kits_checks_of_seeds_pass(check: str, sums: PrimeTask, guess: PrimeDialogue) -> None:
    for one in (sums, guess):
        CHECKS[check](Subject(one, [0, 1]))


def test_the_kit_says_where_there_is_no_oracle_and_tries_the_rest_without(guess: PrimeDialogue) -> None:
    for check in ("oracle scores 1", "oracle goes on from actions"):
        with pytest.raises(OracleMissing, match="toy_guess-v0 has no oracle: it does not say how"):
            checks_of(guess)[check](Subject(guess, [0]))
    for check in (
        "same seed, interleaved",
        "snapshot and restore",
        "turns are pure functions",
        "rewards are finite, in [0, 1]",
    ):
        checks_of(guess)[check](Subject(guess, [0]))
    played = some_play(guess, sample_problem(guess, 0, 1))
    assert [turn.verdict is None for _, turn in played] == [True, False]  # "1" is lower, and what is no number ends it


def test_the_oracle_finds_the_form_that_the_rubric_takes(sums: PrimeTask, guess: PrimeDialogue) -> None:
    problem = sample_problem(sums, 1, 1)
    assert sums.solve(problem, RNG) == f"<answer>{answer(problem)}</answer>"
    with pytest.raises(OracleMissing):
        guess.solve(sample_problem(guess, 1, 1), RNG)


def test_what_a_reward_function_does_to_itself_stays_in_the_worker(
    sums: PrimeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = sample_problem(sums, 0, 1)
    crashed = sums.verify(problem, "<answer>die</answer>")
    assert (crashed.status, crashed.score) == (Status.WRONG, 0.0)
    assert "the environment was stopped: crashed" in crashed.reason
    raised = sums.verify(problem, "<answer>raise</answer>")
    assert raised.score == pytest.approx(0.5 / 1.5)
    assert "Error calling reward function exact: what is this" in raised.reason
    monkeypatch.setattr(adapter._workers("toy_sums", "{}"), "seconds", 0.5)
    looped = sums.verify(problem, "<answer>loop</answer>")
    assert "no result within 0.5 s" in looped.reason
    assert sums.verify(problem, sums.solve(problem, RNG)).right
    assert "verifiers" not in sys.modules


def test_a_dead_worker_is_undecided(sums: PrimeTask, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = sample_problem(sums, 0, 1)
    monkeypatch.setattr(PrimeTask, "_played", lambda *_: Outcome(Ending.DIED, reason="the worker was killed"))
    assert sums.verify(problem, "1").status is Status.UNDECIDED


def test_answers_of_no_size_to_judge_are_wrong(sums: PrimeTask) -> None:
    problem = sample_problem(sums, 0, 1)
    for response in ("", "1" * (adapter.MAX_ANSWER + 1)):
        assert "characters: 1 to" in sums.verify(problem, response).reason


def search(env: DialogueEnv, seed: int) -> tuple[list[str], float]:
    """What a game by halving says, and its reward."""
    prompt, _ = env.reset(seed=seed)
    low = 1000 * int(prompt.split()[1].strip(":"))
    high, told, reward, over = low + 999, [str(prompt)], 0.0, False
    while not over:
        middle = (low + high) // 2
        text, reward, over, _, _ = env.step(str(middle))
        told.append(str(text))
        low, high = (middle + 1, high) if text == "higher" else (low, middle - 1)
    return told, reward


def test_an_environment_of_several_turns_is_a_dialogue() -> None:
    env = make("prime_verifiers/toy_guess-v0")
    assert isinstance(env, DialogueEnv)
    told, reward = search(env, 5)
    assert reward == 1.0
    assert told[0].startswith("Game ")
    assert set(told[1:-1]) <= {"higher", "lower"}
    assert told[-1] == "That is it."
    assert search(env, 5) == (told, reward)  # its own chance is drawn again alike


def test_without_a_limit_of_its_own_an_environment_gets_one_and_is_scored_by_the_rubric() -> None:
    env = make("prime_verifiers/toy_guess-v0")
    env.reset(seed=0)
    for _ in range(adapter.TURNS - 1):
        assert not env.step("-1")[2]
    _, reward, over, _, info = env.step("-1")
    assert (reward, over) == (0.0, True)
    assert info["verdict"].reason == "the rubric gives 0"
    assert info["verdict"].evidence["metrics"] == {"won": 0.0, "num_turns": adapter.TURNS}


def test_a_restored_dialogue_goes_on_as_the_first() -> None:
    env, twin = make("prime_verifiers/toy_guess-v0"), make("prime_verifiers/toy_guess-v0")
    env.reset(seed=2)
    env.step("10")
    twin.restore(env.snapshot())
    for text in ("20000", "-5", "no number"):
        assert env.step(text) == twin.step(text)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step("5")


def test_what_cannot_be_met_in_text_is_refused_with_the_reason() -> None:
    with pytest.raises(Unplayable, match="does not load: Unplayable: a model judges, over the network"):
        make("prime_verifiers/toy_refused-v0")
    with pytest.raises(Unplayable, match="calls of tools"):
        adapter._described("toy_refused", '{"kind": "tools"}')
    with pytest.raises(Unplayable, match="has no eval data"):
        make_task("prime_verifiers/toy_sums-v0", data="eval")
    for id in ("prime_verifiers/toy_none-v0", "prime_verifiers/toy_sums", "prime_verifiers/a.b-v0"):
        with pytest.raises(UnknownEnvironment, match="of an installed module"):
            make(id)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(adapter, "version", missing)
    with pytest.raises(MissingLibrary, match=r"pip install 'palaestra\[prime-verifiers\]'"):
        adapter._described("toy_sums", '{"top": 5}')


def test_arguments_are_the_environments_and_this_packages_own_room_is_not_taken_for_the_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rooms = Path(__file__).parents[3]
    assert (rooms / "verifiers" / "__init__.py").exists()
    monkeypatch.syspath_prepend(str(rooms))
    assert adapter._described("toy_sums", '{"top": 4}')["rows"] == {"train": 16, "eval": 0}
    with pytest.raises(ValueError, match="a JSON object"):
        make("prime_verifiers/toy_sums-v0", arguments="[4]")


@pytest.mark.parametrize("code", ["MathVerifier = None", "raise RuntimeError('odd')", "import nothing_of_that_name"])
def test_another_package_of_the_librarys_name_before_it_on_the_path_is_told(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "verifiers").mkdir()
    (tmp_path / "verifiers" / "__init__.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    found = rf"finds {tmp_path}/verifiers, which is not Prime Intellect's library: take {tmp_path} off PYTHONPATH, or"
    with pytest.raises(Unplayable, match=found):
        adapter._described("toy_sums", f'{{"top": {len(code)}}}')  # other arguments, another worker


def test_a_fault_of_the_environments_own_is_not_laid_to_the_path() -> None:
    with pytest.raises(Unplayable, match=r"toy_sums does not load: TypeError: .*bottom"):
        adapter._described("toy_sums", '{"bottom": 1}')
