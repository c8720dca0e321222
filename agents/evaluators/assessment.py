"""What an evaluator says of an answer: a score for the whole, each step or each token, and where that stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from palaestra.agents.agent import Dialogue, Reply
from palaestra.episodes import Cost, Span
from palaestra.episodes.spans import line_spans
from palaestra.episodes.views import step_ends

Grain: TypeAlias = Literal["answer", "step", "token"]
Decode: TypeAlias = Callable[[Sequence[int]], str]
GRAINS: tuple[Grain, ...] = ("answer", "step", "token")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is judged: a reply, and the dialogue that it answers.

    choice: which choice among replies it is part of; what is chosen for one sample says nothing of another's.
    """

    dialogue: Dialogue
    reply: Reply
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Assessment:
    """Scores of one answer, higher is better; nan where the evaluator could not tell.

    spans: half-open ranges of characters in the reply's text, one a score: the whole text, its lines that hold
    something, or what each token adds. spread: standard deviation among an ensemble's members, one a score, or empty.
    cost: of finding out.
    """

    scores: tuple[float, ...]
    spans: tuple[Span, ...]
    cost: Cost = field(default_factory=Cost)
    spread: tuple[float, ...] = ()


class Assessor(Protocol):
    """An evaluator of answers. Its scores are comparable between answers to one problem."""

    @property
    def grains(self) -> tuple[Grain, ...]:
        """What it can judge."""

    def assess(self, answers: Sequence[Answer], grain: Grain = "answer") -> list[Assessment]:
        """An assessment of each, in order. Raises ValueError for a grain that it cannot judge."""


def weights_of(evaluator: object) -> str:
    """The hash of a scorer's weights, or of those behind an evaluator; "" for one that has none of its own."""
    actor = getattr(evaluator, "actor", None)
    own: str = actor.weights_hash if actor is not None else getattr(evaluator, "weights_hash", "")
    return own


def refuse(assessor: Assessor, grain: Grain) -> None:
    """Raises ValueError for a grain that an evaluator cannot judge."""
    if grain not in assessor.grains:
        raise ValueError(f"{type(assessor).__name__} judges by {' or '.join(assessor.grains)}, not by {grain}")


def spans_of(reply: Reply, grain: Grain, decode: Decode | None = None) -> tuple[Span, ...]:
    """Where the answer, its steps or its tokens stand in the reply's text.

    decode: the text of token ids, for tokens. A token that completes no character has an empty span.

    Raises:
        ValueError: spans of tokens without ``decode``, or of a reply whose text is not its tokens'.
    """
    if grain == "answer":
        return ((0, len(reply.text)),)
    if grain == "step":
        return line_spans(reply.text)
    if decode is None:
        raise ValueError("spans of tokens need the tokenizer that wrote them")
    ids = ids_of(reply, grain)
    read = (decode(ids[: count + 1]).rstrip("\N{REPLACEMENT CHARACTER}") for count in range(len(ids)))
    ends = [min(len(text), len(reply.text)) for text in read]
    return tuple(zip([0, *ends[:-1]], ends, strict=True))


def ids_of(reply: Reply, grain: Grain) -> tuple[int, ...]:
    """The tokens that a model reads to judge a reply: as a whole, one that was derived from tokens by those.

    Raises:
        ValueError: it has none, or none that are its steps'.
    """
    if not reply.completions or not reply.completions[0].token_ids:
        raise ValueError("an answer without tokens cannot be read by a model: judge answers of a model of this process")
    if grain != "answer" and reply.meta.get("derived"):
        raise ValueError("what was made from a model's words is not its tokens: judge it as a whole")
    return reply.completions[0].token_ids


def ends_of(reply: Reply, grain: Grain, decode: Decode) -> list[int]:
    """How many tokens have been read where the answer, each step or each token ends. Raises as ``ids_of`` does."""
    ids = ids_of(reply, grain)
    if grain == "token":
        return list(range(1, len(ids) + 1))
    return step_ends(ids, decode, line_spans(reply.text)) if grain == "step" else [len(ids)]


def decoder(tokenizer: object) -> Decode:
    """The text of sampled ids, as a policy with this tokenizer gives it."""

    def decode(ids: Sequence[int]) -> str:
        text: str = tokenizer.decode(list(ids), skip_special_tokens=True)  # type: ignore[attr-defined]
        return text

    return decode


def shares(scores: Sequence[float], ends: Sequence[int]) -> list[Sequence[float]]:
    """The tokens' scores of each part, where parts end at ``ends``."""
    return [scores[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]
