"""One call scores answers, steps or tokens, whoever judges; spans say where, nan is survived, cost is counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from palaestra.agents.agent import Dialogue, Message, Reply
from palaestra.agents.chat import ChatFormat
from palaestra.agents.engine import Completion, Sampling
from palaestra.agents.evaluator import BestOfN, Evaluator, add_value_head
from palaestra.agents.evaluators.agreement import Agreement
from palaestra.agents.evaluators.assessment import Answer, Assessment, Assessor, Grain
from palaestra.agents.evaluators.ensemble import Ensemble
from palaestra.agents.evaluators.executed import Executed
from palaestra.agents.evaluators.forward_backward import ForwardBackward
from palaestra.agents.evaluators.heads import Head, outcome_reward, process_reward, sigmoid, value_critic
from palaestra.agents.evaluators.perplexity import Perplexity
from palaestra.agents.evaluators.scored import Scored, TokenReward
from palaestra.agents.evaluators.self_evaluation import SelfEvaluation
from palaestra.agents.evaluators.table import evaluator_named
from palaestra.agents.evaluators.tested import Tested
from palaestra.agents.judges import CritiqueJudge, GenerativeJudge, ImplicitReward
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.postprocess.backtrack import Backtracking
from palaestra.agents.postprocess.summarise import Summarised
from palaestra.agents.search.agents import TreeSearch
from palaestra.agents.search.beam import StepBeam
from palaestra.agents.search.self_refine import RefineSearch, RefineWorld, SelfReward
from palaestra.agents.search.text import Prefix, lines
from palaestra.agents.search.values import opinion
from palaestra.agents.search.weighted_voting import WeightedVoting
from palaestra.agents.search.weighted_voting import sigmoid as sigmoids
from palaestra.agents.strategies.universal_self_consistency import UniversalSelfConsistency
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.envs.registration import make
from palaestra.episodes import Actor, Cost

TOKENIZER = nano_tokenizer()
TEXT = "a=3\n\nb=éa\n\\boxed{7}"


def small(seed: int) -> Any:
    return nano_model(TOKENIZER, hidden=32, layers=2, heads=2, seed=seed)


@pytest.fixture(scope="module")
def policy() -> PolicyLLM:
    model = small(1)
    return PolicyLLM(TransformersEngine(model, [TOKENIZER.eos_token_id]), ChatFormat(TOKENIZER), Sampling(max_tokens=9))


@pytest.fixture(scope="module")
def head() -> Evaluator:
    from transformers import LlamaForSequenceClassification

    model = LlamaForSequenceClassification(small(2).config.__class__(**{**small(2).config.to_dict(), "num_labels": 1}))
    with torch.no_grad():
        model.score.weight.copy_(torch.linspace(-3, 3, 32)[None])
    return Evaluator(model, TOKENIZER)


def answer(text: str = TEXT, question: str = "b?", seed: int = 0, **given: Any) -> Answer:
    """An answer in tokens, its end among them."""
    dialogue = Dialogue((Message("user", question),), seed, **given)
    ids = (*TOKENIZER.encode(text, add_special_tokens=False), TOKENIZER.eos_token_id)
    prompt = ChatFormat(TOKENIZER).prompt(dialogue.messages)
    return Answer(dialogue, Reply(text, (Completion(ids, (-1.0,) * len(ids), "stop", 0),), prompt, cost=Cost(3, 4)))


def all_of(policy: PolicyLLM, head: Evaluator) -> list[Assessor]:
    judge = GenerativeJudge(small(3), TOKENIZER)
    return [
        outcome_reward(head),
        process_reward(head),
        value_critic(head),
        Scored(head),
        Scored(judge),
        TokenReward(ImplicitReward(small(4), small(5), TOKENIZER)),
        Perplexity(policy),
        SelfEvaluation(policy),
        Ensemble([outcome_reward(head), SelfEvaluation(policy)]),
    ]


def test_every_evaluator_of_tokens_says_where_each_score_stands(policy: PolicyLLM, head: Evaluator) -> None:
    one, other = answer(), answer("\\boxed{1}")
    wanted: dict[Grain, int] = {"answer": 1, "step": 3, "token": len(one.reply.completions[0].token_ids)}
    for assessor in all_of(policy, head):
        for grain in assessor.grains:
            first, second = assessor.assess([one, other], grain)
            assert len(first.scores) == len(first.spans) == wanted[grain]
            assert all(map(math.isfinite, (*first.scores, *second.scores))), type(assessor)
            assert assessor.assess([other], grain)[0].scores == pytest.approx(second.scores, abs=1e-5)
            assert first.cost.tokens_in > 0
            if grain == "step":
                assert [TEXT[a:b] for a, b in first.spans] == ["a=3", "b=éa", "\\boxed{7}"]
            if grain == "token":  # é is two tokens, of which the second completes it; the end of all adds nothing
                assert "".join(TEXT[a:b] for a, b in first.spans) == TEXT
                assert [TEXT[a:b] for a, b in first.spans].count("") == 2


@pytest.mark.parametrize("kind", ["generative", "cloud", "implicit"])
def test_a_judge_costs_every_token_that_goes_through_its_models(kind: str) -> None:
    model, reference, through = small(6), small(7), [0]
    add_value_head(model)
    judges: dict[str, Any] = {
        "generative": GenerativeJudge(model, TOKENIZER),
        "cloud": CritiqueJudge(model, TOKENIZER, critiques=2),
        "implicit": ImplicitReward(model, reference, TOKENIZER),
    }

    def count(module: Any, given: tuple[torch.Tensor]) -> None:
        through[0] += given[0].numel()

    for one in (model, reference):
        one.get_input_embeddings().register_forward_pre_hook(count)
    cost = Scored(judges[kind]).assess([answer()])[0].cost
    last = 2 if kind == "cloud" else 0  # of each critique the last token is sampled, and not gone on from
    assert through[0] == cost.tokens_in + cost.tokens_out - last
    assert (cost.tokens_out > 0) == (kind == "cloud")


def test_critiques_that_are_drawn_hang_on_their_own_answer_alone() -> None:
    model = small(6)
    add_value_head(model)
    with torch.no_grad():
        model.score.weight.copy_(torch.linspace(-3, 3, 32)[None])
    judge = Scored(CritiqueJudge(model, TOKENIZER, critiques=2))
    one, other = answer(), answer("\\boxed{1}")
    together = [told.scores[0] for told in judge.assess([one, other])]
    assert together == pytest.approx([judge.assess([each])[0].scores[0] for each in (one, other)], abs=1e-5)


def test_heads_are_read_at_the_ends_of_steps(head: Evaluator) -> None:
    one = answer()
    (tokens,) = Head(head).assess([one], "token")
    ids = one.reply.completions[0].token_ids
    line = TOKENIZER.encode("a=3", add_special_tokens=False)
    ends = [len(line), len(TOKENIZER.encode("a=3\n\nb=éa", add_special_tokens=False)), len(ids) - 1]
    (steps,) = process_reward(head).assess([one], "step")
    assert steps.scores == pytest.approx([sigmoid(tokens.scores[end - 1]) for end in ends], abs=1e-6)
    (whole,) = process_reward(head).assess([one])
    assert whole.scores == (min(steps.scores),)
    assert outcome_reward(head).assess([one])[0].scores[0] == pytest.approx(sigmoid(tokens.scores[-1]), abs=1e-6)
    assert value_critic(head).assess([one])[0].scores[0] == pytest.approx(math.tanh(tokens.scores[-1]), abs=1e-6)
    assert head.score([one.reply.prompt_ids], [ids]) == pytest.approx([tokens.scores[-1]], abs=1e-6)
    assert whole.cost == Cost(tokens_in=len(one.reply.prompt_ids) + len(ids))


def test_token_rewards_add_up_and_perplexity_is_the_model_s_own(policy: PolicyLLM) -> None:
    one = answer()
    reward = TokenReward(ImplicitReward(small(4), small(5), TOKENIZER))
    (tokens,), (steps,), (whole,) = (reward.assess([one], grain) for grain in reward.grains[::-1])
    assert whole.scores[0] == pytest.approx(sum(tokens.scores), abs=1e-5)
    assert sum(steps.scores) == pytest.approx(whole.scores[0] - tokens.scores[-1], abs=1e-5)  # the end is of no step
    ids = torch.tensor([[*one.reply.prompt_ids, *one.reply.completions[0].token_ids]])
    loss = policy.engine.model(
        ids, labels=torch.where(torch.arange(ids.shape[1]) < len(one.reply.prompt_ids), -100, ids)
    )  # type: ignore[attr-defined]
    assert Perplexity(policy).assess([one])[0].scores[0] == pytest.approx(-loss.loss.item(), abs=1e-5)


def test_self_evaluation_is_the_chance_of_yes(policy: PolicyLLM) -> None:
    one = answer()
    asked = (
        *one.dialogue.messages,
        Message("assistant", TEXT),
        Message("user", "Is this answer right? Say Yes or No."),
    )
    prompt = policy.chat.prompt(asked)
    logits = policy.engine.model(torch.tensor([prompt])).logits[0, -1].softmax(-1)  # type: ignore[attr-defined]
    yes, no = (sum(logits[TOKENIZER.encode(w)[0]].item() for w in words) for words in (("Y", "y"), ("N", "n")))
    assessed = SelfEvaluation(policy).assess([one])[0]
    assert assessed.scores[0] == pytest.approx(yes / (yes + no), abs=1e-6)
    assert assessed.cost == Cost(tokens_in=len(prompt))


def test_the_verifier_judges_answers_and_lines_and_is_named_as_looking() -> None:
    env: Any = make("palaestra/Arithmetic-v0")
    _, info = env.reset(seed=3)
    problem, solution = info["problem"], env.unwrapped.oracle(__import__("numpy").random.default_rng(0))
    given = {"problem": problem, "env": env.unwrapped}
    good, bad = answer(solution, **given), answer("1+1=3\nhm\n\\boxed{12345}", **given)
    assert [one.scores for one in Executed().assess([good, bad])] == [(1.0,), (0.0,)]
    (lines,) = Executed().assess([bad], "step")
    assert (lines.scores[0], math.isnan(lines.scores[1]), lines.scores[2]) == (0.0, True, 0.0)
    assert lines.cost == Cost(verifier_calls=1)
    agent = BestOfN(Given(bad.reply, good.reply), Executed(), 2)
    assert agent.respond([good.dialogue])[0].text == solution
    assert agent.actor.agent_id == "given+best2+peek"
    with pytest.raises(ValueError, match="judges by answer or step, not by token"):
        Executed().assess([good], "token")
    with pytest.raises(ValueError, match="needs the task and its problem"):
        Executed().assess([answer()])


class Given:
    """Gives its replies in turn."""

    actor = Actor("given")

    def __init__(self, *replies: Reply) -> None:
        self.replies = replies
        self.asked: list[str] = []

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        self.asked += [one.messages[-1].content for one in dialogues]
        return [self.replies[index % len(self.replies)] for index in range(len(dialogues))]


def test_forward_backward_puts_the_answer_into_the_backward_question() -> None:
    task: Any = make("palaestra/Arithmetic-v0").unwrapped.task  # type: ignore[attr-defined]
    import numpy as np

    rng = np.random.default_rng(5)
    problem = next(p for p in (task.sample(rng, 2) for _ in range(99)) if task.invert(p) is not None)
    backward = task.invert(problem)
    found_again = Given(Reply(f"\\boxed{{{backward.reference}}}", cost=Cost(2, 3)))
    right_one, wrong_one, none = (
        answer(text, problem=problem) for text in (f"\\boxed{{{problem.reference}}}", "\\boxed{987}", "no idea")
    )
    assessor = ForwardBackward(found_again, samples=2, task=task)
    scores = [one.scores[0] for one in assessor.assess([right_one, wrong_one, none])]
    assert (scores[0], scores[2]) == (1.0, 0.0)
    assert found_again.asked[:2] == [backward.prompt] * 2
    assert "987" in found_again.asked[2]
    assert str(problem.reference) not in found_again.asked[2].split(" = ")[1]  # the right answer is nowhere told
    assert assessor.assess([right_one])[0].cost == Cost(4, 6, verifier_calls=2)
    with pytest.raises(ValueError, match="1 or more"):
        ForwardBackward(found_again, 0)


def test_without_a_backward_question_nothing_can_be_told_and_it_is_counted() -> None:
    task: Any = make("palaestra/Countdown-v0").unwrapped.task  # type: ignore[attr-defined]
    import numpy as np

    problem = task.sample(np.random.default_rng(0), 1)
    assessor = ForwardBackward(Given(Reply("x")), task=task)
    (assessed,) = assessor.assess([answer("\\boxed{1+2}", problem=problem)])
    assert math.isnan(assessed.scores[0])
    assert assessor.counts == {"no backward question": 1}


def test_programs_are_judged_by_the_tests_that_the_question_shows() -> None:
    question = "Write f.\nf(1) == 2\nf(2) == 3"
    programs = [f"```python\ndef f(x): return {body}\n```" for body in ("2", "x + 1", "x")]
    batch = [*(answer(text, question) for text in programs), answer("x + 1", question), answer(programs[1], "Write f.")]
    judge = evaluator_named("visible_tests", Given())
    assessed = judge.assess(batch)  # type: ignore[union-attr]
    assert [one.scores[0] for one in assessed[:4]] == [0.5, 1.0, 0.0, 0.0]
    assert math.isnan(assessed[4].scores[0])
    assert [one.cost.verifier_calls for one in assessed] == [1, 1, 1, 1, 0]
    agent = BestOfN(Given(*(one.reply for one in batch[:3])), Tested(), 3)
    assert agent.respond([batch[0].dialogue])[0].text == programs[1]
    assert "peek" not in agent.actor.agent_id


def test_agreement_counts_the_others_alone() -> None:
    texts = ["\\boxed{1}", "so \\boxed{1}", "\\boxed{2}", "hm", "hm"]
    batch = [*(answer(text, seed=n) for n, text in enumerate(texts)), answer("\\boxed{1}", "another?")]
    scores = [one.scores[0] for one in Agreement().assess(batch)]
    assert scores[:5] == [0.25, 0.25, 0.0, 0.0, 0.0]
    assert math.isnan(scores[5])


def test_the_best_of_n_by_agreement_hangs_on_its_own_answers_alone() -> None:
    class Guess:
        actor = Actor("guess")

        def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
            return [Reply(f"\\boxed{{{np.random.default_rng(one.seed).integers(6)}}}") for one in dialogues]

    agent = BestOfN(Guess(), Agreement(), 4)
    samples = [Dialogue((Message("user", "Guess."),), seed) for seed in range(16)]
    together = [reply.text for reply in agent.respond(samples)]
    assert together == [agent.respond([one])[0].text for one in samples]


def test_an_agent_that_chooses_is_known_by_its_judges_weights_as_well(policy: PolicyLLM, head: Evaluator) -> None:
    judge, own = head.actor.weights_hash, Actor("solver", "own")
    agent = PolicyLLM(policy.engine, policy.chat, policy.sampling, own)
    for evaluator in (head, Scored(head), outcome_reward(head), Ensemble([Agreement(), outcome_reward(head)])):
        for chooser in (BestOfN(agent, evaluator, 2), WeightedVoting(agent, evaluator, 2)):
            assert chooser.actor.weights_hash == f"own+{judge}"
    assert BestOfN(agent, Agreement(), 2).actor.weights_hash == "own"


def test_whoever_has_a_say_in_an_answer_is_known_by_its_weights(policy: PolicyLLM) -> None:
    engine, chat, sampling = policy.engine, policy.chat, policy.sampling
    agent, other = (PolicyLLM(engine, chat, sampling, Actor("policy", own)) for own in ("own", "other's"))
    for choosing in (Perplexity(other), SelfEvaluation(other), ForwardBackward(other)):
        assert BestOfN(agent, choosing, 2).actor.weights_hash == "own+other's"
    for of_two in (
        Summarised(agent, summariser=other),
        UniversalSelfConsistency(agent, chooser=other),
        RefineSearch(RefineWorld(agent, SelfReward(other))),
    ):
        assert of_two.actor.weights_hash == "own+other's"
    for alone in (Summarised(agent), UniversalSelfConsistency(agent), BestOfN(agent, Perplexity(agent), 2)):
        assert alone.actor.weights_hash == "own"


def test_whoever_asks_one_that_looks_at_verdicts_is_named_so(policy: PolicyLLM) -> None:
    among = Ensemble([Agreement(), Executed()])
    world = lines(policy, opinion(Executed(), policy.chat))

    def judge(prefixes: Sequence[Prefix]) -> list[tuple[list[float], Cost]]:
        return [([], Cost()) for _ in prefixes]

    judge.peeks = True  # type: ignore[attr-defined]
    for agent in (BestOfN(policy, among, 2), TreeSearch(world, StepBeam()), Backtracking(world, judge)):
        assert agent.actor.agent_id.endswith("+peek")
    assert not Ensemble([Agreement()]).peeks


class Says:
    """Scores in turn."""

    grains: tuple[Grain, ...] = ("answer",)

    def __init__(self, *scores: float) -> None:
        self.scores = scores

    def assess(self, answers: Sequence[Answer], grain: Grain = "answer") -> list[Assessment]:
        scored = zip(self.scores, answers, strict=True)
        return [Assessment((score,), ((0, len(one.reply.text)),), Cost(1, 0)) for score, one in scored]


def test_an_ensemble_averages_and_tells_how_far_its_members_disagree() -> None:
    batch = [answer(), answer()]
    ensemble = Ensemble([Says(0.0, math.nan), Says(1.0, 0.5)], weights=[3, 1])
    first, second = ensemble.assess(batch)
    assert (first.scores, first.spread) == ((0.25,), (pytest.approx(math.sqrt(3) / 4),))
    assert (second.scores, second.spread, second.cost) == ((0.5,), (0.0,), Cost(2, 0))
    assert ensemble.counts == {"not scored": 1}
    cautious = Ensemble([Says(0.0, 0.4), Says(1.0, 0.4)], caution=1.0).assess(batch)
    assert [one.scores[0] for one in cautious] == [pytest.approx(0.0), pytest.approx(0.4)]
    (none, _) = Ensemble([Says(math.nan, 1.0), Says(math.inf, 1.0)]).assess(batch)
    assert math.isnan(none.scores[0])
    for wrong in ([], [Says(1.0)]):
        with pytest.raises(ValueError, match="positive weight for each"):
            Ensemble(wrong, weights=[1, 2])


REPLIES = [answer(text).reply for text in ("\\boxed{1}", "\\boxed{2}", "\\boxed{2}")]
ASKED = [answer().dialogue]


@pytest.mark.parametrize(
    ("scores", "best", "voted", "missing"),
    [
        ((0.1, math.nan, 0.2), 2, "\\boxed{2}", 1),
        ((0.9, math.nan, 0.2), 0, "\\boxed{1}", 1),
        ((math.nan,) * 3, 0, "\\boxed{2}", 3),
        ((-math.inf, 0.3, math.inf), 1, "\\boxed{2}", 2),
    ],
)
def test_choosers_take_any_evaluator_and_count_what_it_could_not_score(
    scores: tuple[float, ...], best: int, voted: str, missing: int
) -> None:
    chooser = BestOfN(Given(*REPLIES), Says(*scores), 3)
    (reply,) = chooser.respond(ASKED)
    assert reply.completions == REPLIES[best].completions
    assert reply.meta == {"score": scores[best] if math.isfinite(scores[best]) else None, "of": 3}
    assert reply.cost == Cost(9 + 3, 12)
    assert chooser.counts == {"not scored": missing}
    voter = WeightedVoting(Given(*REPLIES), Says(*scores), 3, sigmoids)
    assert voter.respond(ASKED)[0].text == voted
    assert voter.counts == {"not scored": missing}


def test_each_evaluator_chooses(policy: PolicyLLM, head: Evaluator) -> None:
    for assessor in [*all_of(policy, head), Agreement()]:
        for chooser in (BestOfN(Given(*REPLIES), assessor, 3), WeightedVoting(Given(*REPLIES), assessor, 3)):
            (reply,) = chooser.respond(ASKED)
            assert reply.text in ("\\boxed{1}", "\\boxed{2}")
            assert reply.cost.tokens_in >= 9
            assert chooser.counts == {"not scored": 0}


def test_what_is_no_tokens_is_not_read(head: Evaluator) -> None:
    text_alone = replace(answer(), reply=Reply("\\boxed{1}"))
    derived = replace(answer(), reply=replace(answer().reply, text="\\boxed{9}", meta={"derived": True}))
    with pytest.raises(ValueError, match="without tokens cannot be read"):
        outcome_reward(head).assess([text_alone])
    assert math.isfinite(outcome_reward(head).assess([derived])[0].scores[0])  # by the words it was made from
    with pytest.raises(ValueError, match="judge it as a whole"):
        outcome_reward(head).assess([derived], "step")
