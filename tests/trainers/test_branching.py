"""Runs that go on from a checkpoint, and branches of them: what they have of what came before it, and after."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from palaestra.agents.checkpoint import progress
from palaestra.arena.run_folder import RunFolder
from palaestra.arena.settings import SettingsError
from palaestra.cli.branching import branch, read_branch
from palaestra.trainers.session import Session

from .games import PULL, Play, Recipes, metrics, recipe_of, weights_hash_of


def league(run: RunFolder) -> list[str]:
    return sorted(path.name for path in (run.path / "league").iterdir() if path.is_dir())


@pytest.fixture(scope="module")
def whole(play_run: Play, tiny_recipe: Recipes) -> RunFolder:
    """Each round's policy joins the league, which keeps one; they are checkpointed every other round."""
    evolve = {"algorithm": "role_baseline", "rounds": 4, "problems": 4, "samples": 4}
    evolve |= {"objective": PULL, "reference": "snapshot"}
    frozen = {"opponents": "uniform", "snapshot_every": 1, "keep": 1}
    return play_run(recipe_of(tiny_recipe, evolve=evolve, self_play=frozen))


@pytest.fixture
def killed(whole: RunFolder, play_run: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """The same, killed in evolution's third round: the checkpoint is of the first."""
    run, named = RunFolder(tmp_path / "killed"), Session.name_policy
    run.path.mkdir()
    for file in ("recipe.yaml", "environment.json"):
        shutil.copy(whole.path / file, run.path / file)

    def kill(session: Session) -> None:
        if session.stage == "evolve" and session.round == 2:
            raise KeyboardInterrupt
        named(session)

    with monkeypatch.context() as patch:
        patch.setattr(Session, "name_policy", kill)
        with pytest.raises(KeyboardInterrupt):
            play_run(run=run)
    assert [path.name for path in progress(run.checkpoints)] == ["round-00004"]
    return run


def test_frozen_selves_stay_for_as_long_as_a_checkpoint_names_them(
    whole: RunFolder, killed: RunFolder, play_run: Play
) -> None:
    assert league(killed) == ["round-00001", "round-00002"]
    play_run(run=RunFolder.open(killed.path))
    assert league(killed) == league(whole) == ["round-00004"]
    assert metrics(killed) == metrics(whole)


def test_a_branch_has_the_league_of_its_checkpoint_and_goes_its_own_way(
    killed: RunFolder, play_run: Play, tmp_path: Path
) -> None:
    target = RunFolder(tmp_path / "branch")
    target.path.mkdir()
    branch(read_branch(f"{killed.path}@4", {"evolve.rounds": "2", "evolve.learning_rate": "0.01"}), target)
    assert league(target) == ["round-00001"]
    play_run(run=target)
    names = [run.path / "league" / "round-00002" for run in (killed, target)]
    assert weights_hash_of(names[0]) != weights_hash_of(names[1])


def test_a_judge_of_a_branch_learns_alone_in_the_first_rounds_there(
    play_run: Play, tiny_recipe: Recipes, tmp_path: Path
) -> None:
    run, target = play_run(tiny_recipe(evolve={"rounds": 1}), stop_after=3), RunFolder(tmp_path / "branch")
    target.path.mkdir()
    changes = {"evolve.algorithm": "rto", "evolve.judge": "{alone: 1}", "evolve.rounds": "3"}
    last = int(progress(run.checkpoints)[-1].name[-5:])
    branch(read_branch(f"{run.path}@{last}", changes), target)
    play_run(run=target)
    rows = [row for row in metrics(target) if row["phase"] == "evolve"]
    assert ["judge_loss" in row for row in rows] == [False, True, False]
    assert "critic_loss" in rows[-1]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model.hidden": "64"}, r"model\.hidden is past at that round: leave it away, or begin a new run"),
        ({"model.lora.rank": "4"}, r"model\.lora is past at that round"),
        ({"warm_start.rounds": "9"}, r"warm_start\.rounds is past at that round"),
        (
            {"environment.id": "palaestra/Nim-v0", "evolve.top_difficulty": "1"},
            "a task is gone on with as a task, and a game as a game",
        ),
        ({"evolve.start_difficulty": "3", "evolve.top_difficulty": "3"}, r"at level \d there, which evolve\."),
    ],
)
def test_what_a_branch_cannot_change_any_more_is_refused(
    finished_run: Path, changes: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        read_branch(f"{finished_run}@7", {"evolve.rounds": "6", **changes})
    read_branch(f"{finished_run}@7", {"evolve.rounds": "6", "model.gradient_checkpointing": "true"})


@pytest.mark.parametrize(("asked", "threads"), [(3, 3), (None, 1)])
def test_a_branch_tells_its_own_seed_and_threads(
    finished_run: Path, tmp_path: Path, asked: int | None, threads: int
) -> None:
    target = RunFolder(tmp_path / "branch")
    target.path.mkdir()
    branch(read_branch(f"{finished_run}@7", {"evolve.rounds": "6", "seed": "5"}), target, asked)
    source, told = (json.loads((path / "environment.json").read_text()) for path in (finished_run, target.path))
    assert (source["seed"], source["threads"]) == (0, 1)
    assert (told["seed"], told["threads"]) == (5, threads)
