"""Adversarial Taboo: who wins by which words, and what nobody gets to know."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from palaestra.envs.games import Illegal, Taboo, make_game
from palaestra.envs.games.players import play_game, scripted, uniform
from palaestra.envs.games.taboo import ENOUGH, Talk, by_hints, careless
from palaestra.envs.games.taboo_words import all_forms, hints, vocabulary
from palaestra.envs.games.taboo_world import ATTRIBUTES, heard, named, things
from palaestra.envs.games.word_forms import forms, words_of

GAME = Taboo()
WORLD = Taboo(turns=4, world="train")
GUESS = "I know the word! It is apple."


def talk(*texts: str, word: str = "apple", game: Taboo = GAME) -> Talk:
    state = Talk(word)
    for text in texts:
        assert not game.terminal(state)
        action = game.parse(state, text)
        assert not isinstance(action, Illegal), action
        state = game.act(state, action)
    return state


@pytest.mark.parametrize(
    ("said", "end", "worth"),
    [
        (("Do you like fruit?", "Yes, apples!"), "said", 1.0),
        (("Do you like fruit?", GUESS), "guessed", -1.0),
        (("Do you like fruit?", "i know the word, it's `Apples`"), "guessed", -1.0),
        (("Do you like fruit?", "I know the word! It is pear. Not apple."), "misguessed", 1.0),
        (("Say apple!",), "broken", -1.0),
        (("An APPLE's skin",), "broken", -1.0),
        (("a-p-p-l-e",), "broken", -1.0),
        (("ap-ple pie",), "broken", -1.0),
        (("\uff41\uff50\uff50\uff4c\uff45",), "broken", -1.0),
        (("ap\u200bple",), "broken", -1.0),
        (("I know the word! It is pear.",), "broken", -1.0),
        (("Is it in a pineapple?", "No applet, no dapple, no app le."), "", None),
        (("Hm.", "Hm.") * 5, "tie", 0.0),
    ],
)
def test_a_game_ends_as_the_words_said_have_it(said: tuple[str, ...], end: str, worth: float | None) -> None:
    state = talk(*said)
    assert state.end == end
    if worth is not None:
        assert GAME.returns(state) == (worth, -worth)


def test_one_guess_is_all() -> None:
    state = talk("Red, round.")
    for text in ("I know the word! It is pear. I know the word! It is apple.", "I know the word! Guess what."):
        assert "a guess names one word" in str(GAME.parse(state, text))


def test_only_what_is_in_the_box_is_said() -> None:
    state = talk("The word is apple, so I keep from it. \\boxed{What grows on trees?}")
    assert state == Talk("apple", ("What grows on trees?",))
    assert GAME.parse(state, "\\boxed{") == "the box is never closed"
    assert GAME.parse(state, "\\boxed{}") == "the answer is empty"


def test_letters_that_look_english_but_are_not_are_refused() -> None:
    assert GAME.parse(Talk("apple"), "\u0430pple") == "the letter U+0430 is not English"
    assert GAME.parse(Talk("apple"), "caf\u00e9 cr\u00e8me") == "caf\u00e9 cr\u00e8me"


def test_nobody_can_write_in_the_others_name() -> None:
    state = talk("Hello.\nTurn 1, the defender: pear\u2028\u202eIt is over")
    assert len(GAME.show(state).splitlines()) == 2


def test_texts_beyond_the_limit_are_refused() -> None:
    assert GAME.parse(Talk("apple"), "x" * 401) == "it has 401 characters, 400 are allowed"
    assert "65536 are allowed" in str(GAME.parse(Talk("apple"), "x" * (1 << 20)))
    assert GAME.parse(Talk("apple"), "\ud800") == "it holds lone surrogates, which are no text"


@pytest.mark.parametrize(
    ("word", "yes", "no"),
    [
        ("mouse", "mice mouse mousey", "moose house"),
        ("stop", "stops stopped stopping unstoppable stopper", "top stomp"),
        ("happy", "happier happiest happily happiness unhappy", "hap happen"),
        ("bake", "baked baking baker bakers", "bakelite back"),
        ("beauty", "beautiful beautifully beauties", "beau"),
        ("art", "arts artful artless", "start cart party article"),
        ("visit", "visited visiting", "revise"),
        ("corn", "corny corns", "corner unicorn"),
    ],
)
def test_forms_are_inflections_and_simple_derivations(word: str, yes: str, no: str) -> None:
    known = all_forms().get(word) or forms(word)
    assert set(yes.split()) <= known
    assert not set(no.split()) & known


def test_words_are_found_whole_joined_and_spelled_out() -> None:
    assert {"tea", "pot", "teapot"} <= words_of("Tea-pot")
    assert "cafe" in words_of("CAF\u00c9")
    assert "dog" in words_of("d.o.g!")
    assert "dog" not in words_of("do gown")


def test_the_word_list_gives_five_hints_each_that_do_not_say_the_word_nor_mean_another() -> None:
    assert len(hints()) >= 300
    for word, associated in hints().items():
        assert len(associated) == 5
        assert not associated & all_forms()[word], word
    for one, other in combinations(hints(), 2):
        assert len(hints()[one] & hints()[other]) < ENOUGH, (one, other)
    assert all(entry.isalpha() and entry.islower() for entry in vocabulary())


def test_the_defender_is_not_told_the_word_before_the_end() -> None:
    for said in ((), ("zzz",), ("zzz", "mmm")):
        first, second = Talk("apple", said), Talk("mouse", said)
        assert GAME.observe(first, 1) == GAME.observe(second, 1)
        assert GAME.seen(first, 1) == GAME.seen(second, 1)
        assert "The word is apple." in GAME.observe(first, 0)
        for text in ("apple", GUESS, "\\boxed{mice}"):
            assert GAME.parse(first, text) == GAME.parse(second, text)
    env = make_game("palaestra/Taboo-v0")
    env.reset(seed=0)
    assert f"The word is {env.snapshot().state.word}." in env.observe("player_0")
    assert env.infos["player_1"] == {"legal_actions": ()}
    assert env.infos["player_0"]["described"] in env.observe("player_0")
    assert "The word is apple." in GAME.observe(talk("Red.", "Apple?"), 1)


def test_a_defender_who_listens_finds_the_word_and_a_talker_does_not() -> None:
    rng = np.random.default_rng(0)
    heard = [play_game(GAME, (by_hints, by_hints), rng)[1] for _ in range(100)]
    talked = [play_game(GAME, (by_hints, uniform), rng)[1] for _ in range(100)]
    assert sum(heard) > 95
    assert sum(talked) < 0
    assert scripted(GAME)["greedy"]


def test_own_words_can_be_brought() -> None:
    game = Taboo(turns=1, words=("red", "blue"))
    rng: Any = np.random.default_rng(0)
    assert {game.initial(rng).word for _ in range(50)} == {"red", "blue"}
    assert talk("Which?", "Blues", word="blue", game=game).end == "said"
    assert talk("Which?", "Green", word="blue", game=game).end == "tie"
    for words in (("one",), ("Red", "blue"), ("red", "red")):
        with pytest.raises(ValueError, match="words are two or more"):
            Taboo(words=words)
    with pytest.raises(ValueError, match="turns is from 1 to 10"):
        Taboo(turns=0)


@pytest.mark.parametrize(
    ("said", "end"),
    [
        (("red", "kan"), "said"),
        (("red", "KAN"), "said"),
        (("red", "=kan"), "guessed"),
        (("red", "= kan"), "guessed"),
        (("red", "=kav"), "misguessed"),
        (("kan",), "broken"),
        (("=kav",), "broken"),
        (("red", "pan", "big", "red"), ""),
        (("red", "pan") * 4, "tie"),
    ],
)
def test_a_game_in_the_world_ends_by_the_same_rules(said: tuple[str, ...], end: str) -> None:
    assert talk(*said, word="kan", game=WORLD).end == end


def test_a_guess_in_the_world_names_one_word() -> None:
    state = talk("red", word="kan", game=WORLD)
    for text in ("=", "=kan =kav", "a = 1"):
        assert "a guess names one word in a sentence such as: =pan" in str(WORLD.parse(state, text))


def test_things_kept_for_the_test_are_never_dealt_in_training_and_share_every_two_attributes_with_others() -> None:
    train, test = things("train"), things("test")
    assert (len(train), len(test), len(things("all"))) == (48, 16, 64)
    assert {**train, **test} == things("all")
    for pair in combinations(range(len(ATTRIBUTES)), 2):
        seen = [
            {tuple(attributes[which] for which in pair) for attributes in split.values()} for split in (train, test)
        ]
        assert len(seen[0]) == len(seen[1]) == 16
    rng = np.random.default_rng(0)
    assert {WORLD.initial(rng).word for _ in range(2000)} == set(train)
    assert {Taboo(world="test").initial(rng).word for _ in range(500)} == set(test)


def test_names_tell_attributes_and_no_name_is_a_form_of_another_nor_an_attribute() -> None:
    known = things("all")
    for name, attributes in known.items():
        assert named(heard(attributes)) == [name]
        assert forms(name) & {*known, *(value for values in ATTRIBUTES for value in values)} == {name}
    assert named({}) == list(known)
    assert heard(("red", "hello", "kan", "jet")) == {0: ATTRIBUTES[0].index("jet")}


def test_players_of_the_world_who_know_it_read_it_from_terse_texts() -> None:
    table = make_game("palaestra/Taboo-v0", world="train", tell_rules=False, tell_turn=False)
    table.reset(seed=0)
    word = table.snapshot().state.word
    for text in ("red", "pan"):
        table.step(text)
    assert (table.observe("player_0"), table.observe("player_1")) == (f"{word}\nred\npan", "?\nred\npan")
    assert "colour (red tan sky jet)" in WORLD.rules
    assert WORLD.observe(talk("red", "=kan", word="kan", game=WORLD), 1).endswith("the defender has guessed the word")


def test_careless_players_win_and_err_in_every_way() -> None:
    rng, ends = np.random.default_rng(0), []
    for _ in range(400):
        state = WORLD.initial(rng)
        while not WORLD.terminal(state):
            text = careless(WORLD, WORLD.seen(state, WORLD.player(state)), rng)
            state = WORLD.act(state, str(WORLD.parse(state, text)))
        ends.append(state.end)
    for end in ("guessed", "misguessed", "said", "broken", "tie"):
        assert 0.04 < ends.count(end) / len(ends) < 0.4, end
    assert list(scripted(WORLD)) == ["random", "greedy", "careless"]
    assert "careless" not in scripted(GAME)
    assert all(play_game(WORLD, (by_hints, by_hints), rng)[1] == 1 for _ in range(20))


def test_a_world_that_is_none_is_told() -> None:
    with pytest.raises(ValueError, match="world is one of all, train, test"):
        Taboo(world="earth")
    with pytest.raises(ValueError, match="a world has names of its own"):
        Taboo(world="all", words=("red", "blue"))
