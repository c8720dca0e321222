"""Each command by its own process: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from palaestra import cli
from palaestra.arena.leaderboard import read_leaderboard
from palaestra.cli import environments
from palaestra.cli.app import SEVERAL
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Episode, EpisodeStore
from palaestra.episodes.judged import HELD_OUT

CHAIN = "palaestra/ChainArith-v0"
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def palaestra(palaestra_process: Callable[..., Any]) -> Run:
    return lambda *arguments, **given: palaestra_process(*arguments, **given).wait()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ((), "evolve"),
        (("evolve",), "--resume"),
        (("evaluate",), "--vote"),
        (("collect",), "--samples"),
        (("replay",), "a run's folder, or a folder of episode files"),
        (("rescore",), "today's verifiers"),
        (("audit",), "without reasoning"),
        (("leaderboard",), "folders of finished runs"),
        (("envs",), "check"),
        (("envs", "list"), "--help"),
        (("envs", "check"), "module:id"),
        (("play",), "--seed"),
        (("reward-model",), "bradley_terry"),
        (("objectives",), "what each learns from"),
        (("tree",), "whose agent searched"),
        (("agents", "export"), "model card"),
    ],
)
def test_every_command_explains_itself(palaestra: Run, command: tuple[str, ...], shown: str) -> None:
    code, said = palaestra(*command, "--help")
    assert code == 0
    assert shown in said
    assert "usage: palaestra" in said


def test_no_command_at_all_shows_the_commands(palaestra: Run) -> None:
    code, said = palaestra()
    assert code == 0
    assert all(
        name in said for name in ("evolve", "evaluate", "collect", "replay", "rescore", "leaderboard", "audit", "play")
    )


def test_the_installed_script_and_the_module_are_the_same_program() -> None:
    script = subprocess.run(
        [Path(sys.executable).with_name("palaestra"), "envs", "list"], capture_output=True, text=True
    )
    module = subprocess.run([sys.executable, "-m", "palaestra", "envs", "list"], capture_output=True, text=True)
    assert script.returncode == module.returncode == 0
    assert script.stdout == module.stdout
    for name in ("ChainArith", "Countdown", "KnightsAndKnaves", "LinearEquations"):
        assert f"{name}-v0" in script.stdout


def test_replay_of_a_forged_run_names_it_and_fails(palaestra: Run, finished_run: Path, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    assert palaestra("replay", finished_run)[0] == 0
    run = shutil.copytree(finished_run, tmp_path / "run")
    file = sorted((run / "episodes").glob("*.parquet"))[3]
    table = pq.read_table(file)
    rows = table.to_pylist()
    for row in rows[:3]:
        row["turns"][0]["reward"] = 0.5
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
    code, said = palaestra("replay", run, "--show", 2)
    lines = said.splitlines()
    assert code == 1
    assert len(lines) == 3
    assert lines[0].startswith(f"{rows[0]['id']}: reward 0 is 0.5 in the log and ")
    assert lines[-1] == "88 episodes replayed, 3 differences"


def test_what_lies_beside_a_runs_log_is_not_taken_for_it(palaestra: Run, finished_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    count = len(EpisodeStore(run / "episodes"))
    shutil.copy(EpisodeStore(run / "episodes").files()[0], run)
    code, said = palaestra("replay", run)
    assert (code, said.startswith(f"{count} episodes replayed: ")) == (0, True)


def test_rescore_tells_what_a_changed_verifier_changes(palaestra: Run, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    options = ("--to", tmp_path, "--env", CHAIN, "--problems", 5, "--difficulty", 2)
    assert palaestra("collect", "oracle", *options)[0] == 0
    code, said = palaestra("rescore", tmp_path)
    assert (code, said) == (0, "5 verdicts given again, 0 changed\n")
    (file,) = tmp_path.glob("*.parquet")
    table = pq.read_table(file)
    rows = table.to_pylist()
    for row in rows[:2]:  # as a laxer verifier of another day judged them
        row["turns"][0]["text"] = "\\boxed{nonsense}"
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
    code, said = palaestra("rescore", tmp_path, "--show", 1)
    assert code == 1
    assert said.splitlines()[1:] == ["       2  right -> wrong", "5 verdicts given again, 2 changed"]


def test_audit_shows_what_cheating_earns(palaestra: Run, parity: Path) -> None:
    code, said = palaestra("audit", CHAIN, "--knobs", "modulus=10", "--problems", 20)
    assert code == 0, said
    assert all(
        kind in said for kind in ("null", "constant", "shotgun", "garbage", "injection", "bomb", "other problem")
    )
    assert said.endswith("policies, 0 get through\n")
    text = (parity / "parity_task.py").read_text().replace("ceiling = 1.0", "ceiling = 0.2").replace("Parity", "Lax")
    (parity / "lax_task.py").write_text(text)
    code, said = palaestra("audit", "lax_task:tests/Lax-v0", "--problems", 10)
    assert code == 1
    assert "paid" in said


def test_evaluate_measures_and_saves(palaestra: Run, finished_run: Path, tmp_path: Path) -> None:
    code, said = palaestra("evaluate", "oracle", "--env", CHAIN, "--problems", 20, "--difficulties", 1, 2)
    assert code == 0
    assert "100.0%" in said
    assert "83.9%" in said  # Wilson, 20 of 20
    model = finished_run / "agents" / "evolved"
    options = ("--problems", 8, "--max-tokens", 6, "--vote", 2, "--save", tmp_path)
    code, said = palaestra("evaluate", model, "--env", "parity_task:tests/Parity-v0", *options)
    assert code == 0, said
    assert "evolved+sc2" in said
    (row,) = read_leaderboard(tmp_path)
    assert (row.n, row.agent) == (8, "evolved+sc2")
    assert len(EpisodeStore(tmp_path / "episodes")) == 8
    assert (tmp_path / "leaderboard.html").is_file()


def test_agents_are_compared_in_several_environments_and_what_is_saved_is_not_played_again(
    palaestra: Run, tmp_path: Path
) -> None:
    agents, envs = ("oracle", "random"), ("palaestra/GcdLcm-v0", f"{{id: {CHAIN}, modulus: 10}}")
    options = ("--env", *envs, "--problems", 12, "--seeds", 0, 1, "--samples", 2, "--save", tmp_path)
    code, said = palaestra("evaluate", *agents, *options)
    assert code == 0, said
    assert "2 environments, held-out problems" in said
    assert "2 of 2 comparisons with the best of an environment tell the two apart" in said
    assert len(EpisodeStore(tmp_path / "episodes")) == 2 * 2 * 12 * 2 * 2
    assert len(pq.read_table(tmp_path / "leaderboard.parquet")) == 4
    code, again = palaestra("evaluate", *agents, *options)
    assert (code, again) == (0, said)
    assert len(EpisodeStore(tmp_path / "episodes")) == 2 * 2 * 12 * 2 * 2
    assert palaestra("leaderboard", tmp_path) == (0, said)


def test_a_search_is_measured_and_its_trees_are_drawn(palaestra: Run, finished_run: Path, tmp_path: Path) -> None:
    model, log = finished_run / "agents" / "evolved", tmp_path / "log"
    options = ("--problems", 3, "--max-tokens", 6, "--search", "sbs:1,3", "--save", log)
    code, said = palaestra("evaluate", model, "--env", "parity_task:tests/Parity-v0", *options)
    assert code == 0, said
    assert "evolved+sbs:1,3" in said
    code, said = palaestra("tree", log)
    assert code == 0
    assert said.splitlines() == [f"held-out/0000{index}  evolved+sbs:1,3" for index in range(3)]
    code, said = palaestra("tree", log, "held-out/00001", "--out", tmp_path / "tree.html")
    assert code == 0
    assert said.startswith("evolved+sbs:1,3 on parity_task:tests/Parity-v0: ")
    assert "└── " in said
    assert "<details" in (tmp_path / "tree.html").read_text()


def test_a_search_for_moves_meets_scripted_players(palaestra: Run, finished_run: Path, tmp_path: Path) -> None:
    game = ("--env", "{id: palaestra/TicTacToe-v0, size: 2}", "--rounds", 2)
    model, log = finished_run / "agents" / "evolved", tmp_path / "log"
    code, said = palaestra("evaluate", model, *game, "--search", "moves:16", "--save", log)
    assert code == 0, said
    rows = [line for line in said.splitlines() if "evolved+moves:16" in line]
    assert rows
    lost = [one for one in EpisodeStore(log / "episodes").read() if _begins(one, "evolved+moves:16") < 0]
    assert not lost  # who begins wins with the second mark, whatever it is


def _begins(episode: Episode, agent: str) -> float:
    """The return of an agent that has the first move; 0 where another has it."""
    role, actor = next(iter(episode.roles.items()))
    return episode.outcome[role].reward if actor.agent_id == agent else 0.0


def test_a_reward_model_is_trained_on_a_log_and_picks_among_answers(
    palaestra: Run, play_run: Callable[..., Any], tiny_recipe: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    run = play_run(tiny_recipe(name="log", evolve={"problems": 16, "samples": 8}))
    judge = tmp_path / "judge"
    code, said = palaestra("reward-model", run.path, "--to", judge, "--epochs", 1, "--kind", "outcome")
    assert code == 0, said
    assert "pairs in order" in said
    model = run.path / "agents" / "evolved"
    arguments = ("evaluate", model, "--env", "parity_task:tests/Parity-v0", "--problems", 4, "--max-tokens", 6)
    code, said = palaestra(*arguments, "--best-of", 3, "--judge", judge)
    assert code == 0, said
    assert "evolved+best3" in said
    code, said = palaestra("reward-model", run.path, "--to", judge)
    assert code == 2
    assert "is there already" in said


def test_a_reward_model_of_which_nobody_can_say_what_it_is_worth_is_kept(
    palaestra: Run, finished_run: Path, tmp_path: Path
) -> None:
    sampled = [one for one in EpisodeStore(finished_run / "episodes").read() if one.tags.get("phase") == "evolve"]
    trained = [one for one in sampled if derive_seed("evaluator", one.group_id) % HELD_OUT]
    EpisodeStore(tmp_path / "log").append(trained)
    start = finished_run / "agents" / "evolved"
    code, said = palaestra("reward-model", tmp_path / "log", "--to", tmp_path / "judge", "--start", start)
    assert code == 0, said
    assert "what it is worth is not known: no held-out problem has answers of different rewards" in " ".join(
        said.split()
    )
    assert (tmp_path / "judge" / "model.safetensors").is_file()


def test_leaderboards_of_one_run_and_of_several(palaestra: Run, finished_run: Path, tmp_path: Path) -> None:
    code, said = palaestra("leaderboard", finished_run)
    assert code == 0
    assert all(name in said for name in ("start", "warm", "evolved", "evolved, vote of 2"))
    other = shutil.copytree(finished_run, tmp_path / "other")
    code, said = palaestra("leaderboard", finished_run, other, "--out", tmp_path / "board")
    assert code == 0
    assert "other: evolved" in said
    assert len(read_leaderboard(tmp_path / "board")) == 8
    code, said = palaestra("leaderboard", other, tmp_path / ".." / tmp_path.name / "other")  # the same run twice
    assert (code, said.count("evolved, vote of 2")) == (0, 1)
    assert palaestra("evaluate", "oracle", "--env", CHAIN, "--problems", 3, "--save", tmp_path / "third")[0] == 0
    code, said = palaestra("leaderboard", other, tmp_path / "third")
    assert code == 0
    assert "2 environments" in said
    assert "(1 of 2)" in said


def test_of_several_folders_those_without_a_board_are_told_and_left_out(
    palaestra: Run, finished_run: Path, tmp_path: Path
) -> None:
    (tmp_path / "begun" / "episodes").mkdir(parents=True)
    code, said = palaestra("leaderboard", tmp_path / "begun", finished_run, tmp_path)
    assert code == 0
    assert f"left out: {tmp_path / 'begun'} has no leaderboard yet" in said
    assert f"left out: {tmp_path} is not a run" in said
    assert f"{finished_run.name}: evolved" in said
    code, said = palaestra("leaderboard", tmp_path / "begun", tmp_path)
    assert code == 2
    assert "none of these folders has a leaderboard" in said


def test_agents_are_listed_shown_exported_and_measured(palaestra: Run, finished_run: Path, tmp_path: Path) -> None:
    code, said = palaestra("agents", "list", finished_run)
    assert code == 0
    assert all(name in said for name in ("agents/start", "agents/warm", "agents/evolved"))
    made = tmp_path / "of mine"
    options = ("--strategy", "vote:2", "--max-tokens", 6, "--licence", "apache-2.0")
    code, said = palaestra("agents", "export", finished_run / "agents" / "evolved", "--to", made, *options)
    assert (code, f"palaestra evaluate '{made}'" in said) == (0, True)
    code, said = palaestra("agents", "show", made)
    assert code == 0
    for told in ("strategy  vote:2", "license: apache-2.0", "| parity_task:tests/Parity-v0 |", "max_answer_tokens: 6"):
        assert told in said
    code, said = palaestra("evaluate", made, "--env", "parity_task:tests/Parity-v0", "--problems", 4)
    assert code == 0, said
    assert "mine" in said


def test_agents_meet_in_games(palaestra: Run, tmp_path: Path) -> None:
    options = ("--env", "palaestra/Nim-v0", "--knobs", "piles=[2,3]", "--rounds", 4, "--workers", 2, "--save", tmp_path)
    code, said = palaestra("evaluate", "random", *options)
    assert code == 0, said
    assert "palaestra/Nim-v0, matches" in said
    assert "optimal (anchor)" in said
    assert palaestra("leaderboard", tmp_path) == (0, said)
    assert palaestra("replay", tmp_path)[0] == 0


def test_check_tells_sound_environments_from_broken_ones(palaestra: Run, tmp_path: Path, parity: Path) -> None:
    code, said = palaestra("envs", "check", "parity_task:tests/Parity-v0")
    assert code == 0, said
    source = (parity / "parity_task.py").read_text()
    broken = source.replace("tests/Parity-v0", "tests/Broken-v0").replace('"ab" if', '"abc" if')
    (tmp_path / "broken_task.py").write_text(broken)
    code, said = palaestra("envs", "check", "broken_task:tests/Broken-v0", folder=tmp_path)
    assert code == 1, said
    assert "oracle" in said


def test_play_asks_and_judges(palaestra: Run) -> None:
    options = ("--seed", 1, "--difficulty", 1, "--knobs", "modulus=10")
    code, said = palaestra("play", CHAIN, *options, typed="\\boxed{11}\n")
    assert code == 0
    assert said.startswith("Modulo 10")
    assert "wrong: " in said
    assert "(reward 0)" in said
    assert palaestra("play", CHAIN, *options)[1].splitlines()[-1].startswith("wrong: ")  # nothing typed at all


def test_a_typed_answer_ends_with_an_empty_line_or_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["a=1", " b=2", "", "next"])

    def line(prompt: str) -> str:
        try:
            return next(typed)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("builtins.input", line)
    assert environments._typed_answer() == "a=1\n b=2"
    assert environments._typed_answer() == "next"
    assert environments._typed_answer() is None


def test_an_option_of_several_values_may_be_said_again() -> None:
    said = ("evolve", "--set", "seed=3", "--threads", "1", "--set", "name=other", "evolve.rounds=1", "--wandb")
    expected = ["evolve", "--threads", "1", "--set", "seed=3", "name=other", "evolve.rounds=1", "--wandb"]
    assert cli._joined(said) == expected
    assert cli._joined(("evaluate", "a", "b", "--env=x", "--env", "y")) == ["evaluate", "a", "b", "--env", "x", "y"]
    short = ("evolve", "--set", "seed=3", "-r", "kuhn", "--set", "seed=-1", "-1")
    assert cli._joined(short) == ["evolve", "-r", "kuhn", "--set", "seed=3", "seed=-1", "-1"]
    assert cli._joined(("play", "x", "--seed", "1")) == ["play", "x", "--seed", "1"]


def test_every_option_of_several_values_is_known_as_one(palaestra: Run) -> None:
    commands = [*re.findall(r"• ([a-z-]+)", palaestra("--help")[1]), "envs check", "envs show"]
    helps = [palaestra(*command.split(), "--help")[1] for command in commands]
    takes_several = {name for said in helps for name in re.findall(r"(--[a-z-]+) (?:\[|\S+ \.\.\.)", said)}
    assert "--set" in takes_several
    assert takes_several == set(SEVERAL)


def test_evolve_prints_plain_lines_and_the_board(palaestra: Run, tiny_recipe: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(json.dumps(tiny_recipe()))
    options = ("--runs", tmp_path / "runs", "--threads", 1, "--no-wandb", "--set", "evolve.rounds=1", "name=other")
    code, said = palaestra("evolve", "-r", tmp_path / "mine.yaml", *options)
    assert code == 0, said
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name.startswith("other-")
    assert "parameters on 1 x cpu, seed 0" in said
    assert "warm 2/2  accuracy" in said
    assert "evolve 1/1" in said
    assert "outside forward, backward and sampling" in " ".join(said.split())
    assert f"palaestra replay {run}" in said
    assert "\x1b[" not in said
