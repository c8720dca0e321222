"""Dialogues as token ids. What was decoded is never encoded again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from .agent import Message

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class ChatFormat:
    """A tokenizer's chat template, applied so that a dialogue's prompt extends the tokens already sampled in it.

    The template is asked for text and only the text that follows the last sampled answer is encoded. When the template
    rewrites what came before (some drop old thoughts) the whole dialogue is encoded afresh; the log then shows a
    prompt that does not extend the one before it, and views fork a new row.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        if tokenizer.chat_template is None:
            raise ValueError("the tokenizer has no chat template: set tokenizer.chat_template, as instruct models do")
        self.tokenizer = tokenizer
        self._encode = lru_cache(maxsize=4096)(self._encode_uncached)

    def prompt(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """Ids that an engine is to continue with the assistant's next message."""
        last = max((i for i, message in enumerate(messages) if message.role == "assistant"), default=None)
        whole = self._text(messages, generation=True)
        if last is None or not messages[last].action_ids:
            return self._encode(whole)
        before = self._text(messages[:last], generation=True) + messages[last].content
        if not whole.startswith(before):
            return self._encode(whole)
        end = self.tokenizer.decode(messages[last].action_ids[-1:])
        following = whole[len(before) :]
        sampled_end = end if messages[last].action_ids[-1] in self.end_ids and following.startswith(end) else ""
        suffix = self._encode(following[len(sampled_end) :])
        return messages[last].prompt_ids + messages[last].action_ids + suffix

    def example(self, observation: str, answer: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Ids of a one-turn demonstration: the prompt, and the answer with its end-of-sequence id."""
        end = self.tokenizer.eos_token_id
        return self.prompt([Message("user", observation)]), (*self._encode(answer), end)

    def text(self, action_ids: Sequence[int]) -> str:
        """The text of sampled ids, without the marks that end them."""
        return self.tokenizer.decode(action_ids, skip_special_tokens=True)

    @property
    def end_ids(self) -> frozenset[int]:
        return frozenset(i for i in [self.tokenizer.eos_token_id] if i is not None)

    def _text(self, messages: Sequence[Message], generation: bool) -> str:
        plain = [{"role": message.role, "content": message.content} for message in messages]
        return self.tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=generation)

    def _encode_uncached(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))
