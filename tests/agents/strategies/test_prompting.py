"""Strategies that ask in other words, or more than once: what is asked, what is given, and what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from palaestra.agents.agent import Dialogue, Message
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.strategies.asking import counted
from palaestra.agents.strategies.least_to_most import LeastToMost
from palaestra.agents.strategies.prompted import Prompted, chain_of_thought, direct, plan_and_solve
from palaestra.agents.strategies.prompts import FOLDER, prompt_named, read_prompt
from palaestra.agents.strategies.react import ReAct
from palaestra.agents.strategies.step_back import StepBack
from palaestra.arena.evaluate import evaluate, held_out
from palaestra.episodes import Actor, Cost


@pytest.mark.parametrize("make", [direct, chain_of_thought, plan_and_solve])
def test_a_prompt_is_one_question_in_other_words(make: Any, told: Any, asks: Any) -> None:
    agent = make(told(lambda text, one: f"<{text}>"))
    replies = agent.respond(asks("2+{{ 2 }}?", "3?"))
    assert [reply.text.split("\n")[0] for reply in replies] == ["<2+{{ 2 }}?", "<3?"]  # no template, whatever it holds
    assert all(len(reply.text.split("\n")) == 2 and reply.cost == Cost(5, 2) for reply in replies)
    assert agent.actor == Actor(f"told+{make.__name__}@1", "abc")


def test_the_model_s_chat_template_is_around_what_is_asked(policy: PolicyLLM, asks: Any) -> None:
    (reply,) = chain_of_thought(policy).respond(asks("1+1?"))
    asked = prompt_named("chain_of_thought").say("ask", question="1+1?")
    assert reply.prompt_ids == policy.chat.prompt([Message("user", asked)])
    assert reply.cost == Cost(len(reply.prompt_ids), len(reply.completions[0].token_ids))


def test_least_to_most_answers_each_part_behind_those_before(told: Any, asks: Any) -> None:
    def answer(text: str, one: Dialogue) -> str:
        return "Sure.\n1. What is a?\n2) What is b?" if "Do not answer yet" in text else f"said {len(one.messages)}"

    inner = told(answer)
    agent = LeastToMost(inner)
    (reply,) = agent.respond(asks("c?"))
    assert [one.messages[-1].content for one in inner.asked[1:]] == [
        "c?\nWe solve this in parts. First: What is a?",
        "Next: What is b?",
        "With this, answer the question itself: c?",
    ]
    assert (reply.text, reply.cost, reply.meta["parts"]) == ("said 5", Cost(20, 8), 2)
    assert inner.asked[2].messages[1] == Message("assistant", "said 1", (1, 2, 3, 4, 5), (7, 8))
    assert len({one.seed for one in inner.asked}) == 3  # the list and the first part share the question's own


def test_a_model_that_gives_no_list_is_asked_at_once_and_one_that_lists_for_ever_is_cut_off(
    told: Any, asks: Any
) -> None:
    def answer(text: str, one: Dialogue) -> str:
        return "\n".join(f"{n}. part?" for n in range(1, 90)) if "long" in text and "Do not" in text else "hm"

    inner = told(answer)
    agent = LeastToMost(inner, parts=3)
    short, long = agent.respond(asks("short?", "long?"))
    assert (short.cost, short.meta["parts"], short.text) == (Cost(10, 4), 0, "hm")
    assert (long.cost, long.meta["parts"]) == (Cost(25, 10), 3)
    assert counted(agent) == {"LeastToMost": {"cut off": 1, "no parts": 1}}
    with pytest.raises(ValueError, match="1 part or more"):
        LeastToMost(inner, 0)


def test_step_back_asks_for_the_rules_first(told: Any, asks: Any) -> None:
    inner = told(lambda text, one: "a rule" if "Step back" in text else f"by {one.messages[1].content}")
    (reply,) = StepBack(inner).respond(asks("why?"))
    assert (reply.text, reply.cost) == ("by a rule", Cost(10, 4))


@pytest.mark.parametrize(
    ("said", "action", "counts"),
    [
        ("Thought: I look.\nAction: search[Ada]", "search[Ada]", {"more than one": 0}),
        ("Action: read[x]\nObservation: he lives\nAction: answer[y]", "read[x]", {"more than one": 1}),
        ("**Action:** ```python\n1+1\n```", "```python\n1+1\n```", {"more than one": 0}),
        ("read[x]", "read[x]", {"no action": 1}),
        ("Thought: none\nAction:", "", {"more than one": 0}),
    ],
)
def test_the_environment_gets_the_action_alone(
    said: str, action: str, counts: dict[str, int], told: Any, asks: Any
) -> None:
    inner = told(lambda text, one: said)
    agent = ReAct(inner)
    (reply,) = agent.respond(asks("find"))
    assert reply.text == action
    assert reply.completions[0].token_ids == (7, 8)  # thought and action, as they were sampled
    assert inner.asked[0].messages[0].role == "system"
    assert counted(agent) == {"ReAct": counts}
    assert bool(reply.meta.get("derived")) == ("no action" not in counts)


def test_react_plays_look_up(told: Any) -> None:
    """The oracle's actions behind thoughts: right, with the thoughts in the log and not in what the environment saw."""
    import numpy as np

    rng = np.random.default_rng(0)
    agent = ReAct(told(lambda text, one: f"Thought: answer[nobody]?\nAction: {one.oracle(rng)}\nObservation: done"))
    row, episodes = evaluate(agent, held_out("palaestra/Lookup-v0", {}, [1, 3], 4))
    assert row.score == 1
    assert all(turn.meta["thought"] == "Thought: answer[nobody]?" for one in episodes for turn in one.turns)
    assert all("Thought" not in turn.text for one in episodes for turn in one.turns)
    assert row.agent == "told+react@1"


def test_prompts_are_files_with_versions(tmp_path: Path, told: Any, asks: Any) -> None:
    shipped = prompt_named("chain_of_thought")
    assert (shipped.id, shipped.version) == ("chain_of_thought@1", 1)
    assert prompt_named("chain_of_thought", 1) is not None
    mine = tmp_path / "mine.3.jinja"
    mine.write_text("{% macro ask(question) %}Say: {{ question }}{% endmacro %}")
    agent = Prompted(told(lambda text, one: text), read_prompt(mine))
    assert agent.actor.agent_id == "told+mine@3"
    assert agent.respond(asks("<a & b>"))[0].text == "Say: <a & b>"
    assert all(len(file.name.split(".")) == 3 for file in FOLDER.iterdir())


def test_a_prompt_that_is_not_there_or_is_broken_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no prompt chain_of_though: there are .*chain_of_thought\.1"):
        prompt_named("chain_of_though")
    with pytest.raises(ValueError, match=r"no prompt direct\.9"):
        prompt_named("direct", 9)
    with pytest.raises(ValueError, match=r"NAME\.VERSION\.jinja"):
        read_prompt(tmp_path / "mine.jinja")
    broken = tmp_path / "mine.1.jinja"
    with pytest.raises(ValueError, match="cannot be read"):
        read_prompt(broken)
    broken.write_text("{% macro ask(question) %}{{ question }}{{ other }}{% endmacro %}")
    with pytest.raises(ValueError, match="cannot say 'ask': 'other' is undefined"):
        read_prompt(broken).say("ask", question="?")
    with pytest.raises(ValueError, match="has no part 'tell'"):
        read_prompt(broken).say("tell")
    broken.write_text("{% macro ask(")
    with pytest.raises(ValueError, match="cannot be read"):
        read_prompt(broken)
