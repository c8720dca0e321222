"""The same learning in less memory: adapters, half precision, activations computed twice, the optimiser elsewhere."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import LlamaForCausalLM

from palaestra.agents.adapters import Frozen, add_adapter, answering_with, plain
from palaestra.agents.checkpoint import save_checkpoint
from palaestra.agents.evaluator import load_evaluator, new_evaluator
from palaestra.agents.memory import recompute_layers, stored_in
from palaestra.agents.nano import nano_model, nano_tokenizer
from palaestra.agents.pretrained import MissingModel, load_model, load_policy, weights_hash
from palaestra.arena.run_folder import RunFolder, read_json_lines
from palaestra.arena.settings import SettingsError
from palaestra.episodes.views import Row
from palaestra.trainers.batch import pack
from palaestra.trainers.forward import forward
from palaestra.trainers.losses import NLL, PolicyGradient
from palaestra.trainers.optimise import adamw, update
from palaestra.trainers.recipe import parse_recipe
from palaestra.trainers.reference import logprobs_under, with_reference
from palaestra.trainers.reward_model import EVALUATORS, train_evaluator

Rows = Callable[..., list[Row]]
Play = Callable[..., RunFolder]
Recipes = Callable[..., dict[str, Any]]


def adapted(model: LlamaForCausalLM) -> LlamaForCausalLM:
    """A copy with an adapter that has learned something."""
    other = copy.deepcopy(model)
    add_adapter(other, "base", rank=4, alpha=8)
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in other.named_parameters():
            if "lora_B" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=noise) * 0.1)
    return other


def test_only_the_adapter_learns(model: LlamaForCausalLM, make_rows: Rows) -> None:
    other, before = adapted(model), weights_hash(model)
    optimizer = adamw(other)
    update(other, optimizer, pack(make_rows()), NLL(), learning_rate=0.01)
    learned = {id(p) for group in optimizer.param_groups for p in group["params"]}
    for name, parameter in other.named_parameters():
        assert ("lora_" in name) == (parameter.grad is not None) == (id(parameter) in learned), name
    with answering_with(other, None):
        assert weights_hash(other) == before
    assert weights_hash(other) != before


def test_a_plain_copy_answers_as_the_model_with_its_adapter(model: LlamaForCausalLM, make_rows: Rows) -> None:
    batch, other = pack(make_rows()), adapted(model)
    copied = plain(other)
    assert copied.state_dict().keys() == model.state_dict().keys()
    torch.testing.assert_close(logprobs_under(copied, batch, 60), logprobs_under(other, batch, 60))
    assert not torch.allclose(logprobs_under(model, batch, 60), logprobs_under(other, batch, 60))
    assert plain(model) is model


def test_a_plain_copy_ends_where_the_model_ends(model: LlamaForCausalLM) -> None:
    """Some name ends in generation_config.json alone: an engine that is given a copy must stop there too."""
    other: Any = adapted(model)
    other.generation_config.eos_token_id = [2, 3]
    copied: Any = plain(other)
    assert copied.generation_config.eos_token_id == [2, 3]


def test_the_reference_is_the_same_model_without_its_adapter(model: LlamaForCausalLM, make_rows: Rows) -> None:
    batch, other = pack(make_rows()), adapted(model)
    frozen: Any = Frozen(other, None)
    scored = with_reference(batch, frozen, 60)
    assert torch.equal(scored.reference_logprobs, logprobs_under(model, batch, 60))
    assert scored.reference_hash == weights_hash(model)
    assert not torch.allclose(scored.reference_logprobs, logprobs_under(other, batch, 60))  # it is on again
    assert frozen.base_model.__self__.model is other


def test_recomputed_activations_give_the_same_gradient_and_are_not_kept(
    model: LlamaForCausalLM, make_rows: Rows
) -> None:
    batch, again = pack(make_rows()), copy.deepcopy(model)
    recompute_layers(again)
    kept = []
    for one in (model, again):
        sizes: list[int] = []

        def note(tensor: torch.Tensor, sizes: list[int] = sizes) -> torch.Tensor:
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            value, _ = PolicyGradient(ratio="none")(batch, forward(one, batch))
        value.backward()
        kept.append(sum(sizes))
    for p, q in zip(model.parameters(), again.parameters(), strict=True):
        assert p.grad is not None
        assert torch.equal(p.grad, q.grad)
    assert kept[1] < 0.7 * kept[0]


def test_half_precision_keeps_small_steps_and_an_exact_head(make_rows: Rows) -> None:
    model = stored_in(nano_model(nano_tokenizer(), 32, 2, 2), torch.bfloat16)
    before = [p.detach().clone() for p in model.parameters()]
    hidden = torch.randn(3, 32, generator=torch.Generator().manual_seed(0)).bfloat16()
    head: Any = model.get_output_embeddings()
    assert torch.equal(head(hidden), hidden.float() @ head.weight.float().T)
    assert head.weight is model.get_input_embeddings().weight
    optimizer = adamw(model)
    for _ in range(30):  # one step of 1e-6 changes no weight in half precision; thirty of them add up
        update(model, optimizer, pack(make_rows()), NLL(), learning_rate=1e-6)
    masters = [p for group in optimizer.param_groups for p in group["params"]]
    assert all(p.dtype == torch.float32 for p in masters)
    moved = sum(int((p != q).sum()) for p, q in zip(model.parameters(), before, strict=True))
    assert moved > 0
    assert sum(p.numel() for p in masters) == sum(p.numel() for p in before)


def test_a_second_optimiser_in_half_precision_takes_the_place_of_the_first(make_rows: Rows) -> None:
    models = [stored_in(nano_model(nano_tokenizer(), 32, 2, 2), torch.bfloat16) for _ in range(2)]
    optimizers = [adamw(model) for model in models]
    optimizers[1] = adamw(models[1])
    for model, optimizer in zip(models, optimizers, strict=True):
        update(model, optimizer, pack(make_rows()), NLL(), learning_rate=0.01)
    assert weights_hash(models[0]) == weights_hash(models[1])


def test_an_optimiser_elsewhere_takes_the_same_steps(model: LlamaForCausalLM, make_rows: Rows) -> None:
    from palaestra.agents.memory import _master, write_back

    other = copy.deepcopy(model)
    ours, masters = adamw(model), [_master(p, None) for p in other.parameters()]
    theirs = torch.optim.AdamW(masters, lr=0.0, betas=(0.9, 0.95), weight_decay=0.01, fused=True)
    theirs.param_groups[0]["params"] = [p for p in masters if p.ndim >= 2]
    theirs.add_param_group({"params": [p for p in masters if p.ndim < 2], "weight_decay": 0.0})
    write_back(theirs, list(other.parameters()), masters)
    for _ in range(3):
        for one, optimizer in ((model, ours), (other, theirs)):
            update(one, optimizer, pack(make_rows()), NLL(), learning_rate=0.01, max_tokens=60)
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), other.parameters(), strict=True))
    assert all(p.grad is None for p in other.parameters())


LORA = {"hidden": 32, "layers": 2, "heads": 2, "lora": {"rank": 2}}


@pytest.fixture(scope="module")
def lora_run(play_run: Play, tiny_recipe: Recipes) -> Path:
    recipe = tiny_recipe(model=LORA)
    recipe["evolve"]["algorithm"] = "dpo"
    return play_run(recipe).path


def test_checkpoints_hold_the_adapter_alone(lora_run: Path) -> None:
    size = (lora_run / "base" / "model.safetensors").stat().st_size
    folders = [*(lora_run / "agents").iterdir(), *(lora_run / "checkpoints").iterdir()]
    assert len(folders) == 4
    for folder in folders:
        assert not (folder / "model.safetensors").exists()
        weights = load_file(folder / "adapter_model.safetensors")
        assert {name.split(".")[-2] for name in weights} == {"lora_A", "lora_B"}
        assert sum(w.numel() for w in weights.values()) * 4 < size / 5
    state = torch.load(next((lora_run / "checkpoints").iterdir()) / "training_state.pt", weights_only=True)
    moments = sum(entry["exp_avg"].numel() for entry in state["optimizer"]["state"].values())
    assert moments == sum(w.numel() for w in weights.values())


def test_an_evolved_adapter_is_an_agent_that_the_log_names(lora_run: Path, tmp_path: Path) -> None:
    store = RunFolder.open(lora_run).episodes
    first = store.find("evolve-00000")
    assert first is not None
    hashes = {episode.roles["reasoner"].weights_hash for episode in store.read(first)}
    assert hashes == {load_policy(lora_run / "agents" / "warm").actor.weights_hash}
    assert load_policy(lora_run / "agents" / "start").actor.weights_hash not in hashes
    rows = [row for row in read_json_lines(lora_run / "metrics.jsonl") if "reference_hash" in row]
    assert {row["reference_hash"] for row in rows} == hashes  # the policy as evolution began, though it learned since
    moved = shutil.copytree(lora_run, tmp_path / "moved")
    assert weights_hash(load_model(moved / "agents" / "warm")[0]) in hashes
    shutil.rmtree(moved / "base")
    with pytest.raises(MissingModel, match=r"is an adapter, and what it belongs to cannot be .*base holds no model"):
        load_policy(moved / "agents" / "warm")


def test_a_critic_on_a_backbone_with_an_adapter_learns_and_is_gone_on_with(
    play_run: Play, tiny_recipe: Recipes
) -> None:
    recipe = tiny_recipe(model=LORA)
    pull = {"kl_coefficient": 0.1, "kl_estimator": "k2", "kl_placement": "loss"}  # its reference is a second adapter
    critic = {"shared": True, "coefficient": 0.1}
    recipe["evolve"] |= {"algorithm": "ppo", "critic": critic, "objective": pull}
    whole, stopped = play_run(recipe), play_run(recipe, stop_after=3)
    play_run(run=RunFolder.open(stopped.path))
    adapters = [(run.path / "agents/evolved/adapter_model.safetensors").read_bytes() for run in (whole, stopped)]
    assert adapters[0] == adapters[1]
    heads = []
    for run in (whole, stopped):
        state = torch.load(max((run.path / "checkpoints").iterdir()) / "training_state.pt", weights_only=True)
        heads.append(state["value_head"]["score.weight"])
    assert heads[0].abs().max() > 0
    assert torch.equal(*heads)


def test_without_a_warm_start_the_reference_is_the_base(play_run: Play, tiny_recipe: Recipes) -> None:
    recipe = tiny_recipe(model=LORA, warm_start={"rounds": 0}, evaluation={"problems": 1, "self_consistency": 1})
    recipe["evolve"]["algorithm"] = "dpo"
    run = play_run(recipe)
    hashes = {row["reference_hash"] for row in read_json_lines(run.metrics) if "reference_hash" in row}
    assert hashes == {weights_hash(load_model(run.path / "base")[0])}


@pytest.mark.parametrize(
    ("changes", "file"),
    [
        (LORA, "adapter_model.safetensors"),
        ({"dtype": "bfloat16"}, "model.safetensors"),
        ({**LORA, "dtype": "bfloat16", "gradient_checkpointing": True}, "adapter_model.safetensors"),
    ],
)
def test_a_run_that_was_stopped_ends_as_one_that_was_not(
    play_run: Play, tiny_recipe: Recipes, changes: dict[str, Any], file: str
) -> None:
    recipe = tiny_recipe(model=changes, evaluation={"problems": 1})
    recipe["evolve"]["algorithm"] = "dpo"
    runs = [play_run(recipe), play_run(recipe, stop_after=4)]
    play_run(run=RunFolder.open(runs[1].path))
    one, other = (load_file(run.path / "agents" / "evolved" / file) for run in runs)
    assert all(torch.equal(weight, other[name]) for name, weight in one.items())
    types = {weight.dtype for weight in one.values()}
    assert types == {torch.bfloat16 if file.startswith("model") else torch.float32}  # an adapter is never rounded


@pytest.mark.parametrize("kind", ["bradley_terry", "value"])
def test_an_evaluator_learns_as_an_adapter_with_its_head(
    model: LlamaForCausalLM, make_rows: Rows, tmp_path: Path, kind: str
) -> None:
    save_checkpoint(tmp_path, "policy", model, nano_tokenizer())
    evaluator = new_evaluator(tmp_path / "policy", lora_rank=2)
    train_evaluator(
        evaluator,
        make_rows(4, 4),
        lambda row: [len(row.ids)],
        EVALUATORS[kind],
        epochs=2,
        batch_size=8,
        learning_rate=0.01,
    )
    save_checkpoint(tmp_path, "judge", evaluator.model, evaluator.tokenizer)
    saved = load_file(tmp_path / "judge" / "adapter_model.safetensors")
    assert {name.split(".")[-2] for name in saved} == {"lora_A", "lora_B", "score"}
    asked = ([[5, 6, 7]] * 2, [[8, 9], [10]])
    scores = evaluator.score(*asked)
    assert scores == load_evaluator(tmp_path / "judge").score(*asked)
    assert 0.0 not in scores


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lora": {"rank": 0}}, "model.lora.rank is 1 or more"),
        ({"lora": {"rnak": 4}}, "did you mean 'rank'"),
        ({"lora": 8}, r"model.lora is a mapping or nothing"),
        ({"lora": {"targets": [1]}}, "model.lora.targets is a text or a list of texts"),
        ({"dtype": "float16"}, "model.dtype is one of float32, bfloat16"),
    ],
)
def test_an_option_without_sense_is_refused(tiny_recipe: Recipes, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse_recipe(tiny_recipe(model=changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"offload_optimizer": True, "device": "cpu"}, "offload_optimizer is for a whole model on a GPU"),
        ({"lora": {"targets": ["nowhere"]}}, "nowhere"),
        ({"lora": {"targets": ["lm_head"]}}, "the head takes no adapter"),
    ],
)
def test_what_would_have_no_effect_is_refused(
    play_run: Play, tiny_recipe: Recipes, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        play_run(tiny_recipe(model=changes))
