"""Self-refine trees by hand, and with an agent that improves its answers."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import pytest

from palaestra.agents.agent import Dialogue, Message, Reply
from palaestra.agents.search.self_refine import (
    CRITIQUE,
    REFINE,
    Attempt,
    RefineSearch,
    RefineWorld,
    SelfRefine,
    SelfReward,
    cautious,
)
from palaestra.agents.search.world import Valued, run
from palaestra.episodes import Actor, Cost

ANSWERS = {"": {"A": 1.0}, "A": {"B": 1.0, "C": 1.0}, "B": {"D": 1.0, "E": 1.0}, "D": {}}
REWARDS = {"A": 0.0, "B": 0.4, "C": -0.2, "D": 0.3, "E": 0.9}


def test_rewards_go_up_the_tree_by_hand(world_of: Any) -> None:
    expected = {
        0: {"": 0.0, "A": 0.0},
        1: {"": 0.2, "A": 0.2, "B": 0.4},
        2: {"": 0.275, "A": 0.275, "B": 0.35, "D": 0.3},
        3: {"": 0.45, "A": 0.45, "B": 0.625, "D": 0.3, "E": 0.9},
    }
    for refinements, values in expected.items():
        (tree,) = run(world_of(ANSWERS, REWARDS), SelfRefine(refinements=refinements, c=0.0), [""], [0])
        assert {node.action: node.q for node in tree.nodes} == pytest.approx(values)
        assert tree.root.visits == len(tree.nodes) - 1
    assert tree.answer.action == "E"


def test_the_promise_of_an_answer_by_hand(world_of: Any) -> None:
    search = SelfRefine(refinements=1)
    (tree,) = run(world_of(ANSWERS, REWARDS), search, [""], [0])
    a, b = tree.nodes[1:]
    assert search.promise(a) == pytest.approx(0.2 + 1.4 * math.sqrt((math.log(2) + 1) / 2), abs=1e-5)
    assert search.promise(b) == pytest.approx(0.4 + 1.4 * math.sqrt((math.log(2) + 1) / 1), abs=1e-5)


def test_an_answer_that_was_improved_and_tried_enough_is_left(world_of: Any) -> None:
    search = SelfRefine(refinements=3, c=0.0)
    (tree,) = run(world_of(ANSWERS, REWARDS), search, [""], [0])
    by_name = {node.action: node for node in tree.nodes}
    assert search.exhausted(by_name["B"])
    assert not search.exhausted(by_name["A"])  # asked once
    assert not search.exhausted(by_name["E"])


def test_a_cautious_reward_is_half_the_lowest_and_half_the_mean() -> None:
    assert cautious([1.0, 0.0, -0.4]) == pytest.approx((-0.4 + 0.2) / 2)


class Counting:
    """Answers 1, and when asked again the number after its last answer; thinks its answers worth that many."""

    actor = Actor("counting")

    def __init__(self) -> None:
        self.heard: list[list[str]] = []

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        return [Reply(self._say([m.content for m in one.messages]), cost=Cost(1, 1)) for one in dialogues]

    def _say(self, heard: list[str]) -> str:
        self.heard.append(heard)
        said = [int(text) for text in heard if re.fullmatch(r"\d+", text)]
        if heard[-1] == CRITIQUE:
            return "It is too small."
        if heard[-1] == REFINE:
            return str(said[-1] + 1)
        return f"I would say {10 * said[-1]}." if len(heard) > 1 else "1"


def test_an_answer_is_criticised_and_then_given_anew() -> None:
    agent = Counting()
    search = RefineSearch(RefineWorld(agent, SelfReward(agent, 2)), SelfRefine(refinements=3, c=0.0))
    one, two = search.respond([Dialogue((Message("user", "Q"),), 1), Dialogue((Message("user", "Q"),), 2)])
    assert one.text == two.text == "4"
    assert ["Q", "1", CRITIQUE, "It is too small.", REFINE] in agent.heard
    assert [row["value"] for row in one.meta["tree"][1:]] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert one.cost == Cost(4 + 3 + 8, 4 + 3 + 8)  # answers, critiques, opinions
    assert search.actor.agent_id == "counting+mctsr3"


def test_an_opinion_without_a_number_is_the_lowest() -> None:
    class Mute:
        actor = Actor("mute")

        def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
            return [Reply("hm") for _ in dialogues]

    attempt = Attempt(Dialogue((Message("user", "Q"),)), Reply("1"))
    assert SelfReward(Mute())([attempt]) == [Valued(-1.0, Cost())]


@pytest.mark.parametrize(
    ("said", "worth"),
    [
        ("85", 0.85),
        ("-40", -0.4),
        ("**\N{MINUS SIGN}40**", -0.4),
        ("85/100", 0.85),
        ("I give it 40 out of 100.", 0.4),
        ("20, on a scale from -100 to 100", 0.2),
        ("From -100 to 100: 20", 0.2),
        ("62.5", 0.625),
        ("20-30", 0.3),
        ("250", 1.0),
        ("1000", 1.0),
    ],
)
def test_an_opinion_is_the_number_not_its_scale(said: str, worth: float) -> None:
    class Critic:
        actor = Actor("critic")

        def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
            return [Reply(said) for _ in dialogues]

    attempt = Attempt(Dialogue((Message("user", "Q"),)), Reply("1"))
    assert SelfReward(Critic())([attempt])[0].value == pytest.approx(worth)


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        SelfRefine(attempts=0)
