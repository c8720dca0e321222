"""The small model's parts: a tokenizer that loses nothing, and weights that depend on the seed alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from palaestra.agents.nano import ASSISTANT, END, PAD, SYSTEM, USER, nano_model, nano_tokenizer
from palaestra.agents.pretrained import weights_hash

TOKENIZER = nano_tokenizer()
MARKS = (PAD, END, SYSTEM, USER, ASSISTANT)


@given(st.text().filter(lambda text: not any(mark in text for mark in MARKS)))
@example("What is b? Answer in \\boxed{}. \\boxed{12}")
@example(" two  spaces\n\n\ttab \r\n é漢🙂\x00")
@settings(max_examples=200, deadline=None)
def test_any_text_without_a_mark_survives_the_way_there_and_back(text: str) -> None:
    ids = TOKENIZER.encode(text, add_special_tokens=False)
    assert TOKENIZER.decode(ids, skip_special_tokens=True) == text
    assert len(ids) <= len(text.encode())


def test_plain_text_holds_no_mark() -> None:
    ids = TOKENIZER.encode("".join(map(chr, range(256))), add_special_tokens=False)
    marks = TOKENIZER.encode("".join(MARKS), add_special_tokens=False)
    assert len(marks) == len(MARKS)
    assert not set(ids) & set(marks)
    assert TOKENIZER.encode(END, add_special_tokens=False) == [TOKENIZER.eos_token_id]


def test_the_tokenizer_is_saved_and_loaded_whole(tmp_path: Path) -> None:
    TOKENIZER.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert isinstance(loaded, PreTrainedTokenizerFast)
    chat = [{"role": "user", "content": "What is 2+2? é"}, {"role": "assistant", "content": "\\boxed{4}"}]
    for generation in (False, True):
        texts = [
            t.apply_chat_template(chat, tokenize=False, add_generation_prompt=generation) for t in (TOKENIZER, loaded)
        ]
        assert texts[0] == texts[1]
        assert loaded.encode(texts[0]) == TOKENIZER.encode(texts[0])
    assert (loaded.eos_token_id, loaded.pad_token_id) == (TOKENIZER.eos_token_id, TOKENIZER.pad_token_id)
    assert loaded.decode(loaded.encode("a  b , c .")) == "a  b , c ."


def test_weights_depend_on_the_seed_alone() -> None:
    state = torch.get_rng_state()
    one, two, other = (nano_model(TOKENIZER, hidden=32, layers=1, heads=2, seed=seed) for seed in (1, 1, 2))
    assert weights_hash(one) == weights_hash(two) != weights_hash(other)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_hash_sees_one_changed_bit(tmp_path: Path) -> None:
    model = nano_model(TOKENIZER, hidden=32, layers=1, heads=2)
    before = weights_hash(model)
    model.save_pretrained(tmp_path)
    assert weights_hash(AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)) == before
    with torch.no_grad():
        model.model.norm.weight[3] += 1e-6
    assert weights_hash(model) != before


def test_the_default_model_is_about_a_million_parameters() -> None:
    assert 0.8e6 < nano_model(TOKENIZER).num_parameters() < 3e6


@pytest.mark.parametrize("word", ["\\boxed{", "Modulo "])
def test_frequent_words_are_one_token(word: str) -> None:
    assert len(TOKENIZER.encode(word, add_special_tokens=False)) == 1
