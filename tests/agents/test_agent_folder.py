"""An agent is a folder: it is written, read back as it was, and told what is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from palaestra.agents.agent import Dialogue, Message
from palaestra.agents.agent_folder import AgentError, AgentSpec, load_agent, open_agent, read_spec, write_spec
from palaestra.agents.chat import ChatFormat
from palaestra.agents.engine import EngineError, Sampling
from palaestra.agents.evaluator import add_value_head, new_evaluator
from palaestra.agents.judges import CritiqueJudge, GenerativeJudge, ImplicitReward, load_judge, save_judge
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.policy import PolicyLLM

ASKED = [Dialogue((Message("user", "Modulo 10, what is 3+4?"),), seed=seed) for seed in range(3)]


@pytest.fixture
def policy(engine: Any) -> PolicyLLM:
    return PolicyLLM(engine, ChatFormat(nano_tokenizer()), Sampling(temperature=0.7, max_tokens=5))


def test_a_policy_comes_back_as_it_was(policy: PolicyLLM, tmp_path: Path) -> None:
    said = [reply.text for reply in policy.respond(ASKED)]
    rows = [{"env_id": "e", "score": 0.5, "low": 0.4, "high": 0.6, "problems": 10, "n": 10, "tokens": 3.0}]
    folder = policy.save_pretrained(tmp_path / "mine", "apache-2.0", recipe="seed: 3", results=rows, base="a/b")
    again = PolicyLLM.from_pretrained(folder)
    assert [reply.text for reply in again.respond(ASKED)] == said
    assert (again.actor.agent_id, again.sampling) == ("mine", policy.sampling)
    card = (folder / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: transformers\n")
    for told in ("license: apache-2.0", "base_model: a/b", "| e | 50.0 % | 40.0 – 60.0 % | 10 | 3.0 |", "seed: 3"):
        assert told in card
    with pytest.raises(FileExistsError, match="is there already"):
        policy.save_pretrained(folder)


def test_a_strategy_in_the_folder_is_what_answers(policy: PolicyLLM, tmp_path: Path) -> None:
    folder = policy.save_pretrained(tmp_path / "mine")
    voting = tmp_path / "voting"
    voting.mkdir()
    write_spec(AgentSpec(model="../mine", strategy="vote:3", sampling=Sampling(max_tokens=4)), voting)
    spec = read_spec(voting)
    assert (spec.title, Path(spec.model), spec.sampling.max_tokens) == ("voting+vote:3", folder, 4)
    reply = load_agent(voting).respond(ASKED[:1])[0]
    assert reply.meta["of"] == 3


def test_a_search_may_go_by_the_model_s_own_opinion_of_its_lines(policy: PolicyLLM, tmp_path: Path) -> None:
    folder = policy.save_pretrained(tmp_path / "mine")
    spec = AgentSpec(model=str(folder), strategy="sbs:1,2", sampling=Sampling(max_tokens=5))
    plain, judged = (open_agent(replace(spec, judge=one)).respond(ASKED[:1])[0] for one in ("", "self_evaluation"))
    assert judged.cost.tokens_in > plain.cost.tokens_in
    assert plain.meta["tree"][1]["meta"] == judged.meta["tree"][1]["meta"]
    assert plain.meta["tree"][1]["value"] != judged.meta["tree"][1]["value"]
    with pytest.raises(AgentError, match="agreement judges whole answers, a search asks about lines"):
        open_agent(replace(spec, judge="agreement"))


def test_a_search_goes_by_no_judge_that_reads_a_critique_first(policy: PolicyLLM, tmp_path: Path) -> None:
    spec = AgentSpec(model=str(policy.save_pretrained(tmp_path / "mine")), strategy="sbs:1,2")
    critic = nano_model(nano_tokenizer(), hidden=32, layers=1, heads=2)
    add_value_head(critic)
    judge = save_judge(CritiqueJudge(critic, nano_tokenizer()), tmp_path / "judge")
    with pytest.raises(AgentError, match="judges whole answers, a search asks about lines: take a judge of kind value"):
        open_agent(replace(spec, judge=str(judge)))


def test_every_kind_of_judge_comes_back_as_it_was(policy: PolicyLLM, model: Any, tmp_path: Path) -> None:
    tokenizer = nano_tokenizer()
    base = policy.save_pretrained(tmp_path / "base")
    scalar = new_evaluator(base)
    scalar.model.score.weight.data.normal_()
    critique = nano_model(tokenizer, hidden=32, layers=2, heads=2, seed=5)
    critique.score = scalar.model.score
    critique.config.num_labels = 1
    judges = {
        "scalar": scalar,
        "generative": GenerativeJudge(model, tokenizer),
        "cloud": CritiqueJudge(critique, tokenizer),
        "cloud of 3": CritiqueJudge(critique, tokenizer, critiques=3),
        "implicit": ImplicitReward(model, nano_model(tokenizer, hidden=32, layers=2, heads=2, seed=9), tokenizer, 0.3),
    }
    prompts, answers = [[5, 6, 7]] * 2, [[8, 9], [10, 11, 12]]
    for kind, judge in judges.items():
        again = load_judge(save_judge(judge, tmp_path / kind))
        assert type(again) is type(judge)
        assert again.score(prompts, answers) == pytest.approx(judge.score(prompts, answers), abs=1e-5)
        assert "A judge of answers" in (tmp_path / kind / "README.md").read_text()


def test_a_name_without_a_folder_is_a_spec_too() -> None:
    assert read_spec("random").title == "random"
    assert replace(read_spec("openai:qwen@http://localhost:1/v1"), strategy="vote:4").title == "qwen+sc4"
    assert read_spec("openai:http://localhost:1/v1").title == "localhost:1"
    assert not read_spec("oracle").has_tokens
    assert load_agent("random").actor.agent_id == "random"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "is not YAML"),
        ("- x", "is a mapping of keys to values"),
        ("modle: x", "did you mean 'model'"),
        ("{model: random, sampling: {heat: 1}}", "unknown key in .*: 'heat'"),
        ("{model: random, sampling: {temperature: -1}}", "temperature >= 0"),
        ("{model: random, strategy: 8}", "strategy is a text"),
        ("{model: random, strategy: vote}", "needs a number of answers, such as vote:8"),
        ("{model: random, strategy: 'best_of:4'}", "writes text, not tokens"),
        ("name: x", "where no weights are"),
    ],
)
def test_what_is_wrong_with_a_folder_is_told(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "agent.yaml").write_text(text)
    with pytest.raises(AgentError, match=told):
        load_agent(tmp_path)


def test_an_engine_without_a_model_saves_nothing(policy: PolicyLLM, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="holds no model that could be saved"):
        PolicyLLM(object(), policy.chat).save_pretrained(tmp_path / "x")  # type: ignore[arg-type]  # no engine
    assert not (tmp_path / "x").exists()
