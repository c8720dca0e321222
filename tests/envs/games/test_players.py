"""Scripted players, and the solvers behind the optimal ones."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from palaestra.envs.games import (
    ConnectFour,
    IteratedPrisonersDilemma,
    KuhnPoker,
    LeducPoker,
    LiarsDice,
    Nim,
    Othello,
    RockPaperScissors,
    TicTacToe,
    game_ids,
    make_game,
)
from palaestra.envs.games.cfr import Mixed, best_response, expected_returns, exploitability, solve
from palaestra.envs.games.minimax import GameTooLarge, Minimax
from palaestra.envs.games.players import Player, kuhn_equilibrium, nim_sum, play_game, scripted, uniform


def mean_return(game: Any, player: Player, other: Player, games: int, seed: int = 0) -> float:
    """What ``player`` gets on average, in both seats by turns."""
    rng = np.random.default_rng(seed)
    total = 0.0
    for k in range(games):
        seats = [player, other] if k % 2 == 0 else [other, player]
        total += play_game(game, seats, rng)[k % 2]
    return total / games


def tables(game: Any) -> Any:
    """The uniform strategy."""
    views, states = {}, [state for _, state in game.deals()]
    while states:
        state = states.pop()
        if not game.terminal(state):
            legal = game.legal(state)
            views[game.seen(state, game.player(state))] = [1 / len(legal)] * len(legal)
            states += [game.act(state, action) for action in legal]
    return views


@pytest.mark.parametrize("alpha", [0.0, 0.1, 1 / 3])
def test_every_equilibrium_of_kuhn_poker_is_worth_minus_one_eighteenth(alpha: float) -> None:
    game, pair = KuhnPoker(), kuhn_equilibrium(alpha)
    assert expected_returns(game, (pair, pair)) == pytest.approx((-1 / 18, 1 / 18), abs=1e-12)
    assert exploitability(game, pair) == pytest.approx(0.0, abs=1e-12)


def test_regret_minimisation_finds_the_value_of_kuhn_poker() -> None:
    game = KuhnPoker()
    found = solve(game, 500)
    assert expected_returns(game, (found, found))[0] == pytest.approx(-1 / 18, abs=1e-3)
    assert exploitability(game, found) < 1e-3


def test_regret_minimisation_comes_close_to_an_equilibrium_of_leduc_poker() -> None:
    game = LeducPoker()
    found = solve(game, 100)
    assert expected_returns(game, (found, found))[0] == pytest.approx(-0.0856, abs=5e-3)  # as OpenSpiel's solvers find
    assert exploitability(game, found) < 0.03
    assert exploitability(game, tables(game)) > 1.0


def test_regret_minimisation_solves_small_liars_dice_and_rock_paper_scissors() -> None:
    dice = LiarsDice(sides=2)
    assert exploitability(dice, solve(dice, 200)) < 5e-3
    throws = RockPaperScissors()
    assert exploitability(throws, solve(throws, 20)) < 1e-9


def test_a_best_response_to_rock_is_paper() -> None:
    game = RockPaperScissors()
    rock = dict.fromkeys(tables(game), (1.0, 0.0, 0.0))
    assert best_response(game, rock, 0) == best_response(game, rock, 1) == 1.0


@pytest.mark.parametrize(
    ("game", "value"),
    [(TicTacToe(), 0.0), (TicTacToe(2), 1.0), (ConnectFour(4, 4), 0.0), (Othello(4), -1.0), (Nim(), -1.0)],
)
def test_search_finds_the_known_value_of_small_games(game: Any, value: float) -> None:
    assert Minimax(game).value(game.deals()[0][1]) == value


def test_the_xor_rule_of_nim_agrees_with_search() -> None:
    rng = np.random.default_rng(0)
    for misere, piles in product((True, False), product(range(1, 4), repeat=3)):
        game = Nim(piles, misere)
        search = Minimax(game)
        start = game.deals()[0][1]
        if search.value(start) > 0:
            assert game.parse(start, nim_sum(game, start, rng)) in search.best(start)


def test_search_refuses_what_it_cannot_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for game in (KuhnPoker(), IteratedPrisonersDilemma()):
        with pytest.raises(ValueError, match="without hidden parts"):
            Minimax(game)
    with pytest.raises(ValueError, match="this player knows"):
        Minimax(TicTacToe())(TicTacToe(2), None, np.random.default_rng(0))
    monkeypatch.setattr("palaestra.envs.games.minimax.MAX_STATES", 50)
    with pytest.raises(GameTooLarge):
        Minimax(TicTacToe()).value(TicTacToe().deals()[0][1])


@pytest.mark.parametrize("id", [id for id in game_ids() if "RockPaper" not in id and "Kuhn" not in id])
def test_greedy_beats_random(id: str) -> None:
    game = make_game(id).game
    players = scripted(game)
    games = 60 if "Othello" in id or "Connect" in id else 400
    assert mean_return(game, players["greedy"], uniform, games) > mean_return(game, uniform, players["greedy"], games)


def test_perfect_players_never_lose() -> None:
    rng = np.random.default_rng(0)
    game = TicTacToe()
    best = Minimax(game)
    for other in (uniform, scripted(game)["greedy"], best):
        results = [play_game(game, (best, other), rng)[0] for _ in range(50)]
        results += [play_game(game, (other, best), rng)[1] for _ in range(50)]
        assert min(results) >= 0
    assert results == [0.0] * 100


def test_an_equilibrium_player_does_not_lose_to_any_card_rule() -> None:
    game, pair = KuhnPoker(), kuhn_equilibrium(1 / 6)
    assert best_response(game, pair, 0) == pytest.approx(-1 / 18)
    assert best_response(game, pair, 1) == pytest.approx(1 / 18)
    assert mean_return(game, Mixed(pair), uniform, 4000) > 0.05


def test_tit_for_tat_repays_and_grim_never_forgives() -> None:
    game = IteratedPrisonersDilemma(rounds=10)
    players = scripted(game)
    rng = np.random.default_rng(0)
    assert play_game(game, (players["tit_for_tat"], players["tit_for_tat"]), rng) == (3.0, 3.0)
    assert play_game(game, (players["grim"], players["greedy"]), rng) == (0.9, 1.4)
    assert play_game(game, (players["greedy"], players["cooperate"]), rng) == (5.0, 0.0)


def test_players_are_shown_nothing_hidden() -> None:
    shown = []

    def spy(game: Any, view: Any, rng: np.random.Generator) -> str:
        shown.append((game.player(view), view.cards))
        return uniform(game, view, rng)

    rng = np.random.default_rng(0)
    for _ in range(20):
        play_game(KuhnPoker(), (spy, spy), rng)
    assert all(cards[1 - player] == 0 and cards[player] > 0 for player, cards in shown)


def test_an_answer_that_is_no_action_forfeits() -> None:
    returns = play_game(TicTacToe(), (lambda game, view, rng: "pass", uniform), np.random.default_rng(0))
    assert returns == (-1.0, 1.0)


def test_parameters_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="alpha is from 0 to 1/3"):
        kuhn_equilibrium(0.5)
    with pytest.raises(ValueError, match="zero-sum games of two"):
        solve(IteratedPrisonersDilemma())
    with pytest.raises(LookupError, match="does not list its first states"):
        make_game("palaestra/Negotiation-v0").game.deals()
