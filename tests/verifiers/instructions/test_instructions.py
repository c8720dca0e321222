"""Units, counts and formats at their edges."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.verifiers.instructions import (
    INSTRUCTIONS,
    Bullets,
    CapitalWords,
    Choice,
    EndPhrase,
    Highlights,
    Instruction,
    Json,
    KeywordFrequency,
    Keywords,
    Language,
    NoCommas,
    ParagraphStart,
    Placeholders,
    Postscript,
    Quotation,
    RepeatPrompt,
    Sections,
    Title,
    TwoResponses,
    Words,
    parse_instruction,
)
from palaestra.verifiers.instructions.units import paragraphs, sentences, words

RECORDS: list[dict[str, Any]] = [
    *({"instruction": name, "relation": "at least", "count": 3} for name in list(INSTRUCTIONS)[:8]),
    {"instruction": "Paragraphs", "relation": "exactly", "count": 2, "divider": "***"},
    {"instruction": "Keywords", "words": ["art", "a a"]},
    {"instruction": "ForbiddenWords", "words": ["zz", "..."]},
    {"instruction": "KeywordFrequency", "relation": "exactly", "count": 2, "word": "aa"},
    {"instruction": "LetterFrequency", "relation": "exactly", "count": 2, "letter": "e"},
    {"instruction": "ParagraphStart", "paragraph": 2, "word": "a"},
    {"instruction": "EndPhrase", "phrase": "bye"},
    {"instruction": "RepeatPrompt", "prompt": "a"},
    {"instruction": "Choice", "options": ["a", "b"]},
    {"instruction": "Language", "language": "en"},
    *({"instruction": name} for name in ("Json", "Title", "Postscript", "Quotation", "NoCommas", "TwoResponses")),
    *({"instruction": name} for name in ("AllLowercase", "AllCapitals")),
]
ALL = [parse_instruction(record) for record in RECORDS]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("One", 1),
        ("One. Two! Three?", 3),
        ("Wait... what?! Yes.", 3),
        ("Pi is 3.14. It is.", 2),
        ('She said "go." He went.', 2),
        ("Dr. Who met Mr. X, i.e. nobody.", 1),
        ("Look, e.g. here (cf. there). End", 2),
        ("A title\n\nOne sentence\nover two lines", 2),
        ("- milk\n- eggs", 1),
        ("\u4f60\u597d\u3002\u518d\u89c1\u3002", 2),
        ("... !!! ???", 0),
    ],
)
def test_sentences(text: str, count: int) -> None:
    assert len(sentences(text)) == count, sentences(text)


@given(st.lists(st.lists(st.sampled_from(["sun", "don't", "x-y", "42"]), min_size=1, max_size=5), max_size=6))
def test_units_count_what_was_put_together(lines: list[list[str]]) -> None:
    sentences_ = [" ".join(line) + "." for line in lines]
    assert len(sentences(" ".join(sentences_))) == len(lines)
    assert len(paragraphs("\n \n\n".join(sentences_))) == len(lines)
    assert len(paragraphs("\n *** \n".join(sentences_), "***")) == len(lines)
    assert len(words(" - ".join(sentences_))) == sum(map(len, lines))


@pytest.mark.parametrize(
    ("instruction", "text", "followed"),
    [
        (Words("at most", 2), "one two", True),
        (Words("at most", 2), "one two three", False),
        (Words("exactly", 2), "one", False),
        (Bullets("exactly", 1), "\t\u2022 item", True),
        (Bullets("exactly", 0), "--- \n*bold* - no", True),
        (Sections("exactly", 1), "Section 12\nSection 12\nA Section 2\nsection 3", True),
        (Placeholders("exactly", 1), "[a] [ ] [b\nc] [!]", True),
        (Placeholders("exactly", 1), "[[a]]", True),
        (Highlights("exactly", 2), "**a b** and *c*", True),
        (Highlights("exactly", 0), "2 * 3 * 4, **, ***", True),
        (CapitalWords("exactly", 2), "I am in the USA Today, 42", True),
        (Keywords(["C++", "a.b"]), "I like c++, and A.B", True),
        (Keywords(["a.b"]), "axb", False),
        (KeywordFrequency("exactly", 2, "new york"), "New York, NEW YORK, new  york", True),
        (ParagraphStart(1, "Hello"), "\n\n**hello** there", True),
        (ParagraphStart(3, "Hello"), "Hello\n\nHello", False),
        (Json(), "```json\n{}\n```", True),
        (Json(), '[{"a": "}]"}]', True),
        (Json(), "7", False),
        (Json(), '{"a": NaN}', False),
        (Json(), '{"a": 1,}', False),
        (Json(), '{"a": "' + "[" * 1000 + '"}', True),
        (Json(), "[" * 9 + "]" * 9, True),
        (Json(), "[" * 100_000 + "]" * 100_000, False),
        (Json(), "[" + "9" * 100_000 + "]", False),
        (Title(), "<<<A>>>", True),
        (Title(), "<<a\nb>>", False),
        (Postscript("P.P.S."), "So.\np.p.s. more", True),
        (Postscript(), "P.S. alone", False),
        (Postscript(), "So.\n\nP.S.", False),
        (EndPhrase('Say "done"'), 'I say. "Say "done""  \n', True),
        (EndPhrase("done."), "Done.", False),
        (Quotation(), "\u201cso\u201d", True),
        (Quotation(), '""', False),
        (NoCommas(), "1\uff0c2", False),
        (TwoResponses(), "a ****** b", True),
        (TwoResponses(), "a ******* b", False),
        (TwoResponses(), "a ****** b ****** c", False),
        (TwoResponses(), "a ****** ", False),
        (RepeatPrompt("Name  a\nriver."), " Name a river. Nile", True),
        (RepeatPrompt("Name a river."), "name a river. Nile", False),
        (Choice(["Yes.", "No."]), "\nno. ", True),
        (Choice(["Yes.", "No."]), "No", False),
        (Language("fr"), "Le petit chat dort sur la table de la cuisine.", True),
        (Language("en"), "Hi there", False),
        (Language("en"), "this is good weather up", False),
        (Language("en"), "this is good weather now", True),
        (Language("ja"), "\u79c1\u306f\u6bce\u65e5\u672c\u3092\u8aad\u307f\u307e\u3059\u3002" * 3, True),
        (Language("en"), "1234567890 " * 10, False),
        (Language("en"), "\u13a0" * 30, False),
    ],
)
def test_edges(instruction: Instruction, text: str, followed: bool) -> None:
    breach = instruction.breach(text)
    assert (breach is None) == followed, breach


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("Words", {"relation": "less than", "count": 3}),
        ("Words", {"relation": "at least", "count": 0}),
        ("Words", {"relation": "at most", "count": -1}),
        ("Words", {"relation": "at most", "count": True}),
        ("Words", {"relation": "at most", "count": 1.5}),
        ("Words", {"relation": "at most"}),
        ("Words", {"relation": "at most", "count": 1, "unit": "word"}),
        ("Paragraphs", {"relation": "at most", "count": 1, "divider": "---"}),
        ("Sections", {"relation": "at most", "count": 1, "marker": ""}),
        ("Keywords", {"words": "art"}),
        ("Keywords", {"words": []}),
        ("Keywords", {"words": 5}),
        ("Keywords", {"words": [" a"]}),
        ("ForbiddenWords", {"words": ["a\nb"]}),
        ("KeywordFrequency", {"relation": "at most", "count": 1, "word": "x" * 201}),
        ("LetterFrequency", {"relation": "at most", "count": 1, "letter": "ab"}),
        ("ParagraphStart", {"paragraph": 0, "word": "a"}),
        ("ParagraphStart", {"paragraph": True, "word": "a"}),
        ("ParagraphStart", {"paragraph": "1", "word": "a"}),
        ("ParagraphStart", {"paragraph": 1, "word": "a b"}),
        ("EndPhrase", {"phrase": ""}),
        ("RepeatPrompt", {"prompt": " "}),
        ("Choice", {"options": []}),
        ("Language", {"language": "tlh"}),
        ("Rhymes", {}),
    ],
)
def test_a_broken_instruction_is_refused_in_one_line(name: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        parse_instruction({"instruction": name, **parameters})


def test_the_language_of_a_text_is_always_the_same() -> None:
    text = "no me importa si la casa e in via Roma or in rue de la Paix, das ist egal"
    verdicts = {Language("es").breach(text) for _ in range(20)}
    assert len(verdicts) == 1


@given(st.text(alphabet=st.one_of(st.sampled_from('aA.,!?*[]<>#-"\\{}\n \t`1'), st.characters()), max_size=60))
def test_no_text_makes_an_instruction_raise(text: str) -> None:
    for instruction in ALL:
        breach = instruction.breach(text)
        assert breach is None or (breach.isprintable() and breach.encode())


LONG = r"""a . * [ ] < " # - A ` 9 \\ \" .) [a << a.\s *\s *a -\sa\n Section\s1\n \n \s \n\s \n\n ****** ```\n
aA e.g.\s P.S.\n aa\s ***\n {[ \n*"""
UNITS = ["\ud800", "\u3002", *(unit.replace("\\n", "\n").replace("\\s", " ") for unit in LONG.split())]


@pytest.mark.parametrize("unit", UNITS, ids=ascii)
def test_a_long_text_ends(unit: str) -> None:
    text = unit * (200_000 // len(unit)) + 'x\\"'
    for instruction in ALL:
        instruction.breach(text)
    Json().breach('{"' + text)
    Json().breach('{"' + text[:-2] + "\\")
