"""All instructions of a prompt together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..verdict import Verdict, right, wrong
from .counts import Bullets, CapitalWords, Highlights, Paragraphs, Placeholders, Sections, Sentences, Words
from .formats import (
    AllCapitals,
    AllLowercase,
    Choice,
    EndPhrase,
    Json,
    NoCommas,
    Postscript,
    Quotation,
    RepeatPrompt,
    Title,
    TwoResponses,
)
from .instruction import Instruction
from .keywords import ForbiddenWords, KeywordFrequency, Keywords, LetterFrequency, ParagraphStart
from .language import Language, too_short
from .units import has_text

MAX_RESPONSE = 2**20  # characters

KINDS: tuple[Callable[..., Instruction], ...] = (
    *(Words, Sentences, Paragraphs, Bullets, Sections, Placeholders, Highlights, CapitalWords),
    *(Keywords, ForbiddenWords, KeywordFrequency, LetterFrequency, ParagraphStart, Language),
    *(Json, Title, Postscript, EndPhrase, Quotation, NoCommas, AllLowercase, AllCapitals),
    *(TwoResponses, RepeatPrompt, Choice),
)
INSTRUCTIONS: Mapping[str, Callable[..., Instruction]] = {kind.__name__: kind for kind in KINDS}


def parse_instruction(record: Mapping[str, Any]) -> Instruction:
    """The instruction that a data set stores as ``{"instruction": "Words", "relation": "at least", "count": 100}``.

    Raises:
        ValueError: no instruction has this name, or its parameters are wrong.
    """
    parameters = dict(record)
    name = parameters.pop("instruction", None)
    if not isinstance(name, str) or name not in INSTRUCTIONS:
        raise ValueError(f"instruction is one of {', '.join(INSTRUCTIONS)}, not {name!r}")
    try:
        return INSTRUCTIONS[name](**parameters)
    except TypeError as error:
        raise ValueError(f"{name}: {error}") from error


@dataclass(frozen=True, slots=True)
class InstructionVerifier:
    """RIGHT when the whole response follows every instruction; nothing is extracted from it.

    policy: ``"loose"`` lets an instruction count as followed when it is after the first line, the last line or both are
        taken away, each with asterisks or without, as wrappings such as "Sure, here it is:" are no content.

    Evidence: ``fraction`` of instructions followed, and of each in ``instructions`` its name, score and reason. A
    response without a letter or digit is WRONG, and so is one beyond ``MAX_RESPONSE``.

    Raises:
        ValueError: there are no instructions, or two that no response can follow.
    """

    instructions: Sequence[Instruction]
    policy: Literal["strict", "loose"] = "strict"

    def __post_init__(self) -> None:
        object.__setattr__(self, "instructions", tuple(self.instructions))
        if not self.instructions:
            raise ValueError("instructions hold one or more")
        if self.policy not in ("strict", "loose"):
            raise ValueError(f"policy is strict or loose, not {self.policy!r}")
        _refuse_conflicts(self.instructions)

    def verify(self, response: str) -> Verdict:
        if len(response) > MAX_RESPONSE:
            return wrong(f"the response is longer than {MAX_RESPONSE} characters")
        text = response.replace("\r\n", "\n")
        if not has_text(text):
            return wrong("the response has no letter or digit")
        texts = [text] if self.policy == "strict" else list(_variants(text))
        breaches = [_breach(instruction, texts) for instruction in self.instructions]
        parts = [
            {"instruction": type(instruction).__name__, "score": float(breach is None), "reason": breach or "followed"}
            for instruction, breach in zip(self.instructions, breaches, strict=True)
        ]
        fraction = breaches.count(None) / len(parts)
        evidence: dict[str, Any] = {"fraction": fraction, "instructions": parts}
        for part in parts:
            if not part["score"]:
                return wrong(f"{part['instruction']}: {part['reason']}", **evidence)
        return right(f"all {len(parts)} instructions are followed", **evidence)


def _breach(instruction: Instruction, texts: Sequence[str]) -> str | None:
    """How the first text breaches the instruction; None when one of them follows it."""
    first = instruction.breach(texts[0])
    return None if first is None or any(instruction.breach(text) is None for text in texts[1:]) else first


def _variants(text: str) -> Iterator[str]:
    """``text`` itself, then without wrappings; none empty."""
    lines = text.strip().split("\n")
    for part in (text, *("\n".join(rest).strip() for rest in (lines[1:], lines[:-1], lines[1:-1]))):
        for variant in (part, part.replace("*", "")):
            if has_text(variant):
                yield variant


def _refuse_conflicts(instructions: Sequence[Instruction]) -> None:
    """Raise ValueError for instructions that no response can follow together."""
    kinds = {type(instruction) for instruction in instructions}
    if {AllLowercase, AllCapitals} <= kinds:
        raise ValueError("AllLowercase and AllCapitals cannot both be followed")
    for choice in instructions:
        if Language in kinds and isinstance(choice, Choice) and all(map(too_short, choice.options)):
            raise ValueError(f"the options {'; '.join(choice.options)} are too short to tell their language")
