"""The table: turns, refusals, forfeits, verdicts, snapshots."""

from __future__ import annotations

from typing import Any

import pytest

from palaestra.envs import TextObs, UnknownEnvironment, UnknownKnob
from palaestra.envs.games import GameEnv, TicTacToe, game_ids, make_game, register_game
from palaestra.envs.games.game import MAX_ANSWER_CHARS
from palaestra.verifiers import Status


def table(id: str = "palaestra/TicTacToe-v0", seed: int = 0, **knobs: Any) -> GameEnv:
    env = make_game(id, **knobs)
    env.reset(seed=seed)
    return env


def say(env: GameEnv, *texts: str) -> None:
    for text in texts:
        env.step(text)


def test_a_game_is_won_and_judged() -> None:
    env = table()
    say(env, "1", "4", "2", "5", "\\boxed{3}")
    assert env.rewards == {"player_0": 1.0, "player_1": -1.0}
    winner, loser = (env.infos[agent]["verdict"] for agent in env.agents)
    assert (winner.status, winner.score) == (Status.RIGHT, 1.0)
    assert (loser.status, loser.score) == (Status.WRONG, 0.0)
    assert env.observe("player_1").endswith("You are o. The game is over: x gets 1, o gets -1.")


def test_a_draw_scores_half_and_is_no_win() -> None:
    env = table()
    say(env, *"123546879")
    verdict = env.infos["player_0"]["verdict"]
    assert (verdict.status, verdict.score) == (Status.WRONG, 0.5)


def test_an_observation_is_text_with_rules_position_and_legal_actions() -> None:
    env = table()
    env.step("5")
    text = env.observe("player_1")
    assert isinstance(text, TextObs)
    assert text.startswith("Tic-tac-toe on a board of 3 by 3 cells.")
    assert "\n1 2 3\n4 x 6\n7 8 9\nYou are o. It is your turn.\nLegal actions: 1, 2, 3, 4, 6, 7, 8, 9." in text
    assert env.observe("player_0").endswith("You are x. It is the turn of o.")
    assert "Legal" not in table(list_legal=False).observe("player_0")


def test_a_refused_answer_leaves_the_turn_and_is_explained() -> None:
    env = table(illegal_retries=1)
    say(env, "5", "5")
    assert env.agent_selection == "player_1"
    assert env.infos["player_1"]["illegal"] == "cell 5 is taken by x"
    assert env.infos["player_1"]["tries_left"] == 1
    assert "refused: cell 5 is taken by x. Tries left before you forfeit: 1." in env.observe("player_1")
    assert "refused" not in env.observe("player_0")
    assert "illegal" not in env.infos["player_0"]
    say(env, "1", "2", "9")  # the count starts anew in every turn
    assert "illegal" not in env.infos["player_0"]
    say(env, "9", "9")
    assert env.rewards == {"player_0": -1.0, "player_1": 1.0}


def test_the_last_box_counts_however_the_action_is_written_and_not_in_too_long_an_answer() -> None:
    env = table()
    say(env, "\\boxed{1}, no: \\boxed{5}", "first \\boxed{\\text{ 1 }}", "x" * (MAX_ANSWER_CHARS - 9) + "\\boxed{9}")
    assert env.game.show(env.view()) == "o 2 3\n4 x 6\n7 8 x"
    env.step("x" * (MAX_ANSWER_CHARS - 8) + "\\boxed{2}")
    assert "characters" in env.infos["player_1"]["illegal"]
    env.step("\\boxed{5}")
    assert env.infos["player_1"]["illegal"] == "cell 5 is taken by x"


def test_the_last_refusal_forfeits() -> None:
    env = table(illegal_retries=2)
    say(env, "5", "5", "?", "five")
    assert env.rewards == {"player_0": 1.0, "player_1": -1.0}
    info = env.infos["player_1"]
    assert info["verdict"].reason.startswith("forfeit: 'five' is no action")
    assert info["illegal_actions"] == 3
    assert env.infos["player_0"]["illegal_actions"] == 0
    assert "The game is over: o forfeited." in env.observe("player_0")


def test_the_round_is_finished_before_a_forfeit_where_both_choose_at_once() -> None:
    env = table("palaestra/RockPaperScissors-v0", illegal_retries=0)
    say(env, "stone")
    assert not any(env.terminations.values())
    assert "stone" not in env.observe("player_1")
    say(env, "paper")
    assert env.rewards == {"player_0": -1.0, "player_1": 1.0}
    both = table("palaestra/RockPaperScissors-v0", illegal_retries=0)
    say(both, "stone", "sheet")
    assert both.rewards == {"player_0": 0.0, "player_1": 0.0}


def test_nobody_gains_by_the_forfeit_of_a_negotiation() -> None:
    env = table("palaestra/Negotiation-v0", illegal_retries=0)
    say(env, "give me all")
    assert env.rewards == {"player_0": 0.0, "player_1": 0.0}


def test_three_share_what_a_loser_forfeits() -> None:
    env = table("palaestra/LiarsDice-v0", seats=3, illegal_retries=0)
    say(env, "liar")
    assert env.rewards == {"player_0": -1.0, "player_1": 0.5, "player_2": 0.5}


def test_agents_leave_one_by_one_after_the_end() -> None:
    env = table()
    say(env, "1", "4", "2", "5", "3")
    env.step(None)
    assert env.agents == ["player_1"]
    assert env.rewards == {"player_1": 0.0}
    assert env.last()[1] == -1.0
    env.step(None)
    assert env.agents == []


def test_a_seed_deals_the_same_cards_again_and_neighbours_differ() -> None:
    deals = [table("palaestra/LeducPoker-v0", seed).snapshot().state for seed in range(200)]
    assert deals == [table("palaestra/LeducPoker-v0", seed).snapshot().state for seed in range(200)]
    assert len(set(deals)) == 24  # every deal of ranks
    unseeded = make_game("palaestra/LeducPoker-v0")
    unseeded.reset()
    assert unseeded.seed is not None


def test_the_seed_is_not_told_to_the_players() -> None:
    env = table("palaestra/KuhnPoker-v0", seed=12345)
    assert all("seed" not in info for info in env.infos.values())


def test_a_snapshot_restores_refusals_too_and_only_into_its_own_game() -> None:
    env, twin = table(), table(seed=5)
    say(env, "5", "nonsense")
    twin.restore(env.snapshot())
    assert twin.observe("player_1") == env.observe("player_1")
    say(env, "no", "no")
    say(twin, "no", "no")
    assert twin.rewards == env.rewards == {"player_0": 1.0, "player_1": -1.0}
    with pytest.raises(ValueError, match="cannot be restored into"):
        table("palaestra/Nim-v0").restore(env.snapshot())
    with pytest.raises(ValueError, match="cannot be restored into"):
        table(size=4).restore(env.snapshot())
    with pytest.raises(ValueError, match="cannot be restored into"):
        table(illegal_retries=0).restore(env.snapshot())


def test_a_snapshot_from_before_the_first_game_restores_that() -> None:
    env = table()
    env.restore(make_game("palaestra/TicTacToe-v0").snapshot())
    assert env.agents == []


def test_rendering_shows_the_whole_position() -> None:
    env = table("palaestra/KuhnPoker-v0", render_mode="ansi")
    shown = env.render()
    assert shown is not None
    assert "unknown" not in shown
    assert table().render() is None


def test_ids_and_knobs_are_checked_by_name() -> None:
    assert len(game_ids()) >= 10
    with pytest.raises(UnknownEnvironment, match="nearest: palaestra/TicTacToe-v0"):
        make_game("palaestra/TicTacTo-v0")
    with pytest.raises(UnknownKnob, match="did you mean 'size'"):
        make_game("palaestra/TicTacToe-v0", sizes=4)
    with pytest.raises(ValueError, match="belongs to an environment that is no game"):
        register_game("palaestra/Countdown-v0")(type("Other", (TicTacToe,), {}))
    with pytest.raises(ValueError, match=r"belongs to palaestra\.envs\.games\.tic_tac_toe:TicTacToe"):
        register_game("palaestra/TicTacToe-v0")(type("Other", (TicTacToe,), {}))
    with pytest.raises(TypeError, match="decorates a subclass"):
        register_game("palaestra/None-v0")(int)  # type: ignore[type-var]  # the error is the point
    with pytest.raises(TypeError, match=r"Other cannot be hashed, as games are: make it a @dataclass\(frozen=True\)"):
        register_game("palaestra/None-v0")(type("Other", (TicTacToe,), {"__hash__": None}))  # as a plain @dataclass has
    with pytest.raises(ValueError, match="illegal_retries is an integer of 0 or more"):
        make_game("palaestra/TicTacToe-v0", illegal_retries=-1)
    with pytest.raises(ValueError, match="render_mode is None or 'ansi'"):
        make_game("palaestra/TicTacToe-v0", render_mode="human")


def test_rules_and_legal_actions_may_be_left_untold() -> None:
    env = make_game("palaestra/Nim-v0", piles=(1, 2), tell_rules=False, list_legal=False)
    env.reset(seed=0)
    assert env.observe("player_0") == "pile 1: 1\npile 2: 2\nYou are player_0. It is your turn."
    env = make_game("palaestra/Nim-v0", piles=(1, 2), tell_rules=False, tell_turn=False)
    env.reset(seed=0)
    plain = "pile 1: 1\npile 2: 2\nYou are player_"
    assert [env.observe(f"player_{k}") for k in (0, 1)] == [f"{plain}0.", f"{plain}1."]
    env.step("nonsense")
    assert env.observe("player_0").startswith(f"{plain}0.\nYour last answer was refused: ")
