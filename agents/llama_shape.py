"""Which models FusedDecoder may decode: those made of the modules it knows, and whose numbers it reproduces."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from .fast_decode import FusedDecoder

TOLERANCE = 1e-5  # of logits, relative to the largest: rounding gives some 1e-7, another formula 1e-2
MOST_WEIGHTS = 2**25  # beyond, a step is bound by the weights it reads, and a copy of them costs more than it saves
STATIC_ROPES = ("default", "linear", "llama3", "yarn")  # kinds whose frequencies do not depend on the length
PROBED = 9  # positions
MODEL = ("embed_tokens", "layers", "norm", "rotary_emb")
LAYER = ("self_attn", "mlp", "input_layernorm", "post_attention_layernorm")
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
MLP = ("gate_proj", "up_proj", "down_proj", "act_fn")


def fits(model: Any) -> bool:
    """Whether a model has Llama's shape: exactly its modules, bare, with fp32 weights on one device.

    Seen from its modules, not from its name: adapters, quantised layers, hooks, sliding windows, norms and rotations of
    other kinds are something else.
    """
    if not (_made_of(model, ("model", "lm_head")) and _made_of(model.model, MODEL)):
        return False
    inner, config, modules = model.model, model.config, list(model.modules())
    weights = [weight for module in modules for weight in module._parameters.values() if weight is not None]
    device = model.device
    return (
        all(type(p) is nn.Parameter and p.dtype == torch.float32 and p.device == device for p in weights)
        and sum(p.numel() for p in weights) <= MOST_WEIGHTS
        and not any(map(_watched, modules))
        and config._attn_implementation in ("sdpa", "eager")
        and getattr(config, "sliding_window", None) is None
        and len(inner.layers) == config.num_hidden_layers
        and type(inner.embed_tokens) is nn.Embedding
        and inner.embed_tokens.max_norm is None
        and type(model.lm_head) is nn.Linear
        and _is_norm(inner.norm)
        and all(_layer_fits(layer, inner.layers[0].self_attn) for layer in inner.layers)
        and _is_rotation(inner.rotary_emb, inner.layers[0].self_attn.head_dim)
    )


def agrees(model: PreTrainedModel, decoder: FusedDecoder) -> bool:
    """Whether the decoder gives the logits of the model's own forward pass on two prompts and two tokens after each."""
    ids = (torch.arange(14, device=model.device) * 7919 + 1) % decoder.embedding.num_embeddings
    prompts, after = (ids[:7], ids[7:10]), ids[10:14].view(2, 2)
    with torch.inference_mode():
        reading = decoder.read([prompt.tolist() for prompt in prompts])
        cache = decoder.cache(2, 7, 2)
        cache.join(reading, [0, 1])
        positions = torch.tensor(reading.lengths, device=model.device)
        found = [reading.logits, *(decoder.step(after[:, i], positions + i, cache) for i in range(2))]
        return all(
            _near(torch.stack([logits[row] for logits in found]), model(torch.cat([prompt, after[row]])[None]).logits)
            for row, prompt in enumerate(prompts)
        )


def _near(found: Tensor, logits: Tensor) -> bool:
    expected = logits[0, -len(found) :]
    return float((found - expected).abs().max()) <= TOLERANCE * max(1.0, float(expected.abs().max()))


def _made_of(module: nn.Module, names: tuple[str, ...]) -> bool:
    return module._modules.keys() == set(names)


def _watched(module: nn.Module) -> bool:
    """Whether something else than the module's class decides what it computes."""
    return bool("forward" in vars(module) or module._forward_hooks or module._forward_pre_hooks)


def _layer_fits(layer: Any, first: Any) -> bool:
    if not (_made_of(layer, LAYER) and _made_of(layer.self_attn, ATTENTION) and _made_of(layer.mlp, MLP)):
        return False
    attention, mlp = layer.self_attn, layer.mlp
    linears = [getattr(attention, name) for name in ATTENTION] + [mlp.gate_proj, mlp.up_proj, mlp.down_proj]
    heads, kv_heads = (attention.q_proj.out_features, attention.k_proj.out_features)
    return (
        all(type(linear) is nn.Linear for linear in linears)
        and _is_norm(layer.input_layernorm)
        and _is_norm(layer.post_attention_layernorm)
        and not mlp.act_fn._parameters
        and getattr(attention, "sliding_window", None) is None
        and attention.head_dim == first.head_dim
        and attention.head_dim % 2 == 0
        and heads == first.q_proj.out_features
        and kv_heads == first.k_proj.out_features == attention.v_proj.out_features
        and heads % kv_heads == 0
        and isinstance(attention.scaling, float)
    )


def _is_norm(module: nn.Module) -> bool:
    return list(module._parameters) == ["weight"] and isinstance(getattr(module, "variance_epsilon", None), float)


def _is_rotation(module: Any, size: int) -> bool:
    return (
        getattr(module, "rope_type", None) in STATIC_ROPES
        and isinstance(getattr(module, "inv_freq", None), Tensor)
        and module.inv_freq.shape == (size // 2,)
        and isinstance(getattr(module, "attention_scaling", None), float)
    )
