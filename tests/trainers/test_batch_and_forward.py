"""Packing, sharing and splitting change how a gradient is computed and not the gradient."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaForCausalLM

from palaestra.episodes.views import Row
from palaestra.trainers import forward as forward_module
from palaestra.trainers import layout as layout_module
from palaestra.trainers.batch import Batch, micro_batches, pack, select, with_gradient
from palaestra.trainers.forward import forward
from palaestra.trainers.layout import lay_out, place
from palaestra.trainers.losses import NLL, PolicyGradient

Rows = Callable[..., list[Row]]
OBJECTIVES = [
    NLL(),
    PolicyGradient(ratio="token", clip_low=0.2, clip_high=0.28, aggregation="token_mean"),
    PolicyGradient(ratio="sequence", clip_low=0.2, clip_high=0.2, aggregation="sequence_mean"),
    PolicyGradient(ratio="none", aggregation="sequence_sum"),
    PolicyGradient(aggregation="constant", constant=20, kl_coefficient=0.1, kl_estimator="k3", kl_placement="loss"),
]


def plain_logprobs(model: LlamaForCausalLM, row: Row, temperature: float = 1.0) -> torch.Tensor:
    ids = torch.from_numpy(row.ids)
    logp = (model(ids[None]).logits[0] / temperature).log_softmax(-1)
    return torch.cat([torch.zeros(1), logp[:-1].gather(1, ids[1:, None]).squeeze(1)])


def gradient_of(model: LlamaForCausalLM, batches: list[Batch], objective: object) -> torch.Tensor:
    model.zero_grad()
    for batch in batches:
        loss, _ = objective(batch, forward(model, batch))  # type: ignore[operator]
        loss.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def assert_same(one: torch.Tensor, other: torch.Tensor) -> None:
    """Equal to 1e-5 of the gradient's own size: sums in another order differ in the last digits."""
    assert (one - other).norm() < 1e-5 * other.norm()


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_logprobs_belong_to_their_ids_and_are_divided_by_the_temperature(
    model: LlamaForCausalLM, make_rows: Rows, temperature: float
) -> None:
    rows = make_rows(temperature=temperature)
    outputs = forward(model, pack(rows))
    expected = torch.cat([plain_logprobs(model, row, temperature) * torch.from_numpy(row.action) for row in rows])
    torch.testing.assert_close(outputs.logprobs, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_the_gradient_is_that_of_the_plain_forward_pass(
    model: LlamaForCausalLM, make_rows: Rows, temperature: float
) -> None:
    rows = make_rows(temperature=temperature)
    weights = torch.linspace(-1, 1, len(rows))
    batch = pack(rows)
    whole = gradient_of(model, [batch], lambda b, out: ((out.logprobs * weights[b.sequence_id]).sum(), {}))
    model.zero_grad()
    for row, weight in zip(rows, weights, strict=True):
        (weight * plain_logprobs(model, row, temperature)[torch.from_numpy(row.action)].sum()).backward()
    assert_same(whole, torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))


def test_entropy_is_that_of_the_distribution(model: LlamaForCausalLM, make_rows: Rows) -> None:
    row = make_rows(1, 1)[0]
    outputs = forward(model, pack([row]))
    p = model(torch.from_numpy(row.ids)[None]).logits[0].softmax(-1)
    expected = -(p * p.log()).sum(-1)[:-1]
    action = torch.from_numpy(row.action)
    torch.testing.assert_close(outputs.entropy[action], expected[action[1:]], atol=1e-4, rtol=1e-4)


def test_a_shared_prompt_is_read_once_and_changes_nothing(
    model: LlamaForCausalLM, make_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = pack(make_rows(1, 6))
    once = sum(len(row.ids) for row in make_rows(1, 6)) - 5 * 4  # a prompt of four tokens
    assert int((lay_out(batch).prompt >= 0).sum()) == once
    together = gradient_of(model, [batch], NLL())
    monkeypatch.setattr(layout_module, "ROW_LENGTHS", ())
    assert lay_out(batch).ids.shape[0] == 6
    assert_same(together, gradient_of(model, [batch], NLL()))


def test_different_prompts_share_rows_and_do_not_see_each_other(model: LlamaForCausalLM, make_rows: Rows) -> None:
    first, second, third = make_rows(3, 1)
    assert lay_out(pack([first, second, third])).ids.shape[0] == 1
    changed = replace(second, ids=(second.ids + 1) % 250)
    for order in itertools.permutations(range(3)):
        rows, others = [first, second, third], [first, changed, third]
        one = forward(model, pack([rows[i] for i in order])).logprobs
        other = forward(model, pack([others[i] for i in order])).logprobs
        same = torch.from_numpy(np.repeat([i != 1 for i in order], [len(rows[i].ids) for i in order]))
        torch.testing.assert_close(one[same], other[same], atol=0, rtol=0)


def test_answers_in_one_row_do_not_see_each_other(model: LlamaForCausalLM, make_rows: Rows) -> None:
    first, second, *_ = make_rows(1, 2)
    changed = replace(second, ids=np.where(second.action, (second.ids + 1) % 250, second.ids))
    n = len(first.ids)
    one = forward(model, pack([first, second])).logprobs[:n]
    torch.testing.assert_close(one, forward(model, pack([first, changed])).logprobs[:n], atol=0, rtol=0)


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 20)), min_size=1, max_size=30), st.sampled_from([0, 25, 40])
)
def test_every_token_has_a_place_of_its_own_within_the_limit(answers: list[tuple[int, int]], limit: int) -> None:
    n_prompt = [3 + prompt for prompt, _ in answers]
    lengths = [3 + prompt + n_answer for prompt, n_answer in answers]
    places = place([prompt for prompt, _ in answers], n_prompt, lengths, limit)
    taken: dict[tuple[int, int], tuple[int, ...]] = {}
    for s, (prompt, _) in enumerate(answers):
        row = places.row[s]
        assert places.widths[row] <= max(limit, lengths[s])
        columns = [places.prompt_column[s] + i for i in range(n_prompt[s])]
        columns += [places.answer_column[s] + i for i in range(lengths[s] - n_prompt[s])]
        assert columns == sorted(set(columns))  # an answer stands behind its prompt
        assert columns[-1] < places.widths[row]
        for i, column in enumerate(columns):
            owner = (prompt, i) if i < n_prompt[s] else (prompt, i, places.branch[s])
            assert taken.setdefault((row, column), owner) == owner


def test_little_of_a_layout_is_padding(make_rows: Rows) -> None:
    for seed in range(5):
        batch = pack(make_rows(40, 1, seed))
        assert lay_out(batch).ids.numel() < 1.2 * len(batch)


def test_a_chunked_head_gives_the_same(
    model: LlamaForCausalLM, make_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = pack(make_rows())
    whole = gradient_of(model, [batch], NLL())
    monkeypatch.setattr(forward_module, "CHUNK_ELEMENTS", 262 * 5)
    assert_same(whole, gradient_of(model, [batch], NLL()))


@pytest.mark.parametrize("elements", [1 << 22, 262 * 5], ids=["at once", "in chunks"])
def test_a_head_with_a_bias_gives_what_autograd_gives(
    model: LlamaForCausalLM, make_rows: Rows, monkeypatch: pytest.MonkeyPatch, elements: int
) -> None:
    monkeypatch.setattr(forward_module, "CHUNK_ELEMENTS", elements)
    temperature, generator = 0.7, torch.Generator().manual_seed(0)
    hidden, vocabulary = model.config.hidden_size, model.config.vocab_size
    head = torch.nn.Linear(hidden, vocabulary)
    torch.nn.init.normal_(head.bias, generator=generator)
    model.set_output_embeddings(head)
    states = torch.randn(23, hidden, generator=generator, requires_grad=True)
    targets = torch.randint(vocabulary, (23,), generator=generator)
    weighing = torch.randn(2, 23, generator=generator)
    logp = (head(states) / temperature).log_softmax(-1)
    plain = logp.gather(1, targets[:, None]).squeeze(1), -(logp.exp() * logp).sum(-1)
    for mine, other in zip(forward_module.action_logprobs(model, states, targets, temperature), plain, strict=True):
        torch.testing.assert_close(mine, other)
    inputs = (states, head.weight, head.bias)
    gradients = [
        torch.autograd.grad((weighing * torch.stack(of)).sum(), inputs)
        for of in (forward_module.action_logprobs(model, states, targets, temperature), plain)
    ]
    for mine, other in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=["nll", "token", "sequence", "none", "constant"])
@pytest.mark.parametrize("max_tokens", [1, 60, 150])
def test_the_gradient_does_not_depend_on_the_split(
    model: LlamaForCausalLM, make_rows: Rows, objective: object, max_tokens: int
) -> None:
    rows = make_rows()
    batch = pack(rows, np.linspace(-1, 1, len(rows)))
    parts = micro_batches(batch, max_tokens)
    assert len(parts) > 1
    assert sum(len(part) for part in parts) == len(batch)
    whole = gradient_of(model, [batch], objective)
    assert whole.abs().max() > 1e-4
    assert_same(gradient_of(model, parts, objective), whole)


def test_micro_batches_hold_every_sequence_once_and_keep_to_their_size(make_rows: Rows) -> None:
    batch = pack(make_rows())
    for most in (1, 40, 90, 10_000):
        parts = micro_batches(batch, most)
        assert sorted(s for part in parts for s in part.sequence_id.unique().tolist()) == list(range(batch.n_sequences))
        for part in parts:
            lengths = part.lengths()
            assert len(lengths) == 1 or lengths.sum() <= most
            for sequence in part.sequence_id.unique():
                assert torch.equal(part.ids[part.sequence_id == sequence], batch.ids[batch.sequence_id == sequence])
    assert parts == [batch]


def test_nan_outside_the_mask_never_reaches_the_gradient(model: LlamaForCausalLM, make_rows: Rows) -> None:
    rows = make_rows()
    batch = pack(rows, np.ones(len(rows)))
    poisoned = torch.where(batch.action_mask, batch.behaviour_logprobs, torch.nan)
    batch = replace(batch, behaviour_logprobs=poisoned, reference_logprobs=poisoned)
    for objective in OBJECTIVES:
        assert gradient_of(model, [batch], objective).isfinite().all()


def test_rows_without_advantage_are_left_out_and_still_counted(make_rows: Rows) -> None:
    rows = make_rows()
    advantage = np.zeros(len(rows))
    advantage[4] = 1.0
    batch = pack(rows, advantage)
    moving = with_gradient(batch)
    assert moving is not None
    assert moving.sequence_id.unique().tolist() == [4]
    assert (moving.n_tokens, moving.n_sequences) == (batch.n_tokens, 9)
    assert with_gradient(pack(rows, np.zeros(len(rows)))) is None


def test_end_of_sequence_tokens_are_learned(make_rows: Rows) -> None:
    rows = make_rows(1, 2)
    batch = pack(rows)
    ends = np.cumsum([len(row.ids) for row in rows]) - 1
    assert batch.action_mask[torch.from_numpy(ends)].all()


def test_select_keeps_whole_sequences(make_rows: Rows) -> None:
    rows = make_rows()
    chosen = select(pack(rows), [5, 2])
    assert chosen.ids.tolist() == [*rows[5].ids.tolist(), *rows[2].ids.tolist()]


def test_rows_of_two_temperatures_are_refused(make_rows: Rows) -> None:
    with pytest.raises(ValueError, match="temperatures"):
        pack([*make_rows(1, 1), *make_rows(1, 1, temperature=0.5)])
    with pytest.raises(ValueError, match="at least one row"):
        pack([])


def test_models_that_cap_their_logits_are_refused(model: LlamaForCausalLM, make_rows: Rows) -> None:
    model.config.final_logit_softcapping = 30.0
    with pytest.raises(ValueError, match="final_logit_softcapping"):
        forward(model, pack(make_rows(1, 1)))


def test_states_that_answers_share_get_the_same_gradient_each_time_with_two_threads() -> None:
    rows, columns = np.zeros(1500, np.int64), np.arange(1500) % 8  # 8 states, and threads that meet in each of them
    layout = SimpleNamespace(row=rows, column=columns)
    hidden = torch.randn(1, 8, 144, requires_grad=True)
    gradient = torch.randn(1500, 144)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        found = []
        for _ in range(20):
            states = forward_module._at(np.arange(1500), hidden, layout)  # type: ignore[arg-type]
            found += torch.autograd.grad(states, hidden, gradient)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(states, hidden[0, columns])
    assert all(torch.equal(one, found[0]) for one in found)
