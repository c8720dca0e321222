"""What a person got wrong is told in one line that says what to do, with exit code 2."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from palaestra import cli
from palaestra.arena.run_folder import RunFolder
from palaestra.cli import training

CHAIN = "palaestra/ChainArith-v0"


EVER = '''"""A game that nobody else plays, and that never ends."""

from dataclasses import dataclass

from palaestra.envs.games import Game, register_game


@register_game("tests/Ever-v0")
@dataclass(frozen=True)
class Ever(Game):
    max_length, rules = 1, "Say a."
    initial = lambda self, rng: 0
    player = lambda self, state: state
    legal = lambda self, state: ("a",)
    act = lambda self, state, action: 1 - state
    terminal = lambda self, state: False
    returns = lambda self, state: (0.0, 0.0)
    show = action_text = read = lambda self, what: str(what)
'''


BUGGY = '''"""A task whose verdict is an error in somebody else's code."""

from palaestra.envs import Problem, Task, register


@register("tests/Buggy-v0")
class Buggy(Task):
    def sample(self, rng, difficulty):
        return Problem(str(rng.integers(1000)), "a", difficulty)

    def verify(self, problem, response):
        return {}["nothing"]
'''


ENDING = BUGGY.replace("Buggy", "Ending").replace('return {}["nothing"]', "exit()")

EARLY = ENDING.replace("return Problem", "raise SystemExit(0)  #")


@pytest.fixture
def folder(tmp_path: Path, finished_run: Path, parity: Path) -> Path:
    """Everything that goes wrong below."""
    (tmp_path / "finished").symlink_to(finished_run)
    (tmp_path / "empty").mkdir()
    for name in ("emptylog", "unfinished"):
        (tmp_path / name / "episodes").mkdir(parents=True)
    for name, text in (
        ("weightless", "name: x"),
        ("misspelt", "stratgy: vote:8"),
        ("strategist", "{model: random, strategy: 'vote:4'}"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "agent.yaml").write_text(text)
    (tmp_path / "brokenboard" / "episodes").mkdir(parents=True)
    (tmp_path / "brokenboard" / "leaderboard.json").write_text('{"rows": [{"agent": "a"}]}')
    for name, broken in (("badrecipe", "recipe.yaml"), ("badmachine", "environment.json")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "recipe.yaml").write_text("{}")
        (tmp_path / name / broken).write_text("{")
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "000000-batch.parquet").write_bytes(b"PAR1 and then nothing")
    (tmp_path / "bad.yaml").write_text("evolve: [")
    (tmp_path / "raises.py").write_text("import nothing_of_that_name\n")
    (tmp_path / "ever.py").write_text(EVER)
    (tmp_path / "buggy.py").write_text(BUGGY)
    (tmp_path / "ending.py").write_text(ENDING)
    (tmp_path / "early.py").write_text(EARLY)
    (tmp_path / "nobody.py").write_text(EVER.replace("player = lambda self, state: state", "player = lambda *_: 2"))
    return tmp_path


ERRORS: list[tuple[str, str]] = [
    ("envs check palaestra/ChainArit-v0", "no environment 'palaestra/ChainArit-v0' (nearest: palaestra/ChainArith-v0"),
    ("play palaestra/Countdwn-v0", "nearest: palaestra/Countdown-v0"),
    ("play ever:tests/Ever-v0", "tests/Ever-v0 is a game of several players: `palaestra evaluate` and"),
    ("evaluate random --env palaestra/Countdwn-v0", "nearest: palaestra/Countdown-v0"),
    ("collect random --to log --env palaestra/Countdwn-v0", "nearest: palaestra/Countdown-v0"),
    ("collect random --to log --knobs modulos=10", "did you mean 'modulus'?"),
    ("collect random --to log --knobs split=test", "split is no knob of palaestra/ChainArith-v0 here"),
    ("evaluate random --knobs difficulty=5", "levels are asked by --difficulties"),
    (
        "evolve --set environment.difficulty=5",
        "levels are asked by --difficulties, collect --difficulty, or a recipe's",
    ),
    ("collect random --to log --knobs modulus", "'modulus' is not KEY=VALUE"),
    ("collect random --to log --difficulty 99", "has difficulties 1 to 10, not 99"),
    ("collect random --to log --problems 0", "collect at least one episode"),
    ("collect random --to finished", "finished is a run's folder, which keeps its own log: name another folder"),
    ("collect random --to finished/episodes", "finished/episodes is a run's folder"),
    ("collect random --to emptylog", "emptylog is a run's folder"),
    ("evaluate random --save finished", "finished is a run's folder, which keeps its own log: name another folder"),
    ("evaluate random --save bad.yaml", "bad.yaml is a file, or in one: name a folder"),
    ("evaluate random --save bad.yaml/board", "bad.yaml/board is a file, or in one: name a folder"),
    ("evaluate random --save brokenboard", "leaderboard.json is no leaderboard of ours"),
    ("evaluate random --knobs modulus=ten", "cannot be made with modulus='ten': modulus is a number"),
    ("audit palaestra/Nim-v0", "palaestra/Nim-v0 is a game of several players, which no verifier judges"),
    ("audit palaestra/Nim-vs-random-v0", "is a game of several players, which no verifier judges"),
    ("agents show nope", "nope is no folder here"),
    ("evaluate random --problems 0", "ask for one problem or more"),
    ("evaluate finished/agents/nope", "holds no model (no config.json): give a checkpoint folder"),
    ("evaluate empty", "holds no model (no config.json)"),
    ("evaluate raises:tests/X-v0 --env raises:tests/X-v0", "no module 'raises' to find"),
    ("evaluate random --env ./mine:me/Sum-v0", "'./mine' is no module to find 'me/Sum-v0' in: name it as Python"),
    ("evaluate random --env mine.py:me/Sum-v0", "'mine.py' is no module to find 'me/Sum-v0' in: name it as Python"),
    ("evaluate nobody/nothing", "is no folder here, the Hugging Face hub does not answer"),
    ("replay nowhere", "no run at nowhere: `palaestra evolve` makes one"),
    ("replay empty", "empty is not a run: it has neither recipe.yaml nor episodes/"),
    ("replay emptylog", "emptylog holds no episodes"),
    ("replay torn", "000000-batch.parquet is not a readable episode file"),
    ("leaderboard", "name one run folder or more"),
    ("leaderboard nowhere", "no run at nowhere"),
    ("leaderboard empty", "empty is not a run: it has neither recipe.yaml nor episodes/"),
    ("leaderboard unfinished", "has no leaderboard yet: finish it with `palaestra evolve --resume unfinished`"),
    ("evaluate", "name one agent or more"),
    ("evaluate random random", "two agents are called random"),
    ("evaluate random --env {modulus:7}", "write its id, or {id: ID, knob: value}"),
    ("evaluate random --seeds", "ask for one problem or more"),
    ("evaluate random --difficulties", "ask for one problem or more"),
    ("evaluate random --seeds 1 1", "a seed is there twice"),
    ("evaluate random --workers 0", "--workers takes 1 or more"),
    ("evaluate random --vote 0", "--vote and --best-of take of 1 answer or more"),
    ("evaluate random --strategy ,", "names none: `palaestra strategies` lists them"),
    ("evaluate random --temperature nan", "a finite temperature >= 0"),
    ("evaluate random --knobs modulus=ten", "cannot be made with modulus='ten'"),
    ("evaluate random --env palaestra/Nim-v0 --rounds 0", "a contest has 1 round or more, not 0"),
    ("evaluate random --env palaestra/Nim-v0 palaestra/Nim-v0", "palaestra/Nim-v0 {} is there twice: name each"),
    ("evaluate random --env buggy:tests/Buggy-v0", "KeyError: 'nothing', in buggy.py, line 12 (--debug shows where)"),
    (
        "evaluate random --env ending:tests/Ending-v0",
        "verify gives a Verdict or raises an error; it ends no program, as exit() does, in ending.py, line 12",
    ),
    ("evaluate random --env early:tests/Ending-v0", "ends no program, as exit() does, in early.py, line 9"),
    (
        "evaluate random finished/agents/evolved --env nobody:tests/Ever-v0",
        "tests/Ever-v0: player gives a seat, an integer from 0 to 1, not 2",
    ),
    ("agents export finished/agents/evolved --to new --strategy vots:8", "unknown strategy: 'vots'"),
    ("evaluate weightless", "says that the model is in weightless, where no weights are (no config.json): export"),
    ("evaluate misspelt", "unknown key in misspelt/agent.yaml: 'stratgy' (did you mean 'strategy'?)"),
    ("evaluate strategist --vote 3", "has a strategy of its own (vote:4)"),
    ("agents list nowhere", "no folder nowhere"),
    ("agents list empty", "no agent below empty"),
    ("agents show empty", "holds no model (no config.json)"),
    ("agents export strategist --to new", "has no weights to export: its model is random"),
    ("agents export finished/agents/evolved --to empty", "empty is there already"),
    ("leaderboard --wandb p", "reading a wandb project needs a login"),
    ("leaderboard finished --report", "add --wandb PROJECT"),
    ("evaluate random --env palaestra/Nim-v0 --schedule swis", "did you mean 'swiss'"),
    (
        "evaluate random --env ever:tests/Ever-v0",
        "a tournament is between two agents or more, of different names, not random: name another",
    ),
    ("leaderboard brokenboard", "leaderboard.json is no leaderboard of ours"),
    ("evaluate finished/agents/evolved --best-of 4", "--best-of N and --judge FOLDER go together"),
    ("evaluate random --best-of 4 --judge finished", "random writes text, not tokens"),
    ("evaluate random --search sbs:1,5", "random writes text, not tokens"),
    ("evaluate finished/agents/evolved --search sbt:1", "a search is one of sbs, mcts, mcts_g, bfs, dfs, astar"),
    (
        "evaluate finished/agents/evolved --env palaestra/KuhnPoker-v0 --search moves:2",
        "KuhnPoker-v0 cannot be searched",
    ),
    ("evaluate finished/agents/evolved --search moves:2", "this search is for moves of games: play it in a match"),
    ("evaluate finished/agents/evolved --search sbs:0", "1 or more beams and samples"),
    (
        "evaluate finished/agents/evolved --search sbs:1 --vote 3",
        "--search goes without --best-of, --vote and --strategy",
    ),
    ("reward-model finished --to new --epochs 0", "--epochs and --batch-size take 1 or more"),
    ("tree finished", "no agent searched in finished"),
    ("tree nowhere", "no run at nowhere"),
    ("reward-model emptylog --to new", "holds no model: name the policy to begin with, --start FOLDER"),
    ("reward-model emptylog --to new --start finished/agents/evolved", "no problem that was answered twice"),
    ("evolve --recipe nope", "no recipe nope: give a YAML file, or one of"),
    ("evolve --recipe bad.yaml", "bad.yaml is not YAML"),
    ("evolve --set evolve.algorthm=rloo", "unknown key in evolve: 'algorthm' (did you mean 'algorithm'?)"),
    ("evolve --set evolve.algorithm=grop", "unknown algorithm: 'grop' (did you mean 'grpo'?)"),
    ("evolve --recipe patterns --set modules.evaluater=rule", "unknown key in modules: 'evaluater' (did you mean"),
    (
        "evolve --recipe patterns --set modules.evaluator.mark=evolved modules.evaluator.module=juge",
        "unknown module of modules.evaluator: 'juge' (did you mean 'judge'?)",
    ),
    ("evolve --recipe patterns --set modules.evaluator.module=judge", "modules.evaluator lacks mark"),
    ("evolve --set modules.reasoner=evolved", "modules lacks creator: mark each of creator, reasoner, evaluator"),
    (
        "evolve --recipe patterns --set modules.strategy=adversarial modules.creator=rule modules.post_processor=rule "
        "evolve.algorithm=rft",
        "modules.strategy is adversarial, but nothing is paid for what reasoner loses, nor the other way round",
    ),
    ("evolve --set evolve.replay.rounds=2", "evolve.replay is none for grpo: it learns from what the policy of now"),
    ("evolve --runs . --threads 0", "--threads takes 1 or more"),
    ("evolve --runs . --no-wandb --set model.path=/nope", "/nope holds no model (no config.json)"),
    ("evolve --set seed", "'seed' is not KEY=VALUE"),
    ("evolve --set environment=palaestra/Countdwn-v0", "nearest: palaestra/Countdown-v0"),
    ("evolve --resume nowhere", "no run at nowhere"),
    ("evolve --from finished@²", "'finished@²' is not RUN@ROUND"),
    ("evolve --resume emptylog", "has no recipe.yaml: only runs of `palaestra evolve` resume"),
    ("evolve --resume badrecipe --no-wandb", "badrecipe/recipe.yaml is not YAML"),
    ("evolve --resume badmachine --no-wandb", "badmachine/environment.json says no number of threads"),
    ("evolve --recipe nim_search --set evolve.rounds=2", "or say other stages, as by --set 'stages=[{rounds: 2}]'"),
    ("evolve --resume finished --set seed=1", "leave --recipe and --set away"),
]


@pytest.mark.parametrize(("command", "told"), ERRORS, ids=[command for command, _ in ERRORS])
def test_one_line_says_what_to_do(palaestra_process: Callable[..., Any], folder: Path, command: str, told: str) -> None:
    before = sorted(path.name for path in folder.iterdir())
    code, said = palaestra_process(*command.split(), folder=folder).wait()
    left = {path.name for path in folder.iterdir()} - {"__pycache__"}  # Python's own, of the module that raises
    assert code == 2, said
    (line,) = said.splitlines()
    assert line.startswith("palaestra: ")
    assert told in line
    assert sorted(left) == before  # nothing half-made is left behind


@pytest.mark.parametrize("where", ["before", "after"])
def test_debug_shows_where_it_came_from(palaestra_process: Callable[..., Any], tmp_path: Path, where: str) -> None:
    arguments = ("--debug", "replay", "nowhere") if where == "before" else ("replay", "nowhere", "--debug")
    code, said = palaestra_process(*arguments, folder=tmp_path).wait()
    assert code == 2
    assert said.startswith("Traceback")
    assert "RunError: no run at nowhere" in said


def test_a_run_in_use_is_told(palaestra_process: Callable[..., Any], play_run: Any, tiny_recipe: Any) -> None:
    run = play_run(tiny_recipe(), stop_after=1)
    holder = RunFolder.open(run.path)
    holder.hold()
    code, said = palaestra_process("evolve", "--resume", run.path).wait()
    holder.release()
    assert (code, len(said.splitlines())) == (2, 1)
    assert "is in use by another process: wait for it" in said


def test_the_first_interrupt_asks_and_the_second_insists(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    with training._stop_on_interrupt() as stop:
        assert not stop()
        signal.raise_signal(signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    assert "stopping after this round" in capsys.readouterr().out


@pytest.mark.parametrize("reader", ["head -1", "true"])
@pytest.mark.parametrize("command", ["evolve --help", "envs list"])
def test_a_reader_that_leaves_ends_a_command_without_a_word(command: str, reader: str) -> None:
    line = f"{shlex.quote(sys.executable)} -m palaestra {command} | {reader}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == (reader != "true")
    assert done.returncode in ((141,) if reader == "true" else (0, 141))  # the first line's reader may have read all


def test_another_broken_pipe_is_an_error_like_any_other(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def break_pipe(**arguments: Any) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(cli.app, "cli", break_pipe)
    monkeypatch.setattr(sys, "stdout", sys.__stdout__)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    line = break_pipe.__code__.co_firstlineno + 1
    assert capfd.readouterr().err == f"palaestra: [Errno 32] Broken pipe, in test_errors.py, line {line}\n"


def test_an_unknown_option_is_told_with_the_help_to_read(palaestra_process: Callable[..., Any]) -> None:
    code, said = palaestra_process("evolve", "--recipes", "x").wait()
    assert code == 2
    assert "--recipe" in said
    assert "Traceback" not in said


def test_what_the_train_extra_brings_is_told_by_its_name() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    for name in re.findall(r"^\w+", "\n".join(project["optional-dependencies"]["train"]), re.MULTILINE):
        error = ModuleNotFoundError("", name={"pyyaml": "yaml"}.get(name, name))
        assert "pip install 'palaestra[train]'" in cli._one_line(error)
