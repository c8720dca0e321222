"""What an engine is: token ids in, sampled token ids and their log-probabilities out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor

TokenIds = Sequence[int]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample. The defaults are the policy itself, which is what training needs.

    temperature: divides the logits; 0 takes the most probable token.
    top_p, top_k: restrict the choice to the nucleus or the k likeliest (0: all). They bias the importance ratio,
        so trainers refuse episodes sampled with them.
    seeds: one a prompt; a row's tokens depend on its prompt, the weights and its seed, not on its neighbours.
        None draws fresh entropy.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = 256
    seeds: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        hot = 0 <= self.temperature < math.inf
        if not hot or not 0 < self.top_p <= 1 or self.top_k < 0 or self.max_tokens < 1:
            raise ValueError(
                f"a finite temperature >= 0, 0 < top_p <= 1, top_k >= 0 and max_tokens >= 1 are needed: {self}"
            )


@dataclass(frozen=True, slots=True)
class Completion:
    """One sampled continuation.

    logprobs: natural log-probabilities of ``token_ids`` under the distribution they were drawn from.
    finish_reason: "stop" when the last id is an end-of-sequence id (it is part of ``token_ids``), else "length".
    """

    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish_reason: Literal["stop", "length"]
    weights_version: int


class EngineError(RuntimeError):
    """An engine did not do what it promises."""


class Outgrown(EngineError):
    """A prompt, with the longest answer that may follow it, is longer than the model's context."""


class Engine(Protocol):
    """Generates with weights that can be replaced while it runs."""

    def generate(self, prompts: Sequence[TokenIds], sampling: Sampling) -> list[Completion]:
        """One completion a prompt, in order."""

    def load(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        """Take new weights and forget whatever was computed with the old ones."""


class AroundEngine:
    """An engine around another: what it has not itself (version, eos_ids, context, model) is the other's."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def generate(self, prompts: Sequence[TokenIds], sampling: Sampling) -> list[Completion]:
        return self.engine.generate(prompts, sampling)

    def load(self, weights: Iterable[tuple[str, Tensor]], version: int) -> None:
        self.engine.load(weights, version)

    def sleep(self) -> None:
        """Free what the engine's device holds, where it can, until it is asked again."""
        getattr(self.engine, "sleep", lambda: None)()

    def __getattr__(self, name: str) -> Any:
        if name == "engine":  # not there before ``__init__``, as in a copy
            raise AttributeError(name)
        return getattr(self.engine, name)


def check_request(prompts: Sequence[TokenIds], sampling: Sampling, context: int | None, vocabulary: int | None) -> None:
    """Refuse what a model of this context (tokens of prompt and answer) and vocabulary cannot continue.

    Raises:
        Outgrown: a prompt is with its answer longer than the context.
        EngineError: one is empty or holds a token that the model does not know; or the number of seeds is not that of
            the prompts.
    """
    if not all(len(prompt) for prompt in prompts):
        raise EngineError("an empty prompt cannot be continued")
    if sampling.seeds is not None and len(sampling.seeds) != len(prompts):
        raise EngineError(f"{len(sampling.seeds)} seeds for {len(prompts)} prompts")
    longest = max(map(len, prompts), default=0)
    if context is not None and longest + sampling.max_tokens > context:
        raise Outgrown(
            f"a prompt of {longest} tokens and an answer of {sampling.max_tokens} exceed the model's context of "
            f"{context}: lower max_tokens"
        )
    unknown = max(map(max, prompts), default=0)
    if vocabulary is not None and unknown >= vocabulary:
        raise EngineError(
            f"a prompt holds token {unknown}, which the model does not know: the tokenizer is another model's"
        )


def end_ids(given: Iterable[int], *configs: Any) -> tuple[int, ...]:
    """The ids that end a completion: the given ones, and those of the first config that names any.

    Raises:
        EngineError: there are none.
    """
    named = [config.eos_token_id for config in configs if getattr(config, "eos_token_id", None) is not None]
    configured = named[0] if named else []
    ids = {*given, *([configured] if isinstance(configured, int) else configured)}
    if not ids:
        raise EngineError("the model names no end-of-sequence id: pass eos_ids, such as the tokenizer's")
    return tuple(sorted(ids))


def check_weight(name: str, weight: Tensor, shapes: Mapping[str, Sequence[int]]) -> None:
    """Raises EngineError for a weight that the model, whose weights have these shapes, does not have."""
    if name not in shapes:
        raise EngineError(f"the model has no weight {name}")
    if tuple(shapes[name]) != tuple(weight.shape):
        raise EngineError(f"{name} has shape {tuple(shapes[name])}, not {tuple(weight.shape)}")
