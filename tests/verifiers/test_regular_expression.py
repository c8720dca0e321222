"""Regular expressions: examples by RE2, equivalence by automata, beside greenery and by exhaustion."""

from __future__ import annotations

import itertools

import greenery
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palaestra.verifiers import Status
from palaestra.verifiers.regular_expression import EquivalenceVerifier, ExamplesVerifier, RegularExpressionError
from palaestra.verifiers.regular_expression.equivalence import distinguishing_text
from palaestra.verifiers.regular_expression.syntax import parse
from palaestra.verifiers.regular_expression.verifier import compiled

SAME = EquivalenceVerifier(rules=("whole",))

simple = st.recursive(
    st.sampled_from(("a", "b", "c", "[ab]", "[^a]", "")),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda sides: f"({sides[0]}|{sides[1]})"),
        st.tuples(inner, st.sampled_from(("*", "+", "?", "{2}", "{1,3}", "{2,}"))).map(lambda p: f"({p[0]}){p[1]}"),
    ),
    max_leaves=6,
)
TEXTS = ["".join(letters) for length in range(5) for letters in itertools.product("abc", repeat=length)]


@settings(max_examples=150, deadline=None)
@given(simple, simple)
def test_a_difference_is_one_that_re2_sees_and_none_is_hidden(a: str, b: str) -> None:
    matches_a, matches_b = compiled(a), compiled(b)
    text = distinguishing_text(parse(a), parse(b))
    if text is not None:
        assert matches_a(text) != matches_b(text)
    shortest = next((text for text in TEXTS if matches_a(text) != matches_b(text)), None)
    assert shortest is None or (text is not None and len(text) <= len(shortest))


@settings(max_examples=40, deadline=None)
@given(simple, simple)
def test_greenery_agrees(a: str, b: str) -> None:
    theirs = greenery.parse(a).equivalent(greenery.parse(b))
    assert (distinguishing_text(parse(a), parse(b)) is None) == theirs


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab()[]{}|*+?^$.\\dwsx-,:P<>=!0123") | st.characters(), max_size=30))
def test_no_text_raises_and_what_is_read_means_what_re2_means(text: str) -> None:
    assert ExamplesVerifier(("ab",), ("ba",), ("whole",)).verify(text).status in Status
    verdict = SAME.verify(text, "ab*")
    assert verdict.status in Status
    if "example" in verdict.evidence and verdict.evidence["example"].isalnum():
        example = verdict.evidence["example"]
        assert compiled(text.strip())(example) != compiled("ab*")(example)


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("(a|b)*", "[ab]*"),
        (r"^\d{3}-\d{4}$", "[0-9]{3}-[0-9]{4}"),
        (r"\w+", "[A-Za-z0-9_]+"),
        (r"[\w-]", "[-0-9A-Z_a-z]"),
        ("[^\\n]", "."),
        ("a{2,4}", "aaa?a?"),
        ("a*?b", "a*b"),
        ("(?:ab)+", "(?P<pair>ab)(ab)*"),
        ("(a*)*", "a*"),
        ("(a+b?){2,}", "a+(b?a+)+b?"),
        ("a||b", "a?|b"),
        ("a{0}", ""),
        ("[]a]", r"a|\]"),
        ("a{,3}", r"a\{,3\}"),
        (r"\x41\x{42}\.", "AB[.]"),
        ("^a|b$", "a|b"),
        (r"\Aa|(b\z)", "a|b"),
        ("(^(a|^b)c*$)", "[ab]c*"),
        ("(?:|^a)(b|$)$", "a?b?"),
        ("^{,3}", r"\{,3\}"),
        ("(a?){100}", "a{0,100}"),
        ("(0|1(01*0)*1)*", "(0|11|10(1|00)*01)*"),
        ("é+", "éé*"),
    ],
)
def test_equivalent_expressions(answer: str, gold: str) -> None:
    verdict = SAME.verify(answer, gold)
    assert verdict.right, verdict.reason


@pytest.mark.parametrize(
    ("answer", "gold", "reason"),
    [
        ("a*b", "a+b", "a*b matches 'b'"),
        ("a+b", "a*b", "a+b does not match 'b'"),
        (".", r"[\d\D]", ". does not match '\\\\n'"),
        ("[a-y]", "[a-z]", "[a-y] does not match 'z'"),
        (".*", "[ab]*", ".* matches"),
    ],
)
def test_a_difference_is_shown(answer: str, gold: str, reason: str) -> None:
    verdict = SAME.verify(answer, gold)
    assert verdict.status is Status.WRONG
    assert verdict.reason.startswith(reason)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("(", "missing )"),
        ("a**", "bad repetition operator"),
        ("(?i)a", "a flag"),
        ("(?=a)b", "invalid perl operator"),
        (r"(a)\1", "invalid escape sequence"),
        (r"\ba", "\\b is not read here"),
        (r"\pL", "\\p is not read here"),
        ("[[:alpha:]]", "a POSIX class"),
        ("a^b", "^ or $ within an expression"),
        ("(b|^a)*", "a quantifier of ^ or $"),
        ("(a|b$)c", "^ or $ within an expression"),
        ("^?a", "a quantifier of ^ or $"),
        ("b|^*a", "a quantifier of ^ or $"),
        ("^{2}a", "a quantifier of ^ or $"),
        ("a$?", "a quantifier of ^ or $"),
        ("((a{100}){100}){100}", "invalid repetition size"),
        ("a{101}", "a repetition above 100"),
        ("(abcdefg){100}", "more than 600 characters once repetitions are written out"),
        ("(" * 31 + "a" + ")" * 31, "nested deeper than 30"),
        ("a" * 1001, "longer than 1000 characters"),
        ("\ud800", "a lone surrogate"),
        ("(a|b)*a(a|b){20}|(a|b)*", "the answer is too complex"),
    ],
)
def test_what_cannot_be_read_is_wrong_and_told(answer: str, reason: str) -> None:
    verdict = SAME.verify(answer, "[ab]*")
    assert verdict.status is Status.WRONG
    assert reason in verdict.reason


@pytest.mark.parametrize("gold", ["(", "a^b", "(a|b)*a(a|b){20}"])
def test_a_gold_that_no_answer_can_be_compared_with_raises(gold: str) -> None:
    with pytest.raises(RegularExpressionError, match="the gold expression"):
        SAME.verify("a", gold)


def test_examples_decide() -> None:
    verifier = ExamplesVerifier(("ab", "aab"), ("b", "ba", "abb\n"))
    assert verifier.verify(r"so \boxed{a+b}").right
    assert verifier.verify(r"\boxed{a*b}").reason == "a*b matches 'b'"
    assert verifier.verify(r"\boxed{ab}").reason == "ab does not match 'aab'"
    assert verifier.verify(r"\boxed{.*}").status is Status.WRONG
    assert verifier.verify("a+b").reason == "no answer found"


def test_matching_takes_linear_time_whatever_the_expression() -> None:
    verifier = ExamplesVerifier(("a" * 3000 + "b",), ("a" * 3000 + "c",), ("whole",))
    assert not verifier.verify("(a|a)*" * 20 + "((a+)+)+$").right


@pytest.mark.parametrize(
    ("matches", "rejects"), [((), ("a",)), (("a",), ()), (("a", "b"), ("b",)), (("\ud800",), ("a",))]
)
def test_examples_that_decide_nothing_are_refused(matches: tuple[str, ...], rejects: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"examples of both kinds|to be matched and rejected|surrogates"):
        ExamplesVerifier(matches, rejects)
