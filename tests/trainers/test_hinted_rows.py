"""Answers behind a hint: where it stands while they are made, and that it is gone where they are learned from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from palaestra.agents.agent import Dialogue, Message, Reply
from palaestra.agents.chat import ChatFormat
from palaestra.agents.engine import Sampling
from palaestra.agents.hinted import Hinted
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.arena.rollout import Job, rollout
from palaestra.arena.run_folder import RunFolder
from palaestra.envs.task import Problem
from palaestra.episodes import Actor
from palaestra.episodes.views import behind, each

Play = Callable[..., RunFolder]
Recipes = Callable[..., dict[str, Any]]


class Parrot:
    """Says what it was asked, as tokens."""

    actor = Actor("parrot")

    def respond(self, dialogues: list[Dialogue]) -> list[Reply]:
        return [Reply(dialogue.messages[-1].content) for dialogue in dialogues]


def test_a_hint_stands_behind_the_question() -> None:
    asked = Dialogue((Message("user", "1+1?"),), problem=Problem("1+1?", 2, 1))
    (reply,) = Hinted(Parrot()).respond([asked])
    assert reply.text == "1+1?\n(The answer is 2.)"
    with pytest.raises(ValueError, match="tells its problem"):
        Hinted(Parrot()).respond([Dialogue((Message("user", "?"),))])


def test_no_turn_of_a_dialogue_that_is_learned_from_holds_the_hint() -> None:
    tokenizer = nano_tokenizer()
    engine = TransformersEngine(nano_model(tokenizer, hidden=16, layers=1, heads=2))
    policy = PolicyLLM(engine, ChatFormat(tokenizer), Sampling(max_tokens=4))
    job = Job("g/0", "palaestra/Wordle-v0", {"split": "train"}, seed=1, group_id="g")
    (plain,), (hinted,) = (each(rollout(agent, [job])).rows for agent in (policy, Hinted(policy)))
    said = tokenizer.decode(behind(plain.prompt, hinted).ids.tolist())
    assert tokenizer.decode(hinted.prompt.tolist()).count("The answer is") == 1
    assert said.count("<|user|>") > 2
    assert "The answer is" not in said


def test_rationalised_answers_are_learned_behind_the_plain_question(play_run: Play, tiny_recipe: Recipes) -> None:
    run = play_run(tiny_recipe(evolve={"algorithm": "star", "rounds": 3, "problems": 16, "samples": 2}))
    sampled = [e for e in run.episodes.read() if e.tags.get("phase") == "evolve" and not e.id.endswith("other")]
    hinted = [e for e in run.episodes.read() if e.tags.get("phase") == "evolve" and e.id.endswith("other")]
    solved = {e.group_id for e in sampled if e.outcome["reasoner"].reward == 1}
    assert {e.group_id for e in hinted} == {e.group_id for e in sampled} - solved
    assert hinted
    plain = {e.group_id: e.turns[0].prompt_ids for e in sampled}
    assert all(e.turns[0].prompt_ids != plain[e.group_id] for e in hinted)
