"""Adversarial Taboo: make the other say a word that it does not know, while it tries to guess the word."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar, NamedTuple

import numpy as np

from palaestra.verifiers import last_boxed

from .game import BOX, AnyGame, Illegal
from .registration import register_game
from .taboo_words import all_forms, hints, vocabulary
from .taboo_world import ATTRIBUTES, LETTERS, WORLDS, heard, named, things
from .text_game import TextGame
from .word_forms import foreign_letter, forms, plain_letters, words_of

ATTACKER, DEFENDER = 0, 1
ROLES = ("the attacker", "the defender")
KINDS = ("colour", "size", "shape")
ENOUGH = 3  # hints of a word that were heard, for the scripted defender to guess it
GUESSES = 0.1  # of what a random defender says
MAX_TURNS = 10
WORD = re.compile("[a-z]{2,30}")
BREAKS, TRUE, ERRS, READY, EARLY = 0.1, 0.8, 0.2, 0.6, 0.04  # of what a careless player does; see ``careless``


class Guess(NamedTuple):
    """How a guess is written: what makes a text one, the word in it, and one with a word to be filled in."""

    claim: str
    pattern: re.Pattern[str]
    form: str


ENGLISH = Guess(
    "i know the word",
    re.compile(r"\bi know the word\b[^a-z\n]{0,8}it(?:\s?['\u2019]s| is)[^a-z\n]{1,8}(?:(?:an?|the) )?([a-z]+)"),
    "I know the word! It is {}.",
)
TERSE = Guess("=", re.compile(r"= ?([a-z]+)"), "={}")

# How a game ends, and what the attacker then gets.
WORTH = {"guessed": -1.0, "misguessed": 1.0, "said": 1.0, "broken": -1.0, "tie": 0.0}
ENDS = {
    "guessed": "the defender has guessed the word",
    "misguessed": "the defender has guessed wrongly",
    "said": "the defender has said the word unknowingly",
    "broken": "the attacker has broken the rules by saying the word or by making the guess",
    "tie": "nobody wins",
}


class Talk(NamedTuple):
    """word: empty when unknown; said: by turns, the attacker first; end: one of ``ENDS``, empty while it goes on."""

    word: str
    said: tuple[str, ...] = ()
    end: str = ""


@register_game("palaestra/Taboo-v0")
@dataclass(frozen=True)
class Taboo(TextGame[Talk]):
    """The attacker wins when the defender says the word unknowingly; the defender wins by guessing it.

    turns: of each player, 1 to 10. words: to draw from, instead of the shipped three hundred.
    world: "all", "train" or "test": the words are names of things in a small world (see ``taboo_world``), of all or of
    a split, and what players are shown and how they guess is terse, for models that know no English.
    After P. Cheng et al., "Self-playing adversarial language game enhances LLM reasoning", 2024 (arXiv:2404.10642).
    A word is said in any of its forms (see ``word_forms``), as a word of its own: "art" is not said by "start". An
    attacker who says it loses, which in the paper only voids the game.
    """

    tags: ClassVar[tuple[str, ...]] = ("games", "language", "hidden information", "words")
    hidden: ClassVar[bool] = True
    max_chars: ClassVar[int] = 400
    turns: int = 5
    words: tuple[str, ...] = ()
    world: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.turns <= MAX_TURNS:
            raise ValueError(f"turns is from 1 to {MAX_TURNS}, not {self.turns}")
        wrong = [word for word in self.words if not WORD.fullmatch(word)]
        if wrong or len(self.words) == 1 or len(set(self.words)) < len(self.words):
            raise ValueError(f"words are two or more, each another, of 2 to 30 letters a-z: {wrong or self.words}")
        if self.world not in ("", *WORLDS):
            raise ValueError(f"world is one of {', '.join(WORLDS)}, or empty for English, not {self.world!r}")
        if self.world and self.words:
            raise ValueError("a world has names of its own: leave words away, or world")

    @property
    def max_length(self) -> int:
        return 2 * self.turns

    @property
    def rules(self) -> str:
        return (
            "Adversarial Taboo. The attacker knows a secret word and tries to make the defender say it without knowing "
            "that it is the secret. The defender tries to find out the word. They talk in turn, the attacker first, "
            f"each {self.turns} times, about anything. The attacker loses by saying the word. The defender wins by "
            f"guessing it with a sentence such as: {self._example} There is one guess, and a wrong one loses. The "
            "defender loses, too, by saying the word otherwise. A word is said in any of its forms (plural, tense, "
            f"derived), but not inside another word. If nothing happens, nobody wins.{self._told}"
        )

    def initial(self, rng: np.random.Generator) -> Talk:
        words = self._words
        return Talk(words[int(rng.random() * len(words))])

    def player(self, state: Talk) -> int:
        return len(state.said) & 1

    def described(self, state: Talk) -> str:
        form = f" A guess reads: {self._example}" if self.player(state) == DEFENDER else ""
        what = "Say something" if self.world else "Say something in English"
        return (
            f"{what}, in one line of at most {self.max_chars} characters.{form} Only what is in the last \\boxed{{}} "
            "is said; without a box, all that you write is."
        )

    def accept(self, state: Talk, text: str) -> str | Illegal:
        content = last_boxed(text) if BOX in text else text
        if content is None:
            return Illegal("the box is never closed")
        said = self.limited(" ".join(content.split()))
        if isinstance(said, Illegal):
            return said
        letter = foreign_letter(said)
        if letter is not None:
            return Illegal(f"the letter U+{ord(letter):04X} is not English")
        plain = plain_letters(said)
        if self.guess.claim in plain and self.player(state) == DEFENDER:
            guesses = list(dict.fromkeys(self.guess.pattern.findall(plain)))
            if len(guesses) != 1:
                return Illegal(f"a guess names one word in a sentence such as: {self._example}")
        return said

    def act(self, state: Talk, action: str) -> Talk:
        said = (*state.said, action)
        return Talk(state.word, said, self._end(state, action, len(said)))

    def terminal(self, state: Talk) -> bool:
        return state.end != ""

    def returns(self, state: Talk) -> tuple[float, ...]:
        worth = WORTH[state.end]
        return (worth, 0.0 - worth)

    def show(self, state: Talk) -> str:
        if self.world:
            return "\n".join([state.word or "?", *state.said, *([ENDS[state.end]] if state.end else [])])
        lines = [f"The word is {state.word or 'known to the attacker only'}."]
        lines += [f"Turn {1 + k // 2}, {ROLES[k & 1]}: {said}" for k, said in enumerate(state.said)]
        if state.end:
            lines.append(f"It is over: {ENDS[state.end]}.")
        return "\n".join(lines)

    def seen(self, state: Talk, player: int) -> Talk:
        return state if player == ATTACKER or state.end else Talk("", state.said)

    def observe(self, state: Talk, player: int) -> str:
        return self.show(self.seen(state, player)) if self.world else super().observe(state, player)

    def role(self, player: int) -> str:
        return ROLES[player]

    def resample(self, state: Talk, player: int, rng: np.random.Generator) -> Talk:
        """Another word that nobody has said."""
        if player == ATTACKER or state.end:
            return state
        said = frozenset[str]().union(*map(words_of, state.said))
        free = [word for word in self._words if not said & self._forms(word)]
        return Talk(free[int(rng.random() * len(free))], state.said)

    def sample(self, state: Talk, rng: np.random.Generator) -> str:
        """Random words; the attacker keeps from the secret, the defender guesses now and then."""
        uniforms = rng.random(10).tolist()
        if self.player(state) == DEFENDER and uniforms[8] < GUESSES:
            words = self._words
            return self.guess.form.format(words[int(uniforms[9] * len(words))])
        pool = (*things("all"), *chain(*ATTRIBUTES)) if self.world else vocabulary()
        drawn = [pool[int(u * len(pool))] for u in uniforms[: 1 if self.world else 3 + int(6 * uniforms[8])]]
        secret = self._forms(state.word) if state.word else frozenset[str]()
        return " ".join(word for word in drawn if word not in secret) or "Well"

    @property
    def guess(self) -> Guess:
        """How a guess is written here."""
        return TERSE if self.world else ENGLISH

    @property
    def _example(self) -> str:
        return self.guess.form.format("pan" if self.world else "apple")

    @property
    def _told(self) -> str:
        """What the rules tell of the world; empty of English."""
        if not self.world:
            return ""
        kinds = ", ".join(f"{name} ({' '.join(values)})" for name, values in zip(KINDS, ATTRIBUTES, strict=True))
        letters = ", then ".join(" ".join(each) for each in LETTERS)
        return f" Words are names of things, which have a {kinds}. A name has a letter for each: {letters}."

    @property
    def _words(self) -> tuple[str, ...]:
        return self.words or tuple(things(self.world) if self.world else hints())

    def _forms(self, word: str) -> frozenset[str]:
        return forms(word) if self.words or self.world else all_forms()[word]

    def _end(self, state: Talk, action: str, count: int) -> str:
        """What an action leads to; an unknown word is never said."""
        secret = self._forms(state.word) if state.word else frozenset[str]()
        plain = plain_letters(action)
        if self.player(state) == ATTACKER:
            return "broken" if secret & words_of(action) or self.guess.pattern.search(plain) else ""
        guess = self.guess.pattern.search(plain)
        if guess is not None:
            return "guessed" if guess[1] in secret else "misguessed"
        if secret & words_of(action):
            return "said"
        return "tie" if count == 2 * self.turns else ""


def by_hints(game: AnyGame, view: Talk, rng: np.random.Generator) -> str:
    """The attacker tells a hint at a time; the defender guesses the one word of which it heard three."""
    assert isinstance(game, Taboo)
    known: Mapping[str, Collection[str]] = things("all") if game.world else hints()
    told = frozenset(view.said[::2]) if game.world else frozenset[str]().union(*map(words_of, view.said[::2]))
    if game.player(view) == ATTACKER:
        own = sorted(known.get(view.word, ()))
        fresh = [hint for hint in own if hint not in told] or own or ["this"]
        hint = fresh[int(rng.random() * len(fresh))]
        return hint if game.world else f"What comes to mind when I mention {hint}?"
    counts = {word: len(told.intersection(associated)) for word, associated in known.items()}
    most = max(counts.values())
    best = [word for word, count in counts.items() if count == most]
    if most >= ENOUGH and len(best) == 1:
        return game.guess.form.format(best[0])
    return "?" if game.world else "I am not sure yet. Please go on."


def careless(game: AnyGame, view: Talk, rng: np.random.Generator) -> str:
    """A player of the world who means well and errs: whom a small model may imitate before it plays itself.

    The attacker says the name itself now and then, else attribute after attribute in their order, then any, mostly the
    true ones. The defender talks of attributes and of things that fit what it heard. Once it heard of every attribute
    it mostly guesses, now and then earlier, and each letter of its guess may slip.
    """
    assert isinstance(game, Taboo)
    uniforms = rng.random(10).tolist()
    attributes = tuple(chain(*ATTRIBUTES))
    if game.player(view) == ATTACKER:
        if uniforms[0] < BREAKS:
            return view.word
        turn = len(view.said) // 2
        which = turn if turn < len(ATTRIBUTES) else int(uniforms[1] * len(ATTRIBUTES))
        others = [value for value in ATTRIBUTES[which] if value != things("all")[view.word][which]]
        return things("all")[view.word][which] if uniforms[2] < TRUE else others[int(uniforms[3] * len(others))]
    values = heard(view.said[::2])
    guesses = uniforms[0] < (READY if len(values) == len(ATTRIBUTES) else EARLY)
    fitting = named(values)
    name = fitting[int(uniforms[1] * len(fitting))]
    if guesses:
        said = [
            letters[int(u / ERRS * len(letters))] if u < ERRS else letter
            for letters, letter, u in zip(LETTERS, name, uniforms[2:5], strict=True)
        ]
        return game.guess.form.format("".join(said))
    return name if uniforms[5] < 0.5 else attributes[int(uniforms[6] * len(attributes))]
