"""What runs in vLLM's workers, with vLLM's own model at hand."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def take_weights(worker: Any, weights: list[tuple[str, Tensor]]) -> None:
    """Reload the weights in place. On a CPU vLLM computes with packed copies: reloading packs each layer anew but an
    output layer that is tied to the embeddings, which would go on with the old weights."""
    runner = worker.model_runner
    runner.reload_weights(weights_iterator=iter(weights))
    if not worker.model_config.hf_text_config.tie_word_embeddings:
        return
    layers = list(runner.get_model().modules())
    embeddings = next(layer for layer in layers if type(layer).__name__ == "VocabParallelEmbedding")
    for head in (layer for layer in layers if type(layer).__name__ == "ParallelLMHead"):
        head.tie_weights(embeddings)
        head.quant_method.process_weights_after_loading(head)
