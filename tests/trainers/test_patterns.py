"""Modules that evolve together: one loop for every pattern and strategy, which stops, goes on and takes rounds back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from palaestra.agents import processes
from palaestra.agents.checkpoint import load_state, progress
from palaestra.agents.clock import TimedEngine
from palaestra.agents.engine import Sampling
from palaestra.agents.judges import GenerativeJudge, load_judge
from palaestra.agents.pretrained import weights_hash
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.arena.patterns.settings import SLOTS, Filled, Modules, combinations_of_all, pattern_of
from palaestra.arena.replay import replay
from palaestra.arena.run_folder import RunError, RunFolder, read_json_lines
from palaestra.arena.settings import SettingsError
from palaestra.cli.branching import branch, read_branch
from palaestra.cli.patterns import combination, play_one, shares_start, systems
from palaestra.cli.patterns_page import page
from palaestra.episodes import EpisodeStore
from palaestra.episodes.views import Row
from palaestra.trainers.batch import pack
from palaestra.trainers.losses import NLL
from palaestra.trainers.model_evolution import learn
from palaestra.trainers.optimise import Schedule
from palaestra.trainers.recipe import load_recipe, parse_recipe
from palaestra.trainers.session import Session

Play = Callable[..., RunFolder]
Recipes = Callable[..., dict[str, Any]]
ALL = "creator reasoner evaluator post_processor"


def marks(evolved: str, strategy: str | None = None, **others: Any) -> dict[str, Any]:
    """The four modules, those named evolved and the others frozen."""
    said = {slot: "evolved" if slot in evolved.split() else "frozen" for slot in SLOTS}
    return {**said, "strategy": strategy, "gate": 6, **others}


@pytest.fixture(scope="module")
def recipe(tiny_recipe: Recipes) -> Callable[..., dict[str, Any]]:
    def make(modules: dict[str, Any], **evolve: Any) -> dict[str, Any]:
        evolve = {"rounds": 2, "problems": 4, "samples": 4, "algorithm": "rloo", **evolve}
        made = tiny_recipe(modules=modules, evolve={**evolve, "top_difficulty": 1})
        return {**made, "warm_start": {**made["warm_start"], "rounds": 1}, "max_answer_tokens": 6}

    return make


def weights(run: RunFolder) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in (run.path / "agents").glob("*/*model.safetensors")}


def rounds(run: RunFolder) -> list[dict[str, Any]]:
    return [row for row in read_json_lines(run.metrics) if row["phase"] == "evolve"]


@pytest.mark.parametrize(
    ("evolved", "strategy"),
    [
        ("creator", None),
        ("reasoner evaluator", "independent"),
        ("reasoner post_processor", "collaborative"),
        (ALL, "adversarial"),
    ],
)
def test_what_is_marked_evolved_changes_and_what_is_frozen_does_not(
    play_run: Play, recipe: Recipes, evolved: str, strategy: str | None
) -> None:
    run = play_run(recipe(marks(evolved, strategy, admit="always")))
    found = weights(run)
    for slot in SLOTS:
        agent = found["evolved" if slot == "reasoner" else slot]
        assert (agent != found["warm"]) == (slot in evolved.split()), slot
    assert not [difference for _, differences in replay(run.episodes.read()) for difference in differences]
    assert isinstance(load_judge(run.path / "agents" / "evaluator"), GenerativeJudge)
    assert all(0 <= row["round/accuracy"] <= 1 for row in rounds(run))


def test_an_evaluator_that_writes_critiques_learns_and_ends_the_same_when_stopped(
    play_run: Play, recipe: Recipes
) -> None:
    made = recipe(marks("reasoner evaluator", "independent", admit="always"))
    made["modules"]["evaluator"] = {"mark": "evolved", "module": "critic"}
    whole = play_run(made)
    assert all(row["evaluator_learned_from"] == 2 * 16 for row in rounds(whole))  # a critique and a verdict of each
    assert weights(whole)["evaluator"] != weights(whole)["warm"]
    stopped = play_run(made, stop_after=2)
    play_run(run=RunFolder.open(stopped.path))
    assert weights(stopped) == weights(whole)


@pytest.mark.parametrize("held", [{}, {"lora": {"rank": 2}}, {"dtype": "bfloat16", "gradient_checkpointing": True}])
def test_four_modules_that_are_stopped_end_as_those_that_were_not(
    play_run: Play, recipe: Recipes, held: dict[str, Any]
) -> None:
    made = recipe(marks(ALL, "collaborative", admit="always"))
    made["model"] |= held
    whole = play_run(made)
    stopped = play_run(made, stop_after=2)  # the warm start, and one round
    assert len(rounds(stopped)) == 1
    play_run(run=RunFolder.open(stopped.path))
    assert weights(stopped) == weights(whole)
    assert {name for name, value in weights(whole).items() if value == weights(whole)["warm"]} == {"warm"}
    drop = ("time", "seconds", "overhead", "tokens_per_second")
    one, other = ([{k: v for k, v in row.items() if k not in drop} for row in rounds(run)] for run in (stopped, whole))
    assert json.dumps(one) == json.dumps(other)
    written, again = (load_state(run.checkpoints / "round-00005")["written"] for run in (whole, stopped))
    assert written == again
    assert written
    assert [path.name for path in sorted(whole.checkpoints.iterdir())] == [f"round-{n:05d}" for n in range(1, 6)]


def test_all_lessons_of_a_round_have_its_rate_however_many_there_are(
    play_run: Play, recipe: Recipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: dict[int, list[float]] = {0: [], 1: [], 2: []}

    def noted(session: Session, *lesson: Any) -> dict[str, float]:
        told = learn(session, *lesson)
        rates[session.round].append(told["learning_rate"])
        return told

    monkeypatch.setattr("palaestra.trainers.patterns.learn", noted)
    monkeypatch.setattr("palaestra.trainers.patterns._gate", lambda session: -session.round)  # takes back all but one
    modules, falls = marks(ALL, "adversarial"), Schedule(0.01, total=3 * 2)
    run = play_run(recipe(modules, algorithm="grpo", rounds=3, updates=2, learning_rate=0.01))
    for row, (number, found) in zip(rounds(run), rates.items(), strict=True):
        assert set(found) == {row["reasoner_learning_rate"]} == {falls(2 * number)}
        assert len(found) >= 3  # the evaluator's own, and one for each adversary
    assert [row["admitted"] for row in rounds(run)] == [1, 0, 0]


def test_updates_are_refused_where_no_reasoner_evolves_to_make_them(play_run: Play, recipe: Recipes) -> None:
    with pytest.raises(SettingsError, match=r"evolve\.updates are steps of the reasoner, which does not"):
        play_run(recipe(marks("evaluator"), algorithm="grpo", updates=4))


@pytest.mark.parametrize(("held", "algorithm"), [({}, "rloo"), ({"lora": {"rank": 2}}, "dpo")])
def test_a_round_that_makes_held_out_accuracy_worse_is_taken_back(
    play_run: Play, recipe: Recipes, monkeypatch: pytest.MonkeyPatch, held: dict[str, Any], algorithm: str
) -> None:
    scores = iter([0.5, 0.4, 0.6])  # at the start, after the first round, after the second
    monkeypatch.setattr("palaestra.trainers.patterns._gate", lambda session: next(scores))
    made = recipe(marks("reasoner post_processor", "collaborative"), algorithm=algorithm)
    made["model"] |= held
    run = play_run(made)
    assert [row["admitted"] for row in rounds(run)] == [0, 1]
    played = [
        next(iter(one.roles.values())).weights_hash for one in run.episodes.read() if one.id.startswith("evolve/")
    ]
    assert len(set(played)) == 1  # the second round began with the weights of the first
    repairs = EpisodeStore(run.path / "modules").read()
    assert len({one.roles["post_processor"].weights_hash for one in repairs if "post_processor" in one.roles}) == 1


def test_what_is_taken_back_is_forgotten_in_half_precision_too(
    tiny_recipe: Recipes, tmp_path: Path, make_rows: Callable[..., list[Row]]
) -> None:
    session = Session.begin(parse_recipe(tiny_recipe(model={"dtype": "bfloat16"})), RunFolder.create(tmp_path, "run"))
    session.export("warm")

    def moved() -> list[str]:
        for module in (None, session.module("creator")):
            learn(session, pack(make_rows()), NLL(), Schedule(0.01), module)
        return [weights_hash(session.model), weights_hash(session.module("creator").model)]

    moved()
    saved = session.snapshot()
    once = moved()
    session.put_back(saved)
    assert moved() == once


def test_a_model_of_the_checkpoint_is_put_back_as_it_was_there(
    tiny_recipe: Recipes, tmp_path: Path, make_rows: Callable[..., list[Row]]
) -> None:
    recipe, run = parse_recipe(tiny_recipe()), RunFolder.create(tmp_path, "run")
    session = Session.begin(recipe, run)
    session.export("warm")
    learn(session, pack(make_rows()), NLL(), Schedule(0.01), session.module("creator"))
    session.save()
    resumed = Session.resume(recipe, run)
    before = resumed.snapshot()
    learn(resumed, pack(make_rows()), NLL(), Schedule(0.01), resumed.module("creator"))  # asked for in the round
    resumed.put_back(before)
    assert resumed.module("creator").weights_hash == session.module("creator").weights_hash
    assert resumed.module("creator").steps == 1


def test_a_module_samples_by_one_engine_with_the_weights_of_now(
    tiny_recipe: Recipes, tmp_path: Path, make_rows: Callable[..., list[Row]]
) -> None:
    session = Session.begin(parse_recipe(tiny_recipe()), RunFolder.create(tmp_path, "run"))
    session.export("warm")
    model, greedy, engines = session.module("creator").model, Sampling(temperature=0, max_tokens=4), []
    for _ in range(2):
        agent = session.policy_of("creator", "creator@0")
        fresh = TransformersEngine(model, [session.tokenizer.eos_token_id])
        assert agent.engine.generate([[5, 6, 7]], greedy) == fresh.generate([[5, 6, 7]], greedy)
        assert agent.actor.weights_hash == weights_hash(model)
        assert isinstance(agent.engine, TimedEngine)
        engines.append(agent.engine.engine)
        learn(session, pack(make_rows()), NLL(), Schedule(0.01), session.module("creator"))
    assert engines[0] is engines[1]


def test_problems_that_were_written_are_asked_and_none_of_them_is_held_out(play_run: Play, recipe: Recipes) -> None:
    run = play_run(recipe(marks("creator reasoner", "adversarial", admit="always")))
    drafts = [one for one in EpisodeStore(run.path / "modules").read() if "creator" in one.roles]
    valid = {one.id: one.turns[0].text for one in drafts if one.outcome["creator"].reward > 0}
    answers = [one for one in run.episodes.read() if one.tags["phase"] == "evolve"]
    assert len(drafts) == 2 * 4
    assert len(valid) > 0
    assert {one.group_id: one.reset_options["problem"] for one in answers if "problem" in one.reset_options} == valid
    assert len(set(valid.values())) == len(valid)
    assert all(one.outcome["creator"].reward == 0 for one in drafts if one.id not in valid)


def test_there_are_37_combinations_and_all_of_them_are_recipes(recipe: Recipes) -> None:
    found = list(combinations_of_all())
    assert len(found) == len(set(found)) == 37
    for evolved, strategy in found:
        pattern = parse_recipe(recipe(marks(" ".join(evolved), strategy))).pattern()
        assert pattern is not None
        assert pattern.evolved == evolved


@pytest.mark.parametrize(
    ("modules", "said"),
    [
        ({"creater": "rule"}, "unknown key in modules: 'creater' (did you mean 'creator'?)"),
        ({"evaluator": {"mark": "evolved", "module": "juge"}}, "unknown module of modules.evaluator: 'juge' (did you"),
        ({"evaluator": "evolve"}, "unknown mark of modules.evaluator: 'evolve' (did you mean 'evolved'?)"),
        ({"evaluator": ""}, "modules lacks evaluator: mark each of creator, reasoner, evaluator, post_processor"),
        (
            {"evaluator": {"mark": "evolved", "module": "verifier"}},
            "evaluator is marked evolved, but verifier is a rule",
        ),
        ({"evaluator": {"mark": "rule", "module": "judge"}}, "evaluator is marked rule, but judge is a model"),
        ({"reasoner": "frozen"}, "modules: nothing evolves: mark one of creator, reasoner"),
        ({"strategy": "adversarial"}, "modules.strategy relates several modules, and reasoner alone evolves"),
        (
            {"evaluator": "evolved"},
            "modules.strategy is one of independent, collaborative, adversarial for reasoner + ",
        ),
        ({"creator": {"mark": "rule", "module": "nowhere:rule"}}, "modules.creator: nowhere:rule cannot be imported"),
        ({"creator": {"mark": "rule", "module": "math:sqrt"}}, "is to be a function (task, level, rng) -> text"),
        ({"gate": 0}, "modules.gate and modules.answers are 1 or more"),
    ],
)
def test_what_cannot_be_a_pattern_is_refused_in_one_line(recipe: Recipes, modules: dict[str, Any], said: str) -> None:
    plain = {slot: "evolved" if slot == "reasoner" else "rule" for slot in SLOTS}
    with pytest.raises(SettingsError) as caught:
        parse_recipe(recipe({**plain, **modules}))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_adversaries_of_which_none_is_paid_for_the_others_loss_are_refused(recipe: Recipes) -> None:
    modules = marks("reasoner evaluator", "adversarial")
    parse_recipe(recipe(modules))
    with pytest.raises(SettingsError, match=r"nothing is paid for what reasoner loses.*take an algorithm"):
        parse_recipe(recipe(modules, algorithm="rft"))
    parse_recipe(recipe(marks("creator reasoner", "adversarial"), algorithm="rft"))  # the creator is paid


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"evolve": {"algorithm": "dapo"}}, "dapo asks for more problems when all score alike: not with modules"),
        ({"evolve": {"algorithm": "alphamath"}}, "alphamath adds a head to the policy: set modules.admit: always"),
        ({"environment": "palaestra/Nim-v0"}, "modules are for tasks of one question, self_play for games"),
    ],
)
def test_what_modules_do_not_go_with_is_refused(tiny_recipe: Recipes, changes: dict[str, Any], said: str) -> None:
    plain = {slot: "evolved" if slot == "reasoner" else "rule" for slot in SLOTS}
    with pytest.raises(SettingsError, match=said):
        parse_recipe(tiny_recipe(modules=plain, **changes))


def test_a_model_in_parts_cannot_take_a_round_back(
    recipe: Recipes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "sharding_asked", lambda: True)
    with pytest.raises(SettingsError, match=r"set modules\.admit: always, or leave FSDP away"):
        Session.begin(parse_recipe(recipe(marks("reasoner"))), RunFolder.create(tmp_path, "run"))


def test_a_base_start_is_refused_for_modules_that_learn_from_their_own_samples(recipe: Recipes) -> None:
    parse_recipe(recipe(marks("reasoner evaluator", "independent"), start="base", algorithm="rft"))
    with pytest.raises(SettingsError, match=r"evolve.start is latest where creator evolves"):
        parse_recipe(recipe(marks("creator reasoner", "independent"), start="base", algorithm="rft"))


def test_marks_are_short_for_the_first_module_of_a_slot() -> None:
    rest = {"reasoner": "evolved", "evaluator": "rule", "post_processor": "rule"}
    short = pattern_of(Modules(creator="frozen", **rest))
    long = pattern_of(Modules(creator=Filled("frozen", "writer"), **rest))
    assert short == long


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the warm start that the runs of docs/patterns.md begin with. Two minutes."""
    runs = tmp_path_factory.mktemp("patterns")
    recipe = load_recipe("patterns")
    play_one(replace(recipe, name="start", evolve=replace(recipe.evolve, rounds=0)), runs)
    return runs


@pytest.mark.long
@pytest.mark.parametrize(("evolved", "strategy"), list(combinations_of_all()))
def test_every_pattern_evolves_at_smoke_size(warm: Path, evolved: tuple[str, ...], strategy: str | None) -> None:
    start = warm / "start" / "agents" / "warm"
    run = play_one(combination(load_recipe("patterns"), start, evolved, strategy), warm)
    found = rounds(run)
    assert len(found) == 6
    assert all(0 <= row[f"round/{name}"] <= 1 for row in found for name in ("accuracy", "reasoner", "evaluator"))
    assert 0.2 < found[0]["before/reasoner"] < 0.7
    for slot in evolved:
        assert any(row.get(f"{slot}_learned_from", 0) > 0 for row in found), slot
        assert any(row.get(f"{slot}_gradient_norm", 0) > 0 for row in found), slot
    gates = [row["gate"] for row in found if row["admitted"]]
    assert gates == sorted(gates)
    assert not [difference for _, differences in replay(run.episodes.read()) for difference in differences]


def test_the_page_tells_of_all_combinations_and_of_the_runs_that_are_there(tmp_path: Path) -> None:
    row = {"phase": "evolve", "accuracy": 0.6, "low": 0.5, "high": 0.7, "reasoner": 0.6, "evaluator": 1.0, "seconds": 9}
    told = {**row, "post_processor": 0.6, "admitted": 1.0}
    told |= {f"before/{name}": 0.4 for name in ("accuracy", "reasoner", "evaluator", "post_processor")}
    (tmp_path / "reasoner").mkdir()
    (tmp_path / "reasoner" / "metrics.jsonl").write_text(json.dumps(told) + "\n")
    text = page(tmp_path)
    assert "| reasoner | - | 40 → 60 (50–70) | 40 → 60 | 40 → 100 | 40 → 60 | - | 1 of 1 |" in text
    assert text.partition("## Published systems")[0].count("not played") == 36
    assert text.count("<br>") == 6 * 3 * 1 + 4 * 3 * 2 + 1 * 3 * 3


def test_systems_of_another_environment_or_warm_start_begin_by_themselves() -> None:
    base = load_recipe("patterns")
    alone = {name.removeprefix("systems/") for name in systems() if not shares_start(load_recipe(name), base)}
    assert alone == {"cloud", "her", "rest_react", "rl4f", "score", "spag"}


def test_a_branch_of_a_round_goes_on_as_its_run_did_and_may_go_another_way(
    play_run: Play, recipe: Recipes, tmp_path: Path
) -> None:
    whole = play_run(recipe(marks("creator reasoner", "collaborative", admit="always")))
    same, other = RunFolder(tmp_path / "same"), RunFolder(tmp_path / "other")
    for run, changes in ((same, {}), (other, {"evolve.learning_rate": "0.01"})):
        run.path.mkdir()
        branch(read_branch(f"{whole.path}@3", changes), run)
        assert len(run.episodes.files()) == 2  # the warm start, and the first round
        play_run(run=run)
    assert weights(same) == weights(whole)
    assert [row["reward"] for row in rounds(same)] == [row["reward"] for row in rounds(whole)]
    assert weights(other)["warm"] == weights(whole)["warm"]
    assert weights(other)["evolved"] != weights(whole)["evolved"]


def test_a_branch_of_a_round_that_is_not_there_names_those_that_are(finished_run: Path) -> None:
    with pytest.raises(RunError, match=r"no checkpoint of round 3: 7 \(runs with modules keep all"):
        read_branch(f"{finished_run}@3", {})
    with pytest.raises(RunError, match="is not RUN@ROUND"):
        read_branch(str(finished_run), {})


def test_a_run_that_has_ended_goes_on_in_a_branch_with_more_rounds(play_run: Play, tiny_recipe: Recipes) -> None:
    ended = play_run(tiny_recipe(evolve={"rounds": 2}))
    (last,) = progress(ended.checkpoints)
    said = f"{ended.path}@{int(last.name.removeprefix('round-'))}"
    with pytest.raises(
        RunError, match=r"is the run's end: to go on, give it more rounds, as by --set evolve\.rounds=4"
    ):
        read_branch(said, {"seed": "1"})
    longer = RunFolder(ended.path.parent / "longer")
    longer.path.mkdir()
    branch(read_branch(said, {"evolve.rounds": "4"}), longer)
    assert [file.name for file in longer.episodes.files()] == [
        file.name for file in ended.episodes.files() if "held-out" not in file.name
    ]
    play_run(run=longer)
    first, whole = (read_json_lines(run.metrics) for run in (ended, longer))
    assert whole[: len(first)] == first
    assert len(whole) == len(first) + 2
    assert weights(longer)["warm"] == weights(ended)["warm"]
    assert weights(longer)["evolved"] != weights(ended)["evolved"]
    assert not [difference for _, found in replay(longer.episodes.read()) for difference in found]
