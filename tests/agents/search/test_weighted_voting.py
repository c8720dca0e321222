"""Votes with weights: a few good answers beat many bad ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from palaestra.agents.agent import Dialogue, Message, Reply
from palaestra.agents.engine import Completion
from palaestra.agents.search.weighted_voting import Weigh, WeightedVoting, sigmoid, softmax
from palaestra.episodes import Actor, Cost


class Script:
    """Gives its texts in turn; the tokens of each are its index."""

    actor = Actor("scripted", "abc")

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        return [
            Reply(text, (Completion((index,), (0.0,), "stop", 0),), prompt_ids=(7, 7), cost=Cost(2, 10))
            for index, text in zip(range(len(dialogues)), self.texts, strict=True)
        ]


class Scores:
    """Scores an answer by its one token."""

    def __init__(self, *scores: float) -> None:
        self.scores = scores

    def score(self, prompts: Any, answers: Any) -> list[float]:
        return [self.scores[ids[0]] for ids in answers]


def vote(texts: Sequence[str], scores: Sequence[float], weigh: Weigh) -> Reply:
    agent: Any = WeightedVoting(Script(*texts), Scores(*scores), len(texts), weigh)  # type: ignore[arg-type]
    (reply,) = agent.respond([Dialogue((Message("user", "Q"),), 5)])
    assert isinstance(reply, Reply)
    return reply


BOXES = ["\\boxed{1}", "so \\boxed{2}", "\\boxed{1}", "thus \\boxed{2}"]


def test_the_greatest_weight_wins_and_its_best_answer_is_given() -> None:
    reply = vote(BOXES, [0.0, math.log(4), 0.0, math.log(8)], softmax)
    assert reply.text == "thus \\boxed{2}"
    assert reply.meta == {"weight": pytest.approx(12 / 14), "of": 4}
    assert reply.cost == Cost(4 * 2 + 4 * 3, 40)


def test_many_small_weights_beat_one_great_one() -> None:
    texts = ["\\boxed{1}", "\\boxed{1}", "\\boxed{1}", "\\boxed{2}"]
    assert vote(texts, [0.0, 0.0, 0.0, math.log(2)], softmax).text == "\\boxed{1}"
    assert vote(texts, [0.0, 0.0, 0.0, math.log(4)], softmax).text == "\\boxed{2}"
    assert vote(texts, [0.0, 0.0, 0.0, math.log(4)], sigmoid).text == "\\boxed{1}"  # 1.5 against 0.8


def test_equal_weights_are_a_plain_vote_and_the_first_of_equals_wins() -> None:
    assert vote(BOXES, [0.0] * 4, softmax).text == "\\boxed{1}"


def test_what_holds_no_answer_does_not_vote_and_is_given_only_alone() -> None:
    assert vote(["hm", "hm", "\\boxed{3}"], [9.0, 9.0, 0.0], softmax).text == "\\boxed{3}"
    reply = vote(["hm", "well"], [0.0, 1.0], softmax)
    assert (reply.text, reply.meta["weight"]) == ("well", 0.0)


def test_weights() -> None:
    assert softmax([1000.0, 1000.0 + math.log(3)]) == pytest.approx([0.25, 0.75])
    assert sigmoid([0.0, math.log(3), -1000.0]) == pytest.approx([0.5, 0.75, 0.0])


def test_no_vote_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="k of 1 or more"):
        WeightedVoting(Script(), Scores(), 0)  # type: ignore[arg-type]


def test_a_score_that_is_nan_has_no_vote() -> None:
    nan = math.nan
    reply = vote(BOXES, [nan, 0.0, nan, math.log(3)], softmax)
    assert reply.text == "thus \\boxed{2}"
    assert reply.meta == {"weight": pytest.approx(1.0), "of": 4}
    assert vote(BOXES, [0.0, nan, nan, nan], softmax).text == "\\boxed{1}"
    assert vote(BOXES, [nan] * 4, softmax).meta == {"weight": 2.0, "of": 4}, "nothing scored: a plain vote"
