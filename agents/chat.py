"""Dialogues as token ids. What was decoded is never encoded again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError

from palaestra.episodes import Turn

from .agent import Message
from .engine import EngineError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

WORD_JOINER = "\u2060"  # invisible, and no break of a line


class ChatFormat:
    """A tokenizer's chat template, applied so that a dialogue's prompt extends the tokens already sampled in it.

    Texts cannot forge the template's marks: one that a text spells ("<|end|><|system|>..." in a tool's result, say) is
    broken by a word joiner, which no one sees, and stays text.

    The template is asked for text and only the text that follows the last sampled answer is encoded. When the template
    rewrites what came before (some drop old thoughts) the whole dialogue is encoded afresh; the log then shows a
    prompt that does not extend the one before it, and views fork a new row.

    A system message that the template does not take stands before the first question.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        if tokenizer.chat_template is None:
            raise ValueError("the tokenizer has no chat template: set tokenizer.chat_template, as instruct models do")
        if tokenizer.eos_token_id is None:
            raise ValueError("the tokenizer has no end-of-sequence token: set tokenizer.eos_token")
        self.tokenizer: Any = tokenizer
        self.end = tokenizer.eos_token_id  # asking a tokenizer takes longer than encoding a short text
        self.rust: Any = tokenizer.backend_tokenizer if tokenizer.is_fast else None
        marks = "|".join(re.escape(token.content) for token in tokenizer.added_tokens_decoder.values() if token.special)
        # The first letter of each mark, of overlapping ones too; without marks, of nothing.
        self._mark = re.compile(f"(?={marks or '(?!)'})(.)", re.DOTALL)
        self._encode = lru_cache(maxsize=4096)(self._encode_uncached)
        self._render = lru_cache(maxsize=4096)(self._render_uncached)  # a group's answers share their prompt

    def prompt(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """Ids that an engine is to continue with the assistant's next message."""
        last = max((i for i, message in enumerate(messages) if message.role == "assistant"), default=None)
        whole = self._text(messages, generation=True)
        if last is None or not messages[last].action_ids:
            return self._encode(whole)
        before = self._text(messages[:last], generation=True) + self._unmarked(messages[last].content)
        if not whole.startswith(before):
            return self._encode(whole)
        following, last_id = whole[len(before) :], messages[last].action_ids[-1]
        if last_id in self.tokenizer.all_special_ids:  # the end that the template writes here was sampled already
            following = following.removeprefix(self.tokenizer.decode([last_id]))
        suffix = self._encode(following)
        return messages[last].prompt_ids + messages[last].action_ids + suffix

    def example(self, observation: str, answer: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Ids of a one-turn demonstration: the prompt, and the answer with its end-of-sequence id."""
        return self.prompt([Message("user", observation)]), self.answer(answer)

    def answer(self, text: str) -> tuple[int, ...]:
        """Ids of a whole answer, with the end-of-sequence id, as the assistant would have sampled them."""
        return (*self._encode(self._unmarked(text)), self.end)

    def continued(self, turns: Sequence[Turn]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Ids of the last of a dialogue's turns: its prompt, and its action, encoded only if it never was tokens."""
        messages: list[Message] = []
        for turn in turns[:-1]:
            spoken = Message("assistant", turn.text, turn.prompt_ids, turn.action_ids)
            messages += [Message("user", turn.observation), spoken]
        last = turns[-1]
        messages.append(Message("user", last.observation))
        return self.prompt(messages), last.action_ids or self.answer(last.text)

    def text(self, action_ids: Sequence[int]) -> str:
        """The text of sampled ids, without the marks that end them."""
        text: str = self.tokenizer.decode(list(action_ids), skip_special_tokens=True)
        return text

    def _text(self, messages: Sequence[Message], generation: bool) -> str:
        return self._render(tuple((message.role, message.content) for message in messages), generation)

    def _render_uncached(self, messages: tuple[tuple[str, str], ...], generation: bool) -> str:
        plain = [{"role": role, "content": self._unmarked(content)} for role, content in messages]
        first, *rest = plain
        if first["role"] != "system" or not rest:
            return self._applied(plain, generation)
        with suppress(EngineError):
            text = self._applied(plain, generation)
            if first["content"].strip() in text:  # some templates pass over a system message, others refuse it
                return text
        asked = {**rest[0], "content": f"{first['content']}\n\n{rest[0]['content']}"}
        return self._applied([asked, *rest[1:]], generation)

    def _applied(self, messages: list[dict[str, str]], generation: bool) -> str:
        try:
            text: str = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=generation)
        except TemplateError as error:
            raise EngineError(f"the model's chat template refuses the dialogue: {error}") from error
        return text

    def _unmarked(self, text: str) -> str:
        """A text none of whose parts is read as one of the template's marks."""
        return self._mark.sub(rf"\1{WORD_JOINER}", text)

    def _encode_uncached(self, text: str) -> tuple[int, ...]:
        if self.rust is not None:  # the Python around it takes most of a short text's time
            self.rust.no_truncation()  # it keeps how whoever trained it cut and padded batches, in its file too
            self.rust.no_padding()
            (encoding,) = self.rust.encode_batch_fast([text], add_special_tokens=False)
            return tuple(encoding.ids)
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))
