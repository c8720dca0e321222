from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

from palaestra.envs import (
    ChainArith,
    Countdown,
    Problem,
    Task,
    UnknownEnvironment,
    UnknownKnob,
    load_plugins,
    make,
    make_task,
    register,
    registration,
    task_ids,
)
from palaestra.envs.games import Nim, make_game
from palaestra.envs.registration import WrongKnob, make_any, with_knobs
from palaestra.verifiers import Verdict, right

OWN = [
    "palaestra/ChainArith-v0",
    "palaestra/Countdown-v0",
    "palaestra/KnightsAndKnaves-v0",
    "palaestra/LinearEquations-v0",
]


class Trivial(Task):
    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        return Problem(f"Say {rng.integers(1000)}, é.", 0, difficulty)

    def verify(self, problem: Problem, response: str) -> Verdict:
        return right("said")


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test registers into copies; what is imported by its name has been imported before, and stays known."""
    for id in registration.task_ids():
        registration.task_class(id)
    monkeypatch.setattr(registration, "_tasks", dict(registration._tasks))
    monkeypatch.setattr(registration, "_deferred", dict(registration._deferred))
    monkeypatch.setattr(gymnasium.envs.registration, "registry", dict(gymnasium.registry))
    monkeypatch.setattr(gymnasium, "registry", gymnasium.envs.registration.registry)


@pytest.mark.parametrize("id", OWN)
def test_gymnasium_make_passes_knobs_and_environment_options(id: str) -> None:
    env = gymnasium.make(id, difficulty=3, split="test")
    prompt, info = env.reset(seed=4)
    assert info["difficulty"] == 3
    assert prompt == make(id, difficulty=3, split="test").reset(seed=4)[0]
    assert prompt != make(id, difficulty=3).reset(seed=4)[0]


@pytest.mark.parametrize("id", OWN)
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_make_vec_asks_and_judges_in_each_environment(id: str, mode: str) -> None:
    envs = gymnasium.make_vec(id, num_envs=2, vectorization_mode=mode, difficulty=2)
    try:
        prompts, _ = envs.reset(seed=7)
        single = make(id, difficulty=2)
        assert list(prompts) == [single.reset(seed=s)[0] for s in (7, 8)]
        problem = single.reset(seed=8)[1]["problem"]
        answers = ("", single.task.solve(problem, np.random.default_rng(0)))
        _, rewards, terminated, truncated, _ = envs.step(answers)
        assert rewards.tolist() == [0.0, 1.0]
        assert terminated.all()
        assert not truncated.any()
    finally:
        envs.close()


def test_a_spec_survives_json() -> None:
    env = gymnasium.make("palaestra/ChainArith-v0", modulus=10, difficulty=3)
    assert env.spec is not None
    again = gymnasium.make(EnvSpec.from_json(env.spec.to_json()))
    assert again.reset(seed=1)[0] == env.reset(seed=1)[0]
    assert "odulo 10" in again.reset(seed=1)[0]


def test_a_local_class_works_even_in_worker_processes() -> None:
    @register("mine/Local-v0")
    class Local(Trivial):
        pass

    assert Local.id == "mine/Local-v0"
    envs = gymnasium.make_vec("mine/Local-v0", num_envs=2, vectorization_mode="async")
    try:
        assert list(envs.reset(seed=1)[0]) == [make("mine/Local-v0").reset(seed=s)[0] for s in (1, 2)]
    finally:
        envs.close()


def test_an_id_taken_by_another_class_is_refused() -> None:
    with pytest.raises(ValueError, match=r"belongs to .*ChainArith"):
        register("palaestra/ChainArith-v0")(Trivial)
    with pytest.raises(ValueError, match="belongs to a game"):
        register("palaestra/Nim-v0")(type("Other", (ChainArith,), {}))
    with pytest.raises(ValueError, match="belongs to a Gymnasium environment"):
        register("CartPole-v1")(Trivial)
    with pytest.raises(ValueError, match="already registered as"):
        register("mine/Chain-v0")(ChainArith)
    with pytest.raises(TypeError, match="subclass of palaestra"):
        register("mine/Dict-v0")(dict)  # type: ignore[type-var]


def test_a_reloaded_module_replaces_its_class(recwarn: pytest.WarningsRecorder) -> None:
    from palaestra.envs.tasks import countdown

    before = countdown.Countdown
    importlib.reload(countdown)
    assert countdown.Countdown is not before
    assert type(make_task("palaestra/Countdown-v0")) is countdown.Countdown
    assert not recwarn.list


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownEnvironment, match=r"palaestra/Countdown-v0.*palaestra envs list"):
        make("palaestra/Countdwn-v0")
    with pytest.raises(UnknownKnob, match="did you mean 'modulus'"):
        make_task("palaestra/ChainArith-v0", modulo=10)
    with pytest.raises(UnknownKnob, match="did you mean 'difficulty'"):
        make("palaestra/ChainArith-v0", dificulty=1)
    with pytest.raises(TypeError, match="did you mean 'modulus'"):
        gymnasium.make("palaestra/ChainArith-v0", modulo=10)
    with pytest.raises(ValueError, match="modulus is None or from 2"):
        make_task("palaestra/ChainArith-v0", modulus=1)


def test_a_failing_plugin_is_named_and_hinders_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "good_plugin.py").write_text(
        "from palaestra.envs import register\n"
        "from palaestra.envs.tasks import Countdown\n"
        "@register('other/Good-v0')\n"
        "class Good(Countdown):\n    pass\n"
    )
    (tmp_path / "bad_plugin.py").write_text("raise RuntimeError('no such luck')\n")
    (tmp_path / "ended_plugin.py").write_text("raise SystemExit('no licence')\n")
    monkeypatch.syspath_prepend(tmp_path)
    points = [EntryPoint(name, f"{name}_plugin", registration.PLUGIN_GROUP) for name in ("bad", "ended", "good")]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)
    monkeypatch.setattr(registration, "_plugin_failures", None)
    with pytest.warns(UserWarning, match="bad_plugin"), pytest.warns(UserWarning, match="ended_plugin"):
        assert "other/Good-v0" in task_ids()
    assert load_plugins() == {
        "bad (bad_plugin)": "RuntimeError: no such luck",
        "ended (ended_plugin)": "SystemExit: no licence",
    }
    assert make("other/Good-v0").reset(seed=1)


@pytest.mark.parametrize("id", ["other/Heaps-v0", "other/Heaps-vs-random-v0"])
def test_a_plugin_makes_its_game_known_by_the_id_alone(id: str, tmp_path: Path) -> None:
    (tmp_path / "game_plugin.py").write_text(
        "from palaestra.envs.games import Nim, register_game\n"
        "@register_game('other/Heaps-v0')\n"
        "class Heaps(Nim):\n    pass\n"
    )
    code = (
        "from importlib import metadata\n"
        "from palaestra.envs.registration import PLUGIN_GROUP\n"
        "points = [metadata.EntryPoint('game', 'game_plugin', PLUGIN_GROUP)]\n"
        "metadata.entry_points = lambda group: points\n"
        "from palaestra.envs import catalog\n"
        f"print(catalog.card({id!r}).kind, catalog.is_task({id!r}))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert re.fullmatch("game.* False\n", out.stdout)


def test_importing_the_package_is_light_and_registers_the_tasks() -> None:
    code = (
        "import sys, palaestra.envs, gymnasium; "
        "print([m for m in ('sympy', 'torch', 'pettingzoo', 'pyarrow') if m in sys.modules], "
        "sum(i.startswith('palaestra/') for i in gymnasium.registry) >= 4)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert out.stdout.strip() == "[] True"


@pytest.mark.parametrize(
    ("id", "knob"), [("palaestra/Mastermind-v0", "guesses"), ("palaestra/RockPaperScissors-vs-random-v0", "rounds")]
)
def test_a_fraction_for_a_whole_number_is_refused(id: str, knob: str) -> None:
    with pytest.raises(WrongKnob, match=rf"{knob}=2\.5.*: {knob} is a whole number"):
        make_any(id, **{knob: 2.5})
    make_any(id, **{knob: 2})
    make_any("palaestra/FormatReward-v0", weight=0.5)


def test_a_list_is_a_tuple_where_the_class_says_one() -> None:
    """So that knobs are the same, and hashable, when they come back from a log, a recipe or a spec."""

    @dataclass(frozen=True)
    class Own(Countdown):
        steps: tuple[tuple[int, ...], ...] = ()
        names: Sequence[str] = ()

    made = with_knobs(Own, {"steps": [[1, 2], [3]], "names": ["a"]})
    assert made.steps == ((1, 2), (3,))
    assert made.names == ["a"]
    assert make_game("palaestra/Nim-v0", piles=[1, 2]).game == Nim((1, 2))
