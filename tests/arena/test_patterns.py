"""What a module is paid for beside each of the others, on a round made by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from palaestra.agents.agent import Dialogue, Reply
from palaestra.arena.patterns.learners import LEARNERS, SHAPING, SLOTS, Relation
from palaestra.arena.patterns.playing import REPAIR, RuleAgent, RuleScores, drafts, repairs, rule_agent
from palaestra.arena.patterns.record import Record
from palaestra.arena.patterns.rules import RULES
from palaestra.arena.patterns.settings import Modules, combinations_of_all, pattern_of
from palaestra.arena.patterns.shows import shown_critique, shown_opinion, shown_repair, shown_text
from palaestra.arena.rollout import Job
from palaestra.envs.task import Problem, sample_problem, split_of
from palaestra.envs.tasks.chain_arith import ChainArith
from palaestra.episodes import Actor, Cost, Episode, Outcome, Turn
from palaestra.episodes.views import Row
from palaestra.verifiers import Status

RIGHT = {"g0/0": 1.0, "g0/1": 0.0, "g1/0": 0.0, "g1/1": 0.0}  # answers
MENDED = {"g0/0": 1.0, "g0/1": 1.0, "g1/0": 0.0, "g1/1": 1.0}  # the same repaired
SCORES = {"g0/0": 0.9, "g0/1": 0.6, "g1/0": 0.2, "g1/1": 0.3}
WORDS = {"right": [50], "shown": [51], "critique": [52], "yes": [60, 1], "no": [61, 1]}
TASK = ChainArith(modulus=5, operators="+", wording=0)


def episode(id: str, group: str, role: str, reward: float) -> Episode:
    status = Status.RIGHT if reward > 0 else Status.WRONG
    problem, turn = Problem("?", 1, 1), Turn(role, "?", "text", reward)
    return Episode(
        *(
            id,
            "e",
            {},
            {},
            0,
            group,
            {role: Actor(role)},
            (turn,),
            {role: Outcome(reward, status)},
            True,
            False,
            problem,
        )
    )


def row(id: str, group: str, role: str, reward: float, first: int) -> Row:
    """Three ids of a prompt and two of an action, all told apart by ``first``."""
    ids = np.arange(5, dtype=np.int64) + first
    return Row(ids, np.arange(5) >= 3, np.zeros(5, np.float32), reward, id, group, "e", role)


@pytest.fixture
def record() -> Record:
    everything = [*RIGHT, *(one + REPAIR for one in RIGHT)]
    return Record(
        number=0,
        drafts=[episode("g0", "level 1", "creator", 0.8), episode("g1", "level 1", "creator", 0.0)],
        answers=[episode(id, id[:2], "reasoner", value) for id, value in RIGHT.items()],
        rows={
            "creator": [row("g0", "level 1", "creator", 0.8, 0), row("g1", "level 1", "creator", 0.0, 0)],
            "reasoner": [row(id, id[:2], "reasoner", value, 10 * n) for n, (id, value) in enumerate(RIGHT.items())],
            "post_processor": [
                row(id + REPAIR, id[:2], "post_processor", value, 100 + 10 * n)
                for n, (id, value) in enumerate(MENDED.items())
            ],
        },
        scores={**SCORES, **{one + REPAIR: 0.7 for one in RIGHT}},
        repairs={id: episode(id + REPAIR, id[:2], "post_processor", value) for id, value in MENDED.items()},
        shown=dict.fromkeys(everything, 0.4),
        demonstrations=[row("d", "g0", "shown", 1.0, 200)],
        words=WORDS,
        critiques={id: [70 + n, 1] for n, id in enumerate(RIGHT)},
        evaluates=True,
    )


@pytest.mark.parametrize("partner", ["reasoner", "post_processor"])
def test_demonstrations_are_told_from_answers_at_their_temperature(record: Record, partner: str) -> None:
    sampled = {slot: [replace(row, temperature=0.7) for row in rows] for slot, rows in record.rows.items()}
    lessons = LEARNERS["evaluator"]["judge"].lessons(replace(record, rows=sampled), "adversarial", (partner,))
    *_, (algorithm, rows) = lessons
    assert algorithm == "rft"
    assert "d" in {row.episode_id for row in rows}
    assert {row.temperature for row in rows} == {0.7}


def test_a_critic_learns_what_it_wrote_and_the_verdict_behind_it(record: Record) -> None:
    ((algorithm, rows),) = LEARNERS["evaluator"]["critic"].lessons(record, "independent", ())
    assert algorithm == "rft"
    verdicts, critiques = rows[:4], rows[4:]
    assert [one.ids[one.action].tolist() for one in critiques] == [[70, 1], [71, 1], [72, 1], [73, 1]]
    assert verdicts[1].ids.tolist() == [10, 11, 12, 13, 14, 52, 71, 1, 50, 61, 1]
    assert [one.ids[one.action].tolist() for one in verdicts] == [[60, 1], [61, 1], [61, 1], [61, 1]]
    assert all(one.reward == 1 for one in rows)  # all of it is imitated
    assert [one.weight for one in critiques] == [1.0] * 4


def rewards(record: Record, slot: str, strategy: str, *partners: str) -> list[float]:
    """Of the module's own rows."""
    learner = next(iter(LEARNERS[slot].values()))
    return [round(one.reward, 6) for one in next(iter(learner.lessons(record, strategy, partners)))[1]]


def added(record: Record, slot: str, strategy: str, *partners: str) -> list[Row]:
    """The rows that its partners add."""
    learner = next(iter(LEARNERS[slot].values()))
    return [one for _, rows in list(learner.lessons(record, strategy, partners))[1:] for one in rows]


def test_a_creator_is_paid_for_valid_new_problems_that_partners_solve_half_the_time_or_not_at_all(
    record: Record,
) -> None:
    assert rewards(record, "creator", "independent", "reasoner") == [0.8, 0]
    assert rewards(record, "creator", "collaborative", "reasoner") == [1.8, 0]  # p = 1/2, 4p(1 - p) = 1
    assert rewards(record, "creator", "collaborative", "post_processor") == [0.8, 0]  # p = 1
    assert rewards(record, "creator", "adversarial", "reasoner") == [1.3, 0]
    assert rewards(record, "creator", "adversarial", "reasoner", "post_processor") == [1.05, 0]  # mean of ½ and 0
    assert rewards(record, "creator", "adversarial", "evaluator") == [1.3, 0]  # it is wrong about g0/1 alone


@pytest.mark.parametrize("strategy", ["collaborative", "adversarial"])
def test_a_creator_learns_nothing_of_a_problem_that_nobody_could_judge(record: Record, strategy: str) -> None:
    answers = [episode(one.id, one.group_id, "reasoner", math.nan) for one in record.answers]
    ((_, view, _),) = LEARNERS["creator"]["writer"].taught(
        replace(record, answers=answers), strategy, ["reasoner"], None
    )
    assert [one.reward for one in view.rows] == [0.0]  # the draft that was no problem


def test_a_reasoner_is_paid_by_the_verdict_first(record: Record) -> None:
    assert rewards(record, "reasoner", "independent", "evaluator") == [1, 0, 0, 0]
    assert rewards(record, "reasoner", "collaborative", "evaluator") == [1.45, 0.3, 0.1, 0.15]
    assert rewards(record, "reasoner", "adversarial", "evaluator") == [1.2, 0, 0, 0]  # nothing for what is wrong
    assert rewards(record, "reasoner", "adversarial", "post_processor") == [1, -SHAPING, 0, -SHAPING]
    assert rewards(record, "reasoner", "adversarial", "creator") == [1, 0, 0, 0]
    for strategy in ("collaborative", "adversarial"):
        paid = rewards(record, "reasoner", strategy, "creator", "evaluator", "post_processor")
        assert min(paid[:1]) > max(paid[1:])


def test_a_reasoner_imitates_repairs_that_are_right_of_answers_that_were_not(record: Record) -> None:
    found = added(record, "reasoner", "collaborative", "post_processor")
    assert [one.episode_id for one in found] == ["g0/1" + REPAIR, "g1/1" + REPAIR]
    assert found[0].ids.tolist() == [10, 11, 12, 113, 114]  # the question's ids, the repair's
    assert found[0].action.tolist() == [False, False, False, True, True]
    assert not added(record, "reasoner", "adversarial", "post_processor")


def test_a_post_processor_is_paid_for_what_it_puts_right_and_against_a_reasoner_for_nothing_else(
    record: Record,
) -> None:
    assert rewards(record, "post_processor", "independent", "reasoner") == [1, 1, 0, 1]
    change = rewards(record, "post_processor", "adversarial", "reasoner")
    assert change == [0, 1, 0, 1]
    paid = rewards(record, "reasoner", "adversarial", "post_processor")
    fines = [own - verdict for own, verdict in zip(paid, RIGHT.values(), strict=True)]
    assert [-fine / SHAPING for fine in fines] == change  # what the one wins the other loses
    assert rewards(record, "post_processor", "collaborative", "evaluator") == [1.35, 1.35, 0.35, 1.35]
    assert rewards(record, "post_processor", "adversarial", "evaluator") == [1.2, 1.2, 0, 1.2]
    pairs = added(record, "post_processor", "collaborative", "reasoner")
    assert [one.ids.tolist() for one in pairs] == [[110, 111, 112, 3, 4]]  # g0/1's request, g0/0's answer


def test_an_evaluator_says_what_the_verdict_was_each_answer_weighing_as_much(record: Record) -> None:
    learner = LEARNERS["evaluator"]["judge"]
    ((_, own),) = learner.lessons(record, "independent", ())
    assert [one.ids[-3:].tolist() for one in own] == [[50, 60, 1], [50, 61, 1], [50, 61, 1], [50, 61, 1]]
    assert [one.weight for one in own] == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3])
    assert own[0].action.tolist() == [False] * 6 + [True, True]
    of_repairs = added(record, "evaluator", "collaborative", "post_processor")
    assert [one.ids[-2] for one in of_repairs] == [60, 60, 61, 60]
    told = added(record, "evaluator", "adversarial", "reasoner")
    assert [one.ids[-3:].tolist() for one in told] == [[51, 60, 1], *[[51, 61, 1]] * 4]  # another question


def test_together_the_evaluators_favourite_is_repaired_where_it_is_doubted(record: Record) -> None:
    assert [record.final(group) for group in ("g0", "g1")] == [1, 1]  # g0/0 stands, g1/1 is doubted and repaired
    assert replace(record, repairs={}).figures()["accuracy"] == 0.5
    alone = replace(record, evaluates=False)
    assert [alone.final(group) for group in ("g0", "g1")] == [1, 0]  # the first answer of each, repaired
    found = record.figures()
    assert (found["reasoner"], found["post_processor"], found["creator"]) == (0.25, 0.75, 0.5)
    assert found["evaluator"] == 0.75
    assert found["low"] < found["accuracy"] <= found["high"]


def test_an_evaluator_that_says_nan_is_neither_right_nor_wrong_and_its_favourite_is_what_it_could_score(
    record: Record,
) -> None:
    mute = replace(record, scores=dict.fromkeys(record.scores, math.nan))
    assert math.isnan(mute.figures()["evaluator"])
    assert mute.final("g0") == MENDED["g0/0"]  # the first answer, doubted
    half = replace(record, scores={**record.scores, "g0/0": math.nan, "g1/0": math.nan})
    assert half.figures()["evaluator"] == 0.5  # of the two others: 0.6 for a wrong one, 0.3 for another
    assert half.final("g0") == RIGHT["g0/1"]  # and not what cannot be compared


def test_an_evaluator_of_ones_own_gives_numbers(record: Record) -> None:
    def none(task: Any, problem: Problem, answer: str) -> None:
        return None

    def single(task: Any, problem: Problem, answer: str) -> Any:
        return np.float32(0.25)

    assert RuleScores(single, lambda one: TASK)(record.answers) == [0.25] * 4
    with pytest.raises(ValueError, match=r"modules.evaluator: none gave None, and a score is a number from 0 to 1"):
        RuleScores(none, lambda one: TASK)(record.answers)


def test_every_adversary_has_an_opponent_in_every_pattern() -> None:
    for evolved, strategy in combinations_of_all():
        if strategy == "adversarial":
            said: dict[str, Any] = dict.fromkeys(SLOTS, "frozen") | dict.fromkeys(evolved, "evolved")
            pattern_of(Modules(**said, strategy="adversarial"))
    relations = [one for table in LEARNERS.values() for learner in table.values() for one in learner.relations.values()]
    assert all(isinstance(one, Relation) and (one.reward or one.rows) for one in relations)


def test_a_draft_is_refused_that_is_no_problem_of_another_level_held_out_or_written_before() -> None:
    held = next(one for seed in range(99) if split_of(TASK, one := sample_problem(TASK, seed, 2, "test")) == "test")
    known, new = "a=2; b=a+1; c=b+1", "a=1; b=a+1; c=b+2"
    texts = [new, "a=1; b=a+1", "nonsense", TASK.notation(held), new, known]
    said = iter(texts)
    jobs = [Job(f"r/{n}/0", "e", {}, n, f"r/{n}", {"difficulty": 2}, n) for n in range(len(texts))]
    made = drafts(RuleAgent("mine", lambda asked, rng: next(said)), jobs, TASK, [known], {})
    reasons = [one.outcome["creator"].reason for one in made]
    assert reasons[0] == "valid"
    assert reasons[1] == "of level 1, not 2"
    assert "no chain" in reasons[2]
    assert "not of the train split" in reasons[3]
    assert reasons[4:] == ["written before", "written before"]
    assert [one.outcome["creator"].reward > 0 for one in made] == [True, *[False] * 5]
    assert {one.turns[0].observation for one in made} == {"Write a problem of level 2."}


def test_drafts_and_repairs_are_logged_with_what_they_cost() -> None:
    class Says:
        actor = Actor("model")

        def respond(self, dialogues: Sequence[Dialogue]) -> list[Reply]:
            return [Reply("a=1; b=a+1; c=b+2", cost=Cost(7, 3)) for _ in dialogues]

    (draft,) = drafts(Says(), [Job("r/0/0", "e", {}, 0, "r/0", {"difficulty": 2}, 0)], TASK, [], {})
    answer = replace(episode("x", "g", "reasoner", 1), problem=sample_problem(TASK, 3, 2))
    (repair,) = repairs(Says(), [answer], TASK, {})
    assert draft.cost == repair.cost == Cost(7, 3, verifier_calls=1)


def test_rules_fill_slots() -> None:
    problem = sample_problem(TASK, 3, 2)
    answer = replace(episode("x", "g", "reasoner", 1), problem=problem)
    answer = replace(answer, turns=(replace(answer.turns[0], text=f"\\boxed{{{problem.reference}}} and \\boxed{{9}}"),))
    (kept,) = repairs(rule_agent("post_processor", RULES["post_processor"]["keep"], TASK), [answer], TASK, {})
    (cut,) = repairs(rule_agent("post_processor", RULES["post_processor"]["first_box"], TASK), [answer], TASK, {})
    assert (kept.outcome["post_processor"].reward, cut.outcome["post_processor"].reward) == (0, 1)


def test_demonstrations_of_every_part_are_true() -> None:
    from palaestra.agents.chat import ChatFormat
    from palaestra.agents.judges import words
    from palaestra.agents.nano import nano_tokenizer

    tokenizer = nano_tokenizer()
    chat, said = ChatFormat(tokenizer), words(tokenizer)
    problem = sample_problem(TASK, 3, 2)
    text = TASK.solve(problem, np.random.default_rng(0))
    shown = episode("x", "g", "reasoner", 1)
    shown = replace(shown, problem=problem, turns=(replace(shown.turns[0], observation=problem.prompt, text=text),))
    drawn = shown_text(shown, TASK, chat, said, np.random.default_rng(0))
    assert TASK.pose(chat.text(drawn.ids[drawn.action].tolist())).reference == problem.reference
    verdicts = set()
    for seed in range(20):
        told = shown_opinion(shown, TASK, chat, said, np.random.default_rng(seed))
        asked = chat.text(told.ids.tolist())
        is_right = text in asked
        verdicts.add(is_right)
        assert asked.endswith("yes" if is_right else "no")
        critique = shown_critique(shown, TASK, chat, said, np.random.default_rng(seed))
        written = chat.text(critique.ids[critique.action].tolist())
        assert written.endswith(f"{'right' if is_right else 'wrong'}\nRight? {'yes' if is_right else 'no'}")
        assert ("bad" in written) != is_right
        mended = shown_repair(shown, TASK, chat, said, np.random.default_rng(seed))
        assert chat.text(mended.ids[mended.action].tolist()) == text
    assert verdicts == {True, False}
