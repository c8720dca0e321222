"""OpenSpiel's own games as games of this package."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections import Counter
from typing import Any

import numpy as np
import pyspiel
import pytest

from palaestra.envs.adapters import openspiel
from palaestra.envs.adapters.openspiel import Position, Unplayable, View
from palaestra.envs.games.registration import make_game
from palaestra.envs.games.testing import check_game
from palaestra.envs.registration import UnknownEnvironment


def game(name: str, **knobs: Any) -> openspiel.OpenSpielGame:
    found = make_game(f"open_spiel/{name}-v0", **knobs).game
    assert isinstance(found, openspiel.OpenSpielGame)
    return found


def played(one: openspiel.OpenSpielGame, seed: int) -> list[Position]:
    """The positions of a random game."""
    rng = np.random.default_rng(seed)
    position = one.initial(rng)
    positions = [position]
    while not one.terminal(position):
        position = one.act(position, one.sample(position, rng))
        positions.append(position)
    return positions


@pytest.mark.parametrize("name", ["tic_tac_toe", "kuhn_poker", "matrix_rps"])
def test_the_conformance_kit_passes(name: str) -> None:
    report = check_game(f"open_spiel/{name}-v0", seeds=range(2))
    assert report.ok, report


@pytest.mark.parametrize("name", ["leduc_poker", "liars_dice", "pig", "goofspiel", "connect_four"])
def test_every_position_is_openspiels_own_after_the_same_history(name: str) -> None:
    one = game(name, parameters="num_cards=4,imp_info=True" if name == "goofspiel" else "")
    theirs = pyspiel.load_game_as_turn_based(one._string)
    for seed in range(3):
        *before, last = played(one, seed)
        for position in before:
            state = theirs.new_initial_state()
            for action in position.history:
                state.apply_action(action)
            assert not state.is_chance_node()
            assert one.player(position) == state.current_player()
            assert len(one.legal(position)) == len(state.legal_actions())
        state = theirs.new_initial_state()
        for action in last.history:
            state.apply_action(action)
        assert state.is_terminal()
        assert list(one.returns(last)) == state.returns()


def test_a_position_is_plain_data_that_any_process_can_go_on_from() -> None:
    one = game("leduc_poker")
    for position in played(one, 1):
        again = pickle.loads(pickle.dumps(position))
        openspiel._known.clear()
        assert one.show(again) == one.show(position)
        assert again == position


def test_chance_falls_as_often_as_openspiel_says() -> None:
    one = game("kuhn_poker")
    rng = np.random.default_rng(0)
    deals = Counter(one.initial(rng).history for _ in range(3000))
    assert len(deals) == 6
    assert all(400 < count < 600 for count in deals.values())  # 500 expected, deviation 20


def test_a_view_tells_nothing_of_the_other_players_card() -> None:
    one = game("kuhn_poker")
    texts: dict[int, set[str]] = {}
    for seed in range(60):
        position = one.initial(np.random.default_rng(seed))
        mine = position.history[0]
        texts.setdefault(mine, set()).add(one.observe(position, 0))
        view = one.seen(position, 0)
        assert isinstance(view, View)
        assert one.legal(view) == ("pass", "bet")
        assert one.seen(position, 1).legal == ()
    assert {len(seen) for seen in texts.values()} == {1}
    assert len(texts) == 3


def test_resampling_keeps_what_the_player_knows_and_draws_the_rest() -> None:
    one = game("kuhn_poker")
    rng = np.random.default_rng(0)
    position = one.act(one.initial(rng), "bet")
    others = [one.resample(position, 1, rng) for _ in range(40)]
    assert {one.seen(other, 1) for other in others} == {one.seen(position, 1)}
    assert len({other.history[0] for other in others if isinstance(other, Position)}) == 2


def test_a_position_that_no_draw_fits_is_resampled_as_openspiel_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openspiel, "RESAMPLES", 0)
    one = game("leduc_poker")
    rng = np.random.default_rng(0)
    position = one.initial(rng)
    other = one.resample(position, 0, rng)
    assert isinstance(other, Position)
    assert one.seen(other, 0) == one.seen(position, 0)
    assert one.show(other) != one.show(position)


@pytest.mark.parametrize(("name", "parameters"), [("liars_dice", "numdice=9"), ("gin_rummy", "")])
def test_the_hidden_part_is_not_given_away_where_no_other_is_found(name: str, parameters: str) -> None:
    one = game(name, parameters=parameters)
    rng = np.random.default_rng(1)
    with pytest.raises(LookupError, match="player_0 cannot tell"):
        one.resample(one.initial(rng), 0, rng)


def test_what_falls_in_the_open_is_not_drawn_again() -> None:
    one = game("pig")
    position = played(one, 0)[5]
    other = one.resample(position, 0, np.random.default_rng(9))
    assert isinstance(other, Position)
    assert (other.history, other.chance == position.chance) == (position.history, False)


def test_actions_that_read_the_same_are_told_apart_by_number() -> None:
    spiel = pyspiel.load_game("chess").new_initial_state("4k3/8/8/8/8/2p5/1P1B4/4K3 w - - 0 1")
    captures = [text for text in openspiel._menu(spiel) if text.startswith("bxc3")]
    assert len(captures) == 2
    assert all(text.startswith("bxc3 #") for text in captures)


def test_parameters_change_the_game() -> None:
    assert len(game("connect_four", parameters="rows=4,columns=5").legal(played(game("connect_four"), 0)[0])) == 7
    small = game("connect_four", parameters="rows=4,columns=5")
    assert len(small.legal(small.initial(np.random.default_rng(0)))) == 5
    assert game("kuhn_poker", parameters="players=3").players == ("player_0", "player_1", "player_2")


def test_what_cannot_be_played_is_refused_with_the_reason() -> None:
    with pytest.raises(UnknownEnvironment, match="nearest: open_spiel/tic_tac_toe-v0"):
        game("tictactoe")
    for name, reason in {"blackjack": "is for one player", "negotiation": "draws its chance itself"}.items():
        with pytest.raises(Unplayable, match=reason):
            game(name)
    with pytest.raises(Unplayable, match="does not load"):
        game("connect_four", parameters="colour=5")


def test_names_are_of_games_that_can_be_played() -> None:
    found = openspiel.names()
    assert {"chess", "go", "backgammon", "goofspiel", "hex"} <= set(found)
    assert not {"blackjack", "negotiation"} & set(found)


def test_a_game_against_a_player_is_made_by_its_id_alone() -> None:
    """In a process of its own: here the game is known by now."""
    made = "import sys; from palaestra.envs.registration import make_any; print(make_any(sys.argv[1]).reset(seed=1)[0])"
    ids = ("open_spiel/breakthrough-vs-random-v0", "open_spiel/breakthrough-v0")
    said = [subprocess.run([sys.executable, "-c", made, id], capture_output=True, text=True) for id in ids]
    assert "You are player_0. It is your turn." in said[0].stdout, said[0].stderr
    assert said[1].stderr.strip().endswith("name an opponent, as open_spiel/breakthrough-vs-random-v0")
