"""What cells came to, read from their logs: scores by problem, tokens, votes; and how two of them compare."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean

import pyarrow as pa

from palaestra.arena.anchors import score, seat_of
from palaestra.arena.evaluate import problem_key
from palaestra.arena.intervals import bootstrap, interval
from palaestra.arena.run_folder import read_json_lines
from palaestra.arena.significance import Comparison, compare
from palaestra.episodes import Episode, EpisodeStore
from palaestra.verifiers import extract_answer

from .plan import IMITATION, SUMMARY

Scores = Mapping[str, float]  # by problem
ASKED = ("env_kwargs", "seed", "reset_options", "outcome.list.element.reward")  # of a log's columns
SAMPLED, SAID = "cost.tokens_out", "turns.list.element.text"


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over problems, or over seeds of such means, with its 95 % interval."""

    value: float
    low: float
    high: float


def mean_of(seeds: Mapping[int, Scores]) -> Mean:
    """With one seed the interval over its problems, with more the bootstrap over the seeds' means."""
    each = [list(found.values()) for found in seeds.values()]
    if len(each) == 1:
        return Mean(mean(each[0]), *interval(each[0]))
    means = [mean(values) for values in each]
    return Mean(mean(means), *bootstrap(means))


def paired(place: str, one: str, other: str, ones: Mapping[int, Scores], others: Mapping[int, Scores]) -> Comparison:
    """Two agents on the problems of the seeds that both have, problem by problem and seed by seed."""
    return compare(place, one, other, _flat(ones), _flat(others))


def _flat(seeds: Mapping[int, Scores]) -> dict[str, float]:
    return {f"{seed} {key}": value for seed, found in seeds.items() for key, value in found.items()}


@cache
def scores(folder: Path, agent: str) -> Scores:
    """An agent's scores on the held-out problems, or in its matches, as the log of its cell has them."""
    store = EpisodeStore(folder / "episodes")
    named = {file.stem.split("-", 1)[1]: file for file in store.files()}
    if (batch := f"held-out-{agent}") in named:
        return _by_problem(store, named[batch])
    found: dict[str, float] = {}
    for name, file in named.items():
        if name.startswith(f"{batch}-vs-"):
            found |= {_seat(one, agent): score(one, seat_of(one, agent)) for one in store.read(file)}
    return found


def _by_problem(store: EpisodeStore, file: Path) -> Scores:
    """``measure.by_problem`` of a file, of which only these columns are read."""
    groups: dict[str, list[float]] = {}
    for key, value in ((key, value) for batch in store.batches(file, columns=ASKED) for key, value in _rewards(batch)):
        if value == value:
            groups.setdefault(key, []).append(value)
    return {key: sum(values) / len(values) for key, values in groups.items()}


def _rewards(batch: pa.RecordBatch) -> Iterator[tuple[str, float]]:
    """What was asked in each episode, as ``problem_key`` names it, and what its one agent earned."""
    texts = (batch.column(name).to_pylist() for name in ("env_kwargs", "seed", "reset_options"))
    rewards = (outcomes[0]["reward"] for outcomes in batch.column("outcome").to_pylist())
    return zip(map(_key, *texts), rewards, strict=True)


@cache
def _key(env_kwargs: str, seed: int, reset_options: str) -> str:
    return json.dumps([json.loads(env_kwargs), seed, json.loads(reset_options)], sort_keys=True)


def _seat(match: Episode, agent: str) -> str:
    """Names a match of an agent: the deal, its seat and the other player."""
    others = sorted(actor.agent_id for actor in match.roles.values() if actor.agent_id != agent)
    return " ".join([problem_key(match), seat_of(match, agent), *others])


@cache
def tokens(folder: Path) -> tuple[int, int]:
    """Tokens that a system's cell sampled to learn from, of all its modules, and that its updates went through."""
    rounds = [
        file
        for store in (EpisodeStore(folder / "episodes"), EpisodeStore(folder / "modules"))
        for file in store.files()
        if re.match(r"\d+-evolve-", file.name)
    ]
    costs = (batch for file in rounds for batch in EpisodeStore(file.parent).batches(file, columns=[SAMPLED]))
    sampled = sum(sum(batch.column("cost").field("tokens_out").to_pylist()) for batch in costs)
    return sampled, int(json.loads((folder / SUMMARY).read_text())["tokens_learned"])


def seconds(folder: Path) -> float:
    """What a cell took."""
    return float(json.loads((folder / SUMMARY).read_text())["seconds"])


def together(folder: Path) -> tuple[float, float] | None:
    """Of a system of several modules: what they solve together, before and after."""
    rows = read_json_lines(folder / "metrics.jsonl")
    before = [row["before/accuracy"] for row in rows if "before/accuracy" in row]
    return (before[0], rows[-1]["accuracy"]) if before and "accuracy" in rows[-1] else None


def imitated(folder: Path) -> list[tuple[int, Scores]]:
    """The imitation's tokens and scores, point by point."""
    points = json.loads((folder / SUMMARY).read_text())["points"]
    return [(point, scores(folder, f"{IMITATION}-{number:02d}")) for number, point in enumerate(points)]


def imitated_at(folder: Path, budget: int) -> Scores | None:
    """After as many tokens, or the next more that it was measured at; None beyond its last."""
    return next((found for point, found in imitated(folder) if point >= budget), None)


@dataclass(frozen=True, slots=True)
class Votes:
    """Answers to each problem, as they were drawn: what stands in the box (None: nothing), and its reward.

    length: mean tokens of an answer.
    """

    drawn: Mapping[str, Sequence[tuple[str | None, float]]]
    length: float

    @property
    def most(self) -> int:
        """How many answers there are to each problem."""
        return min(map(len, self.drawn.values()))

    def affordable(self, budget: int) -> int:
        """How many answers to each problem the budget pays for, of those that were drawn; 8 at least."""
        return min(self.most, max(8, int(budget / (self.length * len(self.drawn)))))

    def of(self, n: int) -> Scores:
        """Scores of the majority of the first n: the most frequent box, the first of equals (``SelfConsistency``)."""
        return {key: _majority(answers[:n]) for key, answers in self.drawn.items()}


def _majority(answers: Sequence[tuple[str | None, float]]) -> float:
    counted = Counter(box for box, _ in answers if box is not None)
    winner = counted.most_common(1)[0][0] if counted else None
    return next(value for box, value in answers if box == winner)


@cache
def votes_in(folder: Path) -> Votes:
    """The answers that the cell of the vote drew."""
    drawn: dict[str, list[tuple[str, str | None, float]]] = {}
    spent = 0
    for batch in EpisodeStore(folder / "episodes").batches(columns=["id", *ASKED, SAMPLED, SAID]):
        texts = (turns[-1]["text"] for turns in batch.column("turns").to_pylist())
        for id, text, (key, value) in zip(batch.column("id").to_pylist(), texts, _rewards(batch), strict=True):
            found = extract_answer(text)
            drawn.setdefault(key, []).append((id, None if found is None else found.text, value))
        spent += sum(batch.column("cost").field("tokens_out").to_pylist())
    answers = {key: [(box, value) for _, box, value in sorted(each)] for key, each in drawn.items()}
    return Votes(answers, spent / sum(map(len, answers.values())))
