"""Searching among a real model's answers: tokens as plain sampling gives, none encoded again, no look at verdicts."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from palaestra.agents.agent import Dialogue, Message, Reply
from palaestra.agents.chat import ChatFormat
from palaestra.agents.engine import Sampling
from palaestra.agents.evaluator import Evaluator
from palaestra.agents.evaluators.assessment import Answer
from palaestra.agents.evaluators.self_evaluation import SelfEvaluation
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.search.agents import TreeSearch, line_search
from palaestra.agents.search.beam import StepBeam
from palaestra.agents.search.best_first import AStar
from palaestra.agents.search.mcts import MCTS
from palaestra.agents.search.text import Prefix, TextWorld, line_ends, lines, solutions, tokens
from palaestra.agents.search.thoughts import BreadthFirst
from palaestra.agents.search.values import (
    Rollouts,
    last,
    likelihood,
    nothing_known,
    opinion,
    process_reward,
    value_head,
)
from palaestra.agents.search.world import Request, Valued
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.arena.replay import replay
from palaestra.arena.rollout import Job, rollout
from palaestra.envs.seeding import derive_seed
from palaestra.episodes import Cost, EpisodeStore
from palaestra.verifiers import right, undecided

LONGEST = 16  # tokens of an answer
ENDS = frozenset(range(5, 80))  # stand for line ends, which random weights hardly ever write
METHODS = (MCTS(4, 2, parallel=2), MCTS(3, 2, commit=False), StepBeam(2, 3), BreadthFirst(2, 2), AStar(2))


@pytest.fixture
def policy(engine: TransformersEngine) -> PolicyLLM:
    return PolicyLLM(engine, ChatFormat(nano_tokenizer()), Sampling(max_tokens=LONGEST))


def world_of(policy: PolicyLLM, **options: Any) -> TextWorld:
    return TextWorld(policy, likelihood, ENDS, **{"step_tokens": 8, **options})


def asked(*seeds: int) -> list[Dialogue]:
    return [Dialogue((Message("user", f"What is {seed} + 1?"),), seed) for seed in seeds]


def test_sbs_1_1_is_greedy_decoding_at_temperature_0(policy: PolicyLLM) -> None:
    policy.sampling = Sampling(temperature=0, max_tokens=LONGEST)
    plain = policy.respond(asked(1, 2, 3))
    searched = TreeSearch(world_of(policy), StepBeam(1, 1)).respond(asked(1, 2, 3))
    assert [reply.completions[0].token_ids for reply in searched] == [one.completions[0].token_ids for one in plain]
    assert [reply.text for reply in searched] == [reply.text for reply in plain]
    assert [reply.completions[0].finish_reason for reply in searched] == [r.completions[0].finish_reason for r in plain]


def test_sbs_1_1_is_sampling_step_by_step(policy: PolicyLLM) -> None:
    (dialogue,) = asked(7)
    (reply,) = TreeSearch(world_of(policy), StepBeam(1, 1)).respond([dialogue])
    prompt, said = policy.chat.prompt(dialogue.messages), ()
    while len(said) < LONGEST:  # by hand: what follows is sampled behind what was sampled, with the node's seed
        node = len(reply_steps(said))
        sampling = Sampling(max_tokens=min(8, LONGEST - len(said)), seeds=(derive_seed(7, node, 0),))
        (completion,) = policy.engine.generate([prompt + said], sampling)
        step = completion.token_ids
        cut = next((i + 1 for i, t in enumerate(step) if t in ENDS and policy.chat.text(step[: i + 1]).strip()), None)
        said += step[:cut]
        if completion.finish_reason == "stop" and cut is None:
            break
    assert reply.completions[0].token_ids == said
    assert len(reply.meta["tree"]) == len(reply_steps(said)) + 1


def reply_steps(said: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The steps of an answer of these token ids: each ends with one of ENDS, after eight tokens, or with the answer."""
    steps: list[tuple[int, ...]] = []
    chat = ChatFormat(nano_tokenizer())
    for token in said:
        if not steps or len(steps[-1]) == 8 or (steps[-1][-1] in ENDS and chat.text(steps[-1]).strip()):
            steps.append(())
        steps[-1] += (token,)
    return steps


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_the_tokens_given_are_those_sampled_with_their_log_probabilities(policy: PolicyLLM, method: Any) -> None:
    replies = TreeSearch(world_of(policy), method).respond(asked(1, 2))
    for reply in replies:
        (completion,) = reply.completions
        whole = torch.tensor([[*reply.prompt_ids, *completion.token_ids]])
        with torch.no_grad():
            logp = policy.engine.model(whole).logits[0].log_softmax(-1)
        taken = logp[len(reply.prompt_ids) - 1 : -1].gather(1, whole[0, len(reply.prompt_ids) :, None]).squeeze(1)
        assert np.allclose(taken.numpy(), completion.logprobs, atol=1e-4)
        assert reply.text == policy.chat.text(completion.token_ids)
        chosen = [row for row in reply.meta["tree"] if row["chosen"] and row["id"]]
        path = [token for row in chosen for token in row["meta"]["ids"]]
        assert list(completion.token_ids[: len(path)]) == path
        assert completion.finish_reason == ("stop" if completion.token_ids[-1] == policy.chat.end else "length")
        assert len(completion.token_ids) <= LONGEST


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_a_batch_of_dialogues_is_searched_as_each_alone(policy: PolicyLLM, method: Any) -> None:
    agent = TreeSearch(world_of(policy), method)
    together = agent.respond(asked(1, 2))
    alone = [agent.respond([one])[0] for one in asked(1, 2)]
    assert [reply.completions[0].token_ids for reply in together] == [r.completions[0].token_ids for r in alone]
    assert [reply.cost for reply in together] == [reply.cost for reply in alone]


def test_an_engine_that_stops_at_line_ends_samples_the_same_steps_and_nothing_in_vain(policy: PolicyLLM) -> None:
    stopping = PolicyLLM(TransformersEngine(policy.engine.model, ENDS), policy.chat, policy.sampling)
    plain, saving = (TreeSearch(world_of(one), StepBeam(2, 3)).respond(asked(1, 2, 3)) for one in (policy, stopping))
    assert [reply.text for reply in plain] == [reply.text for reply in saving]
    assert sum(reply.cost.tokens_out for reply in saving) < sum(reply.cost.tokens_out for reply in plain)


def test_line_ends_are_the_tokens_that_hold_one(policy: PolicyLLM) -> None:
    (newline,) = policy.chat.tokenizer.encode("\n", add_special_tokens=False)
    assert line_ends(policy.chat) == {newline}
    assert lines(policy, nothing_known).line_ends == {newline}


def test_token_steps_are_tokens_and_a_solution_step_is_an_answer(policy: PolicyLLM) -> None:
    root = world_of(policy).root(asked(1)[0])
    (proposed,) = tokens(policy, nothing_known).expand([Request(root, (1, 2, 3))])
    assert [len(proposal.state.action_ids) for proposal in proposed.proposals] == [1, 1, 1]
    (proposed,) = solutions(policy, nothing_known).expand([Request(root, (1, 2))])
    assert all(proposal.terminal for proposal in proposed.proposals)
    plain = policy.respond([replace(asked(1)[0], seed=seed) for seed in (1, 2)])
    assert [p.state.action_ids for p in proposed.proposals] == [reply.completions[0].token_ids for reply in plain]


@pytest.fixture
def evaluator() -> Evaluator:
    from transformers import LlamaForSequenceClassification

    config = nano_model(nano_tokenizer(), hidden=32, layers=2, heads=2).config
    config.num_labels = 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return Evaluator(LlamaForSequenceClassification(config).float(), nano_tokenizer())


def test_a_beam_of_solutions_is_best_of_n(policy: PolicyLLM, evaluator: Evaluator) -> None:
    (dialogue,) = asked(4)
    (searched,) = TreeSearch(solutions(policy, value_head(evaluator)), StepBeam(1, 4)).respond([dialogue])
    answers = policy.respond([replace(dialogue, seed=derive_seed(4, 0, index)) for index in range(4)])
    scores = evaluator.score([r.prompt_ids for r in answers], [r.completions[0].token_ids for r in answers])
    assert searched.text == answers[int(np.argmax(scores))].text
    read = sum(len(r.prompt_ids) + len(r.completions[0].token_ids) for r in answers)
    assert searched.cost == sum((r.cost for r in answers), Cost(tokens_in=read))


def test_a_value_head_is_read_at_the_last_token(policy: PolicyLLM, evaluator: Evaluator) -> None:
    root = world_of(policy).root(asked(1)[0])
    (at_root,) = value_head(evaluator)([root])
    (score,) = evaluator.score([root.prompt_ids[:-1]], [root.prompt_ids[-1:]])
    assert at_root.value == pytest.approx(np.tanh(score))
    assert at_root.cost.tokens_in == len(root.prompt_ids)


def job(index: int) -> Job:
    return Job(str(index), "palaestra/ChainArith-v0", {"modulus": 10}, index, str(index), agent_seed=9)


def test_a_rollout_logs_the_tree_and_can_be_replayed(policy: PolicyLLM, tmp_path: Path) -> None:
    agent = TreeSearch(world_of(policy), StepBeam(2, 3))
    store = EpisodeStore(tmp_path)
    store.append(list(rollout(agent, [job(1), job(2)])))
    for episode, differences in replay(store.read()):
        assert differences == []
        rows = episode.turns[0].meta["tree"]
        assert [row["id"] for row in rows] == list(range(len(rows)))
        assert all(row["parent"] < row["id"] for row in rows[1:])
        assert episode.cost.verifier_calls == 1
        assert episode.roles["reasoner"].agent_id == "policy+StepBeam"


def test_verdicts_are_told_to_those_who_may_peek_only(policy: PolicyLLM) -> None:
    values = {}
    for peek in (False, True):
        agent = TreeSearch(TextWorld(policy, nothing_known, ENDS, step_tokens=8, peek=peek), StepBeam(2, 3))
        (episode,) = rollout(agent, [job(1)])
        ends = [row for row in episode.turns[0].meta["tree"] if row["terminal"]]
        values[peek] = {row["value"] for row in ends}
        asked = episode.cost.verifier_calls - 1  # one is the rollout's own
        assert asked >= len(ends) if peek else asked == 0  # equal siblings are asked about before they become one
        assert agent.actor.agent_id == "policy+StepBeam" + "+peek" * peek
    assert values == {False: {0.0}, True: {-1.0}}  # random weights are wrong


def test_peeking_without_an_environment_is_refused(policy: PolicyLLM) -> None:
    with pytest.raises(ValueError, match="this dialogue has none"):
        TreeSearch(world_of(policy, peek=True), StepBeam(1, 1)).respond(asked(1))


def test_a_model_that_never_ends_a_line_is_cut_into_steps(policy: PolicyLLM) -> None:
    (tree,) = TreeSearch(TextWorld(policy, nothing_known, step_tokens=5), StepBeam(2, 2)).search(asked(3))
    paths = [node.state for node in tree.nodes if node.terminal]
    assert any(one.ended == "length" for one in paths)
    assert all(len(one.action_ids) == LONGEST for one in paths if one.ended == "length")
    assert {one.step_ends[:3] for one in paths if len(one.step_ends) == 4} == {(5, 10, 15)}


def test_a_model_that_ends_a_line_with_every_token_is_stopped_at_so_many_steps(policy: PolicyLLM) -> None:
    every = range(len(policy.chat.tokenizer))
    (tree,) = TreeSearch(TextWorld(policy, nothing_known, every, max_steps=3), StepBeam(2, 2)).search(asked(3))
    assert max(len(node.state.step_ends) for node in tree.nodes) == 3
    assert all(node.terminal for node in tree.nodes if len(node.state.step_ends) == 3)
    assert tree.answer.terminal


def test_nonsense_is_refused(policy: PolicyLLM) -> None:
    with pytest.raises(ValueError, match="1 token or more"):
        world_of(policy, step_tokens=0)


def prefixes_of(policy: PolicyLLM, evaluate: Any = nothing_known) -> list[Prefix]:
    """All states of a small tree."""
    (tree,) = TreeSearch(TextWorld(policy, evaluate, ENDS, step_tokens=4), StepBeam(2, 3)).search(asked(3))
    return [node.state for node in tree.nodes]


@pytest.mark.parametrize("aggregate", [min, np.prod, last])
def test_process_rewards_are_read_at_the_end_of_every_step(
    policy: PolicyLLM, evaluator: Evaluator, aggregate: Any
) -> None:
    prefixes = prefixes_of(policy)
    values = process_reward(evaluator, aggregate)(prefixes)
    assert values[0].value == 1.0
    for prefix, valued in zip(prefixes[1:], values[1:], strict=True):
        assert prefix.step_ends[-1] == len(prefix.action_ids)
        steps = [prefix.action_ids[:end] for end in prefix.step_ends]
        scores = evaluator.score([prefix.prompt_ids] * len(steps), steps)
        assert valued.value == pytest.approx(aggregate([1 / (1 + np.exp(-score)) for score in scores]), abs=1e-6)


def test_an_opinion_is_of_the_last_line_so_far_and_asks_of_ends_in_the_same_words(policy: PolicyLLM) -> None:
    said = ("", "1 + 2 = 3\n", "1 + 2 = 3\n\\boxed{3}", "\n")
    (asked_of,), judge = asked(3), SelfEvaluation(policy)
    ids = [tuple(policy.chat.tokenizer.encode(text, add_special_tokens=False)) for text in said]
    prefixes = [Prefix(asked_of, (1,), one, (-1.0,) * len(one), (len(one),)) for one in ids]
    prefixes[2] = replace(prefixes[2], ended="stop")
    values = opinion(judge, policy.chat)(prefixes)
    assert values[0] == Valued(1.0)
    for text, valued in zip(said[1:3], values[1:3], strict=True):
        (judged,) = judge.assess([Answer(asked_of, Reply(text))], "step")
        assert valued == Valued(judged.scores[-1], judged.cost)
    assert values[2].cost.tokens_in > values[1].cost.tokens_in > 0
    assert np.isnan(values[3].value)


def test_a_search_by_a_judge_s_opinion_takes_what_the_judge_likes_and_pays_for_it(policy: PolicyLLM) -> None:
    trees = [line_search(policy, "sbs:1,3", judge).search(asked(1, 2)) for judge in ("", "self_evaluation")]
    for plain, judged in zip(*trees, strict=True):
        value = opinion(SelfEvaluation(policy), policy.chat)
        children = judged.root.children
        assert [child.value for child in children] == [one.value for one in value([child.state for child in children])]
        assert judged.nodes[1].state == plain.nodes[1].state  # the first lines are the same, their worth is not
        assert judged.nodes[1].value != plain.nodes[1].value
        assert judged.cost.tokens_in > plain.cost.tokens_in
    with pytest.raises(ValueError, match="agreement judges whole answers, a search asks about lines"):
        line_search(policy, "sbs:1,3", "agreement")


def test_rollouts_are_the_mean_of_answers_that_begin_so(policy: PolicyLLM) -> None:
    def length(prefixes: Any) -> list[Valued]:
        assert all(prefix.ended for prefix in prefixes)
        return [Valued(float(len(prefix.action_ids)), Cost(verifier_calls=1)) for prefix in prefixes]

    prefixes = prefixes_of(policy)
    values = Rollouts(solutions(policy, length), 3)(prefixes)
    for prefix, valued in zip(prefixes, values, strict=True):
        if prefix.ended:
            assert valued == Valued(len(prefix.action_ids), Cost(verifier_calls=1))
        else:
            assert len(prefix.action_ids) < valued.value <= LONGEST
            assert (valued.value * 3) % 1 == pytest.approx(0) or (valued.value * 3) % 1 == pytest.approx(1)
            assert valued.cost.verifier_calls == 3
    assert Rollouts(solutions(policy, length), 3)(prefixes[:1]) == values[:1]


def test_answers_that_nobody_can_judge_have_no_part_in_a_mean(policy: PolicyLLM) -> None:
    class Halting:
        """Judges every second answer, right."""

        asked = 0

        def snapshot(self) -> int:
            return 0

        def step(self, text: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
            self.asked += 1
            return "", 0.0, True, False, {"verdict": right("so") if self.asked % 2 else undecided("no worker")}

        def restore(self, state: int) -> None:
            pass

    env: Any = Halting()
    prefix = Prefix(replace(asked(1)[0], env=env), (5, 6))
    rollouts = Rollouts(solutions(policy, nothing_known, peek=True), 4)
    assert rollouts([prefix])[0].value == 1.0
    env.step = lambda text: ("", 0.0, True, False, {"verdict": undecided("no worker")})
    nobody_knows, cost = rollouts([prefix])[0]
    assert math.isnan(nobody_knows)
    assert cost.verifier_calls == 4  # to ask was no cheaper


def test_rollouts_that_peek_are_verdicts_and_are_in_the_name(policy: PolicyLLM) -> None:
    rollouts = Rollouts(solutions(policy, nothing_known, peek=True), 2)
    agent = TreeSearch(TextWorld(policy, rollouts, ENDS, step_tokens=8), StepBeam(1, 2))
    (episode,) = rollout(agent, [job(1)])
    assert {row["value"] for row in episode.turns[0].meta["tree"][1:]} == {-1.0}
    assert agent.actor.agent_id == "policy+StepBeam+peek"
    assert episode.cost.verifier_calls > len(episode.turns[0].meta["tree"])
