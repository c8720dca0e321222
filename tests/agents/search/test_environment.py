"""Searching in an environment by snapshot and restore: plans come true, in batches, and nothing hidden is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from palaestra.agents.agent import Dialogue, Reply
from palaestra.agents.chat import ChatFormat
from palaestra.agents.engine import Sampling
from palaestra.agents.nano import nano_tokenizer
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.scripted import RandomAgent
from palaestra.agents.search.beam import StepBeam
from palaestra.agents.search.environment import EnvSearch, EnvWorld, Position
from palaestra.agents.search.mcts import MCTS
from palaestra.agents.search.values import nothing_known
from palaestra.agents.search.world import Valued
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.arena.replay import replay
from palaestra.arena.rollout import Job, rollout
from palaestra.episodes import Actor, Cost

LINES = "palaestra/Stepwise-v0"
KNOBS = {"env": "palaestra/ChainArith-v0", "knobs": {"modulus": 10, "operators": "+"}, "lines": 8}


class Careless:
    """Writes the oracle's next line, or in two of three cases that line with another result."""

    actor = Actor("careless")

    def __init__(self) -> None:
        self.batches: list[int] = []

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        self.batches.append(len(dialogues))
        return [Reply(self._line(dialogue), cost=Cost(tokens_out=1)) for dialogue in dialogues]

    def _line(self, dialogue: Dialogue) -> str:
        env: Any = dialogue.env
        rng = np.random.default_rng(dialogue.seed)
        line: str = env.task.act(dialogue.problem, so_far(dialogue), "", rng)
        if rng.random() < 1 / 3:
            return line
        wrong = str((int(line.rstrip("}")[-1]) + int(rng.integers(1, 10))) % 10)
        return line.rstrip("}")[:-1] + wrong + "}" * line.endswith("}")


def so_far(dialogue: Dialogue) -> str:
    return dialogue.messages[-1].content if len(dialogue.messages) > 1 else ""


def right_lines(positions: Sequence[Position]) -> list[Valued]:
    """The share of lines that the task's own judge of lines calls right: a perfect process reward."""
    values = []
    for position in positions:
        env: Any = position.dialogue.env
        task, problem = env.task, position.dialogue.problem
        text = so_far(position.dialogue)
        answer_is_right = position.ended and task.verify(problem, text).score == 1
        steps = [step.score for step in task.facts(problem, text)["steps"]]
        values.append(Valued(float(np.mean([*steps, answer_is_right] if position.ended else steps or [0.0]))))
    return values


def jobs(n: int) -> list[Job]:
    return [Job(str(i), LINES, KNOBS, i, str(i), {"difficulty": 3}, agent_seed=100 + i) for i in range(n)]


def solved(agent: Any, n: int = 30) -> float:
    return float(np.mean([episode.outcome["reasoner"].reward for episode in rollout(agent, jobs(n))]))


def test_a_beam_solves_what_its_proposer_does_not() -> None:
    assert solved(Careless()) < 0.5
    assert solved(EnvSearch(EnvWorld(Careless(), right_lines), StepBeam(2, 6))) > 0.8


def test_a_constant_value_helps_nobody() -> None:
    assert solved(EnvSearch(EnvWorld(Careless(), nothing_known), StepBeam(2, 6))) < 0.5


def test_mcts_that_may_see_verdicts_while_training_solves_by_them_alone() -> None:
    search = MCTS(60, 6, commit=False)
    assert solved(EnvSearch(EnvWorld(Careless(), nothing_known, peek=True), search)) > 0.8
    assert solved(EnvSearch(EnvWorld(Careless(), nothing_known), search)) < 0.5


def test_what_was_planned_comes_true_and_is_replayed() -> None:
    agent = EnvSearch(EnvWorld(Careless(), right_lines), StepBeam(2, 4))
    episodes = list(rollout(agent, jobs(6)))
    for episode, differences in replay(episodes):
        assert differences == []
        rows = episode.turns[0].meta["tree"]
        planned = [row["action"] for row in rows if row["chosen"] and row["id"]]
        assert [turn.text for turn in episode.turns] == planned
        assert all("tree" not in turn.meta for turn in episode.turns[1:])
    assert agent._planned == {}


def test_all_problems_are_one_batch_and_each_gets_what_it_would_alone() -> None:
    proposer = Careless()
    agent = EnvSearch(EnvWorld(proposer, right_lines), StepBeam(2, 4))
    together = {episode.id: [turn.text for turn in episode.turns] for episode in rollout(agent, jobs(5))}
    assert proposer.batches[0] == 5 * 4
    for job in jobs(5):
        (episode,) = rollout(agent, [job])
        assert [turn.text for turn in episode.turns] == together[job.id]


def test_sbs_1_1_says_what_its_agent_says_with_the_same_seeds() -> None:
    episode = next(rollout(EnvSearch(EnvWorld(Careless(), nothing_known), StepBeam(1, 1)), jobs(1)))
    assert len(episode.turns[0].meta["tree"]) == len(episode.turns) + 1
    assert episode.cost.tokens_out == len(episode.turns)


def test_an_environment_that_hides_something_is_not_searched_unless_told() -> None:
    for env_id in ("palaestra/Wordle-v0", "palaestra/Mastermind-v0", "palaestra/Nim-vs-optimal-v0"):
        job = Job("0", env_id, {}, 0, "0")
        with pytest.raises(ValueError, match="set peek=True"):
            list(rollout(EnvSearch(EnvWorld(Careless(), nothing_known), StepBeam()), [job]))


@pytest.mark.parametrize("env_id", ["palaestra/Mastermind-v0", "palaestra/Nim-vs-optimal-v0"])
def test_who_may_peek_searches_what_hides_something_too(env_id: str) -> None:
    agent = EnvSearch(EnvWorld(RandomAgent(), nothing_known, peek=True), StepBeam(2, 2))
    (episode,) = rollout(agent, [Job("0", env_id, {}, 0, "0")])
    assert [differences for _, differences in replay([episode])] == [[]]
    rows = episode.turns[0].meta["tree"]
    assert [row["action"] for row in rows if row["chosen"] and row["id"]] == [turn.text for turn in episode.turns]


def test_peeking_is_in_the_agents_name() -> None:
    assert (
        EnvSearch(EnvWorld(Careless(), nothing_known, peek=True), StepBeam()).actor.agent_id == "careless+StepBeam+peek"
    )


def test_a_policy_searches_an_environment_line_by_line(engine: TransformersEngine) -> None:
    policy = PolicyLLM(engine, ChatFormat(nano_tokenizer()), Sampling(max_tokens=6))
    seen: list[int] = []

    def value(positions: Sequence[Position]) -> list[Valued]:
        seen.append(len(positions))
        return [Valued(float(len(one.reply.text)) if one.reply else 0.0) for one in positions]

    knobs = {"env": "palaestra/ChainArith-v0", "lines": 2}
    job = Job("0", LINES, knobs, 0, "0", agent_seed=1)
    (episode,) = rollout(EnvSearch(EnvWorld(policy, value), StepBeam(2, 3)), [job])
    first, second = episode.turns
    assert second.prompt_ids[: len(first.prompt_ids) + len(first.action_ids)] == first.prompt_ids + first.action_ids
    rows = first.meta["tree"]
    assert [row["meta"]["ids"] for row in rows if row["chosen"] and row["id"]] == [
        list(turn.action_ids) for turn in episode.turns
    ]
    assert seen[0] == 3
    assert all(0 < row["prior"] <= 1 for row in rows)
