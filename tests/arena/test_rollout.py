"""Many episodes at once, none waiting for another, each logged as it was played."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from palaestra.agents.chat import ChatFormat
from palaestra.agents.engine import Outgrown, Sampling
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.strategies.table import strategy_named
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.arena.replay import replay
from palaestra.arena.rollout import MAX_TURNS, Job, line_spans, rollout, solution_spans
from palaestra.envs import Problem, Task, UnknownEnvironment, make_task, register
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import EpisodeStore
from palaestra.verifiers import Status, Verdict, wrong

CHAIN = "palaestra/ChainArith-v0"


def jobs(*turns: int, env_id: str = "tests/Countup-v0", **kwargs: Any) -> list[Job]:
    """One job for each number of turns."""
    return [Job(f"{i}", env_id, kwargs, turns - 1, f"g{i}", agent_seed=i) for i, turns in enumerate(turns)]


def test_a_finished_episode_is_replaced_while_others_go_on(counter: Any) -> None:
    episodes = list(rollout(counter, jobs(7, 1, 1, 2, 1, 1, 1, 3), slots=2))
    assert [len(batch) for batch in counter.batches] == [2] * 7 + [1] * 3
    assert [len(batch[0].messages) for batch in counter.batches[:7]] == [1, 3, 5, 7, 9, 11, 13]
    assert sorted(episode.id for episode in episodes) == [str(i) for i in range(8)]
    assert episodes[0].id == "1"  # it ended first


def test_no_more_than_the_slots_are_ever_played(counter: Any) -> None:
    list(rollout(counter, jobs(*[7] * 9), slots=4))
    assert [len(batch) for batch in counter.batches] == [4] * 14 + [1] * 7


def test_jobs_are_drawn_only_when_a_slot_is_free(counter: Any) -> None:
    drawn: list[str] = []

    def stream() -> Any:
        for job in jobs(*[1] * 50):
            drawn.append(job.id)
            yield job

    episodes = rollout(counter, stream(), slots=3)
    next(episodes)
    assert drawn == ["0", "1", "2"]


def test_an_episode_of_several_turns_is_logged_as_it_was_played(counter: Any) -> None:
    (episode,) = rollout(counter, jobs(3), tags={"phase": "x"})
    assert [turn.observation for turn in episode.turns] == ["count to 3", "1 of 3", "2 of 3"]
    assert [turn.text for turn in episode.turns] == ["1", "2", "3"]
    assert [turn.reward for turn in episode.turns] == [pytest.approx(1 / 3)] * 3
    assert [len(turn.verdicts) for turn in episode.turns] == [0, 0, 1]
    outcome = episode.outcome["reasoner"]
    assert (outcome.reward, outcome.status, outcome.reason) == (pytest.approx(1), Status.RIGHT, "counted")
    assert (episode.terminated, episode.truncated) == (True, False)
    assert (episode.seed, episode.group_id, episode.tags) == (2, "g0", {"phase": "x"})
    assert episode.roles["reasoner"] == counter.actor
    assert episode.cost.verifier_calls == 1
    said = [message.content for message in counter.batches[-1][0].messages]
    assert said == ["count to 3", "1", "1 of 3", "2", "2 of 3"]


def test_each_turn_has_a_seed_of_its_own(counter: Any) -> None:
    list(rollout(counter, jobs(3, 3)))
    seeds = [dialogue.seed for batch in counter.batches for dialogue in batch]
    assert len(set(seeds)) == 6
    assert seeds[0] == derive_seed(0, 0)


def test_an_undecided_episode_has_no_reward(counter: Any) -> None:
    (episode,) = rollout(counter, jobs(2, ending="undecided"))
    assert math.isnan(episode.outcome["reasoner"].reward)
    assert episode.outcome["reasoner"].status is Status.UNDECIDED


def test_without_a_verdict_the_reward_decides(counter: Any, saying: Any) -> None:
    (one,) = rollout(counter, jobs(2, ending="silent"))
    (other,) = rollout(saying("x"), jobs(2, ending="silent"))
    assert (one.outcome["reasoner"].reward, one.outcome["reasoner"].status) == (1, Status.RIGHT)
    assert (other.outcome["reasoner"].reward, other.outcome["reasoner"].status) == (0, Status.WRONG)


def test_an_episode_that_never_ends_is_cut_off_and_undecided(counter: Any) -> None:
    (episode,) = rollout(counter, jobs(1, ending="never"))
    assert len(episode.turns) == MAX_TURNS
    assert (episode.terminated, episode.truncated) == (False, True)
    assert episode.outcome["reasoner"].status is Status.UNDECIDED


@pytest.mark.parametrize("strategy", ["", "step_back", "self_consistency:2", "chain_of_thought,step_back"])
def test_a_dialogue_that_outgrows_the_model_is_cut_off_and_the_others_go_on(tmp_path: Path, strategy: str) -> None:
    tokenizer = nano_tokenizer()
    model = nano_model(tokenizer, hidden=16, layers=1, heads=2)
    policy = PolicyLLM(TransformersEngine(model), ChatFormat(tokenizer), Sampling(max_tokens=8))
    play = [Job(f"{i}", "palaestra/Guess20-v0", {"split": "train"}, i, f"g{i}", agent_seed=i) for i in range(4)]
    agent = strategy_named(strategy, policy)
    (first, *_) = whole = list(rollout(agent, play))
    model.config.max_position_embeddings = len(first.turns[2].prompt_ids) + 8
    short = {episode.id: episode for episode in rollout(agent, play)}
    cut = short[first.id]
    assert len(short) == len(whole) == 4
    assert [turn.action_ids for turn in cut.turns] == [turn.action_ids for turn in first.turns[:3]]
    assert (cut.terminated, cut.truncated, cut.turns[-1].meta["outgrown"]) == (False, True, True)
    assert cut.outcome["reasoner"].status is Status.UNDECIDED
    EpisodeStore(tmp_path).append(list(short.values()), "short")
    assert not [difference for _, found in replay(EpisodeStore(tmp_path).read()) for difference in found]


def test_a_first_question_that_the_model_has_no_room_for_is_told() -> None:
    tokenizer = nano_tokenizer()
    model = nano_model(tokenizer, hidden=16, layers=1, heads=2)
    policy = PolicyLLM(TransformersEngine(model), ChatFormat(tokenizer), Sampling(max_tokens=4096))
    with pytest.raises(Outgrown, match="lower max_tokens"):
        list(rollout(policy, jobs(3)))


def test_environments_are_made_once_a_slot_kept_for_the_next_rollout_and_closed_at_the_end(
    counter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from palaestra.arena import environments as module

    made: list[Any] = []
    closed: list[Any] = []

    def make(id: str, **kwargs: Any) -> Any:
        env = plain(id, **kwargs)
        made.append(env)
        monkeypatch.setattr(env, "close", lambda: closed.append(env))
        return env

    plain = module.make_any
    monkeypatch.setattr(module, "make_any", make)
    mixed = [*jobs(*[1] * 20), *jobs(*[1] * 20, env_id=CHAIN)]
    with module.Environments() as environments:
        for _ in range(2):
            assert len(list(rollout(counter, mixed, slots=4, environments=environments))) == 40
        assert (len(made), closed) == (8, [])
    assert sorted(map(id, closed)) == sorted(map(id, made))
    list(rollout(counter, mixed, slots=4))
    assert len(closed) == len(made) == 16


@pytest.mark.parametrize(
    ("text", "kept"),
    [("\\boxed{1}" + "9" * 1_000_000, None), ("\ud800 \udfff", "? ?"), ("", ""), ("\x00\r\n\u2028", "\x00\r\n\u2028")],
    ids=["a megabyte", "lone surrogates", "nothing", "control characters"],
)
def test_hostile_answers_are_judged_logged_and_replayed(
    saying: Any, tmp_path: Path, text: str, kept: str | None
) -> None:
    task_jobs = [Job("a", CHAIN, {"modulus": 10}, 3, "g")]
    (episode,) = rollout(saying(text), task_jobs)
    assert episode.outcome["reasoner"].status is Status.WRONG
    store = EpisodeStore(tmp_path)
    store.append([episode])
    (read,) = store.read()
    assert read == episode
    assert read.turns[0].text == (text if kept is None else kept)
    assert [differences for _, differences in replay([read])] == [[]]


def test_an_unknown_environment_is_named_with_its_neighbours(counter: Any) -> None:
    with pytest.raises(UnknownEnvironment, match="nearest: palaestra/ChainArith-v0"):
        list(rollout(counter, jobs(1, env_id="palaestra/ChainArit-v0")))


def test_a_task_is_found_in_a_module_of_one_s_own(saying: Any, parity: Path) -> None:
    (episode,) = rollout(saying("even"), jobs(1, env_id="parity_task:tests/Parity-v0"))
    assert episode.outcome["reasoner"].reward == 1
    assert episode.problem is not None


def test_steps_and_solutions_are_found_in_the_text() -> None:
    text = "a=1\n\n b=2\r\nCheck:\nc=3"
    assert [text[start:end] for start, end in line_spans(text)] == ["a=1", " b=2", "Check:", "c=3"]
    assert [text[start:end] for start, end in solution_spans(text)] == ["a=1\n\n b=2\r\n", "c=3"]
    assert solution_spans("a\nCheck: b") == ((0, 10),)
    assert line_spans("") == ()


@pytest.mark.parametrize("name", ["ChainArith", "Countdown", "KnightsAndKnaves", "LinearEquations"])
def test_each_step_of_a_task_has_its_verdict(saying: Any, name: str) -> None:
    job = Job("p", f"palaestra/{name}-v0", {}, 5, "g", {"difficulty": 3})
    (probe,) = rollout(saying("x"), [job])
    assert probe.problem is not None
    solution = make_task(job.env_id).solve(probe.problem, np.random.default_rng(0))
    (episode,) = rollout(saying(f"{solution}\n\nnonsense\n"), [job])
    (turn,) = episode.turns
    assert len(turn.step_verdicts) == len(turn.step_spans) > 1


class Numpys(Task):
    """Writes a number of numpy's where ``what`` says."""

    def __init__(self, what: str = "") -> None:
        self.what, self.number = what, np.int64(7)

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        meta = {"n": self.number} if self.what == "meta" else {}
        return Problem(f"Say {rng.random()}", self.number if self.what == "reference" else 7, difficulty, meta)

    def verify(self, problem: Problem, response: str) -> Verdict:
        return wrong("no", n=self.number) if self.what == "evidence" else wrong("no")


@pytest.mark.parametrize("what", ["reference", "meta", "evidence"])
def test_what_the_log_cannot_take_is_told_before_the_rest_is_played(saying: Any, what: str) -> None:
    if "tests/Numpys-v0" not in gymnasium.registry:
        register("tests/Numpys-v0")(Numpys)
    played = rollout(saying("a"), jobs(1, 1, 1, env_id="tests/Numpys-v0", what=what), slots=1)
    with pytest.raises(ValueError, match=rf"Numpys-v0: {what} is written to the log as JSON: .*int64.*int\(\.\.\.\)"):
        next(played)
