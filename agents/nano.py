"""The small model that learns on a laptop: a Llama of about a million parameters that reads and writes bytes.

Both parts are the real thing (``LlamaForCausalLM``, ``PreTrainedTokenizerFast``) and are saved, loaded and served like
any other model of the hub.
"""

from __future__ import annotations

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

PAD, END, SYSTEM, USER, ASSISTANT = "<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
# One token each, since nearly every text of the shipped tasks holds them and length is what a small machine pays for.
WHOLE = ("\\boxed{", "? Answer in \\boxed{}.", " Answer in \\boxed{}.", ". What is ", "Modulo ", "; ")


def nano_tokenizer() -> PreTrainedTokenizerFast:
    """One token a byte (so that text without marks survives the way there and back), five marks, a few whole words."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    marks = [PAD, END, SYSTEM, USER, ASSISTANT]
    vocabulary = {token: index for index, token in enumerate(marks + alphabet)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in marks])
    tokenizer.add_tokens([AddedToken(word, normalized=False) for word in WHOLE])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        model_max_length=4096,
    )


def nano_model(
    tokenizer: PreTrainedTokenizerFast, hidden: int = 128, layers: int = 4, heads: int = 4, seed: int = 0
) -> LlamaForCausalLM:
    """A Llama with random weights that depend on ``seed`` alone; about 1.1 million parameters at the defaults."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=4 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        initializer_range=0.06,  # near 1 / sqrt(hidden): at the usual 0.02 so small a model starts three times slower
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: LlamaForCausalLM = LlamaForCausalLM(config).float()
    return model
