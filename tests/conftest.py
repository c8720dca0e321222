"""A task that half of all random answers get right, and one small finished run that several tests read."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

# The same examples every time, so that a failure is about the change; `--hypothesis-profile drawn` draws others.
# None is timed: the first often pays for what is loaded once.
with contextlib.suppress(ModuleNotFoundError):  # where only vLLM's tests run, which need it not
    from hypothesis import settings

    settings.register_profile("seeded", derandomize=True, deadline=None)
    settings.register_profile("drawn", deadline=None)
    settings.load_profile("seeded")


@pytest.fixture(autouse=True)
def seeded() -> None:
    """What a test draws from torch's own generator does not hang on the tests before it in the process."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


# Needs no skill, so that a model that has learned nothing yet still earns rewards that differ.
PARITY = '''"""A task of one's own, as README shows one."""

from palaestra.envs import Problem, Task, register
from palaestra.envs.task import Unposed
from palaestra.verifiers import right, wrong


@register("tests/Parity-v0")
class Parity(Task):
    """Answer with an even number of characters."""

    difficulties = range(1, 4)
    ceiling = 1.0

    def sample(self, rng, difficulty):
        number = int(rng.integers(10**6))
        return Problem(f"Even length, please ({number}).", number, difficulty)

    def verify(self, problem, response):
        return wrong("odd length") if len(response) % 2 else right("even length")

    def solve(self, problem, rng):
        return "ab" if rng.random() < 0.5 else "abcd"

    def pose(self, text):
        if len(text) % 2:
            raise Unposed("odd length")
        return Problem(f"Even length, please ({text}).", text, 1)

    def notation(self, problem):
        return str(problem.reference)

    def weak_solve(self, problem, rng):
        return "a" * (2 if rng.random() < 1 / problem.difficulty else 1)
'''


@pytest.fixture(scope="session")
def parity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of ``parity_task.py``, importable; the environment's id is "parity_task:tests/Parity-v0"."""
    folder = tmp_path_factory.mktemp("parity")
    (folder / "parity_task.py").write_text(PARITY)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


def tiny_recipe(**changes: Any) -> dict[str, Any]:
    """A run of a second or two whose every evolution round moves the weights."""
    recipe: dict[str, Any] = {
        "name": "tiny",
        "environment": {"id": "parity_task:tests/Parity-v0"},
        "model": {"hidden": 32, "layers": 2, "heads": 2},
        "warm_start": {"rounds": 2, "problems": 8, "batch_size": 4, "learning_rate": 0.002},
        "evolve": {"rounds": 3, "problems": 4, "samples": 4, "top_difficulty": 2},
        "evaluation": {"problems": 6, "every": 2, "self_consistency": 2},
        "max_answer_tokens": 6,
        "checkpoint_every": 2,
    }
    for key, value in changes.items():
        merges = isinstance(recipe.get(key), dict) and isinstance(value, dict)
        recipe[key] = {**recipe[key], **value} if merges else value
    return recipe


@pytest.fixture(name="tiny_recipe", scope="session")
def _tiny_recipe(parity: Path) -> Callable[..., dict[str, Any]]:
    return tiny_recipe


@pytest.fixture(scope="session")
def play_run(tmp_path_factory: pytest.TempPathFactory, parity: Path) -> Callable[..., Any]:
    """``play_run(recipe)`` makes a run in a new folder, ``play_run(run=...)`` resumes one; both give the ``RunFolder``.

    stop_after: rounds made before it is stopped. whole: with wandb and the picture, which take longer than the rest.
    """
    from palaestra.arena.run_folder import RunFolder
    from palaestra.cli.run import start_run
    from palaestra.trainers.recipe import parse_recipe

    def play(
        recipe: dict[str, Any] | None = None, run: Any = None, stop_after: int | None = None, whole: bool = False
    ) -> Any:
        calls = iter(range(1, 10**9))
        parsed = None if recipe is None else parse_recipe(recipe)
        run = run or RunFolder.create(tmp_path_factory.mktemp("runs"), str((recipe or {})["name"]))
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.redirect_stdout(stack.enter_context(open(os.devnull, "w"))))
            if not whole:
                stack.enter_context(patch("palaestra.cli.finish.draw_curves", lambda rows, path, title: path))
            start_run(parsed, run, 1, whole, lambda: stop_after is not None and next(calls) >= stop_after)
        return run

    return play


@pytest.fixture(scope="session")
def finished_run(play_run: Callable[..., Any]) -> Path:
    """The folder of a finished run. Tests read it; those that tamper with it copy it first."""
    return play_run(tiny_recipe()).path  # type: ignore[no-any-return]


class Process:
    """A ``palaestra`` command that runs in a process of its own."""

    def __init__(self, warm: subprocess.Popen[str], output: Path, **asked: Any) -> None:
        self.warm, self.output = warm, output
        assert warm.stdin is not None
        assert warm.stdout is not None
        warm.stdin.write(json.dumps({"output": str(output), **asked}) + "\n")
        warm.stdin.flush()
        self.pid = int(warm.stdout.readline())

    def signal_when(self, seen: Callable[[], object], signal: int) -> None:
        """Send ``signal`` as soon as ``seen()``."""
        deadline = time.monotonic() + 120
        while not seen():
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.001)
        os.kill(self.pid, signal)

    def wait(self) -> tuple[int, str]:
        """Exit code, and all that it printed."""
        assert self.warm.stdout is not None
        return int(self.warm.stdout.readline()), self.output.read_text()


@pytest.fixture(scope="session")
def palaestra_process(tmp_path_factory: pytest.TempPathFactory, parity: Path) -> Iterator[Callable[..., Process]]:
    """``palaestra_process("evolve", "--resume", run)`` starts a command in the folder of ``parity``; one at a time."""
    script = Path(__file__).with_name("warm_process.py")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "COLUMNS": "200"}
    warm = subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )

    def start(*arguments: object, folder: Path = parity, typed: str = "") -> Process:
        output = tmp_path_factory.mktemp("output") / "output.txt"
        return Process(warm, output, arguments=list(map(str, arguments)), folder=str(folder), typed=typed)

    yield start
    assert warm.stdin is not None
    warm.stdin.close()
    warm.wait()
