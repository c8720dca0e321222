"""Formulas: parsing, truth tables beside z3, equivalence, entailment and models."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palaestra.verifiers import Status
from palaestra.verifiers.logic import (
    Formula,
    FormulaError,
    FormulaVerifier,
    ModelVerifier,
    entails,
    equivalent,
    parse_declarations,
    parse_formula,
    satisfiable,
)
from palaestra.verifiers.logic.decision import by_solver, difference
from palaestra.verifiers.logic.truth import value

WHOLE = FormulaVerifier(rules=("whole",))
MODEL = ModelVerifier(rules=("whole",))

LETTERS = ("p", "q", "r", "s")
propositional = st.recursive(
    st.sampled_from((*LETTERS, "true", "false")),
    lambda inner: st.one_of(
        inner.map(lambda a: f"(not {a})"),
        st.tuples(inner, st.sampled_from(("and", "or", "xor", "->", "<->")), inner).map(
            lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
        ),
    ),
    max_leaves=12,
)
TEXT = st.text(st.sampled_from("pqxyPQ()~!&|<>-=+*/^.,:0123 ∀∃¬∧\\$") | st.characters(), max_size=60)


@settings(max_examples=60, deadline=None)
@given(propositional)
def test_truth_table_and_z3_agree(text: str) -> None:
    term = parse_formula(text).term
    assert satisfiable(term).satisfiable == by_solver(term).satisfiable


@settings(max_examples=200, deadline=None)
@given(propositional, propositional)
def test_a_truth_table_holds_what_each_row_says(a: str, b: str) -> None:
    term = difference(parse_formula(a).term, parse_formula(b).term)
    rows = [dict(zip(LETTERS, row, strict=True)) for row in itertools.product((False, True), repeat=len(LETTERS))]
    assert satisfiable(term).satisfiable == any(value(term, row) for row in rows)


@settings(max_examples=100, deadline=None)
@given(propositional, propositional)
def test_verdicts_are_symmetric_and_reflexive(a: str, b: str) -> None:
    assert WHOLE.verify(a, b).right == WHOLE.verify(b, a).right
    assert WHOLE.verify(a, a).right
    assert WHOLE.verify(f"not (not (({a})))", a).right


@settings(max_examples=300, deadline=None)
@given(TEXT)
def test_no_text_raises(text: str) -> None:
    gold = "x > 2 and p"
    assert WHOLE.verify(text, "p").status in Status
    assert not MODEL.verify(text, gold).right or "x" in text
    assert "\n" not in WHOLE.verify(text, "p").reason


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("p -> q -> r", "p -> (q -> r)"),
        ("p or q and r", "p or (q and r)"),
        ("not p = q", "not (p = q)"),
        ("~p & q", "(not p) and q"),
        ("p xor q", "not (p <-> q)"),
        (r"$\neg (p \land q) \to r$", "(~p | ~q) => r"),
        ("p ∧ ¬q ↔ r", "(p and not q) <-> r"),
        ("forall x. P(x) -> Q(x)", "not exists x. P(x) and not Q(x)"),
        ("∀x P(x) → R", "(forall x. P(x)) -> R"),
        ("forall x, y. L(x, y)", "forall y. forall x. L(x, y)"),
        ("forall x. x = x", "true"),
        ("1 < x < 4 and x != 2", "x = 3"),
        ("x mod 2 = 0", "exists k: Int. x = 2*k"),
        ("x div 3 = 2", "6 <= x and x < 9"),
        ("x^2 >= 0", "true"),
        ("2*(x + y) = 2*x + 2*y", "x + y = y + x"),
        ("exists r: Real. r^2 = 2", "true"),
        ("forall x: Int, y, z: Real. x*y*z = z*y*x", "true"),
        ("x/2 > 1", "x > 2"),
        ("f(a) = a -> f(f(a)) = a", "true"),
        (r"\forall x\,[P(x) \supset Q(x)]", "forall x. P(x) -> Q(x)"),
        ("forall x, P(x) -> exists y: L(x, y)", "forall x (P(x) -> exists y L(x, y))"),
        (r"(\forall x)(\exists y)(L(x, y) \Longrightarrow R)", "forall x. exists y. L(x, y) -> R"),
        ("∀x, y: Int, x + y = y + x", "true"),
        ("forall x: Int, y, z: Int: x > y", "false"),
        ("exists x, (P(x) AND NOT R)", "(exists x P(x)) and not R"),
        ("forall x, x = x", "true"),
        (r"\left(p \equiv q\right) \;\lor\; \text{r}", "(p <-> q) or r"),
        (r"\(p \longrightarrow q\)", "p -> q"),
    ],
)
def test_equivalent_formulas(answer: str, gold: str) -> None:
    verdict = WHOLE.verify(answer, gold)
    assert verdict.right, verdict.reason


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("p -> q", "q -> p"),
        ("(p -> q) -> r", "p -> q -> r"),
        ("forall x. exists y. L(x, y)", "exists y. forall x. L(x, y)"),
        ("forall x. P(x) -> R", "(forall x. P(x)) -> R"),
        ("exists x: Int. x*x = 2", "true"),
        ("x > 2", "x >= 2"),
        ("p and z", "p"),
        ("a = b", "b = c"),
    ],
)
def test_formulas_that_differ(answer: str, gold: str) -> None:
    verdict = WHOLE.verify(answer, gold)
    assert verdict.status is Status.WRONG
    assert "is not equivalent" in verdict.reason


def test_the_verdict_shows_where_two_formulas_differ() -> None:
    assert WHOLE.verify("p", "p and q").reason == "p is not equivalent: see p = true, q = false"
    assert WHOLE.verify("x > 2", "x > 3").evidence["model"] == {"x": "3"}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "expected a formula, got 'the end'"),
        ("p and", "expected a formula"),
        ("p q", "unexpected 'q'"),
        ("P(x, y)", "P has 2 arguments here, 1 elsewhere"),
        ("p > 1", "p is of sort Bool, not a number"),
        ("n and p", "n is of sort Int; expected Bool"),
        ("n = p", "= compares Int with Bool"),
        ("n / 0 = 1", "the divisor is a number other than 0"),
        ("n div m = 1", "the divisor is a number other than 0"),
        ("n^9 = 1", "a power is a whole number from 1 to 8"),
        ("п", "expected a formula, got '\\u043f'"),
        ("(" * 41 + "p" + ")" * 41, "nested deeper than 40"),
        ("not " * 200 + "p", "nested deeper than 100"),
        ("p -> " * 200 + "p", "nested deeper than 100"),
        ("p <-> " * 200 + "p", "nested deeper than 100"),
        ("p & " * 2000 + "p", "longer than 4096 characters"),
        ("p&" * 1000 + "p", "more than 1500 symbols"),
        ("1" * 200 + "= n", "a number of more than 100 digits"),
        ("(declare-const x Int)", "expected ')', got 'x'"),
        ("\ud800\0", "expected a formula"),
    ],
)
def test_what_is_no_formula_is_wrong_and_told(answer: str, reason: str) -> None:
    verdict = WHOLE.verify(answer, "p and P(a) and n > 1 and m > 1")
    assert verdict.status is Status.WRONG
    assert reason in verdict.reason


def test_a_long_flat_formula_is_no_deep_tree() -> None:
    assert WHOLE.verify("&".join(["p"] * 700), "p").right


def test_an_answer_that_exhausts_the_solver_is_wrong_and_a_gold_undecided() -> None:
    hard = "x^4 + y^4 = z^4 and x > 0 and y > 0 and z > 0"
    assert WHOLE.verify(hard, "x + y + z < z + x + y").status is Status.WRONG
    assert WHOLE.verify("x + y + z < z + x + y", hard).status is Status.UNDECIDED


def test_declarations_give_sorts() -> None:
    verifier = FormulaVerifier("x: Real; loves: Person, Person -> Bool; ann: Person", ("whole",))
    assert verifier.verify("exists p: Person. loves(p, ann)", "not forall q: Person. not loves(q, ann)").right
    assert verifier.verify("2*x = 1", "x = 0.5").right
    assert "= compares Real with Person" in verifier.verify("x = ann", "x = 1").reason


@pytest.mark.parametrize("text", ["x", "x: ", ": Int", "x: Int, y", "and: Bool", "f: Int -> ", "x y: Int"])
def test_a_declaration_that_is_none_is_refused_when_the_verifier_is_made(text: str) -> None:
    with pytest.raises(FormulaError, match="not a declaration"):
        FormulaVerifier(text)
    with pytest.raises(FormulaError, match="not a declaration"):
        ModelVerifier(text)


def test_a_gold_that_is_no_formula_raises() -> None:
    with pytest.raises(FormulaError, match="the gold formula p and cannot be used"):
        WHOLE.verify("p", "p and")


def test_entailment_and_satisfiability() -> None:
    def read(*texts: str) -> list[Formula]:
        signature = parse_declarations("man: Object -> Bool; mortal: Object -> Bool; socrates: Object")
        return [parse_formula(text, signature) for text in texts]

    rule, fact, conclusion, other = read(
        "forall x. man(x) -> mortal(x)", "man(socrates)", "mortal(socrates)", "forall x. mortal(x)"
    )
    assert entails([rule, fact], conclusion) is True
    assert entails([rule, fact], other) is False
    assert entails([rule], conclusion) is False
    assert equivalent(fact, conclusion) is False
    assert satisfiable(parse_formula("p and not p").term).satisfiable is False
    assert satisfiable(parse_formula("p and not q").term).model == {"p": "true", "q": "false"}


def test_seventeen_letters_go_to_z3_and_sixteen_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from palaestra.verifiers.logic import decision

    asked = []
    monkeypatch.setattr(decision, "by_solver", asked.append)
    for count in (16, 17):
        decision.satisfiable(parse_formula(" xor ".join(f"p{index}" for index in range(count))).term)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("answer", "gold", "same"),
    [
        ("p = true, q = false", "p and not q", True),
        ("p, not q", "p and not q", True),
        ("p: true, q := 0", "p and not q", True),
        (r"p = \text{true}, q: \text{false}", "p and not q", True),
        ("p: 0, q: 1", "p and not q", False),
        ("p, q", "p and not q", False),
        ("x = 3, y = -1/2", "x > 2 and 2*y = -1 + 0.0*y", True),
        ("x = 7", "x mod 3 = 1 and x div 2 = 3", True),
        ("x = -7", "x mod 3 = 2 and x div 2 = -4", True),
        ("x = 4", "x > 0 and exists k: Int. x = 2*k", True),
        ("x = 5", "x > 0 and exists k: Int. x = 2*k", False),
        ("unsatisfiable", "p and not p", True),
        ("unsat", "p", False),
        ("p", "p and not p", False),
    ],
)
def test_a_model_is_checked(answer: str, gold: str, same: bool) -> None:
    verdict = ModelVerifier("y: Real", ("whole",)).verify(answer, gold)
    assert verdict.right == same, verdict.reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("x = 3", "no value for p"),
        ("x = 3, p, p", "two values for p"),
        ("x = 3, p, z = 1", "'z' is not a free name of the formula"),
        ("x = 1/2, p", "expected an integer"),
        ("x = true, p", "expected an integer"),
        ("x = 3, p = 2", "expected true or false"),
        ("x = 3, p = [1", "expected ']'"),
        ("x = p, p", "expected an integer"),
        ("x > 2, p", "not a list of values"),
        ("p and x > 2", "not a list of values"),
        ("", "expected a formula"),
    ],
)
def test_what_is_no_model_is_wrong_and_told(answer: str, reason: str) -> None:
    assert reason in MODEL.verify(answer, "x > 2 and p").reason


def test_a_model_too_large_to_compute_is_wrong() -> None:
    gold = "((x^8)^8)^8 > 0"
    assert "more than 4096 bits" in MODEL.verify(f"x = {'9' * 90}", gold).reason


def test_a_formula_that_no_model_can_state_raises() -> None:
    with pytest.raises(FormulaError, match="f is a function"):
        MODEL.verify("x = 1", "f(x) = 1")
