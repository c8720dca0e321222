"""How a round's answers are found: each way by what it is made of, and the temperature by its balance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from unittest.mock import patch

import pytest

from palaestra.agents import processes
from palaestra.agents.agent import Dialogue, Message
from palaestra.agents.chat import ChatFormat
from palaestra.agents.engine import Completion, Sampling
from palaestra.agents.nano import nano_tokenizer
from palaestra.agents.policy import PolicyLLM
from palaestra.agents.samplers import Balanced, LinesRight, Sampler, sampling_by
from palaestra.agents.search.text import Prefix
from palaestra.agents.transformers_engine import TransformersEngine
from palaestra.envs import make
from palaestra.envs.tasks.chain_arith import ChainArith
from palaestra.episodes import Cost
from palaestra.verifiers import right, undecided, wrong

CHAT = ChatFormat(nano_tokenizer())


class Words:
    """An engine that says a word after the other, by temperature."""

    said: ClassVar = {0.5: ("up", "up"), 1.0: ("up", "down"), 2.0: ("up", "no")}

    def generate(self, prompts: Sequence[Any], sampling: Sampling) -> list[Completion]:
        words = [self.said[sampling.temperature][index % 2] for index in range(len(prompts))]
        ids = [tuple(CHAT.tokenizer.encode(word, add_special_tokens=False)) for word in words]
        return [Completion(one, (-1.0,) * len(one), "stop", 0) for one in ids]


ODD_AND_EVEN = [("up", "up", "up"), ("up", "down", "no")]  # what it says to the first and the second, by temperature


class UpOrDown:
    """An environment in which both are right."""

    def snapshot(self) -> int:
        return 0

    def step(self, text: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        return "", 0.0, True, False, {"verdict": right("so") if text in ("up", "down") else wrong("not so")}

    def restore(self, state: int) -> None:
        pass


def test_the_temperature_is_taken_whose_answers_are_right_and_differ() -> None:
    policy = PolicyLLM(Words(), CHAT, Sampling())  # type: ignore[arg-type]
    env: Any = UpOrDown()
    asked = [Dialogue((Message("user", f"{problem}?"),), seed, env=env) for problem in range(3) for seed in range(4)]
    replies = Balanced(policy, (0.5, 1.0, 2.0), probes=2).respond(asked)
    assert [reply.text for reply in replies] == ["up", "down"] * 6
    assert {reply.sampling.temperature for reply in replies} == {1.0}
    # of four answers, two different right ones are wanted: 1/2 · 4/4, 2/2 · 4/4, 1/2 · 2/4
    assert replies[0].meta == {"temperature": 1.0, "balance": {"0.5": 0.5, "1": 1.0, "2": 0.25}}


def test_what_nobody_could_judge_speaks_against_no_temperature() -> None:
    class Failing(UpOrDown):
        def step(self, text: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
            return "", 0.0, True, False, {"verdict": undecided("no worker") if text == "down" else right("so")}

    env: Any = Failing()
    sampler = Balanced(PolicyLLM(Words(), CHAT, Sampling()), (0.5, 1.0), wanted=1)  # type: ignore[arg-type]
    (first, _) = sampler.respond([Dialogue((Message("user", "?"),), seed, env=env) for seed in range(2)])
    assert first.meta["balance"] == {"0.5": 1.0, "1": 1.0}  # of "up" twice, and of "up" and what is not known


def test_one_temperature_serves_for_all_dialogues_of_a_round() -> None:
    """They come by parts, turn by turn and from several processes, and a batch of them has one temperature."""
    sampler = Balanced(PolicyLLM(Words(), CHAT, Sampling()), (0.5, 1.0, 2.0))  # type: ignore[arg-type]
    env: Any = UpOrDown()
    asked = [Dialogue((Message("user", "?"),), seed, env=env) for seed in range(4)]
    with patch.object(processes, "gather", lambda mine: [mine, [1.0, 0.1, 0.0]]):  # of another process
        first = sampler.respond(asked)
    assert first[0].meta["balance"] == pytest.approx({"0.5": 0.75, "1": 0.55, "2": 0.125})
    again = sampler.respond(asked[:1])
    assert {reply.sampling.temperature for reply in (*first, *again)} == {0.5}


def test_what_was_tried_to_choose_a_temperature_is_paid_for_once() -> None:
    sampler = Balanced(PolicyLLM(Words(), CHAT, Sampling()), (0.5, 1.0, 2.0), probes=1)  # type: ignore[arg-type]
    env: Any = UpOrDown()
    asked = [Dialogue((Message("user", f"{problem}?"),), seed, env=env) for problem in range(2) for seed in range(2)]
    own = [reply.cost for reply in PolicyLLM(Words(), CHAT, Sampling(temperature=0.5)).respond(asked)]  # type: ignore[arg-type]
    tokens = [[len(CHAT.tokenizer.encode(word, add_special_tokens=False)) for word in words] for words in ODD_AND_EVEN]
    tried = [Cost(3 * one.tokens_in, sum(said), 3) for one, said in zip(own, tokens, strict=False)]
    costs = [reply.cost for reply in sampler.respond(asked)]
    assert costs == [own[0] + tried[0], own[1] + tried[1], own[2], own[3]]  # one problem was probed
    assert [reply.cost for reply in sampler.respond(asked)] == own


def test_temperatures_are_not_chosen_without_verdicts() -> None:
    policy = PolicyLLM(Words(), CHAT, Sampling())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="this dialogue has no environment"):
        Balanced(policy, (0.5, 1.0)).respond([Dialogue((Message("user", "?"),))])


def test_lines_that_the_task_calls_wrong_cost_a_point_each(engine: TransformersEngine) -> None:
    env = make("palaestra/ChainArith-v0", modulus=5, operators="+", wording=0)
    problem = env.reset(seed=1, options={"difficulty": 2})[1]["problem"]
    task = env.unwrapped.task  # type: ignore[attr-defined]
    assert isinstance(task, ChainArith)
    good = "\n".join(task.solve(problem, None).splitlines()[:-1])  # type: ignore[arg-type]
    dialogue: Any = Dialogue((Message("user", problem.prompt),), problem=problem, env=env.unwrapped)
    value = LinesRight(PolicyLLM(engine, CHAT, Sampling()))
    texts = ("", good, good.replace("b=", "b=9+"), f"b=}}\n{good}")
    ids = [tuple(CHAT.tokenizer.encode(text, add_special_tokens=False)) for text in texts]
    valued = value([Prefix(dialogue, (), one) for one in ids])
    assert [one.cost for one in valued] == [Cost(verifier_calls=1)] * 4
    found = [one.value for one in valued]
    assert found[:2] == [0, 0]
    assert found[2] <= -1
    assert found[3] == -0.5  # nonsense is worth less than what is right


@pytest.mark.parametrize(
    ("sampler", "name"),
    [
        (Sampler(search="sbs:1,2", value="likelihood"), "policy+sbs:1,2"),
        (Sampler(search="mcts:2"), "policy+mcts:2+peek"),
        (Sampler(search="mcts_g:2", value="steps"), "policy+mcts_g:2+peek"),
        (Sampler(best_of=2), "policy+best2"),
        (Sampler(temperatures=(0.5, 1.0)), "policy+balanced+peek"),
    ],
)
def test_what_looks_at_verdicts_says_so(engine: TransformersEngine, sampler: Sampler, name: str) -> None:
    sampler.check()
    assert sampling_by(sampler, PolicyLLM(engine, CHAT, Sampling(max_tokens=8))).actor.agent_id == name


def test_a_head_that_is_not_there_is_told(engine: TransformersEngine) -> None:
    with pytest.raises(ValueError, match="value head is for a policy that has one"):
        sampling_by(Sampler(search="mcts:2", value="head"), PolicyLLM(engine, CHAT, Sampling()))


@pytest.mark.parametrize(
    ("sampler", "said"),
    [
        (Sampler(), "one of search, best_of"),
        (Sampler(search="sbs:1,2", best_of=2), "one of search, best_of"),
        (Sampler(search="mcts:2", temperatures=(0.5,)), "one of search, best_of"),
        (Sampler(search="mcts:2", best_of=1), "one of search, best_of"),
        (Sampler(best_of=-4), "one of search, best_of"),
        (Sampler(best_of=4, value="steps"), "value steps is of a search among an answer's lines"),
        (Sampler(temperatures=(0.5, 1.0), value="head"), "value head is of a search among"),
        (Sampler(search="moves:8", value="likelihood"), "value likelihood is of a search among"),
        (Sampler(temperatures=(0.0, 1.0)), "temperatures are above 0"),
        (Sampler(search="mtcs:3"), "a search is one of"),
    ],
)
def test_what_is_no_sampler_is_refused(sampler: Sampler, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        sampler.check()
