"""Positions worked out by hand: legal actions, results, and the reasons for refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from palaestra.envs.games import (
    ConnectFour,
    Game,
    IteratedPrisonersDilemma,
    KuhnPoker,
    LeducPoker,
    LiarsDice,
    Negotiation,
    Nim,
    Othello,
    RockPaperScissors,
    TicTacToe,
)
from palaestra.envs.games.kuhn_poker import Deal
from palaestra.envs.games.leduc_poker import Hand
from palaestra.envs.games.liars_dice import Cup
from palaestra.envs.games.negotiation import Table

RNG = np.random.default_rng(0)


def after(game: Game[Any, Any], *texts: str, state: Any = None) -> Any:
    """The state after these actions, each accepted by the parser."""
    state = game.initial(RNG) if state is None else state
    for text in texts:
        assert not game.terminal(state)
        action = game.parse(state, text)
        assert action in game.legal(state), action
        state = game.act(state, action)
    return state


def test_three_marks_in_a_row_win_tic_tac_toe() -> None:
    game = TicTacToe()
    for line in ("123", "456", "789", "147", "258", "369", "159", "357"):
        others = [c for c in "123456789" if c not in line][:2]
        end = after(game, line[0], others[0], line[1], others[1], line[2])
        assert game.terminal(end)
        assert game.returns(end) == (1.0, -1.0)
    assert game.returns(after(game, *"123546879")) == (0.0, 0.0)
    assert game.parse(after(game, "5"), "5") == "cell 5 is taken by x"


def test_a_larger_tic_tac_toe_shows_its_numbers_and_needs_its_row() -> None:
    game = TicTacToe(4, in_row=3)
    state = after(game, "1", "16", "2")
    assert game.show(state).splitlines()[0] == " x  x  3  4"
    assert game.terminal(after(game, "9", "3", state=state))
    assert not game.terminal(after(TicTacToe(4), "1", "16", "2", "9", "3"))


def test_threats_tell_each_players_winning_cells_and_nothing_else_changes() -> None:
    told, plain = TicTacToe(threats=True), TicTacToe()
    state = after(told, "1", "5", "2", "4")
    assert told.show(state) == plain.show(state) + "\nx wins at 3\no wins at 6"
    assert told.legal(state) == plain.legal(state)
    assert told.show(told.initial(RNG)).endswith("7 8 9\nx wins at -\no wins at -")
    several = TicTacToe(3, in_row=2, threats=True)
    assert several.show(after(several, "5")).endswith("x wins at 1 2 3 4 6 7 8 9\no wins at -")


def test_a_listed_board_tells_who_has_which_cells_and_draws_none() -> None:
    listed = TicTacToe(listed=True, threats=True)
    state = after(listed, "5", "1", "9")
    assert listed.show(listed.initial(RNG)).startswith("x -\no -\nempty 1 2 3 4 5 6 7 8 9\n")
    assert listed.show(state) == "x 5 9\no 1\nempty 2 3 4 6 7 8\nx wins at -\no wins at -"
    assert TicTacToe(4, listed=True).show(after(TicTacToe(4), "16", "2", "7")).startswith("x 7 16\no 2\nempty 1 3")
    assert "shows its number" in TicTacToe().rules
    assert "shows its number" not in listed.rules


def test_stones_fall_and_four_in_a_row_win_connect_four() -> None:
    game = ConnectFour()
    flat = after(game, *"1122334")
    assert game.terminal(flat)
    assert game.returns(flat) == (1.0, -1.0)
    rising = after(game, *"12233434474")
    assert game.terminal(rising)
    assert game.show(after(game, "3", "3")).splitlines()[-3:] == [". . o . . . .", ". . x . . . .", "1 2 3 4 5 6 7"]
    assert game.parse(after(game, *"111111"), "1") == "column 1 is full"
    stacked = after(game, *"11111172")  # six high, then the bottom of the next column: no line of four
    assert not game.terminal(stacked)


def test_who_takes_the_last_object_loses_misere_nim_and_wins_normal_nim() -> None:
    for misere in (True, False):
        game = Nim((1, 2), misere)
        end = after(game, "take 2 from pile 2", "take 1 from pile 1")
        assert game.returns(end) == ((1.0, -1.0) if misere else (-1.0, 1.0))
    assert game.parse(after(game), "take 3 from pile 1") == "pile 1 holds 1"
    assert "is no action" in str(game.parse(after(game), "take 1 from pile 3"))


def test_drawn_piles_differ_between_games_and_stay_within_bounds() -> None:
    game = Nim((5, 9), drawn=True)
    drawn = {game.initial(RNG).sizes for _ in range(300)}
    assert {a for a, _ in drawn} == set(range(1, 6))
    assert {b for _, b in drawn} == set(range(1, 10))
    assert sum(p for p, _ in game.deals()) == pytest.approx(1.0)


def test_discs_are_turned_over_and_passing_needs_a_reason_in_othello() -> None:
    game = Othello()
    state = after(game, "d3")
    assert game.show(state).splitlines()[3:6] == [" 3 . . . x . . . .", " 4 . . . x x . . .", " 5 . . . x o . . ."]
    assert sorted(map(game.action_text, game.legal(state))) == ["c3", "c5", "e3"]
    assert game.parse(state, "d4") == "d4 is taken"
    assert game.parse(state, "a1") == "a disc on a1 encloses none of the other player's"
    assert game.parse(state, "pass") == "a player who can place a disc does not pass"


def test_the_pot_of_kuhn_poker_goes_to_the_better_or_the_bolder() -> None:
    game = KuhnPoker()
    won = {"pp": 1, "bb": 2, "pbb": 2}
    for history, chips in won.items():
        assert game.returns(Deal((3, 1), history)) == (chips, -chips)
        assert game.returns(Deal((1, 2), history)) == (-chips, chips)
    assert game.returns(Deal((1, 2), "bp")) == (1, -1)
    assert game.returns(Deal((3, 2), "pbp")) == (-1, 1)
    assert not any(game.terminal(Deal((1, 2), h)) for h in ("", "p", "b", "pb"))


def test_cards_are_laid_open_at_a_showdown_only() -> None:
    game = KuhnPoker()
    assert "player_1 unknown" in game.observe(Deal((3, 1), "bp"), 0)
    assert "player_1 1" in game.observe(Deal((3, 1), "bb"), 0)
    leduc, start = LeducPoker(), Hand((2, 1, 3))
    assert "public unknown" in leduc.observe(start, 0)
    assert "public 3" in leduc.observe(after(leduc, "call", "call", state=start), 0)
    assert "public unknown" in leduc.observe(after(leduc, "raise", "fold", state=start), 1)
    assert "player_1 1" in leduc.observe(after(leduc, *["call"] * 4, state=start), 0)


def test_a_pair_with_the_public_card_beats_a_higher_card_in_leduc_poker() -> None:
    game = LeducPoker()
    bets = ("raise", "call", "raise", "raise", "call")
    for cards, first in (((1, 3, 1), 11), ((3, 2, 1), 11), ((2, 3, 3), -11), ((2, 2, 1), 0)):
        assert game.returns(after(game, *bets, state=Hand(cards))) == (first, -first)
    start = Hand((1, 2, 3))
    assert game.returns(after(game, "call", "raise", "fold", state=start)) == (-1.0, 1.0)
    assert game.parse(start, "fold") == "a player folds only when the other has paid more"
    assert game.parse(after(game, "raise", "raise", state=start), "raise") == "there were 2 raises in this round"


def test_the_highest_face_is_wild_in_liars_dice() -> None:
    game = LiarsDice(dice=2)
    start = Cup(((2, 6), (2, 5)))
    assert game.returns(after(game, "3x2", "liar", state=start)) == (1.0, -1.0)  # 2, 2 and the wild 6
    assert game.returns(after(game, "4x2", "liar", state=start)) == (-1.0, 1.0)
    assert game.returns(after(game, "1x1", "2x6", "liar", state=start)) == (1.0, -1.0)  # a 6 is no other face's
    assert game.parse(after(game, "2x3", state=start), "2x2") == "the bid 2x2 is not higher than 2x3"
    assert game.parse(start, "liar") == "there is no bid yet to call a liar for"


def test_only_caller_and_bidder_win_or_lose_among_three() -> None:
    game = LiarsDice(seats=3)
    end = after(game, "1x2", "2x2", "liar", state=Cup(((2,), (3,), (4,))))
    assert game.returns(end) == (0.0, -1.0, 1.0)


def test_the_second_to_be_asked_does_not_see_the_first_choice() -> None:
    for game, one, other in (
        (RockPaperScissors(), "rock", "paper"),
        (IteratedPrisonersDilemma(), "cooperate", "defect"),
    ):
        assert game.observe(after(game, one), 1) == game.observe(after(game, other), 1)
        assert game.observe(after(game, one), 0) != game.observe(after(game, other), 0)


def test_rounds_of_rock_paper_scissors_are_counted_against_each_other() -> None:
    game = RockPaperScissors(rounds=4)
    end = after(game, "rock", "scissors", "paper", "rock", "paper", "scissors", "rock", "rock")
    assert game.returns(end) == (0.25, -0.25)


def test_payoffs_of_the_prisoners_dilemma_are_means_over_rounds() -> None:
    game = IteratedPrisonersDilemma(rounds=4)
    end = after(game, *["cooperate"] * 2, "cooperate", "defect", "defect", "cooperate", *["defect"] * 2)
    assert game.returns(end) == (9 / 4, 9 / 4)
    halfway = after(game, "defect", "cooperate", "defect", "cooperate")
    assert game.forfeit(halfway, (1,)) == ((5 + 5 + 1 + 1) / 4, 0.0)


def test_the_length_of_a_stopped_match_is_geometric_and_not_told() -> None:
    game = IteratedPrisonersDilemma(rounds=50, stop=0.25)
    starts = [game.initial(RNG) for _ in range(4000)]
    assert np.mean([start.length for start in starts]) == pytest.approx(4, abs=0.25)
    assert len({game.observe(start, 0) for start in starts}) == 1
    assert game.terminal(after(game, "defect", "defect", state=starts[0]._replace(length=1)))


def test_shares_are_worth_their_owners_values_in_a_negotiation() -> None:
    game = Negotiation()
    start = Table((1, 2, 3), ((4, 3, 0), (1, 0, 3)))
    end = after(game, "keep 1 2 0", "accept", state=start)
    assert game.returns(end) == (1.0, 0.9)
    assert game.returns(after(game, "keep 1 2 3", "keep 0 0 3", "accept", state=start)) == (1.0, 0.9)
    assert game.returns(after(game, *["keep 1 2 3"] * 10, state=start)) == (0.0, 0.0)
    assert game.parse(start, "accept") == "there is no offer yet to accept"
    assert game.parse(start, "keep 2 0 0") == "the pool holds 1 book, 2 hats, 3 balls"
    assert "is no action" in str(game.parse(start, "keep 1 2"))


def test_every_pool_is_worth_ten_to_both_and_items_differ() -> None:
    for kinds in (2, 3, 4):
        game = Negotiation(kinds)
        starts = [game.initial(RNG) for _ in range(300)]
        for start in starts:
            assert all(sum(n * v for n, v in zip(start.pool, values, strict=True)) == 10 for values in start.values)
        assert sum(start.values[0] != start.values[1] for start in starts) > 150
        assert len(starts[0].pool) == kinds


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: TicTacToe(1), "size is from 2 to 9"),
        (lambda: TicTacToe(3, 4), "in_row is None or from 2 to 3"),
        (lambda: ConnectFour(13), "rows and columns are from 2 to 12"),
        (lambda: ConnectFour(4, 4, 5), "in_row is from 2 to 4"),
        (lambda: Nim(()), "piles are"),
        (lambda: Nim((0,)), "piles are"),
        (lambda: Othello(5), "size is 4, 6, 8 or 10"),
        (lambda: KuhnPoker(2), "cards is from 3 to 13"),
        (lambda: LeducPoker(2), "ranks is from 3 to 13"),
        (lambda: LiarsDice(seats=7), "seats is from 2 to 6"),
        (lambda: RockPaperScissors(0), "rounds is from 1 to 100"),
        (lambda: IteratedPrisonersDilemma(stop=1.0), "stop is from 0 to below 1"),
        (lambda: Negotiation(5), "kinds is from 2 to 4"),
    ],
)
def test_knobs_out_of_range_are_refused(make: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        make()
