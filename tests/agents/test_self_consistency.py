"""The majority of k answers wins, is a real answer, and costs what all k cost."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from palaestra.agents.agent import Dialogue, Message, Reply
from palaestra.agents.self_consistency import SelfConsistency
from palaestra.episodes import Actor, Cost


class Scripted:
    """Gives its texts in turn."""

    actor = Actor("scripted", "abc")

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.seeds: list[int] = []

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        self.seeds += [dialogue.seed for dialogue in dialogues]
        return [
            Reply(self.texts[i % len(self.texts)], prompt_ids=(i,), cost=Cost(2, 10 + i), meta={"habit": str(i)})
            for i in range(len(dialogues))
        ]


def vote(*texts: str) -> Reply:
    (reply,) = SelfConsistency(Scripted(*texts), len(texts)).respond([Dialogue((Message("user", "Q"),), 5)])
    return reply


def test_the_majority_wins_and_its_first_answer_is_given() -> None:
    reply = vote("so \\boxed{1}", "\\boxed{2}", "hence \\boxed{2}")
    assert reply.text == "\\boxed{2}"
    assert reply.prompt_ids == (1,)
    assert reply.meta == {"habit": "1", "votes": 2, "of": 3}


def test_the_first_of_equals_wins() -> None:
    assert vote("\\boxed{3}", "\\boxed{1}", "\\boxed{1}", "\\boxed{3}").text == "\\boxed{3}"


def test_answers_without_an_answer_do_not_vote() -> None:
    assert vote("hm", "hm", "\\boxed{7}").text == "\\boxed{7}"
    assert vote("\\boxed{}", "\\boxed{ }", "\\boxed{7}").text == "\\boxed{7}"


def test_without_any_answer_the_first_reply_stands() -> None:
    reply = vote("hm", "well", "hm")
    assert reply.text == "hm"
    assert (reply.meta["votes"], reply.meta["of"]) == (0, 3)


def test_the_cost_is_that_of_all() -> None:
    assert vote("a", "b", "c").cost == Cost(6, 33)


def test_each_dialogue_votes_for_itself_with_seeds_of_its_own() -> None:
    inner = Scripted("\\boxed{1}", "\\boxed{1}", "\\boxed{2}", "\\boxed{2}")
    agent = SelfConsistency(inner, 2)
    replies = agent.respond([Dialogue((Message("user", "Q"),), seed) for seed in (1, 2)])
    assert [reply.text for reply in replies] == ["\\boxed{1}", "\\boxed{2}"]
    assert len(set(inner.seeds)) == 4
    assert agent.actor == Actor("scripted+sc2", "abc")


def test_no_vote_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="k of 1 or more"):
        SelfConsistency(Scripted("a"), 0)
