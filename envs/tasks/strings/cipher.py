"""Decode a message whose key is known: Caesar's cipher, a substitution, Vigenère's cipher."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from palaestra.envs.registration import register
from palaestra.envs.task import Problem, Task
from palaestra.verifiers import Verdict, last_boxed, right, wrong

from ..draws import shuffled

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ANSWER_CHARS = 400  # a longer answer is none
KINDS = ("caesar", "substitution", "vigenere")
LAST_LEVELS = (2, 5)  # of the first two kinds
VOCABULARY = """
ABOUT ABOVE AFTER AGAIN ALONE AMONG ANGRY APPLE AUTUMN BASKET BEACH BEFORE BELOW BIRD BLACK BOAT BOOK BOTTLE BREAD
BRIDGE BRIGHT BROWN BUTTER CANDLE CARRY CASTLE CHAIR CHEESE CHILD CIRCLE CLEAN CLOCK CLOUD COFFEE COLD COPPER CORNER
COTTON CROWN DANCE DARK DEEP DESERT DINNER DOOR DREAM DRINK DRY EAGLE EARLY EARTH EAST EIGHT EMPTY EVENING FAMILY
FARM FATHER FIELD FINGER FIRE FISH FLOWER FOREST FOX FRESH FRIEND FROST GARDEN GLASS GOLD GRASS GREEN GUEST HAPPY
HARBOUR HEAVY HIDDEN HILL HONEY HORSE HOUSE HUNGRY ICE ISLAND JACKET JOURNEY JUICE KEY KITCHEN LADDER LAKE LAMP
LEMON LETTER LIGHT LITTLE LONG LOUD MARKET MEADOW MELON MIDDLE MILK MIRROR MONEY MOON MORNING MOTHER MOUNTAIN MUSIC
NARROW NEEDLE NEVER NIGHT NORTH OCEAN OLD ONION ORANGE OVEN PAPER PEACE PEPPER PILLOW PLANET POCKET QUEEN QUICK
QUIET RABBIT RAIN RIVER ROAD ROOF ROPE SALT SAND SCHOOL SHADOW SHARP SHIP SILVER SISTER SMALL SNOW SOUTH SPRING
STONE STORM STREET SUGAR SUMMER SWEET TABLE TALL THUNDER TIGER TOWER TRAIN TREE UNDER VALLEY VILLAGE VIOLET WALL
WARM WATER WEST WHEEL WHITE WILD WINDOW WINTER WOLF WOOD YELLOW YOUNG
"""
WORDS = VOCABULARY.split()
KEYS = [word for word in WORDS if 4 <= len(word) <= 6]


@register("palaestra/Cipher-v0")
@dataclass(frozen=True)
class Cipher(Task):
    """Difficulty raises the number of words (2 to 11) and sets the cipher: Caesar's (1, 2), a substitution (3 to 5),
    Vigenère's (6 to 10).

    kind: caesar, substitution or vigenere, whatever the difficulty.

    The answer is the plain message; case and runs of spaces do not count. The key is given, so there is one answer.
    """

    kind: str | None = None
    tags: ClassVar[tuple[str, ...]] = ("strings", "ciphers")
    wordings = (
        "Decode the message {secret}. {rule} Answer in \\boxed{{}} with the original message.",
        "{rule} A message encoded in this way is\n{secret}\nWhat was the message? Answer in \\boxed{{}}.",
        "A spy's note reads: {secret}. This is how the spy encodes: {rule} Put the plain text in \\boxed{{}}.",
    )

    def __post_init__(self) -> None:
        if self.kind is not None and self.kind not in KINDS:
            raise ValueError(f"kind is None or one of {', '.join(KINDS)}, not {self.kind!r}")

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        message = " ".join([WORDS[word % len(WORDS)] for word in rng.bit_generator.random_raw(difficulty + 1).tolist()])
        kind = self.kind or KINDS[(difficulty > LAST_LEVELS[0]) + (difficulty > LAST_LEVELS[1])]
        if kind == "substitution":
            key = "".join(shuffled(rng, ALPHABET))
            rule = (
                f"Each letter of the plain alphabet {ALPHABET} is replaced by the one that stands at the same place "
                f"in {key}."
            )
        elif kind == "caesar":
            shift = 1 + rng.bit_generator.random_raw() % 25
            key = ALPHABET[shift]
            rule = (
                f"Each letter is replaced by the one {shift} {'place' if shift == 1 else 'places'} further on in the "
                "alphabet, where A follows Z."
            )
        else:
            key = KEYS[rng.bit_generator.random_raw() % len(KEYS)]
            rule = (
                f"The key {key} is written again and again below the letters (spaces are skipped), and each letter "
                "moves on in the alphabet by as many places as the key's letter has letters before it "
                "(A: 0, B: 1, ..., Z: 25), where A follows Z."
            )
        secret = _substituted(message, ALPHABET, key) if kind == "substitution" else _shifted(message, key, 1)
        meta = {"kind": kind, "key": key}
        return self.ask(rng, {"message": message}, difficulty, {"secret": secret, "rule": rule}, meta)

    def verify(self, problem: Problem, response: str) -> Verdict:
        message = problem.reference["message"]
        if response.endswith(f"\\boxed{{{message}}}"):  # the usual right answer, at a third of the cost
            return right("the message", answer=message)
        text = last_boxed(response)
        if text is None:
            return wrong("no \\boxed answer")
        if len(text) > ANSWER_CHARS:
            return wrong(f"an answer of more than {ANSWER_CHARS} characters")
        found, expected = text.upper().split(), message.split()
        if len(found) != len(expected):
            return wrong(f"{len(found)} words instead of {len(expected)}", answer=text)
        for number, (word, plain) in enumerate(zip(found, expected, strict=True), 1):
            if word != plain:
                return wrong(f"word {number} is {plain}, not {word[:40]!a}", answer=text)
        return right("the message", answer=text)

    def solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Word by word."""
        secret = problem.meta["fields"]["secret"]
        plain = _decoded(problem.meta["kind"], problem.meta["key"], secret)
        lines = [f"{coded} -> {word}" for coded, word in zip(secret.split(), plain.split(), strict=True)]
        return "\n".join([*lines, f"\\boxed{{{plain}}}"])

    def weak_solve(self, problem: Problem, rng: np.random.Generator) -> str:
        """Every cipher taken for Caesar's, with the key's first letter."""
        return f"\\boxed{{{_shifted(problem.meta['fields']['secret'], problem.meta['key'][0], -1)}}}"


def _decoded(kind: str, key: str, secret: str) -> str:
    return _substituted(secret, key, ALPHABET) if kind == "substitution" else _shifted(secret, key, -1)


def _substituted(text: str, letters: str, others: str) -> str:
    table = bytes.maketrans(letters.encode(), others.encode())  # of bytes: at a third of the cost
    return text.encode().translate(table).decode()


@cache
def _turned(places: int) -> bytes:
    return bytes.maketrans(ALPHABET.encode(), (ALPHABET[places:] + ALPHABET[:places]).encode())


def _shifted(text: str, key: str, sign: int) -> str:
    """Each letter moved by those of the key in turn; spaces stay and use up none of the key."""
    if len(key) == 1:
        return text.encode().translate(_turned(sign * ALPHABET.index(key) % 26)).decode()
    shifts = [sign * ALPHABET.index(letter) for letter in key]
    moved, place = [], 0
    for letter in text:
        if letter == " ":
            moved.append(letter)
        else:
            moved.append(ALPHABET[(ord(letter) - 65 + shifts[place % len(shifts)]) % 26])
            place += 1
    return "".join(moved)
