"""Evolution in stages: each learns as it says, with a fresh optimiser, and a run that is stopped in one goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from palaestra.arena.run_folder import RunFolder, read_json_lines
from palaestra.arena.settings import SettingsError
from palaestra.trainers.recipe import dump_recipe, load_recipe, parse_recipe, shipped_recipes
from palaestra.trainers.session import Session

Play = Callable[..., RunFolder]
Recipes = Callable[..., dict[str, Any]]
STAGES = [
    {"rounds": 1, "evolve": {"algorithm": "sft", "updates": 2}, "warm_start": {"habits": {"direct": 1.0}}},
    {"rounds": 2, "evolve": {"algorithm": "dpo", "reference": "round"}},
]


@pytest.fixture
def recipe(tiny_recipe: Recipes) -> Callable[..., dict[str, Any]]:
    def make(stages: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
        made = tiny_recipe(evolve={"samples": 6, "problems": 6, "algorithm": "grpo"}, **changes)
        evolve = {key: value for key, value in made["evolve"].items() if key != "rounds"}
        return {**made, "evolve": evolve, "stages": stages}

    return make


def test_a_round_has_the_settings_of_its_stage_and_the_rest_of_the_recipe(recipe: Recipes) -> None:
    whole = parse_recipe(recipe(STAGES))
    assert whole.evolve.rounds == 3
    assert parse_recipe(yaml.safe_load(dump_recipe(whole))) == whole
    found = [whole.at(round) for round in range(3)]
    assert [begins for _, begins in found] == [True, True, False]
    assert [one.evolve.algorithm for one, _ in found] == ["sft", "dpo", "dpo"]
    assert [(one.evolve.rounds, one.evolve.updates, one.evolve.samples) for one, _ in found] == [
        (1, 2, 6),
        *[(2, 1, 6)] * 2,
    ]
    assert [one.warm_start.habits for one, _ in found] == [{"direct": 1.0}, *[{"steps": 1.0}] * 2]
    assert found[1][0].algorithm().reference == "round"


def test_a_recipe_without_stages_is_its_own_in_every_round(tiny_recipe: Recipes) -> None:
    plain = parse_recipe(tiny_recipe())
    assert plain.at(2) == (plain, False)


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ([{"evolve": {}}], r"stages\[0\].rounds is 1 or more, not None"),
        ([{"rounds": 1, "evolv": {}}], r"unknown key in stages\[0\]: 'evolv' \(did you mean 'evolve'\?\)"),
        ([{"rounds": 1, "evolve": "dpo"}], r"stages\[0\].evolve is a mapping, not 'dpo'"),
        ([{"rounds": 1}, {"rounds": 1, "evolve": {"algorithm": "dop"}}], r"stages\[1\]: unknown algorithm: 'dop'"),
        ([{"rounds": 1, "evolve": {"rounds": 7}}], r"stages\[0\].evolve.rounds has no effect: a stage's rounds stand"),
        ([{"rounds": 1, "warm_start": {"rounds": 0}}], r"stages\[0\].warm_start.rounds is past in evolution"),
        ([{"rounds": 1, "evolve": {"reference": "round"}}], "evolve.reference has no effect on grpo"),
        ([{"rounds": 1, "evolve": {"start": "base"}}], r"stages\[0\]: evolve.start is latest for grpo"),
    ],
)
def test_a_stage_that_cannot_be_played_is_told_in_one_line(recipe: Recipes, stages: Any, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse_recipe(recipe(stages))


def test_rounds_beside_those_of_the_stages_are_refused(recipe: Recipes) -> None:
    made = recipe(STAGES)
    with pytest.raises(SettingsError, match=r"evolve.rounds is 4, but the stages have 3: leave it away"):
        parse_recipe({**made, "evolve": {**made["evolve"], "rounds": 4}})


def test_a_run_in_stages_learns_by_each_and_ends_the_same_when_stopped(
    play_run: Play, recipe: Recipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[int, int]] = []  # that were made of the stage as each round began
    enter = Session.enter_round

    def entering(session: Session, whole: Any) -> None:
        enter(session, whole)
        steps.append((session.round, session.steps))

    monkeypatch.setattr(Session, "enter_round", entering)
    whole = play_run(recipe(STAGES))
    assert steps == [(0, 0), (1, 0), (2, 1)]
    rows = [row for row in read_json_lines(whole.metrics) if row["phase"] == "evolve"]
    assert [("nll" in row, "margin" in row) for row in rows] == [(True, False), (False, True), (False, True)]
    stopped = play_run(recipe(STAGES), stop_after=3)  # the warm start, and the first stage
    play_run(run=RunFolder(stopped.path))
    one, other = ((run.path / "agents" / "evolved" / "model.safetensors").read_bytes() for run in (whole, stopped))
    assert one == other


def test_a_judge_learns_alone_in_the_first_rounds_of_its_algorithm_not_of_the_run(
    play_run: Play, recipe: Recipes
) -> None:
    rto = {"algorithm": "rto", "judge": {"alone": 1}}
    stages = [{"rounds": 2}, {"rounds": 2, "evolve": rto}, {"rounds": 1, "evolve": {**rto, "learning_rate": 1e-4}}]
    run = play_run(recipe(stages), stop_after=5)  # the warm start, and the judge's round
    play_run(run=RunFolder(run.path))
    rows = [row for row in read_json_lines(run.metrics) if row["phase"] == "evolve"]
    assert ["judge_loss" in row for row in rows] == [False, False, True, False, False]
    assert ["critic_loss" in row for row in rows] == [False, False, False, True, True]


def test_a_judge_that_would_learn_longer_than_the_run_is_told(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(yaml.safe_dump({"evolve": {"algorithm": "rto", "rounds": 2}}))
    with pytest.raises(SettingsError, match=r"evolve.judge.alone is 5, but there are 2 rounds: lower it"):
        load_recipe(file, {})
    load_recipe(file)  # as a run that has begun reads it


def test_a_stage_may_ask_harder_problems_than_the_curriculum_has_come_to(play_run: Play, recipe: Recipes) -> None:
    harder = {"rounds": 1, "evolve": {"start_difficulty": 2, "top_difficulty": 2, "raise_at": 1.0}}
    run = play_run(recipe([{"rounds": 1, "evolve": {"raise_at": 1.0}}, harder], temperature=1.0))
    asked = {one.id[:13]: one.reset_options["difficulty"] for one in run.episodes.read() if one.id[:6] == "evolve"}
    assert asked == {"evolve/00000/": 1, "evolve/00001/": 2}


def test_a_search_is_refused_where_ratios_are_to_the_policy(recipe: Recipes) -> None:
    with pytest.raises(SettingsError, match=r"evolve.sampler is none for grpo: its ratio is to the policy"):
        parse_recipe(recipe([{"rounds": 1, "evolve": {"sampler": {"best_of": 2}}}]))
    with pytest.raises(SettingsError, match=r"stages\[0\]: evolve: a sampler is one of search, best_of"):
        parse_recipe(recipe([{"rounds": 1, "evolve": {"algorithm": "rft", "sampler": {}}}]))
    slots = ("creator", "evaluator", "post_processor")
    modules = {"reasoner": "evolved", **dict.fromkeys(slots, "rule")}
    with pytest.raises(SettingsError, match=r"evolve.sampler is for a policy that learns alone"):
        parse_recipe({**recipe([]), "modules": modules, "evolve": {"algorithm": "rft", "sampler": {"best_of": 2}}})


@pytest.mark.parametrize("name", [name for name in shipped_recipes() if name.startswith("systems/")])
def test_a_published_system_is_a_short_recipe_that_can_be_played(name: str) -> None:
    text = shipped_recipes()[name].read_text()
    assert len(text.splitlines()) < 60
    assert text.startswith("# ")
    assert "arXiv" in text.partition("name:")[0]
    assert f"systems/{load_recipe(name).name}" == name
