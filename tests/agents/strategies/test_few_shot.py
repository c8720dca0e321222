"""Examples come from the log's training problems alone, and stand in the chat as turns that were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from palaestra.agents.agent import Message
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.scripted import OracleAgent, RandomAgent
from palaestra.agents.strategies.few_shot import Example, FewShot, examples
from palaestra.arena.evaluate import evaluate, held_out
from palaestra.arena.rollout import Job, rollout
from palaestra.episodes import EpisodeStore

ENV = "palaestra/Arithmetic-v0"


def test_examples_are_right_answers_to_training_problems(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    jobs = [Job(f"{n}", ENV, {"split": "train"}, n // 2, f"{n // 2}") for n in range(8)]
    store.append(list(rollout(OracleAgent(), jobs)))
    store.append(list(rollout(RandomAgent(), [Job("r", ENV, {}, 99, "r")])))
    tests = evaluate(OracleAgent(), held_out(ENV, {}, [1], 3))[1]
    store.append(tests)
    dialogues = [Job("d", "palaestra/Lookup-v0", {}, 1, "d")]
    store.append(list(rollout(OracleAgent(), dialogues)))
    pool, dropped = examples(store.read())
    assert len(pool) == 4
    assert dropped == {"held out": 3, "another answer to the problem": 4, "not right": 1, "not of one turn": 1}
    assert not {one.question for one in pool} & {one.turns[0].observation for one in tests}
    assert examples(store.read(), "palaestra/Lookup-v0")[0] == []


def test_they_stand_before_the_question_and_the_question_itself_does_not(told: Any, asks: Any) -> None:
    pool = [Example(f"{n}+{n}?", f"{2 * n}") for n in range(5)]
    inner = told(lambda text, one: "ok")
    agent = FewShot(inner, pool, 4)
    first, second = agent.respond(asks("3+3?", "7+7?"))
    shown = inner.asked[0].messages
    assert [message.role for message in shown] == ["user", "assistant"] * 4 + ["user"]
    assert {message.content for message in shown[:-1:2]} == {"0+0?", "1+1?", "2+2?", "4+4?"}
    assert (first.meta["shots"], second.meta["shots"]) == (4, 4)
    assert [message.content for message in inner.asked[0].messages] != [m.content for m in inner.asked[1].messages]
    few = FewShot(inner, pool[:2], 4).respond(asks("9?"))
    assert few[0].meta["shots"] == 2
    with pytest.raises(ValueError, match="collect right answers"):
        FewShot(inner, [])


def test_a_system_message_stays_in_front(told: Any) -> None:
    from palaestra.agents.agent import Dialogue

    inner = told(lambda text, one: "ok")
    FewShot(inner, [Example("a", "b")], 1).respond([Dialogue((Message("system", "s"), Message("user", "q")))])
    assert [message.content for message in inner.asked[0].messages] == ["s", "a", "b", "q"]


def test_the_chat_template_marks_their_turns(policy: PolicyLLM, asks: Any) -> None:
    (reply,) = FewShot(policy, [Example("1+1?", "2")], 1).respond(asks("2+2?"))
    text = policy.chat.tokenizer.decode(list(reply.prompt_ids))
    assert text == "<|user|>1+1?<|end|><|assistant|>2<|end|><|user|>2+2?<|end|><|assistant|>"
