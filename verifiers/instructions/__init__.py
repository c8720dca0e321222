"""Instructions whose following is decided by looking: counts, formats, keywords, language.

Each is a frozen dataclass with ``breach(text)``; ``docs/instructions.md`` shows one example kept and one broken of all.
"""

from .counts import (
    Bullets,
    CapitalWords,
    Highlights,
    Paragraphs,
    Placeholders,
    Sections,
    Sentences,
    Words,
)
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
from .instruction import Instruction, Relation
from .keywords import ForbiddenWords, KeywordFrequency, Keywords, LetterFrequency, ParagraphStart
from .language import Language
from .verifier import INSTRUCTIONS, InstructionVerifier, parse_instruction

__all__ = [
    "INSTRUCTIONS",
    "AllCapitals",
    "AllLowercase",
    "Bullets",
    "CapitalWords",
    "Choice",
    "EndPhrase",
    "ForbiddenWords",
    "Highlights",
    "Instruction",
    "InstructionVerifier",
    "Json",
    "KeywordFrequency",
    "Keywords",
    "Language",
    "LetterFrequency",
    "NoCommas",
    "ParagraphStart",
    "Paragraphs",
    "Placeholders",
    "Postscript",
    "Quotation",
    "Relation",
    "RepeatPrompt",
    "Sections",
    "Sentences",
    "Title",
    "TwoResponses",
    "Words",
    "parse_instruction",
]
