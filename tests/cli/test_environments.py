"""``palaestra envs``: lists, shows, checks and begins environments."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from palaestra.envs import catalog

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def palaestra(palaestra_process: Callable[..., Any]) -> Run:
    return lambda *arguments, **given: palaestra_process(*arguments, **given).wait()  # type: ignore[no-any-return]


def test_the_list_fits_a_screen_and_names_every_environment(palaestra: Run) -> None:
    code, said = palaestra("envs", "list")
    assert code == 0
    words = said.replace("│", " ").replace(",", " ").split()
    own = [id for id in catalog.ids() if id.startswith("palaestra/")]
    assert {id.removeprefix("palaestra/") for id in own} <= set(words)
    assert len(said.splitlines()) <= 60
    assert "reasoning_gym/..." in said


def test_a_tag_picks_some_and_an_unknown_one_names_those_there_are(palaestra: Run) -> None:
    code, said = palaestra("envs", "list", "--tag", "games")
    assert code == 0
    assert "palaestra/TicTacToe-v0" in said
    assert "ChainArith" not in said
    code, said = palaestra("envs", "list", "--tag", "gmaes")
    assert code == 2
    assert "games" in said


@pytest.mark.parametrize("id", ["palaestra/Countdown-v0", "palaestra/Guess20-v0", "palaestra/TicTacToe-v0"])
def test_show_gives_a_problem_and_what_answers_lead_to(palaestra: Run, id: str) -> None:
    code, said = palaestra("envs", "show", id, "--seed", "3")
    assert code == 0
    card = catalog.card(id, seed=3)
    assert all(word in said for word in card.prompt.split())
    assert card.answers[0][0].split()[0] in said


def test_check_wants_one_name_or_all(palaestra: Run) -> None:
    assert palaestra("envs", "check")[0] == 2
    assert palaestra("envs", "check", "palaestra/Nim-v0", "--all")[0] == 2
    code, said = palaestra("envs", "check", "palaestra/Nim-v0")
    assert code == 0, said
    assert "palaestra/Nim-v0: ok" in said


def test_a_pattern_checks_many_and_writes_a_page(palaestra: Run, tmp_path: Path) -> None:
    code, said = palaestra("envs", "check", "palaestra/N?m-v0", "--out", tmp_path / "page.md")
    assert code == 0, said
    assert "ok   palaestra/Nim-v0" in said
    page = (tmp_path / "page.md").read_text()
    assert "palaestra envs check 'palaestra/N?m-v0'" in page
    assert "1 environments: 1 pass." in page
    code, said = palaestra("envs", "check", "palaestra/Nothing*")
    assert code == 2
    assert "Nothing*" in said


def test_adapters_say_what_they_have(palaestra: Run) -> None:
    code, said = palaestra("envs", "list", "--of", "pettingzoo_classic")
    assert code == 0
    assert "pettingzoo_classic/" in said.splitlines()[0]
    code, said = palaestra("envs", "list", "--of", "petting_zoo")
    assert code == 2
    assert "pettingzoo_classic" in said


def test_a_new_environment_conforms_as_it_is_made(palaestra: Run, tmp_path: Path) -> None:
    code, said = palaestra("envs", "new", "reverse-words", folder=tmp_path)
    assert code == 0, said
    folder = tmp_path / "reverse-words"
    command = next(line for line in said.splitlines() if "envs check" in line).split()
    code, said = palaestra(*command[1:], folder=folder)
    assert code == 0, said
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "forwards", "tests"]
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": "."}, capture_output=True, text=True)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert 'reverse_words = "reverse_words"' in (folder / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("name", "said"),
    [("9lives", "no name"), ("a/b", "no name"), ("class", "no name"), ("fractions", "already"), ("numpy", "already")],
)
def test_a_name_that_is_none_is_refused(palaestra: Run, tmp_path: Path, name: str, said: str) -> None:
    code, told = palaestra("envs", "new", name, folder=tmp_path)
    assert code == 2
    assert said in told
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_left_alone(palaestra: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    code, said = palaestra("envs", "new", "mine", folder=tmp_path)
    assert code == 2
    assert "there already" in said
