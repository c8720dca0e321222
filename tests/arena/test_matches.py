"""Matches of agents in games: who is asked when, what is logged, and that the log can be played again."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from palaestra.agents.agent import Dialogue, Reply
from palaestra.agents.engine import Completion, Outgrown
from palaestra.arena import matches
from palaestra.arena.anchors import Anchor, board_row, matches_against, versus
from palaestra.arena.environments import Environments
from palaestra.arena.evaluate import Evaluation
from palaestra.arena.leaderboard import Board, merged
from palaestra.arena.matches import MatchJob, illegal_moves, play_matches
from palaestra.arena.replay import replay
from palaestra.arena.self_play import in_seat, of_seat, seated, seats_of
from palaestra.envs.games import game_ids, make_game
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Actor, EpisodeStore, views
from palaestra.verifiers import Status

NIM = "palaestra/Nim-v0"
KUHN = "palaestra/KuhnPoker-v0"


def job(env_id: str, *players: str, number: int = 0, **knobs: Any) -> MatchJob:
    return MatchJob(f"{number}", env_id, knobs, number, f"{number}", players, number)


class Sampler:
    """Says one thing in tokens, and remembers how many dialogues it was asked at a time."""

    def __init__(self, text: str, name: str = "sampler") -> None:
        self.text, self.actor, self.asked = text, Actor(name, "w"), list[int]()

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        self.asked.append(len(dialogues))
        completion = Completion((7, 2), (-0.5, -0.25), "stop", 3)
        return [Reply(self.text, (completion,), (1, 2, len(d.messages[0].content))) for d in dialogues]


class Endless:
    """The least of a PettingZoo game: two agents in turn, for ever, or until one of them is cut off."""

    def __init__(self, cut_after: int | None = None) -> None:
        self.cut_after = cut_after
        self.possible_agents = ["north", "south"]

    def reset(self, seed: int) -> None:
        self.agents, self.moves, self.agent_selection = list(self.possible_agents), 0, "north"
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations, self.truncations = dict.fromkeys(self.agents, False), dict.fromkeys(self.agents, False)
        self.infos: dict[str, dict[str, Any]] = {name: {} for name in self.agents}

    def observe(self, agent: str) -> str:
        return f"{agent}, move {self.moves}"

    def step(self, action: str) -> None:
        self.rewards = {name: float(name == self.agent_selection) for name in self.agents}
        self.moves += 1
        self.agent_selection = self.possible_agents[self.moves % 2]
        if self.moves == self.cut_after:
            self.truncations = dict.fromkeys(self.agents, True)


def test_each_agent_is_asked_once_for_all_matches_that_wait_for_it() -> None:
    one, other = Sampler("take 1 from pile 1", "one"), Sampler("take 1 from pile 2", "other")
    jobs = [job(NIM, "one", "other", number=n, piles=(1, 1)) for n in range(5)]
    jobs += [job(NIM, "other", "one", number=n, piles=(1, 1)) for n in range(5, 8)]
    episodes = list(play_matches({"one": one, "other": other}, jobs))
    assert one.asked == [5, 3]
    assert other.asked == [3, 5]
    assert {episode.roles["player_0"].agent_id for episode in episodes} == {"one", "other"}


def test_fewer_slots_than_matches_play_them_all() -> None:
    agents = {name: Anchor(name) for name in ("optimal", "random")}
    jobs = [job(KUHN, "optimal", "random", number=n) for n in range(9)]
    few = {episode.id: episode for episode in play_matches(agents, jobs, slots=2)}
    many = {episode.id: episode for episode in play_matches(agents, jobs)}
    assert len(few) == 9
    assert [few[id].turns for id in sorted(few)] == [many[id].turns for id in sorted(many)]


def test_a_match_is_an_episode_with_the_turns_actors_and_returns_of_all_roles() -> None:
    agents = {"one": Sampler("take 1 from pile 1", "one"), "other": Sampler("take 1 from pile 2", "other")}
    (episode,) = play_matches(agents, [job(NIM, "one", "other", piles=(1, 1))], {"phase": "test"})
    assert [turn.role for turn in episode.turns] == ["player_0", "player_1"]
    assert episode.roles == {"player_0": Actor("one", "w"), "player_1": Actor("other", "w")}
    assert {role: outcome.reward for role, outcome in episode.outcome.items()} == {"player_0": 1.0, "player_1": -1.0}
    assert episode.outcome["player_1"].status is Status.WRONG
    assert episode.turns[0].action_ids == (7, 2)
    assert episode.turns[0].logprobs == (-0.5, -0.25)
    assert (episode.turns[0].weights_version, episode.turns[0].finish_reason) == (3, "stop")
    assert [turn.verdicts[0].score for turn in episode.turns] == [1.0, 0.0]
    assert (episode.terminated, episode.truncated, episode.tags) == (True, False, {"phase": "test"})


@pytest.mark.parametrize("env_id", game_ids())
def test_a_log_of_any_game_is_played_again_exactly(env_id: str, tmp_path: Path) -> None:
    seats = len(make_game(env_id).possible_agents)
    agents = {"random": Anchor("random"), "greedy": Anchor("greedy")}
    jobs = [job(env_id, *(("random", "greedy") * seats)[:seats], number=n) for n in range(3)]
    played = list(play_matches(agents, jobs))
    store = EpisodeStore(tmp_path)
    store.append(played)
    back = list(store.read())
    assert back == played
    assert [difference for _, found in replay(back) for difference in found] == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda e: replace(e, seed=e.seed + 1), "observation 0"),
        (lambda e: replace(e, turns=(replace(e.turns[0], text="bet"), *e.turns[1:])), "observation 1|turn|reward"),
        (lambda e: replace(e, turns=(replace(e.turns[0], role="player_1"), *e.turns[1:])), "role 0"),
        (lambda e: replace(e, outcome={**e.outcome, "player_1": e.outcome["player_0"]}), "player_1's reward"),
        (lambda e: replace(e, turns=(*e.turns[:-1], replace(e.turns[-1], verdicts=()))), "player_.'s verdict"),
        (lambda e: replace(e, turns=(replace(e.turns[0], meta={"illegal": "no"}), *e.turns[1:])), "refusal 0"),
        (lambda e: replace(e, turns=(*e.turns, e.turns[-1])), "after the end"),
        (lambda e: replace(e, turns=e.turns[:-1]), "terminated"),
    ],
)
def test_what_was_tampered_with_is_found(change: Any, told: str) -> None:
    agents = {"always": Sampler("pass", "always")}
    (episode,) = play_matches(agents, [job(KUHN, "always", "always")])
    differences = [str(difference) for _, found in replay([change(episode)]) for difference in found]
    assert any(re.search(told, difference) for difference in differences), differences


def test_refused_answers_are_counted_and_the_forfeit_costs_what_the_game_declares() -> None:
    agents = {"mute": Sampler("I would rather not", "mute"), "optimal": Anchor("optimal")}
    (episode,) = play_matches(agents, [job(KUHN, "mute", "optimal")])
    assert [turn.role for turn in episode.turns] == ["player_0"] * 3
    assert illegal_moves(episode, "player_0") == 3
    assert illegal_moves(episode, "player_1") == 0
    assert episode.outcome["player_0"].reward == -2.0
    assert "forfeit" in episode.outcome["player_0"].reason
    assert "refused" in episode.turns[1].observation


def test_an_agent_that_always_forfeits_is_scored_and_replayed() -> None:
    agents = {"mute": Sampler("", "mute"), "random": Anchor("random")}
    jobs = matches_against(NIM, {"piles": (1, 2)}, "mute", "random", 6)
    episodes = list(play_matches(agents, jobs))
    found = versus(episodes, "mute", "random")
    assert (found.won, found.drawn, found.lost, found.mean_return) == (0.0, 0.0, 1.0, -1.0)
    assert found.illegal == 3.0
    assert board_row(episodes, "mute", "random", "mute").score == 0.0
    assert not [difference for _, found in replay(episodes) for difference in found]


@pytest.mark.parametrize("game", ["RockPaperScissors", "IteratedPrisonersDilemma"])
def test_a_forfeit_that_ends_a_match_only_with_the_others_move_is_replayed(game: str) -> None:
    agents = {"mute": Sampler("", "mute"), "random": Anchor("random")}
    episodes = list(play_matches(agents, matches_against(f"palaestra/{game}-v0", {}, "mute", "random", 2)))
    assert not [difference for _, found in replay(episodes) for difference in found]
    first = episodes[0]
    last = max(number for number, turn in enumerate(first.turns) if turn.role == "player_0")
    assert "forfeit" in first.turns[last].meta["illegal"]
    turns = [replace(turn, meta={}) if number == last else turn for number, turn in enumerate(first.turns)]
    ((_, found),) = replay([replace(first, turns=tuple(turns))])
    assert [difference.what for difference in found] == [f"refusal {last}"]


def test_a_game_that_never_ends_is_cut_off_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matches, "MAX_MATCH_TURNS", 7)
    tables = Environments(lambda id, **knobs: Endless())
    (episode,) = play_matches({"a": Sampler("on", "a")}, [job("endless", "a", "a")], tables=tables)
    assert len(episode.turns) == 7
    assert (episode.terminated, episode.truncated) == (False, True)
    assert all(math.isnan(outcome.reward) for outcome in episode.outcome.values())
    assert versus([episode], "a", "a").n == 0


def test_a_match_that_outgrows_an_agent_is_cut_off_and_the_others_go_on() -> None:
    class Narrow(Anchor):
        """Has no room for the question of the second match's third turn."""

        def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
            if any(one.seed == derive_seed(1, 2) for one in dialogues):
                raise Outgrown("no room")
            return super().respond(dialogues)

    jobs = [job(NIM, "random", "random", number=n) for n in range(4)]
    whole = {episode.id: episode for episode in play_matches({"random": Anchor("random")}, jobs)}
    short = {episode.id: episode for episode in play_matches({"random": Narrow("random")}, jobs)}
    cut = short.pop("1")
    assert [episode.turns for _, episode in sorted(short.items())] == [whole[id].turns for id in ("0", "2", "3")]
    assert [turn.text for turn in cut.turns] == [turn.text for turn in whole["1"].turns[:2]]
    assert (cut.terminated, cut.truncated, cut.turns[-1].meta["outgrown"]) == (False, True, True)
    assert {outcome.status for outcome in cut.outcome.values()} == {Status.UNDECIDED}
    assert not [difference for _, found in replay([cut, *short.values()]) for difference in found]


def test_a_game_that_cuts_itself_off_is_undecided_too() -> None:
    tables = Environments(lambda id, **knobs: Endless(cut_after=4))
    (episode,) = play_matches({"a": Sampler("on", "a")}, [job("endless", "a", "a")], tables=tables)
    assert len(episode.turns) == 4
    assert episode.truncated
    assert [turn.reward for turn in episode.turns] == [1.0] * 4
    assert episode.outcome["north"].status is Status.UNDECIDED


def test_wrong_tables_are_told() -> None:
    agents = {"random": Anchor("random"), "clever": Anchor("clever"), "otimal": Anchor("otimal")}
    with pytest.raises(ValueError, match=r"has 2 seats \(player_0, player_1\), not 1"):
        list(play_matches(agents, [job(NIM, "random")]))
    with pytest.raises(ValueError, match="no agent 'nobody' for 0: there are random"):
        list(play_matches(agents, [job(NIM, "random", "nobody")]))
    with pytest.raises(ValueError, match=r"unknown player: 'otimal' \(did you mean 'optimal'\?\)"):
        list(play_matches(agents, [job(NIM, "otimal", "random")]))


def test_held_out_matches_deal_the_same_to_both_seats_and_to_everybody() -> None:
    jobs = matches_against(KUHN, {}, "me", "optimal", 10)
    others = matches_against(KUHN, {}, "another", "optimal", 10)
    assert [job.seed for job in jobs] == [job.seed for job in others]
    assert [job.players.index("me") for job in jobs] == [0, 1] * 5
    assert all(one.seed == other.seed for one, other in zip(jobs[::2], jobs[1::2], strict=True))
    assert len({job.seed for job in jobs}) == 5


def test_an_agent_may_have_a_policy_for_each_seat() -> None:
    agents = {"me": Sampler("a", "me"), in_seat("me", 1): Sampler("b", "me"), "random": Anchor("random")}
    against = matches_against(NIM, {"piles": (1, 2)}, "me", "random", 4)
    jobs = [*seated(against, "me", agents), *seated([job(NIM, "me", "me", piles=(1, 2))], "me", agents)]
    assert [one.players for one in jobs[3:]] == [("random", "me, seat 1"), ("me", "me, seat 1")]
    assert seated(against, "me", {"me", "random"}) == against  # one policy in all seats
    episodes = list(play_matches(agents, jobs))
    said = {(turn.role, turn.text) for e in episodes for turn in e.turns if e.roles[turn.role].agent_id == "me"}
    assert said == {("player_0", "a"), ("player_1", "b")}
    rows = views.matches(episodes, "me").rows
    assert {row.role for row in of_seat(rows, episodes, 1)} == {"player_1"}
    assert len(of_seat(rows, episodes, 0)) + len(of_seat(rows, episodes, 1)) == len(rows)
    assert (seats_of(NIM), of_seat(rows, episodes, 2)) == (2, [])


def test_the_optimal_player_gets_the_games_value_from_itself_and_beats_the_random_one() -> None:
    agents = {"me": Anchor("optimal", "me"), "random": Anchor("random"), "optimal": Anchor("optimal")}
    drawn = list(play_matches(agents, matches_against("palaestra/TicTacToe-v0", {}, "me", "optimal", 4)))
    assert versus(drawn, "me", "optimal").drawn == 1.0
    assert board_row(drawn, "me", "optimal", "me").score == 0.5
    won = list(play_matches(agents, matches_against(NIM, {}, "me", "random", 40)))
    row = board_row(won, "me", "random", "me")
    assert row.env_id == "palaestra/Nim-vs-random-v0"
    assert row.score > 0.9


def test_rows_of_a_game_with_other_knobs_or_deals_are_not_ranked_together() -> None:
    def row(name: str, number: int, **knobs: Any) -> Evaluation:
        agents = {name: Anchor("random", name), "optimal": Anchor("optimal")}
        return board_row(
            list(play_matches(agents, matches_against(NIM, knobs, name, "optimal", number))), name, "optimal", name
        )

    rows = [row("a", 4), row("b", 4), row("c", 4, piles=(1, 2)), row("d", 8)]
    together = merged([Board([one]) for one in rows])
    environments = {one.agent: one.env_id for one in together.rows}
    assert environments["a"] == environments["b"]
    assert len(set(environments.values())) == 3
    assert environments["d"].startswith("palaestra/Nim-vs-optimal-v0 (8 matches, ")
    assert merged([Board(rows[:1]), Board(rows[1:2])]).environments == ["palaestra/Nim-vs-optimal-v0"]
