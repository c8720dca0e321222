"""The way out to TRL: rows, rewards, environments, and steps of the real GRPOTrainer with them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast, PrinterCallback
from transformers.utils import get_json_schema

from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.envs import UnknownEnvironment, make, make_task, sample_problem
from palaestra.envs.adapters.trl import (
    environment_factory,
    reward_function,
    training_dataset,
    training_rows,
)

LINEAR = "palaestra/LinearEquations-v0"
GUESS = "palaestra/GoalExpression-v0"
NIM = "palaestra/Nim-vs-random-v0"


def solution(id: str, row: dict[str, Any]) -> str:
    task = make_task(id)
    problem = sample_problem(task, row["seed"], row["difficulty"], row["split"])
    return task.solve(problem, make(id).np_random)


def test_a_row_asks_the_problem_that_its_columns_find_again() -> None:
    rows = training_rows(LINEAR, 6, seed=1, difficulty=(1, 3), split="test")
    assert [row["difficulty"] for row in rows] == [1, 3] * 3
    assert len({row["seed"] for row in rows}) == 6
    for row in rows:
        assert row.keys() == {"prompt", "seed", "difficulty", "split"}
        problem = sample_problem(make_task(LINEAR), row["seed"], row["difficulty"], "test")
        assert row["prompt"] == [{"role": "user", "content": problem.prompt}]
    assert rows == training_rows(LINEAR, 6, seed=1, difficulty=(1, 3), split="test")
    assert rows != training_rows(LINEAR, 6, seed=2, difficulty=(1, 3), split="test")


def test_a_reward_is_the_verdict_on_the_rows_own_problem() -> None:
    rows = [row for split in ("train", "test") for row in training_rows(LINEAR, 4, difficulty=2, split=split)]
    columns = {name: [row[name] for row in rows] for name in ("seed", "difficulty", "split")}
    reward = reward_function(LINEAR)
    answers = [solution(LINEAR, row) for row in rows]
    messages = [[{"role": "assistant", "content": answer}] for answer in answers]
    assert reward(prompts=[], completions=answers, **columns) == [1.0] * 8
    assert reward(prompts=[], completions=messages, completion_ids=[], trainer_state=None, **columns) == [1.0] * 8
    assert reward(completions=["\\boxed{no}"] * 8, **columns) == [0.0] * 8
    assert reward.__name__ == "LinearEquations-v0"


def test_what_a_reward_function_cannot_judge_is_refused() -> None:
    with pytest.raises(ValueError, match="environment_factory"):
        reward_function(GUESS)
    with pytest.raises(UnknownEnvironment, match="nearest"):
        reward_function("palaestra/LinearEquation-v0")
    with pytest.raises(ValueError, match="split is one of train, test"):
        training_rows(NIM, 1, split="dev")
    with pytest.raises(ValueError, match="one row"):
        training_rows(LINEAR, 0)


def test_an_undecided_verdict_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from palaestra.envs import LinearEquations
    from palaestra.verifiers import undecided

    monkeypatch.setattr(LinearEquations, "verify", lambda self, problem, response: undecided("out of time"))
    (row,) = training_rows(LINEAR, 1, difficulty=1)
    columns = {name: [row[name]] for name in ("seed", "difficulty", "split")}
    assert reward_function(LINEAR)(completions=["1"], **columns) == [None]
    env = environment_factory(LINEAR)()
    env.reset(**row)
    env.act("1")
    assert env.get_reward() is None


def test_an_environment_plays_the_rows_episode_to_its_end() -> None:
    (row,) = training_rows(NIM, 1)
    env = environment_factory(NIM)()
    assert env.reset(**row) is None  # the row's prompt says it
    assert env.reset(seed=row["seed"]) == row["prompt"][0]["content"]
    said = row["prompt"][0]["content"]
    while "Legal actions: " in said:
        said = env.act(said.partition("Legal actions: ")[2].partition(",")[0].rstrip("."))
    assert env.get_reward() in (0.0, 1.0)
    with pytest.raises(ValueError, match="has ended"):
        env.act("take 1 from pile 1")
    with pytest.raises(ValueError, match="needs a seed"):
        env.reset()


def test_the_tool_is_described_as_models_need_it() -> None:
    described = get_json_schema(environment_factory(NIM)().act)["function"]
    assert described["name"] == "act"
    assert described["parameters"]["properties"]["text"]["description"]


def train(folder: Path, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, **given: Any) -> dict[str, Any]:
    """What a real GRPOTrainer logs of one step, four completions to each of two prompts."""
    from trl.trainer.grpo_config import GRPOConfig
    from trl.trainer.grpo_trainer import GRPOTrainer

    config = GRPOConfig(
        output_dir=str(folder),
        use_cpu=True,
        bf16=False,
        report_to=[],
        disable_tqdm=True,
        save_strategy="no",
        logging_steps=1,
        max_steps=1,
        per_device_train_batch_size=8,
        num_generations=4,
        max_completion_length=given.pop("length"),
        learning_rate=1e-3,
        gradient_checkpointing=False,
        dataloader_pin_memory=False,
        seed=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = GRPOTrainer(model=model, args=config, processing_class=tokenizer, **given)
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return next(entry for entry in trainer.state.log_history if "loss" in entry)


def test_trls_trainer_learns_from_the_reward_function(tmp_path: Path, parity: Path) -> None:
    id = "parity_task:tests/Parity-v0"  # half of what a random model says is right
    tokenizer = nano_tokenizer()
    model = nano_model(tokenizer, hidden=32, layers=1, heads=2)
    before = model.model.embed_tokens.weight.detach().clone()
    rewarded: list[list[float | None]] = []
    judge = reward_function(id)

    def watched(**columns: Any) -> list[float | None]:
        rewarded.append(judge(**columns))
        return rewarded[-1]

    data = training_dataset(id, 2, difficulty=(1, 2))
    logged = train(tmp_path, model, tokenizer, reward_funcs=[watched, judge], train_dataset=data, length=6)
    (scores,) = rewarded
    assert len(scores) == 8
    assert set(scores) == {0.0, 1.0}
    assert logged["rewards/Parity-v0/mean"] == pytest.approx(sum(map(float, filter(None, scores))) / 8)
    assert not torch.equal(before, model.model.embed_tokens.weight)


class Scripted(LlamaForCausalLM):  # type: ignore[misc]  # transformers' classes are untyped here
    """A Llama that says what ``say`` makes of the tokens so far; all else is the real thing."""

    say: Callable[[list[int]], list[int]]

    def generate(self, input_ids: torch.Tensor, **_: Any) -> torch.Tensor:
        said = [self.say(row) for row in input_ids.tolist()]
        width = max(map(len, said))
        padded = torch.tensor([row + [self.config.pad_token_id] * (width - len(row)) for row in said])
        return torch.cat([input_ids, padded], dim=1)


def test_trls_trainer_plays_an_environment_by_its_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trl import chat_template_utils

    monkeypatch.setenv("TRL_EXPERIMENTAL_SILENCE", "1")
    tokenizer = nano_tokenizer()
    tokenizer.chat_template = chat_template_utils.qwen3_chat_template
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.eos_token = "<|im_end|>"
    rows = training_rows(LINEAR, 2, difficulty=1)
    answers = {row["prompt"][0]["content"]: solution(LINEAR, row) for row in rows}
    calls = 0

    def say(ids: list[int]) -> list[int]:
        """Answer through the tool, every second time wrongly; then stop."""
        nonlocal calls
        heard = tokenizer.decode(ids)
        if "<tool_response>" in heard.rpartition("<|im_start|>user")[2]:
            return tokenizer.encode("Done.<|im_end|>")
        calls += 1
        answer = next(answers[prompt] for prompt in answers if prompt in heard) if calls % 2 else "\\boxed{0.123}"
        call = json.dumps({"name": "act", "arguments": {"text": answer}})
        return tokenizer.encode(f"<tool_call>\n{call}\n</tool_call><|im_end|>")

    tiny = nano_model(tokenizer, hidden=32, layers=1, heads=2)
    model = Scripted(tiny.config).float()
    model.say = say
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    data = training_dataset(LINEAR, 2, difficulty=1)
    factory = environment_factory(LINEAR)
    logged = train(tmp_path, model, tokenizer, environment_factory=factory, train_dataset=data, length=600)
    assert calls == 8
    assert logged["tools/call_frequency"] == 1.0
    assert logged["tools/failure_frequency"] == 0.0
    assert logged["rewards/TrlEnvironment/mean"] == 0.5
    assert logged["rewards/TrlEnvironment/std"] > 0
