"""Search for moves: held against perfect play, what its replies hold, and which games it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from palaestra.agents.agent import Dialogue, Message, Reply
from palaestra.agents.chat import ChatFormat
from palaestra.agents.engine import Sampling
from palaestra.agents.nano import nano_tokenizer
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.samplers import Sampler, sampling_by
from palaestra.agents.search.games import GameSearch, GameWorld, Position, moves
from palaestra.agents.strategies.inside import log_chances, probabilities
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.envs.games import make_game
from palaestra.envs.games.game import BrokenRules
from palaestra.envs.games.minimax import Minimax
from palaestra.envs.games.tic_tac_toe import TicTacToe
from palaestra.episodes import Cost

CHAT = ChatFormat(nano_tokenizer())
NIM: dict[str, Any] = {"piles": (3, 4), "misere": False, "drawn": True, "tell_rules": False}


@pytest.fixture
def policy(engine: TransformersEngine) -> PolicyLLM:
    return PolicyLLM(engine, CHAT, Sampling(max_tokens=24))


def at_table(game: str, *played: str, seed: int = 0, deal: int = 0, **knobs: Any) -> Dialogue:
    """A game after some moves, as a player at it is asked."""
    table = make_game(f"palaestra/{game}-v0", **knobs)
    table.reset(seed=deal)
    for move in played:
        table.step(move)
    return Dialogue((Message("user", str(table.observe(table.agent_selection))),), seed, env=table)


def move_of(policy: PolicyLLM, dialogue: Dialogue, simulations: int = 100) -> str:
    (reply,) = GameSearch(policy, moves(simulations)).respond([dialogue])
    return reply.text


def test_a_row_is_finished_and_a_row_of_the_other_player_is_blocked(policy: PolicyLLM) -> None:
    assert move_of(policy, at_table("TicTacToe", "1", "4", "2", "5")) == "3"
    assert move_of(policy, at_table("TicTacToe", "1", "9", "2")) == "3"


def test_moves_are_those_of_perfect_play(policy: PolicyLLM) -> None:
    dialogues = [at_table("Nim", seed=deal, deal=deal, **NIM) for deal in range(24)]
    tables: list[Any] = [dialogue.env for dialogue in dialogues]
    perfect = Minimax(tables[0].game)
    best = [{table.game.action_text(action) for action in perfect.best(table.view())} for table in tables]
    replies = GameSearch(policy, moves(200)).respond(dialogues)
    assert sum(reply.text in good for reply, good in zip(replies, best, strict=True)) >= 23
    blind = GameSearch(policy, moves(200), told=False).respond(dialogues)
    assert sum(reply.text in good for reply, good in zip(blind, best, strict=True)) <= 18


def test_a_position_without_moves_that_is_not_the_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    game = TicTacToe()
    monkeypatch.setattr(TicTacToe, "legal", lambda self, state: ())
    with pytest.raises(BrokenRules, match="palaestra/TicTacToe-v0: legal gives one action or more"):
        GameWorld().evaluate([Position(game, game.initial(np.random.default_rng(0)), 0, 0)])


def test_a_reply_has_the_policys_tokens_for_the_move_and_the_moves_with_their_visits(policy: PolicyLLM) -> None:
    dialogue = at_table("TicTacToe", "1")
    (reply,) = GameSearch(policy, moves(30)).respond([dialogue])
    (said,) = reply.completions
    assert CHAT.text(said.token_ids) == reply.text
    assert said.token_ids[-1] == CHAT.end
    read = probabilities(policy.engine.model, reply.prompt_ids, said.token_ids)  # type: ignore[attr-defined]
    expected = [float(row[token]) for row, token in zip(read, said.token_ids, strict=False)]
    assert said.logprobs == pytest.approx(expected, abs=1e-5)
    lengths = [len(reply.prompt_ids) + len(CHAT.answer(move)) for move in "23456789"]
    assert reply.cost == Cost(tokens_in=sum(lengths), tokens_out=len(said.token_ids))  # all moves at hand were read
    root, *at_hand = reply.meta["tree"]
    assert [move["action"] for move in at_hand] == ["2", "3", "4", "5", "6", "7", "8", "9"]
    assert root["visits"] == 1 + sum(move["visits"] for move in at_hand) >= 30
    assert max(at_hand, key=lambda move: move["visits"])["action"] == reply.text
    assert sum(move["prior"] for move in at_hand) == pytest.approx(1)


def test_a_share_of_the_moves_is_explored_and_has_no_tokens(policy: PolicyLLM) -> None:
    dialogues = [at_table("TicTacToe", seed=seed) for seed in range(200)]
    replies = GameSearch(policy, moves(2), explore=0.25).respond(dialogues)
    explored = [reply for reply in replies if not reply.completions]
    assert 30 <= len(explored) <= 70
    assert {reply.text for reply in explored} == set("123456789")
    sampler = sampling_by(Sampler(search="moves:2", explore=0.0), policy)
    assert all(reply.completions for reply in sampler.respond(dialogues[:20]))


def test_the_table_stays_as_it_was_and_a_move_does_not_depend_on_the_batch(policy: PolicyLLM) -> None:
    dialogues = [at_table("TicTacToe", str(1 + seed), seed=seed) for seed in range(4)]
    before = [dialogue.env.snapshot() for dialogue in dialogues]  # type: ignore[union-attr]
    search = GameSearch(policy, moves(20))
    together = search.respond(dialogues)
    assert [dialogue.env.snapshot() for dialogue in dialogues] == before  # type: ignore[union-attr]
    assert [_visits(reply) for reply in together] == [_visits(search.respond([one])[0]) for one in dialogues]


def _visits(reply: Reply) -> list[int]:
    return [row["visits"] for row in reply.meta["tree"]]


def test_what_is_hidden_or_not_for_two_cannot_be_searched(policy: PolicyLLM) -> None:
    with pytest.raises(ValueError, match="KuhnPoker-v0 cannot be searched: that takes a zero-sum game of two in which"):
        GameSearch(policy, moves(4)).respond([at_table("KuhnPoker")])
    with pytest.raises(ValueError, match="this search is for moves of games: play it in a match"):
        GameSearch(policy, moves(4)).respond([Dialogue((Message("user", "1+1"),))])


def test_chances_of_answers_are_those_of_each_alone(policy: PolicyLLM) -> None:
    prompts = [CHAT.prompt([Message("user", text)]) for text in ("a", "a longer one")]
    answers = [[CHAT.answer("1"), CHAT.answer("take 2")], [CHAT.answer("three")]]
    model: Any = policy.engine.model  # type: ignore[attr-defined]
    for prompt, several, found in zip(prompts, answers, log_chances(model, prompts, answers), strict=True):
        for answer, logprobs in zip(several, found, strict=True):
            alone = [
                float(row[token]) for row, token in zip(probabilities(model, prompt, answer), answer, strict=False)
            ]
            assert np.allclose(logprobs, alone, atol=1e-5)
