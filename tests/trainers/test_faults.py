"""What goes wrong in a step or on a disk: it is told, nothing is lost, and what failed can be tried again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaForCausalLM, PreTrainedModel

from palaestra.agents.agent import Dialogue, Message
from palaestra.agents.checkpoint import STATE, BrokenCheckpoint
from palaestra.agents.engine import EngineError, Sampling
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.pretrained import MissingModel, load_model, load_policy
from palaestra.arena.run_folder import RunFolder
from palaestra.episodes.views import Row
from palaestra.trainers.batch import Batch, load_batch, pack, tensor_fields
from palaestra.trainers.forward import Outputs, forward
from palaestra.trainers.losses import NLL
from palaestra.trainers.optimise import TrainingError, adamw, update

Rows = Callable[..., list[Row]]
Play = Callable[..., RunFolder]
Recipes = Callable[..., dict[str, Any]]
FULL = "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried 1 byte"


def memory_for(tokens: int, seen: list[int] | None = None) -> Callable[[PreTrainedModel, Batch], Outputs]:
    """A forward pass that has room for so many tokens; ``seen`` gets what each call read."""

    def read(model: PreTrainedModel, batch: Batch) -> Outputs:
        if seen is not None:
            seen.append(len(batch))
        if len(batch) > tokens:
            raise RuntimeError(FULL)
        return forward(model, batch)

    return read


def weights(model: LlamaForCausalLM) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_when_memory_runs_out_the_step_is_made_in_halves(model: LlamaForCausalLM, make_rows: Rows) -> None:
    batch, start = pack(make_rows()), {name: value.clone() for name, value in model.state_dict().items()}
    update(model, adamw(model), batch, NLL(), learning_rate=0.01, max_tokens=60)
    wanted = weights(model)
    model.load_state_dict(start)
    seen: list[int] = []
    with pytest.warns(UserWarning, match="out of memory: this step is made with 60 tokens at once instead"):
        metrics = update(
            *(model, adamw(model), batch, NLL()), learning_rate=0.01, max_tokens=120, read=memory_for(60, seen)
        )
    assert torch.equal(weights(model), wanted)
    assert max(seen) > 60 >= min(seen)
    assert metrics["gradient_norm"] > 0


def test_half_is_of_what_the_step_took_where_that_was_less_than_allowed(
    model: LlamaForCausalLM, make_rows: Rows
) -> None:
    batch, seen = pack(make_rows()), list[int]()
    with pytest.warns(UserWarning, match=f"with {len(batch) // 2} tokens at once instead"):
        update(model, adamw(model), batch, NLL(), learning_rate=0.01, read=memory_for(len(batch) - 1, seen))
    assert seen[0] == len(batch) == sum(seen[1:])


def test_when_one_process_lacks_memory_all_make_the_step_in_the_same_halves(
    model: LlamaForCausalLM, make_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, halves = pack(make_rows()), list[list[int]]()
    monkeypatch.setattr("palaestra.agents.processes.count", lambda: 2)
    monkeypatch.setattr("palaestra.agents.processes.add_up", lambda tensors: None)
    for rank, room, others in ((0, 60, [{}, {}]), (1, 1000, [None, {}])):

        def read(model: PreTrainedModel, micro: Batch, room: int = room) -> Outputs:
            halves[-1].extend(micro.sequence_id.unique().tolist())
            return memory_for(room)(model, micro)

        def gathered(mine: Any, others: list[Any] = others) -> list[Any]:
            halves.append([])  # what this process reads after they have met
            return [mine, others.pop(0)]

        halves.append([])
        monkeypatch.setattr("palaestra.agents.processes.rank", lambda rank=rank: rank)
        monkeypatch.setattr("palaestra.agents.processes.gather", gathered)
        with pytest.warns(UserWarning, match="out of memory"):
            update(model, adamw(model), batch, NLL(), learning_rate=0.01, read=read)
    assert {*halves[1], *halves[4]} == set(range(batch.n_sequences))


def test_when_half_is_too_much_the_run_stops_with_its_weights(model: LlamaForCausalLM, make_rows: Rows) -> None:
    before, optimizer = weights(model), adamw(model)
    with (
        pytest.warns(UserWarning, match="out of memory"),
        pytest.raises(TrainingError, match="lower micro_batch_tokens"),
    ):
        update(model, optimizer, pack(make_rows()), NLL(), learning_rate=0.01, max_tokens=120, read=memory_for(1))
    assert torch.equal(weights(model), before)
    assert all(p.grad is None for p in model.parameters())


def test_any_other_error_is_not_taken_for_a_lack_of_memory(model: LlamaForCausalLM, make_rows: Rows) -> None:
    def broken(model: PreTrainedModel, batch: Batch) -> Outputs:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        update(model, adamw(model), pack(make_rows()), NLL(), learning_rate=0.01, read=broken)


def test_what_a_failed_step_was_to_learn_from_is_kept(
    play_run: Play, tiny_recipe: Recipes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(self: NLL, batch: Batch, outputs: Outputs) -> Any:
        return outputs.logprobs.sum() * float("nan"), {}

    run = RunFolder.create(tmp_path, "failing")
    with monkeypatch.context() as patch:
        patch.setattr(NLL, "__call__", broken)
        with pytest.raises(TrainingError, match=r"the loss is nan on sequences .* is kept in .*failed-warm-00000\.pt"):
            play_run(tiny_recipe(name="failing"), run=run)
    kept = load_batch(run.path / "failed-warm-00000.pt")
    assert all(len(getattr(kept, name)) == len(kept) > 0 for name in tensor_fields())
    policy, _ = load_model(run.path / "agents" / "start")
    assert update(policy, adamw(policy), kept, NLL(), learning_rate=0.01)["loss"] > 0  # the step, tried again
    resumed = play_run(run=RunFolder.open(run.path))
    assert (resumed.path / "agents" / "evolved").is_dir()


@pytest.fixture
def stopped(play_run: Play, tiny_recipe: Recipes) -> RunFolder:
    return play_run(tiny_recipe(name="stopped"), stop_after=4)


def latest(run: RunFolder) -> Path:
    return max(run.checkpoints.iterdir())


@pytest.mark.parametrize("length", [1000, 0])
def test_a_cut_off_training_state_is_told(play_run: Play, stopped: RunFolder, length: int) -> None:
    file = latest(stopped) / STATE
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(BrokenCheckpoint, match=r"cannot be read \(.+\): delete .* to go on before it"):
        play_run(run=RunFolder.open(stopped.path))


def test_a_checkpoint_without_a_training_state_is_told(play_run: Play, stopped: RunFolder) -> None:
    (latest(stopped) / STATE).unlink()
    with pytest.raises(BrokenCheckpoint, match="holds no training state"):
        play_run(run=RunFolder.open(stopped.path))


def test_the_training_state_of_another_architecture_is_told(play_run: Play, stopped: RunFolder) -> None:
    tokenizer = nano_tokenizer()
    other = nano_model(tokenizer, hidden=48, layers=2, heads=2, seed=0)
    other.save_pretrained(latest(stopped))
    with pytest.raises(BrokenCheckpoint, match="training state of another model"):
        play_run(run=RunFolder.open(stopped.path))


def test_a_checkpoint_that_is_deleted_is_gone_on_before(play_run: Play, stopped: RunFolder) -> None:
    shutil.rmtree(latest(stopped))
    assert (play_run(run=RunFolder.open(stopped.path)).path / "agents" / "evolved").is_dir()


def saved(folder: Path, **changes: Any) -> Path:
    tokenizer = nano_tokenizer()
    model = nano_model(tokenizer, hidden=32, layers=1, heads=2, seed=0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_corrupted_file_of_weights_is_told(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model")
    file = folder / "model.safetensors"
    file.write_bytes(b"\xff" * 64 + file.read_bytes()[64:])
    with pytest.raises(MissingModel, match="could not be loaded as a model"):
        load_model(folder)


def test_a_tokenizer_of_another_model_is_told(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model")
    _, tokenizer = load_model(folder)
    tokenizer.add_tokens(["zebra"])
    tokenizer.save_pretrained(folder)
    policy = load_policy(folder, Sampling(max_tokens=2))
    assert len(policy.respond([Dialogue((Message("user", "horse"),))])) == 1  # it knows all of this
    with pytest.raises(EngineError, match="which the model does not know: the tokenizer is another model's"):
        policy.respond([Dialogue((Message("user", "zebra"),))])
