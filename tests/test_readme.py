"""What README shows works as written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def block(start: str) -> str:
    """The first Python block that holds ``start``."""
    return next(code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if start in code)


def run(folder: Path, *command: str, stdin: str = "") -> str:
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, input=stdin, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("user")
    (folder / "reverse.py").write_text(block("# reverse.py"))
    return folder


def test_the_first_example_prints_a_reason(folder: Path) -> None:
    assert run(folder, "-c", block('gymnasium.make("palaestra/Countdown-v0"')).strip()


def test_the_verifier_example_is_right(folder: Path) -> None:
    assert run(folder, "-c", block("MathVerifier()")).strip() == r"1.5\text{ km} equals 1500\text{ m}"


def test_the_task_is_fifteen_lines_and_passes_its_checks(folder: Path) -> None:
    lines = [line for line in block("# reverse.py").splitlines()[1:] if line.strip()]
    assert len(lines) <= 15
    assert "FAIL" not in run(folder, "-m", "palaestra", "envs", "check", "reverse:me/Reverse-v0")


def test_the_dialogue_passes_its_checks(folder: Path) -> None:
    (folder / "spell.py").write_text(block("# spell.py"))
    assert "FAIL" not in run(folder, "-m", "palaestra", "envs", "check", "spell:me/Spell-v0")


def test_the_task_trains_by_changing_one_line_of_the_recipe(folder: Path) -> None:
    recipe = (ROOT / "runs" / "recipes" / "quickstart.yaml").read_text()
    line = re.search(r"^environment: .*reverse.*$", README, re.MULTILINE)
    assert line is not None
    (folder / "mine.yaml").write_text(re.sub(r"^environment:.*$", line[0], recipe, flags=re.MULTILINE))
    small = ["warm_start.rounds=2", "warm_start.problems=64", "evolve.rounds=2", "evolve.problems=4"]
    small += ["evaluation.problems=8", "max_answer_tokens=12", "model.hidden=32", "model.layers=1"]
    command = ["evolve", "--recipe", "mine.yaml", "--no-wandb", "--threads", "1", "--set", *small]
    assert "evolved" in run(folder, "-m", "palaestra", *command)
    run(folder, "-m", "palaestra", "replay", str(next((folder / "runs").iterdir())))


def test_the_game_of_ones_own_is_played_and_proved(folder: Path) -> None:
    (folder / "race.py").write_text(block("# race.py"))
    assert len(block("play_matches").strip().splitlines()) <= 10
    assert run(folder, "-c", block("play_matches")).endswith("0 differences\n")


def test_the_game_of_ones_own_is_an_environment_against_a_random_player(folder: Path) -> None:
    (folder / "race.py").write_text(block("# race.py"))
    made = "import gymnasium, palaestra.envs; env = gymnasium.make('race:me/Race-vs-random-v0'); "
    assert "The sum is 0." in run(folder, "-c", made + "print(env.reset(seed=0)[0])")
    shown = run(folder, "-m", "palaestra", "envs", "show", "race:me/Race-vs-random-v0")
    assert "me/Race-v0, a game against its random player" in shown
    evaluate = ("evaluate", "oracle", "--env", "race:me/Race-vs-random-v0", "--problems", "4")
    assert "oracle" in run(folder, "-m", "palaestra", *evaluate)


def test_the_game_of_ones_own_trains_by_the_command_shown(folder: Path) -> None:
    (folder / "race.py").write_text(block("# race.py"))
    line = re.search(r"^palaestra (evolve --recipe kuhn --set environment=race\S+)", README, re.MULTILINE)
    assert line is not None
    small = ["warm_start.rounds=1", "warm_start.problems=16", "evolve.rounds=1", "evolve.problems=4", "name=race"]
    small += ["evaluation.problems=4", "max_answer_tokens=3", "model.hidden=32", "model.layers=1"]
    command = [*line[1].split(), *small, "--no-wandb", "--threads", "1"]
    assert "me/Race-vs-random-v0" in run(folder, "-m", "palaestra", *command)
    made = next(path for path in (folder / "runs").iterdir() if path.name.startswith("race"))
    assert "every observation" in run(folder, "-m", "palaestra", "replay", str(made))


def test_two_agents_and_a_hub_model_stand_on_one_board(folder: Path) -> None:
    code = block("measure_all")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    make = "from palaestra.agents.nano import nano_model, nano_tokenizer; t = nano_tokenizer()\n" + "".join(
        f"nano_model(t, 32, 1, 2, {seed}).save_pretrained('{path}'); t.save_pretrained('{path}')\n"
        for seed, path in enumerate(("RUN/agents/evolved", "RUN/agents/warm", "HuggingFaceTB/SmolLM2-135M-Instruct"))
    )
    run(folder, "-c", make)  # the hub's model is a folder of its name here, for a test reaches no hub
    run(folder, "-c", code.replace("problems=300", "problems=3"))
    shown = run(folder, "-m", "palaestra", "leaderboard", "board")
    assert all(name in shown for name in ("evolved", "warm", "SmolLM2-135M-Instruct"))
    assert "<table" in (folder / "board" / "leaderboard.html").read_text()
    (command,) = re.findall(r"^palaestra (evaluate .*\n.*--samples 4)", README, re.MULTILINE)
    small = command.replace("\\\n", " ").replace("--problems 300", "--problems 3 --max-tokens 5").split()
    shown = run(folder, "-m", "palaestra", *small)
    assert "2 environments" in shown
