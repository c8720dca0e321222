"""Rounds that learn from older rounds too: from what these logged, so that stopping a run changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Any
from unittest.mock import patch

import pytest

from palaestra.agents.samplers import Balanced
from palaestra.arena.patterns.settings import SLOTS
from palaestra.arena.run_folder import RunFolder, read_json_lines
from palaestra.arena.settings import SettingsError
from palaestra.episodes import Episode
from palaestra.episodes.views import Row
from palaestra.trainers import model_evolution, patterns
from palaestra.trainers.recipe import parse_recipe

Play = Callable[..., RunFolder]
Recipes = Callable[..., dict[str, Any]]
REPLAY = {"rounds": 2, "share": 0.5}


def weights(run: RunFolder) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in (run.path / "agents").glob("*/model.safetensors")}


def rounds(run: RunFolder) -> list[dict[str, Any]]:
    return [row for row in read_json_lines(run.metrics) if row["phase"] == "evolve"]


def round_of(row: Row) -> int:
    return int(row.group_id.split("/")[1])


@contextmanager
def watched(module: Any) -> Iterator[list[list[Row]]]:
    """The rows of every batch that a module of the trainers makes."""
    seen: list[list[Row]] = []
    made = module.pack

    def pack(rows: list[Row]) -> Any:
        seen.append(list(rows))
        return made(rows)

    with patch.object(module, "pack", pack):
        yield seen


def sampled(run: RunFolder) -> dict[str, Episode]:
    return {one.id: one for one in run.episodes.read() if one.tags["phase"] == "evolve"}


def who(one: Episode) -> str:
    return one.roles["reasoner"].agent_id


def evolving(tiny_recipe: Recipes, algorithm: str = "rft", **evolve: Any) -> dict[str, Any]:
    return tiny_recipe(evolve={"algorithm": algorithm, "rounds": 4, "samples": 6, "replay": REPLAY, **evolve})


def test_what_is_replayed_is_what_the_last_rounds_logged(play_run: Play, tiny_recipe: Recipes) -> None:
    with watched(model_evolution) as seen:
        run = play_run(evolving(tiny_recipe))
    logged, learned = sampled(run), [rows for rows in seen if rows]
    assert [row["replayed"] for row in rounds(run)] == [
        sum(round_of(row) != number for row in rows) for number, rows in enumerate(learned)
    ]
    assert {round_of(row) for row in learned[0]} == {0}
    for number, rows in enumerate(learned[1:], 1):
        old = [row for row in rows if round_of(row) != number]
        assert old
        assert {round_of(row) for row in old} <= {number - 1, number - 2}
        assert len(old) <= len(rows) / 2
        assert len({row.episode_id for row in rows}) == len(rows)
        for row in old:
            (turn,) = logged[row.episode_id].turns
            assert row.ids.tolist() == [*turn.prompt_ids, *turn.action_ids]
            assert row.logprobs[row.action].tolist() == pytest.approx(list(turn.logprobs))
            assert row.reward == logged[row.episode_id].outcome["reasoner"].reward == 1
    assert {round_of(row) for row in learned[3]} == {1, 2, 3}  # not of the first any more


def test_pairs_of_older_rounds_stay_pairs(play_run: Play, tiny_recipe: Recipes) -> None:
    with watched(model_evolution) as seen:
        run = play_run(evolving(tiny_recipe, "dpo", rounds=2))
    assert rounds(run)[1]["replayed"] > 0
    for rows in seen:
        assert [row.label for row in rows] == [1, -1] * (len(rows) // 2)
        assert all(one.group_id == other.group_id for one, other in zip(rows[::2], rows[1::2], strict=True))


def test_pairs_that_several_rounds_took_are_replayed_once(play_run: Play, tiny_recipe: Recipes) -> None:
    """DICE's rounds take the pairs of the first two along; twice in a batch they would count as one group."""
    replay = {"rounds": 4, "share": 0.8}
    with watched(model_evolution) as seen:
        run = play_run(evolving(tiny_recipe, "dice", rounds=5, replay=replay))
    assert any({round_of(row) for row in rows} >= {0, 1, 2} for rows in seen)
    for rows in seen:
        assert len({row.episode_id for row in rows}) == len(rows) == 2 * len({row.group_id for row in rows})
    assert sum(row["replayed"] for row in rounds(run)) > 0


@pytest.mark.parametrize("algorithm", ["unlabelled", "star", "spin", "dice"])
def test_rounds_of_other_temperatures_are_replayed_at_that_of_now(
    play_run: Play, tiny_recipe: Recipes, algorithm: str
) -> None:
    turns = cycle([{0.7: 1.0, 1.3: 0.0}, {0.7: 0.0, 1.3: 1.0}])
    recipe = evolving(tiny_recipe, algorithm, sampler={"temperatures": [0.7, 1.3]})

    def decide(sampler: Balanced, dialogues: Any) -> dict[int, Any]:
        sampler.told = next(turns)
        return {}

    with watched(model_evolution) as seen, patch.object(Balanced, "_decide", decide):
        run = play_run(recipe)
    assert sum(row["replayed"] for row in rounds(run)) > 0
    logged = {one.tags["round"]: one.turns[0].temperature for one in sampled(run).values() if "balanced" in who(one)}
    assert logged == {"0": 0.7, "1": 1.3, "2": 0.7, "3": 1.3}
    for rows in seen:
        (now,) = {row.temperature for row in rows}
        assert now == logged[str(max(map(round_of, rows)))]


def test_replay_changes_what_is_learned_and_not_the_first_round(play_run: Play, tiny_recipe: Recipes) -> None:
    run, plain = play_run(evolving(tiny_recipe)), play_run(evolving(tiny_recipe, replay=None))
    (first, second, *_), (same, other, *_) = rounds(run), rounds(plain)
    assert first["loss"] == same["loss"]
    assert second["loss"] != other["loss"]
    assert weights(run)["evolved"] != weights(plain)["evolved"]
    assert "replayed" not in same


@pytest.mark.parametrize("algorithm", ["rft", "star", "ilql", "dice"])
def test_a_run_that_was_stopped_replays_as_one_that_was_not(
    play_run: Play, tiny_recipe: Recipes, algorithm: str
) -> None:
    recipe = evolving(tiny_recipe, algorithm, rounds=3, start="base" if algorithm == "star" else "latest")
    whole = play_run(recipe)
    assert rounds(whole)[1]["replayed"] > 0
    stopped = play_run(recipe, stop_after=4)  # the warm start, and two rounds
    assert len(rounds(stopped)) == 2
    play_run(run=RunFolder(stopped.path))
    assert weights(stopped) == weights(whole)
    assert [row["replayed"] for row in rounds(stopped)] == [row["replayed"] for row in rounds(whole)]


def test_older_demonstrations_are_read_and_none_is_made_for_them(play_run: Play, tiny_recipe: Recipes) -> None:
    with watched(model_evolution) as seen:
        run = play_run(evolving(tiny_recipe, "sft", rounds=2))
    shown = {one.id for one in sampled(run).values() if one.roles["reasoner"].agent_id == "oracle"}
    assert {row.episode_id for row in seen[1]} <= shown
    assert {round_of(row) for row in seen[1]} == {0, 1}
    assert len(run.episodes.files()) == len(
        play_run(evolving(tiny_recipe, "sft", rounds=2, replay=None)).episodes.files()
    )


def test_stages_replay_all_of_what_the_stages_before_them_logged(play_run: Play, tiny_recipe: Recipes) -> None:
    """Of a stage that asked for more problems, these too; of one without demonstrations, none."""
    dapo = {"rounds": 1, "evolve": {"algorithm": "dapo", "problems": 8}}
    replay = {"rounds": 2, "share": 0.9}
    recipe = tiny_recipe(evolve={"samples": 3})
    recipe["evolve"].pop("rounds")
    with watched(model_evolution) as seen:
        run = play_run({**recipe, "stages": [dapo, {"rounds": 1, "evolve": {"algorithm": "rft", "replay": replay}}]})
    more = {
        one.group_id
        for file in run.episodes.files()
        if file.stem.endswith("00000-1")
        for one in run.episodes.read(file)
    }
    assert more.intersection(row.group_id for row in seen[-1])
    star = {"rounds": 1, "evolve": {"algorithm": "star", "replay": replay, "problems": 64, "samples": 2}}
    staged = play_run({**recipe, "stages": [star, {"rounds": 1, "evolve": {"algorithm": "sft", "replay": replay}}]})
    hinted = [
        one for one in sampled(staged).values() if one.id.startswith("evolve/00000/") and one.id.endswith("/other")
    ]
    assert any(one.outcome["reasoner"].reward == 1 for one in hinted)
    assert [row["replayed"] for row in rounds(staged)] == [0, 0]


def marks(evolved: str, strategy: str | None = None, **others: Any) -> dict[str, Any]:
    said = {slot: "evolved" if slot in evolved.split() else "frozen" for slot in SLOTS}
    return {**said, "strategy": strategy, "gate": 6, "admit": "always", **others}


def pattern(tiny_recipe: Recipes, modules: dict[str, Any], **evolve: Any) -> dict[str, Any]:
    evolve = {"rounds": 3, "problems": 4, "samples": 4, "top_difficulty": 1, "replay": REPLAY, **evolve}
    made = tiny_recipe(modules=modules, evolve=evolve)
    return {**made, "warm_start": {**made["warm_start"], "rounds": 1}}


def test_modules_replay_what_they_imitate_and_none_of_what_they_are_paid_for(
    play_run: Play, tiny_recipe: Recipes
) -> None:
    made = pattern(tiny_recipe, marks("creator reasoner evaluator", "collaborative"), algorithm="dpo")
    with watched(patterns) as judged, watched(model_evolution) as chosen:
        run = play_run(made)
    logged = sampled(run)
    first, *later = rounds(run)
    assert first["evaluator_replayed"] == first["reasoner_replayed"] == 0
    for row in later:
        assert row["creator_replayed"] == 0
        assert row["evaluator_replayed"] == row["evaluator_learned_from"] == 4 * 4  # as many old answers as new ones
    assert any(row["reasoner_replayed"] for row in later)
    for number, rows in enumerate([rows for rows in judged if rows[0].role != "creator"]):
        assert {round_of(row) for row in rows} <= set(range(max(0, number - 2), number + 1))
        for row in rows:  # each opinion is behind an answer of the log
            (turn,) = logged[row.episode_id].turns
            said = (*turn.prompt_ids, *turn.action_ids)
            assert tuple(row.ids[: len(said)]) == said
    for rows in chosen:  # liked by the evaluator of now: the rewards are more than verdicts
        assert all(round(row.reward, 6) not in (0, 1) for row in rows)
    plain = play_run({**made, "evolve": {**made["evolve"], "replay": None}})
    assert weights(plain)["evaluator"] != weights(run)["evaluator"]
    assert weights(plain)["evolved"] != weights(run)["evolved"]


@pytest.mark.parametrize(
    ("evolved", "strategy", "algorithm"),
    [
        ("creator reasoner evaluator post_processor", "collaborative", "rft"),
        ("reasoner evaluator post_processor", "adversarial", "awr"),
    ],
)
def test_modules_that_were_stopped_replay_as_those_that_were_not(
    play_run: Play, tiny_recipe: Recipes, evolved: str, strategy: str, algorithm: str
) -> None:
    made = pattern(tiny_recipe, marks(evolved, strategy), algorithm=algorithm)
    whole = play_run(made)
    assert rounds(whole)[2]["evaluator_replayed"] > 0
    stopped = play_run(made, stop_after=2)
    play_run(run=RunFolder(stopped.path), stop_after=1)
    play_run(run=RunFolder(stopped.path))
    assert weights(stopped) == weights(whole)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"algorithm": "grpo"}, "evolve.replay is none for grpo: it learns from what the policy of now sampled, not"),
        ({"algorithm": "reinforce"}, "evolve.replay is none for reinforce"),
        ({"algorithm": "cispo"}, "evolve.replay is none for cispo"),
        ({"algorithm": "rlmec"}, "evolve.replay is none for rlmec"),
        ({"algorithm": "kimi"}, "evolve.replay is none for kimi"),
        ({"algorithm": "rft", "replay": {"rounds": 0}}, "evolve: replay.rounds is 1 or more, not 0"),
        ({"algorithm": "rft", "replay": {"share": 1.0}}, "evolve: replay.share is above 0 and below 1, not 1"),
        ({"algorithm": "rft", "replay": {"shares": 0.2}}, "unknown key in evolve.replay: 'shares' (did you mean"),
    ],
)
def test_a_replay_that_would_not_be_sound_is_refused(tiny_recipe: Recipes, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_recipe(tiny_recipe(evolve={"replay": REPLAY, **changes}))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("evolved", "algorithm", "said"),
    [
        ("reasoner", "grpo", "evolve.replay is none for grpo"),
        ("evaluator", "grpo", ""),
        ("reasoner", "rft", ""),
        ("creator", "rft", "evolve.replay is none where creator evolves: it learns from its latest samples"),
    ],
)
def test_with_modules_replay_is_refused_where_none_of_them_learns_from_old_samples(
    tiny_recipe: Recipes, evolved: str, algorithm: str, said: str
) -> None:
    recipe = pattern(tiny_recipe, marks(evolved), algorithm=algorithm)
    if said:
        with pytest.raises(SettingsError, match=said):
            parse_recipe(recipe)
    else:
        parse_recipe(recipe)


def test_replay_is_not_for_games(tiny_recipe: Recipes) -> None:
    recipe = tiny_recipe(environment="palaestra/Nim-v0", evolve={"algorithm": "awr", "replay": REPLAY})
    with pytest.raises(SettingsError, match=r"evolve.replay is of answers to tasks: leave it away in self-play"):
        parse_recipe(recipe)
