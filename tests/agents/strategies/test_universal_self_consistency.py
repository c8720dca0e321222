"""A model chooses among candidates; in which order it sees them must not matter, and nonsense is survived."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from palaestra.agents.agent import Dialogue
from palaestra.agents.strategies.asking import counted
from palaestra.agents.strategies.universal_self_consistency import UniversalSelfConsistency
from palaestra.episodes import Cost

TEXTS = ["it is one half", "it is 3", "so 1/2 it is", "it is one half", "0.5"]


def candidates(asked: str) -> list[str]:
    return re.findall(r"^Response \d+: (.*)$", asked, re.MULTILINE)


def majority(text: str, one: Dialogue) -> str:
    """Names a response whose words are the most frequent, wherever they stand."""
    shown = candidates(text)
    return f"Response {1 + shown.index(Counter(sorted(shown)).most_common(1)[0][0])}"


def script(told: Any) -> Any:
    texts = list(TEXTS) * 50
    return told(lambda text, one: texts.pop(0))


def test_the_choice_does_not_depend_on_the_order_of_the_candidates(told: Any) -> None:
    from palaestra.agents.agent import Message

    chosen, orders = set(), set()
    for seed in range(12):
        chooser = told(majority)
        agent = UniversalSelfConsistency(script(told), 5, chooser=chooser)
        (reply,) = agent.respond([Dialogue((Message("user", "?"),), seed)])
        chosen.add(reply.text)
        orders.add(tuple(candidates(chooser.asked[0].messages[-1].content)))
        assert sorted(candidates(chooser.asked[0].messages[-1].content)) == sorted(TEXTS)
    assert chosen == {"it is one half"}
    assert len(orders) > 6


def test_a_chooser_of_places_is_outvoted_by_several_orders(told: Any, asks: Any) -> None:
    """One that always takes the first chooses another in each order."""
    agent = UniversalSelfConsistency(script(told), 5, orders=4, chooser=told(lambda text, one: "Response 1"))
    (reply,) = agent.respond(asks("?"))
    assert reply.cost == Cost(5 * 5 + 4 * 5, 5 * 2 + 4 * 2)
    assert reply.meta["of"] == 5
    assert 1 <= reply.meta["votes"] <= 4
    assert reply.text == TEXTS[reply.meta["chosen"]]
    assert agent.actor.agent_id == "told+universal_self_consistency@1:5,4"


@pytest.mark.parametrize("said", ["", "I cannot say", "Response 6", "Response 0", "one of 3"])
def test_a_choice_that_cannot_be_read_is_counted_and_the_first_stands(said: str, told: Any, asks: Any) -> None:
    agent = UniversalSelfConsistency(script(told), 5, orders=2, chooser=told(lambda text, one: said))
    (reply,) = agent.respond(asks("?"))
    assert (reply.text, reply.meta["votes"]) == (TEXTS[0], 0)
    assert counted(agent)["UniversalSelfConsistency"]["choice not read"] == 2


@pytest.mark.parametrize(
    "said",
    [
        "Response 2",
        "**2**",
        "Of these 5, response 2 is it. Not 3.",
        "response: 2",
        "Responses 1 and 3 differ. The most consistent response is Response 2.",
        "Response 2 is the most consistent with the others: 3 of 5 agree.",
    ],
)
def test_a_choice_is_read_in_the_words_that_models_use(said: str, told: Any, asks: Any) -> None:
    chooser = told(lambda text, one: said)
    (reply,) = UniversalSelfConsistency(script(told), 5, chooser=chooser).respond(asks("?"))
    assert reply.text == candidates(chooser.asked[0].messages[-1].content)[1]
    assert reply.meta["votes"] == 1


def test_empty_candidates_are_not_shown(told: Any, asks: Any) -> None:
    texts = ["", "yes", " ", ""] + [""] * 4
    chooser = told(majority)
    agent = UniversalSelfConsistency(told(lambda text, one: texts.pop(0)), 4, chooser=chooser)
    one, none = agent.respond(asks("a?", "b?"))
    assert (one.text, none.text, chooser.asked) == ("yes", "", [])
    assert counted(agent) == {"UniversalSelfConsistency": {"no candidates": 1}}
    assert one.cost == none.cost == Cost(20, 8)
    with pytest.raises(ValueError, match="1 or more"):
        UniversalSelfConsistency(chooser, 0)


def test_the_innermost_agent_chooses(told: Any, asks: Any) -> None:
    from palaestra.agents.strategies.prompted import direct

    inner = told(lambda text, one: majority(text, one) if "Response 1" in text else "a")
    (reply,) = UniversalSelfConsistency(direct(inner), 2).respond(asks("?"))
    assert reply.text == "a"
    assert "without any explanation" in inner.asked[0].messages[-1].content
    assert "without any explanation" not in inner.asked[-1].messages[-1].content
