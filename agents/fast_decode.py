"""Decoding written out by hand for models of Llama's shape: the same numbers as their own forward pass, sooner.

For a small model a step's time goes into calling hundreds of small operations. Here there are about a dozen a layer:
one matrix for queries, keys and values and one for gate and up, the norms' weights multiplied into them, the rotation
as one complex product, the residual sum inside the matrix product. The copies are made from the live weights for each
call, which costs less than two steps: they are never those of an earlier update.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .engine import TokenIds
from .plain_decode import padded
from .slots import Memory, Reading, SlotCache, StackedCache

MANY = 16  # rows from which on attention as two matrix products is faster than the fused kernel, for one query each

Attend = Callable[[int, Tensor], Tensor]  # of a layer's number and heads (rows, queries + keys + values, size)


@dataclass(frozen=True, slots=True)
class Layer:
    """Weights (inputs, outputs). qkv: queries (scaled), keys and values, the two numbers of a rotation side by side."""

    eps: Tensor
    qkv: Tensor
    qkv_bias: Tensor | None
    out: Tensor
    out_bias: Tensor | None
    mlp_eps: Tensor
    gate_up: Tensor
    gate_up_bias: Tensor | None
    activation: nn.Module
    down: Tensor
    down_bias: Tensor | None


class FusedDecoder:
    """Reads prompts and decodes a token a row; only for models that ``fits`` and, once, ``agrees`` accept."""

    def __init__(self, model: Any, positions: int, rows: int, memory: Memory | None = None) -> None:
        """positions: how many a row may have, prompt and answer together. rows: how many there may be at once.
        memory: for keys and values, from the decoder before this one."""
        self.memory = memory or Memory()
        decoder, attention = model.model, model.model.layers[0].self_attn
        self.device = model.device
        self.embedding = decoder.embed_tokens
        self.head, self.head_bias = model.lm_head.weight.t(), model.lm_head.bias
        self.size = attention.head_dim
        self.heads = attention.q_proj.out_features // self.size
        self.kv_heads = attention.k_proj.out_features // self.size
        self.single = rows == 1
        self.layers = [_layer(layer, self.single) for layer in decoder.layers]
        self.norm_weight = decoder.norm.weight * decoder.norm.weight.numel() ** 0.5
        self.norm_eps = _eps(decoder.norm)
        rotary = decoder.rotary_emb
        angles = torch.arange(positions, device=self.device)[:, None].float() * rotary.inv_freq.float()
        turn = torch.complex(angles.cos(), angles.sin()) * rotary.attention_scaling
        still = torch.ones_like(turn).repeat(1, self.kv_heads)
        self.turns = torch.cat([turn.repeat(1, self.heads + self.kv_heads), still], 1)  # values are not rotated

    def cache(self, slots: int, longest: int, room: int) -> SlotCache:
        """An empty cache for so many rows, prompts of at most ``longest`` tokens and ``room`` sampled columns."""
        return StackedCache(slots, longest, room, self.device, self.memory)

    def read(self, prompts: Sequence[TokenIds]) -> Reading:
        """All prompts at once, padded on the left."""
        ids, own = padded(prompts, self.device)
        n, width = ids.shape
        seen = own[:, None, :].expand(n, width, width).tril() | torch.eye(width, dtype=torch.bool, device=self.device)
        layers: list[tuple[Tensor, Tensor]] = []

        def attend(index: int, heads: Tensor) -> Tensor:
            parts = heads.unflatten(0, (n, width)).transpose(1, 2)
            queries, keys, values = parts.split([self.heads, self.kv_heads, self.kv_heads], 1)
            layers.append((keys, values))
            grouped = self.heads != self.kv_heads
            mixed = F.scaled_dot_product_attention(
                queries, keys, values, attn_mask=seen[:, None], scale=1.0, enable_gqa=grouped
            )
            return mixed.transpose(1, 2).reshape(n * width, -1)

        hidden = self._run(ids.flatten(), (own.cumsum(1) - 1).clamp(min=0).flatten(), attend)
        logits = self._logits(hidden.view(n, width, -1)[:, -1])
        return Reading([len(prompt) for prompt in prompts], logits, layers)

    def step(self, tokens: Tensor, positions: Tensor, cache: SlotCache) -> Tensor:
        """Logits (rows, vocabulary) of what follows ``tokens`` (rows,) at ``positions`` (rows,)."""
        assert isinstance(cache, StackedCache)
        cache.make_room()
        n = len(tokens)
        hide = torch.where(cache.own(), 0.0, -torch.inf)[:, None, None, :] if cache.ragged else None
        newest, seen = cache.columns()

        def attend(index: int, heads: Tensor) -> Tensor:
            """Queries that share a key head are that head's queries, as if one after the other."""
            newest[index].copy_(heads[:, self.heads :].unflatten(1, (2, self.kv_heads)).transpose(0, 1))
            keys, values = seen[2 * index], seen[2 * index + 1]
            queries = heads[:, : self.heads].unflatten(1, (self.kv_heads, -1))
            if n < MANY:
                mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=hide, scale=1.0)
            else:
                scores = queries @ keys.transpose(2, 3)
                mixed = (scores if hide is None else scores.add_(hide)).softmax(-1) @ values
            return mixed.reshape(n, -1)

        logits = self._logits(self._run(tokens, positions, attend))
        cache.column += 1
        return logits

    def _run(self, tokens: Tensor, positions: Tensor, attend: Attend) -> Tensor:
        """Hidden states (m, hidden) of tokens (m,) after the last layer."""
        x: Tensor = self.embedding(tokens)
        turn = self.turns[positions]
        for index, layer in enumerate(self.layers):
            qkv = _linear(_unit(x, layer.eps), layer.qkv, layer.qkv_bias)
            torch.view_as_complex(qkv.unflatten(1, (-1, 2))).mul_(turn)
            x = _linear(attend(index, qkv.unflatten(1, (-1, self.size))), layer.out, layer.out_bias, onto=x)
            unit = _unit(x, layer.mlp_eps)
            # Of several rows the wide product is faster, up to twice, with the weight first.
            both = torch.mm(unit, layer.gate_up) if self.single else torch.mm(layer.gate_up.t(), unit.t()).t()
            gate, up = (both if layer.gate_up_bias is None else both.add_(layer.gate_up_bias)).chunk(2, 1)
            x = _linear(layer.activation(gate).mul_(up), layer.down, layer.down_bias, onto=x)
        return x

    def _logits(self, hidden: Tensor) -> Tensor:
        return _linear(_unit(hidden, self.norm_eps).mul_(self.norm_weight), self.head, self.head_bias)


def _unit(x: Tensor, eps: Tensor) -> Tensor:
    """x / sqrt(sum of x² + eps²): the root-mean-square norm but for a constant that is in the weights."""
    return x / torch.hypot(torch.linalg.vector_norm(x, dim=-1, keepdim=True), eps)


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None, onto: Tensor | None = None) -> Tensor:
    """x @ weight + bias, added to ``onto``. weight: (inputs, outputs)."""
    y = torch.mm(x, weight) if onto is None else torch.addmm(onto, x, weight)
    return y if bias is None else y.add_(bias)


def _layer(layer: Any, single: bool) -> Layer:
    """single: lay the wide weights out input by input, from which one row is multiplied up to twice as fast."""
    attention, mlp = layer.self_attn, layer.mlp
    projections = [attention.q_proj, attention.k_proj, attention.v_proj]
    qkv, qkv_bias = _stacked(projections, layer.input_layernorm.weight)
    queries = attention.q_proj.out_features
    rotated = queries + attention.k_proj.out_features
    for stacked in (qkv,) if qkv_bias is None else (qkv, qkv_bias):
        stacked[:queries] *= attention.scaling
        stacked[:rotated] = _in_pairs(stacked[:rotated], attention.head_dim)
    gate_up, gate_up_bias = _stacked([mlp.gate_proj, mlp.up_proj], layer.post_attention_layernorm.weight)
    return Layer(
        eps=_eps(layer.input_layernorm),
        qkv=qkv.t().contiguous() if single else qkv.t(),
        qkv_bias=qkv_bias,
        out=attention.o_proj.weight.t(),
        out_bias=attention.o_proj.bias,
        mlp_eps=_eps(layer.post_attention_layernorm),
        gate_up=gate_up.t().contiguous() if single else gate_up.t(),
        gate_up_bias=gate_up_bias,
        activation=mlp.act_fn,
        down=mlp.down_proj.weight.t(),
        down_bias=mlp.down_proj.bias,
    )


def _eps(norm: Any) -> Tensor:
    """What ``_unit`` takes: the square root of the norm's epsilon, which is of a mean, times that of the size."""
    eps: Tensor = norm.weight.new_tensor((norm.variance_epsilon * norm.weight.numel()) ** 0.5)
    return eps


def _in_pairs(stacked: Tensor, size: int) -> Tensor:
    """Each head's two halves, whose numbers are rotated in pairs, laid out pair by pair."""
    paired: Tensor = stacked.unflatten(0, (-1, 2, size // 2)).transpose(1, 2).flatten(0, 2)
    return paired


def _stacked(linears: Sequence[nn.Linear], norm: Tensor) -> tuple[Tensor, Tensor | None]:
    """Linear maps of one input as a single one, with the weight of the norm before them multiplied in."""
    weight = torch.cat([linear.weight for linear in linears]).mul_(norm * norm.numel() ** 0.5)
    if all(linear.bias is None for linear in linears):
        return weight, None
    none = weight.new_zeros
    return weight, torch.cat([none(linear.out_features) if linear.bias is None else linear.bias for linear in linears])
