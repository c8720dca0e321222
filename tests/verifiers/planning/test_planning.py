from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from palaestra.verifiers import Status
from palaestra.verifiers.planning import (
    PlanError,
    PlanningTask,
    Step,
    StripsVerifier,
    Unmet,
    apply_step,
    parse_plan,
    read_pddl,
)

BLOCKS = """
(define (domain blocks) (:requirements :strips :typing :equality :negative-preconditions)
  (:types block)
  (:predicates (on ?a ?b - block) (on-table ?a - block) (clear ?a - block) (held ?a - block) (busy))
  (:action lift :parameters (?a - block) :precondition (and (clear ?a) (on-table ?a) (not (busy)))
    :effect (and (held ?a) (busy) (not (clear ?a)) (not (on-table ?a))))
  (:action drop :parameters (?a - block) :precondition (held ?a)
    :effect (and (clear ?a) (on-table ?a) (not (held ?a)) (not (busy))))
  (:action stack :parameters (?a ?b - block) :precondition (and (held ?a) (clear ?b) (not (= ?a ?b)))
    :effect (and (on ?a ?b) (clear ?a) (not (held ?a)) (not (busy)) (not (clear ?b))))
  (:action unstack :parameters (?a ?b - block) :precondition (and (on ?a ?b) (clear ?a) (not (busy)))
    :effect (and (held ?a) (busy) (clear ?b) (not (on ?a ?b)) (not (clear ?a)))))
"""
TOWER = """
(define (problem tower) (:domain blocks) (:objects A B C - block)
  (:init (on C A) (on-table A) (on-table B) (clear B) (clear C)) (:goal (and (on A B) (on B C) (not (busy)))))
"""
PLAN = "(unstack c a)\n(drop c)\n(lift b)\n(stack b c)\n(lift a)\n(stack a b)"
FERRY = """
(define (domain ferry) (:requirements :strips :typing :negative-preconditions :equality)
  (:types car boat - vehicle place - object)
  (:constants home - place)
  (:predicates (at ?v - vehicle ?p - place) (aboard ?c - car ?b - boat) (full ?b - boat) (seen ?p - place))
  (:action sail :parameters (?b - boat ?from ?to - place) :precondition (and (at ?b ?from) (not (= ?from ?to)))
    :effect (and (not (at ?b ?from)) (at ?b ?to) (seen ?to)))
  (:action board :parameters (?c - car ?b - boat ?p - place)
    :precondition (and (at ?c ?p) (at ?b ?p) (not (full ?b)))
    :effect (and (aboard ?c ?b) (full ?b) (not (at ?c ?p))))
  (:action leave :parameters (?c - car ?b - boat ?p - place) :precondition (and (aboard ?c ?b) (at ?b ?p))
    :effect (and (at ?c ?p) (not (aboard ?c ?b)) (not (full ?b))))
  (:action tow-home :parameters (?v - vehicle ?p - place) :precondition (at ?v ?p)
    :effect (and (not (at ?v ?p)) (at ?v home))))
"""
CROSSING = """
(define (problem crossing) (:domain ferry) (:objects c1 c2 - car b1 - boat isle - place)
  (:init (at c1 home) (at c2 isle) (at b1 home)) (:goal (and (at c2 isle) (not (full b1)))))
"""
VERIFIER = StripsVerifier(BLOCKS, TOWER)


@pytest.mark.parametrize(
    "response",
    [
        PLAN,
        PLAN.upper(),
        "\n".join(f"{number}. {line}" for number, line in enumerate(PLAN.split("\n"), 1)),
        "\n".join(f"{number}: {line} ; why" for number, line in enumerate(PLAN.split("\n"))),
        f"First (lift a)?\n```pddl\n; cost 6\n{PLAN}\n\n```\nDone.",
        PLAN.replace(" ", "   ").replace("\n", "\r\n\n"),
        "(lift b)\n(drop b)\n" + PLAN,
    ],
)
def test_a_plan_that_reaches_the_goal_is_right(response: str) -> None:
    verdict = VERIFIER.verify(response)
    assert verdict.right, verdict.reason


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ("(lift a)", "step 1 (lift a): (clear a) is not true"),
        ("(lift b)\n(lift c)", "step 2 (lift c): (on-table c) is not true"),
        ("(lift b)\n(unstack c a)", "step 2 (unstack c a): (busy) is true"),
        ("(lift b)\n(stack b b)", "step 2 (stack b b): (clear b) is not true"),
        ("(lift b)", "the goal is not reached: (on a b) is not true"),
        (PLAN + "\n(unstack a b)", "the goal is not reached: (on a b) is not true"),
        ("(fly a)", "step 1 (fly a): there is no action fly"),
        ("(lift a b)", "step 1 (lift a b): lift takes 1 arguments, not 2"),
        ("(lift z)", "step 1 (lift z): z is not of type block"),
        ("```\n```", "the goal is not reached: (on a b) is not true"),
        ("lift b", "line 1 is not of the form (action argument ...): lift b"),
        ("(lift b)\nThen stack it.", "line 2 is not of the form (action argument ...): Then stack it."),
        ("(lift b) (drop b)", "line 1 is not of the form (action argument ...): (lift b) (drop b)"),
        ("1. (lift b)\n(drop b)", "the steps are not numbered in order"),
        ("1. (lift b)\n3. (drop b)", "the steps are not numbered in order"),
        ("2. (lift b)\n3. (drop b)", "the steps are not numbered in order"),
        ("()", "line 1 is not of the form (action argument ...): ()"),
        ("", "no plan found"),
    ],
)
def test_the_first_thing_that_fails_is_named(response: str, reason: str) -> None:
    verdict = VERIFIER.verify(response)
    assert verdict.status is Status.WRONG
    assert verdict.reason == reason


def test_the_evidence_names_the_step() -> None:
    evidence = VERIFIER.verify("(lift b)\n(lift c)").evidence
    assert evidence == {"step": 2, "action": "(lift c)", "unmet": "(on-table c) is not true"}


def test_lengths_count_when_asked_for() -> None:
    detour = "(lift b)\n(drop b)\n" + PLAN
    assert StripsVerifier(BLOCKS, TOWER, max_length=6).verify(PLAN).right
    assert StripsVerifier(BLOCKS, TOWER, max_length=7).verify(detour).reason == (
        "a plan of 8 steps; at most 7 may be taken"
    )
    graded = StripsVerifier(BLOCKS, TOWER, optimum=6).verify(detour)
    assert (graded.status, graded.score) == (Status.WRONG, 0.75)
    assert StripsVerifier(BLOCKS, TOWER, optimum=6).verify(PLAN).right
    assert StripsVerifier(BLOCKS, TOWER, optimum=7).verify(PLAN).status is Status.UNDECIDED


@pytest.mark.parametrize(
    "response",
    ["(" * 200_000, "(lift b)\n" * 20_000, "1. " * 60_000, "\x00", "\ud800", "(lift \ud800)", "(lift b\u200b)",
     "9" * 100_000 + ". (lift b)", "(lift " + "b " * 90_000 + ")", ";" * 190_000, "x" * 3_000_000,
     "(" + "a" * 199_000 + ")", "```\n(" * 9_000],
    ids=lambda response: ascii(response[:20]),
)  # fmt: skip
def test_hostile_plans_are_wrong(response: str) -> None:
    verdict = VERIFIER.verify(response)
    assert verdict.status is Status.WRONG
    assert verdict.reason.isprintable()
    assert len(verdict.reason) < 500


def with_action(more: str) -> str:
    return BLOCKS.rstrip()[:-1] + more + ")"


@pytest.mark.parametrize(
    ("domain", "problem", "message"),
    [
        (BLOCKS[:-5], TOWER, "not valid"),
        (BLOCKS.replace("(clear ?b)", "(cleer ?b)"), TOWER, "not valid"),
        (BLOCKS, TOWER.replace("A B C", "A B"), "not valid"),
        (BLOCKS, "", "not valid"),
        (BLOCKS, TOWER.replace("(and (on A B)", "(or (on A B)"), "no literal"),
        (with_action("(:action x :parameters () :precondition (not (and (busy) (busy))) :effect (busy))"), TOWER, "no"),
        (with_action("(:action x :parameters () :effect (when (busy) (not (busy))))"), TOWER, "not a plain one"),
        (BLOCKS, TOWER.rstrip()[:-1] + "(:constraints (always (not (busy)))))", "STRIPS"),
        (with_action("(:action x :parameters () :effect (forall (?a - block) (clear ?a)))"), TOWER, "not valid|plain"),
        (with_action("(:durative-action x :parameters () :duration (= ?duration 1) :condition (at start (busy)) "
                     ":effect (at end (busy)))"), TOWER, "not an instantaneous action"),
    ],
)  # fmt: skip
def test_broken_pddl_is_refused_when_it_is_loaded(domain: str, problem: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StripsVerifier(domain, problem)


def test_lengths_that_contradict_are_refused() -> None:
    with pytest.raises(ValueError, match="optimum <= max_length"):
        StripsVerifier(BLOCKS, TOWER, max_length=5, optimum=6)


def random_plans(task: PlanningTask, rng: random.Random, count: int) -> Iterator[list[Step]]:
    """Walks through steps that can be taken, with now and then one that cannot."""
    for _ in range(count):
        state, plan = task.initial, []
        for _ in range(rng.randint(0, 40)):
            schema = rng.choice([*task.actions.values()])
            step = Step(schema.name, tuple(rng.choice(sorted(members)) for _, members in schema.parameters))
            try:
                state = apply_step(task, state, step)
            except Unmet:
                if rng.random() < 0.97:
                    continue
            plan.append(step)
        yield plan


def library_agrees_to(domain: str, problem: str) -> Any:
    """What unified-planning's own validator says of a plan."""
    from unified_planning.engines.plan_validator import SequentialPlanValidator
    from unified_planning.io import PDDLReader
    from unified_planning.plans import ActionInstance, SequentialPlan

    parsed = PDDLReader().parse_problem_string(domain, problem)
    validator = SequentialPlanValidator()

    def agrees(plan: list[Step]) -> bool:
        instances = [
            ActionInstance(parsed.action(step.action), tuple(parsed.object(name) for name in step.arguments))
            for step in plan
        ]
        return bool(validator.validate(parsed, SequentialPlan(instances)))

    return agrees


@pytest.mark.parametrize(
    ("domain", "problem"),
    [
        (BLOCKS, TOWER.replace("(and (on A B) (on B C) (not (busy)))", "(and (clear B) (not (busy)))")),
        (FERRY, CROSSING),
    ],
    ids=["blocks", "ferry"],
)
def test_verdicts_agree_with_the_validator_of_unified_planning(domain: str, problem: str) -> None:
    verifier, agrees = StripsVerifier(domain, problem), library_agrees_to(domain, problem)
    verdicts: list[bool] = []
    for plan in random_plans(verifier.task, random.Random(5), 150):
        verdict = verifier.verify("```\n" + "\n".join(map(str, plan)) + "\n```")
        assert verdict.right is agrees(plan), (plan, verdict.reason)
        verdicts.append(verdict.right)
    assert 40 < sum(verdicts) < len(verdicts) - 40


def test_types_constants_and_subtypes_are_read() -> None:
    task = read_pddl(FERRY, CROSSING)
    assert task.actions["tow-home"].parameters == (
        ("vehicle", frozenset({"c1", "c2", "b1"})),
        ("place", frozenset({"home", "isle"})),
    )
    state = apply_step(task, task.initial, Step("tow-home", ("c2", "isle")))
    assert ("at", "c2", "home") in state
    assert ("at", "c2", "isle") not in state
    assert apply_step(task, task.initial, Step("tow-home", ("c1", "home"))) == task.initial  # deleted, then added


NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,5}", fullmatch=True)
STEPS = st.lists(st.builds(Step, NAMES, st.lists(NAMES, max_size=3).map(tuple)), max_size=8)


@given(STEPS, st.sampled_from(["", "{}. ", "{}) ", "{}: "]), st.sampled_from(["\n", "\r\n", " ; x\n\n"]))
def test_a_plan_reads_back(steps: list[Step], number: str, line_end: str) -> None:
    lines = [number.format(position) + str(step) for position, step in enumerate(steps, 1)]
    assert parse_plan(line_end.join(lines)) == steps


@given(st.text(alphabet="(lift ab)1.:;\n ", max_size=60) | st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        steps = parse_plan(text)
    except PlanError:
        steps = []
    assert len(steps) <= len(text)
    assert VERIFIER.verify(text).status is Status.WRONG


def test_importing_loads_no_library() -> None:
    import subprocess
    import sys

    code = (
        "import sys, palaestra.verifiers.planning, palaestra.verifiers.graphs, palaestra.verifiers.sql, "
        "palaestra.verifiers.json_schema; "
        "sys.exit(bool({'unified_planning', 'networkx', 'jsonschema', 're2'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent).returncode == 0
