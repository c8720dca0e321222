"""Look it up: questions that take several pages of a small encyclopaedia (after Yao et al., arXiv:2210.03629)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from palaestra.envs.dialogue import Dialogue, State, Turn, last_action
from palaestra.envs.registration import register
from palaestra.envs.task import Problem
from palaestra.verifiers import ShortTextVerifier, TextPolicy
from palaestra.verifiers.quoting import quoted

FIRST_NAMES = "Ada Bela Cora Dora Emil Fritz Greta Hugo Ilse Jonas Karla Lena Milo Nora Otto Paula Rosa Saul Tessa Udo"
LAST_NAMES = "Adler Brandt Cohen Dietz Ebner Falk Grimm Haas Imhof Jung Keller Lorenz Nagel Opitz Pfeil Reuter Stark"
TOWN_NAMES = (
    "Aldvik Borun Cressa Dunholm Elmar Fosk Gralle Hyth Istra Jorund Kelmo Lunde Marrow Nesk Orlen Pellin Quarn Rusk "
    "Selde Torvay Ulmen Vask Wexby Yarrow"
)
TRADE_NAMES = "baker carpenter dentist farmer gardener jeweller lawyer mason nurse painter pilot sailor tailor weaver"
FIRST, LAST, TOWNS, TRADES = (names.split() for names in (FIRST_NAMES, LAST_NAMES, TOWN_NAMES, TRADE_NAMES))
RELATIONS = ("friend", "teacher", "employer", "neighbour", "doctor")
FACTS = ("town", "trade", "year")
# With letters: people, relations, facts (second letters, where the first is taken), towns, trades, years.
CAPITALS, KEYS, FACT_KEYS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ftend", "ory"
SHORT = ("abcghijk", "lmpqsuvwxz", "0123456789")
YEARS = tuple(str(1880 + year) for year in range(100))
MAX_FOUND = 8  # titles that a search shows
TERSE = ("{question}",)
POLICY = TextPolicy(rules=("whole",))
WEAK_HOPS = 2


@register("palaestra/Lookup-v0")
@dataclass(frozen=True)
class Lookup(Dialogue):
    """Difficulty raises how many people there are (12 to 48) and how many links the question follows (1 to 5).

    people: how many, whatever the difficulty. relations: how many of the five a page tells, and questions follow.
    terse: the question is a phrase and a page a list: for models of bytes, which pay for every letter.
    letters: everything that must be copied is one letter, and tells by itself what it is: people are capitals, years
    digits, towns and trades small letters of their own. ``A.f.y`` asks for the year of A's friend, whose page may be
    ``K: fC ob rm y7``.

    Actions: ``search[words]`` shows the titles of pages that hold a word in their title, ``read[title]`` a page, and
    ``answer[text]`` ends it. Each page tells a person's relations to others, town, trade and year of birth; the
    question follows relations and asks for one fact. Right is that fact, whatever the case. The world is made for the
    problem, so nothing can be known without reading.
    """

    people: int | None = None
    relations: int = len(RELATIONS)
    terse: bool = False
    letters: bool = False
    tags: ClassVar[tuple[str, ...]] = ("dialogue", "retrieval", "multi-hop")
    ceiling = 0.06
    wordings: ClassVar[tuple[str, ...]] = (
        "{question}\nYou have an encyclopaedia. In each turn write one of search[words] (titles of pages with such a "
        "word), read[title] (the page) and answer[text] (your answer, once). You have {turns} turns.",
        "Use a small library to answer a question. Actions, one a turn, {turns} turns in all:\n"
        "search[Keller]\nread[Ada Keller]\nanswer[...]\nThe question: {question}",
        "Question: {question}\nTools: search[name] lists pages by title; read[title] opens one. Finish with "
        "answer[...], at the latest in turn {turns}. Nothing about these people is known from elsewhere.",
    )

    def __post_init__(self) -> None:
        if self.people is not None and not 7 <= self.people <= 99:
            raise ValueError(f"people is None or from 7 to 99, not {self.people}")
        if not 1 <= self.relations <= len(RELATIONS):
            raise ValueError(f"relations is from 1 to {len(RELATIONS)}, not {self.relations}")
        if self.letters and (self.people is None or self.people > len(CAPITALS)):
            raise ValueError(f"letters are for people: {len(CAPITALS)} at most, not {self.people}")
        if self.terse or self.letters:
            object.__setattr__(self, "wordings", TERSE)

    def sample(self, rng: np.random.Generator, difficulty: int) -> Problem:
        people, hops = self.people or 8 + 4 * difficulty, (difficulty + 1) // 2
        uniforms = rng.random(10 * people + hops + 3).tolist()
        names = _capitals(uniforms[:people]) if self.letters else _names(uniforms[:people])
        rows = [
            [int(u * people) for u in uniforms[k * people : (k + 1) * people]] for k in range(1, self.relations + 1)
        ]
        links = [[to if to != i else (to + 1) % people for i, to in enumerate(row)] for row in rows]
        values = SHORT if self.letters else (TOWNS, TRADES, YEARS)
        drawn = [
            [told[int(u * len(told))] for u in uniforms[k * people : (k + 1) * people]]
            for k, told in enumerate(values, start=6)
        ]
        facts = [list(each) for each in zip(*drawn, strict=True)]
        rest = uniforms[10 * people :]
        path = _path(links, int(rest[0] * people), rest[1 : 1 + hops])
        fact = int(rest[-1] * len(FACTS))
        reference = {
            "names": names,
            "links": links,
            "facts": facts,
            "path": path,
            "fact": fact,
            "answer": facts[_end(links, path)][fact],
            "turns": 3 * hops + 4,
        }
        fields = {"question": self._question(names[path[0]], path[1:], fact), "turns": str(reference["turns"])}
        return self.ask(rng, reference, difficulty, fields)

    def begin(self, problem: Problem) -> State:
        return ()

    def turn(self, problem: Problem, state: State, action: str) -> Turn:
        """State: the pages that were read."""
        found = last_action(action, "search", "read", "answer")
        if found is None:
            return Turn("That is no action: write search[words], read[title] or answer[text].", state)
        reference = problem.reference
        names: list[str] = reference["names"]
        verb, text = found
        if verb == "answer":
            verdict = _verifier(reference["answer"]).verify(text)
            return Turn("That is right." if verdict.right else "That is wrong.", state, verdict)
        if verb == "search":
            words = set(text.lower().split())
            titles = [name for name in names if words & set(name.lower().split())]
            if not titles:
                return Turn(f"No title holds {quoted(text, 40)!r}.", state)
            more = f" and {len(titles) - MAX_FOUND} more" if len(titles) > MAX_FOUND else ""
            return Turn(f"Pages: {', '.join(titles[:MAX_FOUND])}{more}.", state)
        who = next((i for i, name in enumerate(names) if name.lower() == text.lower()), None)
        if who is None:
            return Turn(f"There is no page {quoted(text, 40)!r}: titles are full names.", state)
        if self.letters:
            return Turn(_page_of_letters(reference, who), (*state, who))
        return Turn(page(reference, who, self.terse), (*state, who))

    def act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Searches whom the question names, reads page after page along the links, and answers."""
        return self._follow(problem, state, observation, len(problem.reference["path"]) - 1)

    def weak_act(self, problem: Problem, state: State, observation: str, rng: np.random.Generator) -> str:
        """Follows two links at most and takes the fact of whoever is there."""
        return self._follow(problem, state, observation, min(WEAK_HOPS, len(problem.reference["path"]) - 1))

    def _follow(self, problem: Problem, state: State, observation: str, hops: int) -> str:
        reference = problem.reference
        names, path = reference["names"], reference["path"]
        if not state and observation == problem.prompt:
            first = "" if self.letters else f"First, find {names[path[0]]}.\n"
            return f"{first}search[{names[path[0]].split()[-1]}]"
        for done in range(hops + 1):
            who = _end(reference["links"], path[: done + 1])
            if who not in state:
                return f"{self._via(path[done], names[who]) if done else ''}read[{names[who]}]"
        fact = reference["fact"]
        found = reference["facts"][_end(reference["links"], path[: hops + 1])][fact]
        told = f"{FACT_KEYS[fact]}{found}\n" if self.letters else ""
        return f"{told}answer[{found}]"

    def _via(self, relation: int, name: str) -> str:
        return f"{KEYS[relation]}{name}\n" if self.letters else f"The {RELATIONS[relation]} is {name}.\n"

    def _question(self, name: str, relations: Sequence[int], fact: int) -> str:
        if self.letters:
            return ".".join([name, *(KEYS[relation] for relation in relations), FACT_KEYS[fact]])
        of = f"{name}"
        for relation in relations:
            of = f"{RELATIONS[relation]} of {of}" if self.terse else f"the {RELATIONS[relation]} of {of}"
        if self.terse:
            return f"{FACTS[fact]} of {of}"
        return (f"In which town does {of} live?", f"What is the trade of {of}?", f"In which year was {of} born?")[fact]


def page(reference: dict[str, Any], who: int, terse: bool = False) -> str:
    """What the encyclopaedia says of a person; which sentence comes first differs from page to page."""
    names, links = reference["names"], reference["links"]
    town, trade, year = reference["facts"][who]
    related = [(relation, names[row[who]]) for relation, row in zip(RELATIONS, links, strict=False)]
    if terse:
        known = [*related, ("town", town), ("trade", trade), ("year", year)]
        turn = who % len(known)
        return f"{names[who]}: {', '.join(f'{name} {value}' for name, value in known[turn:] + known[:turn])}"
    told = [f"The {relation} of {names[who]} is {name}." for relation, name in related]
    told += [f"{names[who]} was born in {year}.", f"{names[who]} lives in {town} and works as a {trade}."]
    turn = who % len(told)
    return f"{names[who]}: {' '.join(told[turn:] + told[:turn])}"


def _page_of_letters(reference: dict[str, Any], who: int) -> str:
    names = reference["names"]
    related = [key + names[row[who]] for key, row in zip(KEYS, reference["links"], strict=False)]
    known = [*related, *(key + value for key, value in zip(FACT_KEYS, reference["facts"][who], strict=True))]
    turn = who % len(known)
    return f"{names[who]}: {' '.join(known[turn:] + known[:turn])}"


def _path(links: list[list[int]], start: int, uniforms: Sequence[float]) -> list[int]:
    """A person and the relations to follow, which do not come back to anyone."""
    path, seen, here = [start], {start}, start
    for u in uniforms:
        first = int(u * len(links))
        order = [(first + k) % len(links) for k in range(len(links))]
        relation = next((r for r in order if links[r][here] not in seen), first)
        here = links[relation][here]
        seen.add(here)
        path.append(relation)
    return path


def _end(links: Sequence[Sequence[int]], path: Sequence[int]) -> int:
    here = path[0]
    for relation in path[1:]:
        here = links[relation][here]
    return here


def _names(uniforms: Sequence[float]) -> list[str]:
    """Distinct names; several people share a first or a last name."""
    codes: dict[int, None] = {}
    total = len(FIRST) * len(LAST)
    for u in uniforms:
        code = int(u * total)
        while code in codes:
            code = (code + 1) % total
        codes[code] = None
    return [f"{FIRST[code // len(LAST)]} {LAST[code % len(LAST)]}" for code in codes]


def _capitals(uniforms: Sequence[float]) -> list[str]:
    """Distinct letters: of those left, each as likely."""
    left = list(CAPITALS)
    return [left.pop(int(u * len(left))) for u in uniforms]


@cache
def _verifier(answer: str) -> ShortTextVerifier:
    return ShortTextVerifier((answer,), POLICY)
