"""Data sources: what of a round is learned from, as functions from the round to a view."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from functools import lru_cache, wraps
from typing import Any, Protocol

import numpy as np

from palaestra.verifiers import Status

from . import choices, corrections, credit, steps
from .mixtures import Replay, with_replay
from .record import Episode, Turn
from .relabelling import relabelled
from .searched import searched_pairs
from .views import Ids, Row, View, behind


class Round(Protocol):
    """A round that was played.

    number: of it, from 0. episodes: all of it. rows: its sampled answers in groups, as judged.
    """

    number: int
    episodes: Sequence[Episode]
    rows: list[Row]

    def __hash__(self) -> int: ...

    def demonstrations(self) -> list[Row]:
        """The oracle's answers to the round's problems."""

    def likeliest(self) -> list[Row]:
        """The policy's likeliest answer to each of them."""

    def hinted(self, groups: Sequence[str]) -> list[Row]:
        """Answers to the problems of these groups, sampled with the answer as a hint, behind prompts without it."""

    def implicit_rewards(self, rows: Sequence[Row]) -> list[float]:
        """Σ log π - Σ log ref of each row, ref the policy as evolution began."""

    def decode(self, ids: Ids) -> str:
        """The text of sampled ids."""

    def encode(self, observation: str, answer: str) -> tuple[Ids, Ids]:
        """Ids of a demonstration: the prompt, and the answer with its end."""

    def encode_turns(self, turns: Sequence[Turn]) -> tuple[Ids, Ids]:
        """Ids of a dialogue's last turn: its prompt and its action."""

    def task_of(self, episode: Episode) -> Any:
        """The task that an episode is of."""

    def earlier(self, number: int) -> Round:
        """A round before it, as its log has it and as judged then; nothing more is played for it."""


Source = Callable[[Round], View]


def with_older(source: Source, round: Round, replay: Replay | None) -> View:
    """What a source keeps of a round and, among it, of what it keeps of the rounds before. None: of none.

    What a source itself takes from rounds before (DICE) is there once, however many rounds took it.
    """
    view = source(round)
    numbers = () if replay is None else replay.before(round.number)
    past, taken = list[Row](), {row.group_id for row in view.rows}
    for number in numbers:
        older = [row for row in source(round.earlier(number)).rows if row.group_id not in taken]
        past, taken = [*past, *older], taken | {row.group_id for row in older}
    return mixed(view, past, replay, round.number)


def mixed(view: View, past: Sequence[Row], replay: Replay | None, number: int) -> View:
    """A view of a round with its share of past rows among it, drawn by the round's number."""
    if replay is None or not past:
        return view
    both = with_replay(view.rows, beside(view.rows, past), replay.share, seed=number)
    dropped = Counter(view.dropped) + Counter(both.dropped)
    return View(both.rows, dropped, view.forked, view.replayed + both.replayed)


def beside(rows: Sequence[Row], others: Sequence[Row]) -> list[Row]:
    """The others at the temperature of the rows that they are learned with, whatever they were sampled at.

    A batch has one, and who learns from these does not ask how likely they were when they were sampled.
    """
    temperature = rows[0].temperature if rows else 1.0
    return [replace(row, temperature=temperature) for row in others]


def answers(round: Round) -> View:
    """Every answer."""
    return View(round.rows)


def of(select: Callable[[list[Row]], View]) -> Source:
    """What a choice among a round's answers keeps."""

    @wraps(select)
    def source(round: Round) -> View:
        return select(round.rows)

    return source


def demonstrated(round: Round) -> View:
    """The oracle's answers to the round's problems, as the warm start had them written in the end."""
    return View(round.demonstrations())


def real_and_generated(round: Round) -> View:
    """A pair for each group: the oracle's demonstration, preferred to an own sample (SPIN; arXiv 2401.01335)."""
    return choices.real_and_generated(round.demonstrations(), round.rows)


def against_likeliest(round: Round) -> View:
    """Every answer beside the reward of the policy's likeliest to the same problem (ReMax; arXiv 2310.10505)."""
    return choices.against(round.rows, round.likeliest())


def rationalised(round: Round) -> View:
    """Right answers; where there is none, a right one that was given a hint, without it (STaR; arXiv 2203.14465)."""
    solved = choices.solved(round.rows)
    open_groups = {row.group_id for row in round.rows} - {row.group_id for row in solved.rows}
    hinted = choices.solved(round.hinted(sorted(open_groups)))
    return View([*solved.rows, *hinted.rows], solved.dropped)


def right_and_wrong(round: Round) -> View:
    """Every decided answer: the right ones are imitated, all are foretold (AlphaMath; arXiv 2405.03553)."""
    return View([replace(row, weight=float(row.reward >= 1)) for row in round.rows if not math.isnan(row.reward)])


def mended(round: Round) -> View:
    """Right answers, and corrections of wrong ones: the first wrong line, why, and the rest (LeMa; 2310.20689).

    Two corrections for five right answers at most, about the paper's 12,523 for 32,421: more of them drown the answers.
    """
    solved = choices.solved(round.rows)
    fixed = corrections.corrections(round.episodes, round.task_of, round.encode, seed=round.number)
    most = 2 * len(solved.rows) // 5
    drawn = np.random.default_rng(round.number).permutation(len(fixed.rows))
    rows = [fixed.rows[index] for index in sorted(drawn[:most])]
    dropped = {"more than two for five right answers": len(fixed.rows) - len(rows)}
    return View([*solved.rows, *rows], Counter(solved.dropped) + Counter(fixed.dropped) + Counter(dropped))


def journeys(round: Round) -> View:
    """Right answers, and wrong ones that see their first wrong line and go on rightly (O1 Journey; 2410.18982)."""
    solved = choices.solved(round.rows)
    longer = corrections.journeys(round.episodes, round.task_of, round.encode, seed=round.number)
    return View([*solved.rows, *longer.rows], Counter(solved.dropped) + Counter(longer.dropped))


def turned_round(round: Round) -> View:
    """Right answers, their backward questions, and the answers to these, a third each (RevThink; arXiv 2411.19865)."""
    return corrections.turned_round(round.episodes, round.task_of, round.encode, seed=round.number)


def in_hindsight(round: Round) -> View:
    """Dialogues that reached their goal, or another, which then becomes the one asked for (HER; arXiv 1707.01495)."""
    reached = relabelled(round.episodes, round.task_of, round.encode_turns, "final", seed=round.number)
    plain = choices.solved(round.rows)
    rows = [replace(row, logprobs=np.zeros_like(row.logprobs)) for row in choices.solved(reached.rows).rows]
    return View([*plain.rows, *rows], reached.dropped, reached.forked)


def winners(round: Round) -> View:
    """What the winners of games said, each utterance with its share of the game's one point (SPAG; 2404.10642)."""
    view = credit.winners_utterances(round.episodes)
    rows = [replace(row, episode_id=f"{row.episode_id}/{number}") for number, row in enumerate(view.rows)]
    return View(rows, view.dropped)


def searched(round: Round) -> View:
    """Right answers, imitated; better and worse steps of trees, for a value head alone (rStar-Math; 2501.04519)."""
    right, pairs = choices.solved(round.rows), searched_steps(round)
    return View(
        [*right.rows, *(replace(row, weight=0.0) for row in pairs.rows)],
        Counter(right.dropped) + Counter(pairs.dropped),
    )


def searched_steps(round: Round) -> View:
    """Pairs of better and worse steps of the trees that answers were found in, valued (STILL-1; 2411.11694)."""
    pairs = searched_pairs(round.episodes)
    return View([valued_at_end(replace(row, reward=(row.reward + 1) / 2)) for row in pairs.rows], pairs.dropped)


def right_steps(round: Round) -> View:
    """Each answer up to its first wrong step: sub-answers that are right, whatever follows (AutoPRM; 2402.11452).

    It ends with a right step: steps that could not be judged, which may be nonsense, are kept only before one.
    """
    ends, judge = steps.logged_steps(round.episodes, round.decode)
    single = choices.unforked(round.rows)
    kept, decided = [], choices.decided(single.rows)
    for row in decided.rows:
        verdicts = judge(row)
        wrong = next((k for k, one in enumerate(verdicts) if one.status is Status.WRONG), len(verdicts))
        good = max((k for k, one in enumerate(verdicts[:wrong], 1) if one.status is Status.RIGHT), default=0)
        if good:
            kept.append(until(row, int(ends(row)[good - 1]) if good < len(verdicts) else len(row.ids)))
    return View(kept, {**single.dropped, **decided.dropped, "no right step": len(decided.rows) - len(kept)})


def until(row: Row, end: int) -> Row:
    """The row's first ``end`` tokens."""
    cut = {name: getattr(row, name)[:end] for name in ("ids", "action", "logprobs")}
    return replace(row, **cut, token_rewards=None)


def valued_steps(round: Round) -> View:
    """Every answer, each of its steps worth the share of the group's answers through it that end well (2312.08935)."""
    ends, _ = steps.logged_steps(round.episodes, round.decode)
    single = choices.unforked(round.rows)
    view = steps.step_values(single.rows, ends)
    return View([_valued(one) for one in view.rows], Counter(view.dropped) + Counter(single.dropped))


def _valued(one: steps.ValuedRow) -> Row:
    given = np.full(len(one.row.ids), np.nan, np.float32)
    given[one.ends - 1] = one.values
    return replace(one.row, token_rewards=given)


def sibling_steps(round: Round) -> View:
    """Pairs of steps that follow the same steps, after which more and fewer answers end well (SVPO; 2406.10858)."""
    ends, _ = steps.logged_steps(round.episodes, round.decode)
    single = choices.unforked(round.rows)
    view = steps.sibling_steps(single.rows, ends, visits=MIN_VISITS)
    return View([valued_at_end(row) for row in view.rows], Counter(view.dropped) + Counter(single.dropped))


def valued_at_end(row: Row) -> Row:
    """A row whose reward is that of its last token too: it ends with a step."""
    given = np.full(len(row.ids), np.nan, np.float32)
    given[-1] = row.reward
    return replace(row, token_rewards=given)


@lru_cache(maxsize=1)  # a round's are asked for three times
def rewrites(round: Round) -> View:
    """Answers with as few edits as make them right, asked for with question and solution (RLMEC; 2401.06081)."""
    return corrections.rewrites(round.episodes, round.task_of, round.encode, seed=round.number)


def with_rewritten(round: Round) -> View:
    """Every decided answer, and the rewritten one behind the question alone, what was changed weighing double."""
    decided = [row for row in round.rows if not math.isnan(row.reward)]
    better = {row.episode_id: row for row in rewrites(round).rows}
    rows = [row for own in decided for row in (own, _rewritten(own, better.get(own.episode_id))) if row is not None]
    return View(rows, {"undecided": len(round.rows) - len(decided)})


def _rewritten(row: Row, better: Row | None) -> Row | None:
    """The better answer behind the row's prompt, weight ½ a token, 1 where it differs from the row's."""
    if better is None:
        return None
    prompt, said = row.prompt, row.answer
    answer = better.answer
    weight = np.full(len(prompt) + len(answer), np.nan, np.float32)
    weight[len(prompt) :] = 1.0
    for same in SequenceMatcher(None, said.tolist(), answer.tolist(), autojunk=False).get_matching_blocks():
        weight[len(prompt) + same.b : len(prompt) + same.b + same.size] = 0.5
    ids = np.concatenate([prompt, answer])
    action, zeros = np.arange(len(ids)) >= len(prompt), np.zeros(len(ids), np.float32)
    return replace(row, ids=ids, action=action, logprobs=zeros, token_rewards=weight, label=1)


def in_rewriting(round: Round, rows: list[Row]) -> list[Row]:
    """The rows' answers behind what a rewriter is asked of each; rows without a rewriting stay as they are."""
    asked = {row.episode_id: row.prompt for row in rewrites(round).rows}
    return [behind(asked[row.episode_id], row) if row.episode_id in asked and row.label <= 0 else row for row in rows]


MIN_VISITS = 2  # answers that go through a step whose value is compared: one alone is noise
OFFLINE_ROUNDS = 2  # whose pairs, by verdict, are DICE's offline data
ALPHAS = np.linspace(0, 1, 1001)  # lengths' prices that are tried


def bootstrapped(round: Round) -> View:
    """Pairs by implicit reward less a price of length; pairs by verdict of the first rounds (DICE; 2406.09760)."""
    if round.number < OFFLINE_ROUNDS:
        return choices.best_and_worst(round.rows)
    own = choices.length_regularised(round.rows, round.implicit_rewards(round.rows), ALPHAS)
    older = choices.best_and_worst(round.earlier(round.number % OFFLINE_ROUNDS).rows).rows[: len(own.rows)]
    return View([*own.rows, *beside(own.rows, older)], own.dropped, replayed=len(older))
