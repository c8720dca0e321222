"""The policy: a language model behind an engine, as an agent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from palaestra.episodes import Actor, Cost

from .agent import Dialogue, Reply
from .chat import ChatFormat
from .engine import Completion, Engine, EngineError, Sampling, TokenIds


class PolicyLLM:
    """Answers each dialogue with one sampled completion, drawn with the dialogue's own seed.

    actor: may be set anew after a weight update, so that the log names the weights that sampled.
    """

    def __init__(
        self, engine: Engine, chat: ChatFormat, sampling: Sampling | None = None, actor: Actor | None = None
    ) -> None:
        self.engine = engine
        self.chat = chat
        self.sampling = sampling or Sampling()
        self.actor = actor or Actor("policy")

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        """Raises EngineError as ``generate`` does."""
        prompts = [self.chat.prompt(dialogue.messages) for dialogue in dialogues]
        seeds = tuple(dialogue.seed for dialogue in dialogues)
        completions = self.generate(prompts, replace(self.sampling, seeds=seeds))
        return [self._reply(*pair) for pair in zip(prompts, completions, strict=True)]

    def generate(self, prompts: Sequence[TokenIds], sampling: Sampling) -> list[Completion]:
        """The engine's completions.

        Raises:
            EngineError: they are too few, or one has no token, or not a log-probability a token.
        """
        completions = self.engine.generate(prompts, sampling)
        if len(completions) != len(prompts):
            raise EngineError(f"the engine returned {len(completions)} completions for {len(prompts)} prompts")
        for completion in completions:
            if not completion.token_ids:
                raise EngineError("the engine returned no tokens: is the prompt as long as the model's context?")
            if len(completion.logprobs) != len(completion.token_ids):
                raise EngineError("the engine returned another number of log-probabilities than of tokens")
        return completions

    def _reply(self, prompt: tuple[int, ...], completion: Completion) -> Reply:
        return Reply(
            text=self.chat.text(completion.token_ids),
            completions=(completion,),
            prompt_ids=prompt,
            sampling=self.sampling,
            cost=Cost(tokens_in=len(prompt), tokens_out=len(completion.token_ids)),
        )
