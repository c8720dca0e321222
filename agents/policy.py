"""The policy: a language model behind an engine, as an agent."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

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

    @classmethod
    def from_pretrained(
        cls, path: str | os.PathLike[str], sampling: Sampling | None = None, device: str = "auto"
    ) -> PolicyLLM:
        """The model of a folder or hub id; sampling as the folder's agent.yaml has it, unless given.

        Raises:
            MissingModel, AgentError: nothing there that can be loaded; the message says what to do.
        """
        from .agent_folder import read_spec
        from .pretrained import load_policy

        spec = read_spec(path)
        return load_policy(spec.model, sampling or spec.sampling, spec.title, device)

    def save_pretrained(self, folder: str | os.PathLike[str], licence: str = "", **card: Any) -> Path:
        """Write the agent to a new folder: weights, tokenizer, agent.yaml and a model card.

        card: recipe, results and the like, as ``model_card`` takes them.

        Raises:
            FileExistsError: something is there already.
            EngineError: the engine holds no model that can be saved, such as a server's.
        """
        from .agent_folder import AgentSpec, write_spec
        from .model_card import model_card
        from .pretrained import save_folder

        model = getattr(self.engine, "model", None)
        if not hasattr(model, "save_pretrained"):
            raise EngineError(f"{type(self.engine).__name__} holds no model that could be saved")
        name = Path(folder).name
        made = save_folder(folder, model, self.chat.tokenizer, model_card(name, licence=licence, **card))
        write_spec(AgentSpec(name, sampling=replace(self.sampling, seeds=None), licence=licence), made)
        return made

    def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
        """Raises EngineError as ``generate`` does."""
        prompts = [self.chat.prompt(dialogue.messages) for dialogue in dialogues]
        seeds = tuple(dialogue.seed for dialogue in dialogues)
        completions = self.generate(prompts, replace(self.sampling, seeds=seeds))
        return [self._reply(*pair) for pair in zip(prompts, completions, strict=True)]

    def generate(self, prompts: Sequence[TokenIds], sampling: Sampling) -> list[Completion]:
        """The engine's completions.

        Raises:
            EngineError: they are too few, or one has no token, or not a log-probability a token that is a number.
        """
        completions = self.engine.generate(prompts, sampling)
        if len(completions) != len(prompts):
            raise EngineError(f"the engine returned {len(completions)} completions for {len(prompts)} prompts")
        for completion in completions:
            if not completion.token_ids:
                raise EngineError("the engine returned no tokens: is the prompt as long as the model's context?")
            if len(completion.logprobs) != len(completion.token_ids):
                raise EngineError("the engine returned another number of log-probabilities than of tokens")
            if not math.isfinite(sum(completion.logprobs)):
                raise EngineError("the model computes probabilities that are no numbers (nan): its weights are broken")
        return completions

    def go_on(self, prompts: Sequence[TokenIds], room: Sequence[int], sampling: Sampling) -> list[Completion]:
        """As ``generate``, each prompt by as many tokens as it has room for, or more: what is too much is the caller's
        to cut off. It is one batch, but where the longest prompts with the most room would exceed the context.
        """
        most, context = max(room), getattr(self.engine, "context", None)
        fits = [context is None or len(prompt) + most <= context for prompt in prompts]
        if all(fits) or not any(fits):
            return self.generate(prompts, replace(sampling, max_tokens=most))
        made: dict[int, Completion] = {}
        for side in (True, False):
            chosen = [index for index, fit in enumerate(fits) if fit is side]
            seeds = None if sampling.seeds is None else tuple(sampling.seeds[index] for index in chosen)
            some = [prompts[index] for index in chosen], [room[index] for index in chosen]
            made |= zip(chosen, self.go_on(*some, replace(sampling, seeds=seeds)), strict=True)
        return [made[index] for index in range(len(prompts))]

    def _reply(self, prompt: tuple[int, ...], completion: Completion) -> Reply:
        return Reply(
            text=self.chat.text(completion.token_ids),
            completions=(completion,),
            prompt_ids=prompt,
            sampling=self.sampling,
            cost=Cost(tokens_in=len(prompt), tokens_out=len(completion.token_ids)),
        )
