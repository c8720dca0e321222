"""What can be asked of a text: for each kind of instruction its parameters, drawn, and its words in a prompt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

Pick: TypeAlias = Callable[[int], int]  # a whole number from 0 below the one given
Drawn: TypeAlias = tuple[Mapping[str, Any], str]  # the instruction's parameters, and its words

KEYWORDS = """
lantern copper orchard whistle velvet harbour pepper saddle marble thunder ribbon anchor cinnamon puzzle feather
tunnel blanket compass violin glacier candle pocket meadow hammer kettle parrot canyon button chimney island
silver basket dragon engine magnet needle oyster planet rocket shadow temple umbrella walnut yellow zebra autumn
bottle castle desert elbow
""".split()  # noqa: SIM905
COMMON = ("because", "however", "often", "people", "really", "small", "thing", "time", "very", "year")  # forbidden
LETTERS = "jqxz"  # not in the words of ``composing``
ENDINGS = (
    "That is all I know.", "Nothing more was said.", "And so it ended.", "Ask me again tomorrow.",
    "The rest is silence.", "We shall see.", "Who could say more?", "It was worth the wait.", "Now you know why.",
    "I would do it again.",
)  # fmt: skip
OPENINGS = (
    "Here is what I have to say.", "Let me tell you about this.", "You asked me for a text.", "This is my answer.",
    "Listen to what I found.", "I thought about it for long.",
)  # fmt: skip


class Wish(NamedTuple):
    """kind: the checker's name. excludes: kinds that do not go with it. exacting: few texts follow it by chance."""

    kind: str
    draw: Callable[[Pick, int], Drawn]
    excludes: tuple[str, ...] = ()
    exacting: bool = False


def _count(noun: str, low: int, spread: int) -> Callable[[Pick, int], Drawn]:
    """An exact number of something, from ``low``; the spread grows with difficulty."""

    def draw(pick: Pick, difficulty: int) -> Drawn:
        n = low + pick(spread + difficulty // 4)
        return {"relation": "exactly", "count": n}, noun.format(n=n)

    return draw


def _fixed(words: str) -> Callable[[Pick, int], Drawn]:
    return lambda pick, difficulty: ({}, words)


def _words(pick: Pick, difficulty: int) -> Drawn:
    n = 60 + pick(20 + 8 * difficulty)
    return {"relation": "exactly", "count": n}, f"Use exactly {n} words."


def _keywords(pick: Pick, difficulty: int) -> Drawn:
    pool = list(KEYWORDS)
    words = [pool.pop(pick(len(pool))) for _ in range(2 + difficulty // 4)]
    return {"words": words}, f"Use the words {', '.join(words[:-1])} and {words[-1]}."


def _forbidden(pick: Pick, difficulty: int) -> Drawn:
    pool = list(COMMON)
    words = [pool.pop(pick(len(pool))) for _ in range(2 + difficulty // 3)]
    return {"words": words}, f"Do not use any of the words {', '.join(words)}."


def _frequency(pick: Pick, difficulty: int) -> Drawn:
    word, n = KEYWORDS[pick(len(KEYWORDS))], 3 + pick(1 + difficulty // 2)
    return {"relation": "exactly", "count": n, "word": word}, f"Use the word {word} exactly {n} times."


def _letter(pick: Pick, difficulty: int) -> Drawn:
    letter, n = LETTERS[pick(len(LETTERS))], 3 + pick(3)
    record = {"relation": "exactly", "count": n, "letter": letter}
    return record, f"The letter {letter} occurs exactly {n} times, small or capital."


def _start(pick: Pick, difficulty: int) -> Drawn:
    number, word = 2 + pick(2), KEYWORDS[pick(len(KEYWORDS))].capitalize()
    ordinal = {2: "second", 3: "third"}[number]
    return {"paragraph": number, "word": word}, f"The {ordinal} paragraph starts with the word {word}."


def _postscript(pick: Pick, difficulty: int) -> Drawn:
    marker = ("P.S.", "P.P.S.", "Note:")[pick(3)]
    return {"marker": marker}, f"Close with a postscript, a line in the last paragraph that starts with {marker}"


def _ending(pick: Pick, difficulty: int) -> Drawn:
    phrase = ENDINGS[pick(len(ENDINGS))]
    return {"phrase": phrase}, f'The very last words are "{phrase}", and nothing follows them.'


def _opening(pick: Pick, difficulty: int) -> Drawn:
    prompt = OPENINGS[pick(len(OPENINGS))]
    return {"prompt": prompt}, f'Begin with this sentence, word for word: "{prompt}" Then go on.'


CASED = ("AllLowercase", "AllCapitals", "CapitalWords", "EndPhrase", "RepeatPrompt", "Sections")
WORDY = ("Keywords", "KeywordFrequency", "ParagraphStart", "RepeatPrompt", "EndPhrase")  # that bring letters along
LAID_OUT = ("Bullets", "Sections", "Postscript", "ParagraphStart", "TwoResponses", "Paragraphs")  # of several lines
WISHES = (
    Wish("Words", _words, exacting=True),
    Wish("Sentences", _count("Write exactly {n} sentences.", 8, 5), exacting=True),
    Wish("Paragraphs", _count("Write exactly {n} paragraphs, with a blank line between them.", 4, 2), ("Json",), True),
    Wish("Bullets", _count("Include exactly {n} bullet points, lines that start with a dash.", 3, 2), ("Json",), True),
    Wish(
        "Sections",
        _count("Divide the text into exactly {n} sections that start with Section 1, Section 2 and so on.", 2, 2),
        ("Json", "Bullets", *CASED),
        True,
    ),
    Wish("Placeholders", _count("Use exactly {n} placeholders such as [name].", 3, 3), ("Json",), True),
    Wish("Highlights", _count("Highlight exactly {n} words with asterisks, as in *this*.", 3, 3), exacting=True),
    Wish("CapitalWords", _count("Write exactly {n} words in capital letters only.", 3, 3), CASED, True),
    Wish("Keywords", _keywords),
    Wish("ForbiddenWords", _forbidden),
    Wish("KeywordFrequency", _frequency, exacting=True),
    Wish("LetterFrequency", _letter, WORDY, True),
    Wish("ParagraphStart", _start, ("Json", "Sections", "Bullets", "LetterFrequency"), True),
    Wish("Json", _fixed("The whole reply is a JSON array of strings."), (
        *LAID_OUT, "Placeholders", "EndPhrase", "Quotation", "RepeatPrompt",
    )),
    Wish("Title", _fixed("Give it a title in double angle brackets, as in <<Title>>.")),
    Wish("Postscript", _postscript, ("Json", "Sentences", "TwoResponses", "EndPhrase", "CapitalWords")),
    Wish("EndPhrase", _ending, ("Json", "LetterFrequency", *CASED), True),
    Wish("Quotation", _fixed("Put all in double quotation marks."), ("Json", "RepeatPrompt", "Sections")),
    Wish("NoCommas", _fixed("Do not use any comma.")),
    Wish("AllLowercase", _fixed("Use small letters only, no capitals."), CASED),
    Wish("AllCapitals", _fixed("Use capital letters only."), CASED),
    Wish(
        "TwoResponses",
        _fixed("Give two different texts, with a line of six asterisks, ******, between them."),
        ("Json", "Postscript"),
    ),
    Wish("RepeatPrompt", _opening, ("Json", "Quotation", "LetterFrequency", *CASED), True),
)  # fmt: skip
