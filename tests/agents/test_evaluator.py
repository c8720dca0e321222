"""Evaluators: what they read, that they come back from disk as they were, and best of n."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from palaestra.agents.agent import Dialogue, Message, Reply
from palaestra.agents.engine import Completion
from palaestra.agents.evaluator import BestOfN, Evaluator, load_evaluator, new_evaluator
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.pretrained import MissingModel, weights_hash
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Actor, Cost


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    tokenizer = nano_tokenizer()
    nano_model(tokenizer, hidden=32, layers=2, heads=2, seed=1).save_pretrained(tmp_path / "policy")
    tokenizer.save_pretrained(tmp_path / "policy")
    return tmp_path / "policy"


@pytest.fixture
def evaluator(policy: Path) -> Evaluator:
    made = new_evaluator(policy)
    torch.manual_seed(0)
    torch.nn.init.normal_(made.model.score.weight)  # type: ignore[union-attr, arg-type]
    return made


PROMPTS = [(5, 6, 7), (8,), (5, 6, 7), tuple(range(10, 40))]
ANSWERS = [(9, 9), (10, 11, 12, 13), (9,), (7, 2)]


def test_a_score_is_the_head_at_the_last_token_whoever_else_is_scored(evaluator: Evaluator) -> None:
    together = evaluator.score(PROMPTS, ANSWERS)
    for prompt, answer, score in zip(PROMPTS, ANSWERS, together, strict=True):
        assert evaluator.score([prompt], [answer]) == pytest.approx([score], abs=1e-5)
        logits = evaluator.model(torch.tensor([[*prompt, *answer]]), attention_mask=torch.ones(1, len(prompt + answer)))
        assert logits.logits.item() == pytest.approx(score, abs=1e-5)
    assert len({round(score, 4) for score in together}) == 4


def test_a_new_evaluator_says_nothing_and_keeps_the_policy_s_weights(policy: Path) -> None:
    made = new_evaluator(policy)
    assert made.score(PROMPTS, ANSWERS) == [0.0] * 4
    wanted = nano_model(nano_tokenizer(), hidden=32, layers=2, heads=2, seed=1).model.state_dict()
    for name, value in made.model.base_model.state_dict().items():
        assert torch.equal(value, wanted[name])


def test_it_comes_back_from_its_folder(evaluator: Evaluator, tmp_path: Path) -> None:
    evaluator.model.save_pretrained(tmp_path / "judge")
    evaluator.tokenizer.save_pretrained(tmp_path / "judge")
    again = load_evaluator(tmp_path / "judge")
    assert again.score(PROMPTS, ANSWERS) == evaluator.score(PROMPTS, ANSWERS)
    assert again.actor == Actor("judge", weights_hash(evaluator.model))
    with pytest.raises(MissingModel, match="holds no model"):
        load_evaluator(tmp_path)


def test_an_answer_without_tokens_is_refused(evaluator: Evaluator) -> None:
    with pytest.raises(ValueError, match="without tokens"):
        evaluator.score([(1,)], [()])


class Counting:
    """Answers with one token, another for each seed."""

    actor = Actor("counting")

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        return [
            Reply(
                text=str(dialogue.seed),
                completions=(Completion((5 + dialogue.seed % 200,), (0.0,), "stop", 0),),
                prompt_ids=(1, 2, 3),
                cost=Cost(tokens_in=3, tokens_out=1),
            )
            for dialogue in dialogues
        ]


def test_best_of_n_gives_the_evaluator_s_favourite_and_counts_the_cost_of_all(evaluator: Evaluator) -> None:
    agent = BestOfN(Counting(), evaluator, n=6)
    dialogues = [Dialogue((Message("user", "?"),), seed=seed) for seed in (1, 2)]
    for dialogue, reply in zip(dialogues, agent.respond(dialogues), strict=True):
        asked = agent.agent.respond([replace(dialogue, seed=derive_seed(dialogue.seed, index)) for index in range(6)])
        scores = evaluator.score([one.prompt_ids for one in asked], [one.completions[0].token_ids for one in asked])
        assert reply.text == asked[scores.index(max(scores))].text
        assert reply.meta == {"score": pytest.approx(max(scores), abs=1e-5), "of": 6}
        assert reply.cost.tokens_out == 6
        assert reply.cost.tokens_in == 6 * 3 + 6 * 4  # sampled, and read by the evaluator
    assert agent.actor.agent_id == "counting+best6"
    with pytest.raises(ValueError, match="n of 1 or more"):
        BestOfN(Counting(), evaluator, 0)


@pytest.mark.parametrize("known", [True, False])
def test_a_score_that_is_nan_is_no_favourite(
    evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    scores = [math.nan, 0.1, math.nan, 0.3] if known else [math.nan] * 4
    monkeypatch.setattr(evaluator, "score", lambda prompts, answers: scores)
    chooser = BestOfN(Counting(), evaluator, n=4)
    (reply,) = chooser.respond([Dialogue((Message("user", "?"),), seed=1)])
    assert reply.text == str(derive_seed(1, 3 if known else 0))
    assert reply.meta == {"score": 0.3 if known else None, "of": 4}
    assert chooser.counts == {"not scored": 2 if known else 4}
