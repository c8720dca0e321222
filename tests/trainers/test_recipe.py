"""Recipes are read strictly: what cannot be run as written is told in one line, before anything is made."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from palaestra.arena.settings import SettingsError
from palaestra.envs import UnknownEnvironment, UnknownKnob
from palaestra.episodes.advantages import Advantage
from palaestra.trainers.losses import PolicyGradient
from palaestra.trainers.recipe import Recipe, WarmStart, dump_recipe, load_recipe, parse_recipe


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "r.yaml"
    file.write_text(text)
    return file


def test_the_shipped_recipe_is_runnable_and_the_default() -> None:
    recipe = load_recipe("quickstart")
    assert recipe.name == "quickstart"
    assert recipe.env_id == "palaestra/ChainArith-v0"


def test_an_empty_recipe_is_all_defaults(tmp_path: Path) -> None:
    assert load_recipe(written(tmp_path, "")) == Recipe() == parse_recipe({})


def test_a_resolved_recipe_reads_back_as_it_was(tiny_recipe: Callable[..., dict[str, Any]]) -> None:
    changes = {"evolve": {"objective": {"clip_high": 0.28}, "advantage": {"scale": "none"}}}
    for data in ({}, tiny_recipe(), tiny_recipe(**changes), {"environment": "palaestra/Countdown-v0"}):
        recipe = parse_recipe(data)
        assert parse_recipe(yaml.safe_load(dump_recipe(recipe))) == recipe
    assert "micro_batch_tokens: 8192" in dump_recipe(Recipe())


def test_overrides_reach_every_depth(tmp_path: Path) -> None:
    changes = {
        "seed": "3",
        "evolve.algorithm": "rloo",
        "warm_start.difficulties": "[1, 2]",
        "environment.modulus": "10",
        "model.path": "null",
        "warm_start.learning_rate": "1e-3",  # which YAML 1.1 reads as text
    }
    recipe = load_recipe(written(tmp_path, "environment: palaestra/ChainArith-v0\n"), changes)
    assert (recipe.seed, recipe.evolve.algorithm, recipe.warm_start.difficulties) == (3, "rloo", (1, 2))
    assert (recipe.env_id, recipe.env_kwargs) == ("palaestra/ChainArith-v0", {"modulus": 10})
    assert recipe.warm_start.learning_rate == 1e-3
    assert load_recipe("quickstart", {"environment": "palaestra/Countdown-v0"}).env_kwargs == {}


KUHN = "palaestra/KuhnPoker-v0"


def test_options_change_a_row_of_the_table() -> None:
    grpo = parse_recipe({"evolve": {"objective": {"clip_high": "3e-1"}, "advantage": {"scale": "none"}}}).algorithm()
    assert grpo.advantage == Advantage("group_mean", "none")
    assert grpo.objective == PolicyGradient(clip_low=0.2, clip_high=0.3, aggregation="sequence_mean")
    rloo = parse_recipe({"evolve": {"algorithm": "rloo"}}).algorithm()
    assert (rloo.advantage.baseline, rloo.objective.ratio) == ("leave_one_out", "none")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"sede": 1}, r"unknown key in the recipe: 'sede' \(did you mean 'seed'\?\)"),
        ({"evolve": {"round": 3}}, r"unknown key in evolve: 'round' \(did you mean 'rounds'\?\)"),
        ({"zzz": 1}, r"unknown key in the recipe: 'zzz' \(known: name, seed, "),
        ({"evolve": {"algorithm": "grop"}}, r"unknown algorithm: 'grop' \(did you mean 'grpo'\?\)"),
        (
            {"evolve": {"objective": {"clip_hihg": 0.3}}},
            r"unknown key in evolve\.objective: 'clip_hihg' \(did you mean 'clip_high'",
        ),
        ({"evolve": {"advantage": {"baseline": "mean"}}}, r"evolve\.advantage\.baseline is one of none, running_mean"),
        (
            {"evolve": {"objective": {"clip_low": "wide"}}},
            r"evolve\.objective\.clip_low is a number or nothing \(null\), not 'wide'",
        ),
        ({"evolve": {"objective": {"kl_coefficient": 0.1}}}, "evolve: kl_coefficient needs kl_estimator"),
        (
            {"evolve": {"algorithm": "rloo", "objective": {"clip_low": 0.1}}},
            "evolve: clip_low and clip_high need a ratio",
        ),
        ({"evolve": {"algorithm": "rloo", "advantage": {"scale": "group_std"}}}, "evolve: baseline leave_one_out"),
        ({"evolve": {"algorithm": "rloo", "updates": 2}}, "off-policy"),
        ({"evolve": {"samples": 1}}, r"evolve\.samples is 2 or more for grpo"),
        ({"evolve": {"control": "shufled"}}, r"evolve\.control is one of none, shuffled"),
        ({"evolve": 3}, "evolve is a mapping of keys to values, not 3"),
        (["name"], "the recipe is a mapping"),
        ({"seed": "one"}, "seed is an integer, not 'one'"),
        ({"seed": True}, "seed is an integer, not True"),
        ({"evolve": {"rounds": 1.5}}, r"evolve\.rounds is an integer, not 1\.5"),
        ({"name": 7}, "name is a text, not 7"),
        ({"warm_start": {"difficulties": 3}}, r"warm_start\.difficulties is a list of integers, not 3"),
        ({"warm_start": {"difficulties": []}}, "difficulties names levels"),
        (
            {"evaluation": {"difficulties": [11]}},
            r"evaluation\.difficulties names levels of palaestra/ChainArith-v0, which has 1 to 10",
        ),
        ({"evolve": {"start_difficulty": 3, "top_difficulty": 2}}, "start_difficulty to"),
        ({"evolve": {"top_difficulty": 10**30}}, r"top_difficulty names levels of .*, which has 1 to 10, not 11$"),
        ({"evolve": {"problems": 0}}, r"evolve\.problems is 1 or more, not 0"),
        ({"evaluation": {"every": 0}}, r"evaluation\.every is 1 or more"),
        ({"checkpoint_every": 0}, "checkpoint_every is 1 or more"),
        ({"temperature": 0}, "temperature is above 0"),
        ({"environment": {"modulus": 10}}, "environment needs an id"),
        ({"environment": []}, "environment is an id, a mapping with an id, or a list of games"),
        ({"environment": [{"share": 1}]}, "environment is an id, a mapping with an id, or a list of games"),
        ({"environment": [{"id": KUHN, "share": math.nan}]}, f"the share of {KUHN} is a number above 0, not nan"),
        ({"environment": 5}, "environment is a text or a mapping, not 5"),
        ({"warm_start": {"habits": {"direkt": 1}}}, r"warm_start\.habits: habits are"),
        ({"warm_start": {"habits": {"direct": "often"}}}, r"warm_start\.habits: "),
        ({"warm_start": {"final_habits": {"direkt": 1}}}, r"warm_start\.habits: habits are"),
        ({"warm_start": {"habits": {"direct": math.nan}}}, "the weight of direct is a finite number, not nan"),
        ({"temperature": math.nan}, "temperature is a number, not nan"),
        ({"evolve": {"learning_rate": "inf"}}, r"evolve\.learning_rate is a number, not 'inf'"),
        ({"evolve": {"learning_rate": -1}}, r"evolve\.learning_rate is 0 or more, not -1"),
        ({"evolve": {"rounds": -1}}, r"evolve\.rounds is 0 or more, not -1"),
        ({"evolve": {"raise_at": 7}}, r"evolve\.raise_at is above 0 and at most 1"),
        ({"evolve": {"raise_at": 0.2}}, r"evolve\.raise_at is above 0\.2, where levels are lowered, not 0\.2"),
        ({"seed": -1}, "seed is 0 or more, not -1"),
        ({"seed": 2**63}, r"seed is below 2\*\*63"),
        ({"model": {"layers": 0}}, r"model\.layers is 1 or more, not 0"),
        ({"model": {"hidden": 33, "heads": 2}}, r"model\.hidden is a multiple of 4, twice model\.heads, not 33"),
        ({"model": {"lora": {"alpha": 0}}}, r"model\.lora\.alpha is above 0, not 0\.0: at 0"),
        (
            {"stages": [{"rounds": 1, "environment": {"id": KUHN}, "evolve": {"algorithm": "reinforce"}}]},
            r"stages\[0\]\.environment is no game where the recipe's is one",
        ),
        (
            {"environment": {"id": KUHN}, "evolve": {"algorithm": "reinforce"}}
            | {"stages": [{"rounds": 1, "environment": {"id": "palaestra/ChainArith-v0"}}]},
            r"stages\[0\]\.environment is no game where the recipe's is one",
        ),
        ({"stages": 3}, "stages is a list of mappings"),
        ({"name": "../elsewhere"}, "name is what the run's folder is called: no /"),
        ({"name": ""}, "name is what the run's folder is called"),
    ],
)
def test_what_cannot_be_run_is_told(data: Any, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        parse_recipe(data)
    assert "\n" not in str(caught.value)


def test_whole_numbers_in_a_list_of_numbers_are_numbers() -> None:
    def read(temperatures: Any) -> Any:
        sampler = parse_recipe(
            {"evolve": {"algorithm": "rft", "sampler": {"temperatures": temperatures}}}
        ).evolve.sampler
        return sampler.temperatures if sampler else None

    assert read([0.5, 1, "1e-1"]) == (0.5, 1.0, 0.1)
    with pytest.raises(SettingsError, match=r"evolve\.sampler\.temperatures is a number, not 'hot'"):
        read([0.5, "hot"])


def test_an_unknown_environment_or_knob_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownEnvironment, match=r"nearest: palaestra/Countdown-v0"):
        parse_recipe({"environment": "palaestra/Coundown-v0"})
    with pytest.raises(UnknownKnob, match="did you mean 'modulus'"):
        parse_recipe({"environment": {"id": "palaestra/ChainArith-v0", "modulos": 10}})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [1", "is not YAML"),
        ("- name\n", "the recipe is a mapping"),
        ("text", "the recipe is a mapping"),
        ("seed: 1\nevolve:\n  rounds: 1\n  rounds: 2\n", "has 'rounds' twice in the mapping of line 3"),
    ],
)
def test_a_file_that_is_no_recipe_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        load_recipe(written(tmp_path, text), {"seed": "1"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("evolve.top_difficulty", "3"),
        ("evolve.raise_at", "0.5"),
        ("evaluation.difficulties", "[2]"),
        ("warm_start.difficulties", "[1, 2]"),
        ("warm_start.habits", "{long: 1.0}"),
    ],
)
def test_what_has_no_effect_on_games_is_told_where_a_run_begins(tmp_path: Path, key: str, value: str) -> None:
    file = written(tmp_path, dump_recipe(parse_recipe({"environment": "palaestra/Nim-v0"})))
    with pytest.raises(SettingsError, match=rf"{key} has no effect on games, it is of tasks: leave it away"):
        load_recipe(file, {key: value})
    assert load_recipe(file, {}).self_play is not None


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"r\.yaml is no text in UTF-8"):
        load_recipe(tmp_path / "r.yaml")


def test_a_change_below_what_is_no_mapping_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="evolve is 3, which has no 'rounds' to be set"):
        load_recipe(written(tmp_path, "evolve: 3\n"), {"evolve.rounds": "1"})


def test_a_missing_recipe_names_those_that_ship() -> None:
    with pytest.raises(SettingsError, match=r"no recipe nope: give a YAML file, or one of .*quickstart"):
        load_recipe("nope")


def test_habits_move_evenly_to_the_final_ones() -> None:
    warm = WarmStart(rounds=11, habits={"direct": 0.5, "steps": 0.5}, final_habits={"direct": 0.8, "check": 0.2})
    assert warm.habits_at(0) == {"direct": 0.5, "steps": 0.5, "check": 0.0}
    assert warm.habits_at(5) == pytest.approx({"direct": 0.65, "steps": 0.25, "check": 0.1})
    assert warm.habits_at(10) == pytest.approx({"direct": 0.8, "steps": 0.0, "check": 0.2})
    assert WarmStart(rounds=1, habits={"steps": 1.0}).habits_at(0) == {"steps": 1.0}


def test_a_recipe_without_a_warm_start_may_keep_its_habits() -> None:
    parse_recipe({"warm_start": {"rounds": 0, "habits": {"direct": 0.3}, "final_habits": {"direct": 0.7}}})
