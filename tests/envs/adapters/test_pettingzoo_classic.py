"""PettingZoo's own classic games as games of this package."""

from __future__ import annotations

import importlib
import pickle
import pkgutil
import random
import re
import sys
import warnings
from typing import Any

import numpy as np
import pytest

from palaestra.envs.adapters import pettingzoo_classic as adapter
from palaestra.envs.adapters.pettingzoo_classic import PettingZooGame, Position
from palaestra.envs.adapters.viewed_game import Unplayable, View
from palaestra.envs.games.environment import GameEnv
from palaestra.envs.games.registration import make_game
from palaestra.envs.games.testing import CHECKS, check_game
from palaestra.envs.registration import UnknownEnvironment, make_any
from palaestra.verifiers.optional import MissingLibrary

GAMES = adapter.names()
SMALL = {"go-v5": "board_size=5", "rps-v2": "max_cycles=3"}  # parameters that make games short
CARDS = ("leduc_holdem-v4", "texas_holdem-v4", "texas_holdem_no_limit-v6")
SEEDS = ("same seed, interleaved", "snapshot and restore, every step")


def make(name: str, **knobs: Any) -> GameEnv:
    return make_game(f"pettingzoo_classic/{name}", **{"parameters": SMALL.get(name, ""), **knobs})


def game(name: str, parameters: str = "") -> PettingZooGame:
    found = make(name, parameters=parameters).game
    assert isinstance(found, PettingZooGame)
    return found


def theirs(name: str, **settings: Any) -> Any:
    """Their own environment, with the wrappers that it comes in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(f"pettingzoo.classic.{name.replace('-', '_')}").env(**settings)


def played(one: PettingZooGame, seed: int) -> list[Position]:
    """The positions of a random game."""
    rng = np.random.default_rng(seed)
    positions = [one.initial(rng)]
    while not one.terminal(positions[-1]):
        positions.append(one.act(positions[-1], one.sample(positions[-1], rng)))
    return positions


def test_every_classic_game_is_there() -> None:
    package = importlib.import_module("pettingzoo.classic")
    modules = {found.name for found in pkgutil.iter_modules(package.__path__) if re.search(r"_v\d+$", found.name)}
    assert {name.replace("-", "_") for name in GAMES} == modules
    assert len(GAMES) == 9


@pytest.mark.parametrize("name", [name for name in GAMES if name != "chess-v6"])
def test_the_conformance_kit_passes(name: str) -> None:
    report = check_game(f"pettingzoo_classic/{name}", seeds=range(1), parameters=SMALL.get(name, ""))
    assert report.ok, report


def test_the_checks_of_seeds_and_snapshots_pass_in_chess() -> None:
    for check in SEEDS:
        CHECKS[check](game("chess-v6"), [0])


@pytest.mark.parametrize("name", GAMES)
def test_a_game_is_theirs_move_by_move(name: str) -> None:
    one = game(name)
    *_, last = played(one, 1)
    env = theirs(name)
    env.reset(seed=last.seed)
    totals = dict.fromkeys(env.possible_agents, 0.0)
    for k, number in enumerate(last.history):
        position = last._replace(history=last.history[:k])
        assert env.agent_selection == one.players[one.player(position)]
        observation = env.observe(env.agent_selection)
        if isinstance(observation, dict):
            mask = np.flatnonzero(observation["action_mask"]).tolist()
            assert sorted(one.menu(position).values()) == mask
        env.step(number)
        for agent, reward in env.rewards.items():
            totals[agent] += reward
    assert any(env.terminations.values()) or any(env.truncations.values())
    assert dict(zip(one.players, one.returns(last), strict=True)) == totals


def test_actions_have_the_names_of_their_games() -> None:
    first = {name: set(make_legal(name)) for name in GAMES}
    assert first["tictactoe-v3"] == set("012345678")
    assert first["connect_four-v3"] == set("0123456")
    assert first["rps-v2"] == {"rock", "paper", "scissors"}
    assert {"e2e4", "g1f3"} <= first["chess-v6"]
    assert {"a1", "e5", "pass"} <= first["go-v5"]
    assert first["leduc_holdem-v4"] == {"call", "raise", "fold"}
    assert {"fold", "check call", "all in"} <= first["texas_holdem_no_limit-v6"]
    assert {"play 0", "discard 4"} & first["hanabi-v5"]


def make_legal(name: str) -> tuple[str, ...]:
    env = make(name)
    env.reset(seed=0)
    legal: tuple[str, ...] = env.infos[env.agent_selection]["legal_actions"]
    return legal


def test_a_game_by_hand() -> None:
    env = make("tictactoe-v3")
    env.reset(seed=0)
    env.step("4")
    assert "0 3 6\n1 x 7\n2 5 8" in env.observe("player_2")
    env.step("4")
    assert "'4' is no legal action here" in env.observe("player_2")
    for cell in ("0", "\\boxed{3}", "1", "5"):
        assert not any(env.terminations.values())
        env.step(cell)
    assert env.rewards == {"player_1": 1.0, "player_2": -1.0}


def test_illegal_moves_never_reach_their_environment_and_forfeit() -> None:
    env = make("chess-v6", illegal_retries=1)
    env.reset(seed=0)
    env.step("e2e5")
    assert env.agent_selection == "player_0"
    env.step("e2e4 or d2d4")
    assert env.rewards == {"player_0": -1.0, "player_1": 1.0}


def test_the_fools_mate() -> None:
    env = make("chess-v6")
    env.reset(seed=0)
    for move in ("f2f3", "e7e5", "g2g4", "d8h4"):
        env.step(move)
    assert env.rewards == {"player_0": -1.0, "player_1": 1.0}
    assert "rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w" in env.observe("player_0")


def test_a_pawn_becomes_what_the_move_says() -> None:
    env = make("chess-v6")
    env.reset(seed=0)
    for move in ("a2a4", "b7b5", "a4b5", "a7a6", "b5a6", "h7h6", "a6a7", "h6h5"):
        env.step(move)
    assert {"a7b8q", "a7b8n", "a7b8r", "a7b8b"} <= set(env.infos["player_0"]["legal_actions"])
    env.step("a7b8n")
    assert "8 r N b q k b n r" in env.observe("player_1")


@pytest.mark.parametrize("name", CARDS)
def test_a_players_text_holds_no_other_hand(name: str) -> None:
    one = game(name)
    for seed in range(5):
        for position in played(one, seed)[:-1]:
            hands = {line for line in one.show(position).split("\n") if "Hand: " in line}
            assert len(hands) == 2
            for player in (0, 1):
                told = one.seen(position, player).text.split("\n")
                assert [line.split()[0] for line in told if "Hand: " in line] == [f"player_{player}"]


def test_hanabi_hides_the_own_hand() -> None:
    one = game("hanabi-v5")
    position = one.initial(np.random.default_rng(0))
    assert one.seen(position, 0).text.count("XX || XX") == 5
    assert one.seen(position, 0).text != one.seen(position, 1).text


@pytest.mark.parametrize("name", CARDS)
def test_resampling_deals_other_hands_and_keeps_what_the_player_knows(name: str) -> None:
    one = game(name)
    rng = np.random.default_rng(0)
    position = one.act(one.initial(rng), "check call" if "no_limit" in name else "call")
    others = [one.resample(position, 0, rng) for _ in range(30)]
    assert {one.seen(other, 0) for other in others} == {one.seen(position, 0)}
    assert len({one.seen(other, 1) for other in others if isinstance(other, Position)}) >= 3
    for other in others:
        while not one.terminal(other):  # until all cards that come are open
            other = one.act(other, next(text for text in one.legal(other) if text in ("check", "call", "check call")))
        cards = re.findall(r"\w+ of \w+", one.show(other))
        assert len(set(cards)) == len(cards)


def test_an_open_round_hides_the_others_choice() -> None:
    one = game("rps-v2")
    first = one.initial(np.random.default_rng(0))
    rock, paper = one.act(first, "rock"), one.act(first, "paper")
    assert one.seen(rock, 1) == one.seen(paper, 1)
    assert one.seen(rock, 0) != one.seen(paper, 0)
    assert "Round 1: player_0 rock, player_1 paper." in one.show(one.act(rock, "paper"))


def test_bets_stay_within_the_bounds_declared() -> None:
    for name, raised in (("leduc_holdem-v4", "raise"), ("texas_holdem-v4", "raise"), (CARDS[2], "all in")):
        one = game(name)
        most = 0.0
        for seed in range(12):
            position = one.initial(np.random.default_rng(seed))
            while not one.terminal(position):
                legal = one.legal(position)
                position = one.act(position, next(text for text in (raised, "call", "check call") if text in legal))
            most = max(most, *one.returns(position))
        assert most == one.highest == -one.lowest


def test_boards_of_other_sizes_do_not_disturb_each_other() -> None:
    """Their Go keeps the size in global variables: the environment made last has its way."""
    base = importlib.import_module("pettingzoo.classic.go.go_base")
    alone = played(game("go-v5", "board_size=5"), 3)
    raw = theirs("go-v5", board_size=7)
    raw.reset(seed=0)
    env, other = make("go-v5", parameters="board_size=5"), make("go-v5", parameters="board_size=9,komi=5.5")
    rng = random.Random(0)
    env.reset(seed=1)
    other.reset(seed=1)
    for _ in range(20):
        for one in (env, other):
            one.step(rng.choice(one.infos[one.agent_selection]["legal_actions"][:-1]))
        assert base.N == 7
    assert env.observe("black_0").count("\n") < other.observe("black_0").count("\n")
    adapter._known.clear()
    assert played(game("go-v5", "board_size=5"), 3) == alone


def test_a_position_alone_is_enough_to_go_on() -> None:
    for name in GAMES:
        env = make(name)
        env.reset(seed=4)
        for _ in range(4):
            if not any(env.terminations.values()):
                env.step(env.infos[env.agent_selection]["legal_actions"][0])
        before = [env.observe(agent) for agent in env.possible_agents]
        state = pickle.loads(pickle.dumps(env.snapshot()))
        adapter._known.clear()
        twin = make(name)
        twin.restore(state)
        assert [twin.observe(agent) for agent in twin.possible_agents] == before


def test_a_copy_goes_its_own_way() -> None:
    for name in GAMES:
        one = game(name)
        position = one.initial(np.random.default_rng(2))
        text = one.show(position)
        for action in one.legal(position)[:2]:
            one.terminal(one.act(position, action))
        assert one.show(position) == text


def test_a_view_is_no_position() -> None:
    one = game("leduc_holdem-v4")
    view = one.seen(one.initial(np.random.default_rng(0)), 0)
    assert isinstance(view, View)
    for use in (one.returns, lambda state: one.act(state, "call")):
        with pytest.raises(TypeError, match="a view is no position"):
            use(view)


def test_what_cannot_be_played_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownEnvironment, match="nearest: pettingzoo_classic/tictactoe-v3"):
        make("tictactoe-v2")
    with pytest.raises(Unplayable, match="does not make rps_v2 with 'num_actions=4'"):
        make("rps-v2", parameters="num_actions=4")
    monkeypatch.setitem(sys.modules, "rlcard", None)
    adapter._imported.cache_clear()
    with pytest.raises(MissingLibrary, match=r"pip install 'palaestra\[pettingzoo-classic\]'"):
        adapter._imported("leduc_holdem_v4")


def test_a_game_that_the_opponent_ends_before_ones_turn_is_dealt_anew() -> None:
    """In Leduc hold'em the one who begins may fold at once."""
    env = make_any("pettingzoo_classic/leduc_holdem-vs-random-v4")
    for seed in range(40):
        first, info = env.reset(seed=seed)
        assert info["legal_actions"]
        assert info["seed"] == seed
        env.step(f"\\boxed{{{info['legal_actions'][0]}}}")
        assert env.reset(seed=seed)[0] == first
