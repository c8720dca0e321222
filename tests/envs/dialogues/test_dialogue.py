"""Dialogues as environments, under an agent, in the log, and in the conformance kit."""

from __future__ import annotations

import itertools
import pickle
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from palaestra.agents.agent import Dialogue as Messages
from palaestra.agents.agent import Reply
from palaestra.agents.scripted import OracleAgent, RandomAgent
from palaestra.arena.evaluate import held_out
from palaestra.arena.replay import replay
from palaestra.arena.rescore import rescore
from palaestra.arena.rollout import rollout
from palaestra.envs import Problem, make, sample_problem
from palaestra.envs.audit import audit
from palaestra.envs.blind import SCRIPT, Blind, plans
from palaestra.envs.dialogue import Dialogue, DialogueEnv, State, Turn, last_action
from palaestra.envs.dialogues import Guess20
from palaestra.envs.subject import Subject
from palaestra.envs.testing import check_task, checks_of
from palaestra.episodes import Actor, EpisodeStore, Goal
from palaestra.verifiers import Status, right

GUESS, FLIP = "palaestra/Guess20-v0", "palaestra/BitFlip-v0"


class Stairs(Dialogue):
    """Say the digits shown one after the other, a digit a turn; ``go[d]``."""

    ceiling = 0.02
    costly = True  # so that the kit tries fewer problems

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        digits = [int(d) for d in rng.integers(10, size=4 + difficulty)]
        return Problem(f"Climb {digits}.", {"digits": digits, "turns": len(digits) + 2}, difficulty)

    def begin(self, problem: Problem) -> State:
        return ()

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        digits = problem.reference["digits"]
        if last_action(action, "go") != ("go", str(digits[len(state)])):
            return Turn("stumbled", state)
        state = (*state, digits[len(state)])
        return Turn(f"step {len(state)}", state, right("up") if len(state) == len(digits) else None)

    def act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        return f"go[{problem.reference['digits'][len(state)]}]"

    def weak_act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        return f"go[{rng.integers(10)}]" if rng.random() < 0.1 * len(state) else self.act(problem, state, "", rng)


def played(task: Dialogue, problem: Problem) -> list[str]:
    return [action for action, _ in task.demonstrate(problem, np.random.default_rng(0))]


def test_a_dialogue_is_played_turn_by_turn_to_its_verdict() -> None:
    env = DialogueEnv(Stairs(), difficulty=2)
    prompt, info = env.reset(seed=1)
    problem = info["problem"]
    assert (prompt, info["difficulty"], info["seed"]) == (problem.prompt, 2, 1)
    *actions, last = played(env.task, problem)
    for number, action in enumerate(actions, start=1):
        observation, reward, terminated, truncated, info = env.step(action)
        assert (observation, reward, terminated, truncated) == (f"step {number}", 0.0, False, False)
        assert "verdict" not in info
        assert env.observation_space.contains(observation)
    _, reward, terminated, truncated, info = env.step(last)
    assert (reward, terminated, truncated) == (1.0, True, False)
    assert info["verdict"].right
    assert info["problem"] is problem


def test_used_up_turns_are_wrong_not_truncated() -> None:
    env = DialogueEnv(Stairs())
    problem = env.reset(seed=1)[1]["problem"]
    ends = [env.step("")[2:] for _ in range(problem.reference["turns"])]
    assert [(terminated, truncated) for terminated, truncated, _ in ends[:-1]] == [(False, False)] * (len(ends) - 1)
    terminated, truncated, info = ends[-1]
    assert (terminated, truncated, info["verdict"].status) == (True, False, Status.WRONG)
    assert info["verdict"].reason == "no answer in 7 turns"


def test_misuse_is_refused_as_by_reasoning_env() -> None:
    env = make(GUESS)
    assert type(env) is DialogueEnv
    with pytest.raises(gymnasium.error.ResetNeeded, match="reset"):
        env.step("ask[size = huge]")
    env.reset(seed=0)
    with pytest.raises(TypeError, match="string, not int"):
        env.step(1)  # type: ignore[arg-type]
    env.step("guess[A1]")
    with pytest.raises(gymnasium.error.ResetNeeded, match="dialogue has ended"):
        env.step("guess[A1]")
    with pytest.raises(ValueError, match="seed"):
        env.reset(seed=-1)
    with pytest.raises(ValueError, match="max_prompt_chars"):
        make(GUESS, max_prompt_chars=10).reset(seed=0)


@pytest.mark.parametrize("action", ["\ud800 ask[size = huge]", "x" * 201])
def test_an_action_past_the_bounds_ends_the_dialogue_as_wrong(action: str) -> None:
    env = make(GUESS, max_answer_chars=200)
    env.reset(seed=0)
    _, reward, terminated, _, info = env.step(action)
    assert (reward, terminated, info["verdict"].status) == (0.0, True, Status.WRONG)


def test_an_observation_longer_than_the_space_is_an_error() -> None:
    class Talkative(Stairs):
        def turn(self, problem: Problem, state: State, action: str) -> Turn:
            return Turn("x" * 1000, state)

    env = DialogueEnv(Talkative(), max_prompt_chars=500)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="1000 characters: raise max_prompt_chars"):
        env.step("")


def test_restore_continues_from_any_turn_in_another_environment() -> None:
    env, other = make(GUESS), make(GUESS)
    problem = env.reset(seed=3)[1]["problem"]
    for action in played(Guess20(), problem):
        state = pickle.loads(pickle.dumps(env.snapshot()))
        expected = env.step(action)
        other.restore(state)
        assert other.step(action) == expected
    assert [env.reset() for _ in range(2)] == [other.reset() for _ in range(2)]
    for _ in range(15):
        env.step("")
    other.restore(env.snapshot())
    assert [other.step("")[2] for _ in range(5)] == [False, False, False, False, True]
    with pytest.raises(ValueError, match="cannot be restored"):
        other.restore(make(FLIP).snapshot())


def test_ansi_shows_the_last_turn() -> None:
    env = make(GUESS, render_mode="ansi")
    prompt, _ = env.reset(seed=1)
    assert env.render() == prompt
    env.step("ask[age = 3]")
    assert env.render() == f"{prompt}\nturn 1: ask[age = 3]\nNothing is known of 'age = 3': ask as ask[colour = red]."
    env.step("guess[nothing]")
    assert "wrong: guesses nothing" in (env.render() or "")


def test_gymnasium_makes_and_vectorises_dialogues() -> None:
    single = make(GUESS)
    envs = gymnasium.make_vec(GUESS, num_envs=2, vectorization_mode="sync")
    prompts, _ = envs.reset(seed=7)
    assert list(prompts) == [single.reset(seed=s)[0] for s in (7, 8)]
    seen, rewards, terminated, _, _ = envs.step(("ask[size = huge]", "guess[nothing]"))
    assert seen[0] in ("Yes.", "No.")
    assert (rewards.tolist(), terminated.tolist()) == ([0.0, 0.0], [False, True])
    envs.close()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("go[1]", ("go", "1")),
        ("I might GO[ 1 ] or\nAction: stop[now]", ("stop", "now")),
        ("go[1", None),
        ("forego[1]", None),
        ("go [1]", None),
        ("go[[1]]", None),
        ("go[a\nb]", None),
        ("go[1] " + "x" * (1 << 20), None),
        ("\u0261o[1]", None),
    ],
)
def test_the_last_action_counts(text: str, found: tuple[str, str] | None) -> None:
    assert last_action(text, "go", "stop") == found


def test_the_oracle_agent_plays_dialogues_and_the_log_replays(tmp_path: Path) -> None:
    store = EpisodeStore(tmp_path)
    for env_id in (GUESS, FLIP, "palaestra/CritiqueRepair-v0"):
        jobs = held_out(env_id, {}, (1, 5), 6)
        won = list(rollout(OracleAgent(), jobs))
        assert all(episode.outcome["reasoner"].status is Status.RIGHT for episode in won)
        assert all(episode.terminated and not episode.truncated for episode in won)
        store.append([*won, *rollout(RandomAgent(), jobs)])
    found = list(replay(store.read()))
    assert len(found) == 36
    assert [str(difference) for _, differences in found for difference in differences] == []
    rescored = list(rescore(store.read()))
    assert not any(one.changes or one.fault for one in rescored)
    assert sum(one.verdicts for one in rescored) == 36


@pytest.mark.parametrize("habit", ["direct", "check"])
def test_every_habit_wins_dialogues(habit: str) -> None:
    jobs = held_out(GUESS, {}, (3,), 5)
    for episode in rollout(OracleAgent({habit: 1}), jobs):
        assert episode.outcome["reasoner"].reward == 1.0
        assert len(episode.turns) > 2


class Flipper:
    """Flips the first bit, always."""

    actor = Actor("flipper")

    def respond(self, dialogues: list[Messages]) -> list[Reply]:
        return [Reply("flip[1]") for _ in dialogues]


def test_episodes_tell_desired_and_achieved_goal() -> None:
    (episode,) = rollout(Flipper(), held_out(FLIP, {"bits": 8}, (1,), 1))  # type: ignore[arg-type]
    assert episode.problem is not None
    start, goal = episode.problem.reference["start"], episode.problem.reference["goal"]
    assert len(episode.turns) == 8
    assert episode.goal == Goal(desired=goal, achieved=start)


def test_verify_takes_the_response_as_the_only_action() -> None:
    task = Guess20()
    problem = sample_problem(task, 0, 1)
    assert task.verify(problem, played(task, problem)[-1]).right
    assert task.verify(problem, "ask[size = huge]").reason == "no answer yet: the dialogue would go on"


def test_blind_plays_repeat_a_response_its_lines_or_a_script() -> None:
    assert plans("go[1]") == [["go[1]"]]
    assert plans("a\nb") == [["a\nb"], ["a", "b"]]
    assert plans(f'{SCRIPT}["a", "b"]\n{SCRIPT}["c"]') == [["a", "b"], ["b", "c"]]
    task = Stairs()
    problem = sample_problem(task, 0, 1)
    actions = played(task, problem)
    assert Blind(task).verify(problem, "\n".join(actions)).score == 1.0
    assert Blind(task).verify(problem, actions[0]).score == 0.0
    assert Blind(task, opening=-1).verify(problem, actions[-1]).score == 1.0


def test_a_good_dialogue_conforms_and_is_audited_blind() -> None:
    report = check_task(Stairs(), range(3))
    assert report.ok, str(report)
    assert any(row.name == "turns are pure functions" for row in report.rows)
    assert audit(Stairs(), problems=20, kinds=("null", "constant")).ok


class Forgetful(Stairs):
    calls = itertools.count()

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        turn = super().turn(problem, state, action)
        return Turn(f"{turn.observation} {next(self.calls)}", turn.state, turn.verdict)


class Mutable(Stairs):
    def begin(self, problem: Problem) -> State:
        return []

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        turn = super().turn(problem, tuple(state), action)
        state[:] = turn.state
        return Turn(turn.observation, state, turn.verdict)


class Generous(Stairs):
    def exhausted(self, problem: Problem, state: State) -> Any:
        return right("so long, and thanks")


class Endless(Stairs):
    def max_turns(self, problem: Problem) -> int:
        return 1000


class Loser(Stairs):
    def act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        return "go[-1]"


class Fragile(Stairs):
    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        return super().turn(problem, state, str(int(action)) if action.isdigit() else action.split("\n")[3])


class Sets(Stairs):
    def begin(self, problem: Problem) -> State:
        return {1, 2}


class Overpays(Stairs):
    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        turn = super().turn(problem, state, action)
        return Turn(turn.observation, turn.state, turn.verdict, 0.5)


@pytest.mark.parametrize(
    ("task", "name", "detail"),
    [
        (Forgetful, "turns are pure", "differs"),
        (Mutable, "turns are pure", "IndexError"),
        (Generous, "silence ends", "right"),
        (Generous, "cheats", "earns 1.000"),
        (Endless, "gymnasium", "1000 turns"),
        (Loser, "oracle scores 1", "no answer"),
        (Fragile, "hostile", "IndexError"),
        (Sets, "turns are pure", "TypeError"),
        (Overpays, "rewards", "a dialogue won earns 2.5"),
    ],
)
def test_a_bad_dialogue_is_caught(task: type[Dialogue], name: str, detail: str) -> None:
    check = next(check for known, check in checks_of(task()).items() if known.startswith(name))
    with pytest.raises(Exception) as caught:  # noqa: PT011
        check(Subject(task(), [0, 1]))
    assert detail in f"{caught.type.__name__}: {caught.value}"


def test_what_a_dialogue_of_ones_own_leaves_out_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    env = DialogueEnv(Stairs())
    env.reset(seed=0)
    monkeypatch.setattr(Stairs, "turn", lambda *given: ("stumbled", ()))
    with pytest.raises(TypeError, match=r"turn gives a Turn\(observation, state, verdict\), not \('stumbled'"):
        env.step("go[1]")
    monkeypatch.undo()
    monkeypatch.setattr(Stairs, "sample", lambda task, rng, level: Problem(f"Climb {rng.random()}", [1], level))
    with pytest.raises(TypeError, match=r'reference\["turns"\] says how many turns there are, not \[1\]'):
        Stairs().max_turns(sample_problem(Stairs(), 0, 1))
