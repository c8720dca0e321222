"""A text made to measure: plain words, arranged so that given instructions are followed.

A text is sentences of words. What is asked for is put on single words (keywords, capitals, brackets, asterisks) and
between sentences (line breaks, dashes), so that nothing that was counted before changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from typing import Any, TypeAlias

# None of the keywords, the forbidden words and the letters that are counted; no word of one letter.
PLAIN = """
morning light falls over green hills while birds call from tall trees and children run along the water under
bright skies with warm wind that moves leaves near old stone walls where cats sleep and bells ring for all who pass
""".split()  # noqa: SIM905
WITH_LETTER = {"j": "jam", "q": "quiet", "x": "box", "z": "lazy"}
SENTENCES, SENTENCE_WORDS, PARAGRAPHS = 8, 12, 3  # where nothing else is asked
SIX = "******"

Wished: TypeAlias = Mapping[str, Mapping[str, Any]]  # the parameters of each instruction by its name


def compose(records: Sequence[Mapping[str, Any]]) -> str:
    """A text that follows the instructions of ``records``, which go together as ``wishes`` says."""
    wished = {record["instruction"]: record for record in records}
    bullets = _number(wished, "Bullets")
    sentences = _number(wished, "Sentences") or max(SENTENCES, bullets + 2)
    paragraphs = 1 if "Json" in wished else _number(wished, "Paragraphs") or PARAGRAPHS
    starts = [k * sentences // paragraphs for k in range(paragraphs)]  # each paragraph's first sentence
    texts = _sentences(wished, sentences, starts)
    if bullets:
        texts[1 : 1 + bullets] = [f"- {text}" for text in texts[1 : 1 + bullets]]
    text = _joined(wished, texts, starts)
    if "Json" in wished:
        text = json.dumps([text])
    if "Quotation" in wished:
        text = f'"{text}"'
    if "AllLowercase" in wished:
        text = text.lower()
    return text.upper() if "AllCapitals" in wished else text


def _sentences(wished: Wished, count: int, starts: Sequence[int]) -> list[str]:
    """The sentences, of as many words together as are asked for."""
    fixed: dict[int, str] = {}
    if "RepeatPrompt" in wished:
        fixed[0] = wished["RepeatPrompt"]["prompt"]
    if "EndPhrase" in wished:
        fixed[count - 1] = wished["EndPhrase"]["phrase"]
    heads = {k * count // _number(wished, "Sections"): f"Section {k + 1}" for k in range(_number(wished, "Sections"))}
    if "Postscript" in wished:
        heads[count - 1] = wished["Postscript"]["marker"]
    given = sum(len(text.split()) for text in (*fixed.values(), *heads.values()))
    free = [k for k in range(count) if k not in fixed]
    length = (_number(wished, "Words") or SENTENCE_WORDS * count) - given
    words = list(islice(cycle(PLAIN), length))
    bounds = [k * length // len(free) for k in range(len(free) + 1)]
    kept = set()
    if "ParagraphStart" in wished:
        first = bounds[free.index(starts[wished["ParagraphStart"]["paragraph"] - 1])]
        words[first] = wished["ParagraphStart"]["word"]
        kept.add(first)
    for place, word in zip((k for k in range(length) if k not in kept), _special(wished), strict=False):
        words[place] = word(words[place]) if callable(word) else word
    texts = dict(fixed)
    for k, a, b in zip(free, bounds, bounds[1:], strict=False):
        text = " ".join(words[a:b])
        texts[k] = f"{heads[k]} {text}." if k in heads else f"{text[0].upper()}{text[1:]}."
    return [texts[k] for k in range(count)]


def _special(wished: Wished) -> list[Any]:
    """Words that have to occur, and what is to be done to other words."""
    found: list[Any] = []
    start = wished.get("ParagraphStart", {}).get("word", "").lower()
    often = wished.get("KeywordFrequency", {}).get("word")
    if often:
        found += [often] * (_number(wished, "KeywordFrequency") - (often == start))
    found += [word for word in wished.get("Keywords", {}).get("words", ()) if word not in (often, start)]
    if "LetterFrequency" in wished:
        found += [WITH_LETTER[wished["LetterFrequency"]["letter"]]] * _number(wished, "LetterFrequency")
    found += [str.upper] * _number(wished, "CapitalWords")
    found += ["[{}]".format] * _number(wished, "Placeholders")
    found += ["*{}*".format] * _number(wished, "Highlights")
    found += ["<<{}>>".format] * ("Title" in wished)
    return found


def _joined(wished: Wished, texts: Sequence[str], starts: Sequence[int]) -> str:
    """Sentences with spaces, line breaks or blank lines between them."""
    half = starts[len(starts) // 2] if "TwoResponses" in wished else -1
    text = texts[0]
    for k in range(1, len(texts)):
        if k == half:
            between = f"\n\n{SIX}\n\n"
        elif k in starts:
            between = "\n\n"
        else:
            own_line = texts[k].startswith(("- ", "Section ")) or texts[k - 1].startswith("- ")
            last = k == len(texts) - 1 and "Postscript" in wished
            between = "\n" if own_line or last else " "
        text += between + texts[k]
    return text


def _number(wished: Wished, name: str) -> int:
    """How many are asked for; 0 when none are."""
    count: int = wished[name]["count"] if name in wished else 0
    return count
