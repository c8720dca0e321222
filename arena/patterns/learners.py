"""Modules that are language models: what each learns from, by itself and beside each of the others.

A module's reward is its own, plus the mean of what its relations to the other evolving modules give:

    r_i = own_i + mean over partners j of term_ij        (independent: no terms)

Own rewards come from execution alone. In a collaboration the terms and the added rows are what the partners say, in a
contest they are opposed. Whatever the terms, held-out accuracy is the verifier's.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean

from palaestra.episodes.mixtures import Replay
from palaestra.episodes.sources import beside, mixed
from palaestra.episodes.views import Row, View, behind, followed

from .playing import REPAIR
from .record import Record
from .shows import shown_critique, shown_opinion, shown_repair, shown_text

SLOTS = ("creator", "reasoner", "evaluator", "post_processor")

IMITATED = "rft"  # the algorithm of rows that are learned as they are

Rows = Callable[[Record], list[Row]]
Term = Callable[[Record, Row], float]


@dataclass(frozen=True, slots=True)
class Relation:
    """What a partner adds. reward: to each row's own; rows: to imitate beside; says: in a few words."""

    says: str
    reward: Term | None = None
    rows: Rows | None = None


@dataclass(frozen=True, slots=True)
class Learner:
    """A module that is a model.

    own: its rows with its own labels or rewards. says: what these are. algorithm: by which it learns from them, a row
        of ``trainers.algorithms``; "" is the recipe's own. reads_rewards: whether that one does, or imitates all rows.
    writes: an evaluator that writes a critique before it says yes or no.
    relations: by (strategy, partner). shows: what the warm start imitates, made of the oracle's answers.
    """

    own: Rows
    says: str
    algorithm: str = ""
    reads_rewards: bool = True
    writes: bool = False
    relations: Mapping[tuple[str, str], Relation] = field(default_factory=dict)
    shows: Callable[..., Row] | None = None

    def reading(self, rewards: bool) -> Learner:
        return replace(self, reads_rewards=rewards)

    def taught(
        self, record: Record, strategy: str, partners: Sequence[str], replay: Replay | None
    ) -> Iterator[tuple[str, View, Mapping[int, list[Row]]]]:
        """(algorithm, decided rows, rows of older rounds by their numbers) in turn, of each of ``lessons``.

        Where they are imitated, the share of the older ones that is replayed is among the rows; what is rewarded is
        learned from once. The recipe's own algorithm chooses among older ones by itself.
        """
        for (algorithm, rows), *past in zip(
            *(self.lessons(one, strategy, partners) for one in (record, *record.older)), strict=True
        ):
            older = {one.number: _decided(then) for one, (_, then) in zip(record.older, past, strict=True)}
            view = View(_decided(rows) if algorithm else rows)
            if algorithm == IMITATED:
                view = mixed(view, [row for then in older.values() for row in then], replay, record.number)
            yield algorithm, view, older

    def lessons(self, record: Record, strategy: str, partners: Sequence[str]) -> Iterator[tuple[str, list[Row]]]:
        """(algorithm, rows) in turn: its own rows with the rewards of its relations, then what these add to imitate."""
        related = [one for partner in partners if (one := self.relations.get((strategy, partner))) is not None]
        terms = [one.reward for one in related if one.reward is not None]
        own = self.own(record)
        if terms:
            own = [replace(row, reward=row.reward + fmean(term(record, row) for term in terms)) for row in own]
        yield self.algorithm, own
        for one in related:
            if one.rows is not None:
                yield IMITATED, one.rows(record)


def _decided(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if not math.isnan(row.reward)]


def rows_of_slot(slot: str) -> Rows:
    """The rows that a module sampled, with their own rewards."""
    return lambda record: list(record.rows[slot])


# --- the creator: paid for valid problems unlike those before, for what partners find hard, or for what they fail at


def learnable(partner: str) -> Term:
    """v 4p(1 - p): p the partner's success on the problem, v whether the draft is valid (arXiv:2408.15099)."""

    def term(record: Record, row: Row) -> float:
        p = record.success(partner, row.episode_id)
        return 4 * p * (1 - p) if row.reward > 0 else 0.0

    return term


def failed(partner: str) -> Term:
    """v (1 - p): in [0, 1], nothing for what is no problem, and nan where no answer was decided."""
    return lambda record, row: 1 - record.success(partner, row.episode_id) if row.reward > 0 else 0.0


# --- the reasoner: paid by the verdict; shaped by the evaluator, taught or fined by the post-processor

SHAPING = 0.5  # of what an evaluator's opinion weighs beside a verdict


def liked(record: Record, row: Row) -> float:
    """λ s: s the evaluator's chance that it is right, answer or repair; λ below 1, so that verdicts outweigh it."""
    return SHAPING * record.scores[row.episode_id]


def passes_for_shown(record: Record, row: Row) -> float:
    """λ R d: d the discriminator's chance that it was a demonstration; nothing for what is wrong (after SPIN)."""
    return SHAPING * float(row.reward >= 1) * record.shown[row.episode_id]


def repairable(record: Record, row: Row) -> float:
    """-λ max(0, R' - R): a fine for an answer that the post-processor puts right, who is paid for it."""
    repair = record.repairs.get(row.episode_id)
    return -SHAPING * max(0.0, record.right[repair.id] - row.reward) if repair is not None else 0.0


def accepted(record: Record) -> list[Row]:
    """Right repairs of wrong answers, behind the question itself."""
    return [row for row in repaired(record) if row.reward >= 1 and record.right[answer_of(row)] < 1]


def repaired(record: Record) -> list[Row]:
    """Every repair behind the question itself, as if it were an answer."""
    asked = {row.episode_id: row.prompt for row in record.rows["reasoner"]}
    return [behind(asked[answer_of(row)], row) for row in record.rows["post_processor"] if answer_of(row) in asked]


def answer_of(row: Row) -> str:
    """The id of the answer that a repair is of."""
    return row.episode_id.removesuffix(REPAIR)


# --- the evaluator: yes or no by verdict; of repairs too; and, against others, whether it was a demonstration


def opinions(record: Record) -> list[Row]:
    """Yes behind right answers and no behind wrong ones, both as often as the other."""
    return said(record, record.rows["reasoner"])


def opinions_on_repairs(record: Record) -> list[Row]:
    """The same of repairs."""
    return said(record, repaired(record))


def critiqued(record: Record) -> list[Row]:
    """The critique that it wrote of each answer, and yes or no behind it: L = NLL(verdict) + NLL(own critique).

    After CLoud (arXiv:2408.11791), which scores by a head and learns from pairs. Its critiques are its own, of the
    answers of now: those of others, or of other answers, teach it less.
    """
    asked = record.words["critique"]
    written = [
        replace(followed(row, asked, record.critiques[row.episode_id]), weight=1.0)
        for row in record.rows["reasoner"]
        if not math.isnan(row.reward)
    ]
    return [*said(record, written), *(replace(row, reward=1.0) for row in written)]


def said(record: Record, rows: Sequence[Row], shown: bool | None = None) -> list[Row]:
    """Rows with a question behind them and its answer: whether they are right or, with ``shown``, the latter.

    Each answer weighs as much in all as the other one, so that an evaluator of a poor reasoner does not just say no.
    """
    asked, yes, no = record.words["right" if shown is None else "shown"], record.words["yes"], record.words["no"]
    known = [(row, row.reward >= 1 if shown is None else shown) for row in rows if not math.isnan(row.reward)]
    counts = Counter(good for _, good in known)
    made = []
    for row, good in known:
        weight = len(known) / (len(counts) * counts[good])
        made.append(replace(followed(row, asked, yes if good else no), weight=weight, reward=1.0))
    return made


def of_reasoner(record: Record) -> list[Row]:
    """Whether it was shown: yes to demonstrations, no to the reasoner's answers (after SPIN, arXiv:2401.01335)."""
    return _told_apart(record, record.rows["reasoner"])


def of_post_processor(record: Record) -> list[Row]:
    """The same, no to repairs."""
    return _told_apart(record, repaired(record))


def _told_apart(record: Record, rows: Sequence[Row]) -> list[Row]:
    return said(record, beside(rows, record.demonstrations), True) + said(record, rows, False)


# --- the post-processor: paid for repairs that are right


def from_wrong_to_right(record: Record) -> list[Row]:
    """The reasoner's right answers, shown as repairs of its wrong ones to the same problem (arXiv:2211.00053)."""
    right = {row.group_id: row for row in reversed(record.rows["reasoner"]) if row.reward >= 1}
    wrong = {row.episode_id: row for row in record.rows["reasoner"] if row.reward < 1 and row.group_id in right}
    requests = [row for row in record.rows["post_processor"] if answer_of(row) in wrong]
    return [behind(row.prompt, right[wrong[answer_of(row)].group_id]) for row in requests]


def already_right(record: Record, row: Row) -> float:
    """-R: with its own R' the change, R' - R, as SCoRe's bonus rewards it (arXiv:2409.12917)."""
    return -record.right[answer_of(row)]


TOGETHER, AGAINST = "collaborative", "adversarial"
PARTNERS = {"reasoner": "reasoner", "evaluator": "evaluator", "post_processor": "post-processor"}

LEARNERS: dict[str, dict[str, Learner]] = {
    "creator": {
        "writer": Learner(
            *(rows_of_slot("creator"), "valid · novelty of its drafts", "rloo"),
            relations={
                **{
                    (TOGETHER, slot): Relation(f"+ 4p(1 - p), p the {name}'s success", reward=learnable(slot))
                    for slot, name in PARTNERS.items()
                },
                **{
                    (AGAINST, slot): Relation(f"+ the {name}'s failure on what is valid", reward=failed(slot))
                    for slot, name in PARTNERS.items()
                },
            },
            shows=shown_text,
        )
    },
    "reasoner": {
        "policy": Learner(
            *(rows_of_slot("reasoner"), "verdict of its answers", ""),
            relations={
                (TOGETHER, "evaluator"): Relation("+ ½ evaluator's score", reward=liked),
                (TOGETHER, "post_processor"): Relation("imitates accepted repairs", rows=accepted),
                (AGAINST, "evaluator"): Relation("+ ½ passes for shown, where right", reward=passes_for_shown),
                (AGAINST, "post_processor"): Relation("- ½ where a repair puts it right", reward=repairable),
            },
        )
    },
    "evaluator": {
        "judge": Learner(
            *(opinions, "imitates the verdicts on answers", IMITATED, False),
            relations={
                (TOGETHER, "post_processor"): Relation("and on repairs", rows=opinions_on_repairs),
                (AGAINST, "reasoner"): Relation("tells answers from shown ones", rows=of_reasoner),
                (AGAINST, "post_processor"): Relation("tells repairs from shown answers", rows=of_post_processor),
            },
            shows=shown_opinion,
        ),
        "critic": Learner(
            *(critiqued, "imitates its critiques, and the verdicts behind them", IMITATED, False),
            writes=True,
            shows=shown_critique,
        ),
    },
    "post_processor": {
        "corrector": Learner(
            *(rows_of_slot("post_processor"), "verdict of its repairs", "rloo"),
            relations={
                (TOGETHER, "reasoner"): Relation("imitates wrong to right answers", rows=from_wrong_to_right),
                (TOGETHER, "evaluator"): Relation("+ ½ evaluator's score of the repair", reward=liked),
                (AGAINST, "reasoner"): Relation("- what was right already", reward=already_right),
                (AGAINST, "evaluator"): Relation("+ ½ passes for shown, if right", reward=passes_for_shown),
            },
            shows=shown_repair,
        )
    },
}
