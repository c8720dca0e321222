"""Whole runs: what they write, and that stopping and going on changes nothing."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from palaestra.agents.nano import nano_tokenizer
from palaestra.agents.pretrained import load_policy
from palaestra.arena import contamination
from palaestra.arena.leaderboard import read_board, read_leaderboard
from palaestra.arena.replay import replay
from palaestra.arena.run_folder import RunError, RunFolder, read_json_lines
from palaestra.envs.wrappers.mixture import make_mixture
from palaestra.episodes.controls import CONTROLS
from palaestra.episodes.views import Row
from palaestra.trainers.batch import pack
from palaestra.trainers.optimise import TrainingError

Play = Callable[..., RunFolder]
Recipes = Callable[..., dict[str, Any]]
TIMES = ("time", "seconds", "overhead", "tokens_per_second")
ROUNDS = 2 + 3  # of the tiny recipe


def weights(run: Path, agent: str = "evolved") -> bytes:
    return (run / "agents" / agent / "model.safetensors").read_bytes()


def metrics(run: Path) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in row.items() if name not in TIMES}
        for row in read_json_lines(run / "metrics.jsonl")
    ]


def scores(run: Path) -> list[tuple[str, float, float]]:
    return [(row.agent, row.score, row.tokens) for row in read_leaderboard(run)]


def assert_same_run(one: Path, other: Path) -> None:
    assert weights(one) == weights(other)
    assert metrics(one) == metrics(other)
    assert scores(one) == scores(other)
    assert log(one) == log(other)


def log(run: Path) -> list[tuple[str, str, str]]:
    """All that was played, in the order of the log."""
    return [
        (episode.id, episode.turns[0].text, next(iter(episode.roles.values())).weights_hash)
        for episode in RunFolder(run).episodes.read()
    ]


@pytest.mark.parametrize("where", ["evolve", "model_evolution"])
def test_demonstrated_dialogues_are_learned_with_all_that_was_said_before_in_sight(
    play_run: Play, tiny_recipe: Recipes, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Warm starts, and the oracle's answers that a round of evolution imitates."""
    learned: list[Row] = []
    monkeypatch.setattr(f"palaestra.trainers.{where}.pack", lambda rows: (learned.extend(rows), pack(rows))[1])
    letters = {"id": "palaestra/Lookup-v0", "people": 8, "relations": 1, "letters": True}
    evolve = {"algorithm": "sft", "rounds": 1, "problems": 2, "samples": 2, "top_difficulty": 1}
    warm = {"rounds": 1, "problems": 2, "batch_size": 2}
    recipe = tiny_recipe(environment=letters, warm_start=warm, evolve=evolve, evaluation={"problems": 1, "every": 9})
    play_run({**recipe, "environment": letters, "max_answer_tokens": 2})
    texts = [nano_tokenizer().decode(row.ids) for row in learned]
    assert texts
    for text in texts:
        assert re.fullmatch(
            r"<\|user\|>([A-Z])\.f\..*search\[\1\].*read\[\1\].*read\[.\].*answer\[.\]<\|end\|>", text, re.S
        )


@pytest.mark.parametrize(
    "environment",
    [
        {"id": "palaestra/Nim-vs-optimal-v0", "piles": [1, 2]},
        {"id": "palaestra/Mixture-v0", "envs": ["parity_task:tests/Parity-v0", "palaestra/TicTacToe-vs-random-v0"]},
    ],
)
def test_games_and_mixtures_are_trained_on_by_the_same_recipe(
    play_run: Play, tiny_recipe: Recipes, environment: dict[str, Any]
) -> None:
    recipe = tiny_recipe(name="other", environment=environment, max_answer_tokens=24)
    run = play_run({**recipe, "environment": environment})
    assert len(scores(run.path)) == 4
    assert not [difference for _, found in replay(run.episodes.read()) for difference in found]


def test_a_run_writes_what_people_and_programs_read(finished_run: Path) -> None:
    run = RunFolder.open(finished_run)
    assert [row["phase"] for row in metrics(run.path)] == ["start", "warm", "warm", "evolve", "evolve", "evolve"]
    assert [row["step"] for row in metrics(run.path)] == [0, 1, 2, 4, 5, 6]
    names = [file.stem.split("-", 1)[1] for file in run.episodes.files()]
    assert names[:5] == ["warm-00000", "warm-00001", "evolve-00000", "evolve-00001", "evolve-00002"]
    assert names[5:] == [f"held-out-{agent}" for agent in ("start", "warm", "evolved", "evolved-vote-of-2")]
    assert len(run.episodes) == 2 * 8 + 3 * 16 + 4 * 6
    assert len({weights(run.path, agent) for agent in ("start", "warm", "evolved")}) == 3
    environment = json.loads((run.path / "environment.json").read_text())
    assert environment["threads"] == 1
    summary = json.loads((run.path / "summary.json").read_text())
    assert summary["accuracy/evolved"] == {name: score for name, score, _ in scores(run.path)}["evolved"]
    assert 0 < summary["overhead"] < 1
    assert [path.name for path in run.checkpoints.iterdir()] == ["round-00007"]
    assert load_policy(run.path / "agents" / "evolved").actor.agent_id == "evolved"


def test_the_board_of_a_run_compares_its_agents_and_looks_for_problems_trained_on(finished_run: Path) -> None:
    board = read_board(finished_run)
    (best,) = {one.other for one in board.comparisons}
    assert {one.one for one in board.comparisons} == {row.agent for row in board.rows} - {best}
    assert all(one.problems == 6 and one.adjusted >= one.p for one in board.comparisons)
    assert [row.seen for row in board.rows] == [0, 0, 0, 0]


def test_the_log_names_the_weights_that_played(finished_run: Path) -> None:
    store = RunFolder.open(finished_run).episodes
    first = store.find("evolve-00000")
    second = store.find("evolve-00001")
    assert first is not None
    assert second is not None
    one, two = ({episode.roles["reasoner"].weights_hash for episode in store.read(file)} for file in (first, second))
    assert len(one) == len(two) == 1
    assert one != two
    assert one == {load_policy(finished_run / "agents" / "warm").actor.weights_hash}
    versions = [episode.turns[0].weights_version for file in (first, second) for episode in store.read(file)]
    assert sorted(set(versions)) == [2, 3]


def test_fresh_samples_had_ratio_one_in_every_round(finished_run: Path) -> None:
    rows = [row for row in metrics(finished_run) if "ratio" in row]
    assert len(rows) == 3
    for row in rows:
        assert row["ratio"] == pytest.approx(1, abs=1e-5)
        assert row["max/ratio_error"] < 1e-4
        assert row["abs_log_ratio"] < 1e-5


@pytest.mark.parametrize("stop_after", [*range(1, ROUNDS + 1), ROUNDS + 1, ROUNDS + 3])  # the last: between agents
def test_a_run_stopped_after_any_round_ends_as_one_that_was_not(
    play_run: Play, tiny_recipe: Recipes, finished_run: Path, stop_after: int
) -> None:
    run = play_run(tiny_recipe(), stop_after=stop_after)
    assert not (run.path / "leaderboard.html").exists()
    play_run(run=RunFolder.open(run.path))
    assert_same_run(run.path, finished_run)


@pytest.mark.parametrize(
    "evolve",
    [
        {"objective": {"kl_coefficient": 0.2, "kl_estimator": "k3", "kl_placement": "loss"}},
        {"algorithm": "rloo", "advantage": {"baseline": "running_mean"}},
        {"algorithm": "rloo", "objective": {"kl_coefficient": 0.2, "kl_estimator": "k1", "kl_placement": "reward"}},
        {"updates": 3, "raise_at": 0.3, "control": "shuffled"},
    ],
    ids=["reference in the loss", "running baseline", "reference in the reward", "curriculum"],
)
def test_every_kind_of_state_survives_a_stop(play_run: Play, tiny_recipe: Recipes, evolve: dict[str, Any]) -> None:
    recipe = tiny_recipe(evolve={**evolve, "problems": 16})  # 64 answers: the window of the curriculum
    whole = play_run(recipe)
    stopped = play_run(recipe, stop_after=4)
    play_run(run=RunFolder.open(stopped.path))
    assert_same_run(whole.path, stopped.path)
    if "updates" in evolve:
        assert metrics(whole.path)[-1]["level"] == 2


def test_each_family_of_a_mixture_has_a_level_of_its_own(play_run: Play, tiny_recipe: Recipes) -> None:
    parity, chain = "parity_task:tests/Parity-v0", "palaestra/ChainArith-v0"
    evolve = {"raise_at": 0.3, "problems": 48}  # 192 answers: the windows of both families fill in a round
    recipe = tiny_recipe(evolve={**tiny_recipe()["evolve"], **evolve})
    recipe["environment"] = {"id": "palaestra/Mixture-v0", "envs": [parity, chain]}
    whole = play_run(recipe)
    last = metrics(whole.path)[-1]
    assert (last[f"level/{parity}"], last[f"level/{chain}"], last["level"]) == (2, 1, 1.5)
    family_of = make_mixture([parity, chain]).family_of
    evolved = [episode for episode in whole.episodes.read() if episode.group_id.startswith("evolve/")]
    asked = {(family_of(episode.seed), episode.reset_options["difficulty"]) for episode in evolved}
    assert asked == {(parity, 1), (parity, 2), (chain, 1)}
    stopped = play_run(recipe, stop_after=4)
    play_run(run=RunFolder.open(stopped.path))
    assert_same_run(whole.path, stopped.path)


def test_episodes_behind_the_checkpoint_are_learned_from_and_not_played_again(
    play_run: Play, tiny_recipe: Recipes, finished_run: Path
) -> None:
    run = play_run(tiny_recipe(), stop_after=1)
    shutil.rmtree(run.path / "episodes")
    shutil.copytree(finished_run / "episodes", run.path / "episodes")
    before = {file.name: file.read_bytes() for file in run.episodes.files()}
    play_run(run=RunFolder.open(run.path))
    assert {file.name: file.read_bytes() for file in run.episodes.files()} == before
    assert_same_run(run.path, finished_run)


def test_a_finished_run_goes_on_to_the_same_end(play_run: Play, finished_run: Path, tmp_path: Path) -> None:
    copy = RunFolder.open(shutil.copytree(finished_run, tmp_path / "run"))
    (copy.path / "leaderboard.html").unlink()
    play_run(run=copy)
    assert_same_run(copy.path, finished_run)
    assert (copy.path / "leaderboard.html").is_file()


def test_the_board_of_a_run_counts_problems_that_it_was_trained_on(
    play_run: Play, finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = RunFolder.open(shutil.copytree(finished_run, tmp_path / "run"))
    (copy.path / "leaderboard.html").unlink()
    monkeypatch.setattr(contamination, "MEASURED", "none")  # so that answers to held-out problems count as learned from
    play_run(run=copy)
    assert [row.seen for row in read_leaderboard(copy.path)] == [6, 6, 6, 6]


def test_another_seed_is_another_run(play_run: Play, tiny_recipe: Recipes, finished_run: Path) -> None:
    other = play_run(tiny_recipe(seed=1, evolve={"rounds": 1}))
    assert weights(other.path, "start") != weights(finished_run, "start")
    assert not {text for _, text, _ in log(other.path)[-6:]} >= {text for _, text, _ in log(finished_run)[-6:]}


@pytest.mark.parametrize("algorithm", ["grpo", "rloo"])
@pytest.mark.parametrize(
    "kl",
    [
        {},
        {"kl_coefficient": 0.5, "kl_estimator": "k2", "kl_placement": "loss"},
        {"kl_coefficient": 0.5, "kl_estimator": "k1", "kl_placement": "reward"},
    ],
    ids=["no kl", "kl in the loss", "kl in the reward"],
)
def test_each_algorithm_learns_with_each_kl(
    play_run: Play, tiny_recipe: Recipes, algorithm: str, kl: dict[str, Any]
) -> None:
    run = play_run(
        tiny_recipe(
            warm_start={"rounds": 1},
            evolve={"algorithm": algorithm, "rounds": 2, "objective": kl},
            evaluation={"self_consistency": 1},
        )
    )
    assert weights(run.path, "warm") != weights(run.path)
    last = metrics(run.path)[-1]
    assert all(math.isfinite(value) for value in last.values() if isinstance(value, float))
    assert last["reward"] in {i / 16 for i in range(17)}  # what the verifier said, before any price
    if kl:
        assert last["reference_hash"] == load_policy(run.path / "agents" / "warm").actor.weights_hash
    assert ("kl_reference" in last) == (kl.get("kl_placement") == "loss")
    assert [found for _, found in replay(run.episodes.read()) if found] == []


def test_another_environment_needs_one_line(play_run: Play, tiny_recipe: Recipes) -> None:
    run = play_run(tiny_recipe(environment="palaestra/LinearEquations-v0", max_answer_tokens=16))
    assert {episode.env_id for episode in run.episodes.read()} == {"palaestra/LinearEquations-v0"}
    assert read_leaderboard(run.path)[0].env_id == "palaestra/LinearEquations-v0"
    assert [found for _, found in replay(run.episodes.read()) if found] == []


def test_a_run_in_use_is_not_gone_on_with(play_run: Play, tiny_recipe: Recipes) -> None:
    run = play_run(tiny_recipe(), stop_after=1)
    holder = RunFolder.open(run.path)
    holder.hold()
    with pytest.raises(RunError, match="is in use by another process"):
        play_run(run=RunFolder.open(run.path))
    holder.release()
    play_run(run=RunFolder.open(run.path), stop_after=1)


def test_going_on_from_a_finished_run_counts_what_its_log_holds(
    play_run: Play, finished_run: Path, tmp_path: Path
) -> None:
    run = RunFolder(shutil.copytree(finished_run, tmp_path / "run"))
    before = json.loads((run.path / "summary.json").read_text())["tokens_sampled"]
    play_run(run=run)
    assert json.loads((run.path / "summary.json").read_text())["tokens_sampled"] == before


def test_only_a_run_of_evolve_resumes(play_run: Play, tmp_path: Path) -> None:
    (tmp_path / "episodes").mkdir()
    with pytest.raises(RunError, match=r"no recipe\.yaml"):
        play_run(run=RunFolder.open(tmp_path))


def test_a_task_whose_oracle_is_wrong_is_told(
    play_run: Play, tiny_recipe: Recipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from palaestra.envs import make_task

    monkeypatch.setattr(type(make_task("parity_task:tests/Parity-v0")), "solve", lambda *given: "odd")
    with pytest.raises(TrainingError, match="no demonstration can be imitated"):
        play_run(tiny_recipe())


def test_the_control_deals_the_same_rewards_to_other_answers() -> None:
    import numpy as np

    from palaestra.episodes.views import Row

    rows = [Row(np.zeros(1), np.zeros(1), np.zeros(1), float(i), f"{i}", "g", "e", "r") for i in range(40)]
    shuffled = CONTROLS["shuffled"](rows, np.random.default_rng(0))
    assert sorted(row.reward for row in shuffled) == [row.reward for row in rows]
    assert sum(a.reward == b.reward for a, b in zip(rows, shuffled, strict=True)) < 5
    assert [row.episode_id for row in shuffled] == [row.episode_id for row in rows]


def test_the_control_deals_the_verdicts_of_steps_too() -> None:
    import numpy as np

    from palaestra.episodes.views import Row

    def judged(number: int) -> Row:
        steps = np.full(2 + number % 3, np.nan, np.float32)
        steps[-1] = number
        return Row(steps, steps, steps, float(number), f"{number}", "g", "e", "r", token_rewards=steps)

    rows = [judged(number) for number in range(40)]
    shuffled = CONTROLS["shuffled"](rows, np.random.default_rng(0))
    given = [row.token_rewards[-1] for row in shuffled if row.token_rewards is not None]
    assert sorted(given) == list(range(40))
    assert sum(a == b for a, b in zip(given, range(40), strict=True)) < 5
    assert all(np.isnan(row.token_rewards[:-1]).all() for row in shuffled if row.token_rewards is not None)
    alike = [Row(row.ids, row.action, row.logprobs, row.reward, row.episode_id, "g", "e", "r") for row in rows]
    plain = CONTROLS["shuffled"](alike, np.random.default_rng(0))
    assert [row.reward for row in shuffled] == [row.reward for row in plain]  # whether or not steps are judged
